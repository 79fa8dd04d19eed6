//! Keyboards and pointers, by the scheme `input` (crate `input-contract`).

use std::io::Result;

use input_contract::{Event, RECORD, button};
use libredox::Fd;
use libredox::errno::EAGAIN;
use libredox::flag::{O_CLOEXEC, O_NONBLOCK, O_RDONLY};

use crate::screen::Input;

const PATH: &str = "/scheme/input/consumer";
/// Most events that are read at once.
const EVENTS: usize = 64;

/// All devices, or the hope for them.
#[derive(Default)]
pub struct Devices(Option<Fd>);

impl Devices {
    /// Looks for the input daemon, if there is none; answers the descriptor, to be watched, when it has come.
    pub fn look(&mut self) -> Option<usize> {
        if self.0.is_some() {
            return None;
        }
        self.0 = Fd::open(PATH, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0).ok();
        self.0.as_ref().map(Fd::raw)
    }

    /// Whether there is none.
    pub fn is_missing(&self) -> bool {
        self.0.is_none()
    }

    /// All that the devices have to say now.
    pub fn hear(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        while let Some(descriptor) = &self.0 {
            match read(descriptor, &mut inputs) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => self.0 = None,
            }
        }
        inputs
    }
}

/// Reads once; answers whether there may be more.
fn read(descriptor: &Fd, inputs: &mut Vec<Input>) -> Result<bool> {
    let mut bytes = [0; RECORD * EVENTS];
    let count = match descriptor.read(&mut bytes) {
        Ok(count) => count,
        Err(error) if error.errno() == EAGAIN => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let (records, _) = bytes[..count].as_chunks::<RECORD>();
    inputs.extend(records.iter().filter_map(Event::decode).map(input));
    Ok(count > 0)
}

fn input(event: Event) -> Input {
    match event {
        Event::Key { code, character, pressed, .. } => Input::Key { scancode: code, pressed, character },
        Event::Text { character } => Input::Text(character),
        Event::Relative { dx, dy } => Input::By(dx, dy),
        Event::Absolute { x, y } => Input::At(x as u16, y as u16),
        Event::Buttons { down } => {
            Input::Buttons([button::LEFT, button::MIDDLE, button::RIGHT].map(|which| down & which != 0))
        }
        Event::Scroll { dx, dy } => Input::Scroll(dx, dy),
    }
}
