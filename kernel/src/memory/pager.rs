//! What mappings get their pages from, private memory apart.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::frames::{self, Frame};
use super::{OutOfMemory, PAGE_SIZE, reserve};
use crate::arch::paging::Cache;
use crate::sync::{Lock, level};

/// One page of an object.
pub enum Page {
    /// Ordinary memory, counted.
    Counted(Frame),
    /// Something else at this physical address: device registers, the initfs.
    Foreign(u64, Cache),
}

/// An object that can be mapped.
pub trait Pager: Send + Sync {
    /// The object's page number `index`; `None` when it has none there. Called with an address space locked.
    fn page(&self, index: usize) -> Result<Option<Page>, OutOfMemory>;

    /// Whether a copy of the address space (fork) has the mapping too.
    fn is_inherited(&self) -> bool {
        true
    }

    /// Whether user code may give these pages another protection or place, and cut them. Not what the kernel itself has placed.
    fn is_user_owned(&self) -> bool {
        true
    }

    /// Tells that `pages` pages from `index` are no longer mapped in some address space. Called with nothing locked; may wait.
    fn unmapped(&self, index: usize, pages: usize) {
        let _ = (index, pages);
    }
}

/// Memory that several address spaces share; pages come into being when they are touched.
pub struct SharedMemory {
    frames: Lock<{ level::OBJECT }, Vec<Option<Frame>>>,
}

impl SharedMemory {
    /// `pages` pages of zeros, not more than the machine has.
    pub fn new(pages: usize) -> Result<Arc<Self>, OutOfMemory> {
        if pages > frames::total() {
            return Err(OutOfMemory);
        }
        let mut frames = Vec::new();
        reserve(&mut frames, pages)?;
        frames.resize_with(pages, || None);
        Ok(Arc::new(SharedMemory { frames: Lock::new(frames) }))
    }

    /// These frames.
    pub fn of(frames: Vec<Frame>) -> Result<Arc<Self>, OutOfMemory> {
        let mut slots = Vec::new();
        reserve(&mut slots, frames.len())?;
        slots.extend(frames.into_iter().map(Some));
        Ok(Arc::new(SharedMemory { frames: Lock::new(slots) }))
    }
}

impl Pager for SharedMemory {
    fn page(&self, index: usize) -> Result<Option<Page>, OutOfMemory> {
        let mut frames = self.frames.lock();
        let Some(slot) = frames.get_mut(index) else {
            return Ok(None);
        };
        if slot.is_none() {
            *slot = Some(Frame::zeroed_for_user()?);
        }
        Ok(slot.clone().map(Page::Counted))
    }
}

/// Physical addresses that are not counted memory.
pub struct Physical {
    /// First address, page-aligned.
    pub base: u64,
    /// Pages.
    pub pages: usize,
    /// Cache type.
    pub cache: Cache,
}

impl Pager for Physical {
    fn page(&self, index: usize) -> Result<Option<Page>, OutOfMemory> {
        Ok((index < self.pages).then(|| Page::Foreign(self.base + (index * PAGE_SIZE) as u64, self.cache)))
    }
}
