//! Reading clocks: from the page in which the kernel keeps them, or by a call where there is none.

use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use ochre_abi::clock::ClockPage;
use syscall::Map;
use syscall::data::TimeSpec;
use syscall::error::Result;
use syscall::flag::{CLOCK_MONOTONIC, CLOCK_REALTIME, MapFlags};

use super::files::{self, Place};
use super::{roots, sys};

/// Nanoseconds of a second.
pub const SECOND: i64 = 1_000_000_000;

/// The time on one of the kernel's clocks.
#[inline]
pub fn now(clock: usize) -> Result<TimeSpec> {
    // SAFETY: null, or a mapping that stays.
    if let Some(page) = unsafe { PAGE.load(Ordering::Acquire).as_ref() } {
        // SAFETY: every 64-bit processor has the counter, and the kernel lets user code read it.
        let tsc = unsafe { core::arch::x86_64::_rdtsc() };
        let nanos = match clock {
            CLOCK_MONOTONIC => page.monotonic(tsc),
            CLOCK_REALTIME => page.realtime(tsc),
            _ => return sys::clock_gettime(clock),
        };
        let second = SECOND as u64;
        return Ok(TimeSpec { tv_sec: (nanos / second) as i64, tv_nsec: (nanos % second) as i32 });
    }
    if !SOUGHT.swap(true, Ordering::Relaxed) {
        // Without it, clocks are read by calls.
        let _ = find_page();
    }
    sys::clock_gettime(clock)
}

static PAGE: AtomicPtr<ClockPage> = AtomicPtr::new(null_mut());
/// Somebody has looked for the page.
static SOUGHT: AtomicBool = AtomicBool::new(false);

#[cold]
fn find_page() -> Result<()> {
    let fd = roots::with(b"time", |root| files::openat(root, b"page", 0, Place::Libc))?;
    let map =
        Map { offset: 0, size: size_of::<ClockPage>(), flags: MapFlags::PROT_READ | MapFlags::MAP_SHARED, address: 0 };
    // SAFETY: the kernel chooses an unused address.
    let mapped = unsafe { sys::fmap(fd, &map) };
    // There is nobody to tell, and the mapping does not need it.
    let _ = files::close(fd);
    PAGE.store(mapped? as *mut ClockPage, Ordering::Release);
    Ok(())
}

/// A time in nanoseconds.
pub fn nanos(time: &TimeSpec) -> i128 {
    i128::from(time.tv_sec) * i128::from(SECOND) + i128::from(time.tv_nsec)
}

/// A time from nanoseconds; what lies before the clock's zero becomes its zero.
pub fn time(nanos: i128) -> TimeSpec {
    let nanos = nanos.max(0);
    let tv_sec = i64::try_from(nanos / i128::from(SECOND)).unwrap_or(i64::MAX);
    TimeSpec { tv_sec, tv_nsec: (nanos % i128::from(SECOND)) as i32 }
}

/// The same moment on the monotonic clock.
pub fn monotonic_of_realtime(moment: &TimeSpec) -> Result<TimeSpec> {
    let offset = nanos(moment) - nanos(&now(CLOCK_REALTIME)?);
    Ok(time(nanos(&now(CLOCK_MONOTONIC)?) + offset))
}

/// The moment on the monotonic clock that lies this far ahead.
pub fn monotonic_in(duration: i128) -> Result<TimeSpec> {
    Ok(time(nanos(&now(CLOCK_MONOTONIC)?) + duration))
}
