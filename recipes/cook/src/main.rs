//! `cook`: builds other people's programs for Ochre by recipe, and runs their own tests in it. See `docs/recipes.md`.
#![forbid(unsafe_code)]

mod build;
mod kitchen;
mod lock;
mod recipe;
mod share;
mod source;
mod suite;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::*;

use kitchen::{Kitchen, run};
use recipe::Recipe;

/// What `--help` prints.
const USAGE: &str = "\
cook build NAME...           makes the packages of these recipes, or of all (`all`), in build/packages
cook test NAME...            runs the crates' own tests in Ochre: of these recipes, of all that have some (`all`), or of those
                             that do not take long (`quick`)
cook lock NAME...            writes a Cargo.lock beside the recipe of a crate that ships none
cook list                    the recipes

    --tree DIR     the root of Ochre's tree (default: the current directory)
    --runner FILE  ochre-run, for `test`
";

/// What is asked for.
#[derive(Default)]
struct Options {
    tree: PathBuf,
    runner: PathBuf,
    words: Vec<String>,
}

fn main() -> ExitCode {
    match parse(lexopt::Parser::from_env()).map_err(|error| error.to_string()).and_then(|options| obey(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cook: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: lexopt::Parser) -> Result<Options, lexopt::Error> {
    let mut options = Options { tree: ".".into(), ..Options::default() };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("tree") => options.tree = arguments.value()?.into(),
            Long("runner") => options.runner = arguments.value()?.into(),
            Long("help") | Short('h') => options.words = vec!["help".into()],
            Value(word) => options.words.push(word.string()?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(options)
}

fn obey(options: &Options) -> Result<(), String> {
    let kitchen = Kitchen::new(&options.tree)?;
    let (verb, names) = options.words.split_first().ok_or("what is to be done? --help tells more")?;
    match verb.as_str() {
        "build" => each(chosen(&kitchen, names, Recipe::has_programs)?, |recipe| build::cook(&kitchen, recipe)),
        "test" => {
            let quick = names.iter().any(|name| name == "quick");
            let wanted = |recipe: &Recipe| recipe.test.as_ref().is_some_and(|test| !quick || !test.slow);
            let runner = fs::canonicalize(&options.runner).map_err(|error| format!("--runner: {error}"))?;
            each(chosen(&kitchen, names, wanted)?, |recipe| {
                let tests = recipe.test.as_ref().ok_or("it has no tests that are run")?;
                suite::test(&kitchen, recipe, tests, &runner).map(drop)
            })
        }
        "lock" => each(chosen(&kitchen, names, |_| true)?, |recipe| lock(&kitchen, recipe)),
        "list" => {
            all(&kitchen)?.iter().for_each(|recipe| println!("{} {}", recipe.name, recipe.version));
            Ok(())
        }
        "help" => {
            print!("{USAGE}");
            Ok(())
        }
        other => Err(format!("{other}: --help tells what there is")),
    }
}

/// Does something with each of them; those that fail are told of at once, and together at the end.
fn each(recipes: Vec<Recipe>, work: impl Fn(&Recipe) -> Result<(), String>) -> Result<(), String> {
    let mut failed = Vec::new();
    for recipe in &recipes {
        if let Err(error) = work(recipe) {
            eprintln!("cook: {}: {error}", recipe.name);
            failed.push(recipe.name.as_str());
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn recipes_folder(kitchen: &Kitchen) -> PathBuf {
    kitchen.tree.join("recipes")
}

fn all(kitchen: &Kitchen) -> Result<Vec<Recipe>, String> {
    let folder = recipes_folder(kitchen);
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.retain(|path| path.join("recipe.toml").is_file());
    folders.sort();
    folders.iter().map(|folder| Recipe::read(folder)).collect()
}

/// The recipes of these names; `all` and `quick` stand for all those for which `wanted` holds.
fn chosen(kitchen: &Kitchen, names: &[String], wanted: impl Fn(&Recipe) -> bool) -> Result<Vec<Recipe>, String> {
    match names {
        [] => Err("which recipes? `cook list` lists them".into()),
        [name] if name == "all" || name == "quick" => Ok(all(kitchen)?.into_iter().filter(wanted).collect()),
        names => names.iter().map(|name| Recipe::read(&recipes_folder(kitchen).join(Path::new(name)))).collect(),
    }
}

/// Lets cargo choose the versions of a crate's dependencies now, and keeps its choice beside the recipe.
fn lock(kitchen: &Kitchen, recipe: &Recipe) -> Result<(), String> {
    // What is patched may not be in the lock that is there.
    let source = source::prepare(kitchen, &Recipe { patched: Vec::new(), ..recipe.clone() })?;
    run(kitchen.cargo().args(["generate-lockfile", "--quiet"]).current_dir(&source), "choosing versions")?;
    let to = recipe.folder.join("Cargo.lock");
    fs::copy(source.join("Cargo.lock"), &to).map_err(|error| format!("{}: {error}", to.display()))?;
    println!("  {}: {}", recipe.name, to.display());
    Ok(())
}
