//! The row `malloc_free` for Linux: the same work over musl's heap, which is what ours is measured by. Prints the smallest
//! and the middle batch in hundredths of a tick for one block.
//!
//! It enters at the C `main` and uses nothing of `std`, so that it links with any C library.
#![no_main]
// A C library's functions.
#![allow(unsafe_code)]

#[path = "churn.rs"]
mod churn;

use core::ffi::{c_char, c_int, c_long};

use churn::Churn;

unsafe extern "C" {
    fn printf(format: *const c_char, ...) -> c_int;
}

/// Blocks in a batch, and batches: as in the benchmark program.
const BLOCKS: u32 = 20_000;
const BATCHES: usize = 7;

/// Measures and prints.
// SAFETY: the symbol is the one that the C start-up code calls; no other `main` is in the program.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> c_int {
    let mut churn = Churn::new();
    churn.run(BLOCKS);
    let mut costs = [0_u64; BATCHES];
    for cost in &mut costs {
        // SAFETY: reads a register.
        let start = unsafe { core::arch::x86_64::_rdtsc() };
        churn.run(BLOCKS);
        // SAFETY: as above.
        *cost = unsafe { core::arch::x86_64::_rdtsc() } - start;
    }
    costs.sort_unstable();
    let each = |cost: u64| (cost * 100 / u64::from(BLOCKS)) as c_long;
    // SAFETY: the arguments are as the format says.
    unsafe { printf(c"%ld %ld\n".as_ptr(), each(costs[0]), each(costs[BATCHES / 2])) };
    0
}
