//! Pages for the contents of files, and the limit on all that the file system may use.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;

use memmap2::MmapMut;
use scheme_server::syscall::error::{ENOMEM, ENOSPC, Error, Result};

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Pages that are taken from the system, and given back to it, together.
const CHUNK: usize = 512;
/// Bytes that the system is asked for at once.
const PORTION: u64 = 64 << 10;

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
    /// See [`Pool::take_shrunk`].
    shrunk: bool,
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
            self.shrunk = true;
        }
    }

    /// Whether memory went back to the system since this was asked last.
    #[inline]
    pub fn take_shrunk(&mut self) -> bool {
        std::mem::take(&mut self.shrunk)
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

/// Asks the system whether it has so many bytes for ordinary programs.
pub type Grant = Rc<dyn Fn(u64) -> bool>;

/// What the file system may use, in bytes. Beyond the limit, what is used must be there: a daemon of the system may take from the
/// system's reserve of memory, and what it keeps for its clients must not come out of that.
#[derive(Clone)]
pub struct Budget {
    limit: u64,
    used: u64,
    /// What may be used without asking the system; never above the limit.
    granted: u64,
    grant: Grant,
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, used, granted, .. } = self;
        write!(f, "{used} of {limit} bytes, {granted} granted")
    }
}

impl Budget {
    /// Nothing is used yet, and the system has everything.
    pub fn new(limit: u64) -> Self {
        Self { limit, used: 0, granted: limit, grant: Rc::new(|_| true) }
    }

    /// From now on the system is asked before more is used.
    pub fn ask(&mut self, grant: Grant) {
        (self.granted, self.grant) = (self.used, grant);
    }

    /// Another one, without a limit, that asks the same system.
    pub fn beside(&self) -> Self {
        Self { limit: u64::MAX, used: 0, granted: 0, grant: self.grant.clone() }
    }

    /// Takes from it. `ENOSPC` when there is not so much left.
    #[inline]
    pub fn charge(&mut self, bytes: u64) -> Result<()> {
        match self.used.checked_add(bytes) {
            Some(used) if used <= self.granted => self.used = used,
            Some(used) => self.used = self.extend(used)?,
            None => return Err(Error::new(ENOSPC)),
        }
        Ok(())
    }

    /// Has more granted, some of it in advance.
    #[cold]
    fn extend(&mut self, used: u64) -> Result<u64> {
        let more = (used - self.granted).next_multiple_of(PORTION);
        if used > self.limit || !(self.grant)(more) {
            return Err(Error::new(ENOSPC));
        }
        self.granted = self.granted.saturating_add(more).min(self.limit);
        Ok(used)
    }

    /// Gives back.
    #[inline]
    pub fn release(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.used, "more is given back than was taken");
        self.used = self.used.saturating_sub(bytes);
    }

    /// What was given back here has gone back to the system: it must be asked for anew.
    pub fn forget(&mut self) {
        self.granted = self.granted.min(self.used);
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

    #[test]
    fn a_budget_asks_for_what_it_has_not_been_granted() {
        use std::cell::Cell;
        let (left, asked) = (Rc::new(Cell::new(3 * PORTION)), Rc::new(Cell::new(0)));
        let mut budget = Budget::new(1 << 40);
        assert!(budget.charge(100).is_ok());
        let (system, count) = (left.clone(), asked.clone());
        budget.ask(Rc::new(move |bytes| {
            count.set(count.get() + 1);
            let granted = bytes <= system.get();
            system.set(system.get() - if granted { bytes } else { 0 });
            granted
        }));
        for _ in 0..PORTION {
            budget.charge(1).unwrap();
        }
        assert_eq!((asked.get(), left.get()), (1, 2 * PORTION));
        assert!(budget.charge(2 * PORTION + 1).is_err() && budget.charge(2 * PORTION).is_ok());
        // What comes back is used again without a question, until it has left the process.
        budget.release(PORTION);
        assert!(budget.charge(PORTION).is_ok());
        budget.release(PORTION);
        budget.forget();
        assert!(budget.charge(1).is_err());
        left.set(PORTION);
        assert!(budget.charge(1).is_ok());
        assert_eq!(budget.beside().used(), 0);
    }

    #[test]
    fn the_pool_tells_of_memory_that_went_back() {
        let mut pool = Pool::default();
        let pages: Vec<PageId> = (0..2 * CHUNK).map(|_| pool.take().unwrap()).collect();
        assert!(!pool.take_shrunk());
        pages.iter().for_each(|&page| pool.put(page));
        assert!(pool.take_shrunk() && !pool.take_shrunk());
    }
}
