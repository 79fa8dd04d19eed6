//! User schemes: requests from clients to a daemon, carried by the kernel.
//!
//! ## The way of a request
//! A client's call becomes a request in the scheme's table ([`request`]): an `Sqe` and, for its payload, a slot of the window, a
//! region mapped in the daemon ([`window`]). Up to 16 KiB are copied there; larger payloads are lent, page by page ([`lend`]). If a
//! thread of the daemon waits for a request, it gets the processor at once, without a trip through the scheduler
//! ([`sched::hand_over`]); it answers and waits for the next in one call ([`socket`]), which hands the processor back. Nothing
//! on this way allocates; the scheme's lock is taken twice by the client and once by the daemon.
//!
//! ## Who owns what
//! The client that waits owns its request; it frees it when it has the answer. A client that is killed abandons it; then the
//! daemon's answer frees it. When the last descriptor of the socket closes the scheme is dead: whoever waits gets `ENODEV`,
//! and so does every later call.

mod fast;
pub mod lend;
pub mod request;
pub mod socket;
pub mod window;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use syscall::error::{EINTR, EIO, ENODEV, Error, Result};
use syscall::schemev2::{Opcode, Sqe, SqeFlags};
use syscall::{EventFlags, MapFlags};

use self::lend::Loan;
use self::request::{Answer, Requests, State};
use self::window::Window;
use super::description::Description;
use super::event::EventSource;
use crate::context::thread::pending;
use crate::context::wait::{self, WaitList, Wake};
use crate::context::{Thread, sched};
use crate::memory::pager::{Page, Pager};
use crate::memory::space::{Backing, Place, prot};
use crate::memory::{AddressSpace, PAGE_SIZE, UserSlice, frames, reserve};
use crate::sync::{Lock, level};

/// A scheme served by a daemon.
pub struct UserScheme {
    id: u32,
    inner: Lock<{ level::SCHEME }, Inner>,
    window: Arc<Window>,
    /// Those who watch the socket.
    socket_events: EventSource,
    /// Those who watch the daemon's descriptors, by its numbers.
    sources: Lock<{ level::BUFFER }, BTreeMap<usize, Arc<EventSource>>>,
    this: Weak<UserScheme>,
}

struct Inner {
    dead: bool,
    /// Threads of the daemon that wait for a request; the last one is taken first, whose caches are warm.
    idle: Vec<&'static Thread>,
    requests: Requests,
    /// Messages without an answer: close, detach, cancel.
    notices: VecDeque<Sqe>,
    /// Clients that wait for a place in the table, or for the daemon to bind its window.
    room: WaitList,
    /// The address space that has the window, and where.
    bound: u64,
    space: Weak<AddressSpace>,
    base: usize,
    /// The thread that took a request last, and which one of those that its slot has served: it inherits the priority of those
    /// that queue.
    server: Option<(&'static Thread, u32)>,
    /// What requests that were given up held, to be dropped with nothing locked.
    garbage: Vec<Garbage>,
}

type Garbage = (Vec<Arc<Description>>, Vec<Arc<Description>>, Option<Loan>);

impl Inner {
    /// Takes over a thread of the daemon that waits for a request, and whether it can be given the processor at once.
    #[inline(always)]
    fn claim_idle(&mut self) -> Option<(&'static Thread, bool)> {
        while let Some(daemon) = self.idle.pop() {
            let direct = sched::may_hand_over(daemon);
            // One that was told to leave its call finds itself off the list.
            if wait::claim(daemon, Wake::Event) {
                return Some((daemon, direct));
            }
        }
        None
    }
}

/// What goes along with a request.
pub enum Payload<'a> {
    /// Nothing.
    None,
    /// Bytes of the kernel (a checked path), for the daemon to read.
    Bytes(&'a [u8]),
    /// Memory of the client.
    User {
        /// The memory.
        slice: UserSlice,
        /// Whether the daemon is to see its contents.
        to_daemon: bool,
        /// What comes back.
        back: Back,
    },
}

/// How much of a payload comes back to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// Nothing.
    Nothing,
    /// As many bytes as the daemon answers.
    Result,
    /// All.
    All,
}

static NEXT_ID: AtomicU32 = AtomicU32::new(64);

/// A request with these arguments and the credentials of the thread that makes it. (Where an operation has six arguments, its
/// maker puts the last one over the credentials.)
pub fn sqe(opcode: Opcode, args: [usize; 5]) -> Sqe {
    let [a, b, c, d, e] = args.map(|arg| arg as u64);
    Sqe { opcode: opcode as u8, args: [a, b, c, d, e, Thread::current().credentials()], ..Sqe::default() }
}

/// A message without an answer: nobody's in particular, unless `caller` says whose.
fn notice(opcode: Opcode, number: usize, caller: u64) -> Sqe {
    let args = [number as u64, 0, 0, 0, 0, 0];
    Sqe { opcode: opcode as u8, sqe_flags: SqeFlags::ONEWAY, args, caller, ..Sqe::default() }
}

/// Where the payload's address goes among the arguments; its length follows.
const PAYLOAD_ARG: usize = 1;

impl UserScheme {
    fn new() -> Result<Arc<Self>> {
        let window = Window::new()?;
        Ok(Arc::new_cyclic(|this| UserScheme {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            inner: Lock::new(Inner {
                dead: false,
                idle: Vec::new(),
                requests: Requests::new(),
                notices: VecDeque::new(),
                room: WaitList::new(),
                bound: 0,
                space: Weak::new(),
                base: 0,
                server: None,
                garbage: Vec::new(),
            }),
            window,
            socket_events: EventSource::new(),
            sources: Lock::new(BTreeMap::new()),
            this: this.clone(),
        }))
    }

    /// Number of the scheme, unique while the system runs; also the device number of its files.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether the daemon is gone.
    pub fn is_dead(&self) -> bool {
        self.inner.lock().dead
    }

    /// Sends a request that is answered by a number.
    #[inline]
    pub fn call(&self, sqe: Sqe, payload: Payload) -> Result<usize> {
        self.exchange(sqe, payload, Vec::new()).map(|answer| answer.value)
    }

    /// Sends a request, with descriptors that the daemon may take, and waits for its answer.
    pub fn exchange(&self, mut sqe: Sqe, payload: Payload, sent: Vec<Arc<Description>>) -> Result<Answer> {
        let me = Thread::current();
        sqe.caller = u64::from(me.pid.load(Ordering::Relaxed));
        let (len, to_daemon) = match &payload {
            Payload::None => (0, false),
            Payload::Bytes(bytes) => (bytes.len(), true),
            Payload::User { slice, to_daemon, .. } => (slice.len(), *to_daemon),
        };
        let loan = match &payload {
            Payload::User { slice, to_daemon, back } if len > window::SLOT_SIZE => {
                Some(self.lend(*slice, *to_daemon, *back != Back::Nothing)?)
            }
            _ => None,
        };
        let has_payload = !matches!(payload, Payload::None);
        let copied = has_payload && len != 0 && loan.is_none();
        if has_payload {
            // An empty slice has a place of its own, so that a daemon's pointer is never null.
            sqe.args[PAYLOAD_ARG] = loan.as_ref().map_or(1 << 63, |loan| loan.address as u64);
            sqe.args[PAYLOAD_ARG + 1] = len as u64;
        }

        let mut inner = self.inner.lock();
        let index = loop {
            if inner.dead {
                drop(inner);
                return Err(Error::new(ENODEV));
            }
            if (!copied || inner.bound != 0)
                && let Some(index) = inner.requests.take_free(Some(me), sqe)?
            {
                break index;
            }
            inner.room.join();
            drop(inner);
            let why = wait::block(None);
            inner = self.inner.lock();
            if why != Wake::Event && inner.room.leave() {
                drop(inner);
                return Err(Error::new(EINTR));
            }
        };
        if copied {
            inner.requests.get(index).sqe.args[PAYLOAD_ARG] = (inner.base + index * window::SLOT_SIZE) as u64;
            if to_daemon {
                drop(inner);
                let filled = self.fill(index, &payload);
                inner = self.inner.lock();
                if let Err(error) = filled {
                    self.free(&mut inner, index);
                    return Err(error);
                }
                if inner.dead {
                    self.free(&mut inner, index);
                    return Err(Error::new(ENODEV));
                }
            } else if let Err(error) = self.window.ensure(index, len) {
                self.free(&mut inner, index);
                return Err(error.into());
            }
        }
        if loan.is_some() || !sent.is_empty() {
            let request = inner.requests.get(index);
            request.loan = loan;
            request.sent = sent;
            request.marks.has_holdings = true;
        }
        self.submit(inner, me, index);

        let answer = self.await_answer(me, index);
        self.collect(index, answer, &payload, len)
    }

    /// Makes a request known to the daemon, and lets go of the lock and the processor.
    #[inline]
    fn submit(&self, mut inner: crate::sync::Guard<'_, { level::SCHEME }, Inner>, me: &'static Thread, index: usize) {
        wait::prepare();
        let level = me.level();
        if let Some((daemon, direct)) = inner.claim_idle() {
            let request = inner.requests.get(index);
            request.state = State::Delivered;
            for (place, word) in daemon.inbox.iter().zip(request.words()) {
                place.store(word, Ordering::Relaxed);
            }
            inner.server = Some((daemon, daemon.incarnation()));
            daemon.delivery.store(index as u32 + 1, Ordering::Relaxed);
            sched::lend_level(daemon, level);
            drop(inner);
            return sched::give_processor(me, daemon, direct);
        }
        inner.requests.queue(index, level);
        let server = inner.server;
        drop(inner);
        if let Some((server, incarnation)) = server
            && server.incarnation() == incarnation
        {
            sched::lend_level(server, level);
        }
        self.socket_events.notify(EventFlags::EVENT_READ);
        wait::block(None);
    }

    /// Waits until the request is answered; `None` when it was given up.
    #[inline]
    fn await_answer(&self, me: &'static Thread, index: usize) -> Option<()> {
        if me.last_wake() == Wake::Event {
            return Some(());
        }
        self.interrupted(me, index)
    }

    #[cold]
    fn interrupted(&self, me: &'static Thread, index: usize) -> Option<()> {
        let mut inner = self.inner.lock();
        loop {
            let request = inner.requests.get(index);
            match request.state {
                State::Done => return Some(()),
                State::Queued => {
                    inner.requests.unqueue(index);
                    self.free(&mut inner, index);
                    return None;
                }
                _ if me.pending() & pending::KILL != 0 => {
                    request.caller = None;
                    let cancel = request.cancel();
                    if let Some(cancel) = cancel {
                        self.post(&mut inner, cancel);
                    }
                    return None;
                }
                _ => {
                    if me.is_interrupted()
                        && let Some(cancel) = request.cancel()
                    {
                        self.post(&mut inner, cancel);
                    }
                    wait::prepare();
                    drop(inner);
                    // Only its end can make the thread give up now; other interruptions have been passed on.
                    if me.pending() & pending::KILL != 0 {
                        wait::wake(me, Wake::Interrupt);
                    }
                    sched::leave();
                    inner = self.inner.lock();
                }
            }
        }
    }

    /// Takes the answer and what comes back with it, and frees the request.
    #[inline]
    fn collect(&self, index: usize, answered: Option<()>, payload: &Payload, len: usize) -> Result<Answer> {
        if answered.is_none() {
            return Err(Error::new(EINTR));
        }
        let me = Thread::current();
        let raw = me.reply.load(Ordering::Relaxed) as usize;
        let value = demux(raw);
        let mut back = match (payload, value) {
            (Payload::User { back: Back::Result, slice, .. }, Ok(count)) => Some(slice.first(count)),
            (Payload::User { back: Back::All, slice, .. }, Ok(_)) => Some(*slice),
            _ => None,
        };
        let copied_back = match back.take() {
            Some(slice) if !slice.is_empty() && len <= window::SLOT_SIZE => self.window.write_out(index, slice),
            Some(slice) => self.finish_loan(index, slice),
            None => Ok(()),
        };
        let mut inner = self.inner.lock();
        let request = inner.requests.get(index);
        let answer = Answer {
            value: 0,
            extra: request.marks.extra,
            notify_detach: request.marks.notify_detach,
            given: core::mem::take(&mut request.given),
            is_descriptor: request.marks.is_descriptor,
        };
        let marks = request.marks;
        let (sent, loan) = (core::mem::take(&mut request.sent), request.loan.take());
        self.free(&mut inner, index);
        drop(inner);
        if !sent.is_empty() {
            drop(sent);
        }
        drop(loan);
        copied_back?;
        match value {
            Ok(value) => Ok(Answer { value, ..answer }),
            Err(error) => Err(marks.judge(error)),
        }
    }

    fn free(&self, inner: &mut Inner, index: usize) {
        inner.requests.free(index);
        if !inner.room.is_empty() {
            inner.room.wake_one();
        }
    }

    fn fill(&self, index: usize, payload: &Payload) -> Result<()> {
        match payload {
            Payload::Bytes(bytes) => self.window.fill(index, bytes),
            Payload::User { slice, .. } => self.window.read_in(index, *slice),
            Payload::None => Ok(()),
        }
    }

    /// Sends a request whose answer nobody waits for; it is lost when the scheme is dead or has no place.
    fn send(&self, sqe: Sqe) {
        let mut inner = self.inner.lock();
        if inner.dead {
            return;
        }
        let caller = u64::from(Thread::current().pid.load(Ordering::Relaxed));
        let Ok(Some(index)) = inner.requests.take_free(None, Sqe { caller, ..sqe }) else { return };
        inner.requests.queue(index, Thread::current().level());
        self.wake_idle(&mut inner);
    }

    /// A message without an answer.
    fn post(&self, inner: &mut Inner, notice: Sqe) {
        if inner.dead {
            return;
        }
        inner.notices.push_back(notice);
        self.wake_idle(inner);
    }

    /// Has a thread of the daemon look at the queues.
    fn wake_idle(&self, inner: &mut Inner) {
        while let Some(daemon) = inner.idle.pop() {
            daemon.delivery.store(0, Ordering::Relaxed);
            if wait::wake(daemon, Wake::Event) {
                return;
            }
        }
        self.socket_events.notify(EventFlags::EVENT_READ);
    }

    /// A description of a number is gone. Others may lead there as well: what is watched through those stays.
    pub fn notify_close(&self, number: usize) {
        let unwatched = {
            let mut sources = self.sources.lock();
            // Whoever else has the source is about to watch it.
            let idle = sources.get(&number).is_some_and(|source| !source.tidy() && Arc::strong_count(source) == 1);
            if idle { sources.remove(&number) } else { None }
        };
        drop(unwatched);
        self.post(&mut self.inner.lock(), notice(Opcode::CloseMsg, number, 0));
    }

    /// A descriptor to a number is gone, and the daemon wanted to know.
    pub fn notify_detach(&self, number: usize) {
        let pid = Thread::current().pid.load(Ordering::Relaxed);
        self.post(&mut self.inner.lock(), notice(Opcode::Detach, number, u64::from(pid)));
    }

    /// Those who watch a number.
    pub fn event_source(&self, number: usize) -> Arc<EventSource> {
        self.sources.lock().entry(number).or_insert_with(|| Arc::new(EventSource::new())).clone()
    }

    /// Tells the daemon what is watched at a number; answers what is ready now.
    pub fn fevent(&self, number: usize, flags: EventFlags) -> Result<EventFlags> {
        let ready = self.call(sqe(Opcode::Fevent, [number, flags.bits(), 0, 0, 0]), Payload::None)?;
        Ok(EventFlags::from_bits_truncate(ready))
    }

    /// Asks the daemon for memory to map: `len` bytes from `offset` of a number.
    pub fn map(&self, number: usize, offset: usize, len: usize, flags: MapFlags) -> Result<Backing> {
        let pages = crate::memory::page_round_up(len).ok_or(Error::new(syscall::error::EINVAL))? / PAGE_SIZE;
        let request = sqe(Opcode::MmapPrep, [number, len, flags.bits(), offset, 0]);
        let base = self.call(request, Payload::None)?;
        let space = {
            let inner = self.inner.lock();
            inner.space.upgrade().ok_or(Error::new(ENODEV))?
        };
        if Thread::current().with_space(|own| Arc::ptr_eq(own, &space)).unwrap_or(false) {
            return Err(Error::new(syscall::error::EBUSY));
        }
        let shared = flags.contains(MapFlags::MAP_SHARED);
        let write = shared && flags.contains(MapFlags::PROT_WRITE);
        if !base.is_multiple_of(PAGE_SIZE) || pages > frames::total() {
            return Err(Error::new(EIO));
        }
        let mut found = Vec::new();
        reserve(&mut found, pages)?;
        for page in 0..pages {
            found.push(space.pin_own(base.wrapping_add(page * PAGE_SIZE), write).map_err(|_| Error::new(EIO))?);
        }
        let scheme = self.this.upgrade().ok_or(Error::new(ENODEV))?;
        let notify_flags = if write { syscall::MunmapFlags::NEEDS_SYNC.bits() } else { 0 };
        let pager: Arc<dyn Pager> =
            Arc::new(Borrowed { pages: found, scheme, number, offset, notify_flags, notify: shared });
        Ok(Backing::Object { pager, page: 0, private: !shared, writable: write })
    }

    /// Gives the window to the address space of the daemon's thread that calls.
    fn bind(&self) -> Result<()> {
        let space = Thread::current().space()?;
        let pager: Arc<dyn Pager> = self.window.clone();
        let (bound, base) = {
            let inner = self.inner.lock();
            (inner.bound, inner.base)
        };
        // A copy of the daemon (fork) has the window where its parent had it.
        let base = if bound != 0 && space.is_mapped_by(base, &pager) {
            base
        } else {
            let place = if bound == 0 { Place::Hint(0) } else { Place::Exact(base) };
            let backing = Backing::Object { pager, page: 0, private: false, writable: true };
            space.map(place, window::SIZE, prot(MapFlags::PROT_READ | MapFlags::PROT_WRITE), backing)?
        };
        let mut inner = self.inner.lock();
        inner.bound = space.id();
        inner.space = Arc::downgrade(&space);
        inner.base = base;
        inner.room.wake_all();
        Ok(())
    }

    fn lend(&self, slice: UserSlice, to_daemon: bool, back: bool) -> Result<Loan> {
        let mut inner = self.inner.lock();
        let space = loop {
            if inner.dead {
                return Err(Error::new(ENODEV));
            }
            if inner.bound != 0 {
                break inner.space.upgrade().ok_or(Error::new(ENODEV))?;
            }
            inner.room.join();
            drop(inner);
            let why = wait::block(None);
            inner = self.inner.lock();
            if why != Wake::Event && inner.room.leave() {
                return Err(Error::new(EINTR));
            }
        };
        drop(inner);
        Loan::new(slice, &space, to_daemon, back)
    }

    fn finish_loan(&self, index: usize, slice: UserSlice) -> Result<()> {
        let loan = self.inner.lock().requests.get(index).loan.take();
        loan.map_or(Ok(()), |loan| loan.copy_back(slice))
    }

    /// The daemon is gone: everybody who waits is told.
    fn die(&self) {
        let mut inner = self.inner.lock();
        inner.dead = true;
        inner.requests.clear_queue();
        let mut from = 0;
        while let Some((index, request)) = inner.requests.outstanding(from) {
            from = index + 1;
            if let Some(caller) = request.caller {
                request.state = State::Done;
                caller.reply.store(Error::mux(Err(Error::new(ENODEV))) as u64, Ordering::Relaxed);
                wait::wake(caller, Wake::Event);
                continue;
            }
            let loan = request.loan.take();
            let given_up = (loan, core::mem::take(&mut request.sent), core::mem::take(&mut request.given));
            inner.requests.free(index);
            // What it held goes with nothing locked. Nobody makes new requests of a dead scheme meanwhile.
            drop(inner);
            drop(given_up);
            inner = self.inner.lock();
        }
        inner.room.wake_all();
        let notices = core::mem::take(&mut inner.notices);
        drop(inner);
        drop(notices);
        let sources = core::mem::take(&mut *self.sources.lock());
        for source in sources.values() {
            // Whoever watches a descriptor looks at it and finds out.
            source.notify(EventFlags::EVENT_READ | EventFlags::EVENT_WRITE);
        }
    }
}

/// The number or error in a daemon's answer.
#[inline]
fn demux(raw: usize) -> Result<usize> {
    const MAX_ERRNO: usize = 4095;
    if raw > usize::MAX - MAX_ERRNO { Err(Error::new(raw.wrapping_neg() as i32)) } else { Ok(raw) }
}

/// Memory of a daemon that clients have mapped. The frames stay while they are mapped, whatever the daemon does.
struct Borrowed {
    pages: Vec<Page>,
    scheme: Arc<UserScheme>,
    number: usize,
    offset: usize,
    notify_flags: usize,
    notify: bool,
}

impl Pager for Borrowed {
    fn page(&self, index: usize) -> core::result::Result<Option<Page>, crate::memory::OutOfMemory> {
        Ok(self.pages.get(index).map(|page| match page {
            Page::Counted(frame) => Page::Counted(frame.clone()),
            Page::Foreign(address, cache) => Page::Foreign(*address, *cache),
        }))
    }

    fn unmapped(&self, index: usize, pages: usize) {
        if self.notify {
            let args = [self.number, pages * PAGE_SIZE, self.notify_flags, self.offset + index * PAGE_SIZE, 0];
            let request = sqe(Opcode::Munmap, args);
            if Thread::current().is_ending() {
                // A program's end does not wait for anybody.
                return self.scheme.send(request);
            }
            // A daemon that does not care, or is gone, changes nothing: the pages are unmapped.
            let _ = self.scheme.call(request, Payload::None);
        }
    }
}
