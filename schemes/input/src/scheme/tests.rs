//! The scheme, asked as the kernel asks it.

use std::cell::Cell;
use std::rc::Rc;

use input_contract::{Event, key, leds};
use scheme_server::fake::{Kernel, NO_OFFSET};
use scheme_server::syscall::schemev2::Opcode;

use super::*;

type Clock = Rc<Cell<Duration>>;

fn kernel() -> (Kernel<Input<impl Fn() -> Duration>>, Clock) {
    let clock = Clock::default();
    let read = clock.clone();
    let map = |name: &str, text| (name.to_string(), Keymap::parse(text).unwrap());
    let maps = [map("us", include_str!("../../keymaps/us.toml")), map("de", include_str!("../../keymaps/de.toml"))];
    (Kernel::new(Input::new(move || read.get(), 90, maps.into(), "us")), clock)
}

fn press(code: u8, pressed: bool) -> [u8; RECORD] {
    Raw::Key { code, pressed }.encode()
}

fn errno<T>(result: Result<T>) -> Option<i32> {
    result.err().map(|error| error.errno)
}

#[test]
fn from_a_key_to_the_consumer() {
    let (mut kernel, _) = kernel();
    let producer = kernel.as_user(90, 90, |kernel| kernel.openat(ROOT, "producer/ps2", 0)).unwrap().number();
    let consumer = kernel.openat(ROOT, "consumer", 0).unwrap().number();
    // It waits for the key.
    let sqe = kernel.sqe(Opcode::Read, [consumer as u64, 0, 0, NO_OFFSET, 0]);
    let tag = kernel.submit(sqe, Some(&[0; 100]));
    kernel.settle();
    assert!(kernel.answer(tag).is_none());
    assert_eq!(kernel.write(producer, &press(0x15, true), NO_OFFSET, 0), Ok(16));
    let answer = kernel.answer(tag).unwrap();
    assert_eq!(answer.result(), Ok(32));
    let event = |at: usize| Event::decode(answer.payload[at..at + 16].try_into().unwrap()).unwrap();
    assert_eq!(event(0), Event::Text { character: 'y' });
    assert!(matches!(event(16), Event::Key { code: 0x15, character: 'y', pressed: true, repeated: false, .. }));
    assert_eq!(errno(kernel.write(producer, &[0; 16], NO_OFFSET, 0)), Some(EINVAL));
    assert_eq!(errno(kernel.write(producer, &[0; 15], NO_OFFSET, 0)), Some(EINVAL));
    assert_eq!(errno(kernel.read(consumer, 15, NO_OFFSET)), Some(EINVAL));
}

#[test]
fn who_may_what() {
    let (mut kernel, _) = kernel();
    let open = |kernel: &mut Kernel<_>, uid, path: &str| {
        errno(kernel.as_user(uid, uid, |kernel| kernel.openat(ROOT, path, 0)))
    };
    assert_eq!(open(&mut kernel, 1000, "consumer"), Some(EACCES));
    assert_eq!(open(&mut kernel, 90, "consumer"), Some(EACCES));
    assert_eq!(open(&mut kernel, 1000, "producer/x"), Some(EACCES));
    assert_eq!(open(&mut kernel, 90, "producer/"), Some(ENOENT));
    assert_eq!(open(&mut kernel, 90, "producer/a/b"), Some(EINVAL));
    assert_eq!(open(&mut kernel, 0, "consumer"), None);
    assert_eq!(open(&mut kernel, 0, "consumer"), Some(EBUSY));
    for _ in 0..PRODUCERS {
        assert_eq!(open(&mut kernel, 90, "producer/x"), None);
    }
    assert_eq!(open(&mut kernel, 90, "producer/x"), Some(EBUSY));
}

#[test]
fn a_consumer_comes_back_and_devices_go() {
    let (mut kernel, _) = kernel();
    let producer = kernel.openat(ROOT, "producer/a", 0).unwrap().number();
    let consumer = kernel.openat(ROOT, "consumer", 0).unwrap().number();
    kernel.write(producer, &press(key::LEFT_SHIFT, true), NO_OFFSET, 0).unwrap();
    kernel.close(consumer);
    let consumer = kernel.openat(ROOT, "consumer", 0).unwrap().number();
    kernel.close(producer);
    let bytes = kernel.read(consumer, 1000, NO_OFFSET).unwrap();
    let event = Event::decode(bytes[..].try_into().unwrap()).unwrap();
    assert!(matches!(event, Event::Key { code: key::LEFT_SHIFT, pressed: false, .. }));
}

#[test]
fn lights() {
    let (mut kernel, _) = kernel();
    let producer = kernel.openat(ROOT, "producer/a", 0).unwrap().number();
    assert_eq!(kernel.fevent(producer, EventFlags::EVENT_READ), Ok(EventFlags::EVENT_READ));
    assert_eq!(kernel.read(producer, 1, NO_OFFSET), Ok(vec![leds::NUM]));
    assert_eq!(kernel.fevent(producer, EventFlags::EVENT_READ), Ok(EventFlags::empty()));
    kernel.write(producer, &press(key::CAPS_LOCK, true), NO_OFFSET, 0).unwrap();
    assert_eq!(kernel.events, [(producer, EventFlags::EVENT_READ)]);
    assert_eq!(kernel.read(producer, 1, NO_OFFSET), Ok(vec![leds::NUM | leds::CAPS]));
}

#[test]
fn keys_repeat_while_somebody_listens() {
    let (mut kernel, clock) = kernel();
    let producer = kernel.openat(ROOT, "producer/a", 0).unwrap().number();
    kernel.write(producer, &press(0x1e, true), NO_OFFSET, 0).unwrap();
    assert_eq!(kernel.scheme.wake_after(), None);
    let consumer = kernel.openat(ROOT, "consumer", 0).unwrap().number();
    kernel.write(producer, &press(0x30, true), NO_OFFSET, 0).unwrap();
    kernel.read(consumer, 1000, NO_OFFSET).unwrap();
    assert_eq!(kernel.scheme.wake_after(), Some(Duration::from_millis(400)));
    clock.set(Duration::from_millis(405));
    kernel.scheme.tick();
    assert_eq!(kernel.read(consumer, 1000, NO_OFFSET).unwrap().len(), 2 * RECORD);
    assert_eq!(kernel.scheme.wake_after().map(|left| left.as_millis()), Some(33));
}

#[test]
fn settings() {
    let (mut kernel, _) = kernel();
    let control = kernel.openat(ROOT, "control", 0).unwrap().number();
    let text = String::from_utf8(kernel.read(control, 1000, 0).unwrap()).unwrap();
    assert_eq!(text, "keymap us\nrepeat 400 30\nhas keymap de Deutsch\nhas keymap us English (US)\n");
    assert_eq!(kernel.write(control, b"keymap de\nrepeat 250 50\n", 0, 0), Ok(24));
    for wrong in
        [&b"keymap xx"[..], b"keymap", b"repeat 1", b"repeat -1 2", b"repeat 400 99999", b"\xff", b"repeat 1 1\nx"]
    {
        assert!(kernel.write(control, wrong, 0, 0).is_err(), "{wrong:?}");
    }
    assert_eq!(errno(kernel.as_user(1000, 1000, |kernel| kernel.write(control, b"keymap us", 0, 0))), Some(EACCES));
    let control = kernel.openat(ROOT, "control", 0).unwrap().number();
    assert!(kernel.read(control, 1000, 0).unwrap().starts_with(b"keymap de\nrepeat 250 50\n"));
}
