//! Getting a crate's source with cargo itself, so that whatever registry, mirror or cache cargo is set up for serves it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::kitchen::{Kitchen, run};
use crate::recipe::{Dependency, Recipe};
use crate::share;

/// How a source is prepared; another number makes it be prepared again.
const WAY: &[u8] = b"2";

/// The source of a recipe, with our patches applied and a lock for its dependencies; answers its folder.
pub fn prepare(kitchen: &Kitchen, recipe: &Recipe) -> Result<PathBuf, String> {
    if let Some(path) = &recipe.path {
        return Ok(kitchen.tree.join(path));
    }
    let folder = kitchen.work.join("source").join(format!("{}-{}", recipe.name, recipe.version));
    let mark = folder.join(".prepared");
    let key = key(kitchen, recipe)?;
    if fs::read_to_string(&mark).is_ok_and(|done| done == key) {
        return Ok(folder);
    }
    unpack(kitchen, &recipe.name, &recipe.version, &recipe.checksum, &folder)?;
    // How its developers have set up cargo, a linker for our target perhaps, is not for here.
    remove(&folder.join(".cargo"))?;
    for patch in recipe.patches() {
        apply(&patch, &folder)?;
    }
    add(recipe, &folder)?;
    if let Some(lock) = recipe.lock() {
        copy(&lock, &folder.join("Cargo.lock"))?;
    }
    if let Some(like) = &recipe.like {
        share::versions(kitchen, &share::sibling(kitchen, like)?, &folder)?;
    }
    patch_dependencies(kitchen, recipe, &folder)?;
    write(&mark, &key)?;
    Ok(folder)
}

/// Gets a crate and puts it into this folder, afresh.
fn unpack(kitchen: &Kitchen, name: &str, version: &str, checksum: &str, folder: &Path) -> Result<(), String> {
    let archive = crate_file(kitchen, name, version)?;
    check(&archive, checksum)?;
    remove(folder)?;
    make(folder)?;
    let mut unpack = Command::new("tar");
    run(unpack.arg("-xzf").arg(&archive).arg("-C").arg(folder).arg("--strip-components=1"), "unpacking").map(drop)
}

/// Puts files of ours into a source, in folders that may not be there yet.
fn add(recipe: &Recipe, folder: &Path) -> Result<(), String> {
    recipe.add.iter().try_for_each(|(to, from)| {
        let to = folder.join(to);
        make(to.parent().unwrap_or(folder))?;
        copy(&recipe.folder.join(from), &to)
    })
}

fn apply(patch: &Path, folder: &Path) -> Result<(), String> {
    let mut command = Command::new("patch");
    run(command.args(["-p1", "--no-backup-if-mismatch", "-i"]).arg(patch).current_dir(folder), "a patch").map(drop)
}

/// Makes the patched copies of dependencies, tells cargo of them, and takes their origin out of the lock.
fn patch_dependencies(kitchen: &Kitchen, recipe: &Recipe, folder: &Path) -> Result<(), String> {
    if recipe.patched.is_empty() {
        return Ok(());
    }
    let (lock, manifest) = (folder.join("Cargo.lock"), folder.join("Cargo.toml"));
    // In the manifest, since a `--config` would be for the standard library as well, and have it built anew.
    let (mut locked, mut patched) = (read(&lock)?, read(&manifest)? + "\n[patch.crates-io]\n");
    for dependency in &recipe.patched {
        let checksum;
        (locked, checksum) = without_origin(&locked, dependency)?;
        let copy = patched_copy(kitchen, dependency, &checksum)?;
        let name = &dependency.name;
        // A key without dots; more than one version of a crate may be patched.
        let key = dependency.to_string().replace(['.', '+'], "_");
        patched += &format!("{key} = {{ package = {name:?}, path = {copy:?} }}\n");
    }
    write(&lock, &locked)?;
    write(&manifest, &patched)
}

/// The copy of a dependency with our patch, which all recipes share.
fn patched_copy(kitchen: &Kitchen, dependency: &Dependency, checksum: &str) -> Result<PathBuf, String> {
    let folder = kitchen.work.join("patched").join(dependency.to_string());
    let patch = kitchen.patch(dependency);
    let mut key = Sha256::new_with_prefix(checksum);
    key.update(fs::read(&patch).map_err(|error| format!("{}: {error}", patch.display()))?);
    let (mark, key) = (folder.join(".prepared"), hex(&key.finalize()));
    if fs::read_to_string(&mark).is_ok_and(|done| done == key) {
        return Ok(folder);
    }
    unpack(kitchen, &dependency.name, &dependency.version, checksum, &folder)?;
    apply(&patch, &folder)?;
    write(&mark, &key)?;
    Ok(folder)
}

/// A lock in which this dependency comes from nowhere, as cargo wants it of a patched one; and the checksum that stood there.
fn without_origin(lock: &str, dependency: &Dependency) -> Result<(String, String), String> {
    let head = format!("name = {:?}\nversion = {:?}\n", dependency.name, dependency.version);
    let missing = || format!("the lock has no {dependency} from a registry");
    let (before, after) = lock.split_once(&head).ok_or_else(missing)?;
    let (source, after) = after.split_once('\n').ok_or_else(missing)?;
    let (sum, after) = after.split_once('\n').ok_or_else(missing)?;
    let sum = sum.strip_prefix("checksum = \"").and_then(|sum| sum.strip_suffix('"')).ok_or_else(missing)?;
    if !source.starts_with("source = \"registry+") {
        return Err(missing());
    }
    Ok((format!("{before}{head}{after}"), sum.into()))
}

/// What the prepared source depends on.
fn key(kitchen: &Kitchen, recipe: &Recipe) -> Result<String, String> {
    let mut hash = Sha256::new();
    hash.update(WAY);
    hash.update(&recipe.checksum);
    let dependencies = recipe.patched.iter().map(|dependency| kitchen.patch(dependency));
    for path in recipe.ours().into_iter().chain(dependencies) {
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    if let Some(like) = &recipe.like {
        let other = share::sibling(kitchen, like)?;
        hash.update(&other.checksum);
        hash.update(other.lock().map_or(Ok(String::new()), |lock| read(&lock))?);
    }
    Ok(hex(&hash.finalize()))
}

/// Bytes as digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The crate's file as cargo has it, or gets it now.
pub fn crate_file(kitchen: &Kitchen, package: &str, version: &str) -> Result<PathBuf, String> {
    let name = format!("{package}-{version}.crate");
    if let Some(file) = cached(&kitchen.cargo_home, &name) {
        return Ok(file);
    }
    // A package that needs it: fetching for that package brings the crate.
    let asker = kitchen.work.join("ask").join(package);
    make(&asker.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"ask\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n[dependencies]\n{package} = \"={version}\"\n"
    );
    write(&asker.join("Cargo.toml"), &manifest)?;
    write(&asker.join("src/lib.rs"), "")?;
    let mut fetch = kitchen.cargo();
    fetch.args(["fetch", "--quiet", "--target", crate::kitchen::TARGET]).current_dir(&asker);
    let fetched = run(&mut fetch, "getting it (this needs the network once)");
    cached(&kitchen.cargo_home, &name)
        .ok_or_else(|| fetched.err().unwrap_or_else(|| format!("cargo has got it, but {name} is not in its cache")))
}

fn cached(cargo_home: &Path, name: &str) -> Option<PathBuf> {
    let registries = fs::read_dir(cargo_home.join("registry/cache")).ok()?;
    registries.flatten().map(|entry| entry.path().join(name)).find(|path| path.is_file())
}

/// Compares a file with its checksum.
pub fn check(file: &Path, wanted: &str) -> Result<(), String> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let sum = hex(&Sha256::digest(&bytes));
    if sum == wanted.to_ascii_lowercase() {
        return Ok(());
    }
    Err(format!("{} has the checksum {sum}, not that of the recipe", file.display()))
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

/// Makes a folder and those above it.
pub fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// Removes a folder, if it is there.
pub fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_compared() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        fs::write(&file, b"abc").unwrap();
        // FIPS 180-4's own example.
        let sum = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
        assert_eq!(check(&file, sum), Ok(()));
        assert!(check(&file, &sum.replace('B', "C")).unwrap_err().contains("ba7816bf"));
        assert!(check(&folder.path().join("y"), sum).is_err());
    }

    #[test]
    fn files_are_added_in_new_folders() {
        let (ours, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let text = "name = \"x\"\nversion = \"1\"\npath = \"x\"\nbinaries = [\"x\"]\n";
        fs::write(ours.path().join("recipe.toml"), text).unwrap();
        fs::write(ours.path().join("y.rs"), "//! Y.").unwrap();
        let mut recipe = Recipe::read(ours.path()).unwrap();
        recipe.add = [("tests/y/mod.rs".into(), "y.rs".into())].into();
        assert_eq!(add(&recipe, source.path()), Ok(()));
        assert_eq!(read(&source.path().join("tests/y/mod.rs")).as_deref(), Ok("//! Y."));
        recipe.add = [("z.rs".into(), "z.rs".into())].into();
        assert!(add(&recipe, source.path()).unwrap_err().contains("z.rs"));
    }

    #[test]
    fn the_origin_of_a_dependency_leaves_the_lock() {
        let package = |name: &str, version: &str, origin: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{origin}dependencies = [\n \"x\",\n]\n\n")
        };
        let origin = "source = \"registry+https://somewhere\"\nchecksum = \"12ab\"\n";
        let others = package("nix", "0.31.4", origin) + &package("nix-x", "0.32.0", origin);
        let lock = others.clone() + &package("nix", "0.32.0", origin);
        let dependency = Dependency::try_from(String::from("nix-0.32.0")).unwrap();
        let (lock, sum) = without_origin(&lock, &dependency).unwrap();
        assert_eq!((lock.as_str(), sum.as_str()), ((others + &package("nix", "0.32.0", "")).as_str(), "12ab"));
        assert!(without_origin(&lock, &dependency).unwrap_err().contains("no nix-0.32.0 from a registry"));
    }

    #[test]
    fn a_crate_is_found_in_any_registry() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(cached(home.path(), "a-1.crate"), None);
        let registry = home.path().join("registry/cache/somewhere");
        make(&registry).unwrap();
        fs::write(registry.join("a-1.crate"), b"").unwrap();
        assert_eq!(cached(home.path(), "a-1.crate"), Some(registry.join("a-1.crate")));
    }
}
