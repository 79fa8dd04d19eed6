//! Page faults and mappings.

use std::io::Result;

use super::Context;
use crate::measure::Sample;
use crate::sys::{self, Copied, Mapping};

/// Pages touched in one batch: less than a large page's worth, so that every fault is one of a small page.
const PAGES: u32 = 256;
const PAGE: usize = 4096;

/// First write to a page that was mapped and never touched.
pub fn fault_anonymous(context: &Context) -> Result<Sample> {
    Mapping::new(PAGE)?;
    Ok(context.bench.batches(PAGES, |watch, n| {
        let mut ticks = 0;
        for round in rounds(n) {
            let Ok(mapping) = Mapping::new(round * PAGE) else {
                return 0;
            };
            ticks += watch.time(|| (0..round).for_each(|page| mapping.touch(page)));
        }
        ticks
    }))
}

/// First write to a page that is shared with a copy of the address space.
pub fn fault_copy(context: &Context) -> Result<Sample> {
    Copied::new()?;
    Ok(context.bench.batches(PAGES, |watch, n| {
        let mut ticks = 0;
        for round in rounds(n) {
            let Ok(mapping) = Mapping::new(round * PAGE) else {
                return 0;
            };
            (0..round).for_each(|page| mapping.touch(page));
            let Ok(copy) = Copied::new() else { return 0 };
            ticks += watch.time(|| (0..round).for_each(|page| mapping.touch(page)));
            drop(copy);
        }
        ticks
    }))
}

/// Maps one page, writes to it, unmaps it.
pub fn map_touch_unmap(context: &Context) -> Result<Sample> {
    Mapping::new(PAGE)?;
    Ok(context.bench.each(500, || {
        if let Ok(mapping) = Mapping::new(PAGE) {
            mapping.touch(0);
        }
    }))
}

/// `malloc` and `free` of mixed sizes; on Linux, musl's.
pub fn malloc_free(context: &Context) -> Result<Sample> {
    sys::malloc_free(&context.bench)
}

/// Splits `n` pages into rounds of at most [`PAGES`].
fn rounds(n: u32) -> impl Iterator<Item = usize> {
    (0..n).step_by(PAGES as usize).map(move |start| (n - start).min(PAGES) as usize)
}
