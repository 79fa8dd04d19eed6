//! The text editor's program: `editor`, or `editor FILE`.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use editor::Editor;
use ochre_ui::Options;

fn main() -> ExitCode {
    let file =
        std::env::args_os().nth(1).map(|path| std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(path)));
    match ochre_ui::run(Options::sized(760.0, 540.0), |_| Editor::new(file)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("editor: {error}");
            ExitCode::FAILURE
        }
    }
}
