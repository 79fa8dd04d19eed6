//! The kernel's logic that needs no machine: parsers, tables and state machines, all tested on the build host.
//!
//! Nothing here touches hardware, takes a lock or is `unsafe`; what is needed from the outside comes in as an argument.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod acpi;
pub mod boot;
pub mod buddy;
pub mod chain;
pub mod clock;
pub mod cmdline;
pub mod cpio;
pub mod records;
pub mod ring;
pub mod runqueue;
pub mod screen;
pub mod symbols;
pub mod vma;
