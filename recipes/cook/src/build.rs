//! From a source to a package: the executables, stripped, and the files, in a folder that an image can take as it is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::kitchen::{Kitchen, run};
use crate::recipe::Recipe;
use crate::source::{self, make, remove};

/// File of a package that says what it was made of.
const MARK: &str = ".made-of";

/// Cooks a recipe, unless its package is there already.
pub fn cook(kitchen: &Kitchen, recipe: &Recipe) -> Result<(), String> {
    let name = format!("{} {}", recipe.name, recipe.version);
    let key = kitchen.key(recipe)?;
    let package = kitchen.packages.join(&recipe.name);
    if fs::read_to_string(package.join(MARK)).is_ok_and(|made| made == key) {
        println!("  {name}: nothing to do");
        return Ok(());
    }
    println!("  {name}: cooking");
    let started = Instant::now();
    let source = source::prepare(kitchen, recipe)?;
    build(kitchen, recipe, &source)?;
    // Made beside and then moved, so that a package is whole or not there.
    let fresh = kitchen.packages.join(format!("{}.new", recipe.name));
    remove(&fresh)?;
    install(kitchen, recipe, &source, &fresh)?;
    fs::write(fresh.join(MARK), key).map_err(|error| format!("{}: {error}", fresh.display()))?;
    remove(&package)?;
    fs::rename(&fresh, &package).map_err(|error| format!("{}: {error}", package.display()))?;
    println!("  {name}: done in {} s", started.elapsed().as_secs());
    Ok(())
}

fn build(kitchen: &Kitchen, recipe: &Recipe, source: &Path) -> Result<(), String> {
    kitchen.forget(&recipe.name);
    let mut command = kitchen.cargo();
    command.args(["build", "--quiet"]);
    kitchen.for_source(&mut command, source, recipe, &[]);
    recipe.binaries.iter().for_each(|binary| {
        command.args(["--bin", binary]);
    });
    recipe.examples.keys().for_each(|example| {
        command.args(["--example", example]);
    });
    run(&mut command, "building").map(drop)
}

fn install(kitchen: &Kitchen, recipe: &Recipe, source: &Path, package: &Path) -> Result<(), String> {
    let bin = package.join("bin");
    make(&bin)?;
    let binaries = recipe.binaries.iter().map(|binary| (kitchen.built().join(binary), binary));
    let examples = recipe.examples.iter().map(|(example, name)| (kitchen.built().join("examples").join(example), name));
    for (built, name) in binaries.chain(examples) {
        run(Command::new("strip").arg("-o").arg(bin.join(name)).arg(&built), "stripping")?;
    }
    for (binary, names) in &recipe.names {
        for name in names {
            symlink(binary, bin.join(name)).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    for (to, from) in &recipe.files {
        let to = package.join(to);
        make(to.parent().unwrap_or(package))?;
        fs::copy(source.join(from), &to).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    Ok(())
}
