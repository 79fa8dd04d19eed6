//! The keeper: serves the scheme `orbital` to clients and keeps what is theirs, so that the display server can die.
//!
//! It knows windows, their pixels and their events, the clipboard and settings; it draws nothing, decides nothing about focus
//! or order and opens no device. The display server ([`crate::desk`]) is a client too, by the path `server`: it reads what
//! clients want, maps their pixels and says what they shall be told ([`crate::wire`]). When it dies, clients notice
//! nothing: their descriptors are the keeper's, events stop for a moment, and the next server gets told everything anew.
//!
//! [`scheme`] is how requests come in; what waits for the server is bounded by what clients may have, because news are kept
//! with each window and not as a list of messages.

pub mod buffer;
pub mod limits;
pub mod list;
pub mod media;
pub mod placement;
pub mod queue;
pub mod scheme;
#[cfg(test)]
mod tests;
pub mod window;

use std::collections::{BTreeMap, VecDeque};

use orbclient::{ClipboardAction, EVENT_CLIPBOARD, WindowFlag};
use scheme_server::syscall::EventFlags;
use scheme_server::syscall::error::{EBADF, EINVAL, ENOENT, ENOSPC, Error, Result};
use scheme_server::{Handles, Ready};

use self::limits::Limits;
use self::list::List;
use self::media::Media;
use self::window::Window;
use crate::protocol::{DropAnswer, Flags, Message};
use crate::wire::{self, Notice, Order, Screen, WindowId, Wish};

/// Most settings, and most bytes of a name or value.
const SETTINGS: usize = 32;
const SETTING_ROOM: usize = 256;

/// What a number of the scheme is.
enum Handle {
    /// Facts of the display.
    Display,
    /// The display server's end.
    Server,
    /// Settings; so many bytes have been read, of which state of them.
    Settings { at: usize, seen: Option<u64> },
    /// The list of windows; so many bytes have been read, of which state of it.
    Windows { at: usize, seen: Option<u64> },
    /// A window.
    Window(WindowId),
    /// The clipboard.
    Clipboard(Media),
    /// What is dragged, as a window sees it.
    Drag(WindowId, Media),
    /// Pixels of a window, for the server.
    Pixels(WindowId, u32),
}

/// What waits for the server beside the windows' news.
#[derive(Default)]
struct Outbox {
    /// The greeting has not been said.
    greeting: bool,
    /// Windows with news, each once.
    dirty: VecDeque<WindowId>,
    /// Windows that the server knows and that are gone.
    closed: Vec<WindowId>,
    /// All that was there has been told, but not this.
    complete: bool,
    settings: Vec<String>,
    wishes: VecDeque<(WindowId, Wish)>,
    offer: Option<WindowId>,
    peeked: Option<WindowId>,
    answer: Option<(WindowId, DropAnswer)>,
}

impl Outbox {
    fn is_empty(&self) -> bool {
        let Self { greeting, dirty, closed, complete, settings, wishes, offer, peeked, answer } = self;
        let flags = *greeting || *complete || offer.is_some() || peeked.is_some() || answer.is_some();
        !flags && dirty.is_empty() && closed.is_empty() && settings.is_empty() && wishes.is_empty()
    }
}

/// Makes a descriptor of one of the scheme's numbers, with status flags.
pub type Door = Box<dyn FnMut(usize, usize) -> Result<usize>>;

/// The keeper.
pub struct Keeper {
    limits: Limits,
    /// How windows are handed out. Crate `orbclient` opens them for reading, and then writes to them and maps them for writing; so
    /// their clients get descriptors that are made for both. Without it, in tests, numbers are answered.
    door: Option<Door>,
    handles: Handles<Handle>,
    windows: BTreeMap<WindowId, Window>,
    next: WindowId,
    opened: usize,
    screen: Screen,
    clipboard: Vec<u8>,
    dragged: Option<Vec<u8>>,
    /// Something is being dragged, until the server says that this is over.
    dragging: bool,
    settings: BTreeMap<String, String>,
    /// How often they were changed.
    changes: u64,
    list: List,
    memory: Vec<u8>,
    server: Option<usize>,
    outbox: Outbox,
    ready: Ready,
}

impl Keeper {
    /// A keeper of nothing.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            door: None,
            handles: Handles::new(),
            windows: BTreeMap::new(),
            next: 1,
            opened: 0,
            screen: Screen::default(),
            clipboard: Vec::new(),
            dragged: None,
            dragging: false,
            settings: BTreeMap::new(),
            changes: 0,
            list: List::default(),
            memory: Vec::new(),
            server: None,
            outbox: Outbox::default(),
            ready: Ready::new(),
        }
    }

    /// Hands windows out by a door.
    pub fn set_door(&mut self, door: Door) {
        self.door = Some(door);
    }

    fn window(&mut self, id: WindowId) -> Result<&mut Window> {
        self.windows.get_mut(&id).ok_or(Error::new(EBADF))
    }

    /// Opens a window for a process; answers its handle's number.
    fn open_window(
        &mut self,
        pid: usize,
        flags: Flags,
        position: Option<(i32, i32)>,
        size: (u32, u32),
        title: String,
    ) -> Result<usize> {
        let own = self.windows.values().filter(|window| window.pid == pid).count();
        self.limits.window(own, self.windows.len())?;
        self.charge(pid, size)?;
        let position = position.unwrap_or_else(|| placement::place(&self.screen, size, self.opened));
        let id = self.next;
        let mut window = Window::new(0, pid, flags, title, position, size)?;
        let handle = self.handles.insert(Handle::Window(id));
        window.handle = handle;
        self.windows.insert(id, window);
        self.opened = self.opened.wrapping_add(1);
        while self.windows.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        self.news(id);
        Ok(handle)
    }

    fn charge(&self, pid: usize, size: (u32, u32)) -> Result<()> {
        let more = u64::from(size.0) * u64::from(size.1);
        let all = self.windows.values().map(Window::cost).sum();
        let own = self.windows.values().filter(|window| window.pid == pid).map(Window::cost).sum();
        self.limits.pixels(own, all, more)
    }

    /// A window's client says something.
    fn message(&mut self, id: WindowId, message: Message) -> Result<()> {
        let window = self.window(id)?;
        match message {
            Message::Damage(rects) => window.draw(Some(&rects)),
            Message::DamageAll => window.draw(None),
            Message::Position(x, y) => window.place(x, y),
            Message::Size(w, h) => {
                let size = (w.unwrap_or(window.size.0), h.unwrap_or(window.size.1));
                return self.resize(id, size);
            }
            Message::Title(title) => {
                window.retitle(title);
                self.list.renamed();
                self.tell_panels();
            }
            Message::Flag(flag, value) => window.set_flag(flag, value),
            Message::Mouse(mode, value) => window.set_mouse(mode, value),
            Message::Drag(request) => window.drag(request),
            Message::Drop(answer) => {
                if answer == DropAnswer::Done && self.outbox.offer.is_none() {
                    self.dragged = None;
                }
                self.outbox.answer = Some((id, answer));
                self.wake_server();
                return Ok(());
            }
        }
        self.news(id);
        Ok(())
    }

    fn resize(&mut self, id: WindowId, size: (u32, u32)) -> Result<()> {
        let window = self.window(id)?;
        if size == window.size {
            return Ok(());
        }
        let pid = window.pid;
        self.charge(pid, size)?;
        self.window(id)?.resize(size)
    }

    /// A window has something to tell.
    fn news(&mut self, id: WindowId) {
        if let Some(window) = self.windows.get_mut(&id)
            && self.server.is_some()
            && window.queue()
        {
            self.outbox.dirty.push_back(id);
            self.wake_server();
        }
    }

    fn wake_server(&mut self) {
        if let Some(server) = self.server {
            self.ready.raise(server, EventFlags::EVENT_READ);
        }
    }

    /// Reads events of a window. `None`: there are none, and the client wants to wait.
    fn read_events(&mut self, id: WindowId, buf: &mut [u8]) -> Result<Option<usize>> {
        if buf.len() < queue::EVENT_SIZE {
            return Err(Error::new(EINVAL));
        }
        let window = self.window(id)?;
        let settled = window.settle();
        let count = window.events.read(buf);
        let waits = count == 0 && !window.flags.has(WindowFlag::Async);
        if settled {
            self.news(id);
        }
        Ok((!waits).then_some(count))
    }

    /// A display server comes. There is one at a time.
    fn attach(&mut self) -> usize {
        let handle = self.handles.insert(Handle::Server);
        self.server = Some(handle);
        self.outbox = Outbox { greeting: true, ..Outbox::default() };
        handle
    }

    /// What is to be told first: the memory, the settings, the windows, and that this is all.
    fn greet(&mut self, out: &mut Vec<u8>) {
        self.outbox = Outbox { complete: true, settings: self.settings.keys().cloned().collect(), ..Outbox::default() };
        for (&id, window) in &mut self.windows {
            window.forget_told();
            window.queue();
            self.outbox.dirty.push_back(id);
        }
        // Something that was being dragged is let go.
        self.dragged = None;
        self.dragging = false;
        wire::write(&Notice::Memory(self.memory.clone()), out);
    }

    /// Fills a buffer with what the server has not heard: whole messages, as many as fit.
    fn tell(&mut self, buf: &mut [u8]) -> Result<usize> {
        if buf.len() < wire::ROOM {
            return Err(Error::new(EINVAL));
        }
        let mut out = Vec::new();
        if self.outbox.greeting {
            self.greet(&mut out);
        }
        let mut left = buf.len() - out.len();
        // A window's news are less than this: a title, and a short list of rectangles.
        const WINDOW_ROOM: usize = 2048;
        while left > WINDOW_ROOM && self.tell_one(&mut out) {
            left = buf.len() - out.len();
        }
        buf[..out.len()].copy_from_slice(&out);
        Ok(out.len())
    }

    /// Tells one thing; answers whether there was one.
    fn tell_one(&mut self, out: &mut Vec<u8>) -> bool {
        if let Some(key) = self.outbox.settings.pop() {
            let value = self.settings.get(&key).cloned().unwrap_or_default();
            return wire::write(&Notice::Setting(key, value), out);
        }
        if let Some(id) = self.outbox.closed.pop() {
            return wire::write(&Notice::Closed(id), out);
        }
        if let Some(id) = self.outbox.dirty.pop_front() {
            if let Some(window) = self.windows.get_mut(&id) {
                window.take_news(id, |notice| {
                    wire::write(&notice, out);
                });
            }
            return true;
        }
        if core::mem::take(&mut self.outbox.complete) {
            return wire::write(&Notice::Complete, out);
        }
        if let Some(id) = self.outbox.offer.take() {
            let size = self.dragged.as_ref().map_or(0, |content| content.len().saturating_sub(1) as u64);
            return wire::write(&Notice::Offer(id, size), out);
        }
        if let Some(id) = self.outbox.peeked.take() {
            return wire::write(&Notice::Peeked(id), out);
        }
        if let Some((id, wish)) = self.outbox.wishes.pop_front() {
            return wire::write(&Notice::Wish(id, wish), out);
        }
        match self.outbox.answer.take() {
            Some((id, answer)) => wire::write(&Notice::Answer(id, answer), out),
            None => false,
        }
    }

    /// The server says something.
    fn order(&mut self, order: Order) {
        match order {
            Order::Event(id, event) => self.event(id, event),
            Order::Clipboard(id, action) => {
                let size = match ClipboardAction::try_from_u8(action) {
                    Some(ClipboardAction::Paste) => self.clipboard.len().saturating_sub(1),
                    _ => 0,
                };
                self.event(id, [EVENT_CLIPBOARD, action.into(), size as i64]);
            }
            Order::Place(id, x, y) => {
                if let Some(window) = self.windows.get_mut(&id) {
                    window.position = (x, y);
                }
            }
            Order::Mark(id, maximized, fullscreen) => {
                if let Some(window) = self.windows.get_mut(&id) {
                    window.mark(maximized, fullscreen);
                }
            }
            Order::Memory(memory) => {
                if memory.len() <= wire::MEMORY_ROOM {
                    self.memory = memory;
                }
            }
            Order::Screen(screen) => self.screen = screen,
            Order::List(list) => {
                self.list.set(list);
                self.tell_panels();
            }
            Order::Menu => {
                self.list.menu();
                self.tell_panels();
            }
            Order::DragOver(keep) => {
                self.dragging = false;
                if !keep {
                    self.dragged = None;
                }
            }
        }
    }

    fn event(&mut self, id: WindowId, event: queue::Event) {
        if let Some(window) = self.windows.get_mut(&id) {
            window.events.push(event);
            self.ready.raise(window.handle, EventFlags::EVENT_READ);
        }
    }

    /// A client gives a setting: `name=value`.
    fn set(&mut self, text: &str) -> Result<()> {
        let (key, value) = text.trim_end_matches('\n').split_once('=').ok_or(Error::new(EINVAL))?;
        let plain = |text: &str| text.len() <= SETTING_ROOM && !text.contains(char::is_control);
        if key.is_empty() || !plain(key) || !plain(value) {
            return Err(Error::new(EINVAL));
        }
        if self.settings.len() == SETTINGS && !self.settings.contains_key(key) {
            return Err(Error::new(ENOSPC));
        }
        self.settings.insert(key.to_owned(), value.to_owned());
        self.changes += 1;
        for (number, handle) in self.handles.iter() {
            if matches!(handle, Handle::Settings { .. }) {
                self.ready.raise(number, EventFlags::EVENT_READ);
            }
        }
        if self.server.is_some() && !self.outbox.greeting && !self.outbox.settings.iter().any(|known| known == key) {
            self.outbox.settings.push(key.to_owned());
            self.wake_server();
        }
        Ok(())
    }

    /// Something that a client has written to the clipboard, or offers to be dragged, is complete.
    fn finish(&mut self, handle: Handle) {
        match handle {
            Handle::Clipboard(media) => {
                if let Some(content) = media.written() {
                    self.clipboard = content;
                }
            }
            Handle::Drag(id, media) => {
                // What is being dragged is not replaced by what another window offers.
                if let Some(content) = media.written().filter(|_| !self.dragging && self.server.is_some()) {
                    self.dragged = Some(content);
                    self.dragging = true;
                    self.outbox.offer = Some(id);
                    self.wake_server();
                }
            }
            _ => {}
        }
    }

    fn close_window(&mut self, id: WindowId) {
        let Some(window) = self.windows.remove(&id) else { return };
        if self.server.is_some() && window.is_known() {
            self.outbox.closed.push(id);
            self.wake_server();
        }
    }

    /// The handle of a window's pixels for the server: `pixels/ID/GENERATION`.
    fn pixels(&mut self, argument: &str) -> Result<usize> {
        let mut parts = argument.split('/').skip(1).map(|part| part.parse().ok());
        let (Some(Some(id)), Some(Some(generation))) = (parts.next(), parts.next()) else {
            return Err(Error::new(EINVAL));
        };
        let known = self.windows.get(&id).is_some_and(|window| window.pixels(generation).is_some());
        if known { Ok(self.handles.insert(Handle::Pixels(id, generation))) } else { Err(Error::new(ENOENT)) }
    }
}
