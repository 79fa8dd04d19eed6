//! Unix sockets as programs know them, through `std` and through C: threads and processes that talk, descriptors that travel,
//! clients and daemons that are killed in the middle.

#[cfg(target_os = "redox")]
#[path = "../sockets/mod.rs"]
mod sockets;

#[cfg(target_os = "redox")]
fn main() {
    sockets::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}
