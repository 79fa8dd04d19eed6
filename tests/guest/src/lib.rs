//! What the test programs share: the system's accounts, random numbers, this program again as a child, raw calls.
//!
//! A test program is the init program of its own boot: it prints what it does, and its exit status is the verdict.
#![cfg(target_os = "redox")]

mod accounts;
mod child;
pub mod posix;
mod random;
pub mod raw;

pub use accounts::Accounts;
pub use child::{Pipe, child, namespace, quiet_child, role};
pub use random::Random;

/// Runs the named tests one after the other and ends the program: with 0 when all passed. A test fails by panicking, which
/// here ends the whole program: the line before tells which it was.
pub fn run(tests: &[(&str, fn())]) -> ! {
    for (name, test) in tests {
        println!("test {name}");
        test();
    }
    println!("all {} passed", tests.len());
    std::process::exit(0)
}
