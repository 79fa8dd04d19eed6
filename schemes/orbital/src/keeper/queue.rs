//! Events that wait for a client to read them. The queue is short; what a client that does not read loses is its own.

use std::collections::VecDeque;

use orbclient::{
    EVENT_DRAG_MOVE, EVENT_MOUSE, EVENT_MOUSE_RELATIVE, EVENT_MOVE, EVENT_RESIZE, EVENT_SCALE, EVENT_SCREEN,
};

/// An event as the protocol has it: code and two numbers.
pub type Event = [i64; 3];

/// Bytes of an event.
pub const EVENT_SIZE: usize = 24;
/// Most events that wait.
const MOST: usize = 256;

/// The queue of one window.
#[derive(Debug, Default)]
pub struct Queue {
    events: VecDeque<Event>,
}

impl Queue {
    /// Puts an event in. Where only the last of a kind matters, it replaces the one that waits.
    pub fn push(&mut self, event: Event) {
        match event[0] {
            EVENT_MOUSE | EVENT_DRAG_MOVE => {
                // Only at the end: a button between two positions belongs to the first.
                if let Some(last) = self.events.back_mut().filter(|last| last[0] == event[0]) {
                    *last = event;
                    return;
                }
            }
            EVENT_MOUSE_RELATIVE => {
                if let Some(last) = self.events.back_mut().filter(|last| last[0] == event[0]) {
                    *last = [event[0], last[1].saturating_add(event[1]), last[2].saturating_add(event[2])];
                    return;
                }
            }
            EVENT_MOVE | EVENT_RESIZE | EVENT_SCREEN | EVENT_SCALE => self.events.retain(|known| known[0] != event[0]),
            _ => {}
        }
        if self.events.len() == MOST {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Moves events to a client's buffer, as many as fit. Answers the number of bytes.
    pub fn read(&mut self, buf: &mut [u8]) -> usize {
        let mut count = 0;
        for place in buf.chunks_exact_mut(EVENT_SIZE) {
            let Some(event) = self.events.pop_front() else { break };
            place.copy_from_slice(bytemuck::cast_slice(&event));
            count += EVENT_SIZE;
        }
        count
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use orbclient::{EVENT_BUTTON, EVENT_KEY};

    use super::*;

    fn all(queue: &mut Queue) -> Vec<Event> {
        let mut bytes = vec![0; (MOST + 1) * EVENT_SIZE];
        let count = queue.read(&mut bytes);
        bytes[..count].chunks_exact(EVENT_SIZE).map(bytemuck::pod_read_unaligned).collect()
    }

    #[test]
    fn positions_are_replaced_but_not_across_a_button() {
        let mut queue = Queue::default();
        let button = [EVENT_BUTTON, 1, 0];
        for event in [[EVENT_MOUSE, 1, 1], [EVENT_MOUSE, 2, 2], button, [EVENT_MOUSE, 3, 3]] {
            queue.push(event);
        }
        assert_eq!(all(&mut queue), [[EVENT_MOUSE, 2, 2], button, [EVENT_MOUSE, 3, 3]]);
    }

    #[test]
    fn motions_are_added_and_sizes_replaced() {
        let mut queue = Queue::default();
        for event in [
            [EVENT_RESIZE, 1, 1],
            [EVENT_MOUSE_RELATIVE, 1, 2],
            [EVENT_MOUSE_RELATIVE, 1, 2],
            [EVENT_MOUSE_RELATIVE, i64::MAX, 0],
            [EVENT_RESIZE, 5, 5],
        ] {
            queue.push(event);
        }
        assert_eq!(all(&mut queue), [[EVENT_MOUSE_RELATIVE, i64::MAX, 4], [EVENT_RESIZE, 5, 5]]);
    }

    #[test]
    fn a_client_that_does_not_read_costs_no_more_than_a_full_queue() {
        let mut queue = Queue::default();
        (0..10_000).for_each(|number| queue.push([EVENT_KEY, number, 0]));
        let events = all(&mut queue);
        assert_eq!((events.len(), events[MOST - 1]), (MOST, [EVENT_KEY, 9_999, 0]));
        assert!(queue.is_empty());
    }

    #[test]
    fn only_whole_events_are_read() {
        let mut queue = Queue::default();
        queue.push([EVENT_KEY, 1, 2]);
        assert_eq!(queue.read(&mut [0; 23]), 0);
        assert_eq!(queue.read(&mut [0; 47]), 24);
    }
}
