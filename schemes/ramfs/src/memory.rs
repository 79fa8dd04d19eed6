//! Pages for the contents of files, and the limit on all that the file system may use.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use memmap2::MmapMut;
use scheme_server::syscall::error::{ENOMEM, ENOSPC, Error, Result};

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Pages that are taken from the system, and given back to it, together.
const CHUNK: usize = 512;

/// Contents of a page.
pub type Page = [u8; PAGE];

/// A page of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageId(NonZeroU32);

impl PageId {
    fn new(chunk: usize, index: usize) -> Option<Self> {
        let number = chunk.checked_mul(CHUNK)?.checked_add(index + 1)?;
        NonZeroU32::new(u32::try_from(number).ok()?).map(Self)
    }

    fn place(self) -> (usize, usize) {
        let number = self.0.get() as usize - 1;
        (number / CHUNK, number % CHUNK)
    }
}

struct Chunk {
    memory: MmapMut,
    /// Pages that are free, the next one to be given out last.
    free: Vec<u16>,
}

/// Pages that files share among them. What a page holds when it is given out is what its last user left.
#[derive(Default)]
pub struct Pool {
    chunks: Vec<Option<Chunk>>,
    /// Chunks with free pages. The first one is used, so that the others become empty.
    open: BTreeSet<usize>,
}

impl Pool {
    /// A page. `ENOMEM` when the system has none.
    #[inline]
    pub fn take(&mut self) -> Result<PageId> {
        let number = match self.open.first() {
            Some(&number) => number,
            None => self.grow()?,
        };
        let chunk = self.chunks.get_mut(number).and_then(Option::as_mut).ok_or(Error::new(ENOMEM))?;
        let index = chunk.free.pop().ok_or(Error::new(ENOMEM))?;
        if chunk.free.is_empty() {
            self.open.remove(&number);
        }
        PageId::new(number, index.into()).ok_or(Error::new(ENOMEM))
    }

    #[cold]
    fn grow(&mut self) -> Result<usize> {
        let memory = MmapMut::map_anon(CHUNK * PAGE).map_err(|_| Error::new(ENOMEM))?;
        let chunk = Chunk { memory, free: (0..CHUNK as u16).rev().collect() };
        let vacant = self.chunks.iter().position(Option::is_none);
        let number = vacant.unwrap_or(self.chunks.len());
        // The last number that a page of this chunk would get must exist.
        PageId::new(number, CHUNK - 1).ok_or(Error::new(ENOMEM))?;
        match vacant {
            Some(number) => self.chunks[number] = Some(chunk),
            None => self.chunks.push(Some(chunk)),
        }
        self.open.insert(number);
        Ok(number)
    }

    /// Gives a page back.
    #[inline]
    pub fn put(&mut self, page: PageId) {
        let (number, index) = page.place();
        let Some(chunk) = self.chunks.get_mut(number).and_then(Option::as_mut) else { return };
        chunk.free.push(index as u16);
        match chunk.free.len() {
            1 => {
                self.open.insert(number);
            }
            CHUNK => self.shrink(number),
            _ => {}
        }
    }

    /// Gives an empty chunk back to the system, unless it is the only one with free pages.
    #[cold]
    fn shrink(&mut self, number: usize) {
        if self.open.len() > 1 {
            self.open.remove(&number);
            self.chunks[number] = None;
        }
    }

    /// Contents of a page.
    #[inline]
    pub fn page(&self, page: PageId) -> Option<&Page> {
        let (number, index) = page.place();
        let chunk = self.chunks.get(number)?.as_ref()?;
        chunk.memory.get(index * PAGE..)?.first_chunk()
    }

    /// Contents of a page, to be changed.
    #[inline]
    pub fn page_mut(&mut self, page: PageId) -> Option<&mut Page> {
        let (number, index) = page.place();
        let chunk = self.chunks.get_mut(number)?.as_mut()?;
        chunk.memory.get_mut(index * PAGE..)?.first_chunk_mut()
    }

    /// Chunks that are taken from the system.
    pub fn chunk_count(&self) -> usize {
        self.chunks.iter().flatten().count()
    }
}

/// What the file system may use, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    limit: u64,
    used: u64,
}

impl Budget {
    /// Nothing is used yet.
    pub const fn new(limit: u64) -> Self {
        Self { limit, used: 0 }
    }

    /// Takes from it. `ENOSPC` when there is not so much left.
    #[inline]
    pub fn charge(&mut self, bytes: u64) -> Result<()> {
        let used = self.used.checked_add(bytes).filter(|&used| used <= self.limit).ok_or(Error::new(ENOSPC))?;
        self.used = used;
        Ok(())
    }

    /// Gives back.
    #[inline]
    pub fn release(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.used, "more is given back than was taken");
        self.used = self.used.saturating_sub(bytes);
    }

    /// All that there is.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// What is left.
    pub fn left(&self) -> u64 {
        self.limit - self.used
    }

    /// What is used.
    pub fn used(&self) -> u64 {
        self.used
    }
}

/// Where contents come from: pages, and the budget that they are taken from.
pub struct Store {
    /// The pages.
    pub pool: Pool,
    /// The limit.
    pub budget: Budget,
}

impl Store {
    /// A store with a limit in bytes.
    pub fn new(limit: u64) -> Self {
        Self { pool: Pool::default(), budget: Budget::new(limit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_different_ones() {
        let mut pool = Pool::default();
        let pages: Vec<PageId> = (0..CHUNK + 3).map(|_| pool.take().unwrap()).collect();
        assert_eq!(pool.chunk_count(), 2);
        for (index, &page) in pages.iter().enumerate() {
            pool.page_mut(page).unwrap()[..8].copy_from_slice(&index.to_ne_bytes());
        }
        for (index, &page) in pages.iter().enumerate() {
            assert_eq!(pool.page(page).unwrap()[..8], index.to_ne_bytes());
        }
    }

    #[test]
    fn memory_goes_back_to_the_system() {
        let mut pool = Pool::default();
        let pages: Vec<PageId> = (0..10 * CHUNK).map(|_| pool.take().unwrap()).collect();
        assert_eq!(pool.chunk_count(), 10);
        pages.iter().for_each(|&page| pool.put(page));
        assert_eq!(pool.chunk_count(), 1);
        let again: Vec<PageId> = (0..2 * CHUNK).map(|_| pool.take().unwrap()).collect();
        assert_eq!(pool.chunk_count(), 2);
        assert!(again.iter().all(|&page| pool.page(page).is_some()));
    }

    #[test]
    fn a_budget_is_never_overdrawn() {
        let mut budget = Budget::new(100);
        assert!(budget.charge(60).is_ok() && budget.charge(40).is_ok());
        assert!(budget.charge(1).is_err() && budget.charge(u64::MAX).is_err());
        budget.release(10);
        assert_eq!((budget.left(), budget.used(), budget.limit()), (10, 90, 100));
    }
}
