//! The driver of the PS/2 keyboard and mouse.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod device;

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = device::main() {
        driver::say!("ps2d: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("ps2d runs in Ochre only");
    std::process::exit(1);
}
