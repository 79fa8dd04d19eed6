//! Lending a large payload: the client's whole pages are mapped in the daemon until it answers.
//!
//! The pages at either end that the payload does not fill are not lent, because what else is on them is the client's own: they
//! are copied through pages of the kernel. Each page lent is counted, so it stays when the client unmaps it or ends.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use syscall::error::{ENOMEM, EPERM, Error, Result};

use crate::context::Thread;
use crate::memory::pager::{Page, Pager};
use crate::memory::{AddressSpace, Frame, OutOfMemory, PAGE_SIZE, UserSlice, reserve};

/// Largest payload.
const MAX: usize = 1 << 30;

/// A lent payload. It ends when this is dropped.
pub struct Loan {
    /// Where the daemon finds the first byte.
    pub address: usize,
    pages: usize,
    space: Weak<AddressSpace>,
    head: Option<Frame>,
    tail: Option<Frame>,
}

struct Lent(Vec<Page>);

impl Pager for Lent {
    fn page(&self, index: usize) -> core::result::Result<Option<Page>, OutOfMemory> {
        Ok(self.0.get(index).map(|page| match page {
            Page::Counted(frame) => Page::Counted(frame.clone()),
            Page::Foreign(address, cache) => Page::Foreign(*address, *cache),
        }))
    }

    fn is_inherited(&self) -> bool {
        false
    }

    fn is_user_owned(&self) -> bool {
        false
    }
}

/// Bytes of a payload on its first page, if they do not fill it.
fn head_len(slice: UserSlice) -> usize {
    let offset = slice.address() % PAGE_SIZE;
    if offset == 0 { 0 } else { (PAGE_SIZE - offset).min(slice.len()) }
}

impl Loan {
    /// Lends the current thread's `slice` to `space`. The daemon may write if `back`.
    pub fn new(slice: UserSlice, space: &Arc<AddressSpace>, to_daemon: bool, back: bool) -> Result<Self> {
        if slice.len() > MAX {
            return Err(Error::new(ENOMEM));
        }
        let own = Thread::current().space()?;
        let first = slice.address() & !(PAGE_SIZE - 1);
        let count = (slice.address() + slice.len() - first).div_ceil(PAGE_SIZE);
        let (head, tail) = (head_len(slice), (slice.address() + slice.len()) % PAGE_SIZE);
        let mut pages = Vec::new();
        reserve(&mut pages, count)?;
        let (mut head_frame, mut tail_frame) = (None, None);
        for index in 0..count {
            let address = first + index * PAGE_SIZE;
            if index == 0 && head != 0 {
                let frame = Frame::zeroed_for_user()?;
                if to_daemon {
                    slice.first(head).read_to_frame(&frame, slice.address() % PAGE_SIZE)?;
                }
                pages.push(Page::Counted(frame.clone()));
                head_frame = Some(frame);
            } else if index == count - 1 && tail != 0 {
                let frame = Frame::zeroed_for_user()?;
                if to_daemon {
                    slice.skip(slice.len() - tail).read_to_frame(&frame, 0)?;
                }
                pages.push(Page::Counted(frame.clone()));
                tail_frame = Some(frame);
            } else {
                match own.pin(address, back)? {
                    Page::Foreign(..) if back => return Err(Error::new(EPERM)),
                    page => pages.push(page),
                }
            }
        }
        let lent: Arc<dyn Pager> = Arc::new(Lent(pages));
        let base = space.map_lent(lent, count, back)?;
        Ok(Loan {
            address: base + slice.address() % PAGE_SIZE,
            pages: count,
            space: Arc::downgrade(space),
            head: head_frame,
            tail: tail_frame,
        })
    }

    /// Copies back what was not lent but copied, as far as `slice` (the payload's front) reaches.
    pub fn copy_back(&self, slice: UserSlice) -> Result<()> {
        let head = head_len(slice);
        if let Some(frame) = &self.head {
            slice.first(head).write_from_frame(frame, slice.address() % PAGE_SIZE)?;
        }
        if let Some(frame) = &self.tail {
            // The tail is on the loan's last page; a shorter slice may end before it.
            let last = (slice.address() & !(PAGE_SIZE - 1)) + (self.pages - 1) * PAGE_SIZE;
            if last > slice.address() {
                slice.skip(last - slice.address()).write_from_frame(frame, 0)?;
            }
        }
        Ok(())
    }

    /// Takes the pages away from the daemon; the copied ends stay until the client has fetched them.
    pub fn end(&mut self) {
        if let Some(space) = core::mem::take(&mut self.space).upgrade() {
            space.unmap_own(self.address & !(PAGE_SIZE - 1), self.pages * PAGE_SIZE);
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.end();
    }
}
