//! The device itself: bytes from and to both ports, and the controller.

use driver::syscall::error::{EAGAIN, ENODEV, Error, Result};
use driver::{Driver, Grant, Input, Ports, Producer, Registers, Source, run, say};
use libredox::call;
use ps2::keyboard::Keyboard;
use ps2::mouse::Mouse;

/// Commands to the controller: the configuration byte follows; let the mouse speak; let the keyboard speak.
const CONFIGURE: u8 = 0x60;
const ENABLE_MOUSE: u8 = 0xa8;
const ENABLE_KEYBOARD: u8 = 0xae;
/// Both ports interrupt and work, the keyboard is translated to set 1; the bit that says that the machine was tested stays.
const CONFIGURATION: u8 = 0b0100_0111;
/// Looks at the controller before it is taken for dead, and the bit that says that it is busy.
const PATIENCE: usize = 100_000;
const BUSY: u8 = 1 << 1;
/// Milliseconds that a device may take for an answer.
const ANSWER_MS: u64 = 1000;

/// Numbers of what is watched.
const KEYBOARD: usize = 0;
const MOUSE: usize = 1;
const LIGHTS: usize = 2;
const POINTER: usize = 3;

struct Ps2 {
    keyboard: Keyboard,
    mouse: Mouse,
    /// Descriptors of the ports.
    ports: [usize; 2],
    producers: [Producer; 2],
    /// Not watched yet.
    fresh: Vec<Input>,
}

/// Drives both until the starter is gone.
pub fn main() -> Result<()> {
    let grant = Grant::take();
    let fd = |name| grant.get(name).map(|granted| granted.fd).ok_or(Error::new(ENODEV));
    let ports = [fd("keyboard")?, fd("mouse")?];
    let control = Ports::new(grant.get("control").ok_or(Error::new(ENODEV))?);
    configure(&control, ports[KEYBOARD])?;
    let mut device = Ps2 {
        keyboard: Keyboard::default(),
        mouse: Mouse::default(),
        ports,
        producers: [Producer::new("ps2-keyboard", LIGHTS), Producer::new("ps2-mouse", POINTER)],
        fresh: vec![Input { fd: ports[KEYBOARD], number: KEYBOARD }, Input { fd: ports[MOUSE], number: MOUSE }],
    };
    let first = device.mouse.start();
    device.send(MOUSE, first);
    run(&grant, &mut device)
}

/// Sets the controller up, however the firmware has left it.
fn configure(control: &Ports, keyboard: usize) -> Result<()> {
    for command in [ENABLE_KEYBOARD, ENABLE_MOUSE, CONFIGURE] {
        if !(0..PATIENCE).any(|_| control.get8(0) & BUSY == 0) {
            return Err(Error::new(ENODEV));
        }
        control.put8(0, command);
    }
    call::write(keyboard, &[CONFIGURATION]).map(drop).map_err(|error| Error::new(error.errno()))
}

impl Ps2 {
    fn send(&mut self, port: usize, byte: Option<u8>) {
        if let Some(byte) = byte
            && let Err(error) = call::write(self.ports[port], &[byte])
        {
            say!("ps2d: port {port} does not take a byte: {error}");
        }
    }

    /// Takes all that has come from a port.
    fn receive(&mut self, port: usize) -> Result<()> {
        let mut bytes = [0; 256];
        loop {
            let count = match call::read(self.ports[port], &mut bytes) {
                Ok(count) => count,
                Err(error) if error.errno() == EAGAIN => return Ok(()),
                Err(error) => return Err(Error::new(error.errno())),
            };
            let mut raws = Vec::new();
            for byte in &bytes[..count] {
                let answer = if port == KEYBOARD {
                    let (raw, answer) = self.keyboard.take(*byte);
                    raws.extend(raw);
                    answer
                } else {
                    self.mouse.take(*byte, &mut raws)
                };
                self.send(port, answer);
            }
            self.producers[port].say(&raws);
        }
    }
}

impl Driver for Ps2 {
    fn happened(&mut self, source: Source) -> Result<()> {
        match source {
            Source::Input(port @ (KEYBOARD | MOUSE)) => self.receive(port)?,
            Source::Input(LIGHTS) => {
                if let Some(leds) = self.producers[KEYBOARD].leds() {
                    let byte = self.keyboard.set_leds(leds);
                    self.send(KEYBOARD, byte);
                }
            }
            Source::Time => {
                if self.keyboard.is_waiting() {
                    self.keyboard.give_up();
                }
                if self.mouse.is_waiting() && self.mouse.give_up() {
                    say!("ps2d: there is no mouse");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn new_input(&mut self) -> Option<Input> {
        self.fresh.pop().or_else(|| self.producers.iter_mut().find_map(Producer::new_input))
    }

    fn wake_after(&self) -> Option<u64> {
        (self.keyboard.is_waiting() || self.mouse.is_waiting()).then_some(ANSWER_MS)
    }
}
