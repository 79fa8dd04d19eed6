//! Text and numbers, without C's conventions around them: what `stdio.h`, `stdlib.h`, `wchar.h` and `fnmatch.h` share.
//!
//! Nothing here needs a kernel: `cargo test` compares it with the C library of the build host.

pub mod float;
pub mod fnmatch;
pub mod format;
pub mod integer;
pub mod real;
pub mod scan;
pub mod scanset;
pub mod sort;
pub mod spec;
pub mod utf8;

#[cfg(test)]
pub mod tests;
