//! Versions that many recipes share: a crate's own lock with the versions that are built for another recipe in it, wherever those will
//! do, so that one build of a dependency serves both. Every version still comes from one of the two locks, with its checksum.
//!
//! Which will do, cargo says: the locks are merged, cargo takes out what is not wanted, and where it has had to choose anew, the crate's
//! own lock is followed.

use std::collections::BTreeSet;

/// What begins each package of a lock.
const HEAD: &str = "[[package]]\n";

/// A package of a lock, as its text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Package<'a> {
    name: &'a str,
    version: &'a str,
    checksum: Option<&'a str>,
    text: &'a str,
}

impl Package<'_> {
    /// Whether one may stand for the other, as cargo reads a plain requirement: the leftmost part that is not zero is the same.
    fn fits(&self, other: &Self) -> bool {
        let series = |version: &str| {
            let parts: Vec<&str> = version.split(['-', '+']).next().unwrap_or_default().split('.').collect();
            let significant = parts.iter().position(|part| *part != "0").map_or(parts.len(), |at| at + 1);
            parts[..significant].join(".")
        };
        let early = |version: &str| version.split('+').next().is_some_and(|version| version.contains('-'));
        self.name == other.name
            && !early(self.version)
            && !early(other.version)
            && series(self.version) == series(other.version)
    }
}

/// The packages of a lock that come from a registry.
fn packages(lock: &str) -> Vec<Package<'_>> {
    lock.split(HEAD).skip(1).filter_map(package).filter(|package| package.checksum.is_some()).collect()
}

fn package(text: &str) -> Option<Package<'_>> {
    let value =
        |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'));
    Some(Package { name: value("name")?, version: value("version")?, checksum: value("checksum"), text })
}

/// A lock with the packages of both. Where one of `own` and one of `other` may stand for each other, it is the other's if that is `built`
/// (names and versions), and its name is not in `kept`.
pub fn merged(own: &str, other: &str, built: &BTreeSet<(String, String)>, kept: &BTreeSet<String>) -> String {
    let ours: Vec<Package> = own.split(HEAD).skip(1).filter_map(package).collect();
    let is_built = |their: &Package| built.contains(&(their.name.to_owned(), their.version.to_owned()));
    let wanted = |their: &Package| {
        !kept.contains(their.name) && is_built(their) || !ours.iter().any(|package| their.fits(package))
    };
    let theirs: Vec<Package> = packages(other).into_iter().filter(wanted).collect();
    let is_ours = |package: &Package| !theirs.iter().any(|their| package.checksum.is_some() && their.fits(package));
    let mut all: Vec<Package> = ours.iter().filter(|package| is_ours(package)).chain(&theirs).cloned().collect();
    all.sort_by_key(|package| (package.name, package.version));
    let texts = all.iter().map(|package| format!("{HEAD}{}\n", package.text.trim_end_matches('\n')));
    format!("version = 4\n\n{}", texts.collect::<Vec<_>>().join("\n"))
}

/// What is built, by the lines of `cargo tree`: `NAME vVERSION …`.
pub fn built(tree: &str) -> BTreeSet<(String, String)> {
    let entry = |line: &str| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    };
    tree.lines().filter_map(entry).collect()
}

/// Adds to what is taken from the other lock the package that cargo found no version of, since those of the two locks exclude each
/// other; answers whether that may help.
pub fn give_way(built: &mut BTreeSet<(String, String)>, said: &str, other: &str) -> bool {
    let name = said.split_once("failed to select a version for `").and_then(|(_, rest)| rest.split('`').next());
    let before = built.len();
    let named = packages(other).into_iter().filter(|package| Some(package.name) == name);
    built.extend(named.map(|package| (package.name.to_owned(), package.version.to_owned())));
    built.len() > before
}

/// Names of the packages of a lock that depend on one of these.
pub fn dependents(lock: &str, names: &BTreeSet<String>) -> BTreeSet<String> {
    let needs = |package: &Package| {
        let entries = package.text.lines().filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","));
        entries.filter_map(|entry| entry.split(' ').next()).any(|name| names.contains(name))
    };
    packages(lock).into_iter().filter(needs).map(|package| package.name.to_owned()).collect()
}

/// Names of the packages that neither of the two locks has in this version and with this checksum: cargo has chosen them.
pub fn chosen(lock: &str, own: &str, other: &str) -> BTreeSet<String> {
    let (own, other) = (packages(own), packages(other));
    let same = |a: &Package, b: &Package| (a.name, a.version, a.checksum) == (b.name, b.version, b.checksum);
    let locked = |package: &Package| own.iter().chain(&other).any(|known| same(known, package));
    packages(lock).into_iter().filter(|package| !locked(package)).map(|package| package.name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &[(&str, &str, &str)]) -> String {
        let text = |(name, version, sum): &(&str, &str, &str)| {
            let origin = format!("source = \"registry+https://somewhere\"\nchecksum = \"{sum}\"\n");
            let origin = if sum.is_empty() { "" } else { &origin };
            format!("\n{HEAD}name = \"{name}\"\nversion = \"{version}\"\n{origin}")
        };
        "# Made.\nversion = 4\n".to_owned() + &packages.iter().map(text).collect::<String>()
    }

    fn names(lock: &str) -> Vec<(&str, &str)> {
        lock.split(HEAD).skip(1).filter_map(package).map(|package| (package.name, package.version)).collect()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn built_versions_of_the_other_lock_stand_for_those_that_they_fit() {
        let own = lock(&[
            ("tool", "1.0.0", ""),
            ("a", "1.2.0", "1"),
            ("b", "0.3.1", "2"),
            ("c", "0.0.4", "3"),
            ("d", "2.0.0", "7"),
        ]);
        let other = lock(&[
            ("other", "1.0.0", ""),
            ("a", "1.9.0", "4"),
            ("b", "0.4.0", "5"),
            ("c", "0.0.5", "6"),
            ("d", "2.1.0", "8"),
        ]);
        let built = built("other v1.0.0 (/there)\na v1.9.0\nb v0.4.0\nc v0.0.5 (*)\n\n");
        let rest = [("b", "0.3.1"), ("b", "0.4.0"), ("c", "0.0.4"), ("c", "0.0.5"), ("d", "2.0.0"), ("tool", "1.0.0")];
        assert_eq!(names(&merged(&own, &other, &built, &set(&[]))), [&[("a", "1.9.0")], &rest[..]].concat());
        assert_eq!(names(&merged(&own, &other, &built, &set(&["a"]))), [&[("a", "1.2.0")], &rest[..]].concat());
    }

    #[test]
    fn a_version_that_is_not_finished_stands_for_no_other() {
        let all = |own: &str, other: &str| {
            let built = BTreeSet::from([("a".to_owned(), other.to_owned())]);
            let merged = merged(&lock(&[("a", own, "1")]), &lock(&[("a", other, "2")]), &built, &set(&[]));
            names(&merged).into_iter().map(|(_, version)| version.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(all("1.0.0-beta.1", "1.0.0"), ["1.0.0", "1.0.0-beta.1"]);
        assert_eq!(all("0.25.1+spec-1", "0.25.0+spec-1"), ["0.25.0+spec-1"]);
    }

    #[test]
    fn a_package_that_stands_in_the_way_is_taken_from_the_other_lock() {
        let other = lock(&[("a", "1.9.0", "4"), ("b", "0.4.0", "5")]);
        let said = "error: failed to select a version for `a`.\n ... required by package `b v1.0.0`";
        let mut taken = BTreeSet::new();
        assert!(give_way(&mut taken, said, &other) && taken == built("a v1.9.0"));
        assert!(!give_way(&mut taken, said, &other) && !give_way(&mut taken, "error: no network", &other));
    }

    #[test]
    fn dependents_are_found_by_the_name() {
        let one = format!("{}dependencies = [\n \"b\",\n \"c 1.0.0\",\n]\n", lock(&[("a", "1.0.0", "1")]));
        assert_eq!(dependents(&one, &set(&["c"])), set(&["a"]));
        assert_eq!(dependents(&one, &set(&["a", "d"])), set(&[]));
    }

    #[test]
    fn what_no_lock_has_was_chosen() {
        let (own, other) = (lock(&[("a", "1.2.0", "1")]), lock(&[("b", "1.0.0", "2")]));
        assert_eq!(
            chosen(&lock(&[("a", "1.2.0", "1"), ("b", "1.0.0", "2"), ("tool", "1.0.0", "")]), &own, &other),
            BTreeSet::new()
        );
        let strange = lock(&[("a", "1.2.1", "1"), ("b", "1.0.0", "3"), ("c", "1.0.0", "1")]);
        assert_eq!(chosen(&strange, &own, &other).into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
