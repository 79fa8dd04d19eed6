//! Getting a crate's source with cargo itself, so that whatever registry, mirror or cache cargo is set up for serves it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::kitchen::{Kitchen, run};
use crate::recipe::Recipe;

/// The source of a recipe, with our patches applied and a lock for its dependencies; answers its folder.
pub fn prepare(kitchen: &Kitchen, recipe: &Recipe) -> Result<PathBuf, String> {
    if let Some(path) = &recipe.path {
        return Ok(kitchen.tree.join(path));
    }
    let folder = kitchen.work.join("source").join(format!("{}-{}", recipe.name, recipe.version));
    let mark = folder.join(".prepared");
    let key = key(recipe)?;
    if fs::read_to_string(&mark).is_ok_and(|done| done == key) {
        return Ok(folder);
    }
    let archive = crate_file(kitchen, recipe)?;
    check(&archive, &recipe.checksum)?;
    remove(&folder)?;
    make(folder.parent().unwrap_or(&kitchen.work))?;
    let mut unpack = Command::new("tar");
    run(unpack.arg("-xzf").arg(&archive).arg("-C").arg(kitchen.work.join("source")), "unpacking")?;
    for patch in recipe.patches() {
        run(
            Command::new("patch").args(["-p1", "--no-backup-if-mismatch", "-i"]).arg(&patch).current_dir(&folder),
            "a patch",
        )?;
    }
    if let Some(lock) = recipe.lock() {
        fs::copy(&lock, folder.join("Cargo.lock")).map_err(|error| format!("{}: {error}", lock.display()))?;
    }
    fs::write(&mark, key).map_err(|error| format!("{}: {error}", mark.display()))?;
    Ok(folder)
}

/// What the prepared source depends on.
fn key(recipe: &Recipe) -> Result<String, String> {
    let mut hash = Sha256::new();
    hash.update(&recipe.checksum);
    for path in recipe.patches().into_iter().chain(recipe.lock()) {
        hash.update(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(hex(&hash.finalize()))
}

/// Bytes as digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The crate's file as cargo has it, or gets it now.
fn crate_file(kitchen: &Kitchen, recipe: &Recipe) -> Result<PathBuf, String> {
    let name = format!("{}-{}.crate", recipe.name, recipe.version);
    if let Some(file) = cached(&kitchen.cargo_home, &name) {
        return Ok(file);
    }
    // A package that needs it: fetching for that package brings the crate.
    let asker = kitchen.work.join("ask").join(&recipe.name);
    make(&asker.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"ask\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n[dependencies]\n{} = \"={}\"\n",
        recipe.name, recipe.version
    );
    let put =
        |path: PathBuf, text: &str| fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()));
    put(asker.join("Cargo.toml"), &manifest)?;
    put(asker.join("src/lib.rs"), "")?;
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
fn check(file: &Path, wanted: &str) -> Result<(), String> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let sum = hex(&Sha256::digest(&bytes));
    if sum == wanted.to_ascii_lowercase() {
        return Ok(());
    }
    Err(format!("{} has the checksum {sum}, not that of the recipe", file.display()))
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
    fn a_crate_is_found_in_any_registry() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(cached(home.path(), "a-1.crate"), None);
        let registry = home.path().join("registry/cache/somewhere");
        make(&registry).unwrap();
        fs::write(registry.join("a-1.crate"), b"").unwrap();
        assert_eq!(cached(home.path(), "a-1.crate"), Some(registry.join("a-1.crate")));
    }
}
