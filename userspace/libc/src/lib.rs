//! The C library of Ochre, written in Rust.
//!
//! It gives ordinary programs (Rust's `std`, `libredox`, `redox_event`, `redox-scheme`) the C ABI that crate `libc` declares
//! for Redox, on top of the few kernel calls there are. One module for each POSIX header family holds the exported functions;
//! [`rt`] holds what they share: process start, threads, descriptor slots, paths, the heap, the system call.
//!
//! The logic that needs no kernel (path names, descriptor slots, the heap) also compiles on the build host, where
//! `cargo test` reaches it; the exported symbols exist only for the target.
#![cfg_attr(target_os = "redox", no_std)]
// `printf` and its like are C's variadic functions.
#![cfg_attr(target_os = "redox", feature(c_variadic))]
#![cfg_attr(not(target_os = "redox"), allow(dead_code))]

mod accounts;
pub mod rt;
mod stdio;
mod text;
mod time;

#[cfg(target_os = "redox")]
mod ctype;
#[cfg(target_os = "redox")]
mod dirent;
#[cfg(target_os = "redox")]
mod dlfcn;
#[cfg(target_os = "redox")]
mod epoll;
#[cfg(target_os = "redox")]
mod errno;
#[cfg(target_os = "redox")]
mod event;
#[cfg(target_os = "redox")]
mod exec;
#[cfg(target_os = "redox")]
mod fcntl;
#[cfg(target_os = "redox")]
mod fnmatch;
#[cfg(target_os = "redox")]
mod getopt;
#[cfg(target_os = "redox")]
mod ioctl;
#[cfg(target_os = "redox")]
mod locale;
#[cfg(target_os = "redox")]
mod locks;
#[cfg(target_os = "redox")]
mod math;
#[cfg(target_os = "redox")]
mod mman;
#[cfg(target_os = "redox")]
mod netdb;
#[cfg(target_os = "redox")]
mod number;
#[cfg(target_os = "redox")]
mod poll;
#[cfg(target_os = "redox")]
mod process;
#[cfg(target_os = "redox")]
mod pthread;
#[cfg(target_os = "redox")]
mod pty;
#[cfg(target_os = "redox")]
mod redox;
#[cfg(target_os = "redox")]
mod semaphore;
#[cfg(target_os = "redox")]
mod setjmp;
#[cfg(target_os = "redox")]
mod shm;
#[cfg(target_os = "redox")]
mod signal;
#[cfg(target_os = "redox")]
mod socket;
#[cfg(target_os = "redox")]
mod spawn;
#[cfg(target_os = "redox")]
mod stat;
#[cfg(target_os = "redox")]
mod stdlib;
#[cfg(target_os = "redox")]
mod string;
#[cfg(target_os = "redox")]
mod syslog;
#[cfg(target_os = "redox")]
mod system;
#[cfg(target_os = "redox")]
mod termios;
#[cfg(target_os = "redox")]
mod timer;
#[cfg(target_os = "redox")]
mod tty;
#[cfg(target_os = "redox")]
mod uio;
#[cfg(target_os = "redox")]
mod unistd;
#[cfg(target_os = "redox")]
mod wchar;
