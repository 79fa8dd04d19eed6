//! Taking the next signal, and doing with it what is to be done.
//!
//! A delivery begins on a stack of libc's own ([`dispatch`]), moves to a [`Frame`] on the stack that the handler is to have, and
//! goes on there with deliveries allowed again ([`run`]). Before the interrupted program goes on, what is ready by then is delivered
//! from the beginning: however many signals come, frames do not pile up.

use core::sync::atomic::Ordering;

use libc::{EINTR, c_int, c_void, siginfo_t};
use ochre_abi::signal::{FIRST_QUEUED, Info, Queue};

use super::action::{self, Action, IGNORE, NO_DEFER, ON_STACK, RESET, RESTART, WITH_INFO};
use super::fault::{Exception, Fault};
use super::frame::{Area, Frame, Registers, area_size};
use super::set::{self, Default};
use super::state::{action_of, cell};
use super::{Interruption, PROCESS, Signals, crash, entry, me, send};
use crate::process::code_of;
use crate::rt::tcb::{PAGE, current};
use crate::rt::{sys, thread};

/// Bytes below the stack pointer that a function may use (System V ABI for AMD64, section 3.2.2).
pub const RED_ZONE: usize = 128;

/// Takes a signal of this set that is pending for the thread or the process, with what is known about it.
pub fn take(this: &Signals, wanted: u64) -> Option<(u32, Info)> {
    loop {
        if let Some(signal) = set::lowest(this.pending() & wanted) {
            let index = (signal - 1) as usize;
            let (word, bit) = (&this.control.words.word[index / 32], 1 << (index % 32));
            let clear = || word.fetch_and(!bit, Ordering::SeqCst) & bit != 0;
            let again = || {
                word.fetch_or(bit, Ordering::SeqCst);
            };
            if let Some(info) = take_one(&this.control.queue, signal, clear, again) {
                return Some((signal, info));
            }
        } else if let Some(signal) = set::lowest(PROCESS.words.pending.load(Ordering::SeqCst) & wanted) {
            let (word, bit) = (&PROCESS.words.pending, set::bit(signal));
            let clear = || word.fetch_and(!bit, Ordering::SeqCst) & bit != 0;
            let again = || {
                word.fetch_or(bit, Ordering::SeqCst);
            };
            if let Some(info) = take_one(&PROCESS.queue, signal, clear, again) {
                return Some((signal, info));
            }
        } else {
            return None;
        }
    }
}

/// The kernel queues first and sets the bit then, so the other way round here: whoever clears the bit looks at the queue.
fn take_one<const N: usize>(
    queue: &Queue<N>,
    signal: u32,
    clear: impl FnOnce() -> bool,
    again: impl FnOnce(),
) -> Option<Info> {
    let ours = clear();
    if signal < FIRST_QUEUED {
        // Another thread may have been faster. A queue that was full has lost what was known, not the signal.
        return ours.then(|| queue.take(signal).unwrap_or_default());
    }
    let info = queue.take(signal);
    if queue.has(signal) {
        again();
    }
    info
}

/// Forgets a signal that is pending for the thread or the process.
pub fn forget(this: &Signals, signal: u32) {
    while take(this, set::bit(signal)).is_some() {}
}

/// What a handler is told.
pub fn info_for(signal: u32, info: &Info) -> siginfo_t {
    // The process manager says how a child ended by a wait status.
    let about_child = signal == set::SIGCHLD && info.code == 0 && info.value != 0;
    let (code, status) = if about_child { code_of(info.value as c_int) } else { (info.code as c_int, 0) };
    siginfo_t {
        si_signo: signal as c_int,
        si_errno: 0,
        si_code: code,
        si_pid: info.sender as u32 as libc::pid_t,
        si_uid: (info.sender >> 32) as u32 as _,
        si_addr: core::ptr::null_mut(),
        si_status: status,
        si_value: libc::sigval { sival_ptr: info.value as usize as *mut c_void },
    }
}

/// The handler for a signal that is to be delivered now, if it has one; `SA_RESETHAND` is seen to.
fn claim_handler(signal: u32) -> Action {
    loop {
        let action = action_of(signal);
        let once = action.handler > IGNORE && action.flags & RESET != 0;
        if !once || action::reset(cell(signal), signal, action) {
            return action;
        }
    }
}

/// Called by the entry on the stack for signals.
///
/// # Safety
/// Called by the entry alone, with what it has saved, while deliveries are inhibited.
pub unsafe extern "C" fn dispatch(registers: *const Registers, area: *const Area) -> ! {
    // SAFETY: the entry has saved both on a stack that is used for nothing else while deliveries are inhibited.
    unsafe {
        let this = &mut *me();
        let (registers, area) = (&*registers, &*area);
        let blocked = this.blocked();
        let after = this.restore.take().unwrap_or(blocked);
        while let Some((signal, info)) = take(this, !blocked) {
            let action = claim_handler(signal);
            match action.handler {
                action::DEFAULT => by_default(signal, &info, registers),
                IGNORE => {}
                _ => {
                    let told = info_for(signal, &info);
                    let frame = place(this, registers.rsp, &action);
                    if frame.is_null() {
                        crash::end(set::SIGSEGV, &info_for(set::SIGSEGV, &Info::default()), registers, None);
                    }
                    fill(frame, registers, area, told, &action, after);
                    this.set_blocked(set::during_handler(blocked, signal, action.mask, action.flags & NO_DEFER == 0));
                    entry::leave(frame);
                }
            }
        }
        let frame = Frame::below(registers.rsp.wrapping_sub(RED_ZONE));
        let nothing = info_for(1, &Info::default());
        fill(frame, registers, area, nothing, &Action::INITIAL, after);
        entry::leave(frame)
    }
}

fn by_default(signal: u32, info: &Info, registers: &Registers) {
    match set::default_of(signal) {
        Default::End => thread::end_by_signal(signal as c_int),
        Default::Core => crash::end(signal, &info_for(signal, info), registers, None),
        Default::Stop => send::stop_self(signal),
        Default::Ignore | Default::Continue => {}
    }
}

/// Where the handler's frame goes; null when the alternate stack has no room for it.
fn place(this: &Signals, sp: usize, action: &Action) -> *mut Frame {
    let alternate = &this.alternate;
    let top = if action.flags & ON_STACK != 0 && alternate.size != 0 && !alternate.holds(sp) {
        alternate.base + alternate.size
    } else {
        sp.wrapping_sub(RED_ZONE)
    };
    let frame = Frame::below(top);
    let is_alternate = alternate.holds(top.wrapping_sub(1));
    if is_alternate && !alternate.holds(frame as usize) { core::ptr::null_mut() } else { frame }
}

/// # Safety
/// The place is stack that nobody uses.
unsafe fn fill(frame: *mut Frame, registers: &Registers, area: &Area, info: siginfo_t, action: &Action, after: u64) {
    // SAFETY: as this function demands; what is not written is not read.
    unsafe {
        let this = &*me();
        (*frame).context.registers = *registers;
        (*frame).context.blocked = after;
        (*frame).context.stack = this.alternate_for(registers.rsp);
        (*frame).info = info;
        (*frame).handler = action.handler;
        (*frame).flags = action.flags;
        (*frame).is_fault = false;
        core::ptr::copy_nonoverlapping(area.0.as_ptr(), Frame::area(frame), area_size());
        if action.flags & WITH_INFO != 0 {
            Frame::show_float(frame, area);
        }
    }
}

/// On the handler's stack: the handler, and the way back.
///
/// # Safety
/// Called by [`entry::leave`] alone, on the frame's own stack.
pub unsafe extern "C" fn run(frame: *mut Frame) -> ! {
    // SAFETY: `dispatch` has filled the frame, and this thread leaves it only at the end.
    unsafe {
        (*me()).admit();
        if (*frame).handler != 0 {
            if (*me()).is_ready() {
                entry::now();
            }
            call_handler(frame);
        }
        loop {
            (*me()).inhibit();
            (*me()).set_blocked((*frame).context.blocked);
            if (*me()).is_ready() {
                entry::once_more(frame);
            }
            (*me()).admit();
            // What came before that was not delivered by the kernel; what comes from here on is.
            if !(*me()).is_ready() {
                entry::resume(&raw mut (*frame).context.registers, Frame::area(frame));
            }
        }
    }
}

/// # Safety
/// As [`run`].
unsafe fn call_handler(frame: *mut Frame) {
    type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
    // SAFETY: as this function demands. The program registered a function that takes the number, or all three; the caller's
    // registers hold all three in any case.
    unsafe {
        let handler: Handler = core::mem::transmute((*frame).handler);
        let errno = (*current()).errno;
        (*me()).handled = (*me()).handled.wrapping_add(1);
        handler((*frame).info.si_signo, &raw mut (*frame).info, (&raw mut (*frame).context).cast());
        (*current()).errno = errno;
        if (*frame).flags & WITH_INFO != 0 {
            Frame::take_float(frame);
        }
        if !(*frame).is_fault && was_in_call(&(*frame).context.registers) {
            let restarts = (*frame).flags & RESTART != 0;
            let this = &mut *me();
            if !restarts {
                this.interruption = Interruption::Final;
            } else if this.interruption == Interruption::None {
                this.interruption = Interruption::Restarting;
            }
        }
    }
}

/// Whether the program was interrupted right behind a call that was answered `EINTR`.
///
/// # Safety
/// The program has executed the instruction before.
unsafe fn was_in_call(registers: &Registers) -> bool {
    /// `syscall`.
    const SYSCALL: [u8; 2] = [0x0f, 0x05];
    // SAFETY: as this function demands; the answer of a call stands behind the call's two bytes.
    registers.rax == (EINTR as usize).wrapping_neg()
        && unsafe { *(registers.rip.wrapping_sub(2) as *const [u8; 2]) } == SYSCALL
}

/// On the stack for signals, which a frame has left: from the beginning with the program that the frame interrupts.
///
/// # Safety
/// Called by [`entry::once_more`] alone, with deliveries inhibited.
pub unsafe extern "C" fn again(frame: *mut Frame) -> ! {
    // SAFETY: the frame is complete, and is copied before its place is used again.
    unsafe {
        let registers = (*frame).context.registers;
        let mut area = core::mem::MaybeUninit::<Area>::uninit();
        core::ptr::copy_nonoverlapping(Frame::area(frame), area.as_mut_ptr().cast(), area_size());
        dispatch(&registers, area.as_ptr())
    }
}

/// Called by the entry on the stack for exceptions.
///
/// # Safety
/// Called by the entry alone, with what it has saved, while deliveries are inhibited.
pub unsafe extern "C" fn dispatch_exception(registers: *const Registers, area: *const Area) -> ! {
    // SAFETY: the entry has saved both on a stack that is used for nothing else while an exception is being handled.
    unsafe {
        let this = &mut *me();
        let (registers, area) = (&*registers, &*area);
        let words = &this.control.words;
        let packed = syscall::Exception::unpack(words.saved_excp_code.get(), words.saved_excp_addr.get());
        let (vector, code, address) = (packed.kind, packed.code, packed.address);
        let exception = Exception { vector, code, address, ip: registers.rip };
        let fault = exception.fault(&area.float(), crash::access_at);
        let info = info_of_fault(&fault);
        let blocked = this.blocked();
        // Nobody is asked who has asked not to be, nor in the middle of a delivery: that is where it would be asked again.
        if blocked & set::bit(fault.signal) == 0 && !this.is_delivering(registers.rsp) {
            let action = claim_handler(fault.signal);
            let frame =
                if action.handler > IGNORE { place(this, registers.rsp, &action) } else { core::ptr::null_mut() };
            if !frame.is_null() && is_writable(frame as usize, Frame::size()) {
                fill(frame, registers, area, info, &action, blocked);
                (*frame).is_fault = true;
                let defer = action.flags & NO_DEFER == 0;
                this.set_blocked(set::during_handler(blocked, fault.signal, action.mask, defer));
                entry::leave(frame);
            }
        }
        crash::end(fault.signal, &info, registers, Some(&exception))
    }
}

fn info_of_fault(fault: &Fault) -> siginfo_t {
    let mut info = info_for(fault.signal, &Info { code: fault.code as u64, ..Info::default() });
    info.si_addr = fault.address as *mut c_void;
    info
}

/// Whether memory that holds nothing yet can be written: the kernel is made to try.
fn is_writable(start: usize, len: usize) -> bool {
    let last = start.wrapping_add(len - 16);
    (start..last).step_by(PAGE).chain([last]).all(sys::is_writable)
}
