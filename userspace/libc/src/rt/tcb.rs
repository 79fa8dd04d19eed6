//! The thread control block, and the memory of a thread: stack, thread-local storage and control block in one mapping.
//!
//! Thread-local storage is "variant II" (Drepper, "ELF Handling For Thread-Local Storage", section 3.4.6): the program's
//! `PT_TLS` image ends where the control block starts, `fs` holds the address of the control block, and its first word is
//! that address.

use core::arch::asm;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

use syscall::error::Result;

use super::auxv::Aux;
use super::heap::Cache;
use super::signal::{STACKS, Signals};
use super::sys;

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Keys of `pthread_key_create` (`PTHREAD_KEYS_MAX`; POSIX asks for 128).
pub const KEYS: usize = 128;

/// Bytes of a thread's name, with the zero (as on Linux).
pub const NAME: usize = 16;

/// What a thread does when it starts.
pub type StartRoutine = extern "C" fn(*mut c_void) -> *mut c_void;

/// [`Tcb::state`]: the thread has not ended.
pub const RUNNING: i32 = 0;
/// [`Tcb::state`]: the thread is on its way to the kernel's exit, and will use nothing of the process any more but its
/// stack, until the kernel says that it has ended.
pub const ENDED: i32 = 1;

/// [`Tcb::owner`]: nobody has asked for the thread's result yet.
pub const JOINABLE: u32 = 0;
/// [`Tcb::owner`]: nobody ever will.
pub const DETACHED: u32 = 1;
/// [`Tcb::owner`]: somebody is in `pthread_join`.
pub const JOINED: u32 = 2;

/// A thread, as libc sees it. `pthread_t` is the address of this.
#[repr(C, align(64))]
pub struct Tcb {
    /// Address of this block: `fs:0`.
    pub me: *mut Tcb,
    /// `errno`.
    pub errno: c_int,
    /// Futex word: [`RUNNING`] or [`ENDED`].
    pub state: AtomicI32,
    /// [`JOINABLE`], [`DETACHED`] or [`JOINED`].
    pub owner: AtomicU32,
    /// Number of the thread in this process, for those who must write down who holds a lock. Never 0.
    pub number: u32,
    reserved: [usize; 2],
    /// Where C compilers on this processor expect the guard value of stack protection (`fs:0x28`).
    pub canary: usize,
    /// Descriptor of the thread, in the upper range.
    pub handle: usize,
    /// The mapping that holds everything of this thread.
    pub memory: Memory,
    /// What to run.
    pub start: Option<StartRoutine>,
    /// Its argument.
    pub argument: *mut c_void,
    /// What it returned.
    pub result: *mut c_void,
    /// Neighbours in the list of threads; guarded by its lock.
    pub next: *mut Tcb,
    /// See `next`.
    pub previous: *mut Tcb,
    /// Destructors of thread-local values (`__cxa_thread_atexit_impl`), newest first.
    pub destructors: *mut c_void,
    /// Values of `pthread_setspecific`, with the generation of the key they belong to.
    pub specific: [(u32, *mut c_void); KEYS],
    /// Name that the program gave the thread, ended by a zero.
    pub name: [u8; NAME],
    /// Whether any value was ever set.
    pub any_specific: bool,
    /// Small free blocks.
    pub cache: Cache,
    /// Signals.
    pub signals: Signals,
}

/// The mapping of a thread.
#[derive(Clone, Copy)]
pub struct Memory {
    /// Its start: the guard page, if it has a stack.
    pub address: usize,
    /// Its bytes.
    pub size: usize,
    /// Bytes of stack it can hold (without the guard); 0 for the first thread, whose stack is not ours.
    pub stack: usize,
}

/// The program's image of thread-local storage: written once, before there is a second thread.
struct Template {
    address: AtomicUsize,
    file_size: AtomicUsize,
    /// Bytes in memory, rounded up to the alignment.
    size: AtomicUsize,
    align: AtomicUsize,
}

static TEMPLATE: Template = Template {
    address: AtomicUsize::new(0),
    file_size: AtomicUsize::new(0),
    size: AtomicUsize::new(0),
    align: AtomicUsize::new(1),
};

impl Template {
    fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    /// Alignment of the control block, so that the image before it is aligned as well.
    fn align(&self) -> usize {
        self.align.load(Ordering::Relaxed).max(align_of::<Tcb>())
    }
}

/// The calling thread.
#[inline(always)]
pub fn current() -> *mut Tcb {
    let tcb;
    // SAFETY: `fs:0` holds the address of the control block from before the first use of this on.
    unsafe { asm!("mov {}, fs:0", out(reg) tcb, options(pure, readonly, nostack, preserves_flags)) };
    tcb
}

/// One program header (System V ABI, "Program Header").
#[repr(C)]
struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    physical: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

const PT_LOAD: u32 = 1;
const PT_TLS: u32 = 7;
const PT_PHDR: u32 = 6;

/// Finds the image of thread-local storage. `base` is what the program was moved by.
///
/// # Safety
/// `aux` describes the program headers of this program.
pub unsafe fn find_template(aux: &Aux, base: usize) {
    for index in 0..aux.phnum {
        // SAFETY: the kernel or the spawner says that the headers are there.
        let header = unsafe { &*((aux.phdr + index * aux.phent) as *const ProgramHeader) };
        if header.kind == PT_TLS {
            let align = (header.align as usize).max(1);
            TEMPLATE.address.store(base + header.address as usize, Ordering::Relaxed);
            TEMPLATE.file_size.store(header.file_size as usize, Ordering::Relaxed);
            TEMPLATE.size.store((header.memory_size as usize).next_multiple_of(align), Ordering::Relaxed);
            TEMPLATE.align.store(align, Ordering::Relaxed);
        }
    }
}

/// What the program was moved by, from where its headers are and where they ought to be.
///
/// # Safety
/// As [`find_template`].
#[inline(always)]
pub unsafe fn load_base(aux: &Aux) -> usize {
    let mut index = 0;
    while index < aux.phnum {
        // SAFETY: as above.
        let header = unsafe { &*((aux.phdr + index * aux.phent) as *const ProgramHeader) };
        if header.kind == PT_PHDR {
            return aux.phdr - header.address as usize;
        }
        index += 1;
    }
    0
}

/// Where the program lies: its first address, and the end.
///
/// # Safety
/// As [`find_template`].
pub unsafe fn image(aux: &Aux) -> (usize, usize) {
    // SAFETY: as this function demands.
    let base = unsafe { load_base(aux) };
    let (mut low, mut high) = (usize::MAX, 0);
    for index in 0..aux.phnum {
        // SAFETY: the kernel or the spawner says that the headers are there.
        let header = unsafe { &*((aux.phdr + index * aux.phent) as *const ProgramHeader) };
        if header.kind == PT_LOAD {
            low = low.min(base + header.address as usize);
            high = high.max(base + (header.address + header.memory_size) as usize);
        }
    }
    (low, high)
}

impl Memory {
    /// Maps memory for a thread with at least `stack` bytes of stack (0: none) above a guard page, and below what signals need.
    pub fn map(stack: usize) -> Result<Self> {
        let guard = if stack == 0 { 0 } else { PAGE };
        let tail = (STACKS + TEMPLATE.size() + TEMPLATE.align() + size_of::<Tcb>()).next_multiple_of(PAGE);
        let stack = stack.next_multiple_of(PAGE);
        let size = guard + stack + tail;
        let address = sys::map_anonymous(size)?;
        if guard > 0 {
            // SAFETY: the page is part of the new mapping.
            let protected = unsafe { sys::mprotect(address, guard, syscall::MapFlags::PROT_NONE) };
            if let Err(error) = protected {
                // SAFETY: nobody uses the new mapping.
                let _ = unsafe { sys::funmap(address, size) };
                return Err(error);
            }
        }
        Ok(Memory { address, size, stack })
    }

    /// Address of the control block: at the end.
    pub fn tcb(&self) -> *mut Tcb {
        let at = (self.address + self.size - size_of::<Tcb>()) & !(TEMPLATE.align() - 1);
        at as *mut Tcb
    }

    /// End of the stacks for signals, 16-byte aligned: thread-local storage begins there.
    fn signal_stacks(&self) -> usize {
        (self.tcb() as usize - TEMPLATE.size()) & !15
    }

    /// End of the stack, 16-byte aligned.
    pub fn stack_top(&self) -> usize {
        self.signal_stacks() - STACKS
    }

    /// Lays out thread-local storage and a control block.
    ///
    /// # Safety
    /// Nobody uses the memory, and it is fresh or the thread before left it as [`super::thread::exit`] does. The new thread blocks the
    /// signals `blocked`.
    pub unsafe fn prepare(self, number: u32, handle: usize, blocked: u64) -> *mut Tcb {
        let (tcb, size) = (self.tcb(), TEMPLATE.size());
        let (image, file_size) = ((tcb as usize - size) as *mut u8, TEMPLATE.file_size.load(Ordering::Relaxed));
        // SAFETY: the memory is large enough and unused; the template is the program's own. What is not written here is zero.
        unsafe {
            core::ptr::copy_nonoverlapping(TEMPLATE.address.load(Ordering::Relaxed) as *const u8, image, file_size);
            core::ptr::write_bytes(image.add(file_size), 0, size - file_size);
            (*tcb).me = tcb;
            (*tcb).errno = 0;
            (*tcb).state = AtomicI32::new(RUNNING);
            (*tcb).owner = AtomicU32::new(JOINABLE);
            (*tcb).number = number;
            (*tcb).handle = handle;
            (*tcb).memory = self;
            (*tcb).name[0] = 0;
            (*tcb).cache.use_arena(number as usize);
            Signals::prepare(&raw mut (*tcb).signals, self.signal_stacks(), blocked);
        }
        tcb
    }
}
