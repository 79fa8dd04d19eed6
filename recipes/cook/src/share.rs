//! Gives a source the versions of dependencies that are built for another recipe: the calls of cargo around what `lock.rs` decides.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::kitchen::{Kitchen, TARGET, run};
use crate::lock;
use crate::recipe::Recipe;
use crate::source::{check, crate_file, prepare, read, write};

/// The recipe of another name whose versions are wanted. That one has its own.
pub fn sibling(kitchen: &Kitchen, name: &str) -> Result<Recipe, String> {
    let other = Recipe::read(&kitchen.tree.join("recipes").join(name))?;
    if other.like.is_some() || other.path.is_some() {
        return Err(format!("{name} cannot be an example for others: it has no versions of its own"));
    }
    Ok(other)
}

/// The lock that a recipe's crate ships, or that is kept beside it.
fn lock_of(kitchen: &Kitchen, recipe: &Recipe) -> Result<String, String> {
    if let Some(lock) = recipe.lock() {
        return read(&lock);
    }
    let archive = crate_file(kitchen, &recipe.name, &recipe.version)?;
    check(&archive, &recipe.checksum)?;
    let name = format!("{}-{}/Cargo.lock", recipe.name, recipe.version);
    run(Command::new("tar").arg("-xzOf").arg(&archive).arg(name), "reading its lock")
}

/// What is built for a recipe, as `cargo tree` lists it.
fn tree(kitchen: &Kitchen, recipe: &Recipe) -> Result<String, String> {
    let source = prepare(kitchen, recipe)?;
    let mut tree = kitchen.cargo();
    tree.args(["tree", "--locked", "--prefix", "none", "--edges", "normal,build", "--target", TARGET]);
    kitchen.features(&mut tree, recipe, &[]);
    run(tree.current_dir(source), "listing what is built")
}

/// Puts versions of the other recipe into the lock of a source; see `lock.rs`.
pub fn versions(kitchen: &Kitchen, other: &Recipe, folder: &Path) -> Result<(), String> {
    let path = folder.join("Cargo.lock");
    let mut built = lock::built(&tree(kitchen, other)?);
    let (own, other) = (read(&path)?, lock_of(kitchen, other)?);
    let mut kept = BTreeSet::new();
    loop {
        write(&path, &lock::merged(&own, &other, &built, &kept))?;
        // Nothing that is in the lock becomes newer by this; what nothing wants goes.
        let mut settle = kitchen.cargo();
        let done = run(settle.args(["update", "--workspace", "--quiet"]).current_dir(folder), "sharing versions");
        match done {
            Err(error) if lock::give_way(&mut built, &error, &other) => continue,
            done => done.map(drop)?,
        }
        let settled = read(&path)?;
        let chosen = lock::chosen(&settled, &own, &other);
        if chosen.is_empty() {
            return Ok(());
        }
        let before = kept.len();
        kept.extend(lock::dependents(&settled, &chosen));
        kept.extend(chosen.iter().cloned());
        if kept.len() == before {
            return Err(format!("versions that no lock has: {}", Vec::from_iter(chosen).join(", ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_example_has_its_own_versions() {
        let tree = tempfile::tempdir().unwrap();
        let kitchen = Kitchen::new(tree.path()).unwrap();
        let sum = format!("checksum = \"{}\"\n", "0".repeat(64));
        for (name, more) in
            [("own", sum.clone()), ("like", sum + "like = \"own\"\n"), ("here", "path = \"x\"\n".into())]
        {
            let folder = tree.path().join("recipes").join(name);
            fs::create_dir_all(&folder).unwrap();
            let text = format!("name = \"{name}\"\nversion = \"1.0.0\"\nbinaries = [\"x\"]\n{more}");
            fs::write(folder.join("recipe.toml"), text).unwrap();
        }
        assert_eq!(sibling(&kitchen, "own").unwrap().name, "own");
        for name in ["like", "here"] {
            assert!(sibling(&kitchen, name).unwrap_err().contains("no versions of its own"));
        }
        assert!(sibling(&kitchen, "none").unwrap_err().contains("none"));
    }
}
