//! Terminals, as the other files of this library reach them: requests of [`ochre_abi::terminal`] with their errors put right,
//! and job control: what happens when a process in the background touches its terminal.
//!
//! The terminal's daemon answers `EIO` to the background and sends no signal: whether the process ignores or blocks it only
//! the process knows. So libc looks at such an answer again, and raises `SIGTTIN` or `SIGTTOU` in the process's own group.

use core::mem::MaybeUninit;
use core::ptr::null;

use libc::{EINTR, EINVAL, EIO, ENOTTY, SA_RESTART, SIG_BLOCK, SIG_DFL, SIG_IGN, SIGTTIN, SIGTTOU};
use libc::{c_int, c_void, sigaction, sigset_t};
use ochre_abi::terminal::{ANYWAY, Request, Termios, WindowSize, standing};
use syscall::error::{EAGAIN, EPERM, Result};
use syscall::flag::CallFlags;

use crate::errno::error;
use crate::rt::sys;

/// What a request carries.
enum Payload<'a> {
    None,
    Read(&'a mut [u8]),
    Write(&'a [u8]),
}

fn message(fd: usize, request: Request, argument: u64, payload: &mut Payload<'_>) -> Result<usize> {
    let words = [request as u64, argument];
    let (address, len, flags) = match payload {
        Payload::None => return sys::verb(fd, &words),
        Payload::Read(room) => (room.as_mut_ptr(), room.len(), CallFlags::READ),
        Payload::Write(bytes) => (bytes.as_ptr().cast_mut(), bytes.len(), CallFlags::WRITE),
    };
    // SAFETY: the payload is a slice, which is written only where it may be.
    unsafe { sys::message(fd, address, len, flags, &words) }
}

/// Sends a request. What is no terminal answers `ENOTTY`.
fn send(fd: usize, request: Request, argument: u64, mut payload: Payload<'_>) -> Result<usize> {
    loop {
        let error = match message(fd, request, argument, &mut payload) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        return match error.errno {
            EIO => match from_background(fd, SIGTTOU) {
                Background::Again => continue,
                Background::Careless => message(fd, request, argument | ANYWAY, &mut payload),
                Background::Interrupted => Err(crate::errno::error(EINTR)),
                Background::Stays => Err(error),
            },
            EINTR | EPERM | EAGAIN | ENOTTY => Err(error),
            _ => {
                sys::fstat(fd)?;
                Err(if is_terminal(fd) { error } else { crate::errno::error(ENOTTY) })
            }
        };
    }
}

/// Sends a request without a payload.
pub fn ask(fd: usize, request: Request, argument: u64) -> Result<usize> {
    send(fd, request, argument, Payload::None)
}

/// The settings.
pub fn attributes(fd: usize) -> Result<[u8; Termios::SIZE]> {
    let mut bytes = [0; Termios::SIZE];
    send(fd, Request::GetAttributes, 0, Payload::Read(&mut bytes))?;
    Ok(bytes)
}

/// Changes the settings.
pub fn set_attributes(fd: usize, when: u64, termios: &[u8; Termios::SIZE]) -> Result<usize> {
    send(fd, Request::SetAttributes, when, Payload::Write(termios))
}

/// The size of the window.
pub fn size(fd: usize) -> Result<[u8; WindowSize::SIZE]> {
    let mut bytes = [0; WindowSize::SIZE];
    send(fd, Request::GetSize, 0, Payload::Read(&mut bytes))?;
    Ok(bytes)
}

/// Changes it.
pub fn set_size(fd: usize, size: &[u8; WindowSize::SIZE]) -> Result<usize> {
    send(fd, Request::SetSize, 0, Payload::Write(size))
}

/// Whether a descriptor leads to a terminal.
pub fn is_terminal(fd: usize) -> bool {
    let mut bytes = [0; Termios::SIZE];
    match message(fd, Request::GetAttributes, 0, &mut Payload::Read(&mut bytes)) {
        Ok(_) => true,
        // A terminal that has been hung up is still one; nothing else knows the question.
        Err(error) => error.errno == EIO,
    }
}

/// What becomes of a process in the background that touches its terminal.
enum Background {
    /// It was stopped by the signal and goes on, or caught it and wants calls to go on: try again.
    Again,
    /// It caught the signal.
    Interrupted,
    /// It ignores or blocks the signal.
    Careless,
    /// The error stands: it is not in the background, or nobody could ever bring it to the front.
    Stays,
}

#[cold]
fn from_background(fd: usize, signal: c_int) -> Background {
    let orphaned = match message(fd, Request::Standing, 0, &mut Payload::None).map(|standing| standing as u64) {
        Ok(standing::BACKGROUND) => false,
        Ok(standing::ORPHANED) => true,
        _ => return Background::Stays,
    };
    let (handler, flags) = action(signal);
    if handler == SIG_IGN || is_blocked(signal) {
        return Background::Careless;
    }
    // SAFETY: plain numbers. Without a signal that is delivered, trying again would never end.
    if orphaned || unsafe { libc::kill(0, signal) } != 0 {
        return Background::Stays;
    }
    if handler == SIG_DFL || flags & SA_RESTART as u64 != 0 { Background::Again } else { Background::Interrupted }
}

/// What a signal does: its handler and flags.
fn action(signal: c_int) -> (usize, u64) {
    let mut action = MaybeUninit::<sigaction>::uninit();
    // SAFETY: the room is ours, and is filled if the answer is 0.
    match unsafe { libc::sigaction(signal, null(), action.as_mut_ptr()) } {
        // SAFETY: as above.
        0 => unsafe { (action.assume_init_ref().sa_sigaction, action.assume_init_ref().sa_flags as u64) },
        _ => (SIG_DFL, 0),
    }
}

fn is_blocked(signal: c_int) -> bool {
    let mut blocked: sigset_t = 0;
    // SAFETY: the set is ours.
    unsafe {
        libc::sigprocmask(SIG_BLOCK, null(), &raw mut blocked) == 0
            && libc::sigismember(&raw const blocked, signal) == 1
    }
}

/// A read has failed: if that is because the process is in the background, stops it and then reads again.
#[cold]
pub fn read_failed(fd: usize, buf: *mut c_void, len: usize, mut error: syscall::Error) -> Result<usize> {
    while error.errno == EIO {
        match from_background(fd, SIGTTIN) {
            Background::Stays | Background::Careless => break,
            Background::Interrupted => return Err(crate::errno::error(EINTR)),
            // SAFETY: the caller has promised the room for the first attempt.
            Background::Again => match unsafe { sys::read_raw(fd, buf.cast(), len) } {
                Ok(count) => return Ok(count),
                Err(again) => error = again,
            },
        }
    }
    Err(error)
}

/// A write has failed: the same for it.
#[cold]
pub fn write_failed(fd: usize, buf: *const c_void, len: usize, mut error: syscall::Error) -> Result<usize> {
    while error.errno == EIO {
        match from_background(fd, SIGTTOU) {
            Background::Stays => break,
            Background::Interrupted => return Err(crate::errno::error(EINTR)),
            Background::Careless => {
                let words = [Request::WriteAnyway as u64, 0];
                // SAFETY: the payload is only read.
                return unsafe { sys::message(fd, buf.cast_mut().cast(), len, CallFlags::WRITE, &words) };
            }
            Background::Again => match sys::write_raw(fd, buf.cast(), len) {
                Ok(count) => return Ok(count),
                Err(again) => error = again,
            },
        }
    }
    Err(error)
}

/// A number that C gives for one of a few cases.
pub fn choice(number: c_int) -> Result<u64> {
    u64::try_from(number).map_err(|_| error(EINVAL))
}
