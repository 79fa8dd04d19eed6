//! A window as the display server knows it.

use orbclient::WindowFlag;
use serde::{Deserialize, Serialize};

use crate::desk::frame::{Frame, Metrics};
use crate::geometry::Rect;
use crate::protocol::Flags;
use crate::wire::{Told, WindowId};

/// How a window lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tile {
    /// Where it was put.
    #[default]
    Floating,
    /// In the left half.
    Left,
    /// In the right half.
    Right,
    /// In all of the room for windows.
    Maximized,
    /// On the whole screen, without a frame.
    Full,
}

/// What lies above what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The background.
    Back,
    /// Windows.
    Normal,
    /// What is always in front.
    Front,
    /// A window that fills the screen and has the focus.
    Full,
}

/// Where edges stay while a client changes its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anchor {
    /// The right edge.
    pub right: Option<i32>,
    /// The lower edge.
    pub bottom: Option<i32>,
}

/// A window.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its number.
    pub id: WindowId,
    /// Its flags.
    pub flags: Flags,
    /// Its title.
    pub title: String,
    /// Width and height of its buffer.
    pub size: (i32, i32),
    /// Which buffer it is.
    pub generation: u32,
    /// Where its content is.
    pub x: i32,
    /// Where its content is.
    pub y: i32,
    /// The cursor is shown over it.
    pub cursor: bool,
    /// The pointer stays in it.
    pub grab: bool,
    /// It gets motions instead of positions.
    pub relative: bool,
    /// It is taken from the screen.
    pub minimized: bool,
    /// How it lies.
    pub tile: Tile,
    /// Its content before it was tiled.
    pub restore: Option<Rect>,
    /// The content that its client was asked for and has not made yet.
    pub pending: Option<Rect>,
    /// Edges that stay when the size changes.
    pub anchor: Anchor,
}

impl Window {
    /// A window as its client made it.
    pub fn new(told: &Told) -> Self {
        let (x, y) = told.position.unwrap_or_default();
        let mut window = Self {
            id: told.id,
            flags: told.flags,
            title: String::new(),
            size: (0, 0),
            generation: 0,
            x,
            y,
            cursor: true,
            grab: false,
            relative: false,
            minimized: false,
            tile: Tile::Floating,
            restore: None,
            pending: None,
            anchor: Anchor::default(),
        };
        window.update(told);
        window
    }

    /// Takes over what the client has said, but for its place.
    pub fn update(&mut self, told: &Told) {
        self.flags = told.flags;
        self.title.clone_from(&told.title);
        self.size = (told.size.0 as i32, told.size.1 as i32);
        self.generation = told.generation;
        (self.cursor, self.grab, self.relative) = (told.cursor, told.grab, told.relative);
    }

    /// Whether it is on the screen.
    pub fn visible(&self) -> bool {
        !self.minimized && !self.flags.has(WindowFlag::Hidden)
    }

    /// Whether nothing behind it can be seen.
    pub fn opaque(&self) -> bool {
        !self.flags.has(WindowFlag::Transparent)
    }

    /// Pixels of the screen to a pixel of its buffer.
    pub fn magnification(&self, scale: i32) -> i32 {
        if self.flags.has(WindowFlag::Scalable) { scale } else { 1 }
    }

    /// Its layer.
    pub fn layer(&self, focused: bool) -> Layer {
        if self.flags.has(WindowFlag::Back) {
            Layer::Back
        } else if self.tile == Tile::Full && focused {
            Layer::Full
        } else if self.flags.has(WindowFlag::Front) {
            Layer::Front
        } else {
            Layer::Normal
        }
    }

    /// Whether a user changes to it with the keyboard: not the background, and no panels.
    pub fn listed(&self) -> bool {
        let panel = self.flags.has(WindowFlag::Front) && self.flags.has(WindowFlag::Borderless);
        !panel && !self.flags.has(WindowFlag::Back) && !self.flags.has(WindowFlag::Hidden)
    }

    /// Whether it can have the focus. A bar that cannot be closed is for the pointer only: pressing it leaves the focus where it is.
    pub fn takes_focus(&self) -> bool {
        let has = |flag| self.flags.has(flag);
        !(has(WindowFlag::Front) && has(WindowFlag::Borderless) && has(WindowFlag::Unclosable))
    }

    /// Its content on the screen.
    pub fn content(&self, scale: i32) -> Rect {
        let factor = self.magnification(scale);
        Rect::new(self.x, self.y, self.size.0 * factor, self.size.1 * factor)
    }

    /// Its frame.
    pub fn frame(&self, metrics: Metrics) -> Frame {
        let bare =
            self.flags.has(WindowFlag::Borderless) || self.flags.has(WindowFlag::Back) || self.tile == Tile::Full;
        Frame {
            content: self.content(metrics.scale),
            decorated: !bare,
            floating: self.tile == Tile::Floating,
            resizable: self.flags.has(WindowFlag::Resizable),
            closable: !self.flags.has(WindowFlag::Unclosable),
            metrics,
        }
    }
}
