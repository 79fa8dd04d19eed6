//! What the keeper remembers of the desk, so that the next server has it as it was.

use serde::{Deserialize, Serialize};

use super::window::Tile;
use super::{Desk, Effect};
use crate::geometry::Rect;
use crate::wire::{MEMORY_ROOM, Order, WindowId};

/// What of a window is the server's affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    id: WindowId,
    minimized: bool,
    tile: Tile,
    restore: Option<Rect>,
}

/// The desk without its windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    stack: Vec<WindowId>,
    recent: Vec<WindowId>,
    focused: Option<WindowId>,
    windows: Vec<Remembered>,
}

impl Memory {
    /// Reads it. What cannot be read is nothing: the desk is then as if all windows were new.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        postcard::from_bytes(bytes).unwrap_or_default()
    }
}

impl Desk {
    /// All windows that were there are known: they lie as they did.
    pub(super) fn restored(&mut self) {
        let Some(memory) = self.restoring.take() else { return };
        for known in &memory.windows {
            if let Some(window) = self.windows.get_mut(&known.id) {
                (window.minimized, window.tile, window.restore) = (known.minimized, known.tile, known.restore);
            }
        }
        self.order.restore(&memory.stack, &memory.recent, memory.focused);
        self.remembered = memory;
        self.restack();
        if self.order.focused().is_none() {
            self.focus_next();
        }
        self.damage_all();
        self.hover();
    }

    /// Gives the keeper what has changed of what it remembers.
    pub(super) fn remember(&mut self) {
        if self.restoring.is_some() {
            return;
        }
        let special = self.windows.values().filter(|window| window.minimized || window.tile != Tile::Floating);
        let remembered = |window: &super::Window| Remembered {
            id: window.id,
            minimized: window.minimized,
            tile: window.tile,
            restore: window.restore,
        };
        let memory = Memory {
            stack: self.order.stack().to_vec(),
            recent: self.order.recent().collect(),
            focused: self.order.focused(),
            windows: special.map(remembered).collect(),
        };
        if memory == self.remembered {
            return;
        }
        if let Ok(bytes) = postcard::to_allocvec(&memory)
            && bytes.len() <= MEMORY_ROOM
        {
            self.effects.push(Effect::Order(Order::Memory(bytes)));
        }
        self.remembered = memory;
    }
}
