//! Where things are, and how cargo is called.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::recipe::{Dependency, Recipe};
use crate::source::hex;

/// The target that all is built for.
pub const TARGET: &str = "x86_64-unknown-redox";
/// Lines of a failed command that are shown.
const LAST_LINES: usize = 40;
/// How everything is built: one profile for all, so that the library and common dependencies are built once. Optimised a little,
/// because these are many and large.
const PROFILE: [(&str, &str); 7] = [
    ("OPT_LEVEL", "1"),
    ("LTO", "off"),
    ("CODEGEN_UNITS", "16"),
    ("DEBUG", "0"),
    ("STRIP", "none"),
    ("PANIC", "unwind"),
    ("INCREMENTAL", "false"),
];

/// The places and tools.
#[derive(Clone, Debug)]
pub struct Kitchen {
    /// The root of this tree.
    pub tree: PathBuf,
    /// Where sources and what is built of them are.
    pub work: PathBuf,
    /// Where finished packages are.
    pub packages: PathBuf,
    /// Cargo's own folder.
    pub cargo_home: PathBuf,
    /// Cargo.
    cargo: PathBuf,
}

impl Kitchen {
    /// With the cargo of the Makefile (`CARGO`), or whichever is found.
    pub fn new(tree: &Path) -> Result<Self, String> {
        let tree = fs::canonicalize(tree).map_err(|error| format!("{}: {error}", tree.display()))?;
        let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
        let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
        Ok(Kitchen {
            work: tree.join("build/cook"),
            packages: tree.join("build/packages"),
            cargo_home: cargo_home.ok_or("neither CARGO_HOME nor HOME is set")?,
            cargo: env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
            tree,
        })
    }

    /// Our patch of a dependency.
    pub fn patch(&self, dependency: &Dependency) -> PathBuf {
        self.tree.join(format!("recipes/patches/{dependency}.patch"))
    }

    /// Where executables come out.
    pub fn built(&self) -> PathBuf {
        self.work.join("target").join(TARGET).join("release")
    }

    /// A call of cargo with our profile.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", self.work.join("target"));
        // Our patch of `uucore` looks there for crates, and cargo itself tells build scripts nothing of it.
        command.env("CARGO_HOME", &self.cargo_home);
        // What cargo tells the programs that it starts is not meant for the next cargo.
        command.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
        for (name, value) in PROFILE {
            command.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
        }
        command
    }

    /// Adds to a call of cargo which source it is for, and for what.
    pub fn for_source(&self, command: &mut Command, source: &Path, recipe: &Recipe, more: &[String]) {
        command.current_dir(source).args(["--release", "--locked", "--target", TARGET, "-Zbuild-std=std,panic_abort"]);
        self.features(command, recipe, more);
    }

    /// Adds the features of a recipe to a call of cargo, and some more.
    pub fn features(&self, command: &mut Command, recipe: &Recipe, more: &[String]) {
        if !recipe.default_features {
            command.arg("--no-default-features");
        }
        let features = [&recipe.features[..], more].concat();
        if !features.is_empty() {
            command.arg("--features").arg(features.join(","));
        }
    }

    /// What a package depends on besides its own source: the compiler, the C library, the way things are built.
    pub fn key(&self, recipe: &Recipe) -> Result<String, String> {
        let mut hash = Sha256::new();
        let text = fs::read(recipe.folder.join("recipe.toml")).map_err(|error| error.to_string())?;
        hash.update(text);
        let dependencies = recipe.patched.iter().map(|dependency| self.patch(dependency));
        for path in recipe.ours().into_iter().chain(dependencies) {
            hash.update(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
        if let Some(path) = &recipe.path {
            hash_folder(&mut hash, &self.tree.join(path))?;
        }
        let compiler = self.cargo().arg("-vV").output().map_err(|error| format!("cargo: {error}"))?;
        hash.update(compiler.stdout);
        for path in ["build/sysroot/lib/libc.a", "userspace/cc", ".cargo/config.toml"] {
            let path = self.tree.join(path);
            hash.update(
                fs::read(&path).map_err(|error| format!("{}: {error} (`make sysroot` makes it)", path.display()))?,
            );
        }
        let mut profile = DefaultHasher::new();
        PROFILE.hash(&mut profile);
        hash.update(profile.finish().to_le_bytes());
        Ok(hex(&hash.finalize()))
    }

    /// Cargo does not know that programs are linked with our C library: takes their traces away, so that they are linked anew.
    pub fn forget(&self, package: &str) {
        let entries = fs::read_dir(self.built().join(".fingerprint")).into_iter().flatten().flatten();
        let is_its = |name: &str| {
            name.strip_prefix(package).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| !rest.contains('-'))
        };
        for entry in entries.filter(|entry| entry.file_name().to_str().is_some_and(is_its)) {
            // What cannot be removed is not forgotten; the program is linked with the older library then.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// All files of a folder of ours, but what is built there.
fn hash_folder(hash: &mut Sha256, folder: &Path) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            hash_folder(hash, &path)?;
        } else {
            hash.update(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    Ok(())
}

/// Runs a command; when it fails, the error is what it does and the end of what it said.
pub fn run(command: &mut Command, what: &str) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.output().map_err(|error| format!("{what}: {program}: {error}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    // What cargo tells programs is not for people.
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("{\"reason\":")).collect();
    let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n    ");
    Err(format!("{what}: {program} failed ({})\n    {last}", done.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_what_was_said() {
        let script = "echo one; echo '{\"reason\":\"x\"}'; echo two >&2; exit 3";
        let failed = run(Command::new("sh").args(["-c", script]), "trying").unwrap_err();
        assert!(failed.starts_with("trying: sh failed"), "{failed}");
        assert!(failed.contains("one") && failed.contains("two") && !failed.contains("reason"));
        assert_eq!(run(Command::new("echo").arg("x"), "saying"), Ok("x\n".into()));
        assert!(run(&mut Command::new("/no/such/thing"), "trying").unwrap_err().contains("/no/such/thing"));
    }

    #[test]
    fn traces_of_the_package_and_no_other_go() {
        let tree = tempfile::tempdir().unwrap();
        let kitchen = Kitchen::new(tree.path()).unwrap();
        let traces = kitchen.built().join(".fingerprint");
        for name in ["rg-0a", "rg-0b", "rg-core-0c", "rgx-0d"] {
            fs::create_dir_all(traces.join(name)).unwrap();
        }
        kitchen.forget("rg");
        let left = |name: &str| traces.join(name).exists();
        assert!(!left("rg-0a") && !left("rg-0b") && left("rg-core-0c") && left("rgx-0d"));
    }
}
