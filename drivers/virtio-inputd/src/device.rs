//! How events come and lights go: two queues.

use driver::syscall::error::{EIO, Error, Result};
use driver::virtio::{Queue, Segment, Transport};
use driver::{Allocator, Memory, Registers};
use input_contract::{Raw, leds};

use crate::translate::{Event, Range, Translator, kind};

/// Numbers of the queues.
const EVENTS: u16 = 0;
const STATUS: u16 = 1;
/// Places in each, at most.
const PLACES: u16 = 64;

/// The device's own registers (section 5.8.4), and what they are asked.
mod config {
    pub const SELECT: usize = 0;
    pub const SUBSELECT: usize = 1;
    pub const SIZE: usize = 2;
    pub const DATA: usize = 8;
    pub const NAME: u8 = 1;
    pub const AXIS: u8 = 0x12;
    pub const MOST_DATA: usize = 128;
}

/// Lights by their numbers at the device.
const LIGHTS: [u8; 3] = [leds::NUM, leds::CAPS, leds::SCROLL];

/// A device.
pub struct Device {
    transport: Transport,
    events: Queue,
    status: Queue,
    /// A place for each event, then one for each light.
    memory: Box<dyn Memory>,
    translator: Translator,
    lights: u8,
}

fn place(token: u16) -> usize {
    usize::from(token) * Event::SIZE
}

impl Device {
    /// Brings it up. `vector` is the message that it interrupts by, if it does so by messages of its own choice.
    pub fn new(transport: Transport, vector: Option<u16>, memory: &dyn Allocator) -> Result<Self> {
        transport.begin(0)?;
        if let Some(vector) = vector {
            transport.set_config_vector(vector)?;
        }
        let events = transport.queue(EVENTS, PLACES, vector, memory)?;
        let status = transport.queue(STATUS, PLACES, vector, memory)?;
        let memory = memory.allocate(place(events.size() + LIGHTS.len() as u16), true)?;
        let translator = Translator::new([range(&transport, 0), range(&transport, 1)]);
        let mut device = Self { transport, events, status, memory, translator, lights: 0 };
        // Descriptors of an empty queue are given out in order.
        (0..device.events.size()).try_for_each(|number| device.offer(number))?;
        device.transport.finish();
        device.transport.notify(EVENTS);
        Ok(device)
    }

    /// Gives the device a place for an event.
    fn offer(&mut self, number: u16) -> Result<()> {
        let physical = self.memory.physical(place(number));
        let segment = Segment { physical, len: Event::SIZE as u32, device_writes: true };
        // The place of a token is its own: the queue gives a single descriptor back as the next one.
        if self.events.add(&[segment])? == number { Ok(()) } else { Err(Error::new(EIO)) }
    }

    /// The device's name.
    pub fn name(&self) -> String {
        let bytes = ask(&self.transport, config::NAME, 0);
        String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).collect()
    }

    /// Takes what has happened. An error: the device is gone or breaks the rules.
    pub fn take(&mut self) -> Result<Vec<Raw>> {
        // Who interrupts by its line is quieted so; otherwise it does nothing.
        self.transport.take_line();
        if !self.transport.is_well() {
            return Err(Error::new(EIO));
        }
        let mut raws = Vec::new();
        let mut taken = false;
        while let Some(used) = self.events.take()? {
            let mut bytes = [0; Event::SIZE];
            self.memory.read(place(used.token), &mut bytes);
            if used.len as usize == Event::SIZE {
                raws.extend(self.translator.take(Event::decode(bytes)));
            }
            self.offer(used.token)?;
            taken = true;
        }
        if taken && self.events.wants_notification() {
            self.transport.notify(EVENTS);
        }
        while self.status.take()?.is_some() {}
        Ok(raws)
    }

    /// Sets the lights. Those that the device has no room for now stay as they are.
    pub fn set_leds(&mut self, lit: u8) -> Result<()> {
        while self.status.take()?.is_some() {}
        if self.status.outstanding() != 0 {
            return Ok(());
        }
        for (code, light) in (0..).zip(LIGHTS).filter(|(_, light)| (lit ^ self.lights) & light != 0) {
            let event = Event { kind: kind::LED, code, value: u32::from(lit & light != 0) };
            let at = place(self.events.size() + code);
            self.memory.write(at, &event.encode());
            let physical = self.memory.physical(at);
            self.status.add(&[Segment { physical, len: Event::SIZE as u32, device_writes: false }])?;
        }
        self.lights = lit;
        self.transport.notify(STATUS);
        Ok(())
    }
}

/// The range of an axis; the whole one when the device does not say.
fn range(transport: &Transport, axis: u8) -> Range {
    let bytes = ask(transport, config::AXIS, axis);
    let number = |at: usize| bytes.get(at..at + 4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    match (number(0), number(4)) {
        (Some(min), Some(max)) if min < max => Range { min, max },
        _ => Range::default(),
    }
}

/// What the device answers to a question, at most as many bytes as there is room for.
fn ask(transport: &Transport, select: u8, subselect: u8) -> Vec<u8> {
    let Some(registers) = transport.device() else { return Vec::new() };
    registers.put8(config::SELECT, select);
    registers.put8(config::SUBSELECT, subselect);
    let len = usize::from(registers.get8(config::SIZE)).min(config::MOST_DATA);
    (0..len).map(|at| registers.get8(config::DATA + at)).collect()
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use driver::fake::Machine;
    use driver::virtio::fake::Device as Fake;
    use input_contract::{MOST, key};

    use super::*;

    fn device() -> (Rc<Fake>, Device) {
        let machine = Machine::new();
        let mut config = vec![0; 136];
        // It answers everything with a range from 0 to 32767.
        config[config::SIZE] = 20;
        config[config::DATA + 4..config::DATA + 8].copy_from_slice(&0x7fff_u32.to_le_bytes());
        let fake = Fake::new(&machine, 0, &[64, 8], &config);
        let transport = Transport::new(&fake.capabilities(), |_| Some(fake.registers())).unwrap();
        (fake.clone(), Device::new(transport, Some(0), &machine).unwrap())
    }

    fn say(fake: &Fake, events: &[(u16, u16, u32)]) {
        for (kind, code, value) in events {
            let (token, segments) = fake.next(0).unwrap();
            let event = Event { kind: *kind, code: *code, value: *value };
            fake.answer(0, token, &segments, &event.encode());
        }
    }

    #[test]
    fn events_come_for_ever() {
        let (fake, mut device) = device();
        for _ in 0..2_000 {
            say(&fake, &[(kind::KEY, 103, 1), (kind::ABSOLUTE, 0, 0x7fff), (kind::SYNC, 0, 0)]);
            let raws = [Raw::Absolute { x: MOST, y: 0 }, Raw::Key { code: key::UP, pressed: true }];
            assert_eq!(device.take(), Ok(raws.into()));
        }
        assert_eq!(device.take(), Ok(vec![]));
    }

    #[test]
    fn as_many_at_once_as_there_is_room_for() {
        let (fake, mut device) = device();
        say(&fake, &[[(kind::KEY, 30, 1)]; 64].concat());
        assert!(fake.next(0).is_none());
        assert_eq!(device.take(), Ok(vec![]));
        say(&fake, &[(kind::SYNC, 0, 0)]);
        assert_eq!(device.take().unwrap().len(), 64);
    }

    #[test]
    fn lights_are_switched() {
        let (fake, mut device) = device();
        device.set_leds(leds::CAPS | leds::NUM).unwrap();
        let read =
            || fake.next(1).map(|(token, segments)| (token, Event::decode(fake.read(&segments).try_into().unwrap())));
        let (first, event) = read().unwrap();
        assert_eq!(event, Event { kind: kind::LED, code: 0, value: 1 });
        let (second, event) = read().unwrap();
        assert_eq!(event, Event { kind: kind::LED, code: 1, value: 1 });
        // As long as it has not taken them, there is no room.
        device.set_leds(0).unwrap();
        assert!(fake.next(1).is_none());
        fake.give_back(1, first.into(), 0);
        fake.give_back(1, second.into(), 0);
        device.set_leds(leds::NUM).unwrap();
        let (_, segments) = fake.next(1).unwrap();
        assert_eq!(fake.read(&segments)[2..5], [1, 0, 0]);
    }

    #[test]
    fn a_device_that_breaks_the_rules_is_an_error() {
        for act in [
            |fake: &Fake| fake.give_back(0, 64, 8),
            |fake: &Fake| fake.set_used_index(0, 999),
            |fake: &Fake| fake.status.set(0xff),
            |fake: &Fake| fake.status.set(0x4f),
            |fake: &Fake| fake.give_back(1, 0, 0),
        ] {
            let (fake, mut device) = device();
            act(&fake);
            assert_eq!(device.take(), Err(Error::new(EIO)));
        }
        // An event that is too short is none.
        let (fake, mut device) = device();
        let (token, _) = fake.next(0).unwrap();
        fake.give_back(0, token.into(), 3);
        assert_eq!(device.take(), Ok(vec![]));
    }
}
