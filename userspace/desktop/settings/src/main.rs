//! Settings of the desktop: `settings [appearance|display|keyboard|about]`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use ochre_ui::Options;
use settings::app::{self, Section};
use settings::system::System;

fn main() -> ExitCode {
    let section = match std::env::args().nth(1) {
        None => Section::Appearance,
        Some(name) => match Section::named(&name) {
            Some(section) => section,
            None => {
                eprintln!("settings: say `settings`, and appearance, display, keyboard or about");
                return ExitCode::FAILURE;
            }
        },
    };
    match ochre_ui::run(Options::sized(720.0, 520.0), app::start(System::new("/scheme"), section)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("settings: {error}");
            ExitCode::FAILURE
        }
    }
}
