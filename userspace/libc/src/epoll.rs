//! `sys/epoll.h` over event queues.
//!
//! The descriptor is that of the kernel's queue. The queue says once that something has become ready; what is asked for
//! "by level" is therefore subscribed again before the next wait: a subscription of what is ready raises its event at once.
//! Which descriptors that concerns is kept here, for each queue by its number; so a number that `dup` made knows nothing of
//! what was added through another.

use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, Ordering};

use libc::{
    EBADF, EEXIST, EINVAL, ENOENT, ENOMEM, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR,
    EPOLLET, EPOLLHUP, EPOLLIN, EPOLLONESHOT, EPOLLOUT, EPOLLRDHUP, EPOLLRDNORM, EPOLLWRNORM, c_int, epoll_event,
    sigset_t,
};
use ochre_abi::ends;
use syscall::data::Event;
use syscall::error::{EAGAIN, Error, Result};
use syscall::flag::{EVENT_TIMEOUT_ID, EventFlags, F_GETFL, F_SETFL, O_NONBLOCK};

use crate::errno::{self, error};
use crate::event;
use crate::fcntl::descriptor;
use crate::rt::files::Place;
use crate::rt::lock::Lock;
use crate::rt::signal::mask::wait_with;
use crate::rt::{alloc, clock, sys};

/// A descriptor that is watched.
#[derive(Clone, Copy)]
struct Watched {
    fd: usize,
    events: u32,
    data: u64,
    /// Its event was given out, and must be asked for again.
    told: bool,
    /// `EPOLLONESHOT`, and it was told: silent until it is changed.
    silent: bool,
}

/// A queue.
struct Queue {
    fd: usize,
    list: *mut Watched,
    count: usize,
    room: usize,
}

/// All queues of the process.
struct Queues {
    list: *mut Queue,
    count: usize,
    room: usize,
}

// SAFETY: the blocks are only reached with the lock held.
unsafe impl Send for Queues {}

static QUEUES: Lock<Queues> = Lock::new(Queues { list: null_mut(), count: 0, room: 0 });
/// Whether there ever was one: `close` looks at this first.
static ANY: AtomicBool = AtomicBool::new(false);

/// Makes room for one element more in a block.
fn grow<T>(list: &mut *mut T, count: usize, room: &mut usize) -> Result<()> {
    if count == *room {
        let more = (*room * 2).max(8);
        // SAFETY: the block is ours, or null.
        let block = unsafe { alloc::reallocate(list.cast(), more * size_of::<T>()) };
        if block.is_null() {
            return Err(error(ENOMEM));
        }
        (*list, *room) = (block.cast(), more);
    }
    Ok(())
}

impl Queue {
    fn watched(&mut self) -> &mut [Watched] {
        // SAFETY: so many elements are filled.
        if self.count == 0 { &mut [] } else { unsafe { core::slice::from_raw_parts_mut(self.list, self.count) } }
    }

    fn find(&mut self, fd: usize) -> Option<usize> {
        self.watched().iter().position(|watched| watched.fd == fd)
    }

    /// Tells the kernel what is wanted of a descriptor.
    fn subscribe(&self, watched: &Watched) -> Result<usize> {
        event::control(self.fd, watched.fd, flags(watched.events), watched.fd)
    }

    fn add(&mut self, watched: Watched) -> Result<()> {
        if let Some(index) = self.find(watched.fd) {
            // The number may be another descriptor by now: the kernel forgot the old one when it was closed.
            let known = self.watched()[index];
            if !known.silent && self.subscribe(&known).is_ok() {
                return Err(error(EEXIST));
            }
            self.forget(index);
        }
        grow(&mut self.list, self.count, &mut self.room)?;
        self.subscribe(&watched)?;
        // SAFETY: there is room.
        unsafe { self.list.add(self.count).write(watched) };
        self.count += 1;
        Ok(())
    }

    fn forget(&mut self, index: usize) {
        let last = self.count - 1;
        self.watched().swap(index, last);
        self.count = last;
    }

    /// Asks again for what was told by level.
    fn renew(&mut self) {
        let mut index = 0;
        while index < self.count {
            let watched = self.watched()[index];
            // A descriptor that is gone is not watched any more.
            if watched.told && !watched.silent && self.subscribe(&watched).is_err() {
                self.forget(index);
                continue;
            }
            self.watched()[index].told = false;
            index += 1;
        }
    }

    /// What the kernel told of a descriptor, in C's form.
    fn told(&mut self, event: &Event) -> Option<epoll_event> {
        let index = self.find(event.data)?;
        let watched = &mut self.watched()[index];
        if watched.silent {
            return None;
        }
        let mut events = 0;
        if event.flags.contains(EventFlags::EVENT_READ) {
            events |= watched.events & (EPOLLIN | EPOLLRDNORM) as u32;
        }
        if event.flags.contains(EventFlags::EVENT_WRITE) {
            events |= watched.events & (EPOLLOUT | EPOLLWRNORM) as u32;
        }
        if events == 0 && !only_ends(watched.events) {
            return None;
        }
        events |= ends(watched.fd, watched.events);
        if events == 0 {
            return None;
        }
        watched.told = watched.events & EPOLLET as u32 == 0;
        let answer = epoll_event { events, u64: watched.data, _pad: 0 };
        if watched.events & EPOLLONESHOT as u32 != 0 {
            watched.silent = true;
            let fd = watched.fd;
            // It was there a moment ago; if it is gone, it is silent as well.
            let _ = event::control(self.fd, fd, EventFlags::empty(), 0);
        }
        Some(answer)
    }
}

/// What is told of what has come to an end: that the other side sends nothing more only to who asked for that.
fn ends(fd: usize, asked: u32) -> u32 {
    let state = crate::socket::state(fd);
    let bit = |from, to: c_int| if state & from != 0 { to as u32 } else { 0 };
    bit(ends::HANG_UP, EPOLLHUP) | bit(ends::ERROR, EPOLLERR) | bit(ends::READ_END, EPOLLRDHUP) & asked
}

/// Whether nothing but ends is asked for.
fn only_ends(events: u32) -> bool {
    events & (EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM) as u32 == 0
}

/// What the kernel is to tell of. What has come to an end is ready both ways, and is told by either.
fn flags(events: u32) -> EventFlags {
    if only_ends(events) {
        return EventFlags::EVENT_READ | EventFlags::EVENT_WRITE;
    }
    let mut flags = EventFlags::empty();
    flags.set(EventFlags::EVENT_READ, events & (EPOLLIN | EPOLLRDNORM) as u32 != 0);
    flags.set(EventFlags::EVENT_WRITE, events & (EPOLLOUT | EPOLLWRNORM) as u32 != 0);
    flags
}

impl Queues {
    fn all(&mut self) -> &mut [Queue] {
        // SAFETY: so many elements are filled.
        if self.count == 0 { &mut [] } else { unsafe { core::slice::from_raw_parts_mut(self.list, self.count) } }
    }

    fn get(&mut self, fd: usize) -> Result<&mut Queue> {
        self.all().iter_mut().find(|queue| queue.fd == fd).ok_or(error(EINVAL))
    }
}

/// Forgets a queue whose number is closed.
#[inline]
pub fn closed(fd: usize) {
    if ANY.load(Ordering::Relaxed) {
        forget(fd);
    }
}

#[cold]
fn forget(fd: usize) {
    let mut queues = QUEUES.lock();
    if let Some(index) = queues.all().iter().position(|queue| queue.fd == fd) {
        let last = queues.count - 1;
        // SAFETY: the block is the queue's, which nobody reaches any more.
        unsafe { alloc::release(queues.all()[index].list.cast()) };
        queues.all().swap(index, last);
        queues.count = last;
    }
}

/// `epoll_create1`.
#[unsafe(no_mangle)]
pub extern "C" fn epoll_create1(flags: c_int) -> c_int {
    if flags & !EPOLL_CLOEXEC != 0 {
        return errno::fail(EINVAL);
    }
    errno::int(event::create(false, Place::Program { cloexec: flags & EPOLL_CLOEXEC != 0 }).and_then(|fd| {
        ANY.store(true, Ordering::Relaxed);
        let mut queues = QUEUES.lock();
        let Queues { list, count, room } = &mut *queues;
        if let Err(error) = grow(list, *count, room) {
            drop(queues);
            crate::unistd::close(fd as c_int);
            return Err(error);
        }
        // SAFETY: there is room.
        unsafe { list.add(*count).write(Queue { fd, list: null_mut(), count: 0, room: 0 }) };
        *count += 1;
        Ok(fd)
    }))
}

/// `epoll_create`.
#[unsafe(no_mangle)]
pub extern "C" fn epoll_create(size: c_int) -> c_int {
    if size <= 0 { errno::fail(EINVAL) } else { epoll_create1(0) }
}

/// `epoll_ctl`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_ctl(queue: c_int, operation: c_int, fd: c_int, event: *mut epoll_event) -> c_int {
    // SAFETY: the caller demands an event, for the operations that take one.
    let wanted = unsafe { event.as_ref() };
    errno::zero(descriptor(queue).and_then(|queue| control(queue, operation, descriptor(fd)?, wanted)))
}

fn control(queue: usize, operation: c_int, fd: usize, wanted: Option<&epoll_event>) -> Result<()> {
    crate::rt::files::cloexec(queue)?;
    crate::rt::files::cloexec(fd)?;
    if queue == fd {
        return Err(error(EINVAL));
    }
    let mut queues = QUEUES.lock();
    let queue = queues.get(queue)?;
    let new =
        |wanted: &epoll_event| Watched { fd, events: wanted.events, data: wanted.u64, told: false, silent: false };
    match operation {
        EPOLL_CTL_ADD => queue.add(new(wanted.ok_or(error(libc::EFAULT))?)),
        EPOLL_CTL_MOD => {
            let watched = new(wanted.ok_or(error(libc::EFAULT))?);
            let index = queue.find(fd).ok_or(error(ENOENT))?;
            queue.subscribe(&watched)?;
            queue.watched()[index] = watched;
            Ok(())
        }
        EPOLL_CTL_DEL => {
            let index = queue.find(fd).ok_or(error(ENOENT))?;
            queue.forget(index);
            // If the kernel knows nothing of it any more, all is well.
            let _ = event::control(queue.fd, fd, EventFlags::empty(), 0);
            Ok(())
        }
        _ => Err(error(EINVAL)),
    }
}

/// Events taken from the kernel at a time.
const BATCH: usize = 64;

/// `epoll_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_wait(queue: c_int, events: *mut epoll_event, most: c_int, timeout: c_int) -> c_int {
    // SAFETY: the caller demands the room.
    unsafe { wait_masked(queue, events, most, timeout, None) }
}

/// # Safety
/// There is room for so many events.
unsafe fn wait_masked(queue: c_int, events: *mut epoll_event, most: c_int, timeout: c_int, mask: Option<u64>) -> c_int {
    let most = match usize::try_from(most) {
        Ok(most) if most > 0 => most,
        _ => return errno::fail(EINVAL),
    };
    // SAFETY: as this function demands.
    let room = unsafe { core::slice::from_raw_parts_mut(events, most) };
    errno::int(descriptor(queue).and_then(|queue| wait(queue, room, usize::try_from(timeout).ok(), mask)))
}

fn wait(fd: usize, room: &mut [epoll_event], millis: Option<usize>, mask: Option<u64>) -> Result<usize> {
    QUEUES.lock().get(fd).map_err(|_| not_a_queue(fd))?.renew();
    let until = millis.map(|millis| clock::monotonic_in(millis as i128 * 1_000_000)).transpose()?;
    loop {
        let left = until.as_ref().map(left).transpose()?;
        let mut events = [Event::default(); BATCH];
        let most = room.len().min(BATCH);
        let count = match take(fd, &mut events[..most], left, mask) {
            Err(error) if error.errno == EAGAIN => 0,
            count => count?,
        };
        let mut queues = QUEUES.lock();
        let queue = queues.get(fd)?;
        let mut given = 0;
        for event in events[..count].iter().filter(|event| event.id != EVENT_TIMEOUT_ID) {
            if let Some(told) = queue.told(event) {
                room[given] = told;
                given += 1;
            }
        }
        if given > 0 || left == Some(0) {
            return Ok(given);
        }
    }
}

/// Why a descriptor is no queue.
fn not_a_queue(fd: usize) -> Error {
    error(if crate::rt::files::cloexec(fd).is_err() { EBADF } else { EINVAL })
}

/// Milliseconds up to a moment, rounded up.
fn left(until: &syscall::data::TimeSpec) -> Result<usize> {
    let now = clock::now(syscall::CLOCK_MONOTONIC)?;
    let nanos = (clock::nanos(until) - clock::nanos(&now)).max(0);
    Ok(usize::try_from((nanos as u128).div_ceil(1_000_000)).unwrap_or(usize::MAX))
}

/// Reads events; waits at most so long.
fn take(queue: usize, events: &mut [Event], millis: Option<usize>, mask: Option<u64>) -> Result<usize> {
    match millis {
        None => {
            // A time that an earlier call asked for must not end this one.
            event::control(queue, EVENT_TIMEOUT_ID, EventFlags::empty(), 0)?;
            wait_with(mask, || event::wait_once(queue, events))
        }
        Some(0) => {
            let flags = sys::fcntl(queue, F_GETFL, 0)?;
            sys::fcntl(queue, F_SETFL, flags | O_NONBLOCK)?;
            let result = wait_with(mask, || event::wait_once(queue, events));
            sys::fcntl(queue, F_SETFL, flags)?;
            result
        }
        Some(millis) => {
            event::set_timeout(queue, millis)?;
            wait_with(mask, || event::wait_once(queue, events))
        }
    }
}

/// `epoll_pwait`: as `epoll_wait`, with other signals masked meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_pwait(
    queue: c_int,
    events: *mut epoll_event,
    most: c_int,
    timeout: c_int,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: the caller demands the room, and null or a mask.
    unsafe { wait_masked(queue, events, most, timeout, mask.as_ref().copied()) }
}
