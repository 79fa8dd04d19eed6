//! The file browser: `files [PATH]`. Without a path it begins at home.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use files::app;
use ochre_ui::Options;

fn main() -> ExitCode {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let home = home.unwrap_or_else(|| "/".into());
    let here = std::env::current_dir().unwrap_or_else(|_| "/".into());
    let path = std::env::args_os().nth(1).map_or_else(|| home.clone(), |path| here.join(path));
    let options = Options::sized(860.0, 560.0);
    match ochre_ui::run(options, app::start(&path, &home)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("files: {error}");
            ExitCode::FAILURE
        }
    }
}
