//! The image viewer: `viewer [PATH]`. The path is a picture or a folder; without one it is the folder of pictures.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use ochre_ui::Options;
use viewer::app;

fn main() -> ExitCode {
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    let here = std::env::current_dir().unwrap_or_else(|_| "/".into());
    let path = std::env::args_os().nth(1).map_or_else(|| home.join("Pictures"), |path| here.join(path));
    match ochre_ui::run(Options::sized(860.0, 620.0), app::start(&path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("viewer: {error}");
            ExitCode::FAILURE
        }
    }
}
