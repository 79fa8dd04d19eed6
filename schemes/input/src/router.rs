//! All devices together: a key is down when it is down on any of them. What the consumer has not read yet is kept here, within
//! limits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use input_contract::{Event, Raw};

use crate::keyboard::Keyboard;

/// Events that are kept for a consumer that does not read. Movement is joined before; then the newest are lost, but for keys and
/// buttons that go up, for which there is as much room again.
const ROOM: usize = 2048;

/// What a device holds down.
#[derive(Default)]
struct Held {
    keys: BTreeSet<u8>,
    buttons: u8,
}

/// All devices and the queue to the consumer.
pub struct Router {
    /// The keyboard that all keyboards are.
    pub keyboard: Keyboard,
    producers: BTreeMap<usize, Held>,
    buttons: u8,
    queue: VecDeque<Event>,
    consumed: bool,
    scratch: Vec<Event>,
}

impl Router {
    /// Without devices and without a consumer.
    pub fn new(keyboard: Keyboard) -> Self {
        let (producers, queue) = (BTreeMap::new(), VecDeque::new());
        Router { keyboard, producers, buttons: 0, queue, consumed: false, scratch: Vec::new() }
    }

    /// A device is plugged in.
    pub fn add(&mut self, producer: usize) {
        self.producers.insert(producer, Held::default());
    }

    /// A device is gone: what it held down is let go.
    pub fn remove(&mut self, producer: usize, now: Duration) {
        let Some(held) = self.producers.get(&producer) else { return };
        for code in held.keys.clone() {
            self.take(producer, Raw::Key { code, pressed: false }, now);
        }
        self.take(producer, Raw::Button { which: u8::MAX, pressed: false }, now);
        self.producers.remove(&producer);
    }

    /// Whether somebody consumes.
    pub fn is_consumed(&self) -> bool {
        self.consumed
    }

    /// Somebody consumes from now on, or nobody does. What came before is nobody's.
    pub fn set_consumed(&mut self, consumed: bool) {
        self.consumed = consumed;
        self.queue.clear();
        self.keyboard.stop_repeating();
    }

    /// A device says something.
    pub fn take(&mut self, producer: usize, raw: Raw, now: Duration) {
        match raw {
            Raw::Key { code, pressed } => self.key(producer, code, pressed, now),
            Raw::Button { which, pressed } => self.button(producer, which, pressed),
            Raw::Relative { dx, dy } => self.push(Event::Relative { dx, dy }),
            Raw::Absolute { x, y } => self.push(Event::Absolute { x, y }),
            Raw::Scroll { dx, dy } => self.push(Event::Scroll { dx, dy }),
        }
    }

    fn key(&mut self, producer: usize, code: u8, pressed: bool, now: Duration) {
        let Some(held) = self.producers.get_mut(&producer) else { return };
        let changed = if pressed { held.keys.insert(code) } else { held.keys.remove(&code) };
        let elsewhere = self.producers.iter().any(|(other, held)| *other != producer && held.keys.contains(&code));
        if changed && !elsewhere {
            let mut events = std::mem::take(&mut self.scratch);
            self.keyboard.key(code, pressed, now, &mut events);
            events.drain(..).for_each(|event| self.push(event));
            self.scratch = events;
        }
    }

    fn button(&mut self, producer: usize, which: u8, pressed: bool) {
        let Some(held) = self.producers.get_mut(&producer) else { return };
        held.buttons = if pressed { held.buttons | which } else { held.buttons & !which };
        let down = self.producers.values().fold(0, |all, held| all | held.buttons);
        if down != self.buttons {
            self.buttons = down;
            self.push(Event::Buttons { down });
        }
    }

    /// Time has come to what was due.
    pub fn tick(&mut self, now: Duration) {
        let mut events = std::mem::take(&mut self.scratch);
        self.keyboard.tick(now, &mut events);
        events.drain(..).for_each(|event| self.push(event));
        self.scratch = events;
    }

    fn push(&mut self, event: Event) {
        if !self.consumed {
            return;
        }
        if let Some(last) = self.queue.back_mut()
            && let Some(joined) = join(*last, event)
        {
            *last = joined;
            return;
        }
        let goes_up = matches!(event, Event::Key { pressed: false, .. } | Event::Buttons { .. });
        if self.queue.len() < if goes_up { 2 * ROOM } else { ROOM } {
            self.queue.push_back(event);
        }
    }

    /// The next event for the consumer.
    pub fn take_event(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    /// Whether there is something for the consumer.
    pub fn is_ready(&self) -> bool {
        !self.queue.is_empty()
    }
}

/// Two movements in a row as one.
fn join(first: Event, second: Event) -> Option<Event> {
    match (first, second) {
        (Event::Absolute { .. }, Event::Absolute { .. }) => Some(second),
        (Event::Relative { dx, dy }, Event::Relative { dx: more_x, dy: more_y }) => {
            Some(Event::Relative { dx: dx.saturating_add(more_x), dy: dy.saturating_add(more_y) })
        }
        (Event::Scroll { dx, dy }, Event::Scroll { dx: more_x, dy: more_y }) => {
            Some(Event::Scroll { dx: dx.saturating_add(more_x), dy: dy.saturating_add(more_y) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use input_contract::{button, key};

    use super::*;
    use crate::keymap::Keymap;

    fn router() -> Router {
        let mut router = Router::new(Keyboard::new(Keymap::parse(include_str!("../keymaps/us.toml")).unwrap()));
        router.add(1);
        router.add(2);
        router.set_consumed(true);
        router
    }

    fn drain(router: &mut Router) -> Vec<Event> {
        std::iter::from_fn(|| router.take_event()).collect()
    }

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn movement_is_joined_until_something_else_comes() {
        let mut router = router();
        for raw in [Raw::Relative { dx: 1, dy: 2 }, Raw::Relative { dx: i32::MAX, dy: -5 }] {
            router.take(1, raw, NOW);
        }
        router.take(2, Raw::Button { which: button::LEFT, pressed: true }, NOW);
        for raw in [Raw::Absolute { x: 1, y: 1 }, Raw::Absolute { x: 2, y: 3 }, Raw::Scroll { dx: 0, dy: 1 }] {
            router.take(2, raw, NOW);
        }
        let events = [
            Event::Relative { dx: i32::MAX, dy: -3 },
            Event::Buttons { down: button::LEFT },
            Event::Absolute { x: 2, y: 3 },
            Event::Scroll { dx: 0, dy: 1 },
        ];
        assert_eq!(drain(&mut router), events);
    }

    #[test]
    fn two_devices_hold_the_same() {
        let mut router = router();
        let shift = |pressed| Raw::Key { code: key::LEFT_SHIFT, pressed };
        let left = |pressed| Raw::Button { which: button::LEFT, pressed };
        for (producer, raw) in
            [(1, shift(true)), (2, shift(true)), (1, left(true)), (2, left(true)), (1, shift(false)), (1, left(false))]
        {
            router.take(producer, raw, NOW);
        }
        assert_eq!(drain(&mut router).len(), 2);
        // The other one is unplugged.
        router.remove(2, NOW);
        let events = drain(&mut router);
        assert!(matches!(events[..], [Event::Key { pressed: false, .. }, Event::Buttons { down: 0 }]), "{events:?}");
        // A device that is not there says nothing.
        router.take(2, shift(true), NOW);
        assert_eq!(drain(&mut router), []);
    }

    #[test]
    fn what_a_device_repeats_by_itself_is_not_said() {
        let mut router = router();
        (0..5).for_each(|_| router.take(1, Raw::Key { code: 0x1e, pressed: true }, NOW));
        assert_eq!(drain(&mut router).len(), 2, "the key and its character");
    }

    #[test]
    fn a_consumer_that_does_not_read_costs_little_and_hears_what_goes_up() {
        let mut router = router();
        for _ in 0..ROOM {
            router.take(1, Raw::Key { code: 0x1e, pressed: true }, NOW);
            router.take(1, Raw::Key { code: 0x1e, pressed: false }, NOW);
            router.take(1, Raw::Scroll { dx: 0, dy: 1 }, NOW);
            router.take(1, Raw::Relative { dx: 1, dy: 1 }, NOW);
        }
        let events = drain(&mut router);
        assert!(events.len() <= 2 * ROOM);
        let last = events.iter().rev().find(|event| matches!(event, Event::Key { .. }));
        assert!(matches!(last, Some(Event::Key { pressed: false, .. })));
    }

    #[test]
    fn nobody_consumes() {
        let mut router = router();
        router.take(1, Raw::Key { code: key::LEFT_SHIFT, pressed: true }, NOW);
        router.set_consumed(false);
        router.take(1, Raw::Key { code: 0x1e, pressed: true }, NOW);
        router.set_consumed(true);
        router.take(1, Raw::Key { code: 0x12, pressed: true }, NOW);
        // Modifiers are known to the next one.
        assert!(matches!(drain(&mut router)[..], [Event::Text { character: 'E' }, Event::Key { character: 'E', .. }]));
    }
}
