//! Event queues: the `event` scheme, for `redox_event` and for [`crate::poll`].

use core::mem::MaybeUninit;

use libc::{sigset_t, timespec};
use syscall::data::Event;
use syscall::error::{EAGAIN, EINVAL, Result};
use syscall::flag::{EVENT_TIMEOUT_ID, EventFlags, F_GETFL, F_SETFL, O_NONBLOCK, O_RDWR};

use crate::errno::error;
use crate::rt::files::{self, Place};
use crate::rt::signal::mask::wait_with;
use crate::rt::{clock, roots, sys};
use crate::time::from_c;

/// An event as `redox_event` 0.5 has it (`RawEventV1`).
#[repr(C)]
pub struct RawEvent {
    fd: usize,
    user_data: usize,
    flags: u32,
}

/// Opens a queue.
pub fn create(nonblock: bool, place: Place) -> Result<usize> {
    let flags = O_RDWR | if nonblock { O_NONBLOCK } else { 0 };
    roots::with(b"event", |root| files::openat(root, b"", flags, place))
}

/// Asks for events of a descriptor; none (`flags` empty) to ask no more.
pub fn control(queue: usize, fd: usize, flags: EventFlags, data: usize) -> Result<usize> {
    sys::write(queue, &Event { id: fd, flags, data })
}

/// Asks for one event after this many milliseconds.
pub fn set_timeout(queue: usize, millis: usize) -> Result<usize> {
    control(queue, EVENT_TIMEOUT_ID, EventFlags::EVENT_READ, millis)
}

/// Waits for events until something comes between; answers how many.
pub fn wait_once(queue: usize, events: &mut [Event]) -> Result<usize> {
    // SAFETY: the room is ours; an event is three words without padding, of which any value is valid.
    let bytes = unsafe { sys::read_once(queue, events.as_mut_ptr().cast(), size_of_val(events))? };
    Ok(bytes / size_of::<Event>())
}

/// Creates a queue. No flags are defined.
#[unsafe(no_mangle)]
pub extern "C" fn redox_event_queue_create_v1(flags: u32) -> usize {
    if flags != 0 {
        return sys::mux(Err(error(EINVAL)));
    }
    sys::mux(create(false, Place::Program { cloexec: true }))
}

/// Subscribes to a descriptor, or with no flags takes the subscription back.
#[unsafe(no_mangle)]
pub extern "C" fn redox_event_queue_ctl_v1(queue: usize, fd: usize, flags: u32, user_data: usize) -> usize {
    let flags = EventFlags::from_bits_retain(flags as usize);
    sys::mux(control(queue, fd, flags, user_data).map(|_| 0))
}

/// Closes a queue.
#[unsafe(no_mangle)]
pub extern "C" fn redox_event_queue_destroy_v1(queue: usize) -> usize {
    sys::mux(files::close(queue))
}

/// Waits for events, at most for `timeout`; answers how many there are, 0 after the time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redox_event_queue_get_events_v1(
    queue: usize,
    buf: *mut RawEvent,
    count: usize,
    flags: u32,
    timeout: *const timespec,
    mask: *const sigset_t,
) -> usize {
    if flags != 0 {
        return sys::mux(Err(error(EINVAL)));
    }
    // SAFETY: the caller demands room for `count` events, and gives null or a time and a mask.
    sys::mux(unsafe { get_events(queue, buf, count, timeout.as_ref(), mask.as_ref().copied()) })
}

unsafe fn get_events(
    queue: usize,
    buf: *mut RawEvent,
    count: usize,
    timeout: Option<&timespec>,
    mask: Option<u64>,
) -> Result<usize> {
    /// Events taken in one call.
    const BATCH: usize = 32;
    let mut events = [const { MaybeUninit::<Event>::uninit() }; BATCH];
    let count = count.min(BATCH);
    if count == 0 {
        return Ok(0);
    }
    let poll = match timeout {
        Some(time) => {
            let time = from_c(time)?;
            let millis = (clock::nanos(&time) as u128).div_ceil(1_000_000);
            if millis > 0 {
                set_timeout(queue, usize::try_from(millis).unwrap_or(usize::MAX))?;
            }
            millis == 0
        }
        None => false,
    };
    let read = |events: &mut [MaybeUninit<Event>]| {
        let len = count * size_of::<Event>();
        // SAFETY: the kernel fills what it says.
        wait_with(mask, || unsafe { sys::read_once(queue, events.as_mut_ptr().cast(), len) })
    };
    let bytes = if poll {
        let before = sys::fcntl(queue, F_GETFL, 0)?;
        sys::fcntl(queue, F_SETFL, before | O_NONBLOCK)?;
        let result = read(&mut events);
        sys::fcntl(queue, F_SETFL, before)?;
        match result {
            Err(error) if error.errno == EAGAIN => 0,
            result => result?,
        }
    } else {
        read(&mut events)?
    };
    let mut given = 0;
    for event in &events[..bytes / size_of::<Event>()] {
        // SAFETY: the kernel has filled it; the caller has the room.
        unsafe {
            let event = event.assume_init_ref();
            // The end of the time is not an event of the caller's.
            if event.id != EVENT_TIMEOUT_ID {
                let flags = event.flags.bits() as u32;
                buf.add(given).write(RawEvent { fd: event.id, user_data: event.data, flags });
                given += 1;
            }
        }
    }
    Ok(given)
}
