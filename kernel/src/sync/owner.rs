//! A cell that only the thread which it is a part of touches, on whatever processor that runs.

use core::cell::UnsafeCell;

use crate::arch::percpu;

/// A part of a thread that is the thread's own business: no lock, but each access checks that the cell lies in the current thread.
///
/// The kernel is not preemptible, so nothing else of the current thread can be in the middle of using it.
pub struct OwnerCell<T>(UnsafeCell<T>);

// SAFETY: only the thread that contains the cell gets at the value, and it runs on one processor at a time; moving it between
// processors goes through the scheduler, whose locks order the accesses.
unsafe impl<T: Send> Sync for OwnerCell<T> {}

impl<T> OwnerCell<T> {
    /// With this value.
    pub const fn new(value: T) -> Self {
        OwnerCell(UnsafeCell::new(value))
    }

    #[inline(always)]
    fn check(&self) {
        let (me, cell) = (percpu::current() as *const _ as usize, self as *const _ as usize);
        assert!(cell.wrapping_sub(me) < size_of::<crate::context::Thread>(), "another thread's cell");
    }

    /// Replaces the value by the new one, which is answered back if the closure wants it: runs `change` on the value.
    #[inline]
    pub fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        self.check();
        // SAFETY: the current thread's own cell; closures given here are short and do not come back to the same cell.
        change(unsafe { &mut *self.0.get() })
    }
}

impl<T: Clone> OwnerCell<T> {
    /// A copy of the value.
    #[inline]
    pub fn get(&self) -> T {
        self.with(|value| value.clone())
    }
}
