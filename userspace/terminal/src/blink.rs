//! The cursor's blinking. It stops when nobody has typed for a while, so that a terminal which is left alone does not wake.

/// Milliseconds that the cursor is seen, and then is not.
const HALF: u64 = 530;
/// Without a key for so long it is seen all the time.
const PATIENCE: u64 = 10_000;

/// The state of the cursor.
#[derive(Debug)]
pub struct Blink {
    /// The window has the keyboard and the cursor is one that blinks.
    wanted: bool,
    hidden: bool,
    /// When that changes.
    next: u64,
    /// When it ends.
    until: u64,
}

impl Blink {
    /// A cursor that is seen.
    pub const fn new() -> Self {
        Self { wanted: false, hidden: false, next: 0, until: 0 }
    }

    /// Somebody typed, or the window got the keyboard: the cursor is seen, and begins anew.
    pub fn restart(&mut self, now: u64) {
        (self.hidden, self.next, self.until) = (false, now + HALF, now + PATIENCE);
    }

    /// Whether it shall blink at all.
    pub fn set_wanted(&mut self, wanted: bool, now: u64) {
        if core::mem::replace(&mut self.wanted, wanted) != wanted {
            self.restart(now);
        }
    }

    /// Whether the cursor is not seen now.
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// When [`Blink::tick`] is to be called.
    pub fn due(&self) -> Option<u64> {
        // It never stops while it is hidden.
        (self.wanted && (self.hidden || self.next < self.until)).then_some(self.next)
    }

    /// Time has passed. Answers whether the cursor looks different.
    pub fn tick(&mut self, now: u64) -> bool {
        if self.due().is_none_or(|due| due > now) {
            return false;
        }
        self.hidden = !self.hidden;
        self.next = now + HALF;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_blinks_for_a_while_and_ends_visible() {
        let mut blink = Blink::new();
        assert_eq!(blink.due(), None);
        blink.set_wanted(true, 100);
        let mut changes = 0;
        while let Some(due) = blink.due() {
            assert!(due <= 100 + PATIENCE + HALF && !blink.tick(due - 1));
            assert!(blink.tick(due));
            changes += 1;
        }
        assert!(!blink.is_hidden() && changes >= 16, "{changes}");
        blink.restart(50_000);
        assert_eq!(blink.due(), Some(50_530));
        blink.tick(50_530);
        assert!(blink.is_hidden());
        // Without the keyboard it is seen, and does not wake anybody.
        blink.set_wanted(false, 50_600);
        assert!(!blink.is_hidden() && blink.due().is_none());
    }
}
