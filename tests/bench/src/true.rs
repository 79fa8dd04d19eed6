//! A program that does nothing: what the rows `fork_exec_wait` and `spawn_wait` start.
//!
//! It enters at the C `main`, so that what the rows measure is the system and its C start-up code, not the runtime of `std`.
#![no_main]

/// Ends at once, with success.
// SAFETY: the symbol is the one that the C start-up code calls; no other `main` is in the program.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn main() -> i32 {
    0
}
