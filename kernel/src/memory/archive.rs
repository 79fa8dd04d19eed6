//! The memory that the initfs lies in. It is shown page by page, and given back file by file once nobody needs a file any more.
//!
//! The kernel holds one reference to each page, mappings of it hold their own: a page that is given back is freed with the last
//! mapping. Pages that hold more than this one file's contents (headers, neighbours) stay.

use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::error::{EBUSY, ENOENT, Error, Result};

use super::pager::{Page, Pager};
use super::{Frame, OutOfMemory, PAGE_SIZE, frames, reserve};
use crate::arch::boot;
use crate::sync::{Lock, Once, level};

/// What the kernel itself looks into when it panics.
const SYMBOLS: &str = "kernel.sym";

static ARCHIVE: Once<Arc<Archive>> = Once::new();

/// The initfs.
pub struct Archive {
    len: usize,
    /// The kernel's references, until they are given back.
    pages: Lock<{ level::OBJECT }, Vec<Option<Frame>>>,
}

/// Takes the loader's module, whole pages of memory that nobody else has (at boot).
pub fn init(start: u64, end: u64) -> core::result::Result<(), OutOfMemory> {
    let len = (end - start) as usize;
    let mut pages = Vec::new();
    reserve(&mut pages, len.div_ceil(PAGE_SIZE))?;
    pages.extend(frames::adopt(start, len.div_ceil(PAGE_SIZE)).map(Some));
    ARCHIVE.call_once(|| Arc::new(Archive { len, pages: Lock::new(pages) }));
    Ok(())
}

/// The initfs, once it is known.
pub fn get() -> Result<Arc<Archive>> {
    ARCHIVE.get().cloned().ok_or(Error::new(ENOENT))
}

impl Archive {
    /// Bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Where a file of the archive begins, if that is at a page.
    pub fn offset(&self, contents: &[u8]) -> Option<usize> {
        let offset = (contents.as_ptr() as usize).checked_sub(boot::initfs()?.as_ptr() as usize)?;
        (offset < self.len && offset.is_multiple_of(PAGE_SIZE)).then_some(offset)
    }

    /// Gives back the pages that hold nothing but the contents of the file with this path; answers how many there were. `ENOENT` when
    /// there is no such file, `EBUSY` for the one that the kernel needs.
    pub fn give_back(&self, path: &str) -> Result<usize> {
        let archive = boot::initfs().ok_or(Error::new(ENOENT))?;
        if path == SYMBOLS {
            return Err(Error::new(EBUSY));
        }
        let data = kernel_core::cpio::find(archive, path).ok_or(Error::new(ENOENT))?;
        let start = data.as_ptr() as usize - archive.as_ptr() as usize;
        let (first, last) = (start.div_ceil(PAGE_SIZE), (start + data.len()) / PAGE_SIZE);
        let mut given = 0;
        for index in first..last {
            // One at a time: there may be ten thousands of them, and others want to look at pages meanwhile.
            let frame = self.pages.lock().get_mut(index).and_then(Option::take);
            given += usize::from(frame.is_some());
        }
        frames::adopted_given_back(given);
        Ok(given)
    }
}

impl Pager for Archive {
    fn page(&self, index: usize) -> core::result::Result<Option<Page>, OutOfMemory> {
        Ok(self.pages.lock().get(index).and_then(Clone::clone).map(Page::Counted))
    }
}
