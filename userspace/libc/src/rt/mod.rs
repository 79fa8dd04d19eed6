//! What the header families share: process start, threads, descriptors, paths, the heap and the system call.
//!
//! Everything here is below POSIX: functions answer `Result` with the kernel's error numbers, never `errno`.

pub mod heap;
pub mod lock;
pub mod names;
pub mod path;
pub mod plan;
pub mod signal;
pub mod slots;
pub mod strings;

#[cfg(target_os = "redox")]
pub mod alloc;
#[cfg(target_os = "redox")]
pub mod auxv;
#[cfg(target_os = "redox")]
pub mod clock;
#[cfg(target_os = "redox")]
pub mod exec;
#[cfg(target_os = "redox")]
pub mod files;
#[cfg(target_os = "redox")]
pub mod fork;
#[cfg(target_os = "redox")]
pub mod image;
#[cfg(target_os = "redox")]
pub mod limits;
#[cfg(target_os = "redox")]
pub mod load;
#[cfg(target_os = "redox")]
pub mod mem;
#[cfg(target_os = "redox")]
pub mod process;
#[cfg(target_os = "redox")]
pub mod relocate;
#[cfg(target_os = "redox")]
pub mod resolve;
#[cfg(target_os = "redox")]
pub mod roots;
#[cfg(target_os = "redox")]
pub mod space;
#[cfg(target_os = "redox")]
pub mod spawn;
#[cfg(target_os = "redox")]
pub mod stack;
#[cfg(target_os = "redox")]
pub mod start;
#[cfg(target_os = "redox")]
pub mod sys;
#[cfg(target_os = "redox")]
pub mod tcb;
#[cfg(target_os = "redox")]
pub mod thread;
#[cfg(target_os = "redox")]
pub mod unwind;

/// A panic inside libc is a bug of libc: say where, then end the process as `abort` does.
#[cfg(target_os = "redox")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    use core::fmt::Write as _;
    struct Stderr;
    impl core::fmt::Write for Stderr {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            sys::write(2, text.as_bytes()).map(|_| ()).map_err(|_| core::fmt::Error)
        }
    }
    // Nothing can be done about an unwritable standard error.
    let _ = writeln!(Stderr, "libc: {info}");
    thread::end_by_signal(libc::SIGABRT)
}
