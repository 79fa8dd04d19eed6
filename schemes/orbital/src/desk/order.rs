//! Which window lies above which, which has the focus, and which had it before.

use orbclient::EVENT_FOCUS;

use super::Desk;
use super::window::Layer;
use crate::wire::WindowId;

/// The order of windows.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// From the lowest to the foremost.
    stack: Vec<WindowId>,
    /// From the one that had the focus last to the one that had it first.
    recent: Vec<WindowId>,
    focused: Option<WindowId>,
}

impl Order {
    /// A new window, in front.
    pub fn insert(&mut self, id: WindowId) {
        self.stack.push(id);
        self.recent.push(id);
    }

    /// A window is gone.
    pub fn remove(&mut self, id: WindowId) {
        self.stack.retain(|&known| known != id);
        self.recent.retain(|&known| known != id);
        self.focused = self.focused.filter(|&known| known != id);
    }

    /// Brings a window to the front of its layer; answers whether it was not there.
    pub fn raise(&mut self, id: WindowId, layer: impl Fn(WindowId) -> Layer) -> bool {
        let before = self.stack.clone();
        self.stack.retain(|&known| known != id);
        self.stack.push(id);
        self.sort(layer);
        self.stack != before
    }

    /// Puts the layers in order, and leaves the order in each as it is.
    pub fn sort(&mut self, layer: impl Fn(WindowId) -> Layer) {
        self.stack.sort_by_key(|&id| layer(id));
    }

    /// The window with the focus.
    pub fn focused(&self) -> Option<WindowId> {
        self.focused
    }

    /// Gives the focus to a window, or takes it from all.
    pub fn focus(&mut self, id: Option<WindowId>) {
        self.focused = id;
        if let Some(id) = id {
            self.recent.retain(|&known| known != id);
            self.recent.insert(0, id);
        }
    }

    /// All windows, the foremost first.
    pub fn front_to_back(&self) -> impl Iterator<Item = WindowId> {
        self.stack.iter().rev().copied()
    }

    /// All windows, the one that had the focus last first.
    pub fn recent(&self) -> impl Iterator<Item = WindowId> {
        self.recent.iter().copied()
    }

    /// From the lowest to the foremost.
    pub fn stack(&self) -> &[WindowId] {
        &self.stack
    }

    /// Takes over an order that was before, for the windows that are still there. New ones stay in front.
    pub fn restore(&mut self, stack: &[WindowId], recent: &[WindowId], focused: Option<WindowId>) {
        let rank = |list: &[WindowId], id: &WindowId| list.iter().position(|known| known == id).unwrap_or(list.len());
        self.stack.sort_by_key(|id| rank(stack, id));
        self.recent.sort_by_key(|id| rank(recent, id));
        self.focused = focused.filter(|id| self.stack.contains(id));
    }
}

impl Desk {
    /// Puts the layers in order, after something about them changed.
    pub(super) fn restack(&mut self) {
        let focused = self.order.focused();
        let before = self.order.stack().to_vec();
        let windows = &self.windows;
        self.order.sort(|id| windows.get(&id).map_or(Layer::Normal, |window| window.layer(focused == Some(id))));
        let moved: Vec<WindowId> =
            self.order.stack().iter().zip(&before).filter(|(now, then)| now != then).map(|(&id, _)| id).collect();
        moved.into_iter().for_each(|id| self.touch(id));
    }

    /// Brings a window to the front of its layer.
    pub(super) fn raise(&mut self, id: WindowId) {
        let focused = self.order.focused();
        let windows = &self.windows;
        let layer = |id| windows.get(&id).map_or(Layer::Normal, |window| window.layer(focused == Some(id)));
        if self.order.raise(id, layer) {
            self.touch(id);
        }
    }

    /// Gives a window the focus, in front of the others, back on the screen if it was taken from it.
    pub(super) fn activate(&mut self, id: WindowId) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        if window.minimized {
            window.minimized = false;
            self.touch(id);
        }
        self.focus(Some(id));
        self.raise(id);
    }

    /// Gives the focus to a window, or takes it from all.
    pub(super) fn focus(&mut self, id: Option<WindowId>) {
        let before = self.order.focused();
        if before == id {
            return;
        }
        self.order.focus(id);
        for (window, focused) in [(before, false), (id, true)] {
            if let Some(window) = window.filter(|window| self.windows.contains_key(window)) {
                self.send(window, [EVENT_FOCUS, focused.into(), 0]);
                self.touch(window);
            }
        }
        self.restack();
    }

    /// Gives the focus to the window on the screen that had it last.
    pub(super) fn focus_next(&mut self) {
        let candidates: Vec<WindowId> = self.order.recent().collect();
        let can = |id: &&WindowId| self.windows.get(id).is_some_and(|window| window.visible() && window.listed());
        let next = candidates.iter().find(can).copied();
        match next {
            Some(id) => self.activate(id),
            None => self.focus(None),
        }
    }

    /// Takes a window from the screen.
    pub(super) fn minimize(&mut self, id: WindowId) {
        self.touch(id);
        if let Some(window) = self.windows.get_mut(&id) {
            window.minimized = true;
        }
        if self.order.focused() == Some(id) {
            self.focus_next();
        }
        self.hover();
    }
}
