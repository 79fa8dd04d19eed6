//! What has become ready, until the server asks for it.

use std::collections::VecDeque;

use syscall::EventFlags;

/// A queue of readiness, for schemes whose requests can wait. A scheme keeps one, raises what has become ready in it, and
/// hands it out in [`Scheme::next_ready`](crate::Scheme::next_ready).
#[derive(Clone, Debug, Default)]
pub struct Ready {
    queue: VecDeque<(usize, EventFlags)>,
}

impl Ready {
    /// An empty queue.
    pub const fn new() -> Self {
        Self { queue: VecDeque::new() }
    }

    /// Something can now be done with an open number: requests that wait there are tried again, and who watches it is told.
    pub fn raise(&mut self, number: usize, flags: EventFlags) {
        // Raising twice before anybody looks is the same as once.
        match self.queue.iter_mut().find(|(known, _)| *known == number) {
            Some((_, known)) => *known |= flags,
            None => self.queue.push_back((number, flags)),
        }
    }

    /// The next one.
    #[inline]
    pub fn take(&mut self) -> Option<(usize, EventFlags)> {
        self.queue.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_of_one_number_comes_once() {
        let mut ready = Ready::new();
        ready.raise(1, EventFlags::EVENT_READ);
        ready.raise(2, EventFlags::EVENT_READ);
        ready.raise(1, EventFlags::EVENT_WRITE);
        assert_eq!(ready.take(), Some((1, EventFlags::EVENT_READ | EventFlags::EVENT_WRITE)));
        assert_eq!(ready.take(), Some((2, EventFlags::EVENT_READ)));
        assert_eq!(ready.take(), None);
    }
}
