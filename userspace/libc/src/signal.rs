//! `signal.h`. Dispositions and masks are kept, so that programs which set them up run; nothing delivers signals before
//! there is a process manager, except what a process sends itself and has no handler for.

use core::sync::atomic::{AtomicU64, Ordering};

use libc::{EINVAL, ENOSYS, ESRCH, NSIG, SIG_BLOCK, SIG_DFL, SIG_ERR, SIG_IGN, SIG_SETMASK, SIG_UNBLOCK, c_int, pid_t};
use libc::{pthread_t, sigaction as SigAction, sighandler_t, sigset_t};
use syscall::error::Result;

use crate::errno::{self, error, fail};
use crate::rt::lock::Lock;
use crate::rt::thread;

/// Actions by number.
struct Actions([Option<SigAction>; NSIG as usize + 1]);

// SAFETY: an action is plain data.
unsafe impl Send for Actions {}

static ACTIONS: Lock<Actions> = Lock::new(Actions([None; NSIG as usize + 1]));
static MASK: AtomicU64 = AtomicU64::new(0);

/// Changes the mask of blocked signals.
///
/// # Safety
/// Both pointers are null or lead to a mask.
pub unsafe fn change_mask(how: c_int, new: *const sigset_t, old: *mut sigset_t) -> Result<usize> {
    let before = MASK.load(Ordering::Relaxed);
    // SAFETY: as this function demands.
    unsafe {
        if let Some(&new) = new.as_ref() {
            let mask = match how {
                SIG_BLOCK => before | new,
                SIG_UNBLOCK => before & !new,
                SIG_SETMASK => new,
                _ => return Err(error(EINVAL)),
            };
            MASK.store(mask, Ordering::Relaxed);
        }
        if !old.is_null() {
            *old = before;
        }
    }
    Ok(0)
}

/// Changes what a signal does.
///
/// # Safety
/// Both pointers are null or lead to an action.
pub unsafe fn change_action(signal: c_int, new: *const SigAction, old: *mut SigAction) -> Result<usize> {
    let fixed = matches!(signal, libc::SIGKILL | libc::SIGSTOP) && !new.is_null();
    if !(1..NSIG).contains(&signal) || fixed {
        return Err(error(EINVAL));
    }
    let mut actions = ACTIONS.lock();
    let slot = &mut actions.0[signal as usize];
    let default = SigAction { sa_sigaction: SIG_DFL, sa_flags: 0, sa_restorer: None, sa_mask: 0 };
    let before = slot.unwrap_or(default);
    // SAFETY: as this function demands.
    unsafe {
        if let Some(&new) = new.as_ref() {
            *slot = Some(new);
        }
        if !old.is_null() {
            *old = before;
        }
    }
    Ok(0)
}

/// What another program inherits: the mask of blocked signals, and those that are ignored.
pub fn inherited() -> (u64, u64) {
    let actions = ACTIONS.lock();
    let ignored =
        (1..=NSIG).filter(|&signal| actions.0[signal as usize].is_some_and(|action| action.sa_sigaction == SIG_IGN));
    (MASK.load(Ordering::Relaxed), ignored.fold(0, |set, signal| set | 1 << (signal - 1)))
}

/// Takes over what was inherited.
pub fn init(mask: u64, ignored: u64) {
    MASK.store(mask, Ordering::Relaxed);
    let mut actions = ACTIONS.lock();
    let ignore = SigAction { sa_sigaction: SIG_IGN, sa_flags: 0, sa_restorer: None, sa_mask: 0 };
    for signal in (1..=NSIG).filter(|signal| ignored & 1 << (signal - 1) != 0) {
        actions.0[signal as usize] = Some(ignore);
    }
}

/// `sigaction`.
#[unsafe(export_name = "sigaction")]
pub unsafe extern "C" fn sigaction_c(signal: c_int, new: *const SigAction, old: *mut SigAction) -> c_int {
    // SAFETY: POSIX demands null or actions.
    errno::zero(unsafe { change_action(signal, new, old) })
}

/// `signal`.
#[unsafe(export_name = "signal")]
pub extern "C" fn signal_c(signal: c_int, handler: sighandler_t) -> sighandler_t {
    let new = SigAction { sa_sigaction: handler, sa_flags: libc::SA_RESTART as c_int, sa_restorer: None, sa_mask: 0 };
    let mut old = new;
    // SAFETY: both are actions.
    match unsafe { change_action(signal, &raw const new, &raw mut old) } {
        Ok(_) => old.sa_sigaction,
        Err(error) => {
            errno::set(error.errno);
            SIG_ERR
        }
    }
}

/// `sigprocmask`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigprocmask(how: c_int, new: *const sigset_t, old: *mut sigset_t) -> c_int {
    // SAFETY: POSIX demands null or masks.
    errno::zero(unsafe { change_mask(how, new, old) })
}

/// `pthread_sigmask`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_sigmask(how: c_int, new: *const sigset_t, old: *mut sigset_t) -> c_int {
    // SAFETY: POSIX demands null or masks.
    errno::number(unsafe { change_mask(how, new, old) })
}

/// `sigemptyset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigemptyset(set: *mut sigset_t) -> c_int {
    // SAFETY: POSIX demands a set.
    unsafe { *set = 0 };
    0
}

/// `sigfillset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigfillset(set: *mut sigset_t) -> c_int {
    // SAFETY: POSIX demands a set.
    unsafe { *set = u64::MAX };
    0
}

fn bit(signal: c_int) -> Option<u64> {
    (1..=64).contains(&signal).then(|| 1 << (signal - 1))
}

/// `sigaddset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigaddset(set: *mut sigset_t, signal: c_int) -> c_int {
    let Some(bit) = bit(signal) else { return fail(EINVAL) };
    // SAFETY: POSIX demands a set.
    unsafe { *set |= bit };
    0
}

/// `sigdelset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigdelset(set: *mut sigset_t, signal: c_int) -> c_int {
    let Some(bit) = bit(signal) else { return fail(EINVAL) };
    // SAFETY: POSIX demands a set.
    unsafe { *set &= !bit };
    0
}

/// `sigismember`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigismember(set: *const sigset_t, signal: c_int) -> c_int {
    let Some(bit) = bit(signal) else { return fail(EINVAL) };
    // SAFETY: POSIX demands a set.
    c_int::from(unsafe { *set } & bit != 0)
}

/// What a signal does to the process that sends it to itself.
fn to_myself(signal: c_int) -> c_int {
    if !(0..NSIG).contains(&signal) {
        return fail(EINVAL);
    }
    let handler = ACTIONS.lock().0[signal as usize].map_or(SIG_DFL, |action| action.sa_sigaction);
    match (handler, signal) {
        (_, 0) | (SIG_IGN, _) | (SIG_DFL, libc::SIGCHLD | libc::SIGURG | libc::SIGWINCH | libc::SIGCONT) => 0,
        (SIG_DFL, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) => fail(ENOSYS),
        (SIG_DFL, _) => thread::end_by_signal(signal),
        (handler, _) => {
            // SAFETY: the program registered a function that takes the number; sent by itself, it is called at once.
            let handler: extern "C" fn(c_int) = unsafe { core::mem::transmute(handler) };
            handler(signal);
            0
        }
    }
}

/// `kill`.
#[unsafe(no_mangle)]
pub extern "C" fn kill(pid: pid_t, signal: c_int) -> c_int {
    if pid == crate::unistd::getpid() { to_myself(signal) } else { fail(ESRCH) }
}

/// `raise`.
#[unsafe(no_mangle)]
pub extern "C" fn raise(signal: c_int) -> c_int {
    to_myself(signal)
}

/// `killpg`.
#[unsafe(no_mangle)]
pub extern "C" fn killpg(_group: pid_t, _signal: c_int) -> c_int {
    fail(ESRCH)
}

/// `pthread_kill`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_kill(thread: pthread_t, signal: c_int) -> c_int {
    if thread == crate::rt::tcb::current().cast() {
        return if to_myself(signal) == 0 { 0 } else { EINVAL };
    }
    if signal == 0 { 0 } else { ENOSYS }
}

/// `sigaltstack`: nothing would use it.
#[unsafe(no_mangle)]
pub extern "C" fn sigaltstack(_new: *const libc::stack_t, _old: *mut libc::stack_t) -> c_int {
    fail(ENOSYS)
}
