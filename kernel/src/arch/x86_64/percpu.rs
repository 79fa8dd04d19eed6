//! Data of each processor, reached through the GS segment base while in the kernel.
//!
//! The first fields have fixed offsets because the entry code names them. Everything here is touched by its own processor
//! only, with interrupts off, or is atomic.

use alloc::boxed::Box;
use core::cell::{Cell, UnsafeCell};
use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::context::Thread;
use crate::context::sched::CpuSched;

/// Most processors that are started.
pub const MAX_CPUS: usize = 16;

/// One processor's data. The first five fields are known to the entry code.
#[repr(C, align(64))]
pub struct PerCpu {
    /// This structure's own address, so that `gs:[0]` yields a reference.
    this: Cell<*const PerCpu>,
    /// Where the entry code keeps the user's stack pointer for a moment.
    user_rsp: Cell<usize>,
    /// Top of the current thread's kernel stack.
    pub kernel_stack: Cell<usize>,
    /// The thread that runs here.
    current: Cell<&'static Thread>,
    /// Page table root in CR3.
    pub cr3: AtomicU64,
    /// Number of this processor, 0 is the one that booted.
    pub index: usize,
    /// Its local APIC id.
    apic_id: AtomicU32,
    /// Run queue, idle thread, timers.
    pub sched: CpuSched,
    /// Flushes of the translation cache that others asked for, and those done; see [`super::tlb`].
    pub flush_asked: AtomicU64,
    /// See `flush_asked`.
    pub flush_done: AtomicU64,
    /// Times that interrupts were taken here.
    pub interrupts: AtomicU64,
    /// Free frames kept for this processor.
    pub frames: UnsafeCell<crate::memory::frames::Magazine>,
    /// Free objects of the kernel heap kept for this processor.
    pub heap: UnsafeCell<crate::memory::heap::LocalLists>,
    /// Segments and task state.
    pub gdt: UnsafeCell<super::gdt::Tables>,
    /// Levels of the locks held here (test builds).
    held: AtomicU32,
}

// SAFETY: non-atomic fields are used by their own processor only, with interrupts off.
unsafe impl Sync for PerCpu {}

/// Offset of the scratch word for the user's stack pointer.
pub const USER_RSP: usize = offset_of!(PerCpu, user_rsp);
/// Offset of the kernel stack's top.
pub const KERNEL_STACK: usize = offset_of!(PerCpu, kernel_stack);
/// Offset of the current thread.
pub const CURRENT: usize = offset_of!(PerCpu, current);

static TABLE: [core::sync::atomic::AtomicPtr<PerCpu>; MAX_CPUS] =
    [const { core::sync::atomic::AtomicPtr::new(core::ptr::null_mut()) }; MAX_CPUS];
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Data made for processors that are to be started, which cannot allocate before they have it.
static PREPARED: [core::sync::atomic::AtomicPtr<PerCpu>; MAX_CPUS] =
    [const { core::sync::atomic::AtomicPtr::new(core::ptr::null_mut()) }; MAX_CPUS];

/// Makes the data of processors 1 to `count - 1`.
pub fn prepare(count: usize) {
    for (index, place) in PREPARED.iter().enumerate().take(count).skip(1) {
        let idle: &'static Thread = Box::leak(Box::new(Thread::idle()));
        place.store(Box::into_raw(PerCpu::boxed(index, 0, idle)), Ordering::Release);
    }
}

/// What [`prepare`] made for this processor.
pub fn prepared(index: usize) -> &'static PerCpu {
    let pointer = PREPARED[index].load(Ordering::Acquire);
    // SAFETY: a leaked box, made before the processor was sent for.
    unsafe { pointer.as_ref() }.unwrap_or_else(|| panic!("nothing was prepared for processor {index}"))
}

/// The data of the processor that runs this.
#[inline(always)]
pub fn this() -> &'static PerCpu {
    let this: *const PerCpu;
    // SAFETY: `install` has set the GS base before any other code runs on a processor; the entry code keeps it so.
    unsafe {
        core::arch::asm!("mov {}, gs:[0]", out(reg) this, options(nostack, preserves_flags, pure, readonly));
        &*this
    }
}

/// The data of the processor that runs this, when an interrupt may have come while the GS base was the user's. From here on it is
/// the kernel's; the interrupted code cannot go on.
pub fn recover() -> Option<&'static PerCpu> {
    let id = super::cpuid::apic_id();
    let cpu = all().find(|cpu| cpu.apic_id() == id)?;
    // SAFETY: what `install` has set for this processor.
    unsafe { super::msr::write(super::msr::GS_BASE, cpu as *const _ as u64) }
    Some(cpu)
}

/// The thread that runs on this processor.
#[inline(always)]
pub fn current() -> &'static Thread {
    let current: *const Thread;
    // SAFETY: as in `this`; the field always holds a valid reference. The asm is neither `pure` nor cached across calls,
    // because after a switch the same code runs for another thread.
    unsafe {
        core::arch::asm!("mov {}, gs:[{}]", out(reg) current, const CURRENT, options(nostack, preserves_flags));
        &*current
    }
}

/// Number of processors that run.
pub fn count() -> usize {
    COUNT.load(Ordering::Acquire) as usize
}

/// The data of processor `index`, if it has been started.
pub fn get(index: usize) -> Option<&'static PerCpu> {
    let pointer = TABLE.get(index)?.load(Ordering::Acquire);
    // SAFETY: only `install` stores here, the address of a leaked structure.
    unsafe { pointer.as_ref() }
}

/// All processors that run.
pub fn all() -> impl Iterator<Item = &'static PerCpu> {
    (0..MAX_CPUS).filter_map(get)
}

impl PerCpu {
    /// Data of a processor that is to start with its idle thread.
    pub const fn new(index: usize, apic_id: u32, idle: &'static Thread) -> Self {
        PerCpu {
            this: Cell::new(core::ptr::null()),
            user_rsp: Cell::new(0),
            kernel_stack: Cell::new(0),
            current: Cell::new(idle),
            cr3: AtomicU64::new(0),
            index,
            apic_id: AtomicU32::new(apic_id),
            sched: CpuSched::new(idle),
            flush_asked: AtomicU64::new(0),
            flush_done: AtomicU64::new(0),
            interrupts: AtomicU64::new(0),
            frames: UnsafeCell::new(crate::memory::frames::Magazine::new()),
            heap: UnsafeCell::new(crate::memory::heap::LocalLists::new()),
            gdt: UnsafeCell::new(super::gdt::Tables::new()),
            held: AtomicU32::new(0),
        }
    }

    /// The same on the heap, built in place: it is too large for a kernel stack.
    pub fn boxed(index: usize, apic_id: u32, idle: &'static Thread) -> Box<Self> {
        let mut place = Box::<PerCpu>::new_zeroed();
        let cpu = place.as_mut_ptr();
        // SAFETY: zero is a valid value of every field that is not written here: cells and atomics of numbers and null
        // pointers, empty magazines and lists, tables that `gdt::load` fills.
        unsafe {
            (&raw mut (*cpu).current).write(Cell::new(idle));
            (&raw mut (*cpu).index).write(index);
            (&raw mut (*cpu).apic_id).write(AtomicU32::new(apic_id));
            (&raw mut (*cpu).sched).write(CpuSched::new(idle));
            place.assume_init()
        }
    }

    /// Makes this the data of the processor that runs this, for good.
    pub fn install(&'static self) {
        self.this.set(self);
        // SAFETY: kernel code expects the GS base to point here; the user's base is swapped in at each exit.
        unsafe {
            super::msr::write(super::msr::GS_BASE, self as *const _ as u64);
            super::msr::write(super::msr::KERNEL_GS_BASE, 0);
        }
        TABLE[self.index].store(self as *const _ as *mut _, Ordering::Release);
        COUNT.fetch_max(self.index as u32 + 1, Ordering::AcqRel);
    }

    /// Its local APIC id.
    pub fn apic_id(&self) -> u32 {
        self.apic_id.load(Ordering::Relaxed)
    }

    /// Notes the id once it is known (the first processor).
    pub fn set_apic_id(&self, id: u32) {
        self.apic_id.store(id, Ordering::Relaxed);
    }

    /// Sets the thread that runs here; only the context switch does.
    pub(super) fn set_current(&self, thread: &'static Thread) {
        self.current.set(thread);
    }
}

/// Levels of the locks that this processor holds (test builds).
#[cfg(feature = "test-build")]
pub fn held_levels() -> u32 {
    if count() == 0 { 0 } else { this().held.load(Ordering::Relaxed) }
}

/// Notes that a lock of `level` is held, or no longer (test builds).
#[cfg(feature = "test-build")]
pub fn hold_level(level: u8, hold: bool) {
    if count() != 0 {
        let held = &this().held;
        let bit = 1 << level;
        let now = held.load(Ordering::Relaxed);
        held.store(if hold { now | bit } else { now & !bit }, Ordering::Relaxed);
    }
}
