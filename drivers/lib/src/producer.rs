//! The way of a keyboard or pointer to `inputd`, which may die and come back.

use input_contract::Raw;
use libredox::Fd;
use libredox::flag::{O_CLOEXEC, O_NONBLOCK, O_RDWR};

use crate::Input;

/// A device, as `inputd` knows it.
pub struct Producer {
    name: String,
    /// Number that the loop says for it.
    number: usize,
    inputd: Option<Fd>,
    /// The loop does not watch it yet.
    fresh: bool,
}

impl Producer {
    /// A device of this name, whose lights the loop is to watch under this number.
    pub fn new(name: &str, number: usize) -> Self {
        let mut producer = Self { name: name.into(), number, inputd: None, fresh: false };
        producer.connect();
        producer
    }

    /// Opens it, if it is there: otherwise the next thing to say tries again.
    fn connect(&mut self) {
        let path = format!("/scheme/input/producer/{}", self.name);
        self.inputd = Fd::open(&path, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0).ok();
        self.fresh = self.inputd.is_some();
    }

    /// Says what has happened. What nobody hears is lost.
    pub fn say(&mut self, raws: &[Raw]) {
        if raws.is_empty() {
            return;
        }
        let bytes: Vec<u8> = raws.iter().flat_map(|raw| raw.encode()).collect();
        for _ in 0..2 {
            if let Some(inputd) = &self.inputd
                && inputd.write(&bytes).is_ok()
            {
                return;
            }
            self.connect();
        }
    }

    /// The lights, if they have changed.
    pub fn leds(&mut self) -> Option<u8> {
        let mut leds = [0];
        match self.inputd.as_ref()?.read(&mut leds) {
            Ok(1) => Some(leds[0]),
            _ => None,
        }
    }

    /// What the loop is to watch from now on, if that is new.
    pub fn new_input(&mut self) -> Option<Input> {
        let fd = self.inputd.as_ref().filter(|_| std::mem::take(&mut self.fresh))?.raw();
        Some(Input { fd, number: self.number })
    }
}
