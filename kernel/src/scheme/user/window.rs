//! The window: memory of the kernel that a daemon has mapped, in which it finds the payloads of requests.
//!
//! Each place in the table of requests has a slot of 16 KiB in it. A slot's pages come into being with the first payload that
//! needs them and stay; the daemon's page faults fetch them. What a daemon writes there concerns only the client whose request it is.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::error::Result;

use crate::memory::pager::{Page, Pager};
use crate::memory::user::fill_frame;
use crate::memory::{Frame, OutOfMemory, PAGE_SIZE, UserSlice, reserve};
use crate::sync::Once;

/// Requests that a scheme can have in flight.
pub const SLOTS: usize = 8192;
/// Largest payload that is copied; larger ones are lent. At 16 KiB copying (2,048 instructions of `rep movsq`) costs what
/// lending four pages does.
pub const SLOT_SIZE: usize = 16 * 1024;
/// Bytes of address space.
pub const SIZE: usize = SLOTS * SLOT_SIZE;

const SLOT_PAGES: usize = SLOT_SIZE / PAGE_SIZE;
const CHUNK: usize = 64;
const CHUNKS: usize = SLOTS * SLOT_PAGES / CHUNK;

type Chunk = [Once<Frame>; CHUNK];

/// A scheme's window.
pub struct Window {
    chunks: Box<[Once<Box<Chunk>>]>,
}

impl Window {
    /// Without pages yet.
    pub fn new() -> core::result::Result<Arc<Self>, OutOfMemory> {
        let mut chunks = Vec::new();
        reserve(&mut chunks, CHUNKS)?;
        chunks.resize_with(CHUNKS, Once::new);
        Ok(Arc::new(Window { chunks: chunks.into_boxed_slice() }))
    }

    #[inline]
    fn existing(&self, page: usize) -> Option<&Frame> {
        self.chunks.get(page / CHUNK)?.get()?[page % CHUNK].get()
    }

    #[inline]
    fn frame(&self, page: usize) -> core::result::Result<&Frame, OutOfMemory> {
        match self.existing(page) {
            Some(frame) => Ok(frame),
            None => self.make(page),
        }
    }

    #[cold]
    fn make(&self, page: usize) -> core::result::Result<&Frame, OutOfMemory> {
        // The chunk itself is the kernel's memory.
        if !reserve::may_give() {
            return Err(OutOfMemory);
        }
        let chunk = self.chunks[page / CHUNK].call_once(|| Box::new([const { Once::new() }; CHUNK]));
        chunk[page % CHUNK].try_call_once(Frame::zeroed_for_user)
    }

    /// Whether the slot has pages for `len` bytes.
    #[inline(always)]
    pub fn has(&self, slot: usize, len: usize) -> bool {
        len <= PAGE_SIZE && self.existing(slot * SLOT_PAGES).is_some()
    }

    /// Sees to it that the slot has pages for `len` bytes.
    #[inline]
    pub fn ensure(&self, slot: usize, len: usize) -> core::result::Result<(), OutOfMemory> {
        for page in 0..len.div_ceil(PAGE_SIZE) {
            self.frame(slot * SLOT_PAGES + page)?;
        }
        Ok(())
    }

    /// Copies bytes of the kernel to the slot.
    pub fn fill(&self, slot: usize, bytes: &[u8]) -> Result<()> {
        for (page, part) in bytes.chunks(PAGE_SIZE).enumerate() {
            fill_frame(self.frame(slot * SLOT_PAGES + page)?, 0, part);
        }
        Ok(())
    }

    /// Copies a few bytes of the kernel to the slot's first page, which is there.
    #[inline]
    pub fn put(&self, slot: usize, bytes: &[u8]) {
        if let Some(frame) = self.existing(slot * SLOT_PAGES) {
            fill_frame(frame, 0, bytes);
        }
    }

    /// Copies a client's memory to the slot.
    #[inline]
    pub fn read_in(&self, slot: usize, from: UserSlice) -> Result<()> {
        let mut done = 0;
        while done < from.len() {
            let part = from.skip(done).first(PAGE_SIZE);
            part.read_to_frame(self.frame(slot * SLOT_PAGES + done / PAGE_SIZE)?, 0)?;
            done += part.len();
        }
        Ok(())
    }

    /// As [`Window::write_out`] for what is on the slot's first page, which is there.
    #[inline(always)]
    pub fn write_out_page(&self, slot: usize, to: UserSlice) -> Result<()> {
        match self.existing(slot * SLOT_PAGES) {
            Some(frame) => to.write_from_frame(frame, 0),
            None => Ok(()),
        }
    }

    /// Copies the slot to a client's memory.
    #[inline]
    pub fn write_out(&self, slot: usize, to: UserSlice) -> Result<()> {
        let mut done = 0;
        while done < to.len() {
            let part = to.skip(done).first(PAGE_SIZE);
            part.write_from_frame(self.frame(slot * SLOT_PAGES + done / PAGE_SIZE)?, 0)?;
            done += part.len();
        }
        Ok(())
    }
}

impl Pager for Window {
    fn page(&self, index: usize) -> core::result::Result<Option<Page>, OutOfMemory> {
        Ok(self.existing(index).map(|frame| Page::Counted(frame.clone())))
    }

    fn is_user_owned(&self) -> bool {
        false
    }
}
