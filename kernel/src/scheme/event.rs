//! The `event` scheme: queues that gather what happens at other descriptors.
//!
//! An object that events happen at has an [`EventSource`], which knows the queues that watch it. A queue is written `Event`s to
//! change what it watches and read to get what has happened: readiness that is new since it was last read (edge-triggered), each watched
//! descriptor at most once per read. Queues can watch queues.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use syscall::error::{EAGAIN, EINTR, EINVAL, ENOSPC, Error, Result};
use syscall::flag::EVENT_TIMEOUT_ID;
use syscall::{Event, EventFlags, GlobalSchemes};

use super::description::{Description, Target};
use super::object::{Io, Object};
use crate::context::Thread;
use crate::context::timeout::{self, Timed, Timer};
use crate::context::wait::{self, WaitList, Wake};
use crate::memory::UserSlice;
use crate::sync::{Lock, level};

/// Most descriptors that one queue watches.
const MAX_WATCHES: usize = 65_536;
/// Most `Event`s taken or given by one call: the kernel does not let others run meanwhile.
const MOST: usize = 1024;
/// Number of watches from which on the dead ones are looked for.
const FEW: usize = 16;

/// One descriptor watched by one queue. It ends with either.
pub struct Watch {
    queue: Weak<EventQueue>,
    description: Weak<Description>,
    id: usize,
    data: usize,
    flags: EventFlags,
    /// Flags that are in the queue and not read yet.
    raised: AtomicUsize,
}

struct Watches {
    list: Vec<Weak<Watch>>,
    /// Counts the times that entries may have changed their places.
    moved: u64,
    /// Length at which dead entries are dropped: twice what was left the last time.
    tidy_at: usize,
}

impl Watches {
    fn tidy(&mut self) {
        let before = self.list.len();
        self.list.retain(|watch| watch.upgrade().is_some_and(|watch| watch.is_alive()));
        self.moved += u64::from(self.list.len() != before);
        self.tidy_at = FEW.max(2 * self.list.len());
    }
}

/// Queues in which something has happened, whose own watchers are to be told. A list, because chains of queues that watch queues
/// may be longer than the stack is deep.
type Later = Vec<Arc<EventQueue>>;

/// The queues that watch an object.
pub struct EventSource {
    watches: Lock<{ level::SOURCE }, Watches>,
    /// Number of watches, so that nobody takes the lock for nothing.
    count: AtomicUsize,
}

impl EventSource {
    /// Watched by nobody.
    pub const fn new() -> Self {
        let watches = Watches { list: Vec::new(), moved: 0, tidy_at: FEW };
        EventSource { watches: Lock::new(watches), count: AtomicUsize::new(0) }
    }

    fn add(&self, watch: &Arc<Watch>) {
        let mut watches = self.watches.lock();
        if watches.list.len() >= watches.tidy_at {
            watches.tidy();
        }
        watches.list.push(Arc::downgrade(watch));
        self.count.store(watches.list.len(), Ordering::Release);
    }

    /// Whether anybody watches.
    #[inline]
    pub fn is_watched(&self) -> bool {
        self.count.load(Ordering::Acquire) != 0
    }

    /// The flags that anybody watches for.
    pub fn wanted(&self) -> EventFlags {
        let watches = self.watches.lock();
        let alive = watches.list.iter().filter_map(Weak::upgrade).filter(|watch| watch.is_alive());
        alive.fold(EventFlags::EVENT_NONE, |all, watch| all | watch.flags)
    }

    /// Forgets the watches that have ended; whether some are left.
    pub fn tidy(&self) -> bool {
        let mut watches = self.watches.lock();
        watches.tidy();
        self.count.store(watches.list.len(), Ordering::Release);
        !watches.list.is_empty()
    }

    /// Forgets who watches.
    pub fn clear(&self) {
        if self.is_watched() {
            let list = {
                let mut watches = self.watches.lock();
                watches.moved += 1;
                self.count.store(0, Ordering::Release);
                core::mem::take(&mut watches.list)
            };
            drop(list);
        }
    }

    /// Something has happened.
    #[inline]
    pub fn notify(&self, flags: EventFlags) {
        if self.is_watched() {
            self.notify_watches(flags);
        }
    }

    fn notify_watches(&self, flags: EventFlags) {
        let mut later = Later::new();
        self.tell(flags, &mut later);
        if !later.is_empty() {
            tell_all(later);
        }
    }

    #[inline(always)]
    fn tell(&self, flags: EventFlags, later: &mut Later) {
        // Each one is told with nothing locked: the queue that hears it may be watched itself. When the list has been tidied up
        // meanwhile, everybody is told once more, which changes nothing for those who have not looked yet.
        let (mut at, mut moved) = (0, None);
        loop {
            let (watch, len) = {
                let watches = self.watches.lock();
                if moved.replace(watches.moved).is_some_and(|before| before != watches.moved) {
                    at = 0;
                }
                match watches.list.get(at) {
                    Some(watch) => (watch.upgrade(), watches.list.len()),
                    None => return,
                }
            };
            if let Some(watch) = watch {
                watch.raise(flags, later);
            }
            at += 1;
            // Whoever has come meanwhile looks himself at what there is.
            if at == len {
                return;
            }
        }
    }
}

/// Tells those who watch these queues, and those who watch theirs.
#[cold]
fn tell_all(mut later: Later) {
    // A watch is raised once until it is read, so this ends, even for queues that watch each other.
    while let Some(queue) = later.pop() {
        queue.source.tell(EventFlags::EVENT_READ, &mut later);
    }
}

impl Watch {
    #[inline]
    fn is_alive(&self) -> bool {
        self.description.strong_count() != 0
    }

    #[inline(always)]
    fn raise(self: &Arc<Self>, flags: EventFlags, later: &mut Later) {
        let new = (flags & self.flags).bits();
        if new == 0 || !self.is_alive() {
            return;
        }
        let before = self.raised.fetch_or(new, Ordering::AcqRel);
        if before == 0
            && let Some(queue) = self.queue.upgrade()
        {
            queue.put(Entry::Watch(self.clone()));
            if queue.source.is_watched() {
                later.push(queue);
            }
        }
    }
}

enum Entry {
    Watch(Arc<Watch>),
    Timeout { data: usize },
}

struct Inner {
    watches: BTreeMap<usize, Arc<Watch>>,
    /// Number of watches at which those that have ended are dropped.
    tidy_at: usize,
    timeout: Option<(Timer, usize)>,
    ready: VecDeque<Entry>,
    readers: WaitList,
}

/// An event queue.
pub struct EventQueue {
    inner: Lock<{ level::QUEUE }, Inner>,
    source: EventSource,
    this: Weak<EventQueue>,
}

impl EventQueue {
    /// Watches nothing.
    pub fn new() -> Arc<Self> {
        Arc::new_cyclic(|this| EventQueue {
            inner: Lock::new(Inner {
                watches: BTreeMap::new(),
                tidy_at: FEW,
                timeout: None,
                ready: VecDeque::new(),
                readers: WaitList::new(),
            }),
            source: EventSource::new(),
            this: this.clone(),
        })
    }

    fn put(&self, entry: Entry) {
        let mut inner = self.inner.lock();
        inner.ready.push_back(entry);
        inner.readers.wake_one();
    }

    fn control(&self, event: &Event) -> Result<()> {
        if event.id == EVENT_TIMEOUT_ID {
            return self.set_timeout(event);
        }
        let description = Thread::current().descriptor(event.id)?;
        let old = self.inner.lock().watches.remove(&event.id);
        drop(old);
        if event.flags.is_empty() {
            return Ok(());
        }
        let watch = Arc::new(Watch {
            queue: self.this.clone(),
            description: Arc::downgrade(&description),
            id: event.id,
            data: event.data,
            flags: event.flags & (EventFlags::EVENT_READ | EventFlags::EVENT_WRITE),
            raised: AtomicUsize::new(0),
        });
        {
            let mut inner = self.inner.lock();
            if inner.watches.len() >= inner.tidy_at {
                inner.watches.retain(|_, watch| watch.is_alive());
                inner.tidy_at = (2 * inner.watches.len()).clamp(FEW, MAX_WATCHES);
            }
            if inner.watches.len() >= MAX_WATCHES {
                return Err(Error::new(ENOSPC));
            }
            inner.watches.insert(event.id, watch.clone());
        }
        let ready = Self::attach(&description, &watch).inspect_err(|_| {
            let gone = self.inner.lock().watches.remove(&event.id);
            drop(gone);
        })?;
        let mut later = Later::new();
        watch.raise(ready, &mut later);
        tell_all(later);
        Ok(())
    }

    /// Has the watch told of what happens; answers what the description is ready for now.
    fn attach(description: &Description, watch: &Arc<Watch>) -> Result<EventFlags> {
        match &description.target {
            Target::Kernel(object) => {
                object.events()?.add(watch);
                Ok(object.readiness())
            }
            Target::User { scheme, number } => {
                let source = scheme.event_source(*number);
                source.add(watch);
                scheme.fevent(*number, source.wanted())
            }
        }
    }

    fn set_timeout(&self, event: &Event) -> Result<()> {
        let timer = if event.flags.is_empty() {
            None
        } else {
            let deadline = crate::time::now_ns().saturating_add((event.data as u64).saturating_mul(1_000_000));
            let target = timeout::Target::Object(self.this.clone() as Weak<dyn Timed>);
            Some((timeout::start(deadline, target), event.data))
        };
        let old = core::mem::replace(&mut self.inner.lock().timeout, timer);
        if let Some((old, _)) = old {
            timeout::cancel(old);
        }
        Ok(())
    }

    /// The next thing that has happened, waiting for it unless told not to.
    fn next(&self, nonblock: bool) -> Result<Event> {
        loop {
            let mut inner = self.inner.lock();
            match inner.ready.pop_front() {
                Some(Entry::Watch(watch)) => {
                    let current = inner.watches.get(&watch.id).is_some_and(|known| Arc::ptr_eq(known, &watch));
                    let current = current && watch.is_alive();
                    drop(inner);
                    let flags = watch.raised.swap(0, Ordering::AcqRel);
                    let (id, data) = (watch.id, watch.data);
                    drop(watch);
                    if current && flags != 0 {
                        return Ok(Event { id, flags: EventFlags::from_bits_truncate(flags), data });
                    }
                }
                Some(Entry::Timeout { data }) => {
                    return Ok(Event { id: EVENT_TIMEOUT_ID, flags: EventFlags::EVENT_READ, data });
                }
                None if nonblock => return Err(Error::new(EAGAIN)),
                None => {
                    inner.readers.join();
                    drop(inner);
                    if wait::block(None) != Wake::Event {
                        let mut inner = self.inner.lock();
                        if !inner.readers.leave() && !inner.ready.is_empty() {
                            // The wake-up that was meant for this thread goes on to the next.
                            inner.readers.wake_one();
                        }
                        return Err(Error::new(EINTR));
                    }
                }
            }
        }
    }
}

impl Timed for EventQueue {
    fn expired(&self, key: u64) {
        let data = {
            let mut inner = self.inner.lock();
            match inner.timeout {
                Some((timer, data)) if timeout::number(timer) == key => {
                    inner.timeout = None;
                    data
                }
                _ => return,
            }
        };
        self.put(Entry::Timeout { data });
        self.source.notify(EventFlags::EVENT_READ);
    }
}

impl Object for EventQueue {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Event
    }

    fn read(&self, to: UserSlice, io: Io) -> Result<usize> {
        let size = size_of::<Event>();
        if to.len() < size {
            return Err(Error::new(EINVAL));
        }
        let mut done = 0;
        let to = to.first(MOST * size);
        while done + size <= to.len() {
            match self.next(io.nonblock || done > 0) {
                Ok(event) => to.skip(done).write_value(&event)?,
                Err(_) if done > 0 => break,
                Err(error) => return Err(error),
            }
            done += size;
        }
        Ok(done)
    }

    fn write(&self, from: UserSlice, _io: Io) -> Result<usize> {
        crate::memory::admit()?;
        let size = size_of::<Event>();
        let from = from.first(MOST * size);
        let mut done = 0;
        while done + size <= from.len() {
            let event: Event = from.skip(done).read_value()?;
            match self.control(&event) {
                Ok(()) => done += size,
                Err(_) if done > 0 => break,
                Err(error) => return Err(error),
            }
        }
        if done == 0 { Err(Error::new(EINVAL)) } else { Ok(done) }
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&self.source)
    }

    fn readiness(&self) -> EventFlags {
        if self.inner.lock().ready.is_empty() { EventFlags::EVENT_NONE } else { EventFlags::EVENT_READ }
    }
}

impl Drop for EventQueue {
    fn drop(&mut self) {
        if let Some((timer, _)) = self.inner.get_mut().timeout.take() {
            timeout::cancel(timer);
        }
    }
}

/// The scheme's root.
pub struct Root;

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Event
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        if path.is_empty() { Ok(EventQueue::new()) } else { Err(Error::new(syscall::error::ENOENT)) }
    }
}
