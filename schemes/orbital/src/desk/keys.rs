//! The keyboard: what the desk does itself, and what goes to the window with the focus.
//!
//! | keys | do |
//! |---|---|
//! | Alt+Tab, Alt+Shift+Tab | change to another window; Esc leaves it |
//! | Alt+F4, Super+Q | close |
//! | Super+Left, Super+Right | put into a half of the screen |
//! | Super+Up, Super+Down | maximise; back to what it was, then from the screen |
//! | Super+C, Super+X, Super+V | copy, cut, paste |
//! | Super, alone | the menu of programs, by the panel |
//! | Print | save the screen to a file |

use orbclient::{
    ClipboardAction, EVENT_KEY, EVENT_QUIT, EVENT_TEXT_INPUT, K_ALT, K_C, K_DOWN, K_ESC, K_F4, K_LEFT, K_LEFT_CTRL,
    K_LEFT_SHIFT, K_LEFT_SUPER, K_PRTSC, K_Q, K_RIGHT, K_RIGHT_CTRL, K_RIGHT_SHIFT, K_RIGHT_SUPER, K_TAB, K_UP, K_V,
    K_X, WindowFlag,
};

use super::window::Tile;
use super::{Desk, Effect};
use crate::geometry::Rect;
use crate::wire::{Order, WindowId};

/// Sizes of the switcher, in pixels of the design.
const SWITCHER_WIDTH: i32 = 420;
/// Height of one window in it.
const SWITCHER_ROW: i32 = 40;
/// Room around them.
const SWITCHER_PADDING: i32 = 10;
/// Most windows that are shown at once.
const SWITCHER_ROWS: usize = 10;

/// Keys that are down.
#[derive(Clone, Debug, Default)]
pub struct Keyboard {
    shift: u8,
    control: u8,
    alt: bool,
    window: u8,
    /// The window key is down, and nothing else was pressed since.
    alone: bool,
    /// Keys whose release the client does not hear of either.
    ours: Vec<u8>,
}

impl Keyboard {
    /// Whether the window key is down.
    pub fn window_key(&self) -> bool {
        self.window != 0
    }

    /// Something else happens while the window key is down.
    pub fn disturb(&mut self) {
        self.alone = false;
    }

    fn track(&mut self, scancode: u8, pressed: bool) {
        let bit = |flags: &mut u8, bit: u8| *flags = if pressed { *flags | bit } else { *flags & !bit };
        match scancode {
            K_LEFT_SHIFT => bit(&mut self.shift, 1),
            K_RIGHT_SHIFT => bit(&mut self.shift, 2),
            K_LEFT_CTRL => bit(&mut self.control, 1),
            // On many keyboards this is AltGr, which makes characters.
            K_RIGHT_CTRL => {}
            K_LEFT_SUPER => bit(&mut self.window, 1),
            K_RIGHT_SUPER => bit(&mut self.window, 2),
            K_ALT => self.alt = pressed,
            _ => {}
        }
    }
}

/// The list of windows that Alt+Tab goes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switcher {
    /// The windows.
    pub list: Vec<WindowId>,
    /// The one that is chosen.
    pub at: usize,
}

impl Switcher {
    /// The windows that are shown, and which of them is chosen.
    pub fn shown(&self) -> (&[WindowId], usize) {
        let rows = self.list.len().min(SWITCHER_ROWS);
        let first = (self.at + 1).saturating_sub(rows).min(self.list.len() - rows);
        (&self.list[first..first + rows], self.at - first)
    }
}

impl Desk {
    pub(super) fn key(&mut self, scancode: u8, pressed: bool, character: char) {
        self.keyboard.track(scancode, pressed);
        let is_window_key = matches!(scancode, K_LEFT_SUPER | K_RIGHT_SUPER);
        if is_window_key && !pressed && self.keyboard.alone {
            self.effects.push(Effect::Order(Order::Menu));
        }
        // A key that is held comes again and again.
        self.keyboard.alone = is_window_key && pressed;
        if !pressed && scancode == K_ALT && self.switcher.is_some() {
            self.switch();
        }
        let known = self.keyboard.ours.iter().position(|&key| key == scancode);
        if let (Some(at), false) = (known, pressed) {
            self.keyboard.ours.swap_remove(at);
            return;
        }
        if is_window_key {
            return;
        }
        if pressed && self.shortcut(scancode) {
            if known.is_none() {
                self.keyboard.ours.push(scancode);
            }
            return;
        }
        self.key_to_client(scancode, pressed, character);
    }

    /// Whether a modifier is down that makes something else than text of a key.
    fn commanding(&self) -> bool {
        self.keyboard.control != 0 || self.keyboard.alt
    }

    /// A key for the client. Text comes as text, and the key that made it has no character; where a modifier makes it something
    /// else, the key has the character that it would be.
    fn key_to_client(&mut self, scancode: u8, pressed: bool, character: char) {
        let Some(id) = self.order.focused() else { return };
        let shown = self.commanding() && !character.is_control();
        let character = if shown { u32::from(character) } else { 0 };
        self.send(id, [EVENT_KEY, character.into(), i64::from(scancode) | i64::from(pressed) << 8]);
    }

    /// Text for the client.
    pub(super) fn text(&mut self, character: char) {
        let Some(id) = self.order.focused() else { return };
        if !self.commanding() && !self.keyboard.window_key() && !character.is_control() {
            self.send(id, [EVENT_TEXT_INPUT, u32::from(character).into(), 0]);
        }
    }

    /// Does what a key means to the desk; answers whether it means something.
    fn shortcut(&mut self, scancode: u8) -> bool {
        let focused = self.order.focused();
        let (alt, window) = (self.keyboard.alt, self.keyboard.window_key());
        match scancode {
            K_PRTSC if !self.keyboard.alt => self.effects.push(Effect::Capture),
            K_TAB if alt || window => self.next_in_switcher(),
            K_ESC if self.switcher.is_some() => self.leave_switcher(),
            K_F4 if alt => self.close_focused(),
            _ if !window => return false,
            K_Q => self.close_focused(),
            K_LEFT => self.tile_by_key(Tile::Left),
            K_RIGHT => self.tile_by_key(Tile::Right),
            K_UP => self.tile_by_key(Tile::Maximized),
            K_DOWN => match focused.and_then(|id| self.windows.get(&id)).map(|window| (window.id, window.tile)) {
                Some((id, Tile::Floating)) => self.minimize(id),
                Some((id, _)) => self.tile(id, Tile::Floating),
                None => {}
            },
            K_C => self.clipboard(ClipboardAction::Copy),
            K_X => self.clipboard(ClipboardAction::Cut),
            K_V => self.clipboard(ClipboardAction::Paste),
            _ => {}
        }
        true
    }

    fn close_focused(&mut self) {
        let closable =
            |id: &WindowId| self.windows.get(id).is_some_and(|window| !window.flags.has(WindowFlag::Unclosable));
        if let Some(id) = self.order.focused().filter(closable) {
            self.send(id, [EVENT_QUIT, 0, 0]);
        }
    }

    fn tile_by_key(&mut self, tile: Tile) {
        let resizable =
            |id: &WindowId| self.windows.get(id).is_some_and(|window| window.flags.has(WindowFlag::Resizable));
        if let Some(id) = self.order.focused().filter(resizable) {
            self.tile(id, tile);
        }
    }

    fn clipboard(&mut self, action: ClipboardAction) {
        if let Some(id) = self.order.focused() {
            self.effects.push(Effect::Order(Order::Clipboard(id, action.to_u8())));
        }
    }

    fn next_in_switcher(&mut self) {
        if self.switcher.is_none() {
            let listed = |id: &WindowId| self.windows.get(id).is_some_and(|window| window.listed());
            let list: Vec<WindowId> = self.order.recent().filter(listed).collect();
            if list.is_empty() {
                return;
            }
            // The first is the one that has the focus, if it is in the list.
            let before = self.order.focused() == list.first().copied();
            self.switcher = Some(Switcher { at: if before { 0 } else { list.len() - 1 }, list });
        }
        let back = self.keyboard.shift != 0;
        if let Some(switcher) = &mut self.switcher {
            let step = if back { switcher.list.len() - 1 } else { 1 };
            switcher.at = (switcher.at + step) % switcher.list.len();
        }
        self.touch_switcher();
    }

    fn switch(&mut self) {
        self.touch_switcher();
        if let Some(switcher) = self.switcher.take() {
            self.activate(switcher.list[switcher.at]);
        }
        self.hover();
    }

    fn leave_switcher(&mut self) {
        self.touch_switcher();
        self.switcher = None;
    }

    /// A window is gone.
    pub(super) fn switcher_forget(&mut self, id: WindowId) {
        self.touch_switcher();
        if let Some(switcher) = &mut self.switcher {
            switcher.list.retain(|&known| known != id);
            switcher.at = switcher.at.min(switcher.list.len().saturating_sub(1));
            if switcher.list.is_empty() {
                self.switcher = None;
            }
        }
        self.touch_switcher();
    }

    pub(super) fn touch_switcher(&mut self) {
        if let Some(rect) = self.switcher_rect() {
            self.touch_rect(rect);
        }
    }

    /// The list that Alt+Tab goes through, while it is shown.
    pub fn switcher(&self) -> Option<&Switcher> {
        self.switcher.as_ref()
    }

    /// Where that list is shown.
    pub fn switcher_rect(&self) -> Option<Rect> {
        let rows = self.switcher.as_ref()?.shown().0.len() as i32;
        let scale = self.metrics.scale;
        let w = (SWITCHER_WIDTH * scale).min(self.size.0);
        let h = (SWITCHER_ROW * rows + 2 * SWITCHER_PADDING) * scale;
        Some(Rect::new((self.size.0 - w) / 2, (self.size.1 - h) / 2, w, h))
    }

    /// Where a row of it is.
    pub fn switcher_row(&self, row: usize) -> Option<Rect> {
        let rect = self.switcher_rect()?;
        let scale = self.metrics.scale;
        let (padding, height) = (SWITCHER_PADDING * scale, SWITCHER_ROW * scale);
        Some(Rect::new(rect.x + padding, rect.y + padding + row as i32 * height, rect.w - 2 * padding, height))
    }
}
