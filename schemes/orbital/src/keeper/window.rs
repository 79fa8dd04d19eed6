//! A window as the keeper knows it: what its client said last, and what of that the display server has not heard yet.

use orbclient::WindowFlag;
use scheme_server::syscall::error::Result;

use crate::damage::Damage;
use crate::geometry::Rect;
use crate::keeper::buffer::Buffer;
use crate::keeper::queue::Queue;
use crate::protocol::{DragRequest, Flags, MouseMode};
use crate::wire::{Notice, Told, WindowId};

/// A window.
pub struct Window {
    /// Number of what its client has open.
    pub handle: usize,
    /// The client's process.
    pub pid: usize,
    /// Flags.
    pub flags: Flags,
    /// Title.
    pub title: String,
    /// Where its content is.
    pub position: (i32, i32),
    /// Size of the buffer.
    pub size: (u32, u32),
    /// The pixels.
    pub buffer: Buffer,
    /// Which buffer it is.
    pub generation: u32,
    /// Events for the client.
    pub events: Queue,
    cursor: bool,
    grab: bool,
    relative: bool,
    /// The size and number of the buffer that may be shown: the last one that its client has drawn into.
    shown: Option<((u32, u32), u32)>,
    /// The buffer that is shown while its successor waits to be drawn.
    last: Option<Buffer>,
    news: News,
}

/// What the server has not heard.
#[derive(Default)]
struct News {
    /// It knows the window.
    known: bool,
    /// It waits in the list of windows with news.
    queued: bool,
    state: bool,
    position: bool,
    maximize: Option<bool>,
    fullscreen: Option<bool>,
    damage: Damage,
    drag: Option<DragRequest>,
}

impl Window {
    /// A new window.
    pub fn new(
        handle: usize,
        pid: usize,
        flags: Flags,
        title: String,
        position: (i32, i32),
        size: (u32, u32),
    ) -> Result<Self> {
        let maximize = flags.has(WindowFlag::Maximized).then_some(true);
        let fullscreen = flags.has(WindowFlag::Fullscreen).then_some(true);
        let news = News { state: true, position: true, maximize, fullscreen, ..News::default() };
        // They are set when they are true.
        let flags = flags.with(WindowFlag::Maximized, false).with(WindowFlag::Fullscreen, false);
        Ok(Self {
            handle,
            pid,
            flags,
            title,
            position,
            size,
            buffer: Buffer::new(size)?,
            generation: 0,
            events: Queue::default(),
            cursor: true,
            grab: false,
            relative: false,
            shown: None,
            last: None,
            news,
        })
    }

    /// Marks it as waiting in the list of windows with news; answers whether it was not there.
    pub fn queue(&mut self) -> bool {
        !core::mem::replace(&mut self.news.queued, true)
    }

    /// Whether the server knows it.
    pub fn is_known(&self) -> bool {
        self.news.known
    }

    /// Another server has come, who knows nothing.
    pub fn forget_told(&mut self) {
        let News { maximize, fullscreen, .. } = core::mem::take(&mut self.news);
        self.news = News { state: true, position: true, maximize, fullscreen, ..News::default() };
    }

    /// The client moves it.
    pub fn place(&mut self, x: Option<i32>, y: Option<i32>) {
        self.position = (x.unwrap_or(self.position.0), y.unwrap_or(self.position.1));
        self.news.position = true;
        self.news.state = true;
    }

    /// The client gives it another title.
    pub fn retitle(&mut self, title: String) {
        self.news.state |= title != self.title;
        self.title = title;
    }

    /// The client sets or clears a flag.
    pub fn set_flag(&mut self, flag: WindowFlag, value: bool) {
        match flag {
            WindowFlag::Maximized => self.news.maximize = Some(value),
            WindowFlag::Fullscreen => self.news.fullscreen = Some(value),
            _ => self.flags = self.flags.with(flag, value),
        }
        self.news.state = true;
    }

    /// The server says that it is maximised, or fills the screen.
    pub fn mark(&mut self, maximized: bool, fullscreen: bool) {
        self.flags = self.flags.with(WindowFlag::Maximized, maximized).with(WindowFlag::Fullscreen, fullscreen);
    }

    /// The client switches a way of the pointer.
    pub fn set_mouse(&mut self, mode: MouseMode, value: bool) {
        match mode {
            MouseMode::Cursor => self.cursor = value,
            MouseMode::Grab => self.grab = value,
            MouseMode::Relative => self.relative = value,
        }
        self.news.state = true;
    }

    /// The client wants it dragged.
    pub fn drag(&mut self, request: DragRequest) {
        self.news.drag = Some(request);
    }

    /// The client has a buffer of another size from now on. It is shown when it has been drawn.
    pub fn resize(&mut self, size: (u32, u32)) -> Result<()> {
        if size != self.size {
            let new = self.buffer.resized(size)?;
            let old = core::mem::replace(&mut self.buffer, new);
            if self.shown.is_some_and(|(_, generation)| generation == self.generation) {
                self.last = Some(old);
            }
            self.size = size;
            self.generation = self.generation.wrapping_add(1);
        }
        Ok(())
    }

    /// The buffer with this number, if there is still one.
    pub fn pixels(&self, generation: u32) -> Option<&Buffer> {
        match self.shown {
            Some((_, shown)) if shown == generation && shown != self.generation => self.last.as_ref(),
            _ => (generation == self.generation).then_some(&self.buffer),
        }
    }

    /// Pixels of memory that it takes.
    pub fn cost(&self) -> u64 {
        self.buffer.pixels() + self.last.as_ref().map_or(0, Buffer::pixels)
    }

    /// The client has drawn: all of it, or rectangles.
    pub fn draw(&mut self, rects: Option<&[Rect]>) {
        let whole = Rect::new(0, 0, self.size.0 as i32, self.size.1 as i32);
        if self.show() {
            self.news.damage.clear();
            self.news.damage.add(whole);
            return;
        }
        match rects {
            None => self.news.damage.add(whole),
            Some(rects) => rects.iter().for_each(|rect| self.news.damage.add(rect.intersection(&whole))),
        }
    }

    /// The client has come back for events: if it has resized, it is through with that.
    pub fn settle(&mut self) -> bool {
        self.shown.is_some() && self.show()
    }

    /// Shows the newest buffer; answers whether it was not shown before.
    fn show(&mut self) -> bool {
        let newest = Some((self.size, self.generation));
        let new = self.shown != newest;
        self.shown = newest;
        self.last = None;
        self.news.state |= new;
        new
    }

    /// What the server has not heard, in the order in which it should.
    pub fn take_news(&mut self, id: WindowId, mut each: impl FnMut(Notice)) {
        self.news.queued = false;
        // A window that was never drawn is not there yet, for the server.
        let Some((size, generation)) = self.shown else { return };
        let news = &mut self.news;
        if core::mem::take(&mut news.state) {
            each(Notice::Window(Told {
                id,
                flags: self.flags,
                title: self.title.clone(),
                size,
                generation,
                cursor: self.cursor,
                grab: self.grab,
                relative: self.relative,
                position: core::mem::take(&mut news.position).then_some(self.position),
                maximize: news.maximize.take(),
                fullscreen: news.fullscreen.take(),
            }));
        }
        news.known = true;
        if !news.damage.is_empty() {
            each(Notice::Damage(id, news.damage.take()));
        }
        if let Some(request) = news.drag.take() {
            each(Notice::Drag(id, request));
        }
    }

    /// Its properties, as its client reads them from its path.
    pub fn path(&self) -> String {
        let ((x, y), (w, h)) = (self.position, self.size);
        format!("{}/{x}/{y}/{w}/{h}/{}", self.flags, self.title)
    }
}
