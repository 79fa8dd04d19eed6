//! `poll.h` and `sys/select.h`: waiting for descriptors, over an event queue of our own.
//!
//! The queue tells at once what is ready when a descriptor is registered. Descriptors that know no events (files) are
//! always ready, as POSIX wants it.

use libc::{
    EINVAL, FD_SETSIZE, POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLRDNORM, POLLWRNORM, c_int, c_short, fd_set,
    nfds_t, pollfd, sigset_t, timespec, timeval,
};
use ochre_socket::state;
use syscall::data::Event;
use syscall::error::{EAGAIN, EBADF, Result};
use syscall::flag::{EVENT_TIMEOUT_ID, EventFlags};

use crate::errno::{self, error};
use crate::rt::files::{self, Place};
use crate::rt::signal::mask::{suspend, wait_with};
use crate::rt::{clock, sys};
use crate::{event, socket, time};

/// Events taken from the queue at a time.
const BATCH: usize = 64;
/// What asks for reading and for writing.
const READ: c_short = POLLIN | POLLRDNORM;
const WRITE: c_short = POLLOUT | POLLWRNORM;

/// Waits until one of the descriptors is ready, or for so many milliseconds (`None`: for ever).
fn wait(fds: &mut [pollfd], millis: Option<usize>, mask: Option<u64>) -> Result<usize> {
    if fds.iter().all(|entry| entry.fd < 0) {
        fds.iter_mut().for_each(|entry| entry.revents = 0);
        return sleep(millis, mask);
    }
    let queue = event::create(millis == Some(0), Place::Libc)?;
    let result = wait_on(queue, fds, millis, mask);
    let _ = files::close(queue);
    result
}

fn wait_on(queue: usize, fds: &mut [pollfd], millis: Option<usize>, mask: Option<u64>) -> Result<usize> {
    let mut ready = 0;
    for (index, entry) in fds.iter_mut().enumerate() {
        entry.revents = 0;
        let Ok(fd) = usize::try_from(entry.fd) else { continue };
        match event::control(queue, fd, interest(entry.events), index) {
            Ok(_) => {}
            Err(error) if error.errno == EBADF => (entry.revents, ready) = (POLLNVAL, ready + 1),
            Err(_) => {
                entry.revents = entry.events & (READ | WRITE);
                ready += usize::from(entry.revents != 0);
            }
        }
    }
    // What is ready already must not hide what the queue knows: look, but do not wait.
    let millis = if ready > 0 { Some(0) } else { millis };
    if let Some(millis) = millis {
        event::set_timeout(queue, millis)?;
    }
    let mut events = [Event::default(); BATCH];
    loop {
        let count = match wait_with(mask, || event::wait_once(queue, &mut events)) {
            Err(error) if error.errno == EAGAIN => return Ok(ready),
            count => count?,
        };
        let mut over = false;
        for event in &events[..count] {
            if event.id == EVENT_TIMEOUT_ID {
                over = true;
                continue;
            }
            let Some(entry) = fds.get_mut(event.data) else { continue };
            let before = entry.revents;
            if event.flags.contains(EventFlags::EVENT_READ) {
                entry.revents |= entry.events & READ | ends(entry.fd);
            }
            if event.flags.contains(EventFlags::EVENT_WRITE) {
                entry.revents |= entry.events & WRITE | ends(entry.fd);
            }
            ready += usize::from(before == 0 && entry.revents != 0);
        }
        if ready > 0 || over || millis == Some(0) {
            return Ok(ready);
        }
    }
}

/// What the queue is to tell of. What has come to an end is ready both ways, so who asks for nothing but ends is woken by either, and
/// looks.
fn interest(events: c_short) -> EventFlags {
    let mut flags = EventFlags::empty();
    flags.set(EventFlags::EVENT_READ, events & READ != 0);
    flags.set(EventFlags::EVENT_WRITE, events & WRITE != 0);
    if flags.is_empty() { EventFlags::EVENT_READ | EventFlags::EVENT_WRITE } else { flags }
}

/// What is told of what has come to an end, whether it was asked for or not.
pub fn ends(fd: c_int) -> c_short {
    let state = usize::try_from(fd).map_or(0, socket::state);
    let bit = |from, to| if state & from != 0 { to } else { 0 };
    bit(state::HANG_UP, POLLHUP) | bit(state::ERROR, POLLERR)
}

/// Waits for nothing but the time.
fn sleep(millis: Option<usize>, mask: Option<u64>) -> Result<usize> {
    let Some(millis) = millis else { return Err(suspend(mask)) };
    let mut left = clock::time(millis as i128 * 1_000_000);
    wait_with(mask, || {
        let request = left;
        sys::nanosleep_once(&request, &mut left)
    })
    .map(|_| 0)
}

/// The milliseconds of a time, rounded up.
fn millis_of(timeout: Option<&timespec>) -> Result<Option<usize>> {
    timeout
        .map(|timeout| {
            let nanos = clock::nanos(&time::from_c(timeout)?);
            let millis = u128::try_from(nanos).map_err(|_| error(EINVAL))?.div_ceil(1_000_000);
            Ok(usize::try_from(millis).unwrap_or(usize::MAX))
        })
        .transpose()
}

unsafe fn entries<'a>(fds: *mut pollfd, count: nfds_t) -> Result<&'a mut [pollfd]> {
    match usize::try_from(count) {
        Ok(0) => Ok(&mut []),
        // SAFETY: POSIX demands so many.
        Ok(count) if count <= crate::rt::slots::RANGE => Ok(unsafe { core::slice::from_raw_parts_mut(fds, count) }),
        _ => Err(error(EINVAL)),
    }
}

/// `poll`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int {
    // SAFETY: POSIX demands the entries.
    errno::int(unsafe { entries(fds, count) }.and_then(|fds| wait(fds, usize::try_from(timeout).ok(), None)))
}

/// `ppoll`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ppoll(
    fds: *mut pollfd,
    count: nfds_t,
    timeout: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: POSIX demands the entries, and null or a time and a mask.
    errno::int(unsafe {
        let timeout = millis_of(timeout.as_ref());
        entries(fds, count).and_then(|fds| wait(fds, timeout?, mask.as_ref().copied()))
    })
}

/// Largest number of descriptors that `select` looks at.
const SELECT: usize = FD_SETSIZE;

/// `select`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn select(
    count: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    except: *mut fd_set,
    timeout: *mut timeval,
) -> c_int {
    // SAFETY: POSIX demands null or a time.
    let timeout = unsafe { timeout.as_ref() };
    let timeout = timeout.map(|time| timespec { tv_sec: time.tv_sec, tv_nsec: i64::from(time.tv_usec) * 1000 });
    // SAFETY: POSIX demands null or sets.
    errno::int(unsafe { select_sets(count, [read, write, except], timeout.as_ref(), None) })
}

/// `pselect`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pselect(
    count: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    except: *mut fd_set,
    timeout: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: POSIX demands null or sets, a time and a mask.
    errno::int(unsafe { select_sets(count, [read, write, except], timeout.as_ref(), mask.as_ref().copied()) })
}

unsafe fn select_sets(
    count: c_int,
    sets: [*mut fd_set; 3],
    timeout: Option<&timespec>,
    mask: Option<u64>,
) -> Result<usize> {
    let count = usize::try_from(count).ok().filter(|&count| count <= SELECT).ok_or(error(EINVAL))?;
    let millis = millis_of(timeout)?;
    let mut fds = [pollfd { fd: -1, events: 0, revents: 0 }; SELECT];
    let mut used = 0;
    // SAFETY: each set is null or has `FD_SETSIZE` bits.
    unsafe {
        let has = |set: *mut fd_set, fd: usize| !set.is_null() && libc::FD_ISSET(fd as c_int, set);
        for fd in 0..count {
            let mut events = 0;
            if has(sets[0], fd) {
                events |= POLLIN;
            }
            if has(sets[1], fd) {
                events |= POLLOUT;
            }
            if events != 0 {
                fds[used] = pollfd { fd: fd as c_int, events, revents: 0 };
                used += 1;
            }
        }
        wait(&mut fds[..used], millis, mask)?;
        sets.iter().filter(|set| !set.is_null()).for_each(|&set| libc::FD_ZERO(set));
        let mut ready = 0;
        for entry in &fds[..used] {
            if entry.revents & POLLNVAL != 0 {
                return Err(error(EBADF));
            }
            for (set, bit) in [(sets[0], POLLIN), (sets[1], POLLOUT)] {
                if entry.revents & bit != 0 {
                    libc::FD_SET(entry.fd, set);
                    ready += 1;
                }
            }
        }
        Ok(ready)
    }
}
