//! Data that is dragged from window to window.
//!
//! The source offers it while a button is pressed in it. The window under the pointer is told; if it looks at the data it hears
//! of every movement, and may say whether it would take it. When the button is let go over a window that listens, the data
//! is that window's.

use orbclient::{DragAction, EVENT_BUTTON, EVENT_DRAG_ENTER, EVENT_DRAG_LEAVE, EVENT_DRAG_MOVE, EVENT_DROP};

use super::frame::Part;
use super::pointer::Shape;
use super::{Desk, Effect};
use crate::protocol::DropAnswer;
use crate::wire::{Order, WindowId};

/// Something is being dragged.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// Bytes of it.
    size: u64,
    /// The window under the pointer.
    over: Option<WindowId>,
    /// That window listens.
    listens: bool,
    /// That window has not refused.
    wanted: bool,
}

impl Desk {
    /// A window offers something.
    pub(super) fn offered(&mut self, source: WindowId, size: u64) {
        if self.pointer.pressed_in() != Some(source) || self.transfer.is_some() {
            self.effects.push(Effect::Order(Order::DragOver(false)));
            return;
        }
        self.transfer = Some(Transfer { size, over: None, listens: false, wanted: false });
        // The source hears nothing more of the button.
        self.send(source, [EVENT_BUTTON, 0, 0]);
        self.transfer_moved();
    }

    /// The pointer has moved, with something in its hand.
    pub(super) fn transfer_moved(&mut self) {
        let (x, y) = (self.pointer.x, self.pointer.y);
        let target = match self.at(x, y) {
            Some((id, Part::Content)) => Some(id),
            _ => None,
        };
        let Some(transfer) = &mut self.transfer else { return };
        let before = *transfer;
        if before.over != target {
            (transfer.over, transfer.listens, transfer.wanted) = (target, false, false);
            if let Some(id) = before.over.filter(|_| before.listens) {
                self.send(id, [EVENT_DRAG_LEAVE, 0, 0]);
            }
            if let Some(id) = target {
                self.send(id, packed(EVENT_DRAG_ENTER, before.size, (0, 0)));
            }
        } else if before.listens {
            self.tell_transfer(EVENT_DRAG_MOVE);
        }
        self.show_transfer();
    }

    /// Tells the window under the pointer, at which place of it.
    fn tell_transfer(&mut self, event: i64) {
        let Some(Transfer { size, over: Some(id), .. }) = self.transfer else { return };
        let Some(window) = self.windows.get(&id) else { return };
        let place = self.in_buffer(window, self.pointer.x, self.pointer.y);
        self.send(id, packed(event, size, place));
    }

    fn show_transfer(&mut self) {
        let wanted = self.transfer.is_some_and(|transfer| transfer.listens && transfer.wanted);
        self.pointer.shape = if wanted { Shape::Carry } else { Shape::Refuse };
    }

    /// A window has looked at the data.
    pub(super) fn peeked(&mut self, id: WindowId) {
        let Some(transfer) = self.transfer.as_mut().filter(|transfer| transfer.over == Some(id)) else { return };
        if !core::mem::replace(&mut transfer.listens, true) {
            transfer.wanted = true;
            self.tell_transfer(EVENT_DRAG_MOVE);
            self.show_transfer();
        }
    }

    /// A window says whether it wants it.
    pub(super) fn answered(&mut self, id: WindowId, answer: DropAnswer) {
        let Some(transfer) = self.transfer.as_mut().filter(|transfer| transfer.over == Some(id)) else { return };
        match answer {
            DropAnswer::Yes => transfer.wanted = true,
            DropAnswer::No => transfer.wanted = false,
            DropAnswer::Done => transfer.listens = false,
        }
        self.show_transfer();
    }

    /// The button is let go.
    pub(super) fn transfer_dropped(&mut self) {
        let taken = self.transfer.is_some_and(|transfer| transfer.listens && transfer.over.is_some());
        if taken {
            self.tell_transfer(EVENT_DROP);
        }
        self.transfer = None;
        self.effects.push(Effect::Order(Order::DragOver(taken)));
    }

    /// A window is gone. If it was the source, the button belongs to nobody and what it offered goes with it.
    pub(super) fn transfer_forget(&mut self, id: WindowId) {
        let Some(transfer) = &mut self.transfer else { return };
        if transfer.over == Some(id) {
            (transfer.over, transfer.listens) = (None, false);
        }
        if self.pointer.pressed_in().is_none() {
            self.transfer = None;
            self.effects.push(Effect::Order(Order::DragOver(false)));
        }
    }
}

/// An event about something dragged, as the protocol packs it.
fn packed(code: i64, size: u64, (x, y): (i32, i32)) -> [i64; 3] {
    let kind = i64::from(DragAction::Copy.to_u8());
    [code, kind | (size as i64) << 8, i64::from(x) & 0xffff_ffff | i64::from(y) << 32]
}
