//! The pointer: what it is over, what it drags, which client hears of it.

use orbclient::{EVENT_BUTTON, EVENT_HOVER, EVENT_MOUSE, EVENT_MOUSE_RELATIVE, EVENT_SCROLL, WindowFlag};

use super::frame::{Button, Part};
use super::window::{Anchor, Tile, Window};
use super::{Desk, Shown};
use crate::geometry::Rect;
use crate::protocol::{DragRequest, Edges};
use crate::wire::WindowId;

/// Two clicks in this many milliseconds are a double click.
const DOUBLE_CLICK: u64 = 400;
/// How far a tiled window must be dragged before it comes loose, and how near to the screen's edge one is put into a place,
/// in pixels of the design.
const LOOSE: i32 = 8;
const SNAP: i32 = 4;
/// Smallest content that dragging makes, in pixels of the design.
const SMALLEST: (i32, i32) = (120, 40);

/// What the cursor looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// An arrow.
    #[default]
    Arrow,
    /// Nothing.
    Hidden,
    /// The window moves.
    Move,
    /// The left or right edge.
    Horizontal,
    /// The upper or lower edge.
    Vertical,
    /// The upper left or lower right corner.
    Falling,
    /// The upper right or lower left corner.
    Rising,
    /// Something is dragged that is wanted here.
    Carry,
    /// Something is dragged that is not wanted here.
    Refuse,
}

/// What the pressed button does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Drag {
    /// No button is down.
    None,
    /// It is the client's affair.
    Content(WindowId),
    /// It is nobody's affair.
    Nothing,
    /// A button of a frame.
    Button(WindowId, Button),
    /// A window follows the pointer: where the pointer is in its content, where it was pressed, what the window becomes.
    Move { id: WindowId, grip: (i32, i32), start: (i32, i32), snap: Option<Tile> },
    /// Edges follow the pointer: the content and the pointer as they were.
    Resize { id: WindowId, edges: Edges, content: Rect, start: (i32, i32) },
}

/// The pointer.
#[derive(Clone, Debug)]
pub struct Pointer {
    /// Where it is.
    pub x: i32,
    /// Where it is.
    pub y: i32,
    /// What it looks like.
    pub shape: Shape,
    buttons: [bool; 3],
    drag: Drag,
    /// The window that was told that the pointer is over it.
    hover: Option<WindowId>,
    /// The button of a frame that it is over.
    over: Option<(WindowId, Button)>,
    last_click: Option<(u64, WindowId)>,
    /// Where an absolute device has put it last.
    absolute: Option<(i32, i32)>,
}

impl Pointer {
    /// A pointer at a place.
    pub fn new(x: i32, y: i32) -> Self {
        Self {
            x,
            y,
            shape: Shape::Arrow,
            buttons: [false; 3],
            drag: Drag::None,
            hover: None,
            over: None,
            last_click: None,
            absolute: None,
        }
    }

    /// A window is gone.
    pub fn forget(&mut self, id: WindowId) {
        let dragged = match self.drag {
            Drag::None | Drag::Nothing => None,
            Drag::Content(id) | Drag::Button(id, _) | Drag::Move { id, .. } | Drag::Resize { id, .. } => Some(id),
        };
        if dragged == Some(id) {
            self.drag = Drag::Nothing;
        }
        self.hover = self.hover.filter(|&known| known != id);
        self.over = self.over.filter(|&(known, _)| known != id);
    }

    /// The window whose client hears of the pressed button.
    pub fn pressed_in(&self) -> Option<WindowId> {
        match self.drag {
            Drag::Content(id) => Some(id),
            _ => None,
        }
    }
}

impl Desk {
    /// The window and its part at a point.
    pub(super) fn at(&self, x: i32, y: i32) -> Option<(WindowId, Part)> {
        self.front_to_back().find_map(|window| window.frame(self.metrics).part(x, y).map(|part| (window.id, part)))
    }

    /// The place of a point in a window's buffer.
    pub(super) fn in_buffer(&self, window: &Window, x: i32, y: i32) -> (i32, i32) {
        let factor = window.magnification(self.metrics.scale);
        ((x - window.x).div_euclid(factor), (y - window.y).div_euclid(factor))
    }

    /// The pointer's place and look.
    pub fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// The button of a frame that is lit up, and whether it is pressed.
    pub fn lit_button(&self) -> Option<(WindowId, Button, bool)> {
        let (id, button) = self.pointer.over?;
        match self.pointer.drag {
            Drag::None => Some((id, button, false)),
            Drag::Button(..) => Some((id, button, true)),
            _ => None,
        }
    }

    /// The place that a dragged window would get, to be shown behind it.
    pub fn snap_preview(&self) -> Option<(WindowId, Rect)> {
        match self.pointer.drag {
            Drag::Move { id, snap: Some(tile), .. } => Some((id, self.tile_content(tile, false))),
            _ => None,
        }
    }

    pub(super) fn pointer_at(&mut self, x: i32, y: i32) {
        let before = self.pointer.absolute.replace((x, y)).unwrap_or((x, y));
        if let Some(id) = self.relative_window() {
            self.motion(id, x - before.0, y - before.1);
            return;
        }
        self.move_pointer(x, y);
    }

    pub(super) fn pointer_by(&mut self, dx: i32, dy: i32) {
        if let Some(id) = self.relative_window() {
            self.motion(id, dx, dy);
            return;
        }
        self.move_pointer(self.pointer.x.saturating_add(dx), self.pointer.y.saturating_add(dy));
    }

    fn relative_window(&self) -> Option<WindowId> {
        let focused = self.order.focused()?;
        self.windows.get(&focused).filter(|window| window.relative && window.visible()).map(|window| window.id)
    }

    fn motion(&mut self, id: WindowId, dx: i32, dy: i32) {
        if (dx, dy) != (0, 0) {
            self.send(id, [EVENT_MOUSE_RELATIVE, dx.into(), dy.into()]);
        }
    }

    fn move_pointer(&mut self, x: i32, y: i32) {
        let mut bounds = self.screen();
        let grabbing =
            self.order.focused().and_then(|id| self.windows.get(&id)).filter(|window| window.grab && window.visible());
        if let Some(window) = grabbing {
            let content = window.content(self.metrics.scale).intersection(&bounds);
            bounds = if content.is_empty() { bounds } else { content };
        }
        self.pointer.x = x.clamp(bounds.x, (bounds.right() - 1).max(bounds.x));
        self.pointer.y = y.clamp(bounds.y, (bounds.bottom() - 1).max(bounds.y));
        let (x, y) = (self.pointer.x, self.pointer.y);
        match self.pointer.drag {
            Drag::None => {
                self.hover();
                if let Some(id) = self.pointer.hover {
                    self.tell_position(id);
                }
            }
            Drag::Nothing => {}
            Drag::Content(_) if self.transfer.is_some() => self.transfer_moved(),
            Drag::Content(id) => self.tell_position(id),
            Drag::Button(..) => self.light_up(),
            Drag::Move { id, grip, start, .. } => self.drag_window(id, grip, start),
            Drag::Resize { id, edges, content, start } => {
                self.drag_edges(id, edges, content, (x - start.0, y - start.1))
            }
        }
    }

    fn tell_position(&mut self, id: WindowId) {
        let Some(window) = self.windows.get(&id) else { return };
        let (x, y) = self.in_buffer(window, self.pointer.x, self.pointer.y);
        self.send(id, [EVENT_MOUSE, x.into(), y.into()]);
    }

    /// Finds out anew what the pointer is over, after it or the windows have moved.
    pub(super) fn hover(&mut self) {
        if self.restoring.is_some() || self.pointer.drag != Drag::None {
            return;
        }
        let part = self.at(self.pointer.x, self.pointer.y);
        let content = match part {
            Some((id, Part::Content)) => Some(id),
            _ => None,
        };
        let before = core::mem::replace(&mut self.pointer.hover, content);
        if before != content {
            for (id, entered) in [(before, 0), (content, 1)] {
                if let Some(id) = id.filter(|id| self.windows.contains_key(id)) {
                    self.send(id, [EVENT_HOVER, entered, 0]);
                }
            }
        }
        self.light_up();
        self.pointer.shape = match part {
            Some((id, Part::Content)) if self.windows.get(&id).is_some_and(|window| !window.cursor) => Shape::Hidden,
            Some((_, Part::Edge(edges))) => shape_of(edges),
            _ => Shape::Arrow,
        };
    }

    /// Lights up the frame's button that the pointer is over; while one is pressed, only that.
    fn light_up(&mut self) {
        let mut over = match self.at(self.pointer.x, self.pointer.y) {
            Some((id, Part::Button(button))) => Some((id, button)),
            _ => None,
        };
        if let Drag::Button(id, button) = self.pointer.drag {
            over = over.filter(|&known| known == (id, button));
        }
        self.pointer.over = over;
    }

    fn touch_button(&mut self, id: WindowId, button: Button) {
        let Some(window) = self.windows.get(&id) else { return };
        let place = window.frame(self.metrics).buttons().find(|(known, _)| *known == button);
        if let Some((_, rect)) = place {
            self.touch_rect(rect);
        }
    }

    pub(super) fn buttons(&mut self, buttons: [bool; 3], now: u64) {
        let before = core::mem::replace(&mut self.pointer.buttons, buttons);
        if before == buttons {
            return;
        }
        self.keyboard.disturb();
        if before == [false; 3] && self.pointer.drag == Drag::None {
            self.press(buttons, now);
        }
        if let Drag::Content(id) = self.pointer.drag
            && self.transfer.is_none()
        {
            let bits = buttons.iter().rev().fold(0, |bits, &down| bits << 1 | i64::from(down));
            self.send(id, [EVENT_BUTTON, bits, 0]);
        }
        if buttons == [false; 3] {
            self.release();
        }
    }

    fn press(&mut self, buttons: [bool; 3], now: u64) {
        let (x, y) = (self.pointer.x, self.pointer.y);
        self.pointer.drag = Drag::Nothing;
        let Some((id, part)) = self.at(x, y) else { return self.focus(None) };
        let Some(window) = self.windows.get(&id) else { return };
        let (frame, takes_focus) = (window.frame(self.metrics), window.takes_focus());
        let left = buttons[0];
        let last = self.pointer.last_click.take();
        if takes_focus {
            self.activate(id);
        }
        let held = self.keyboard.window_key() && frame.decorated;
        match part {
            Part::Content | Part::Title if held && left => self.start_move(id),
            Part::Content if held && buttons[2] && frame.resizable && frame.floating => {
                let (middle_x, middle_y) =
                    (frame.content.x + frame.content.w / 2, frame.content.y + frame.content.h / 2);
                let edges =
                    Edges { left: x < middle_x, right: x >= middle_x, top: y < middle_y, bottom: y >= middle_y };
                self.start_resize(id, edges);
            }
            Part::Content => self.pointer.drag = Drag::Content(id),
            Part::Title
                if left
                    && last.is_some_and(|(then, known)| known == id && now.saturating_sub(then) <= DOUBLE_CLICK) =>
            {
                self.toggle_maximized(id);
            }
            Part::Title if left => {
                self.pointer.last_click = Some((now, id));
                self.start_move(id);
            }
            Part::Button(button) if left => {
                self.pointer.drag = Drag::Button(id, button);
            }
            Part::Edge(edges) if left => self.start_resize(id, edges),
            _ => {}
        }
    }

    /// Whether the pressed button moves or resizes a window.
    pub(super) fn is_dragged(&self, id: WindowId) -> bool {
        matches!(self.pointer.drag, Drag::Move { id: dragged, .. } | Drag::Resize { id: dragged, .. } if dragged == id)
    }

    fn start_move(&mut self, id: WindowId) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        let (x, y) = (self.pointer.x, self.pointer.y);
        window.anchor = Anchor::default();
        self.pointer.drag = Drag::Move { id, grip: (x - window.x, y - window.y), start: (x, y), snap: None };
    }

    fn start_resize(&mut self, id: WindowId, edges: Edges) {
        let scale = self.metrics.scale;
        let Some(window) = self.windows.get_mut(&id) else { return };
        let content = window.content(scale);
        window.pending = None;
        window.anchor =
            Anchor { right: edges.left.then_some(content.right()), bottom: edges.top.then_some(content.bottom()) };
        self.pointer.drag = Drag::Resize { id, edges, content, start: (self.pointer.x, self.pointer.y) };
        self.pointer.shape = shape_of(edges);
    }

    /// A client wants its window to be dragged by the button that is pressed in it.
    pub(super) fn drag_asked(&mut self, id: WindowId, request: DragRequest) {
        let ours = self.pointer.pressed_in() == Some(id) && self.transfer.is_none();
        let resizable = self.windows.get(&id).is_some_and(|window| window.tile == Tile::Floating);
        match request {
            DragRequest::Move if ours => {
                self.start_move(id);
                self.pointer.shape = Shape::Move;
            }
            DragRequest::Resize(edges) if ours && resizable => self.start_resize(id, edges),
            DragRequest::Stop => {
                if matches!(self.pointer.drag, Drag::Move { id: known, .. } | Drag::Resize { id: known, .. } if known == id)
                {
                    self.pointer.drag = Drag::Nothing;
                }
            }
            _ => return,
        }
        // The client hears nothing more of this button, but that it is let go.
        self.send(id, [EVENT_BUTTON, 0, 0]);
    }

    fn drag_window(&mut self, id: WindowId, mut grip: (i32, i32), start: (i32, i32)) {
        let (x, y) = (self.pointer.x, self.pointer.y);
        let metrics = self.metrics;
        if (x, y) != start {
            // It was no click.
            self.pointer.last_click = None;
        }
        let Some(window) = self.windows.get(&id) else { return };
        if window.tile != Tile::Floating {
            let loose = LOOSE * metrics.scale;
            if (x - start.0).abs() < loose && (y - start.1).abs() < loose {
                return;
            }
            // It gets its size back, and hangs on the pointer at the same part of its width.
            if let Some(before) = window.restore {
                grip.0 = grip.0 * before.w / window.content(metrics.scale).w.max(1);
            }
            self.tile(id, Tile::Floating);
        }
        let Some(window) = self.windows.get_mut(&id) else { return };
        let place = (x - grip.0, y - grip.1);
        if let Some(pending) = &mut window.pending {
            (pending.x, pending.y) = place;
        }
        let frame = window.frame(metrics);
        let content = Rect { x: place.0, y: place.1, ..frame.content };
        let snap = frame.resizable.then(|| self.snap(x, y)).flatten();
        let (to_x, to_y) = if frame.decorated { self.reachable(content, true) } else { place };
        self.pointer.drag = Drag::Move { id, grip, start, snap };
        self.place(id, to_x, to_y);
    }

    /// What the pointer's doings show has to be painted where it was and where it is now, if that is not the same.
    pub(super) fn refresh_shown(&mut self) {
        let preview = self.snap_preview().map(|(_, rect)| (rect, self.order.stack().to_vec()));
        let now = Shown { preview, lit: self.lit_button() };
        if now == self.shown {
            return;
        }
        let before = core::mem::replace(&mut self.shown, now.clone());
        if before.preview != now.preview {
            [before.preview, now.preview].into_iter().flatten().for_each(|(rect, _)| self.touch_rect(rect));
        }
        if before.lit != now.lit {
            [before.lit, now.lit].into_iter().flatten().for_each(|(id, button, _)| self.touch_button(id, button));
        }
    }

    /// The place of the screen that belongs to where the pointer is.
    fn snap(&self, x: i32, y: i32) -> Option<Tile> {
        let near = SNAP * self.metrics.scale;
        if x < near {
            Some(Tile::Left)
        } else if x >= self.size.0 - near {
            Some(Tile::Right)
        } else if y < self.work.y + near {
            Some(Tile::Maximized)
        } else {
            None
        }
    }

    fn drag_edges(&mut self, id: WindowId, edges: Edges, from: Rect, (dx, dy): (i32, i32)) {
        let scale = self.metrics.scale;
        let Some(window) = self.windows.get(&id) else { return };
        let factor = window.magnification(scale);
        let title = window.frame(self.metrics).title().h;
        let side = |now: i32, start: bool, end: bool, by: i32, least: i32| {
            let wanted = if start {
                now - by
            } else if end {
                now + by
            } else {
                now
            };
            wanted.max(least.min(now))
        };
        let w = side(from.w, edges.left, edges.right, dx, SMALLEST.0 * scale);
        let mut h = side(from.h, edges.top, edges.bottom, dy, SMALLEST.1 * scale);
        if edges.top {
            // The title bar does not leave the room for windows.
            h = h.min((from.bottom() - self.work.y - title).max(1));
        }
        let size = ((w / factor).max(1), (h / factor).max(1));
        let x = if edges.left { from.right() - size.0 * factor } else { from.x };
        let y = if edges.top { from.bottom() - size.1 * factor } else { from.y };
        let asked = window.pending.map_or(window.size, |pending| (pending.w, pending.h));
        if asked != size {
            self.ask(id, Rect::new(x, y, size.0 * factor, size.1 * factor));
        }
    }

    fn release(&mut self) {
        let drag = core::mem::replace(&mut self.pointer.drag, Drag::None);
        match drag {
            Drag::Button(id, button) if self.pointer.over == Some((id, button)) => self.push_button(id, button),
            Drag::Move { id, snap: Some(tile), .. } => self.tile(id, tile),
            Drag::Content(_) if self.transfer.is_some() => self.transfer_dropped(),
            Drag::Resize { id, .. } => self.let_go(id),
            _ => {}
        }
        self.hover();
    }

    /// The edges of a window that is not dragged and not about to change are free.
    pub(super) fn let_go(&mut self, id: WindowId) {
        let dragged = matches!(self.pointer.drag, Drag::Resize { id: known, .. } if known == id);
        if let Some(window) = self.windows.get_mut(&id).filter(|window| !dragged && window.pending.is_none()) {
            window.anchor = Anchor::default();
        }
    }

    fn push_button(&mut self, id: WindowId, button: Button) {
        match button {
            Button::Close => self.send(id, [orbclient::EVENT_QUIT, 0, 0]),
            Button::Maximize => self.toggle_maximized(id),
            Button::Minimize => self.minimize(id),
        }
    }

    /// Makes a window fill the room, or what it was before.
    pub(super) fn toggle_maximized(&mut self, id: WindowId) {
        let Some(window) = self.windows.get(&id) else { return };
        if !window.flags.has(WindowFlag::Resizable) {
            return;
        }
        let tile = if window.tile == Tile::Maximized { Tile::Floating } else { Tile::Maximized };
        self.tile(id, tile);
    }

    pub(super) fn scroll(&mut self, x: i32, y: i32) {
        let target = match self.pointer.drag {
            Drag::Content(id) => Some(id),
            _ => self.at(self.pointer.x, self.pointer.y).filter(|(_, part)| *part == Part::Content).map(|(id, _)| id),
        };
        if let Some(id) = target {
            self.send(id, [EVENT_SCROLL, x.into(), y.into()]);
        }
    }
}

fn shape_of(edges: Edges) -> Shape {
    match (edges.left, edges.right, edges.top, edges.bottom) {
        (true, _, true, _) | (_, true, _, true) => Shape::Falling,
        (_, true, true, _) | (true, _, _, true) => Shape::Rising,
        (_, _, false, false) => Shape::Horizontal,
        _ => Shape::Vertical,
    }
}
