//! The panel's program: the bar in this thread, the menu of programs in another, and what they want of the system.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod ochre;

#[cfg(target_os = "redox")]
fn main() -> std::process::ExitCode {
    match ochre::run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("panel: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("panel: there is no display server of Ochre here");
}
