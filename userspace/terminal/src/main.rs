//! A terminal in a window.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod ochre;

#[cfg(target_os = "redox")]
fn main() -> std::process::ExitCode {
    use terminal::options::{Options, USAGE};
    let options = match Options::parse(lexopt::Parser::from_env()) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("terminal: {error}\n{USAGE}");
            return 2.into();
        }
    };
    if options.help {
        print!("{USAGE}");
        return 0.into();
    }
    match ochre::run(options) {
        Ok(()) => 0.into(),
        Err(error) => {
            eprintln!("terminal: {error}");
            1.into()
        }
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("the terminal runs in Ochre only");
}
