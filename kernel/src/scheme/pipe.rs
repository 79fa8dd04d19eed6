//! The `pipe` scheme: a buffer of 64 KiB with a reading and a writing end; descriptors can go through it as well.
//!
//! Opening the scheme gives the reading end, `dup` of that with `"write"` the writing end. Up to a page is written in one piece
//! (POSIX `PIPE_BUF`).
//!
//! Of those who wait, one is woken when something comes that he can go on with, and he wakes the next if he leaves enough: so
//! nobody sleeps beside what he waits for, and nobody is woken for nothing while there is one reader and one writer.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::error::{EAGAIN, EINTR, EINVAL, ELOOP, ENOENT, EOPNOTSUPP, EPIPE, Error, Result};
use syscall::{CallFlags, EventFlags, GlobalSchemes, MODE_FIFO, Stat};

use super::description::Description;
use super::event::EventSource;
use super::object::{Holder, Io, Object, Opened};
use crate::context::sched;
use crate::context::wait::{self, WaitList, Wake};
use crate::memory::user::{fill_frame, read_frame};
use crate::memory::{Frame, PAGE_SIZE, UserSlice};
use crate::sync::{Guard, Lock, level};

/// Bytes that fit.
const CAPACITY: usize = 64 * 1024;
/// Writes up to this size are not mixed with others (POSIX `PIPE_BUF`).
const ATOMIC: usize = PAGE_SIZE;
/// Groups of descriptors that fit.
const MAX_GROUPS: usize = 64;
/// Sizes up to these go through smaller buffers on the stack, which are cheaper to clear.
const SMALL: usize = 32;
const MEDIUM: usize = 1024;

/// A pipe's part in passing descriptors; once played it stays. Pipes through which descriptors have gone do not go through pipes
/// themselves, so none can be inside of itself, or deep inside of others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Any,
    /// Descriptors have gone through it.
    Carries,
    /// Its reading end has gone through another pipe.
    Travels,
}

struct Buffer {
    pages: [Option<Frame>; CAPACITY / PAGE_SIZE],
    /// Bytes ever taken and put; their difference is what is there.
    taken: usize,
    put: usize,
    groups: VecDeque<Vec<Arc<Description>>>,
    role: Role,
    /// Those who wait for bytes, for descriptors, for room.
    readers: WaitList,
    receivers: WaitList,
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

    /// Whether every writer that waits could go on.
    fn is_roomy(&self) -> bool {
        CAPACITY - self.len() >= ATOMIC
    }

    /// Whether nothing will come any more.
    fn is_ended(&self) -> bool {
        self.writing_ends == 0 && self.had_writer
    }

    /// Puts as much of `bytes`, at most a page, as fits; nothing when there is no memory.
    fn put(&mut self, bytes: &[u8]) -> Result<usize> {
        let count = bytes.len().min(CAPACITY - self.len());
        for at in [self.put, self.put + count - 1] {
            let page = &mut self.pages[at % CAPACITY / PAGE_SIZE];
            if page.is_none() {
                *page = Some(Frame::zeroed_for_user()?);
            }
        }
        let mut done = 0;
        while done < count {
            let at = self.put % CAPACITY;
            let part = (count - done).min(PAGE_SIZE - at % PAGE_SIZE);
            if let Some(frame) = &self.pages[at / PAGE_SIZE] {
                fill_frame(frame, at % PAGE_SIZE, &bytes[done..done + part]);
            }
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

type Locked<'a> = Guard<'a, { level::BUFFER }, Buffer>;

impl Pipe {
    /// Waits on one of the lists until somebody takes the current thread off it; the lock is released meanwhile.
    fn wait(&self, mut buffer: Locked<'_>, list: fn(&mut Buffer) -> &mut WaitList, nonblock: bool) -> Result<()> {
        if nonblock {
            return Err(Error::new(EAGAIN));
        }
        list(&mut buffer).join();
        drop(buffer);
        if wait::block(None) == Wake::Event {
            return Ok(());
        }
        let mut buffer = self.buffer.lock();
        let list = list(&mut buffer);
        if !list.leave() {
            // The wake-up meant for this thread goes on to the next.
            list.wake_one();
        }
        Err(Error::new(EINTR))
    }

    fn read(&self, to: UserSlice, nonblock: bool) -> Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        let mut done = 0;
        while done < to.len() {
            if done != 0 && !sched::breathe() {
                break;
            }
            let part = to.skip(done);
            let taken = match part.len() {
                len if len <= SMALL => self.take_part::<SMALL>(part, done == 0, nonblock),
                len if len <= MEDIUM => self.take_part::<MEDIUM>(part, done == 0, nonblock),
                _ => self.take_part::<ATOMIC>(part, done == 0, nonblock),
            };
            match taken {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(_) if done != 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Takes at most `N` bytes to user memory. If it is to wait and may, it waits for the first one; 0 at the end.
    #[inline]
    fn take_part<const N: usize>(&self, to: UserSlice, waits: bool, nonblock: bool) -> Result<usize> {
        let mut bytes = [0u8; N];
        let mut buffer = loop {
            let buffer = self.buffer.lock();
            if buffer.len() != 0 {
                break buffer;
            }
            if !waits || buffer.is_ended() {
                return Ok(0);
            }
            self.wait(buffer, |buffer| &mut buffer.readers, nonblock)?;
        };
        let was_roomy = buffer.is_roomy();
        let count = buffer.take(&mut bytes[..to.len().min(N)]);
        if buffer.len() != 0 {
            buffer.readers.wake_one();
        }
        let now_roomy = !was_roomy && buffer.is_roomy();
        if now_roomy {
            buffer.writers.wake_one();
        }
        drop(buffer);
        if now_roomy {
            self.write_events.notify(EventFlags::EVENT_WRITE);
        }
        to.write(&bytes[..count])?;
        Ok(count)
    }

    fn write(&self, from: UserSlice, nonblock: bool) -> Result<usize> {
        // Up to a page goes in as a whole; of more, what there is room for.
        let need = if from.len() <= ATOMIC { from.len() } else { 1 };
        let mut done = 0;
        while done < from.len() {
            if done != 0 && !sched::breathe() {
                break;
            }
            let part = from.skip(done).first(ATOMIC);
            let put = match part.len() {
                len if len <= SMALL => self.put_part::<SMALL>(part, need, nonblock),
                len if len <= MEDIUM => self.put_part::<MEDIUM>(part, need, nonblock),
                _ => self.put_part::<ATOMIC>(part, need, nonblock),
            };
            match put {
                Ok(count) => done += count,
                Err(_) if done != 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Puts at most `N` bytes from user memory, once there is room for `need` bytes.
    #[inline]
    fn put_part<const N: usize>(&self, from: UserSlice, need: usize, nonblock: bool) -> Result<usize> {
        let mut bytes = [0u8; N];
        from.read(&mut bytes)?;
        let mut buffer = loop {
            let buffer = self.buffer.lock();
            if !buffer.reading_end_open {
                return Err(Error::new(EPIPE));
            }
            if CAPACITY - buffer.len() >= need {
                break buffer;
            }
            self.wait(buffer, |buffer| &mut buffer.writers, nonblock)?;
        };
        let was_empty = buffer.len() == 0;
        let put = buffer.put(&bytes[..from.len()]);
        if was_empty && put.is_ok() {
            buffer.readers.wake_one();
        }
        if buffer.is_roomy() {
            buffer.writers.wake_one();
        }
        drop(buffer);
        if was_empty && put.is_ok() {
            self.read_events.notify(EventFlags::EVENT_READ);
        }
        put
    }

    fn send(&self, descriptions: Vec<Arc<Description>>) -> Result<usize> {
        {
            let mut buffer = self.buffer.lock();
            if buffer.role == Role::Travels {
                return Err(Error::new(ELOOP));
            }
            buffer.role = Role::Carries;
        }
        descriptions.iter().try_for_each(|description| description.enter(Holder::Pipe))?;
        let count = descriptions.len();
        let mut buffer = self.buffer.lock();
        if !buffer.reading_end_open {
            return Err(Error::new(EPIPE));
        }
        if buffer.groups.len() >= MAX_GROUPS {
            return Err(Error::new(EAGAIN));
        }
        buffer.groups.push_back(descriptions);
        buffer.receivers.wake_one();
        drop(buffer);
        self.read_events.notify(EventFlags::EVENT_READ);
        Ok(count)
    }

    fn receive(&self, count: usize, nonblock: bool) -> Result<Vec<Arc<Description>>> {
        loop {
            let mut buffer = self.buffer.lock();
            match buffer.groups.front().map(Vec::len) {
                Some(len) if len == count => return buffer.groups.pop_front().ok_or(Error::new(EINVAL)),
                Some(_) => {
                    // Somebody else may have asked for as many.
                    buffer.receivers.wake_one();
                    return Err(Error::new(EINVAL));
                }
                None if buffer.is_ended() => return Err(Error::new(EPIPE)),
                None => self.wait(buffer, |buffer| &mut buffer.receivers, nonblock)?,
            }
        }
    }
}

/// Answers the question for its ends (`ochre_abi::ends`).
fn tell_ends(metadata: &[u64], bits: impl FnOnce() -> u64) -> Result<usize> {
    if metadata == ochre_abi::ends::QUESTION { Ok(bits() as usize) } else { Err(Error::new(EOPNOTSUPP)) }
}

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
                Ok(Opened::Writer(Arc::new(WriteEnd { pipe: self.pipe.clone() })))
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

    /// Without a writing end nothing will come.
    fn call(&self, _payload: UserSlice, _flags: CallFlags, metadata: &[u64]) -> Result<usize> {
        use ochre_abi::ends::{HANG_UP, READ_END};
        tell_ends(metadata, || if self.pipe.buffer.lock().is_ended() { HANG_UP | READ_END } else { 0 })
    }

    fn enter(&self, holder: Holder) -> Result<()> {
        if holder != Holder::Pipe {
            return Ok(());
        }
        let mut buffer = self.pipe.buffer.lock();
        if buffer.role == Role::Carries {
            return Err(Error::new(ELOOP));
        }
        buffer.role = Role::Travels;
        Ok(())
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&self.pipe.read_events)
    }

    fn readiness(&self) -> EventFlags {
        let buffer = self.pipe.buffer.lock();
        let ready = buffer.len() != 0 || !buffer.groups.is_empty() || buffer.is_ended();
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

    /// Without a reading end nothing can be written.
    fn call(&self, _payload: UserSlice, _flags: CallFlags, metadata: &[u64]) -> Result<usize> {
        tell_ends(metadata, || if self.pipe.buffer.lock().reading_end_open { 0 } else { ochre_abi::ends::ERROR })
    }

    fn send(&self, descriptions: Vec<Arc<Description>>, _flags: CallFlags, _metadata: &[u64]) -> Result<usize> {
        self.pipe.send(descriptions)
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&self.pipe.write_events)
    }

    fn readiness(&self) -> EventFlags {
        let buffer = self.pipe.buffer.lock();
        let ready = buffer.is_roomy() || !buffer.reading_end_open;
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
                buffer.receivers.wake_all();
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
                role: Role::Any,
                readers: WaitList::new(),
                receivers: WaitList::new(),
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
