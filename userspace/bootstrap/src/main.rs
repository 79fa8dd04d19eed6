//! The first program. The kernel loads it from the initfs and gives it everything that there is; it starts the managers of name
//! spaces and processes with what each needs, serves the initfs itself, and starts the init program, which starts all else.
//!
//! When the init program ends the machine has nothing more to do: with the boot option `exit=debug` it leaves QEMU with the
//! program's status, without it the console says so.
#![cfg_attr(not(target_os = "redox"), allow(dead_code))]

mod initfs;
mod tree;

#[cfg(target_os = "redox")]
mod start;

#[cfg(target_os = "redox")]
fn main() {
    start::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("bootstrap runs as the first program of Ochre only");
    std::process::exit(1);
}
