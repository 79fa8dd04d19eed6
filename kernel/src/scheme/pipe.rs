//! The `pipe` scheme: a buffer of 64 KiB with a reading and a writing end; descriptors can go through it as well.
//!
//! Opening the scheme gives the reading end, `dup` of that with `"write"` the writing end. Up to a page is written in one piece
//! (POSIX `PIPE_BUF`).

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::error::{EAGAIN, EINTR, EINVAL, ENOENT, EPIPE, Error, Result};
use syscall::{CallFlags, EventFlags, GlobalSchemes, MODE_FIFO, Stat};

use super::description::Description;
use super::event::EventSource;
use super::object::{Io, Object, Opened};
use crate::context::wait::{self, WaitList, Wake};
use crate::memory::user::{fill_frame, read_frame};
use crate::memory::{Frame, PAGE_SIZE, UserSlice};
use crate::sync::{Lock, level};

/// Bytes that fit.
const CAPACITY: usize = 64 * 1024;
/// Writes up to this size are not mixed with others (POSIX `PIPE_BUF`).
const ATOMIC: usize = PAGE_SIZE;
/// Groups of descriptors that fit.
const MAX_GROUPS: usize = 64;
/// Bytes copied at once between a pipe and user memory, through the stack.
const STEP: usize = 1024;

struct Buffer {
    pages: [Option<Frame>; CAPACITY / PAGE_SIZE],
    /// Bytes ever taken and put; their difference is what is there.
    taken: usize,
    put: usize,
    groups: VecDeque<Vec<Arc<Description>>>,
    readers: WaitList,
    writers: WaitList,
    reading_end_open: bool,
    writing_ends: usize,
    /// Whether there ever was a writing end: without one, an empty pipe is not at its end yet.
    had_writer: bool,
}

struct Pipe {
    buffer: Lock<{ level::BUFFER }, Buffer>,
    read_events: EventSource,
    write_events: EventSource,
}

impl Buffer {
    fn len(&self) -> usize {
        self.put - self.taken
    }

    /// Puts as much of `bytes` as fits.
    fn put(&mut self, bytes: &[u8]) -> Result<usize> {
        let count = bytes.len().min(CAPACITY - self.len());
        let mut done = 0;
        while done < count {
            let at = self.put % CAPACITY;
            let part = (count - done).min(PAGE_SIZE - at % PAGE_SIZE);
            let page = &mut self.pages[at / PAGE_SIZE];
            let frame = match page {
                Some(frame) => frame,
                None => page.insert(Frame::zeroed_for_user()?),
            };
            fill_frame(frame, at % PAGE_SIZE, &bytes[done..done + part]);
            self.put += part;
            done += part;
        }
        Ok(count)
    }

    /// Takes up to `bytes.len()` bytes.
    fn take(&mut self, bytes: &mut [u8]) -> usize {
        let count = bytes.len().min(self.len());
        let mut done = 0;
        while done < count {
            let at = self.taken % CAPACITY;
            let part = (count - done).min(PAGE_SIZE - at % PAGE_SIZE);
            if let Some(frame) = &self.pages[at / PAGE_SIZE] {
                read_frame(frame, at % PAGE_SIZE, &mut bytes[done..done + part]);
            }
            self.taken += part;
            done += part;
        }
        count
    }
}

/// Waits on one of the lists; the lock is released meanwhile.
macro_rules! wait_on {
    ($pipe:expr, $buffer:expr, $list:ident, $nonblock:expr) => {{
        if $nonblock {
            return Err(Error::new(EAGAIN));
        }
        $buffer.$list.join();
        drop($buffer);
        if wait::block(None) != Wake::Event {
            let mut buffer = $pipe.buffer.lock();
            if !buffer.$list.leave() {
                // The wake-up meant for this thread goes on to the next.
                buffer.$list.wake_one();
            }
            return Err(Error::new(EINTR));
        }
    }};
}

impl Pipe {
    fn read(&self, to: UserSlice, nonblock: bool) -> Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        let mut done = 0;
        loop {
            let mut buffer = self.buffer.lock();
            if buffer.len() != 0 {
                break;
            }
            if buffer.writing_ends == 0 && buffer.had_writer {
                return Ok(0);
            }
            wait_on!(self, buffer, readers, nonblock);
        }
        while done < to.len() {
            let part = to.skip(done);
            let count = if part.len() <= SMALL {
                self.take_part::<SMALL>(part)?
            } else {
                self.take_part::<STEP>(part.first(STEP))?
            };
            if count == 0 {
                break;
            }
            done += count;
        }
        if self.write_events.is_watched() {
            self.write_events.notify(EventFlags::EVENT_WRITE);
        }
        Ok(done)
    }

    /// Takes at most `N` bytes to user memory.
    #[inline]
    fn take_part<const N: usize>(&self, to: UserSlice) -> Result<usize> {
        let mut bytes = [0u8; N];
        let count = {
            let mut buffer = self.buffer.lock();
            let count = buffer.take(&mut bytes[..to.len().min(N)]);
            if count != 0 && !buffer.writers.is_empty() {
                buffer.writers.wake_all();
            }
            count
        };
        to.write(&bytes[..count])?;
        Ok(count)
    }

    fn write(&self, from: UserSlice, nonblock: bool) -> Result<usize> {
        if from.is_empty() {
            return Ok(0);
        }
        let whole = from.len() <= ATOMIC;
        let mut done = 0;
        while done < from.len() {
            let part = from.skip(done);
            let count = if part.len() <= SMALL {
                self.put_part::<SMALL>(part, whole.then_some(part.len()), nonblock)
            } else {
                let need = whole.then_some(part.len());
                self.put_part::<STEP>(part.first(STEP), need, nonblock)
            };
            match count {
                Ok(count) => done += count,
                Err(_) if done > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Puts at most `N` bytes from user memory, once there is room for `need` bytes (for one when it is `None`).
    #[inline]
    fn put_part<const N: usize>(&self, from: UserSlice, need: Option<usize>, nonblock: bool) -> Result<usize> {
        let mut bytes = [0u8; N];
        from.read(&mut bytes)?;
        loop {
            let mut buffer = self.buffer.lock();
            if !buffer.reading_end_open {
                return Err(Error::new(EPIPE));
            }
            if CAPACITY - buffer.len() >= need.unwrap_or(1) {
                let was_empty = buffer.len() == 0;
                let count = buffer.put(&bytes[..from.len()])?;
                if !buffer.readers.is_empty() {
                    buffer.readers.wake_one();
                }
                drop(buffer);
                if was_empty {
                    self.read_events.notify(EventFlags::EVENT_READ);
                }
                return Ok(count);
            }
            wait_on!(self, buffer, writers, nonblock);
        }
    }

    fn send(&self, descriptions: Vec<Arc<Description>>) -> Result<usize> {
        let count = descriptions.len();
        let mut buffer = self.buffer.lock();
        if !buffer.reading_end_open {
            return Err(Error::new(EPIPE));
        }
        if buffer.groups.len() >= MAX_GROUPS {
            return Err(Error::new(EAGAIN));
        }
        buffer.groups.push_back(descriptions);
        buffer.readers.wake_all();
        drop(buffer);
        self.read_events.notify(EventFlags::EVENT_READ);
        Ok(count)
    }

    fn receive(&self, count: usize, nonblock: bool) -> Result<Vec<Arc<Description>>> {
        loop {
            let mut buffer = self.buffer.lock();
            match buffer.groups.front() {
                Some(group) if group.len() != count => return Err(Error::new(EINVAL)),
                Some(_) => return buffer.groups.pop_front().ok_or(Error::new(EINVAL)),
                None if buffer.writing_ends == 0 && buffer.had_writer => return Err(Error::new(EPIPE)),
                None => wait_on!(self, buffer, readers, nonblock),
            }
        }
    }
}

/// Sizes up to this go through a small buffer, cheaper to clear.
const SMALL: usize = 32;

/// The reading end.
struct ReadEnd {
    pipe: Arc<Pipe>,
}

/// A writing end.
struct WriteEnd {
    pipe: Arc<Pipe>,
}

fn stat() -> Stat {
    Stat { st_mode: MODE_FIFO | 0o600, st_blksize: ATOMIC as u32, ..Stat::default() }
}

impl Object for ReadEnd {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Pipe
    }

    fn dup(&self, argument: &[u8]) -> Result<Opened> {
        match argument {
            b"" => Ok(Opened::Same),
            b"write" => {
                let mut buffer = self.pipe.buffer.lock();
                buffer.writing_ends += 1;
                buffer.had_writer = true;
                drop(buffer);
                Ok(Opened::Object(Arc::new(WriteEnd { pipe: self.pipe.clone() })))
            }
            _ => Err(Error::new(EINVAL)),
        }
    }

    fn read(&self, to: UserSlice, io: Io) -> Result<usize> {
        self.pipe.read(to, io.nonblock)
    }

    fn receive(
        &self,
        count: usize,
        _flags: CallFlags,
        _metadata: &[u64],
        nonblock: bool,
    ) -> Result<Vec<Arc<Description>>> {
        self.pipe.receive(count, nonblock)
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&self.pipe.read_events)
    }

    fn readiness(&self) -> EventFlags {
        let buffer = self.pipe.buffer.lock();
        let ready = buffer.len() != 0 || !buffer.groups.is_empty() || (buffer.writing_ends == 0 && buffer.had_writer);
        if ready { EventFlags::EVENT_READ } else { EventFlags::EVENT_NONE }
    }

    fn stat(&self) -> Result<Stat> {
        Ok(stat())
    }
}

impl Drop for ReadEnd {
    fn drop(&mut self) {
        let groups = {
            let mut buffer = self.pipe.buffer.lock();
            buffer.reading_end_open = false;
            buffer.writers.wake_all();
            core::mem::take(&mut buffer.groups)
        };
        drop(groups);
        self.pipe.write_events.notify(EventFlags::EVENT_WRITE);
    }
}

impl Object for WriteEnd {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Pipe
    }

    fn write(&self, from: UserSlice, io: Io) -> Result<usize> {
        self.pipe.write(from, io.nonblock)
    }

    fn send(&self, descriptions: Vec<Arc<Description>>, _flags: CallFlags, _metadata: &[u64]) -> Result<usize> {
        self.pipe.send(descriptions)
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&self.pipe.write_events)
    }

    fn readiness(&self) -> EventFlags {
        let buffer = self.pipe.buffer.lock();
        let ready = CAPACITY - buffer.len() >= ATOMIC || !buffer.reading_end_open;
        if ready { EventFlags::EVENT_WRITE } else { EventFlags::EVENT_NONE }
    }

    fn stat(&self) -> Result<Stat> {
        Ok(stat())
    }
}

impl Drop for WriteEnd {
    fn drop(&mut self) {
        let last = {
            let mut buffer = self.pipe.buffer.lock();
            buffer.writing_ends -= 1;
            if buffer.writing_ends == 0 {
                buffer.readers.wake_all();
            }
            buffer.writing_ends == 0
        };
        if last {
            self.pipe.read_events.notify(EventFlags::EVENT_READ);
        }
    }
}

/// The scheme's root.
pub struct Root;

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Pipe
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        if !path.is_empty() {
            return Err(Error::new(ENOENT));
        }
        let pipe = Arc::new(Pipe {
            buffer: Lock::new(Buffer {
                pages: [const { None }; CAPACITY / PAGE_SIZE],
                taken: 0,
                put: 0,
                groups: VecDeque::new(),
                readers: WaitList::new(),
                writers: WaitList::new(),
                reading_end_open: true,
                writing_ends: 0,
                had_writer: false,
            }),
            read_events: EventSource::new(),
            write_events: EventSource::new(),
        });
        Ok(Arc::new(ReadEnd { pipe }))
    }
}
