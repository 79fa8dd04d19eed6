//! The cases, by what they are about.

mod boot;
mod desktop;
mod devices;
mod drivers;
mod foreign;
mod live;
mod packages;
mod programs;
mod windows;

use crate::case::{Case, Source};

/// All cases.
pub fn all() -> Vec<Case> {
    let mut list = boot::cases();
    list.extend(programs::cases());
    list.extend(drivers::cases());
    list.extend(devices::cases());
    list.extend(packages::cases());
    list.extend(live::cases());
    list.extend(desktop::cases());
    list.extend(windows::cases());
    list
}

/// Cases that want packages which take long to build.
pub fn slow() -> Vec<Case> {
    foreign::cases()
}

/// Units of the base daemons, as the system has them.
const UNITS: [(&str, &str); 4] = [
    ("zerod", include_str!("../../../../userspace/init/units/zerod.toml")),
    ("ramfs", include_str!("../../../../userspace/init/units/ramfs.toml")),
    ("ipcd", include_str!("../../../../userspace/init/units/ipcd.toml")),
    ("ptyd", include_str!("../../../../userspace/init/units/ptyd.toml")),
];

/// The guest programs of these names, where they belong, and the units of those that are base daemons.
fn programs<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<(String, Source)> {
    let mut files = Vec::new();
    for name in names {
        files.push((format!("bin/{name}"), Source::Program(name.into())));
        files.extend(UNITS.iter().filter(|(own, _)| *own == name).map(|(_, text)| unit(name, text)));
    }
    files
}

/// The unit of a service, where it belongs.
fn unit(name: &str, text: &str) -> (String, Source) {
    bytes(&format!("etc/init/{name}.toml"), text)
}

/// A file of bytes for an initfs.
fn bytes(path: &str, bytes: impl Into<Vec<u8>>) -> (String, Source) {
    (path.into(), Source::Bytes(bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_all_different() {
        let cases: Vec<Case> = all().into_iter().chain(slow()).collect();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
    }
}
