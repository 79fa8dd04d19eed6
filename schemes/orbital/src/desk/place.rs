//! Sizes and places of windows: what their clients are asked for, and what becomes of it; halves and the whole of the screen.
//!
//! A window on the screen has the size of its buffer, always. Who wants another size asks the client with an event; when the
//! client has drawn a buffer of that size, the window gets it, and the place that belongs to it, in the same moment.

use orbclient::{EVENT_MOVE, EVENT_RESIZE, WindowFlag};

use super::window::{Anchor, Tile, Window};
use super::{Desk, Effect};
use crate::geometry::Rect;
use crate::wire::{Order, Screen, WindowId};

/// What must stay in reach of a title bar, in pixels of the design.
const REACH: i32 = 64;

impl Desk {
    /// The content that a window gets in a place of the screen.
    pub(super) fn tile_content(&self, tile: Tile, decorated: bool) -> Rect {
        let work = self.work;
        let half = work.w / 2;
        let area = match tile {
            Tile::Left => Rect::new(work.x, work.y, half, work.h),
            Tile::Right => Rect::new(work.x + half, work.y, work.w - half, work.h),
            Tile::Full => return self.screen(),
            Tile::Floating | Tile::Maximized => work,
        };
        let title = if decorated { self.metrics.title } else { 0 };
        Rect::new(area.x, area.y + title, area.w, area.h - title)
    }

    /// A client asks for a place, or for the one before.
    pub(super) fn tile_asked(&mut self, id: WindowId, tile: Tile, wanted: bool) {
        let Some(window) = self.windows.get(&id) else { return };
        match wanted {
            true => self.tile(id, tile),
            false if window.tile == tile => self.tile(id, Tile::Floating),
            false => {}
        }
    }

    /// Puts a window into a place of the screen, or where it was before.
    pub(super) fn tile(&mut self, id: WindowId, tile: Tile) {
        let metrics = self.metrics;
        let Some(window) = self.windows.get_mut(&id) else { return };
        if window.tile == tile {
            return;
        }
        if window.tile == Tile::Floating {
            window.restore = Some(window.content(metrics.scale));
        }
        let back = window.restore;
        window.anchor = Anchor::default();
        let decorated = !window.flags.has(WindowFlag::Borderless) && !window.flags.has(WindowFlag::Back);
        let content = match (tile, back) {
            (Tile::Floating, Some(content)) => content,
            _ => self.tile_content(tile, decorated),
        };
        self.touch(id);
        if let Some(window) = self.windows.get_mut(&id) {
            window.tile = tile;
            if tile == Tile::Floating {
                window.restore = None;
            }
        }
        let mark = Order::Mark(id, tile == Tile::Maximized, tile == Tile::Full);
        self.effects.push(Effect::Order(mark));
        self.ask(id, content);
        self.restack();
        self.touch(id);
    }

    /// Asks a client for a content.
    pub(super) fn ask(&mut self, id: WindowId, content: Rect) {
        let scale = self.metrics.scale;
        let Some(window) = self.windows.get_mut(&id) else { return };
        let factor = window.magnification(scale);
        let (w, h) = ((content.w / factor).max(1), (content.h / factor).max(1));
        if window.size == (w, h) {
            window.pending = None;
            self.place(id, content.x, content.y);
            return;
        }
        window.pending = Some(Rect::new(content.x, content.y, w, h));
        self.send(id, [EVENT_RESIZE, w.into(), h.into()]);
    }

    /// A client has made its window another size than it had before.
    pub(super) fn resized(&mut self, id: WindowId, before: (i32, i32)) {
        let scale = self.metrics.scale;
        let Some(window) = self.windows.get_mut(&id) else { return };
        let asked = window.pending.filter(|pending| (pending.w, pending.h) == window.size);
        let own_wish = window.pending.is_none() && window.anchor == Anchor::default();
        let grown = own_wish && (window.size.0 > before.0 || window.size.1 > before.1);
        let content = window.content(scale);
        let (mut x, mut y) = (window.x, window.y);
        if let Some(pending) = asked {
            window.pending = None;
            (x, y) = (pending.x, pending.y);
        } else if own_wish && window.tile != Tile::Floating {
            // It is no longer where it was put.
            window.tile = Tile::Floating;
            window.restore = None;
            self.effects.push(Effect::Order(Order::Mark(id, false, false)));
        }
        if let Some(window) = self.windows.get(&id) {
            x = window.anchor.right.map_or(x, |right| right - content.w);
            y = window.anchor.bottom.map_or(y, |bottom| bottom - content.h);
        }
        self.place(id, x, y);
        self.let_go(id);
        if grown && !self.is_dragged(id) {
            self.fit(id);
        }
    }

    /// Brings a window where all of it is seen, if there is room for it; for one that is too large its client is asked for a size that
    /// there is room for.
    pub(super) fn fit(&mut self, id: WindowId) {
        let Some(window) = self.windows.get(&id) else { return };
        let frame = window.frame(self.metrics);
        let room = self.tile_content(Tile::Maximized, true);
        if !frame.decorated || !frame.floating || room.is_empty() {
            return;
        }
        let mut content = frame.content;
        if frame.resizable {
            (content.w, content.h) = (content.w.min(room.w), content.h.min(room.h));
        }
        content.x = content.x.min(room.right() - content.w).max(room.x);
        content.y = content.y.min(room.bottom() - content.h).max(room.y);
        self.ask(id, content);
    }

    /// The same for a new window, if it is too large or cannot be got hold of: who says where a window shall be gets it there otherwise.
    pub(super) fn fit_new(&mut self, id: WindowId) {
        let Some(window) = self.windows.get(&id) else { return };
        let (content, room) = (window.content(self.metrics.scale), self.tile_content(Tile::Maximized, true));
        if content.w > room.w || content.h > room.h || content.y < room.y {
            self.fit(id);
        }
    }

    /// A client has moved its window.
    pub(super) fn moved_by_client(&mut self, id: WindowId, x: i32, y: i32) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        if (window.x, window.y) == (x, y) {
            return;
        }
        (window.x, window.y) = (x, y);
        (window.pending, window.anchor) = (None, Anchor::default());
    }

    /// Moves a window's content; its client and the keeper are told.
    pub(super) fn place(&mut self, id: WindowId, x: i32, y: i32) {
        let Some(window) = self.windows.get(&id) else { return };
        if (window.x, window.y) == (x, y) {
            return;
        }
        self.touch(id);
        if let Some(window) = self.windows.get_mut(&id) {
            (window.x, window.y) = (x, y);
        }
        self.touch(id);
        self.effects.push(Effect::Order(Order::Place(id, x, y)));
        self.send(id, [EVENT_MOVE, x.into(), y.into()]);
    }

    /// The nearest place of a content where its window can still be got hold of.
    pub(super) fn reachable(&self, content: Rect, decorated: bool) -> (i32, i32) {
        let reach = (REACH * self.metrics.scale).min(content.w);
        let title = if decorated { self.metrics.title } else { 0 };
        let work = self.work;
        let x = content.x.clamp(work.x + reach - content.w, (work.right() - reach).max(work.x + reach - content.w));
        let lowest = (work.bottom() - title.max(reach) + title).max(work.y + title);
        (x, content.y.clamp(work.y + title, lowest))
    }

    /// After the screen has changed: a window lies in its place of the new one, or where it can be got hold of.
    pub(super) fn keep_reachable(&mut self, id: WindowId) {
        let Some(window) = self.windows.get(&id) else { return };
        let frame = window.frame(self.metrics);
        let bare = window.flags.has(WindowFlag::Borderless) || window.flags.has(WindowFlag::Back);
        if window.tile != Tile::Floating {
            let content = self.tile_content(window.tile, !bare);
            self.ask(id, content);
        } else if frame.decorated {
            let (x, y) = self.reachable(frame.content, true);
            self.place(id, x, y);
        }
    }

    /// The part of the screen that panels leave: windows in front without a frame that lie along the upper or lower edge.
    fn work_area(&self) -> Rect {
        let screen = self.screen();
        let (mut top, mut bottom) = (0, screen.h);
        for window in self.windows.values().filter(|window| window.visible()) {
            let content = window.content(self.metrics.scale);
            let panel = window.flags.has(WindowFlag::Front) && window.flags.has(WindowFlag::Borderless);
            if !panel || content.x > 0 || content.right() < screen.w || content.h > screen.h / 4 {
                continue;
            }
            if content.y <= 0 {
                top = top.max(content.bottom());
            } else if content.bottom() >= screen.h {
                bottom = bottom.min(content.y);
            }
        }
        Rect::from_edges(0, top, screen.w, bottom)
    }

    /// Tells the keeper about the screen, and windows that fill it, when it has become another one.
    pub(super) fn refresh_work(&mut self) {
        if self.restoring.is_some() {
            return;
        }
        let work = self.work_area();
        let before = core::mem::replace(&mut self.work, work);
        let changed = work != before;
        let screen = Screen {
            w: self.size.0 as u32,
            h: self.size.1 as u32,
            scale: self.metrics.scale as u32,
            work,
            title: self.metrics.title as u32,
        };
        if self.told_screen != Some(screen) {
            self.told_screen = Some(screen);
            self.effects.push(Effect::Order(Order::Screen(screen)));
        }
        if changed {
            let tiled = self.windows.values().filter(|window| window.tile != Tile::Floating);
            let ids: Vec<WindowId> = tiled.map(|window| window.id).collect();
            ids.into_iter().for_each(|id| self.keep_reachable(id));
            // A panel may have come over windows of which all was seen.
            let covered = |window: &&Window| {
                let body = window.frame(self.metrics).body();
                before.covers(&body) && !work.covers(&body)
            };
            let ids: Vec<WindowId> = self.windows.values().filter(covered).map(|window| window.id).collect();
            ids.into_iter().for_each(|id| self.fit(id));
        }
    }
}
