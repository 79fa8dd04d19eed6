//! The daemon of file systems in RAM.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod start;

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = start::run() {
        eprintln!("ramfs: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("ramfs runs in Ochre only");
    std::process::exit(1);
}
