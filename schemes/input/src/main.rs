//! The input daemon. `inputd [KEYMAP]` begins with that key map.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod serve;

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = serve::main() {
        eprintln!("inputd: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("inputd runs in Ochre only");
    std::process::exit(1);
}
