//! Contents of a file.
//!
//! As long as nobody maps a file, its contents are pages of the pool, and where nothing was written there are none. The
//! first mapping moves them to an *extent*, a range of addresses of the file's own, because whoever maps a file gets the
//! very pages that lie behind an address here; they must lie in order, stay, and never become another file's. Addresses cost
//! nothing, so an extent is large enough for the file to grow.
//!
//! Bytes behind the end of a file: on a page of the pool they are anything, and are cleared when the file grows over them;
//! in an extent they are zeros, as far as clients leave them so.

use std::collections::BTreeMap;

use memmap2::{MmapMut, MmapOptions};
use scheme_server::syscall::error::{EFBIG, ENOMEM, ENOSPC, Error, Result};

use crate::memory::{Budget, PAGE, Page, PageId, Pool, Store};

/// Pages of the start of a file that need no group.
const DIRECT: usize = 4;
/// Pages of a group.
const GROUP: usize = 512;
/// What a group costs.
const GROUP_COST: u64 = (GROUP * size_of::<Option<PageId>>()) as u64;
/// Smallest range of addresses of an extent.
const EXTENT_MIN: usize = 1 << 30;
/// Largest one: an eighth of all addresses.
const EXTENT_MAX: usize = 1 << 44;
/// An extent has room for this many times what is mapped first.
const EXTENT_ROOM: usize = 4;

/// Contents of a file.
pub enum Contents {
    /// Pages of the pool.
    Pages(Pages),
    /// A range of addresses.
    Extent(Box<Extent>),
}

impl Default for Contents {
    fn default() -> Self {
        Self::Pages(Pages::default())
    }
}

/// A page, paid for. `ENOSPC`.
#[inline]
fn take_page(pool: &mut Pool, budget: &mut Budget) -> Result<PageId> {
    budget.charge(PAGE as u64)?;
    pool.take().map_err(|_| {
        budget.release(PAGE as u64);
        Error::new(ENOSPC)
    })
}

/// Gives a page back.
#[inline]
fn put_page(page: PageId, pool: &mut Pool, budget: &mut Budget) {
    pool.put(page);
    budget.release(PAGE as u64);
}

/// Pages of the pool, by their number in the file.
#[derive(Default)]
pub struct Pages {
    direct: [Option<PageId>; DIRECT],
    groups: BTreeMap<usize, Box<[Option<PageId>; GROUP]>>,
    count: u64,
}

impl Pages {
    #[inline]
    fn get(&self, index: usize) -> Option<PageId> {
        match self.direct.get(index) {
            Some(&page) => page,
            None => self.groups.get(&(index / GROUP))?[index % GROUP],
        }
    }

    /// Where a page's name is kept. `ENOSPC`.
    #[inline]
    fn slot(&mut self, index: usize, budget: &mut Budget) -> Result<&mut Option<PageId>> {
        if index < DIRECT {
            return Ok(&mut self.direct[index]);
        }
        let group = match self.groups.entry(index / GROUP) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                budget.charge(GROUP_COST)?;
                entry.insert(Box::new([None; GROUP]))
            }
        };
        Ok(&mut group[index % GROUP])
    }

    /// The page with this number, and whether it is new. `ENOSPC`.
    #[inline]
    fn ensure(&mut self, index: usize, pool: &mut Pool, budget: &mut Budget) -> Result<(PageId, bool)> {
        if let Some(page) = self.get(index) {
            return Ok((page, false));
        }
        let page = take_page(pool, budget)?;
        match self.slot(index, budget) {
            Ok(slot) => *slot = Some(page),
            Err(error) => {
                put_page(page, pool, budget);
                return Err(error);
            }
        }
        self.count += 1;
        Ok((page, true))
    }

    /// Gives back the pages from number `from` on.
    fn cut(&mut self, from: usize, pool: &mut Pool, budget: &mut Budget) {
        let Self { direct, groups, count } = self;
        let mut put = |slots: &mut [Option<PageId>]| {
            for page in slots.iter_mut().filter_map(Option::take) {
                put_page(page, pool, budget);
                *count -= 1;
            }
        };
        put(&mut direct[from.min(DIRECT)..]);
        let mut whole = groups.split_off(&from.div_ceil(GROUP));
        whole.values_mut().for_each(|group| put(&mut group[..]));
        if let Some(group) = groups.get_mut(&(from / GROUP)) {
            put(&mut group[from % GROUP..]);
        }
        budget.release(whole.len() as u64 * GROUP_COST);
        if pool.take_shrunk() {
            budget.forget();
        }
    }

    /// All pages with their numbers.
    fn iter(&self) -> impl Iterator<Item = (usize, PageId)> {
        let direct = self.direct.iter().enumerate();
        let grouped = self.groups.iter().flat_map(|(group, pages)| {
            pages.iter().enumerate().map(move |(index, page)| (group * GROUP + index, page))
        });
        direct.chain(grouped).filter_map(|(index, page)| page.map(|page| (index, page)))
    }
}

/// A range of addresses that holds a file's contents. Only pages that are marked have memory.
pub struct Extent {
    memory: MmapMut,
    present: Vec<u64>,
    count: u64,
    /// Pages that clients have mapped shared, each as often as it is mapped.
    mapped: u64,
}

impl Extent {
    /// An extent with room for the first `len` bytes of a file and for more. `ENOMEM`.
    fn new(len: usize) -> Result<Self> {
        let room = len.saturating_mul(EXTENT_ROOM).max(EXTENT_MIN);
        let room = room.checked_next_power_of_two().unwrap_or(EXTENT_MAX).min(EXTENT_MAX);
        if len > room {
            return Err(Error::new(ENOMEM));
        }
        // A smaller range than wished is better than none.
        let sizes = std::iter::successors(Some(room), |&size| (size / 2 >= len.max(PAGE)).then_some(size / 2));
        let memory = sizes
            .map(|size| MmapOptions::new().len(size.next_multiple_of(PAGE)).no_reserve_swap().map_anon())
            .find_map(|memory| memory.ok())
            .ok_or(Error::new(ENOMEM))?;
        Ok(Self { memory, present: Vec::new(), count: 0, mapped: 0 })
    }

    fn is_present(&self, index: usize) -> bool {
        self.present.get(index / 64).is_some_and(|word| word & 1 << (index % 64) != 0)
    }

    fn page(&self, index: usize) -> Option<&Page> {
        if !self.is_present(index) {
            return None;
        }
        self.memory.get(index.checked_mul(PAGE)?..)?.first_chunk()
    }

    /// The page with this number, with memory behind it. `EFBIG` behind the range, `ENOSPC`.
    fn ensure(&mut self, index: usize, budget: &mut Budget) -> Result<&mut Page> {
        let present = self.is_present(index);
        let start = index.checked_mul(PAGE).ok_or(Error::new(EFBIG))?;
        let page: &mut Page =
            self.memory.get_mut(start..).and_then(|rest| rest.first_chunk_mut()).ok_or(Error::new(EFBIG))?;
        if !present {
            budget.charge(PAGE as u64)?;
            if self.present.len() <= index / 64 {
                self.present.resize(index / 64 + 1, 0);
            }
            self.present[index / 64] |= 1 << (index % 64);
            self.count += 1;
            // Memory that was only read so far may be a page of zeros that everybody shares.
            page[0] = 0;
        }
        Ok(page)
    }

    /// Numbers of the pages that have memory.
    fn pages(&self) -> impl Iterator<Item = usize> {
        let words = self.present.iter().enumerate().filter(|(_, word)| **word != 0);
        words.flat_map(|(at, &word)| (0..64).filter(move |bit| word & 1 << bit != 0).map(move |bit| at * 64 + bit))
    }
}

/// The part of page number `index` that lies in `offset..end`.
#[inline]
fn part(index: usize, offset: u64, end: u64) -> core::ops::Range<usize> {
    let start = index as u64 * PAGE as u64;
    let from = offset.saturating_sub(start).min(PAGE as u64) as usize;
    let to = end.saturating_sub(start).min(PAGE as u64) as usize;
    from..to
}

impl Contents {
    /// Pages that have memory.
    #[inline]
    pub fn page_count(&self) -> u64 {
        match self {
            Self::Pages(pages) => pages.count,
            Self::Extent(extent) => extent.count,
        }
    }

    #[inline]
    fn page<'a>(&'a self, index: usize, store: &'a Store) -> Option<&'a Page> {
        match self {
            Self::Pages(pages) => store.pool.page(pages.get(index)?),
            Self::Extent(extent) => extent.page(index),
        }
    }

    /// Reads. All of `buf` lies in the file.
    #[inline]
    pub fn read(&self, offset: u64, buf: &mut [u8], store: &Store) {
        let mut at = offset;
        let mut rest = buf;
        while !rest.is_empty() {
            let within = (at % PAGE as u64) as usize;
            let (to, more) = rest.split_at_mut(rest.len().min(PAGE - within));
            match self.page((at / PAGE as u64) as usize, store) {
                Some(page) => to.copy_from_slice(&page[within..within + to.len()]),
                None => to.fill(0),
            }
            at += to.len() as u64;
            rest = more;
        }
    }

    /// Writes to a file of `size` bytes. Answers how much was written, which is less when there is no more memory for
    /// the rest; `ENOSPC` when nothing was.
    #[inline]
    pub fn write(&mut self, offset: u64, buf: &[u8], size: u64, store: &mut Store) -> Result<usize> {
        if offset > size {
            self.grow(size, offset, store);
        }
        let mut done = 0;
        while done < buf.len() {
            let at = offset + done as u64;
            let within = (at % PAGE as u64) as usize;
            let from = &buf[done..];
            let from = &from[..from.len().min(PAGE - within)];
            if let Err(error) = self.write_page(at, from, size, store) {
                return if done > 0 { Ok(done) } else { Err(error) };
            }
            done += from.len();
        }
        Ok(done)
    }

    #[inline]
    fn write_page(&mut self, at: u64, from: &[u8], size: u64, store: &mut Store) -> Result<()> {
        let index = usize::try_from(at / PAGE as u64).map_err(|_| Error::new(EFBIG))?;
        let within = (at % PAGE as u64) as usize;
        let range = within..within + from.len();
        match self {
            Self::Pages(pages) => {
                let (page, new) = pages.ensure(index, &mut store.pool, &mut store.budget)?;
                let page = store.pool.page_mut(page).ok_or(Error::new(ENOMEM))?;
                if new {
                    page[..range.start].fill(0);
                    if at + (from.len() as u64) < size {
                        page[range.end..].fill(0);
                    }
                }
                page[range].copy_from_slice(from);
                Ok(())
            }
            Self::Extent(extent) => {
                let mapped = extent.mapped != 0;
                match extent.ensure(index, &mut store.budget) {
                    Ok(page) => {
                        page[range].copy_from_slice(from);
                        Ok(())
                    }
                    // It has become too large for its range, which nobody looks at any more.
                    Err(error) if error.errno == EFBIG && !mapped => {
                        self.gather_pages(store)?;
                        self.write_page(at, from, size, store)
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// A file of `size` bytes grows to `to`, or is written behind its end at `to`. Clears what lies between on the page of
    /// the end. Pages behind it there are none, or they are zeros.
    pub fn grow(&mut self, size: u64, to: u64, store: &mut Store) {
        if size.is_multiple_of(PAGE as u64) {
            return;
        }
        let index = (size / PAGE as u64) as usize;
        let range = part(index, size, to);
        let page = match self {
            Self::Pages(pages) => pages.get(index).and_then(|page| store.pool.page_mut(page)),
            Self::Extent(extent) if extent.is_present(index) => extent.ensure(index, &mut store.budget).ok(),
            Self::Extent(_) => None,
        };
        if let Some(page) = page {
            page[range].fill(0);
        }
    }

    /// A file shrinks to `to` bytes.
    pub fn shrink(&mut self, to: u64, store: &mut Store) {
        let from = to.div_ceil(PAGE as u64) as usize;
        match self {
            Self::Pages(pages) => pages.cut(from, &mut store.pool, &mut store.budget),
            Self::Extent(extent) if extent.mapped == 0 && to == 0 => self.clear(store),
            Self::Extent(extent) => {
                let last = (to / PAGE as u64) as usize;
                for index in extent.pages().filter(|&index| index >= last).collect::<Vec<_>>() {
                    if let Ok(page) = extent.ensure(index, &mut store.budget) {
                        page[part(index, to, u64::MAX)].fill(0);
                    }
                }
                // Whoever has mapped it goes on seeing these pages. If nobody has, their memory can go; when it cannot
                // be had for the time of moving, they stay.
                if extent.mapped == 0 && self.gather_pages(store).is_ok() {
                    self.shrink(to, store);
                }
            }
        }
    }

    /// Gives back everything.
    pub fn clear(&mut self, store: &mut Store) {
        match core::mem::take(self) {
            Self::Pages(mut pages) => pages.cut(0, &mut store.pool, &mut store.budget),
            Self::Extent(extent) => {
                store.budget.release(extent.count * PAGE as u64);
                store.budget.forget();
            }
        }
    }

    /// Moves the contents from the extent to pages of the pool, all or nothing. `ENOSPC`.
    #[cold]
    fn gather_pages(&mut self, store: &mut Store) -> Result<()> {
        let Self::Extent(extent) = self else { return Ok(()) };
        let Store { pool, budget } = store;
        // The pages are paid for already, but not there yet.
        let mut paid = budget.beside();
        let mut pages = Pages::default();
        let mut copy = |index| {
            let from = extent.page(index).ok_or(Error::new(ENOMEM))?;
            let (to, _) = pages.ensure(index, pool, &mut paid)?;
            pool.page_mut(to).ok_or(Error::new(ENOMEM))?.copy_from_slice(from);
            Ok(())
        };
        let copied = extent.pages().try_for_each(&mut copy);
        let groups = pages.groups.len() as u64 * GROUP_COST;
        if let Err(error) = copied.and_then(|()| budget.charge(groups)) {
            pages.cut(0, pool, &mut paid);
            return Err(error);
        }
        *self = Self::Pages(pages);
        // The extent's memory has gone back to the system, and this has come from there.
        store.budget.forget();
        Ok(())
    }

    /// Moves the contents to an extent with room for `len` bytes, if they are in none. The file has `size` bytes. `ENOMEM`.
    fn gather_extent(&mut self, size: u64, len: usize, store: &mut Store) -> Result<&mut Extent> {
        if let Self::Pages(pages) = self {
            let mut extent = Extent::new(len.max(usize::try_from(size).map_err(|_| Error::new(ENOMEM))?))?;
            let Store { pool, budget } = store;
            let mut paid = budget.beside();
            for (index, page) in pages.iter() {
                let range = part(index, 0, size);
                let from = pool.page(page).ok_or(Error::new(ENOMEM))?;
                extent.ensure(index, &mut paid)?[range.clone()].copy_from_slice(&from[range]);
            }
            budget.release(pages.groups.len() as u64 * GROUP_COST);
            pages.iter().for_each(|(_, page)| pool.put(page));
            if pool.take_shrunk() {
                budget.forget();
            }
            *self = Self::Extent(Box::new(extent));
        }
        match self {
            Self::Extent(extent) => Ok(extent),
            Self::Pages(_) => Err(Error::new(ENOMEM)),
        }
    }

    /// Where the pages from `offset` on lie for a client that maps `len` bytes; both are whole pages. `ENOMEM` when they
    /// have no place, `ENOSPC` when there is no memory for all of them.
    pub fn map(&mut self, offset: u64, len: usize, size: u64, shared: bool, store: &mut Store) -> Result<usize> {
        let offset = usize::try_from(offset).map_err(|_| Error::new(ENOMEM))?;
        let end = offset.checked_add(len).ok_or(Error::new(ENOMEM))?;
        let mut extent = self.gather_extent(size, end, store)?;
        if end > extent.memory.len() {
            if extent.mapped != 0 {
                return Err(Error::new(ENOMEM));
            }
            self.gather_pages(store)?;
            extent = self.gather_extent(size, end, store)?;
        }
        let (first, last) = (offset / PAGE, end.div_ceil(PAGE));
        let missing = (first..last).filter(|&index| !extent.is_present(index)).count();
        if missing as u64 * PAGE as u64 > store.budget.left() {
            return Err(Error::new(ENOSPC));
        }
        (first..last).try_for_each(|index| extent.ensure(index, &mut store.budget).map(drop))?;
        if shared {
            extent.mapped += (last - first) as u64;
        }
        Ok(extent.memory.as_ptr().expose_provenance() + offset)
    }

    /// A client has unmapped `pages` pages that it had mapped shared.
    pub fn unmap(&mut self, pages: u64) {
        if let Self::Extent(extent) = self {
            extent.mapped = extent.mapped.saturating_sub(pages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file and what should be in it.
    struct Model {
        contents: Contents,
        store: Store,
        size: u64,
        expected: Vec<u8>,
    }

    impl Model {
        fn new(limit: u64) -> Self {
            Self { contents: Contents::default(), store: Store::new(limit), size: 0, expected: Vec::new() }
        }

        fn write(&mut self, offset: usize, bytes: &[u8]) {
            let count = self.contents.write(offset as u64, bytes, self.size, &mut self.store).unwrap();
            assert_eq!(count, bytes.len());
            let end = offset + bytes.len();
            if !bytes.is_empty() {
                self.expected.resize(self.expected.len().max(end), 0);
                self.expected[offset..end].copy_from_slice(bytes);
                self.size = self.expected.len() as u64;
            }
        }

        fn truncate(&mut self, to: usize) {
            if to as u64 > self.size {
                self.contents.grow(self.size, to as u64, &mut self.store);
            } else {
                self.contents.shrink(to as u64, &mut self.store);
            }
            self.size = to as u64;
            self.expected.resize(to, 0);
        }

        fn check(&self) {
            let mut found = vec![0xee; self.expected.len()];
            self.contents.read(0, &mut found, &self.store);
            assert!(found == self.expected, "contents differ");
            if let Contents::Pages(pages) = &self.contents {
                assert_eq!(pages.iter().count() as u64, pages.count);
                let cost = pages.count * PAGE as u64 + pages.groups.len() as u64 * GROUP_COST;
                assert_eq!(self.store.budget.used(), cost);
                assert!(pages.iter().all(|(index, _)| (index as u64) < self.size.div_ceil(PAGE as u64)));
            } else {
                assert_eq!(self.store.budget.used(), self.contents.page_count() * PAGE as u64);
            }
        }
    }

    struct Random(u64);

    impl Random {
        fn below(&mut self, below: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % below
        }
    }

    /// Random writes, truncations and mappings against a vector.
    #[test]
    fn contents_are_what_was_written() {
        for seed in 0..20 {
            let mut random = Random(seed);
            let mut model = Model::new(1 << 30);
            let mut mapped = 0;
            for step in 0_u32..400 {
                let near = [0, 3 * PAGE, 5 * PAGE, GROUP * PAGE - PAGE, GROUP * PAGE + 7][random.below(5)];
                match random.below(12) {
                    0 => {
                        let to = near + random.below(3 * PAGE);
                        model.truncate(to);
                    }
                    1 if random.below(4) == 0 => model.truncate(0),
                    2 if random.below(3) == 0 => {
                        let len = (1 + random.below(4)) * PAGE;
                        let offset = random.below(8) * PAGE;
                        let size = model.size;
                        model.contents.map(offset as u64, len, size, true, &mut model.store).unwrap();
                        mapped += len / PAGE;
                    }
                    3 | 4 => {
                        model.contents.unmap(mapped as u64);
                        mapped = 0;
                    }
                    _ => {
                        let offset = near + random.below(2 * PAGE);
                        let bytes: Vec<u8> =
                            (0..random.below(3 * PAGE)).map(|at| (at as u32 ^ step) as u8 | 1).collect();
                        model.write(offset, &bytes);
                    }
                }
                model.check();
            }
            model.contents.unmap(mapped as u64);
            model.contents.clear(&mut model.store);
            assert_eq!(model.store.budget.used(), 0);
        }
    }

    #[test]
    fn holes_cost_nothing() {
        let mut model = Model::new(4 * PAGE as u64 + 2 * GROUP_COST);
        let far = 1 << 40;
        assert_eq!(model.contents.write(far, b"end", 0, &mut model.store), Ok(3));
        assert_eq!(model.contents.page_count(), 1);
        let mut found = [1; 6];
        model.contents.read(far - 3, &mut found, &model.store);
        assert_eq!(&found, b"\0\0\0end");
    }

    #[test]
    fn a_full_file_system_takes_what_fits() {
        let mut model = Model::new(2 * PAGE as u64);
        let bytes = vec![7; 3 * PAGE];
        assert_eq!(model.contents.write(100, &bytes, 0, &mut model.store), Ok(2 * PAGE - 100));
        let again = model.contents.write(2 * PAGE as u64, &bytes, 2 * PAGE as u64, &mut model.store);
        assert_eq!(again.map_err(|error| error.errno), Err(ENOSPC));
        // What is there can still be written over.
        assert_eq!(model.contents.write(0, &bytes[..2 * PAGE], 2 * PAGE as u64, &mut model.store), Ok(2 * PAGE));
        assert_eq!(model.store.budget.left(), 0);
    }

    #[test]
    fn an_address_stays_as_long_as_it_is_mapped() {
        let mut model = Model::new(1 << 30);
        model.write(10, b"before");
        let map = |model: &mut Model, offset, len| {
            let size = model.size;
            model.contents.map(offset, len, size, true, &mut model.store)
        };
        let address = map(&mut model, 0, PAGE).unwrap();
        assert!(address.is_multiple_of(PAGE));
        model.write(5 * PAGE, &[1; 3 * PAGE]);
        assert_eq!(map(&mut model, 4 * PAGE as u64, 2 * PAGE).unwrap(), address + 4 * PAGE);
        model.truncate(3);
        model.check();
        assert_eq!(map(&mut model, 0, PAGE).unwrap(), address);
        // More than there are addresses for.
        assert_eq!(map(&mut model, 0, EXTENT_MAX + PAGE).map_err(|error| error.errno), Err(ENOMEM));
        model.contents.unmap(4);
        model.truncate(2);
        assert!(matches!(model.contents, Contents::Pages(_)));
        model.check();
    }

    #[test]
    fn mapping_needs_memory_for_all_of_it() {
        let mut model = Model::new(3 * PAGE as u64);
        model.write(0, b"x");
        let size = model.size;
        let result = model.contents.map(0, 4 * PAGE, size, false, &mut model.store);
        assert_eq!(result.map_err(|error| error.errno), Err(ENOSPC));
        assert!(model.contents.map(0, 2 * PAGE, size, false, &mut model.store).is_ok());
        model.check();
    }
}
