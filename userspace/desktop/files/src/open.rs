//! Opening files: each with the program that fits best, programs in a terminal, and what nobody knows as numbers.

use std::path::{Path, PathBuf};

use ochre_ui::programs::{self, Program};

use crate::job::describe;
use crate::kind;

/// Shows bytes, and keeps the window until somebody has seen them. `$1` is the file.
const NUMBERS: &str = "hexyl -- \"$1\"; printf '\\nEnter closes this window. '; read -r line";

/// What is started, and with which arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Start {
    program: Program,
    arguments: Vec<PathBuf>,
}

/// How a file of a kind is opened; none if no program is there for it.
fn how(programs: &[Program], kind: &str, path: &Path) -> Option<Start> {
    let terminal = |exec: &str| Program { exec: exec.into(), terminal: true, ..Program::default() };
    if let Some(&program) = programs::that_open(programs, kind).first() {
        return Some(Start { program: program.clone(), arguments: vec![path.into()] });
    }
    match kind.split_once('/')? {
        // The path stands alone, because what is in `exec` ends at blanks.
        ("application", "x-executable") => {
            let program = Program { exec: "terminal -e".into(), ..Program::default() };
            Some(Start { program, arguments: vec![path.into()] })
        }
        // A text without a program for texts is not shown as numbers.
        ("text", _) => None,
        _ => Some(Start { program: terminal("sh -c"), arguments: vec![NUMBERS.into(), "hexyl".into(), path.into()] }),
    }
}

/// Opens files. The error is for people.
pub fn files(programs: &[Program], paths: &[PathBuf]) -> Result<(), String> {
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let metadata = path.metadata().map_err(|error| format!("“{name}”: {}.", describe(&error)))?;
        let kind = kind::look(path, &metadata);
        let start =
            how(programs, kind.name, path).ok_or_else(|| format!("No program is there that opens “{name}”."))?;
        with(&start.program, &start.arguments)?;
    }
    Ok(())
}

/// Opens files with this program.
pub fn with(program: &Program, paths: &[PathBuf]) -> Result<(), String> {
    program.start(paths).map_err(|error| format!("“{}” cannot be started: {}.", program.exec, describe(&error)))
}

/// A terminal in a folder.
pub fn terminal(folder: &Path) -> Result<(), String> {
    let program = Program { exec: "terminal --directory".into(), ..Program::default() };
    with(&program, &[folder.into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str) -> Option<String> {
        let program =
            |exec: &str, opens: &str| Program { exec: exec.into(), opens: vec![opens.into()], ..Program::default() };
        let programs = [program("editor", "text/*"), program("viewer", "image/png")];
        let Start { program, arguments } = how(&programs, kind, Path::new("/a b"))?;
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        Some(format!("{}{} {}", if program.terminal { "terminal: " } else { "" }, program.exec, arguments.join("|")))
    }

    #[test]
    fn files_are_opened_by_kind() {
        assert_eq!(line("text/rust").unwrap(), "editor /a b");
        assert_eq!(line("image/png").unwrap(), "viewer /a b");
        assert_eq!(line("application/x-executable").unwrap(), "terminal -e /a b");
        assert!(line("image/gif").unwrap().starts_with("terminal: sh -c hexyl"));
        assert!(line("image/gif").unwrap().ends_with("|hexyl|/a b"));
        assert_eq!(how(&[], "text/plain", Path::new("/f")), None);
    }

    #[test]
    fn what_cannot_be_opened_is_told() {
        assert_eq!(files(&[], &["/missing".into()]).unwrap_err(), "“missing”: it is not there.");
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert_eq!(files(&[], &[here]).unwrap_err(), "No program is there that opens “Cargo.toml”.");
        let program = Program { exec: "no-such-program-of-ochre".into(), ..Program::default() };
        assert!(with(&program, &[]).unwrap_err().contains("cannot be started"));
    }
}
