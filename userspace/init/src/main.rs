//! The init program: the last one that `bootstrap` starts. It starts everything else, by the units in `/scheme/initfs/etc/init`.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod system;

#[cfg(target_os = "redox")]
fn main() -> std::process::ExitCode {
    match system::System::new(std::env::args().skip(1).collect()).and_then(system::System::run) {
        Ok(status) => status.into(),
        Err(error) => {
            eprintln!("init: {error}");
            1.into()
        }
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("init runs in Ochre only");
}
