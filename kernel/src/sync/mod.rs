//! Locks with levels in their types, and the cells whose owner is known.
//!
//! The kernel runs with interrupts off, so a lock is a plain spin lock that no interrupt handler can meet half-way. While a
//! processor spins it answers the TLB shoot-downs of others ([`Relax`]), so that the holder of a lock may wait for them.
//!
//! Levels rise from the outside inwards ([`level`]): [`Lock::lock`] takes a lock while none of its level or above is held.
//! A thread that maps and unmaps in a loop would leave the other threads nothing of the lock of its address space, since the line
//! it lies in is always there already. For that level, who has waited for a while says so, and whoever releases the lock then
//! stays away until it is taken. A queue would be fairer still, but hands the lock to processors that a hypervisor has
//! suspended. Other locks are held for so short a time that this would cost more than it brings (30 to 190 instructions for
//! a round trip).
//!
//! In test builds (feature `test-build`) each processor keeps the set of levels it holds; taking one out of order, waiting for
//! a second or holding one for a second is a panic that names the lock.

use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use spin::mutex::{SpinMutex, SpinMutexGuard};

/// The order in which locks are taken: a lock may be taken while locks of lower levels are held.
pub mod level {
    /// Descriptor tables (`context::files`).
    pub const FILES: u8 = 1;
    /// Address spaces (`memory::space`).
    pub const SPACE: u8 = 2;
    /// Objects that back mappings (`memory::shared`).
    pub const OBJECT: u8 = 3;
    /// User schemes (`scheme::user`).
    pub const SCHEME: u8 = 4;
    /// Buffers of kernel schemes: pipes, time handles.
    pub const BUFFER: u8 = 5;
    /// Who watches an object (`scheme::event::EventSource`).
    pub const SOURCE: u8 = 6;
    /// Event queues.
    pub const QUEUE: u8 = 7;
    /// Futex buckets.
    pub const FUTEX: u8 = 8;
    /// What others may change of a thread.
    pub const THREAD: u8 = 9;
    /// The table of threads.
    pub const THREADS: u8 = 10;
    /// Timer queues.
    pub const TIMER: u8 = 11;
    /// Run queues.
    pub const RUN: u8 = 12;
    /// Kernel mappings.
    pub const KMAP: u8 = 13;
    /// The kernel heap's global lists.
    pub const HEAP: u8 = 14;
    /// The page allocator.
    pub const FRAMES: u8 = 15;
}

/// What a processor does while it spins.
pub struct Relax;

impl spin::RelaxStrategy for Relax {
    #[inline]
    fn relax() {
        crate::arch::tlb::serve();
        core::hint::spin_loop();
    }
}

/// Rounds of spinning after which a processor says that it waits.
const PATIENCE: usize = 100;
/// Rounds that the one who releases the lock leaves to those who wait.
const COURTESY: usize = 1000;

/// A spin lock of level `L` around a `T`.
pub struct Lock<const L: u8, T: ?Sized> {
    /// Somebody has waited long.
    wanted: AtomicBool,
    inner: SpinMutex<T, Relax>,
}

/// Proof that a [`Lock`] is held; it is released when this goes.
pub struct Guard<'a, const L: u8, T: ?Sized> {
    #[cfg(feature = "test-build")]
    _order: order::Held<L>,
    inner: SpinMutexGuard<'a, T, Relax>,
    // After the lock: fields go in the order of their declaration.
    _courtesy: Courtesy<'a, L>,
}

/// What is owed to others when a lock has been released.
struct Courtesy<'a, const L: u8>(&'a AtomicBool);

impl<const L: u8> Drop for Courtesy<'_, L> {
    #[inline]
    fn drop(&mut self) {
        if L == level::SPACE && self.0.load(Relaxed) {
            self.give_way();
        }
    }
}

impl<const L: u8> Courtesy<'_, L> {
    #[cold]
    fn give_way(&self) {
        for _ in 0..COURTESY {
            <Relax as spin::RelaxStrategy>::relax();
            if !self.0.load(Relaxed) {
                return;
            }
        }
    }
}

impl<const L: u8, T> Lock<L, T> {
    /// An open lock.
    pub const fn new(value: T) -> Self {
        Lock { wanted: AtomicBool::new(false), inner: SpinMutex::new(value) }
    }

    /// Takes two different locks of one level. Whoever does so takes the one that lies lower in memory first, so nobody waits in
    /// a circle.
    pub fn lock_both<'a>(one: &'a Self, other: &'a Self) -> (Guard<'a, L, T>, Guard<'a, L, T>) {
        if core::ptr::from_ref(one) < core::ptr::from_ref(other) {
            let first = one.lock();
            (first, other.lock_beside())
        } else {
            let first = other.lock();
            (one.lock_beside(), first)
        }
    }

    /// Takes the lock while another one of its level is held.
    fn lock_beside(&self) -> Guard<'_, L, T> {
        self.try_lock().unwrap_or_else(|| Guard {
            #[cfg(feature = "test-build")]
            _order: order::Held::<L>::tried(),
            inner: self.wait(),
            _courtesy: Courtesy(&self.wanted),
        })
    }

    /// The value, when nobody else can hold the lock any more.
    #[allow(dead_code)]
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<const L: u8, T: ?Sized> Lock<L, T> {
    /// Waits until the lock is free and takes it.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> Guard<'_, L, T> {
        #[cfg(feature = "test-build")]
        let order = order::Held::<L>::check();
        let inner = self.inner.try_lock().unwrap_or_else(|| self.wait());
        Guard {
            #[cfg(feature = "test-build")]
            _order: order.acquired(),
            inner,
            _courtesy: Courtesy(&self.wanted),
        }
    }

    /// Spins until the lock is free, and takes it.
    #[cold]
    #[track_caller]
    fn wait(&self) -> SpinMutexGuard<'_, T, Relax> {
        #[cfg(feature = "test-build")]
        let start = crate::time::now_ns();
        for round in 0_usize.. {
            <Relax as spin::RelaxStrategy>::relax();
            if !self.inner.is_locked()
                && let Some(guard) = self.inner.try_lock()
            {
                if L == level::SPACE && round >= PATIENCE {
                    // Whoever else waits says so again.
                    self.wanted.store(false, Relaxed);
                }
                return guard;
            }
            if L == level::SPACE && round >= PATIENCE {
                self.wanted.store(true, Relaxed);
            }
            #[cfg(feature = "test-build")]
            order::check_wait(L, start);
        }
        unreachable!()
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, L, T>> {
        let inner = self.inner.try_lock()?;
        Some(Guard {
            #[cfg(feature = "test-build")]
            _order: order::Held::<L>::tried(),
            inner,
            _courtesy: Courtesy(&self.wanted),
        })
    }

    /// The value, by the one reference there is.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }
}

impl<const L: u8, T: ?Sized> Deref for Guard<'_, L, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<const L: u8, T: ?Sized> DerefMut for Guard<'_, L, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// A cell that is set once, before other processors can look at it.
pub type Once<T> = spin::once::Once<T, Relax>;

mod owner;
mod slots;

pub use owner::OwnerCell;
pub use slots::SlotTable;

#[cfg(feature = "test-build")]
mod order {
    //! The checks of test builds.
    use crate::arch::percpu;

    /// Longest time a lock may be waited for or held, in nanoseconds. Wide, because an emulated processor may be suspended
    /// by its host while it holds one.
    const LIMIT_NS: u64 = 5_000_000_000;

    pub struct Held<const L: u8> {
        since: u64,
        taken: bool,
    }

    impl<const L: u8> Held<L> {
        #[track_caller]
        pub fn check() -> Self {
            let held = percpu::held_levels();
            assert!(held >> L == 0, "lock of level {L} taken while levels {held:#b} are held");
            Held { since: 0, taken: false }
        }

        pub fn acquired(mut self) -> Self {
            percpu::hold_level(L, true);
            self.since = crate::time::now_ns();
            self.taken = true;
            self
        }

        pub fn tried() -> Self {
            Held { since: 0, taken: false }.acquired()
        }
    }

    impl<const L: u8> Drop for Held<L> {
        fn drop(&mut self) {
            if !self.taken {
                return;
            }
            percpu::hold_level(L, false);
            let held = crate::time::now_ns().saturating_sub(self.since);
            assert!(held < LIMIT_NS, "lock of level {L} held for {held} ns");
        }
    }

    /// Panics when a lock has been waited for since `start` for too long.
    #[track_caller]
    pub fn check_wait(level: u8, start: u64) {
        let waited = crate::time::now_ns().saturating_sub(start);
        assert!(waited < LIMIT_NS, "lock of level {level} waited for {waited} ns: a circle?");
    }
}
