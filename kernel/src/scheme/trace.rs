//! `sys:trace/PID`: the calls of a process, as records ([`ochre_abi::trace`]).
//!
//! Who opens it must be user 0 or run as the user of each of the process's threads. From then on all its threads tell what they
//! call, those that it makes later too; when the descriptor goes, they stop. Nobody waits for a reader: what does not fit is
//! counted and lost.
//!
//! Locks: the table and each queue are `level::BUFFER`, never held together.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::records::Records;
use ochre_abi::trace::{RECORD_MAX, Record};
use syscall::error::{EACCES, EAGAIN, EBUSY, EINTR, EINVAL, EMFILE, ENOENT, ENOMEM, ESRCH, Error, Result};
use syscall::{EventFlags, GlobalSchemes, MODE_CHR, Stat};

use super::event::EventSource;
use super::object::{Io, Object};
use crate::context::wait::{self, WaitList, Wake};
use crate::context::{Thread, thread};
use crate::memory::{self, PAGE_SIZE, UserSlice};
use crate::sync::{Lock, level};
use crate::syscall::trace::watch;

/// Processes that can be watched at once.
const TRACES_MAX: usize = 8;
/// Pages of a queue.
const PAGES: usize = 64;

/// Ids of the processes that are watched; 0 is none. New threads look here, without a lock.
static WATCHED: [AtomicU32; TRACES_MAX] = [const { AtomicU32::new(0) }; TRACES_MAX];
/// How many there are, so that hardly any new thread looks further.
static COUNT: AtomicU32 = AtomicU32::new(0);
/// Who watches them, in the same order.
static TRACES: Lock<{ level::BUFFER }, [Option<Arc<Trace>>; TRACES_MAX]> = Lock::new([const { None }; TRACES_MAX]);

/// What is known of the calls of a process.
pub struct Trace {
    /// Who watches.
    user: u32,
    queue: Lock<{ level::BUFFER }, Queue>,
    source: EventSource,
}

struct Queue {
    records: Records,
    readers: WaitList,
}

/// A thread has got its process's id. If that is watched, so is the thread.
#[inline]
pub fn adopt(thread: &Thread, pid: u32) {
    if COUNT.load(Ordering::SeqCst) != 0 && WATCHED.iter().any(|watched| watched.load(Ordering::SeqCst) == pid) {
        watch(thread, true);
    }
}

/// What the current thread's calls are told to.
pub fn of_current() -> Option<Arc<Trace>> {
    let me = Thread::current();
    let (pid, user) = (me.pid.load(Ordering::Relaxed), me.euid.load(Ordering::Relaxed));
    let place = WATCHED.iter().position(|watched| watched.load(Ordering::SeqCst) == pid)?;
    let trace = TRACES.lock()[place].clone()?;
    // The process may have become another user's since, or its id another process's.
    (trace.user == 0 || trace.user == user).then_some(trace)
}

impl Trace {
    /// Adds a record.
    pub fn push(&self, record: Record, data: &[u8]) {
        {
            let mut queue = self.queue.lock();
            queue.records.push(record, data);
            queue.readers.wake_one();
        }
        self.source.notify(EventFlags::EVENT_READ);
    }
}

/// Watches the process whose id is `text`.
pub fn open(text: &str) -> Result<Arc<dyn Object>> {
    let pid: u32 = text.parse().ok().filter(|&pid| pid != 0).ok_or(Error::new(ENOENT))?;
    let me = Thread::current();
    if me.pid.load(Ordering::Relaxed) == pid {
        // Each record that it took out would make two more.
        return Err(Error::new(EINVAL));
    }
    let user = me.euid.load(Ordering::Relaxed);
    check(pid, user)?;
    let records = Records::new(pages()?).ok_or(Error::new(ENOMEM))?;
    let queue = Lock::new(Queue { records, readers: WaitList::new() });
    let trace = Arc::new(Trace { user, queue, source: EventSource::new() });
    let place = {
        let mut traces = TRACES.lock();
        if WATCHED.iter().any(|watched| watched.load(Ordering::SeqCst) == pid) {
            return Err(Error::new(EBUSY));
        }
        let place = traces.iter().position(Option::is_none).ok_or(Error::new(EMFILE))?;
        traces[place] = Some(trace.clone());
        WATCHED[place].store(pid, Ordering::SeqCst);
        COUNT.fetch_add(1, Ordering::SeqCst);
        place
    };
    // Those that are made from now on look themselves.
    for_each_of(pid, |thread| watch(thread, true));
    Ok(Arc::new(Handle { trace, pid, place }))
}

fn for_each_of(pid: u32, mut act: impl FnMut(&'static Thread)) {
    thread::for_each(|thread| {
        if thread.pid.load(Ordering::SeqCst) == pid && !thread.is_kernel_thread() {
            act(thread);
        }
    });
}

/// Whether a process may be watched by a user.
fn check(pid: u32, user: u32) -> Result<()> {
    let (mut found, mut allowed) = (false, true);
    for_each_of(pid, |thread| {
        found |= !thread.is_dead();
        allowed &= user == 0 || thread.euid.load(Ordering::Relaxed) == user;
    });
    match (found, allowed) {
        (false, _) => Err(Error::new(ESRCH)),
        (true, false) => Err(Error::new(EACCES)),
        (true, true) => Ok(()),
    }
}

fn pages() -> Result<Vec<Vec<u8>>> {
    let mut pages = Vec::new();
    pages.try_reserve_exact(PAGES).map_err(|_| Error::new(ENOMEM))?;
    for _ in 0..PAGES {
        memory::admit()?;
        let mut page = Vec::new();
        page.try_reserve_exact(PAGE_SIZE).map_err(|_| Error::new(ENOMEM))?;
        page.resize(PAGE_SIZE, 0);
        pages.push(page);
    }
    Ok(pages)
}

/// As long as this is there, the process is watched.
struct Handle {
    trace: Arc<Trace>,
    pid: u32,
    place: usize,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let gone = {
            let mut traces = TRACES.lock();
            WATCHED[self.place].store(0, Ordering::SeqCst);
            COUNT.fetch_sub(1, Ordering::SeqCst);
            traces[self.place].take()
        };
        drop(gone);
        for_each_of(self.pid, |thread| watch(thread, false));
    }
}

impl Object for Handle {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Sys
    }

    /// Whole records, as many as fit; waits for the first.
    fn read(&self, to: UserSlice, io: Io) -> Result<usize> {
        if to.len() < RECORD_MAX {
            return Err(Error::new(EINVAL));
        }
        let mut bytes = [0; RECORD_MAX];
        let mut done = 0;
        loop {
            let mut queue = self.trace.queue.lock();
            match queue.records.take(&mut bytes, to.len() - done) {
                Some(len) => {
                    drop(queue);
                    to.skip(done).write(&bytes[..len])?;
                    done += len;
                }
                None if done != 0 => return Ok(done),
                None if io.nonblock => return Err(Error::new(EAGAIN)),
                None => {
                    queue.readers.join();
                    drop(queue);
                    if wait::block(None) != Wake::Event {
                        let mut queue = self.trace.queue.lock();
                        if !queue.readers.leave() && !queue.records.is_empty() {
                            // The wake-up that was meant for this thread goes on to the next.
                            queue.readers.wake_one();
                        }
                        return Err(Error::new(EINTR));
                    }
                }
            }
        }
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&self.trace.source)
    }

    fn readiness(&self) -> EventFlags {
        if self.trace.queue.lock().records.is_empty() { EventFlags::EVENT_NONE } else { EventFlags::EVENT_READ }
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_CHR | 0o400, ..Stat::default() })
    }

    fn path(&self) -> Result<alloc::string::String> {
        Ok(alloc::format!("trace/{}", self.pid))
    }
}
