//! `signal.h`. What it does is in `rt::signal`; here are the forms of C.

use libc::{EINVAL, ENOMEM, EPERM, SIG_BLOCK, SIG_ERR, SIG_SETMASK, SIG_UNBLOCK, c_char, c_int, pid_t};
use libc::{pthread_t, sigaction as SigAction, sighandler_t, siginfo_t, sigset_t, sigval, stack_t, timespec};
use ochre_abi::signal::LAST;
use syscall::error::Result;

use crate::errno::{self, error, fail};
use crate::rt::signal::action::{self, Action};
use crate::rt::signal::set::{self, How};
use crate::rt::signal::{Alternate, action_of, crash, mask, me, send, set_action};
use crate::time::from_c;

const _: () = assert!(libc::SIG_DFL == action::DEFAULT && libc::SIG_IGN == action::IGNORE);
const _: () =
    assert!(libc::SA_NOCLDWAIT as u32 == action::NO_CHILD_WAIT && libc::SA_SIGINFO as u32 == action::WITH_INFO);
const _: () = assert!(libc::SA_ONSTACK as u32 == action::ON_STACK && libc::SA_RESTART as u32 == action::RESTART);
const _: () = assert!(libc::SA_NODEFER as u32 == action::NO_DEFER && libc::SA_RESETHAND as u32 == action::RESET);
const _: () = assert!(libc::SA_NOCLDSTOP as u32 == action::NO_CHILD_STOP);

/// Least size of an alternate stack (`MINSIGSTKSZ`).
const LEAST_STACK: usize = 2048;

/// A signal that there is: 1 to 64.
fn existing(signal: c_int) -> Result<u32> {
    send::number(signal).and_then(|number| if number == 0 { Err(error(EINVAL)) } else { Ok(number) })
}

/// Changes the mask of blocked signals.
///
/// # Safety
/// Both pointers are null or lead to a mask.
pub unsafe fn change_mask(how: c_int, new: *const sigset_t, old: *mut sigset_t) -> Result<usize> {
    // SAFETY: as this function demands.
    unsafe {
        let before = match new.as_ref() {
            Some(&new) => {
                let how = match how {
                    SIG_BLOCK => How::Block,
                    SIG_UNBLOCK => How::Unblock,
                    SIG_SETMASK => How::Replace,
                    _ => return Err(error(EINVAL)),
                };
                mask::change(how, new)
            }
            None => mask::blocked(),
        };
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
    let signal = existing(signal)?;
    // SAFETY: as this function demands.
    unsafe {
        let before = match new.as_ref() {
            Some(_) if set::bit(signal) & set::UNBLOCKABLE != 0 => return Err(error(EINVAL)),
            Some(new) => {
                let (handler, flags) = (new.sa_sigaction, new.sa_flags as u32);
                set_action(signal, Action { handler, flags, mask: new.sa_mask })
            }
            None => action_of(signal),
        };
        if !old.is_null() {
            let Action { handler, flags, mask } = before;
            *old = SigAction { sa_sigaction: handler, sa_flags: flags as c_int, sa_restorer: None, sa_mask: mask };
        }
    }
    Ok(0)
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

/// `siginterrupt`: whether calls that the signal interrupts end with `EINTR`.
#[unsafe(no_mangle)]
pub extern "C" fn siginterrupt(signal: c_int, interrupts: c_int) -> c_int {
    errno::zero(existing(signal).map(|signal| {
        let before = action_of(signal);
        let flags = if interrupts == 0 { before.flags | action::RESTART } else { before.flags & !action::RESTART };
        set_action(signal, Action { flags, ..before })
    }))
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

/// `sigpending`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigpending(set: *mut sigset_t) -> c_int {
    // SAFETY: POSIX demands a set.
    unsafe { *set = mask::pending() };
    0
}

/// `sigsuspend`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigsuspend(set: *const sigset_t) -> c_int {
    // SAFETY: POSIX demands a set.
    fail(mask::suspend(Some(unsafe { *set } & !set::UNBLOCKABLE)).errno)
}

/// `pause`.
#[unsafe(no_mangle)]
pub extern "C" fn pause() -> c_int {
    fail(mask::suspend(None).errno)
}

/// `sigwait`. A handler that comes between does not end it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigwait(set: *const sigset_t, signal: *mut c_int) -> c_int {
    loop {
        // SAFETY: POSIX demands a set and a place for the answer.
        unsafe {
            match mask::wait_for(*set, None) {
                Ok(info) => {
                    *signal = info.si_signo;
                    return 0;
                }
                Err(error) if error.errno == libc::EINTR => {}
                Err(error) => return error.errno,
            }
        }
    }
}

/// `sigwaitinfo`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigwaitinfo(set: *const sigset_t, info: *mut siginfo_t) -> c_int {
    // SAFETY: as `sigtimedwait`.
    unsafe { sigtimedwait(set, info, core::ptr::null()) }
}

/// `sigtimedwait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigtimedwait(set: *const sigset_t, info: *mut siginfo_t, timeout: *const timespec) -> c_int {
    // SAFETY: POSIX demands a set, null or a place for the answer, and null or a time.
    errno::int(unsafe {
        timeout.as_ref().map(from_c).transpose().and_then(|timeout| {
            let taken = mask::wait_for(*set, timeout.as_ref())?;
            if !info.is_null() {
                info.write(taken);
            }
            Ok(taken.si_signo as usize)
        })
    })
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

/// Does something with a set and a signal's bit.
fn with_bit(signal: c_int, act: impl FnOnce(u64) -> c_int) -> c_int {
    match existing(signal) {
        Ok(signal) => act(set::bit(signal)),
        Err(error) => fail(error.errno),
    }
}

/// `sigaddset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigaddset(set: *mut sigset_t, signal: c_int) -> c_int {
    with_bit(signal, |bit| {
        // SAFETY: POSIX demands a set.
        unsafe { *set |= bit };
        0
    })
}

/// `sigdelset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigdelset(set: *mut sigset_t, signal: c_int) -> c_int {
    with_bit(signal, |bit| {
        // SAFETY: POSIX demands a set.
        unsafe { *set &= !bit };
        0
    })
}

/// `sigismember`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigismember(set: *const sigset_t, signal: c_int) -> c_int {
    // SAFETY: POSIX demands a set.
    with_bit(signal, |bit| c_int::from(unsafe { *set } & bit != 0))
}

/// `kill`.
#[unsafe(no_mangle)]
pub extern "C" fn kill(pid: pid_t, signal: c_int) -> c_int {
    errno::zero(send::number(signal).and_then(|signal| send::to_processes(pid, signal, None)))
}

/// `killpg`.
#[unsafe(no_mangle)]
pub extern "C" fn killpg(group: pid_t, signal: c_int) -> c_int {
    // 0 is the caller's own group, and `kill` has other meanings for 1.
    if group < 0 || group == 1 { fail(EINVAL) } else { kill(-group, signal) }
}

/// `sigqueue`.
#[unsafe(no_mangle)]
pub extern "C" fn sigqueue(pid: pid_t, signal: c_int, value: sigval) -> c_int {
    let value = value.sival_ptr as usize;
    errno::zero(send::number(signal).and_then(|signal| send::to_processes(pid, signal, Some(value))))
}

/// `raise`.
#[unsafe(no_mangle)]
pub extern "C" fn raise(signal: c_int) -> c_int {
    errno::zero(send::number(signal).and_then(|signal| send::to_myself(signal, 0, send::BY_USER)))
}

/// `pthread_kill`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_kill(thread: pthread_t, signal: c_int) -> c_int {
    // SAFETY: POSIX demands a thread whose life has not ended.
    errno::number(
        send::number(signal).and_then(|signal| unsafe { send::to_thread(thread.cast(), signal, 0, send::BY_USER) }),
    )
}

/// `pthread_sigqueue` (GNU).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_sigqueue(thread: pthread_t, signal: c_int, value: sigval) -> c_int {
    // SAFETY: as `pthread_kill`.
    errno::number(
        send::number(signal).and_then(|signal| unsafe {
            send::to_thread(thread.cast(), signal, value.sival_ptr as usize, send::BY_QUEUE)
        }),
    )
}

/// `sigaltstack`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigaltstack(new: *const stack_t, old: *mut stack_t) -> c_int {
    let here = 0_u8;
    // SAFETY: POSIX demands null or stacks; the rest is the calling thread's own.
    errno::zero(unsafe {
        let before = (*me()).alternate_for((&raw const here) as usize);
        let result = match new.as_ref() {
            None => Ok(()),
            Some(_) if before.ss_flags & libc::SS_ONSTACK != 0 => Err(error(EPERM)),
            Some(new) if new.ss_flags & libc::SS_DISABLE != 0 => {
                (*me()).alternate = Alternate::default();
                Ok(())
            }
            Some(new) if new.ss_flags & !libc::SS_ONSTACK != 0 => Err(error(EINVAL)),
            Some(new) if new.ss_size < LEAST_STACK => Err(error(ENOMEM)),
            Some(new) => {
                (*me()).alternate = Alternate { base: new.ss_sp as usize, size: new.ss_size };
                Ok(())
            }
        };
        if result.is_ok() && !old.is_null() {
            old.write(before);
        }
        result
    })
}

/// What a signal means, each text ended by a NUL.
const TEXTS: [&str; 32] = [
    "Unknown signal\0",
    "Hangup\0",
    "Interrupt\0",
    "Quit\0",
    "Illegal instruction\0",
    "Trace/breakpoint trap\0",
    "Aborted\0",
    "Bus error\0",
    "Arithmetic exception\0",
    "Killed\0",
    "User defined signal 1\0",
    "Segmentation fault\0",
    "User defined signal 2\0",
    "Broken pipe\0",
    "Alarm clock\0",
    "Terminated\0",
    "Stack fault\0",
    "Child stopped or exited\0",
    "Continued\0",
    "Stopped (signal)\0",
    "Stopped\0",
    "Stopped (terminal input)\0",
    "Stopped (terminal output)\0",
    "Urgent I/O condition\0",
    "CPU time limit exceeded\0",
    "File size limit exceeded\0",
    "Virtual timer expired\0",
    "Profiling timer expired\0",
    "Window changed\0",
    "I/O possible\0",
    "Power failure\0",
    "Bad system call\0",
];

/// `strsignal`.
#[unsafe(no_mangle)]
pub extern "C" fn strsignal(signal: c_int) -> *mut c_char {
    let text = match usize::try_from(signal) {
        Ok(number) if number < TEXTS.len() => TEXTS[number],
        Ok(number) if number <= LAST as usize => "Real-time signal\0",
        _ => TEXTS[0],
    };
    // POSIX wants a pointer to what may be written, and that nobody writes there.
    text.as_ptr().cast_mut().cast()
}

/// `psignal`: a line about a signal on standard error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn psignal(signal: c_int, prefix: *const c_char) {
    use crate::rt::sys::write;
    let text = strsignal(signal);
    // SAFETY: POSIX demands null or a string; the text is one.
    unsafe {
        let prefix = if prefix.is_null() { &[] } else { crate::string::bytes(prefix).unwrap_or_default() };
        let text = crate::string::bytes(text).unwrap_or_default();
        let colon: &[u8] = if prefix.is_empty() { b"" } else { b": " };
        for part in [prefix, colon, text, b"\n"] {
            // Nothing can be done about an unwritable standard error.
            let _ = write(2, part);
        }
    }
}

/// `psiginfo`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn psiginfo(info: *const siginfo_t, prefix: *const c_char) {
    // SAFETY: POSIX demands what it is told.
    unsafe { psignal((*info).si_signo, prefix) };
}

/// `sig2str` (POSIX 2024): the name without `SIG`, at most 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sig2str(signal: c_int, to: *mut c_char) -> c_int {
    match usize::try_from(signal) {
        Ok(number) if (1..TEXTS.len()).contains(&number) => {
            let name = crash::signal_name(number as u32).strip_prefix("SIG").unwrap_or_default();
            // SAFETY: POSIX demands the room.
            unsafe { crate::string::copy_text(name.as_bytes(), to, 32) };
            0
        }
        _ => -1,
    }
}

/// `sigisemptyset` (GNU).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigisemptyset(set: *const sigset_t) -> c_int {
    // SAFETY: the caller demands a set.
    c_int::from(unsafe { *set } == 0)
}

/// `bsd_signal`, the old name of `signal`.
#[unsafe(no_mangle)]
pub extern "C" fn bsd_signal(signal: c_int, handler: sighandler_t) -> sighandler_t {
    signal_c(signal, handler)
}
