//! A thread's part, which lies in its control block, and the process's.

use core::mem::offset_of;
use core::sync::atomic::{AtomicU64, Ordering, compiler_fence};

use ochre_abi::proc::ThreadVerb;
use ochre_abi::signal::{PROCESS_QUEUE, Queue, THREAD_QUEUE};
use syscall::error::Result;
use syscall::{RawAction, SetSighandlerData, SigProcControl, Sigcontrol, SigcontrolFlags};

use super::action::{self, Action};
use super::{entry, set};
use crate::rt::sys;
use crate::rt::tcb::{Tcb, current};

/// Bytes of the two stacks on which the kernel's deliveries begin, one above the other: the lower one for exceptions.
pub const STACKS: usize = 2 * STACK;
const STACK: usize = 32 << 10;

/// What the kernel knows of: the queue follows directly on the control words (`ochre_abi::signal`).
#[repr(C)]
pub struct ThreadControl {
    /// Pending and allowed signals, and what the kernel has saved.
    pub words: Sigcontrol,
    /// What is known about them.
    pub queue: Queue<THREAD_QUEUE>,
}

/// The same of the process.
#[repr(C)]
pub struct ProcessControl {
    /// Pending signals and actions.
    pub words: SigProcControl,
    /// What is known about them.
    pub queue: Queue<PROCESS_QUEUE>,
}

const _: () = assert!(core::mem::offset_of!(ThreadControl, queue) == size_of::<Sigcontrol>());
const _: () = assert!(core::mem::offset_of!(ProcessControl, queue) == size_of::<SigProcControl>());

/// The process's.
pub static PROCESS: ProcessControl = ProcessControl {
    words: SigProcControl {
        pending: AtomicU64::new(0),
        actions: action::initial(),
        sender_infos: [const { AtomicU64::new(0) }; 32],
    },
    queue: Queue::new(),
};

/// An alternate stack (`sigaltstack`).
#[derive(Clone, Copy, Default)]
pub struct Alternate {
    /// Its lowest address.
    pub base: usize,
    /// Its bytes; 0 when there is none.
    pub size: usize,
}

impl Alternate {
    /// Whether a stack pointer lies on it.
    pub fn holds(&self, sp: usize) -> bool {
        sp.wrapping_sub(self.base) < self.size
    }
}

/// What came between the call that was answered `EINTR` and its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// No handler.
    None,
    /// Only handlers that let calls go on (`SA_RESTART`).
    Restarting,
    /// A handler that does not.
    Final,
}

/// The thread's.
#[repr(C)]
pub struct Signals {
    /// Shared with the kernel.
    pub control: ThreadControl,
    /// Top of the stack for signals, a multiple of 64.
    pub(super) stack: usize,
    /// Top of the stack for exceptions.
    pub(super) fault_stack: usize,
    /// The stack pointer that a signal has found.
    pub(super) sp: usize,
    /// The stack pointer that an exception has found.
    pub(super) fault_sp: usize,
    /// Where handlers with `SA_ONSTACK` run.
    pub alternate: Alternate,
    /// What is blocked again after the next handler, when it is not what is blocked now (`sigsuspend`).
    pub(super) restore: Option<u64>,
    /// Handlers that were run.
    pub(super) handled: u32,
    pub(super) interruption: Interruption,
}

/// The calling thread's.
#[inline]
pub fn me() -> *mut Signals {
    // SAFETY: every thread has a control block.
    unsafe { &raw mut (*current()).signals }
}

impl Signals {
    /// Makes it that of a new thread.
    ///
    /// # Safety
    /// `this` lies in the control block of a thread that does not run, and `stacks` is the end of [`STACKS`] bytes of its own.
    pub unsafe fn prepare(this: *mut Signals, stacks: usize, blocked: u64) {
        // SAFETY: as this function demands. Any bytes are a valid queue, and it is made empty.
        unsafe {
            (&raw mut (*this).control.words).write(Sigcontrol::default());
            (*this).control.queue.reset();
            (*this).stack = stacks & !63;
            (*this).fault_stack = (stacks - STACK) & !63;
            (*this).alternate = Alternate::default();
            (*this).restore = None;
            (*this).handled = 0;
            (*this).interruption = Interruption::None;
            (*this).set_blocked(blocked);
        }
    }

    /// Tells the kernel where the signals of a thread go that is not started, or of the caller.
    pub fn register(tcb: *mut Tcb, handle: usize) -> Result<usize> {
        let data = SetSighandlerData {
            user_handler: entry::signal as *const () as usize,
            excp_handler: entry::exception as *const () as usize,
            thread_control_addr: tcb as usize + offset_of!(Tcb, signals) + offset_of!(Signals, control),
            proc_control_addr: (&raw const PROCESS) as usize,
        };
        sys::verb_write(handle, &data, &[ThreadVerb::SetSighandler as u64])
    }

    /// What is blocked.
    pub fn blocked(&self) -> u64 {
        let [low, high] = self.control.words.word.each_ref().map(|word| word.load(Ordering::Relaxed) >> 32);
        !(low | high << 32)
    }

    /// Blocks these and no others. Whoever unblocks something looks afterwards whether it is there.
    pub fn set_blocked(&self, blocked: u64) {
        let change = self.blocked() ^ (blocked & !set::UNBLOCKABLE);
        // Nobody else changes the upper halves.
        let [low, high] = &self.control.words.word;
        low.fetch_xor(change << 32, Ordering::SeqCst);
        high.fetch_xor(change & 0xffff_ffff_0000_0000, Ordering::SeqCst);
    }

    /// What is pending for the thread.
    pub fn pending(&self) -> u64 {
        let [low, high] = self.control.words.word.each_ref().map(|word| word.load(Ordering::SeqCst) & 0xffff_ffff);
        low | high << 32
    }

    /// Whether a signal is to be delivered.
    pub fn is_ready(&self) -> bool {
        (self.pending() | PROCESS.words.pending.load(Ordering::SeqCst)) & !self.blocked() != 0
    }

    /// From here on the kernel delivers nothing; waits end at once when there is something.
    pub fn inhibit(&self) {
        self.set_flags(SigcontrolFlags::INHIBIT_DELIVERY.bits());
    }

    /// From here on it does again. What has come meanwhile is not delivered by this.
    pub fn admit(&self) {
        self.set_flags(0);
    }

    fn set_flags(&self, flags: usize) {
        // The kernel looks at it when this thread leaves it, so the order of instructions is all that counts.
        compiler_fence(Ordering::SeqCst);
        self.control.words.control_flags.store(flags, Ordering::SeqCst);
        compiler_fence(Ordering::SeqCst);
    }

    /// What has interrupted the call that was just answered `EINTR`.
    pub fn take_interruption(&mut self) -> Interruption {
        core::mem::replace(&mut self.interruption, Interruption::None)
    }

    /// The alternate stack as `sigaltstack` shows it to somebody whose stack pointer this is.
    pub fn alternate_for(&self, sp: usize) -> libc::stack_t {
        let Alternate { base, size } = self.alternate;
        let ss_flags = match size {
            0 => libc::SS_DISABLE,
            _ if self.alternate.holds(sp) => libc::SS_ONSTACK,
            _ => 0,
        };
        libc::stack_t { ss_sp: base as *mut libc::c_void, ss_flags, ss_size: size }
    }

    /// Whether a stack pointer lies on the stacks on which deliveries begin.
    pub(super) fn is_delivering(&self, sp: usize) -> bool {
        self.stack.wrapping_sub(sp) <= STACKS
    }
}

/// The action cell of a signal.
pub fn cell(signal: u32) -> &'static RawAction {
    &PROCESS.words.actions[(signal - 1) as usize % 64]
}

/// What is to be done with a signal.
pub fn action_of(signal: u32) -> Action {
    action::load(cell(signal))
}
