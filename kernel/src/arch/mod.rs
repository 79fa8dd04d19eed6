//! What depends on the processor. One architecture so far; the rest of the kernel names this module only.

mod x86_64;
pub use x86_64::*;
