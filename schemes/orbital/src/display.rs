//! The display server as a whole, but for its waiting: events and news go in, orders and pictures come out.
//!
//! [`Display`] has the desk, the painter and the picture; the keeper is a [`Link`], the screen a [`Screen`]. It paints when something
//! changed and the last picture is old enough, and says when that will be ([`Display::due`]), so that whoever runs it sleeps
//! until then or until something happens.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::damage::Damage;
use crate::desk::pointer::Shape;
use crate::desk::{Desk, Effect, Event};
use crate::geometry::Rect;
use crate::paint::canvas::Canvas;
use crate::paint::text::Text;
use crate::paint::{Painter, Pictures};
use crate::screen::{Input, Screen};
use crate::theme::Themes;
use crate::wire::{Notice, Order, WindowId};

/// Milliseconds between two pictures: sixty in a second.
const INTERVAL: u64 = 16;
/// From this height on a screen is taken for one with small pixels.
const TALL: i32 = 1600;
/// Sizes of a screen that can be asked for.
const SIZES: core::ops::RangeInclusive<i32> = 320..=16_384;

/// The keeper, as the display server reaches it.
pub trait Link {
    /// Pixels of a window.
    type Picture: AsRef<[u32]>;

    /// Says something. What cannot be said is lost: the keeper is gone, and with it everything it is about.
    fn say(&mut self, orders: &[Order]);

    /// Maps a window's pixels. `None`: there is another buffer already, and news about it will come.
    fn map(&mut self, id: WindowId, generation: u32, size: (i32, i32)) -> Option<Self::Picture>;
}

/// The pixels of all windows.
struct Gallery<P>(BTreeMap<WindowId, P>);

impl<P: AsRef<[u32]>> Pictures for Gallery<P> {
    fn pixels(&self, id: WindowId) -> &[u32] {
        self.0.get(&id).map(AsRef::as_ref).unwrap_or_default()
    }
}

/// The display server.
pub struct Display<L: Link, S> {
    desk: Desk,
    painter: Painter,
    themes: Themes,
    canvas: Canvas,
    /// The screen.
    pub screen: S,
    /// The keeper.
    pub link: L,
    gallery: Gallery<L::Picture>,
    damage: Damage,
    /// The cursor as it was painted last.
    cursor: Option<(Rect, Shape)>,
    /// The cursor as the screen itself shows it: look, scale and place. `None`: it is painted.
    shown_cursor: Option<(Shape, i32, i32, i32)>,
    /// The scale that somebody has asked for.
    wanted_scale: Option<i32>,
    /// The size of the screen that somebody has asked for.
    wanted_mode: Option<(i32, i32)>,
    /// The cursor is painted even if the screen could show it itself.
    paint_cursor: bool,
    last_frame: Option<u64>,
    capture: bool,
}

impl<L: Link, S: Screen> Display<L, S> {
    /// A display server on a screen.
    pub fn new(link: L, mut screen: S, themes: Themes, text: Text) -> Self {
        let (w, h) = screen.size();
        let mut painter = Painter::new(themes.named("").clone(), text);
        painter.hardware_cursor = screen.set_cursor(None);
        Self {
            desk: Desk::new(w, h, scale_for(h)),
            shown_cursor: painter.hardware_cursor.then_some((Shape::Hidden, 0, 0, 0)),
            painter,
            themes,
            canvas: Canvas::new(w, h),
            screen,
            link,
            gallery: Gallery(BTreeMap::new()),
            damage: Damage::new(),
            cursor: None,
            wanted_scale: None,
            wanted_mode: None,
            paint_cursor: false,
            last_frame: None,
            capture: false,
        }
    }

    /// The keeper has news; `now` in milliseconds, as everywhere.
    pub fn notices(&mut self, notices: Vec<Notice>, now: u64) {
        notices.into_iter().for_each(|notice| self.step(Event::Notice(notice), now));
    }

    /// A device says something.
    pub fn input(&mut self, input: Input, now: u64) {
        let screen = self.desk.screen();
        let event = match input {
            Input::Key { scancode, pressed, character } => Event::Key { scancode, pressed, character },
            Input::Text(character) => Event::Text(character),
            Input::At(x, y) => {
                let place = |at: u16, size: i32| ((i64::from(at) * i64::from(size)) >> 16) as i32;
                Event::PointerAt(place(x, screen.w), place(y, screen.h))
            }
            Input::By(dx, dy) => Event::PointerBy(dx, dy),
            Input::Buttons(buttons) => Event::Buttons(buttons),
            Input::Scroll(x, y) => Event::Scroll(x, y),
        };
        self.step(event, now);
    }

    /// A screen is there that was not before. It gets the size that somebody has asked for.
    pub fn screen_came(&mut self, now: u64) {
        if let Some((w, h)) = self.wanted_mode.filter(|mode| *mode != self.screen.size()) {
            // What it cannot do is not tried again.
            if !self.screen.set_mode(w, h) {
                self.wanted_mode = None;
            }
        }
        self.screen_changed(now);
    }

    /// The screen may have another size.
    pub fn screen_changed(&mut self, now: u64) {
        let (w, h) = self.screen.size();
        if self.canvas.bounds() != Rect::new(0, 0, w, h) {
            self.canvas = Canvas::new(w, h);
        }
        let scale = self.wanted_scale.unwrap_or(scale_for(h));
        // It may also be another screen, which does not know the cursor.
        self.take_cursor();
        self.step(Event::Screen { w, h, scale }, now);
    }

    /// Begins anew with a screen that shows no cursor.
    fn take_cursor(&mut self) {
        self.painter.hardware_cursor = self.screen.set_cursor(None) && !self.paint_cursor;
        self.shown_cursor = self.painter.hardware_cursor.then_some((Shape::Hidden, 0, 0, 0));
    }

    fn step(&mut self, event: Event, now: u64) {
        let mut orders = Vec::new();
        for effect in self.desk.step(event, now) {
            match effect {
                Effect::Order(order) => orders.push(order),
                Effect::Map(id, generation, size) => match self.link.map(id, generation, size) {
                    Some(picture) => drop(self.gallery.0.insert(id, picture)),
                    None => drop(self.gallery.0.remove(&id)),
                },
                Effect::Unmap(id) => drop(self.gallery.0.remove(&id)),
                Effect::Setting(key, value) => self.set(&key, &value, now),
                Effect::Capture => self.capture = true,
            }
        }
        if !orders.is_empty() {
            self.link.say(&orders);
        }
    }

    fn set(&mut self, key: &str, value: &str, now: u64) {
        match key {
            "theme" => {
                self.painter.set_palette(self.themes.named(value).clone());
                self.desk.damage_all();
            }
            "scale" => {
                self.wanted_scale = value.parse().ok().filter(|scale| (1..=4).contains(scale));
                self.screen_changed(now);
            }
            "resolution" => {
                self.wanted_mode = mode(value);
                self.screen_came(now);
            }
            "cursor" => {
                self.paint_cursor = value == "painted";
                self.take_cursor();
            }
            // Programs keep settings of their own here too.
            _ => {}
        }
    }

    /// When the next picture has to be made; `None` when nothing changed.
    pub fn due(&mut self, now: u64) -> Option<u64> {
        self.gather();
        let earliest = self.last_frame.map_or(now, |last| last.saturating_add(INTERVAL));
        (!self.damage.is_empty()).then_some(earliest.max(now))
    }

    fn gather(&mut self) {
        self.desk.take_damage().into_iter().for_each(|rect| self.damage.add(rect));
        let shape = self.desk.pointer().shape;
        let cursor = self.painter.cursor_rect(&self.desk).map(|rect| (rect, shape));
        if cursor != self.cursor {
            let bounds = self.canvas.bounds();
            let before = core::mem::replace(&mut self.cursor, cursor);
            [before, cursor].into_iter().flatten().for_each(|(rect, _)| self.damage.add(rect.intersection(&bounds)));
        }
        self.move_cursor();
    }

    /// Lets a screen that shows the cursor itself show it as it is now.
    fn move_cursor(&mut self) {
        let pointer = self.desk.pointer();
        let now = (pointer.shape, self.desk.metrics().scale, pointer.x, pointer.y);
        let Some(before) = self.shown_cursor.filter(|&before| before != now) else { return };
        if (before.0, before.1) != (now.0, now.1) {
            self.screen.set_cursor(self.painter.cursor(now.0));
        }
        self.screen.move_cursor(now.2, now.3);
        self.shown_cursor = Some(now);
    }

    /// Makes the picture, if it is time for one.
    pub fn frame(&mut self, now: u64) {
        if self.due(now).is_some_and(|due| due <= now) {
            self.paint(now);
        }
    }

    /// Makes the picture, at whatever time, if something has changed.
    pub fn paint(&mut self, now: u64) {
        self.gather();
        if self.damage.is_empty() {
            return;
        }
        let rects = self.damage.take();
        self.painter.paint(&mut self.canvas, &self.desk, &self.gallery, &rects);
        self.screen.show(&self.canvas, &rects);
        self.last_frame = Some(now);
    }

    /// Whether somebody wants the screen to be saved; asked once.
    pub fn take_capture(&mut self) -> bool {
        core::mem::take(&mut self.capture)
    }

    /// The picture.
    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// The desk.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The whole picture, painted anew. Tests compare it with what was painted piece by piece.
    pub fn repainted(&mut self) -> Canvas {
        let mut canvas = Canvas::new(self.canvas.bounds().w, self.canvas.bounds().h);
        let all = canvas.bounds();
        self.painter.paint(&mut canvas, &self.desk, &self.gallery, &[all]);
        canvas
    }
}

/// `WIDTHxHEIGHT`.
fn mode(value: &str) -> Option<(i32, i32)> {
    let side = |text: &str| text.parse().ok().filter(|side| SIZES.contains(side));
    let (w, h) = value.split_once('x')?;
    Some((side(w)?, side(h)?))
}

fn scale_for(height: i32) -> i32 {
    if height >= TALL { 2 } else { 1 }
}
