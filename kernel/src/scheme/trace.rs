//! `sys:trace/PID`: the calls of a process, as records ([`ochre_abi::trace`]).
//!
//! Who opens it must be user 0 or run as the user of each of the process's threads. From then on all its threads tell what they
//! call, those that it makes later too; when the descriptor goes, they stop. `trace/PID?children` also takes in each process that a
//! watched one starts. The kernel knows no parents: it is whoever calls `Start` on the first thread, before that runs. Nobody waits for a
//! reader: what does not fit is counted and lost.
//!
//! Locks: the table and each queue are `level::BUFFER`, never held together.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use kernel_core::records::Records;
use ochre_abi::trace::{Kind, RECORD_MAX, Record, Target};
use syscall::error::{EACCES, EAGAIN, EBUSY, EINTR, EINVAL, EMFILE, ENOENT, ENOMEM, ESRCH, Error, Result};
use syscall::{EventFlags, GlobalSchemes, MODE_CHR, Stat};

use super::event::EventSource;
use super::object::{Io, Object};
use crate::context::wait::{self, WaitList, Wake};
use crate::context::{Thread, thread};
use crate::memory::{self, PAGE_SIZE, UserSlice};
use crate::sync::{Lock, level};
use crate::syscall::trace::watch;

/// Traces that can be open at once.
const TRACES_MAX: usize = 8;
/// Processes that can be watched at once, with those that others have started.
const WATCHED_MAX: usize = 64;
/// Pages of a queue.
const PAGES: usize = 64;

/// Ids of the processes that are watched; 0 is none. New threads look here, without a lock.
static WATCHED: [AtomicU32; WATCHED_MAX] = [const { AtomicU32::new(0) }; WATCHED_MAX];
/// Whether somebody watches, so that hardly any new thread looks further.
static ANY: AtomicBool = AtomicBool::new(false);
/// Who watches them, in the same order.
static TRACES: Lock<{ level::BUFFER }, [Option<Watch>; WATCHED_MAX]> = Lock::new([const { None }; WATCHED_MAX]);

/// A process that is watched.
struct Watch {
    trace: Arc<Trace>,
    /// It was started by one that is watched: its place is free when its id is gone from [`WATCHED`].
    followed: bool,
}

/// What is known of the calls of a process, and of those that it starts.
pub struct Trace {
    /// Who watches.
    user: u32,
    /// Processes that are started are watched too.
    children: bool,
    queue: Lock<{ level::BUFFER }, Queue>,
    source: EventSource,
}

struct Queue {
    records: Records,
    readers: WaitList,
}

/// Place of a process in the table.
fn place_of(pid: u32) -> Option<usize> {
    WATCHED.iter().position(|watched| watched.load(Ordering::SeqCst) == pid)
}

/// A thread has got its process's id. If that is watched, so is the thread.
#[inline]
pub fn adopt(thread: &Thread, pid: u32) {
    if ANY.load(Ordering::SeqCst) {
        adopt_watched(thread, pid);
    }
}

#[cold]
fn adopt_watched(thread: &Thread, pid: u32) {
    if let Some(place) = place_of(pid) {
        if lives_without(thread, pid) {
            watch(thread, true);
        } else {
            // The process that had the id before.
            let _ = WATCHED[place].compare_exchange(pid, 0, Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}

/// Whether a process has threads besides this one.
fn lives_without(thread: &Thread, pid: u32) -> bool {
    let mut lives = false;
    for_each_of(pid, |other| lives |= !core::ptr::eq(other, thread) && !other.is_dead());
    lives
}

/// The current thread starts this one, which does not run yet. If it is the first of another process, that may be watched from now on.
#[inline]
pub fn started(thread: &'static Thread) {
    if ANY.load(Ordering::SeqCst) {
        started_watched(thread);
    }
}

#[cold]
fn started_watched(thread: &'static Thread) {
    let pid = thread.pid.load(Ordering::Relaxed);
    if pid == Thread::current().pid.load(Ordering::Relaxed) {
        return;
    }
    let Some(trace) = of_current().filter(|trace| trace.children) else { return };
    let watched = follow(pid, &trace);
    if watched {
        watch(thread, true);
    }
    let record = Record {
        kind: Kind::Born,
        target: Target::None,
        len: 0,
        thread: thread.slot(),
        time: crate::time::now_ns(),
        call: 0,
        words: [pid.into(), watched.into(), 0, 0, 0],
        scheme: 0,
        number: 0,
    };
    trace.push(record, &[]);
}

/// Watches a process that a watched one has started; false when somebody else does, or there is no room.
fn follow(pid: u32, trace: &Arc<Trace>) -> bool {
    let mut traces = TRACES.lock();
    if place_of(pid).is_some() {
        return false;
    }
    let is_free = |(place, watch): (usize, &Option<Watch>)| {
        let id = WATCHED[place].load(Ordering::SeqCst);
        let free = watch.as_ref().is_none_or(|watch| watch.followed && (id == 0 || !lives(id)));
        free.then_some(place)
    };
    let Some(place) = traces.iter().enumerate().find_map(is_free) else { return false };
    let before = traces[place].replace(Watch { trace: trace.clone(), followed: true });
    WATCHED[place].store(pid, Ordering::SeqCst);
    drop(traces);
    drop(before);
    true
}

/// Whether a process has threads that have not ended.
fn lives(pid: u32) -> bool {
    let mut lives = false;
    for_each_of(pid, |thread| lives |= !thread.is_dead());
    lives
}

/// What the current thread's calls are told to.
pub fn of_current() -> Option<Arc<Trace>> {
    let me = Thread::current();
    let (pid, user) = (me.pid.load(Ordering::Relaxed), me.euid.load(Ordering::Relaxed));
    let place = place_of(pid)?;
    let trace = TRACES.lock()[place].as_ref()?.trace.clone();
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

/// Watches the process whose id is `text`, with what it starts if `?children` stands behind that.
pub fn open(text: &str) -> Result<Arc<dyn Object>> {
    let (text, children) = text.strip_suffix("?children").map_or((text, false), |text| (text, true));
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
    let trace = Arc::new(Trace { user, children, queue, source: EventSource::new() });
    {
        let mut traces = TRACES.lock();
        if place_of(pid).is_some() {
            return Err(Error::new(EBUSY));
        }
        let open = traces.iter().flatten().filter(|watch| !watch.followed).count();
        let place = traces.iter().position(Option::is_none).filter(|_| open < TRACES_MAX);
        let place = place.ok_or(Error::new(EMFILE))?;
        traces[place] = Some(Watch { trace: trace.clone(), followed: false });
        WATCHED[place].store(pid, Ordering::SeqCst);
        ANY.store(true, Ordering::SeqCst);
    }
    // Those that are made from now on look themselves.
    for_each_of(pid, |thread| watch(thread, true));
    Ok(Arc::new(Handle { trace, pid }))
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
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut pids = [0; WATCHED_MAX];
        let mut gone = [const { None }; WATCHED_MAX];
        {
            let mut traces = TRACES.lock();
            for (place, watch) in traces.iter_mut().enumerate() {
                if watch.as_ref().is_some_and(|watch| Arc::ptr_eq(&watch.trace, &self.trace)) {
                    pids[place] = WATCHED[place].swap(0, Ordering::SeqCst);
                    gone[place] = watch.take();
                }
            }
            ANY.store(traces.iter().any(Option::is_some), Ordering::SeqCst);
        }
        drop(gone);
        for pid in pids.into_iter().filter(|&pid| pid != 0) {
            for_each_of(pid, |thread| watch(thread, false));
        }
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
