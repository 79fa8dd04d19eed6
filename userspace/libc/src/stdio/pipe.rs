//! `popen`, `pclose` and `system`: the shell as a child.

use core::ptr::{null, null_mut};

use libc::{
    ECHILD, EINTR, EINVAL, FILE, O_CLOEXEC, SIG_BLOCK, SIG_IGN, SIG_SETMASK, SIGCHLD, SIGINT, SIGQUIT, c_char, c_int,
    execv, fork, sigaction as SigAction, sigset_t, waitpid,
};

use super::file::{self, Target};
use super::stream::Buffering;
use crate::errno;
use crate::rt::signal::set;
use crate::signal::{change_action, change_mask};
use crate::stdlib::_exit;
use crate::string::bytes;
use crate::unistd::{close, dup2, pipe2};

/// The shell (`_PATH_BSHELL`).
const SHELL: *const c_char = c"/bin/sh".as_ptr();
/// What a shell that cannot be started answers.
const NOT_STARTED: c_int = 127;

/// Becomes the shell that obeys one line.
unsafe fn become_shell(command: *const c_char) -> ! {
    let arguments = [c"sh".as_ptr(), c"-c".as_ptr(), command, null()];
    // SAFETY: the list ends with a null pointer; the caller gave a C string.
    unsafe { execv(SHELL, arguments.as_ptr()) };
    _exit(NOT_STARTED)
}

/// Waits for a child; answers its status or -1.
unsafe fn wait_for(child: c_int) -> c_int {
    let mut status = 0;
    loop {
        // SAFETY: the place is ours.
        let answer = unsafe { waitpid(child, &raw mut status, 0) };
        if answer == child {
            return status;
        }
        // SAFETY: this thread's own word.
        if unsafe { *errno::__errno() } != EINTR {
            return -1;
        }
    }
}

/// Signals while `system` waits: the keyboard's are for the command only, and the end of the child is for nobody's handler.
struct Waiting {
    interrupt: SigAction,
    quit: SigAction,
    mask: sigset_t,
}

impl Waiting {
    fn begin() -> Self {
        let ignored = SigAction { sa_sigaction: SIG_IGN, sa_flags: 0, sa_restorer: None, sa_mask: 0 };
        let mut before = Waiting { interrupt: ignored, quit: ignored, mask: 0 };
        let child = set::bit(SIGCHLD as u32);
        // SAFETY: all are places of our own. These signals can be ignored and blocked.
        unsafe {
            let _ = change_action(SIGINT, &raw const ignored, &raw mut before.interrupt);
            let _ = change_action(SIGQUIT, &raw const ignored, &raw mut before.quit);
            let _ = change_mask(SIG_BLOCK, &raw const child, &raw mut before.mask);
        }
        before
    }

    /// All as it was: in the child before it is the shell, here when that has ended.
    fn end(&self) {
        // SAFETY: as above.
        unsafe {
            let _ = change_action(SIGINT, &raw const self.interrupt, null_mut());
            let _ = change_action(SIGQUIT, &raw const self.quit, null_mut());
            let _ = change_mask(SIG_SETMASK, &raw const self.mask, null_mut());
        }
    }
}

/// `system`. Without a command, answers whether there is a shell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn system(command: *const c_char) -> c_int {
    // SAFETY: C demands null or a C string.
    unsafe {
        if command.is_null() {
            return c_int::from(crate::unistd::access(SHELL, libc::X_OK) == 0);
        }
        // What is buffered must not come out twice, and not behind what the command says.
        let _ = file::flush_all(false);
        let before = Waiting::begin();
        let status = match fork() {
            0 => {
                before.end();
                become_shell(command)
            }
            -1 => -1,
            child => wait_for(child),
        };
        before.end();
        status
    }
}

/// `popen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popen(command: *const c_char, mode: *const c_char) -> *mut FILE {
    // SAFETY: POSIX demands C strings.
    unsafe {
        let letters = bytes(mode).unwrap_or(b"");
        let (reading, cloexec) = match letters.split_first() {
            Some((b'r', rest)) => (true, rest.contains(&b'e')),
            Some((b'w', rest)) => (false, rest.contains(&b'e')),
            _ => {
                errno::set(EINVAL);
                return null_mut();
            }
        };
        let mut ends = [0; 2];
        if pipe2(ends.as_mut_ptr(), O_CLOEXEC) != 0 {
            return null_mut();
        }
        let (ours, theirs) = if reading { (ends[0], ends[1]) } else { (ends[1], ends[0]) };
        let stream = file::create(Target::Descriptor(ours), Buffering::Full, reading, !reading);
        let child = if stream.is_null() { -1 } else { fork() };
        if child == 0 {
            // `dup2` to itself would leave it to be closed.
            let standard = c_int::from(reading);
            if theirs == standard {
                crate::fcntl::fcntl(theirs, libc::F_SETFD, 0);
            } else {
                dup2(theirs, standard);
            }
            become_shell(command)
        }
        close(theirs);
        if child < 0 {
            close(ours);
            if !stream.is_null() {
                file::destroy(stream);
            }
            return null_mut();
        }
        if !cloexec {
            crate::fcntl::fcntl(ours, libc::F_SETFD, 0);
        }
        file::file(stream).with(|inner| inner.child = child);
        stream
    }
}

/// `pclose`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pclose(it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream of `popen`'s.
    unsafe {
        let child = file::file(it).with(|inner| inner.child);
        super::open::fclose(it);
        if child == 0 { errno::fail(ECHILD) } else { wait_for(child) }
    }
}
