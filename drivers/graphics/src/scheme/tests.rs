//! The scheme, asked as the kernel asks it, over a device that writes down what it is told.

use display_contract::{HIDE, LARGEST, pack_place};
use scheme_server::fake::Kernel;
use scheme_server::syscall::error::EIO;

use super::*;

const ROOT: usize = 1 << 32;

struct Fake {
    info: Info,
    told: Vec<String>,
    changed: bool,
    fails: bool,
}

impl Adapter for Fake {
    fn info(&self) -> Info {
        self.info
    }

    fn modes(&self) -> Vec<Mode> {
        crate::USUAL[..3].into()
    }

    fn set_mode(&mut self, mode: Mode) -> Result<()> {
        if mode.width > 2000 {
            return Err(Error::new(EINVAL));
        }
        (self.info.mode, self.info.stride) = (mode, mode.width * 4);
        Ok(())
    }

    fn buffer(&mut self) -> Result<Buffer> {
        Ok(Buffer::Here(0x10_0000))
    }

    fn flush(&mut self, rectangles: &[Rectangle]) -> Result<()> {
        if self.fails {
            return Err(Error::new(EIO));
        }
        self.told.push(format!("{rectangles:?}"));
        Ok(())
    }

    fn move_cursor(&mut self, place: Option<(i32, i32)>) -> Result<()> {
        self.told.push(format!("{place:?}"));
        Ok(())
    }

    fn taken(&mut self) -> Result<()> {
        self.told.push("taken".into());
        Ok(())
    }

    fn released(&mut self) {
        self.told.push("released".into());
    }

    fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}

fn kernel() -> (Kernel<Screen<Fake>>, usize) {
    let mode = Mode { width: 640, height: 480 };
    let info = Info { mode, stride: 2560, flags: flag::MODES | flag::FLUSH, preferred: mode };
    let mut kernel = Kernel::new(Screen::new(Fake { info, told: Vec::new(), changed: false, fails: false }, ROOT));
    let screen = kernel.openat(ROOT, "", 0).unwrap().number();
    assert_eq!(std::mem::take(&mut kernel.scheme.adapter.told), ["taken"]);
    (kernel, screen)
}

fn errno<T>(result: Result<T>) -> Option<i32> {
    result.err().map(|error| error.errno)
}

fn flush(rectangles: &[[u32; 4]]) -> Vec<u8> {
    let encode = |[x, y, width, height]: [u32; 4]| Rectangle { x, y, width, height }.encode();
    rectangles.iter().flat_map(|rectangle| encode(*rectangle)).collect()
}

#[test]
fn one_holds_it_at_a_time() {
    let (mut kernel, screen) = kernel();
    assert_eq!(errno(kernel.openat(ROOT, "", 0)), Some(EBUSY));
    assert_eq!(errno(kernel.as_user(1000, 1000, |kernel| kernel.openat(ROOT, "", 0))), Some(EACCES));
    kernel.close(screen);
    assert_eq!(kernel.scheme.adapter.told, ["released"]);
    assert!(kernel.openat(ROOT, "", 0).is_ok());
    assert_eq!(kernel.scheme.adapter.told, ["released", "taken"]);
    let info = kernel.as_user(1000, 1000, |kernel| kernel.openat(ROOT, "info", 0)).unwrap().number();
    let text = String::from_utf8(kernel.read(info, 1000, 0).unwrap()).unwrap();
    assert!(
        text.starts_with("mode 640 480\nstride 2560\npreferred 640 480\nflags flush modes\nhas mode 640 480\n"),
        "{text}"
    );
    assert_eq!(errno(kernel.call(info, &[], [verb::FLUSH, 0]).result()), Some(EOPNOTSUPP));
}

#[test]
fn modes_and_their_buffers() {
    let (mut kernel, screen) = kernel();
    let answer = kernel.call(screen, &[0; 100], [verb::MODES, 0]);
    assert_eq!((answer.result(), Mode::decode(answer.payload[16..24].try_into().unwrap()).width), (Ok(3), 1024));
    let map = |kernel: &mut Kernel<_>, buffer, offset, len| kernel.mmap(buffer, offset, len, MapFlags::MAP_SHARED);
    let buffer = kernel.openat(screen, "buffer", 0).unwrap().number();
    assert_eq!(map(&mut kernel, buffer, 4096, 640 * 480 * 4 - 4096), Ok(0x10_1000));
    assert_eq!(errno(map(&mut kernel, buffer, 4096, 640 * 480 * 4)), Some(EINVAL));
    assert_eq!(errno(map(&mut kernel, buffer, u64::MAX, 2)), Some(EINVAL));
    let set = |kernel: &mut Kernel<_>, width, height| {
        kernel.call(screen, &[], [verb::SET_MODE, Mode { width, height }.pack()]).result()
    };
    for (width, height) in [(0, 1), (1, 0), (LARGEST + 1, 1), (3000, 3000)] {
        assert_eq!(errno(set(&mut kernel, width, height)), Some(EINVAL));
    }
    assert_eq!(map(&mut kernel, buffer, 0, 4096), Ok(0x10_0000), "nothing has changed");
    assert_eq!(set(&mut kernel, 1920, 1080), Ok(0));
    assert_eq!(errno(map(&mut kernel, buffer, 0, 4096)), Some(ENODEV));
    let answer = kernel.call(screen, &[0; Info::SIZE], [verb::INFO, 0]);
    assert_eq!(Info::decode(answer.payload[..].try_into().unwrap()).unwrap().stride, 7680);
    kernel.scheme.adapter.info.flags = 0;
    assert_eq!(errno(set(&mut kernel, 800, 600)), Some(EOPNOTSUPP));
    assert_eq!(set(&mut kernel, 1920, 1080), Ok(0), "it has that one");
}

#[test]
fn flushes_are_clipped_and_checked() {
    let (mut kernel, screen) = kernel();
    let bytes = flush(&[[0, 0, 10, 10], [700, 0, 1, 1], [630, 470, u32::MAX, 99]]);
    assert_eq!(kernel.call(screen, &bytes, [verb::FLUSH, 0]).result(), Ok(0));
    let expected =
        [Rectangle { x: 0, y: 0, width: 10, height: 10 }, Rectangle { x: 630, y: 470, width: 10, height: 10 }];
    assert_eq!(kernel.scheme.adapter.told, [format!("{expected:?}")]);
    assert_eq!(kernel.call(screen, &flush(&[[9999, 0, 1, 1]]), [verb::FLUSH, 0]).result(), Ok(0));
    assert_eq!(kernel.scheme.adapter.told.len(), 1);
    assert_eq!(errno(kernel.call(screen, &bytes[1..], [verb::FLUSH, 0]).result()), Some(EINVAL));
    let many = flush(&[[0, 0, 1, 1]; RECTANGLES + 1]);
    assert_eq!(errno(kernel.call(screen, &many, [verb::FLUSH, 0]).result()), Some(EINVAL));
    assert_eq!(errno(kernel.call(screen, &[], [77, 0]).result()), Some(EINVAL));
    kernel.scheme.adapter.fails = true;
    assert_eq!(errno(kernel.call(screen, &bytes, [verb::FLUSH, 0]).result()), Some(EIO));
}

#[test]
fn cursors() {
    let (mut kernel, screen) = kernel();
    assert_eq!(kernel.call(screen, &[], [verb::MOVE_CURSOR, pack_place(-3, 5)]).result(), Ok(0));
    assert_eq!(kernel.call(screen, &[], [verb::MOVE_CURSOR, HIDE]).result(), Ok(0));
    assert_eq!(kernel.scheme.adapter.told, ["Some((-3, 5))", "None"]);
    assert_eq!(errno(kernel.call(screen, &[0; 99], [verb::CURSOR, 0]).result()), Some(EINVAL));
    assert_eq!(errno(kernel.call(screen, &[0; CURSOR_LEN], [verb::CURSOR, 64]).result()), Some(EINVAL));
    assert_eq!(errno(kernel.call(screen, &[0; CURSOR_LEN], [verb::CURSOR, 63]).result()), Some(EOPNOTSUPP));
}

#[test]
fn another_size_is_told() {
    let (mut kernel, screen) = kernel();
    assert_eq!(kernel.fevent(screen, EventFlags::EVENT_READ), Ok(EventFlags::empty()));
    kernel.scheme.adapter.info.preferred = Mode { width: 1000, height: 700 };
    kernel.scheme.adapter.changed = true;
    kernel.scheme.look();
    kernel.settle();
    assert_eq!(kernel.events, [(screen, EventFlags::EVENT_READ)]);
    let bytes = kernel.read(screen, 100, u64::MAX).unwrap();
    assert_eq!(Mode::decode(bytes[..].try_into().unwrap()), Mode { width: 1000, height: 700 });
    assert_eq!(kernel.fevent(screen, EventFlags::EVENT_READ), Ok(EventFlags::empty()));
}
