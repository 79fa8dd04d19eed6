//! Signals between processes, and what a child of `fork` has of them.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use libc::{SIGCHLD, SIGCONT, SIGSTOP, SIGUSR1, SIGUSR2, pid_t, sighandler_t, siginfo_t};

use super::*;

/// Runs `child` in a child, which ends with what it answers.
fn fork(child: impl FnOnce() -> c_int) -> pid_t {
    // SAFETY: the child only does what such a child may do.
    match unsafe { libc::fork() } {
        0 => {
            let status = child();
            // SAFETY: the end of the child.
            unsafe { libc::_exit(status) }
        }
        pid => {
            assert!(pid > 0, "{}", std::io::Error::last_os_error());
            pid
        }
    }
}

fn wait_for(pid: pid_t, options: c_int) -> c_int {
    let mut status = 0;
    // SAFETY: the place is ours.
    while unsafe { libc::waitpid(pid, &mut status, options) } != pid {
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EINTR));
    }
    status
}

fn kill(pid: pid_t, signal: c_int) {
    // SAFETY: the process is a child, or the caller's parent.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

/// Handlers and mask are the parent's, what is pending is not; and no signal gets lost between the copy and the child's first step.
pub fn copies() {
    handle(SIGUSR1, count, 0);
    let blocked = Blocked::new(bit(SIGUSR2) | bit(QUEUED));
    raise(SIGUSR2);
    queue(QUEUED, 1);
    for _ in 0..50 {
        let child = fork(|| {
            let clean = pending() == 0 && mask(libc::SIG_BLOCK, 0) == bit(SIGUSR2) | bit(QUEUED);
            while COUNT.load(Ordering::SeqCst) == 0 {
                std::hint::spin_loop();
            }
            c_int::from(!clean)
        });
        kill(child, SIGUSR1);
        assert_eq!(wait_for(child, 0), 0);
    }
    set_action(SIGUSR2, libc::SIG_IGN, 0, 0);
    handle(QUEUED, count, 0);
    drop(blocked);
    assert_eq!(counted(), 1);
}

static SENDER: AtomicI32 = AtomicI32::new(0);
static CHILD: [AtomicI32; 4] = [const { AtomicI32::new(0) }; 4];
static VALUE: AtomicUsize = AtomicUsize::new(0);

extern "C" fn about_child(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    // SAFETY: libc's promise to a handler with SA_SIGINFO.
    let values = unsafe { [(*info).si_pid(), (*info).si_code, (*info).si_status(), 1] };
    CHILD.iter().zip(values).for_each(|(place, value)| place.store(value, Ordering::SeqCst));
    COUNT.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn from_whom(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    // SAFETY: as above.
    unsafe {
        SENDER.store((*info).si_pid(), Ordering::SeqCst);
        VALUE.store((*info).si_value().sival_ptr as usize, Ordering::SeqCst);
    }
}

unsafe extern "C" {
    fn sigqueue(pid: pid_t, signal: c_int, value: libc::sigval) -> c_int;
}

/// What the parent hears of its children, and what they send it.
pub fn news() {
    const EXITED: c_int = 1;
    const KILLED: c_int = 2;
    const DUMPED: c_int = 3;
    set_action(SIGCHLD, about_child as *const () as sighandler_t, libc::SA_SIGINFO as c_int, 0);
    set_action(libc::SIGTERM, libc::SIG_DFL, 0, 0);
    let heard = || CHILD.each_ref().map(|place| place.load(Ordering::SeqCst));
    let expect = |child, code, status| {
        while COUNT.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert_eq!((counted(), heard()), (1, [child, code, status, 1]));
    };
    let child = fork(|| 7);
    assert_eq!(libc::WEXITSTATUS(wait_for(child, 0)), 7);
    expect(child, EXITED, 7);
    let child = fork(|| {
        loop {
            std::hint::spin_loop();
        }
    });
    kill(child, libc::SIGTERM);
    assert_eq!(libc::WTERMSIG(wait_for(child, 0)), libc::SIGTERM);
    expect(child, KILLED, libc::SIGTERM);
    // A crash says so. Nothing to write to: the summary goes nowhere.
    let child = fork(|| {
        // SAFETY: the child's own; nobody uses it any more.
        unsafe { libc::close(2) };
        raise(libc::SIGQUIT);
        1
    });
    let status = wait_for(child, 0);
    assert!(libc::WTERMSIG(status) == libc::SIGQUIT && libc::WCOREDUMP(status), "{status:#x}");
    expect(child, DUMPED, libc::SIGQUIT);
    set_action(SIGCHLD, libc::SIG_DFL, 0, 0);
    // A value from a child.
    set_action(SIGUSR1, from_whom as *const () as sighandler_t, libc::SA_SIGINFO as c_int, 0);
    let child = fork(|| {
        // SAFETY: the parent waits.
        unsafe { sigqueue(libc::getppid(), SIGUSR1, libc::sigval { sival_ptr: 0x77 as *mut c_void }) }
    });
    assert_eq!(wait_for(child, 0), 0);
    assert_eq!((SENDER.load(Ordering::SeqCst), VALUE.load(Ordering::SeqCst)), (child, 0x77));
}

/// Stops and what ends them.
pub fn stops() {
    let child = fork(|| {
        handle(SIGUSR1, count, 0);
        raise(SIGSTOP);
        // What came while it was stopped.
        counted() as c_int
    });
    let status = wait_for(child, libc::WUNTRACED);
    assert!(libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == SIGSTOP, "{status:#x}");
    kill(child, SIGUSR1);
    kill(child, SIGCONT);
    assert_eq!(libc::WEXITSTATUS(wait_for(child, 0)), 1);
}
