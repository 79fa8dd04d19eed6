//! The driver with a made-up device.

use std::cell::RefCell;
use std::rc::Rc;

use driver::fake::Machine;
use driver::virtio::fake::Device;

use super::*;

/// A device that carries out nothing, notes the kinds of commands, and answers.
struct Fake {
    device: Rc<Device>,
    machine: Machine,
    size: RefCell<Mode>,
    answers: RefCell<u32>,
}

const OK: u32 = 0x1100;

impl Fake {
    fn new() -> Rc<Self> {
        let machine = Machine::new();
        let device = Device::new(&machine, 0, &[64, 16], &[0; 16]);
        Rc::new(Fake {
            device,
            machine,
            size: RefCell::new(Mode { width: 640, height: 480 }),
            answers: RefCell::new(OK),
        })
    }

    fn gpu(self: &Rc<Self>) -> Result<Gpu<Machine>> {
        let transport = Transport::new(&self.device.capabilities(), |_| Some(self.device.registers())).unwrap();
        let fake = self.clone();
        Gpu::new(transport, Some(0), self.machine.clone(), move || drop(fake.work()))
    }

    /// Carries out what there is: kinds and bytes of the commands.
    fn work(&self) -> Vec<(u32, Vec<u8>)> {
        let mut done = Vec::new();
        for queue in [0, 1] {
            while let Some((token, segments)) = self.device.next(queue) {
                let command = self.device.read(&segments);
                let kind = u32::from_le_bytes(command[..4].try_into().unwrap());
                let mut answer = vec![0; 408];
                let code = if kind == 0x100 { 0x1101 } else { *self.answers.borrow() };
                answer[..4].copy_from_slice(&code.to_le_bytes());
                answer[32..40].copy_from_slice(&self.size.borrow().encode());
                answer[40] = 1;
                // As QEMU does it: commands for the cursor are given back without a word.
                let len = match (queue, kind) {
                    (1, _) => 0,
                    (_, 0x100) => 408,
                    _ => 24,
                };
                self.device.answer(queue, token, &segments, &answer[..len]);
                done.push((kind, command));
            }
        }
        done
    }

    fn kinds(&self) -> Vec<u32> {
        self.work().into_iter().map(|(kind, _)| kind).collect()
    }
}

fn part(x: u32, y: u32, width: u32, height: u32) -> Rectangle {
    Rectangle { x, y, width, height }
}

#[test]
fn it_comes_up_in_the_size_of_the_screen() {
    let fake = Fake::new();
    let gpu = fake.gpu().unwrap();
    assert_eq!(gpu.info().mode, Mode { width: 640, height: 480 });
    let work = fake.work();
    assert_eq!(work.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [0x101, 0x106, 0x103]);
    // The memory is all of the picture, in pieces.
    let attach = &work[1].1;
    let pieces = attach[32..].chunks(16).map(|piece| u32::from_le_bytes(piece[8..12].try_into().unwrap()));
    assert_eq!(pieces.sum::<u32>(), 640 * 480 * 4);
}

#[test]
fn damage_is_copied_and_shown() {
    let fake = Fake::new();
    let mut gpu = fake.gpu().unwrap();
    fake.work();
    gpu.happened(Source::Interrupt(0)).unwrap();
    gpu.flush(&[part(8, 2, 16, 4)]).unwrap();
    let work = fake.work();
    assert_eq!((work[0].0, work[1].0, work.len()), (0x105, 0x104, 2));
    assert_eq!(work[0].1[40..48], ((2 * 640 + 8) * 4_u64).to_le_bytes());
}

#[test]
fn damage_that_finds_no_room_is_gathered() {
    let fake = Fake::new();
    let mut gpu = fake.gpu().unwrap();
    fake.work();
    gpu.happened(Source::Interrupt(0)).unwrap();
    for line in 0..400 {
        gpu.flush(&[part(1, line, 1, 1)]).unwrap();
    }
    let sent = fake.work().len();
    assert!(sent <= CONTROL_SLOTS - RESERVE);
    gpu.happened(Source::Interrupt(0)).unwrap();
    let rest = fake.work();
    // All lines behind the last one sent, in few rectangles.
    let lines = |(_, command): &(u32, Vec<u8>)| {
        let word = |at: usize| u32::from_le_bytes(command[at..at + 4].try_into().unwrap());
        word(28)..word(28) + word(36)
    };
    let shown: std::collections::BTreeSet<u32> =
        rest.iter().filter(|(kind, _)| *kind == 0x105).flat_map(lines).collect();
    assert!((sent as u32 / 2..400).all(|line| shown.contains(&line)), "{shown:?}");
    assert!(rest.len() <= 2 * MOST_RECTANGLES);
}

#[test]
fn another_mode_and_back_for_ever() {
    let fake = Fake::new();
    let mut gpu = fake.gpu().unwrap();
    fake.work();
    fake.machine.left.set(Some(40 << 20));
    for round in 0..50 {
        gpu.happened(Source::Interrupt(0)).unwrap();
        gpu.set_mode(Mode { width: 1920, height: 1080 - round }).unwrap();
        assert_eq!(fake.kinds(), [0x101, 0x106, 0x103, 0x102]);
    }
    // Without answers there are no slots, and nothing changes.
    let mode = Mode { width: 800, height: 600 };
    gpu.happened(Source::Interrupt(0)).unwrap();
    let refused = (0..20).find_map(|_| gpu.set_mode(mode).err()).map(|error| error.errno);
    assert!(matches!(refused, Some(EBUSY | ENOMEM)));
    assert_eq!(gpu.info().mode, mode);
    // No memory: as it was.
    fake.work();
    gpu.happened(Source::Interrupt(0)).unwrap();
    assert_eq!(gpu.set_mode(Mode { width: 16384, height: 16384 }), Err(Error::new(ENOMEM)));
    assert_eq!(gpu.info().mode, mode);
}

#[test]
fn the_window_is_resized() {
    let fake = Fake::new();
    let mut gpu = fake.gpu().unwrap();
    fake.work();
    assert!(!gpu.take_change());
    *fake.size.borrow_mut() = Mode { width: 1000, height: 700 };
    fake.device.config.borrow_mut()[0] = 1;
    gpu.happened(Source::Interrupt(0)).unwrap();
    assert_eq!(fake.device.config.borrow()[4], 1);
    fake.device.config.borrow_mut()[0] = 0;
    assert_eq!(fake.kinds(), [0x100]);
    gpu.happened(Source::Interrupt(0)).unwrap();
    assert!(gpu.take_change() && !gpu.take_change());
    assert_eq!(gpu.info().preferred, Mode { width: 1000, height: 700 });
    assert!(gpu.modes().contains(&Mode { width: 1000, height: 700 }));
}

#[test]
fn the_cursor_is_shown_when_its_picture_is_there() {
    let fake = Fake::new();
    let mut gpu = fake.gpu().unwrap();
    fake.work();
    gpu.happened(Source::Interrupt(0)).unwrap();
    gpu.set_cursor(&[7; CURSOR_LEN], (3, 4)).unwrap();
    assert_eq!(fake.kinds(), [0x101, 0x106, 0x105]);
    gpu.happened(Source::Interrupt(0)).unwrap();
    assert_eq!(fake.kinds(), [0x300]);
    // Moved more often than there are slots: the last place counts.
    for x in 0..100 {
        gpu.move_cursor(Some((x, 5))).unwrap();
    }
    fake.work();
    gpu.happened(Source::Interrupt(0)).unwrap();
    let (kind, command) = fake.work().pop().unwrap();
    assert_eq!(
        (kind, &command[28..32], &command[40..44]),
        (0x300, &99_i32.to_le_bytes()[..], &1_u32.to_le_bytes()[..])
    );
    gpu.happened(Source::Interrupt(0)).unwrap();
    gpu.move_cursor(None).unwrap();
    assert_eq!(fake.work().pop().unwrap().1[40..44], [0; 4]);
    gpu.happened(Source::Interrupt(0)).unwrap();
    assert_eq!(gpu.flush(&[part(0, 0, 1, 1)]), Ok(()), "nothing has failed");
}

#[test]
fn a_device_that_fails_tells_the_client_once() {
    let fake = Fake::new();
    let mut gpu = fake.gpu().unwrap();
    *fake.answers.borrow_mut() = 0x1200;
    fake.work();
    gpu.happened(Source::Interrupt(0)).unwrap();
    assert_eq!(gpu.flush(&[part(0, 0, 1, 1)]), Err(Error::new(EIO)));
    assert_eq!(gpu.flush(&[part(0, 0, 1, 1)]), Ok(()));
}

#[test]
fn devices_that_break_the_rules_or_are_silent() {
    for act in [
        |fake: &Fake| fake.device.give_back(0, 999, 24),
        |fake: &Fake| fake.device.set_used_index(0, 77),
        |fake: &Fake| fake.device.status.set(0xff),
        |fake: &Fake| fake.device.config.borrow_mut()[..4].fill(0xff),
    ] {
        let fake = Fake::new();
        let mut gpu = fake.gpu().unwrap();
        act(&fake);
        assert_eq!(gpu.happened(Source::Interrupt(0)), Err(Error::new(EIO)));
    }
    let fake = Fake::new();
    let mut gpu = fake.gpu().unwrap();
    assert_eq!(gpu.wake_after(), Some(PATIENCE_MS));
    // The answers of its start have been taken; since then there were none.
    gpu.happened(Source::Time).unwrap();
    assert_eq!(gpu.happened(Source::Time), Err(Error::new(EIO)));
    let refused = (0..=MOST_UNANSWERED).find_map(|_| gpu.flush(&[part(0, 0, 1, 1)]).err());
    assert_eq!(refused, Some(Error::new(EIO)));
    // Nothing at all from the beginning.
    let silent = Fake::new();
    let transport = Transport::new(&silent.device.capabilities(), |_| Some(silent.device.registers())).unwrap();
    assert!(Gpu::new(transport, None, silent.machine.clone(), || ()).is_err());
}
