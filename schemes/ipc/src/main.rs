//! The daemon of unix sockets.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod start;

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = start::run() {
        eprintln!("ipcd: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("ipcd runs in Ochre only");
    std::process::exit(1);
}
