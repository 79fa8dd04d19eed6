//! A thread that ends the process some time after its crash, whatever holds the summary up.

use ochre_abi::proc::ThreadVerb;
use syscall::IntRegisters;
use syscall::data::TimeSpec;
use syscall::number::{SYS_CALL, SYS_NANOSLEEP};

use super::memory::spare_descriptor;
use crate::rt::sys;
use crate::rt::tcb::{PAGE, current};

/// Longest time for a summary.
static PATIENCE: TimeSpec = TimeSpec { tv_sec: 5, tv_nsec: 0 };

/// Starts it. Without memory or a descriptor for it there is none.
pub fn start(status: usize) {
    // SAFETY: this thread has a control block.
    let handle = unsafe { (*current()).handle };
    let Some(thread) = spare_descriptor(|slot| sys::dup_into(handle, b"sibling", slot)) else { return };
    let Ok(stack) = sys::map_anonymous(PAGE) else { return };
    let registers = IntRegisters {
        rip: watch as *const () as usize,
        // As behind a call.
        rsp: stack + PAGE - size_of::<usize>(),
        rdi: handle,
        rsi: status,
        ..IntRegisters::default()
    };
    let started = sys::verb_write(thread.0, &registers, &[ThreadVerb::SetRegs as u64])
        .and_then(|_| sys::verb(thread.0, &[ThreadVerb::Start as u64]));
    // The summary goes on without.
    let _ = started;
}

/// It has no control block, so it makes bare calls.
extern "C" fn watch(handle: usize, status: usize) -> ! {
    let end = [ThreadVerb::EndSpace as u64, status as u64];
    loop {
        // SAFETY: what the calls read lives through them.
        unsafe {
            sys::raw(SYS_NANOSLEEP, (&raw const PATIENCE) as usize, 0, 0, 0, 0);
            sys::raw(SYS_CALL, handle, 0, 0, end.len(), end.as_ptr() as usize);
        }
    }
}
