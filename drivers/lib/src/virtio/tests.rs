//! Tests of transport and queues with a fake device.

use std::rc::Rc;

use syscall::error::{EAGAIN, EINVAL, EIO, ENODEV, Error};

use super::fake::Device;
use super::*;
use crate::fake::Machine;
use crate::registers::Registers;

fn transport(device: &Rc<Device>) -> Transport {
    Transport::new(&device.capabilities(), |_| Some(device.registers())).unwrap()
}

fn start(sizes: &[u16]) -> (Machine, Rc<Device>, Transport) {
    let machine = Machine::new();
    let device = Device::new(&machine, 0b1010, sizes, &[1, 2, 3, 4]);
    let transport = transport(&device);
    assert_eq!(transport.begin(0b0110), Ok(VERSION_1 | 0b0010));
    (machine, device, transport)
}

const OUT: Segment = Segment { physical: 0x5000, len: 16, device_writes: false };
const IN: Segment = Segment { physical: 0x6000, len: 8, device_writes: true };

#[test]
fn a_device_comes_up() {
    let (machine, device, transport) = start(&[8, 64]);
    assert_eq!(device.accepted.get(), VERSION_1 | 0b0010);
    let queue = transport.queue(1, 16, Some(1), &machine).unwrap();
    assert_eq!((queue.number(), queue.size(), device.vector(1)), (1, 16, 1));
    assert_eq!(transport.queue(1, 16, None, &machine).err(), Some(Error::new(ENODEV)), "it is in use");
    assert_eq!(transport.queue(2, 16, None, &machine).err(), Some(Error::new(ENODEV)), "there is none");
    transport.finish();
    assert_eq!(device.status.get(), Status::ACKNOWLEDGE | Status::DRIVER | Status::FEATURES_OK | Status::DRIVER_OK);
    assert!(transport.is_well());
    assert_eq!(transport.config(|config| config.get32(0)), Ok(0x0403_0201));
    transport.notify(1);
    assert_eq!(device.notified.get(), 1);
    transport.reset().unwrap();
    assert_eq!(device.status.get(), 0);
}

#[test]
fn devices_that_do_not_obey() {
    let machine = Machine::new();
    let device = Device::new(&machine, 0, &[8], &[0]);
    device.refuses.set(Status::FEATURES_OK);
    assert_eq!(transport(&device).begin(0), Err(Error::new(EIO)));
    device.offers.set(1);
    assert_eq!(transport(&device).begin(1), Err(Error::new(ENODEV)));
    // Sizes that are none.
    for size in [0, 3, 0xffff] {
        let device = Device::new(&machine, 0, &[size], &[0]);
        let transport = transport(&device);
        transport.begin(0).unwrap();
        assert!(transport.queue(0, 8, None, &machine).is_err(), "{size}");
    }
    // Nobody answers at all.
    let nobody: Rc<dyn Registers> = Rc::new(crate::fake::Bytes::new(&[0xff; 0x3000]));
    let gone = Transport::new(&device.capabilities(), |_| Some(nobody.clone())).unwrap();
    assert!(!gone.is_well());
    // A region that is too short for what the capabilities say.
    let short: Rc<dyn Registers> = Rc::new(crate::fake::Bytes::new(&[0; 0x1000]));
    assert!(Transport::new(&device.capabilities(), |_| Some(short.clone())).is_err());
    assert!(Transport::new(&device.capabilities(), |_| None).is_err());
}

#[test]
fn buffers_go_and_come_back() {
    let (machine, device, transport) = start(&[4]);
    let mut queue = transport.queue(0, 4, None, &machine).unwrap();
    assert_eq!(queue.take(), Ok(None));
    // Often enough that every index wraps.
    for round in 0..70_000_u32 {
        let first = queue.add(&[OUT, IN]).unwrap();
        let second = queue.add(&[IN]).unwrap();
        if round == 0 {
            assert_eq!(queue.add(&[OUT, IN]), Err(Error::new(EAGAIN)));
            assert_eq!(device.next(0), Some((first, vec![OUT, IN])));
            assert_eq!(device.next(0), Some((second, vec![IN])));
            assert_eq!(device.next(0), None);
        }
        // The other way round than they were given.
        device.give_back(0, second.into(), 3);
        device.give_back(0, first.into(), 99);
        assert_eq!(queue.outstanding(), 2);
        assert_eq!(queue.take(), Ok(Some(Used { token: second, len: 3 })));
        assert_eq!(queue.take(), Ok(Some(Used { token: first, len: 8 })), "not more than there was room for");
        assert_eq!(queue.take(), Ok(None));
    }
    assert_eq!(queue.add(&[]), Err(Error::new(EINVAL)));
    assert_eq!(queue.add(&[OUT; 5]), Err(Error::new(EINVAL)));
}

#[test]
fn a_device_that_gives_back_what_it_was_not_given() {
    let (machine, device, transport) = start(&[4]);
    let broken = |act: &dyn Fn(&mut Queue)| {
        transport.begin(0).unwrap();
        let mut queue = transport.queue(0, 4, None, &machine).unwrap();
        queue.add(&[OUT, OUT, IN]).unwrap();
        act(&mut queue);
        assert_eq!(queue.take(), Err(Error::new(EIO)));
    };
    broken(&|_| device.set_used_index(0, 2));
    broken(&|_| device.set_used_index(0, 0xffff));
    broken(&|_| device.give_back(0, 1, 0));
    broken(&|_| device.give_back(0, 3, 0));
    broken(&|_| device.give_back(0, 4, 0));
    broken(&|_| device.give_back(0, u32::MAX, 0));
    broken(&|_| device.give_back(0, 0x1_0000, 0));
    broken(&|queue| {
        device.give_back(0, 0, 0);
        assert!(queue.take().unwrap().is_some());
        queue.add(&[IN]).unwrap();
        // The same buffer again, which is another one by now.
        device.give_back(0, 1, 0);
    });
}

#[test]
fn descriptors_that_the_device_changes_are_not_looked_at() {
    let (machine, device, transport) = start(&[4]);
    let mut queue = transport.queue(0, 4, None, &machine).unwrap();
    let token = queue.add(&[OUT, OUT, IN]).unwrap();
    machine.write(device.descriptors(0), &[0xff; 64]);
    device.give_back(0, token.into(), 0);
    assert!(queue.take().unwrap().is_some());
    // All four are free, each once.
    let tokens: Vec<u16> = (0..4).map(|_| queue.add(&[IN]).unwrap()).collect();
    let mut sorted = tokens.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [0, 1, 2, 3]);
    assert_eq!(queue.add(&[IN]), Err(Error::new(EAGAIN)));
}

#[test]
fn random_answers_do_no_harm() {
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (machine, device, transport) = start(&[8]);
    let mut queue = transport.queue(0, 8, None, &machine).unwrap();
    for _ in 0..20_000 {
        match random(5) {
            0 => drop(queue.add(&[OUT, IN])),
            1 => device.give_back(0, random(12) as u32, random(1 << 32) as u32),
            2 if random(20) == 0 => device.set_used_index(0, random(1 << 16) as u16),
            _ => {
                if queue.take().is_err() {
                    transport.begin(0).unwrap();
                    queue = transport.queue(0, 8, None, &machine).unwrap();
                }
                assert!(queue.outstanding() <= 8);
            }
        }
    }
}
