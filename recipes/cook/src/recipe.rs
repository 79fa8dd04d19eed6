//! A recipe: what to get, how to build it, what to keep of it, which of its own tests to run.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A recipe as `recipes/NAME/recipe.toml` has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// Name of the crate, which is also the package's.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// SHA-256 of the `.crate` file, as a Cargo.lock has it. Not with `path`.
    #[serde(default)]
    pub checksum: String,
    /// A folder of this tree that the source is in, instead of crates.io.
    pub path: Option<PathBuf>,
    /// Whether the crate's default features are on.
    #[serde(default = "yes")]
    pub default_features: bool,
    /// Features besides.
    #[serde(default)]
    pub features: Vec<String>,
    /// Executables that are installed in `bin`.
    #[serde(default)]
    pub binaries: Vec<String>,
    /// Examples of the crate that are installed in `bin`, and under which names.
    #[serde(default)]
    pub examples: BTreeMap<String, String>,
    /// Other names of executables in `bin`, as symbolic links.
    #[serde(default)]
    pub names: BTreeMap<String, Vec<String>>,
    /// Files of the source that are installed: place in the package, place in the source.
    #[serde(default)]
    pub files: BTreeMap<String, PathBuf>,
    /// Files of ours that belong to the source: place in the source, place in the recipe's folder.
    #[serde(default)]
    pub add: BTreeMap<String, PathBuf>,
    /// Dependencies, `NAME-VERSION`, that are built with our patch from `recipes/patches`.
    #[serde(default)]
    pub patched: Vec<Dependency>,
    /// A recipe whose versions of dependencies are taken where they will do.
    pub like: Option<String>,
    /// Its own tests, if they are run.
    pub test: Option<Tests>,
    /// The folder of the recipe.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// A crate that another one depends on, `NAME-VERSION`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Dependency {
    /// Name of the crate.
    pub name: String,
    /// Its exact version.
    pub version: String,
}

impl TryFrom<String> for Dependency {
    type Error = String;

    /// A version begins with the first hyphen that a digit follows.
    fn try_from(text: String) -> Result<Self, String> {
        let at = text
            .match_indices('-')
            .map(|(at, _)| at)
            .find(|at| text[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
        let (name, version) = at.map(|at| (&text[..at], &text[at + 1..])).ok_or("a dependency is NAME-VERSION")?;
        if !is_plain(name) || !is_plain(version) {
            return Err(format!("{text:?} is no crate's name and version"));
        }
        Ok(Dependency { name: name.into(), version: version.into() })
    }
}

impl Display for Dependency {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.name, self.version)
    }
}

/// How a crate's own tests are run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tests {
    /// Features for the tests.
    #[serde(default)]
    pub features: Vec<String>,
    /// Targets as cargo's options name them: `lib`, `test=NAME`. All unit and integration tests when there are none.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Tests that are left out, each with the reason.
    #[serde(default)]
    pub skip: BTreeMap<String, String>,
    /// Processors of the machine.
    #[serde(default = "two")]
    pub cpus: u32,
    /// Seconds that one of its programs may take.
    #[serde(default = "ten_minutes")]
    pub seconds: u64,
    /// How many tests must have passed: fewer means that they were not all there.
    pub passes: usize,
    /// It takes its time: not among the quick ones.
    #[serde(default)]
    pub slow: bool,
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'))
}

fn yes() -> bool {
    true
}

fn two() -> u32 {
    2
}

fn ten_minutes() -> u64 {
    600
}

impl Recipe {
    /// Reads the recipe of a folder.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("recipe.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut recipe = Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        recipe.folder = folder.into();
        Ok(recipe)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let recipe: Recipe = toml::from_str(text).map_err(|error| error.to_string())?;
        if !is_plain(&recipe.name) || !is_plain(&recipe.version) {
            return Err(format!("{:?} {:?} is no crate's name and version", recipe.name, recipe.version));
        }
        let is_sum = recipe.checksum.len() == 64 && recipe.checksum.bytes().all(|byte| byte.is_ascii_hexdigit());
        if recipe.path.is_none() && !is_sum {
            return Err("the checksum is not a SHA-256 of 64 digits".into());
        }
        let outside = |path: &Path| path.is_absolute() || path.components().any(|part| part.as_os_str() == "..");
        if recipe.files.iter().chain(&recipe.add).any(|(to, from)| outside(Path::new(to)) || outside(from)) {
            return Err("a file lies outside of the package or the source".into());
        }
        if recipe.names.keys().any(|binary| !recipe.binaries.contains(binary)) {
            return Err("an executable that is not installed has other names".into());
        }
        if recipe.names.values().flatten().any(|name| name.is_empty() || name.contains('/')) {
            return Err("another name of an executable is no file name".into());
        }
        if recipe.path.is_some() && !(recipe.add.is_empty() && recipe.patched.is_empty() && recipe.like.is_none()) {
            return Err("a folder of this tree is not patched, and has its own versions".into());
        }
        if recipe.like.as_ref().is_some_and(|like| !is_plain(like)) {
            return Err("what it is like is no recipe's name".into());
        }
        if recipe.examples.values().any(|name| name.is_empty() || name.contains('/')) {
            return Err("the name of an example is no file name".into());
        }
        if !recipe.has_programs() && recipe.test.is_none() {
            return Err("nothing is wanted of it: neither binaries nor tests".into());
        }
        Ok(recipe)
    }

    /// Whether a package is made of it.
    pub fn has_programs(&self) -> bool {
        !(self.binaries.is_empty() && self.examples.is_empty())
    }

    /// Our patches to it, in the order of their names.
    pub fn patches(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut patches: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "patch"))
            .collect();
        patches.sort();
        patches
    }

    /// What of ours goes into the source: patches, added files, the lock.
    pub fn ours(&self) -> Vec<PathBuf> {
        let added = self.add.values().map(|from| self.folder.join(from));
        self.patches().into_iter().chain(added).chain(self.lock()).collect()
    }

    /// The lock that is kept beside the recipe, where the crate ships none.
    pub fn lock(&self) -> Option<PathBuf> {
        Some(self.folder.join("Cargo.lock")).filter(|path| path.is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn parse(more: &str) -> Result<Recipe, String> {
        Recipe::parse(&format!("name = \"tool\"\nversion = \"1.2.3\"\n{more}"))
    }

    #[test]
    fn a_recipe_is_read() {
        let recipe = parse(&format!(
            "checksum = \"{SUM}\"\nbinaries = [\"t\"]\nfiles = {{ \"share/x\" = \"doc/x\" }}\n\
             names = {{ t = [\"[\", \"u\"] }}\nadd = {{ \"src/x.rs\" = \"x.rs\" }}\npatched = [\"a-b2-0.3.1\"]\n\
             [test]\npasses = 3\nskip = {{ \"a::b\" = \"needs fork\" }}"
        ))
        .unwrap();
        assert!(recipe.default_features && recipe.files["share/x"] == Path::new("doc/x"));
        assert_eq!(recipe.names["t"], ["[", "u"]);
        assert_eq!(recipe.patched, [Dependency { name: "a-b2".into(), version: "0.3.1".into() }]);
        assert_eq!(recipe.patched[0].to_string(), "a-b2-0.3.1");
        let tests = recipe.test.unwrap();
        assert_eq!((tests.cpus, tests.passes, tests.skip["a::b"].as_str()), (2, 3, "needs fork"));
        assert!(parse("path = \"x\"\nbinaries = [\"t\"]").is_ok());
        assert!(parse("path = \"x\"\nexamples = { a = \"t\" }").unwrap().has_programs());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (more, named) in [
            ("binaries = [\"t\"]", "SHA-256"),
            ("checksum = \"12\"\nbinaries = [\"t\"]", "SHA-256"),
            ("path = \"x\"", "nothing is wanted"),
            ("path = \"x\"\nbinaries = [\"t\"]\nfiles = { \"../x\" = \"y\" }", "outside"),
            ("path = \"x\"\nbinaries = [\"t\"]\nfiles = { \"x\" = \"/y\" }", "outside"),
            ("path = \"x\"\nbinaries = [\"t\"]\nnames = { u = [\"v\"] }", "not installed"),
            ("path = \"x\"\nbinaries = [\"t\"]\nnames = { t = [\"a/b\"] }", "no file name"),
            ("path = \"x\"\nexamples = { t = \"a/b\" }", "no file name"),
            ("path = \"x\"\nbinaries = [\"t\"]\nadd = { \"x\" = \"y\" }", "not patched"),
            ("path = \"x\"\nbinaries = [\"t\"]\npatched = [\"nix\"]", "NAME-VERSION"),
            ("path = \"x\"\nbinaries = [\"t\"]\nlike = \"y\"", "its own versions"),
            ("path = \"x\"\nbinarys = [\"t\"]", "binarys"),
            ("path = \"x\"\n[test]\nskip = {}", "passes"),
        ] {
            let error = parse(more).unwrap_err();
            assert!(error.contains(named), "{more}: {error}");
        }
        assert!(Recipe::parse("name = \"../x\"\nversion = \"1\"\npath = \"x\"\nbinaries = [\"t\"]").is_err());
    }
}
