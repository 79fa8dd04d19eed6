//! What panels hear of windows, and what they want of them.

use orbclient::{EVENT_QUIT, WindowFlag};

use super::{Desk, Effect};
use crate::wire::{Listed, Order, WindowId, Wish};

impl Desk {
    /// Says which windows there are, when that is not what was said last.
    pub(super) fn refresh_list(&mut self) {
        if self.restoring.is_some() {
            return;
        }
        let focused = self.order.focused();
        let listed = self.windows.values().filter(|window| window.listed()).map(|window| Listed {
            id: window.id,
            focused: focused == Some(window.id),
            minimized: window.minimized,
        });
        let list: Vec<Listed> = listed.collect();
        if self.told_list.as_ref() != Some(&list) {
            self.effects.push(Effect::Order(Order::List(list.clone())));
            self.told_list = Some(list);
        }
    }

    /// A panel wants something of a window.
    pub(super) fn wish(&mut self, id: WindowId, wish: Wish) {
        let Some(window) = self.windows.get(&id).filter(|window| window.listed()) else { return };
        match wish {
            Wish::Raise => {
                self.activate(id);
                self.hover();
            }
            Wish::Minimize => self.minimize(id),
            Wish::Close if window.flags.has(WindowFlag::Unclosable) => {}
            Wish::Close => self.send(id, [EVENT_QUIT, 0, 0]),
        }
    }
}
