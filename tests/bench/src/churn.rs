//! What the row `malloc_free` does: blocks of mixed sizes come and go, as in a program at work. Compiled into the benchmark
//! program, and on Linux into a small one of its own with another C library.

use core::ffi::c_void;

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn free(block: *mut c_void);
}

/// Blocks alive at a time.
const SLOTS: usize = 256;

/// The blocks that are alive.
pub struct Churn {
    blocks: [*mut c_void; SLOTS],
    random: u64,
}

impl Churn {
    /// None yet.
    pub const fn new() -> Self {
        Churn { blocks: [core::ptr::null_mut(); SLOTS], random: 1 }
    }

    /// Frees and allocates so many blocks: most have up to 128 bytes, a quarter up to 1 KiB, one in sixteen up to 8 KiB.
    #[inline(never)]
    pub fn run(&mut self, rounds: u32) {
        for _ in 0..rounds {
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bits = self.random >> 32;
            let limit = match bits & 15 {
                0 => 8192,
                1..=4 => 1024,
                _ => 128,
            };
            let size = (bits >> 8) as usize % limit + 1;
            let slot = &mut self.blocks[(bits >> 24) as usize % SLOTS];
            // SAFETY: the slot holds null or a block that nobody else knows; the new one has room for a byte.
            unsafe {
                free(*slot);
                *slot = malloc(size);
                if !slot.is_null() {
                    slot.cast::<u8>().write_volatile(0);
                }
            }
        }
    }
}

impl Drop for Churn {
    fn drop(&mut self) {
        // SAFETY: as above.
        self.blocks.iter().for_each(|&block| unsafe { free(block) });
    }
}
