//! A table of things that are made once and never go, found by number without a lock.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const CHUNK: usize = 512;
const CHUNKS: usize = 64;

type Chunk<T> = [AtomicPtr<T>; CHUNK];

/// Up to 32,768 things of type `T`.
pub struct SlotTable<T: 'static> {
    chunks: [AtomicPtr<Chunk<T>>; CHUNKS],
    made: AtomicU32,
}

impl<T: Sync> SlotTable<T> {
    /// Empty.
    pub const fn new() -> Self {
        SlotTable { chunks: [const { AtomicPtr::new(core::ptr::null_mut()) }; CHUNKS], made: AtomicU32::new(0) }
    }

    /// Number of things made.
    pub fn len(&self) -> u32 {
        self.made.load(Ordering::Acquire)
    }

    /// The thing with this number.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&'static T> {
        let chunk = self.chunks.get(number as usize / CHUNK)?.load(Ordering::Acquire);
        // SAFETY: chunks and things are leaked boxes, published with release and never freed.
        unsafe { chunk.as_ref()?[number as usize % CHUNK].load(Ordering::Acquire).as_ref() }
    }

    /// Makes the next thing, which learns its number. One caller at a time (the caller holds a lock). `None` when the table is full.
    pub fn push(&self, make: impl FnOnce(u32) -> T) -> Option<&'static T> {
        let number = self.made.load(Ordering::Relaxed);
        let place = self.chunks.get(number as usize / CHUNK)?;
        if place.load(Ordering::Relaxed).is_null() {
            let new: Box<Chunk<T>> = Box::new([const { AtomicPtr::new(core::ptr::null_mut()) }; CHUNK]);
            place.store(Box::into_raw(new), Ordering::Release);
        }
        let thing: *mut T = Box::into_raw(Box::new(make(number)));
        // SAFETY: the chunk was made here or by an earlier call, and is never freed.
        unsafe { (&*place.load(Ordering::Relaxed))[number as usize % CHUNK].store(thing, Ordering::Release) };
        self.made.store(number + 1, Ordering::Release);
        // SAFETY: just leaked.
        Some(unsafe { &*thing })
    }
}
