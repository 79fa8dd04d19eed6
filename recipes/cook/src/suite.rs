//! A crate's own tests, run inside Ochre: built here, carried in by the runner one program after the other.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::kitchen::{Kitchen, run};
use crate::recipe::{Recipe, Tests};
use crate::source;

/// A program with tests.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    path: PathBuf,
    /// What cargo calls it.
    name: String,
    /// The folder of its package, where cargo would run it.
    folder: PathBuf,
}

/// Builds and runs the tests of a recipe; answers how many passed. `runner` is `ochre-run`.
pub fn test(kitchen: &Kitchen, recipe: &Recipe, tests: &Tests, runner: &Path) -> Result<usize, String> {
    let name = format!("{} {}", recipe.name, recipe.version);
    println!("  {name}: building its tests");
    let started = Instant::now();
    let source = source::prepare(kitchen, recipe)?;
    let programs = build(kitchen, recipe, tests, &source)?;
    println!("  {name}: running them");
    let (mut passed, mut failed) = (0, Vec::new());
    for program in &programs {
        match run_one(kitchen, recipe, tests, program, runner) {
            Ok(these) => passed += these,
            Err(error) => failed.push(error),
        }
    }
    if !failed.is_empty() {
        return Err(format!("{passed} tests passed, but:\n{}", failed.join("\n")));
    }
    if passed < tests.passes {
        return Err(format!("{name}: {passed} tests passed, but there should be {}", tests.passes));
    }
    println!("  {name}: {passed} tests passed, {} left out, {} s", tests.skip.len(), started.elapsed().as_secs());
    Ok(passed)
}

fn build(kitchen: &Kitchen, recipe: &Recipe, tests: &Tests, source: &Path) -> Result<Vec<Program>, String> {
    kitchen.forget(&recipe.name);
    let mut command = kitchen.cargo();
    command.args(["test", "--quiet", "--no-run", "--message-format=json-render-diagnostics"]);
    kitchen.for_source(&mut command, source, recipe, &tests.features);
    if tests.targets.is_empty() {
        command.args(["--lib", "--tests"]);
    }
    for target in &tests.targets {
        match target.split_once('=') {
            Some((kind, name)) => command.arg(format!("--{kind}")).arg(name),
            None => command.arg(format!("--{target}")),
        };
    }
    let programs: Vec<Program> = run(&mut command, "building its tests")?.lines().filter_map(program).collect();
    if programs.is_empty() { Err("cargo has built no tests".into()) } else { Ok(programs) }
}

/// The program with tests that a line of cargo's messages tells of.
fn program(line: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let manifest = Path::new(message["manifest_path"].as_str()?);
    Some(Program {
        path: message["executable"].as_str()?.into(),
        name: message["target"]["name"].as_str()?.into(),
        folder: manifest.parent()?.into(),
    })
}

fn run_one(
    kitchen: &Kitchen,
    recipe: &Recipe,
    tests: &Tests,
    program: &Program,
    runner: &Path,
) -> Result<usize, String> {
    let mut command = Command::new(runner);
    command.arg("--build").arg(kitchen.tree.join("build")).arg("--cargo");
    command.args(["--cpus", &tests.cpus.to_string(), "--seconds", &tests.seconds.to_string()]).arg(&program.path);
    tests.skip.keys().for_each(|name| {
        command.arg("--skip").arg(name);
    });
    command.env("CARGO_MANIFEST_DIR", &program.folder).env("CARGO_PKG_NAME", &recipe.name);
    command.env("CARGO_PKG_VERSION", &recipe.version).current_dir(&program.folder).stdin(std::process::Stdio::null());
    let started = Instant::now();
    let said = run(&mut command, &format!("the tests of {}", program.name))?;
    let passed = summary(&said).ok_or_else(|| format!("{} does not say how its tests went", program.name))?;
    println!("    {}: {passed} passed, {} s", program.name, started.elapsed().as_secs());
    Ok(passed)
}

/// How many passed, by the last line of a program with tests.
fn summary(said: &str) -> Option<usize> {
    let line = said.lines().rev().find_map(|line| line.strip_prefix("test result: ok. "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_among_the_messages() {
        let line = |kind: &str, test: bool, executable: &str| {
            format!(
                "{{\"reason\":\"{kind}\",\"manifest_path\":\"/s/x-1/Cargo.toml\",\"target\":{{\"name\":\"t\"}},\
                 \"profile\":{{\"test\":{test}}},\"executable\":{executable}}}"
            )
        };
        let found = Program { path: "/t/x".into(), name: "t".into(), folder: "/s/x-1".into() };
        assert_eq!(program(&line("compiler-artifact", true, "\"/t/x\"")), Some(found));
        assert_eq!(program(&line("compiler-artifact", false, "\"/t/x\"")), None);
        assert_eq!(program(&line("compiler-artifact", true, "null")), None);
        assert_eq!(program(&line("build-finished", true, "\"/t/x\"")), None);
        assert_eq!(program("no json"), None);
    }

    #[test]
    fn the_summary_counts_what_passed() {
        let said = "running 3 tests\n...\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n\n";
        assert_eq!(summary(said), Some(3));
        assert_eq!(summary("test result: FAILED. 1 passed; 2 failed"), None);
        assert_eq!(summary(""), None);
    }
}
