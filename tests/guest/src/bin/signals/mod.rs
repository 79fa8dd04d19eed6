//! What the parts share; see the parts.

mod calls;
mod children;
mod crash;
mod faults;
mod handlers;
mod storm;
mod waiting;

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};

use libc::{sighandler_t, siginfo_t, sigset_t};
use ochre_guest::{role, run};

/// A real-time signal: queued.
pub const QUEUED: c_int = 40;

unsafe extern "C" {
    // What crate `libc` does not declare for this target.
    pub fn sigsuspend(mask: *const sigset_t) -> c_int;
    pub fn sigwaitinfo(set: *const sigset_t, info: *mut siginfo_t) -> c_int;
    pub fn pthread_sigqueue(thread: libc::pthread_t, signal: c_int, value: libc::sigval) -> c_int;
}

pub fn main() {
    if let Some(role) = role() {
        return crash::commit(&role);
    }
    run(&[
        ("a handler runs, and the program goes on as it was", handlers::registers),
        ("masks", handlers::masks),
        ("handlers in handlers", handlers::nesting),
        ("flags of actions", handlers::flags),
        ("queues", handlers::queues),
        ("information", handlers::information),
        ("an alternate stack", handlers::alternate),
        ("signals to threads", handlers::threads),
        ("a new thread's mask", handlers::inheritance),
        ("reads that go on or end", calls::reads),
        ("sleeps and polls end", calls::sleeps),
        ("locks are not interrupted", calls::locks),
        ("nobody's signal disturbs nothing", calls::undisturbed),
        ("a pipe that nobody reads", calls::broken_pipe),
        ("suspend, pause", waiting::suspend),
        ("wait for a signal", waiting::wait),
        ("polls with a mask", waiting::masked_poll),
        ("timers", waiting::timers),
        ("faults and their ways back", faults::recovered),
        ("a stack that overflows, on an alternate stack", faults::overflow),
        ("floating-point registers", faults::float),
        ("a storm", storm::storm),
        ("a storm on sleepers", storm::sleepers),
        ("children: copies", children::copies),
        ("children: news", children::news),
        ("children: stops", children::stops),
        ("how crashes end", crash::ends),
        ("the summary of a crash", crash::summary),
        ("a crash cannot hang", crash::no_hang),
    ]);
}

/// Sets a handler that takes the number, with flags.
pub fn handle(signal: c_int, handler: extern "C" fn(c_int), flags: c_int) -> libc::sigaction {
    set_action(signal, handler as *const () as sighandler_t, flags, 0)
}

/// Sets an action.
pub fn set_action(signal: c_int, handler: sighandler_t, flags: c_int, mask: sigset_t) -> libc::sigaction {
    let new = libc::sigaction { sa_sigaction: handler, sa_flags: flags, sa_restorer: None, sa_mask: mask };
    let mut old = MaybeUninit::uninit();
    // SAFETY: both are actions.
    unsafe {
        assert_eq!(libc::sigaction(signal, &new, old.as_mut_ptr()), 0);
        old.assume_init()
    }
}

/// The mask's bit of a signal.
pub fn bit(signal: c_int) -> sigset_t {
    1 << (signal - 1)
}

/// Changes the mask; answers the one before.
pub fn mask(how: c_int, set: sigset_t) -> sigset_t {
    let mut old = 0;
    // SAFETY: both are masks.
    assert_eq!(unsafe { libc::pthread_sigmask(how, &set, &mut old) }, 0);
    old
}

/// Blocks signals while this lives.
pub struct Blocked(sigset_t);

impl Blocked {
    pub fn new(set: sigset_t) -> Self {
        Blocked(mask(libc::SIG_BLOCK, set))
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        mask(libc::SIG_SETMASK, self.0);
    }
}

/// What is pending.
pub fn pending() -> sigset_t {
    let mut set = 0;
    // SAFETY: it is a mask.
    assert_eq!(unsafe { libc::sigpending(&mut set) }, 0);
    set
}

pub fn raise(signal: c_int) {
    // SAFETY: raising is always allowed; what comes of it is what the tests are about.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

/// Sends a value to the calling thread.
pub fn queue(signal: c_int, value: usize) -> c_int {
    // SAFETY: the thread is this one.
    unsafe { pthread_sigqueue(libc::pthread_self(), signal, libc::sigval { sival_ptr: value as *mut _ }) }
}

/// Calls of [`count`].
pub static COUNT: AtomicUsize = AtomicUsize::new(0);
/// What handlers have seen, as digits.
pub static TRACE: AtomicU64 = AtomicU64::new(0);
/// The last signal of [`count`].
pub static LAST: AtomicI32 = AtomicI32::new(0);

/// A handler that counts.
pub extern "C" fn count(signal: c_int) {
    LAST.store(signal, Ordering::SeqCst);
    COUNT.fetch_add(1, Ordering::SeqCst);
}

/// Writes a digit behind those of [`TRACE`].
pub fn trace(digit: u64) {
    TRACE.store(TRACE.load(Ordering::SeqCst) * 16 + digit, Ordering::SeqCst);
}

/// The digits since the last time.
pub fn traced() -> u64 {
    TRACE.swap(0, Ordering::SeqCst)
}

/// The count since the last time.
pub fn counted() -> usize {
    COUNT.swap(0, Ordering::SeqCst)
}

/// The error number of a call that answered -1.
pub fn errno(answer: isize) -> i32 {
    assert_eq!(answer, -1);
    std::io::Error::last_os_error().raw_os_error().expect("a number")
}

/// A null pointer to an action.
pub fn no_action() -> *mut libc::sigaction {
    null_mut()
}
