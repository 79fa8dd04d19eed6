//! The daemon of the PCI bus.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod machine;
#[cfg(target_os = "redox")]
mod spawn;
#[cfg(target_os = "redox")]
mod supervise;

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = supervise::main() {
        eprintln!("pcid: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("pcid runs in Ochre only");
    std::process::exit(1);
}
