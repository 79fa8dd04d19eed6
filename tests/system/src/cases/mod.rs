//! The cases, by what they are about.

mod boot;
mod devices;
mod drivers;
mod packages;
mod programs;

use crate::case::{Case, Source};

/// All cases.
pub fn all() -> Vec<Case> {
    let mut list = boot::cases();
    list.extend(programs::cases());
    list.extend(drivers::cases());
    list.extend(devices::cases());
    list.extend(packages::cases());
    list
}

/// The guest programs of these names, where they belong.
fn programs<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<(String, Source)> {
    names.into_iter().map(|name| (format!("bin/{name}"), Source::Program(name.into()))).collect()
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
        let cases = all();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
    }
}
