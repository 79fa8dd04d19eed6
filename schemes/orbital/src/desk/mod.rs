//! The desk: which windows there are, where they lie, which has the focus, what the pointer does. A state machine: events go in,
//! orders for the keeper come out, and what has to be painted again is collected; nothing here reads, writes or waits.
//!
//! Neighbours: [`crate::wire`] are the messages from and to the keeper, [`crate::paint`] makes pictures of the desk. Parts: geometry of
//! a window in [`frame`], z-order and focus in [`order`], the pointer in [`pointer`], sizes and places in [`place`], the keyboard in
//! [`keys`], dragging of data in [`transfer`], what survives a restart in [`memory`].

pub mod frame;
pub mod keys;
mod list;
pub mod memory;
pub mod order;
pub mod place;
pub mod pointer;
#[cfg(test)]
mod tests;
pub mod transfer;
pub mod window;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use orbclient::{EVENT_SCALE, EVENT_SCREEN, WindowFlag};

use self::frame::{Button, Metrics};
use self::keys::{Keyboard, Switcher};
use self::memory::Memory;
use self::order::Order as Stacking;
use self::pointer::Pointer;
use self::transfer::Transfer;
use self::window::{Layer, Tile, Window};
use crate::damage::Damage;
use crate::geometry::Rect;
use crate::wire::{Listed, Notice, Order, Screen, Told, WindowId};

/// What [`EVENT_SCALE`] says for a scale of one.
const SCALE_BASELINE: i64 = 100;

/// What happens to the desk.
#[derive(Clone, Debug)]
pub enum Event {
    /// The keeper says something.
    Notice(Notice),
    /// A key is pressed or let go; the character that the key map has for it, or 0.
    Key {
        /// As `orbclient` numbers keys.
        scancode: u8,
        /// Pressed, not let go.
        pressed: bool,
        /// What it means in the key map.
        character: char,
    },
    /// A character was entered.
    Text(char),
    /// The pointer is somewhere.
    PointerAt(i32, i32),
    /// The pointer moves.
    PointerBy(i32, i32),
    /// These buttons are down: left, middle, right.
    Buttons([bool; 3]),
    /// The wheel turns.
    Scroll(i32, i32),
    /// The screen has another size or scale.
    Screen {
        /// Width.
        w: i32,
        /// Height.
        h: i32,
        /// Pixels of the screen to a pixel of the design.
        scale: i32,
    },
}

/// What comes of it, besides what has to be painted.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// To be said to the keeper.
    Order(Order),
    /// The picture of a window is another one: map it.
    Map(WindowId, u32, (i32, i32)),
    /// A window is gone.
    Unmap(WindowId),
    /// A setting is given or changed.
    Setting(String, String),
    /// The screen shall be saved to a file.
    Capture,
}

/// What the pointer's doings show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    /// The place that a window would get, and the order of windows that it lies in.
    preview: Option<(Rect, Vec<WindowId>)>,
    /// The button that is lit up.
    lit: Option<(WindowId, Button, bool)>,
}

/// The desk.
pub struct Desk {
    windows: BTreeMap<WindowId, Window>,
    order: Stacking,
    size: (i32, i32),
    metrics: Metrics,
    work: Rect,
    pointer: Pointer,
    keyboard: Keyboard,
    switcher: Option<Switcher>,
    transfer: Option<Transfer>,
    /// What an earlier server left, until all windows are known.
    restoring: Option<Memory>,
    /// What the keeper was given to remember last.
    remembered: Memory,
    told_screen: Option<Screen>,
    told_list: Option<Vec<Listed>>,
    shown: Shown,
    damage: Damage,
    effects: Vec<Effect>,
}

impl Desk {
    /// A desk without windows, on a screen of some size.
    pub fn new(w: i32, h: i32, scale: i32) -> Self {
        let mut desk = Self {
            windows: BTreeMap::new(),
            order: Stacking::default(),
            size: (w, h),
            metrics: Metrics::new(scale),
            work: Rect::new(0, 0, w, h),
            pointer: Pointer::new(w / 2, h / 2),
            keyboard: Keyboard::default(),
            switcher: None,
            transfer: None,
            restoring: None,
            remembered: Memory::default(),
            told_screen: None,
            told_list: None,
            shown: Shown::default(),
            damage: Damage::new(),
            effects: Vec::new(),
        };
        desk.damage_all();
        desk
    }

    /// Something happens; `now` in milliseconds. Answers what comes of it.
    pub fn step(&mut self, event: Event, now: u64) -> Vec<Effect> {
        match event {
            Event::Notice(notice) => self.notice(notice),
            Event::Key { scancode, pressed, character } => self.key(scancode, pressed, character),
            Event::Text(character) => self.text(character),
            Event::PointerAt(x, y) => self.pointer_at(x, y),
            Event::PointerBy(dx, dy) => self.pointer_by(dx, dy),
            Event::Buttons(buttons) => self.buttons(buttons, now),
            Event::Scroll(x, y) => self.scroll(x, y),
            Event::Screen { w, h, scale } => self.screen_changed(w, h, scale),
        }
        self.refresh_work();
        self.refresh_shown();
        self.refresh_list();
        self.remember();
        core::mem::take(&mut self.effects)
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Memory(bytes) => self.restoring = Some(Memory::from_bytes(&bytes)),
            Notice::Complete => self.restored(),
            Notice::Window(told) => self.window_told(&told),
            Notice::Damage(id, rects) => self.window_drawn(id, &rects),
            Notice::Drag(id, request) => self.drag_asked(id, request),
            Notice::Closed(id) => self.window_closed(id),
            Notice::Offer(id, size) => self.offered(id, size),
            Notice::Peeked(id) => self.peeked(id),
            Notice::Answer(id, answer) => self.answered(id, answer),
            Notice::Wish(id, wish) => self.wish(id, wish),
            Notice::Setting(key, value) => self.effects.push(Effect::Setting(key, value)),
        }
    }

    fn window_told(&mut self, told: &Told) {
        let map = |told: &Told| Effect::Map(told.id, told.generation, (told.size.0 as i32, told.size.1 as i32));
        if let Entry::Vacant(place) = self.windows.entry(told.id) {
            place.insert(Window::new(told));
            self.effects.push(map(told));
            self.window_new(told.id);
        } else {
            self.window_changed(told, map(told));
        }
        if let Some(wanted) = told.maximize {
            self.tile_asked(told.id, Tile::Maximized, wanted);
        }
        if let Some(wanted) = told.fullscreen {
            self.tile_asked(told.id, Tile::Full, wanted);
        }
    }

    fn window_new(&mut self, id: WindowId) {
        self.order.insert(id);
        if self.restoring.is_some() {
            return;
        }
        let Some(window) = self.windows.get(&id) else { return };
        let scalable = window.flags.has(WindowFlag::Scalable);
        let focus = window.visible() && window.layer(false) != Layer::Back && window.takes_focus();
        self.restack();
        self.touch(id);
        self.fit_new(id);
        if scalable {
            self.tell_scale(id);
        }
        if focus {
            self.activate(id);
        }
        self.hover();
    }

    fn window_changed(&mut self, told: &Told, map: Effect) {
        let id = told.id;
        let Some(window) = self.windows.get(&id) else { return };
        let size = window.size;
        let (was_visible, was_scalable) = (window.visible(), window.flags.has(WindowFlag::Scalable));
        let new_picture = window.generation != told.generation;
        if new_picture {
            self.effects.push(map);
        }
        let looks_same = !new_picture
            && window.flags == told.flags
            && window.title == told.title
            && told.position.is_none_or(|position| position == (window.x, window.y));
        if !looks_same {
            self.touch(id);
        }
        if let Some(window) = self.windows.get_mut(&id) {
            window.update(told);
        }
        if new_picture {
            self.resized(id, size);
        }
        if let Some((x, y)) = told.position {
            self.moved_by_client(id, x, y);
        }
        let Some(window) = self.windows.get(&id) else { return };
        let (visible, scalable) = (window.visible(), window.flags.has(WindowFlag::Scalable));
        let window_takes_focus = window.takes_focus();
        if scalable && !was_scalable {
            self.tell_scale(id);
        }
        self.restack();
        if !looks_same {
            self.touch(id);
        }
        match (was_visible, visible) {
            (true, false) => self.focus_next(),
            (false, true) if window_takes_focus => self.activate(id),
            _ => {}
        }
        self.hover();
    }

    fn window_drawn(&mut self, id: WindowId, rects: &[Rect]) {
        let Some(window) = self.windows.get(&id).filter(|window| window.visible()) else { return };
        let content = window.content(self.metrics.scale);
        let factor = window.magnification(self.metrics.scale);
        for rect in rects {
            let shown = rect.magnified(factor).moved(content.x, content.y).intersection(&content);
            self.damage.add(shown.intersection(&self.screen()));
        }
    }

    fn window_closed(&mut self, id: WindowId) {
        self.touch(id);
        self.windows.remove(&id);
        self.order.remove(id);
        self.effects.push(Effect::Unmap(id));
        self.pointer.forget(id);
        self.switcher_forget(id);
        self.transfer_forget(id);
        if self.order.focused().is_none() {
            self.focus_next();
        }
        self.hover();
    }

    fn screen_changed(&mut self, w: i32, h: i32, scale: i32) {
        let scaled = scale != self.metrics.scale;
        let another = scaled || self.size != (w, h);
        self.size = (w, h);
        self.metrics = Metrics::new(scale);
        self.switcher = None;
        self.damage_all();
        self.work = Rect::default();
        self.refresh_work();
        let ids: Vec<WindowId> = self.windows.keys().copied().collect();
        for id in ids {
            self.send(id, [EVENT_SCREEN, w.into(), h.into()]);
            if scaled {
                self.tell_scale(id);
            }
            self.keep_reachable(id);
            if another {
                self.fit(id);
            }
        }
        self.pointer_by(0, 0);
    }

    fn tell_scale(&mut self, id: WindowId) {
        let scale = i64::from(self.metrics.scale) * SCALE_BASELINE;
        self.send(id, [EVENT_SCALE, scale, SCALE_BASELINE]);
    }

    /// An event for a client.
    fn send(&mut self, id: WindowId, event: [i64; 3]) {
        self.effects.push(Effect::Order(Order::Event(id, event)));
    }

    /// All that is painted of a window has to be painted again.
    fn touch(&mut self, id: WindowId) {
        // The switcher shows titles.
        self.touch_switcher();
        if let Some(window) = self.windows.get(&id).filter(|window| window.visible()) {
            let outer = window.frame(self.metrics).outer();
            self.damage.add(outer.intersection(&self.screen()));
        }
    }

    fn touch_rect(&mut self, rect: Rect) {
        self.damage.add(rect.intersection(&self.screen()));
    }

    /// Everything has to be painted again.
    pub fn damage_all(&mut self) {
        self.damage.clear();
        self.damage.add(self.screen());
    }

    /// What has to be painted again.
    pub fn take_damage(&mut self) -> Vec<Rect> {
        self.damage.take()
    }

    /// Whether something has to be painted again.
    pub fn is_damaged(&self) -> bool {
        !self.damage.is_empty()
    }

    /// The screen.
    pub fn screen(&self) -> Rect {
        Rect::new(0, 0, self.size.0, self.size.1)
    }

    /// Sizes of the design.
    pub fn metrics(&self) -> Metrics {
        self.metrics
    }

    /// A window.
    pub fn window(&self, id: WindowId) -> Option<&Window> {
        self.windows.get(&id)
    }

    /// The windows on the screen, the foremost first.
    pub fn front_to_back(&self) -> impl Iterator<Item = &Window> {
        self.order.front_to_back().filter_map(|id| self.windows.get(&id)).filter(|window| window.visible())
    }

    /// The window with the focus.
    pub fn focused(&self) -> Option<WindowId> {
        self.order.focused()
    }
}
