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

/// One descriptor watched by one queue.
pub struct Watch {
    queue: Weak<EventQueue>,
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
}

/// The queues that watch an object.
pub struct EventSource {
    watches: Lock<{ level::SOURCE }, Watches>,
    /// Number of watches, so that nobody takes the lock for nothing.
    count: AtomicUsize,
}

impl EventSource {
    /// Watched by nobody.
    pub const fn new() -> Self {
        EventSource { watches: Lock::new(Watches { list: Vec::new(), moved: 0 }), count: AtomicUsize::new(0) }
    }

    fn add(&self, watch: &Arc<Watch>) {
        let mut watches = self.watches.lock();
        let before = watches.list.len();
        watches.list.retain(|watch| watch.strong_count() > 0);
        if watches.list.len() != before {
            watches.moved += 1;
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
        watches.list.iter().filter_map(Weak::upgrade).fold(EventFlags::EVENT_NONE, |all, watch| all | watch.flags)
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
        // Each one is told with nothing locked: the queue that hears it may be watched itself. When the list has been tidied up
        // meanwhile, everybody is told once more, which changes nothing for those who have not looked yet.
        let (mut at, mut moved) = (0, None);
        loop {
            let watch = {
                let watches = self.watches.lock();
                if moved.replace(watches.moved).is_some_and(|before| before != watches.moved) {
                    at = 0;
                }
                match watches.list.get(at) {
                    Some(watch) => watch.upgrade(),
                    None => return,
                }
            };
            if let Some(watch) = watch {
                watch.raise(flags);
            }
            at += 1;
        }
    }
}

impl Watch {
    fn raise(self: &Arc<Self>, flags: EventFlags) {
        let new = (flags & self.flags).bits();
        if new == 0 {
            return;
        }
        let before = self.raised.fetch_or(new, Ordering::AcqRel);
        if before == 0
            && let Some(queue) = self.queue.upgrade()
        {
            queue.push(Entry::Watch(self.clone()));
        }
    }
}

enum Entry {
    Watch(Arc<Watch>),
    Timeout { data: usize },
}

struct Inner {
    watches: BTreeMap<usize, (Arc<Watch>, Weak<Description>)>,
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
                timeout: None,
                ready: VecDeque::new(),
                readers: WaitList::new(),
            }),
            source: EventSource::new(),
            this: this.clone(),
        })
    }

    fn push(&self, entry: Entry) {
        let mut inner = self.inner.lock();
        inner.ready.push_back(entry);
        inner.readers.wake_one();
        drop(inner);
        if self.source.is_watched() {
            self.source.notify(EventFlags::EVENT_READ);
        }
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
            id: event.id,
            data: event.data,
            flags: event.flags & (EventFlags::EVENT_READ | EventFlags::EVENT_WRITE),
            raised: AtomicUsize::new(0),
        });
        {
            let mut inner = self.inner.lock();
            if inner.watches.len() >= MAX_WATCHES {
                return Err(Error::new(ENOSPC));
            }
            inner.watches.insert(event.id, (watch.clone(), Arc::downgrade(&description)));
        }
        let ready = match &description.target {
            Target::Kernel(object) => {
                object.events()?.add(&watch);
                object.readiness()
            }
            Target::User { scheme, number } => {
                let source = scheme.event_source(*number);
                source.add(&watch);
                scheme.fevent(*number, source.wanted())?
            }
        };
        watch.raise(ready);
        Ok(())
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
                    let current = inner.watches.get(&watch.id).is_some_and(|(known, _)| Arc::ptr_eq(known, &watch));
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
        self.push(Entry::Timeout { data });
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
