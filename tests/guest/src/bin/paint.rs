//! Paints on a screen in place of the display server, so that a test can look at it: four colours in the corners, then a white square that
//! is flushed alone. Goes with the screen when it wants another size, and comes back when its driver dies. `paint [WIDTHxHEIGHT]`

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = inside::main() {
        println!("paint: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::io::{Error, Result};
    use std::time::Duration;

    use display_contract::{CURSOR_LEN, HIDE, Info, Mode, PREFIX, Rectangle, flag, pack_place, verb};
    use libredox::Fd;
    use libredox::call::{self, MmapArgs};
    use libredox::flag::{MAP_SHARED, O_CLOEXEC, O_NONBLOCK, O_RDWR, PROT_READ, PROT_WRITE};
    use syscall::flag::CallFlags;

    /// Red, green, blue and yellow, as the screen has them.
    const COLOURS: [u32; 4] = [0x00c0_2020, 0x0020_a040, 0x0030_50c0, 0x00d0_c030];
    const WHITE: u32 = 0x00ff_ffff;
    const SQUARE: Rectangle = Rectangle { x: 100, y: 60, width: 40, height: 40 };

    struct Screen {
        fd: Fd,
        info: Info,
        pixels: &'static mut [u32],
        /// The kernel's console leaves the screen alone.
        _console: Fd,
    }

    /// The best screen that there is.
    fn find() -> Result<Fd> {
        let mut found = None;
        for entry in std::fs::read_dir("/scheme")? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.starts_with(PREFIX) {
                continue;
            }
            let Ok(fd) = Fd::open(&format!("/scheme/{name}"), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0) else { continue };
            let Ok(info) = info(&fd) else { continue };
            let fallback = info.flags & flag::FALLBACK != 0;
            if found.is_none() || !fallback {
                println!("paint: {name} {} flags {}", describe(info.mode), info.flags);
                found = Some(fd);
            }
        }
        found.ok_or_else(|| Error::other("there is no screen"))
    }

    fn describe(mode: Mode) -> String {
        format!("{}x{}", mode.width, mode.height)
    }

    fn info(fd: &Fd) -> Result<Info> {
        let mut bytes = [0; Info::SIZE];
        call::call_ro(fd.raw(), &mut bytes, CallFlags::empty(), &[verb::INFO, 0])?;
        Info::decode(&bytes).ok_or_else(|| Error::other("the screen makes no sense"))
    }

    impl Screen {
        fn open(mode: Option<Mode>) -> Result<Self> {
            let fd = find()?;
            let _console = Fd::open("/scheme/debug/screen", O_CLOEXEC, 0)?;
            let mut screen = Screen { fd, info: Info::default(), pixels: &mut [], _console };
            screen.set_mode(mode)?;
            Ok(screen)
        }

        fn call(&self, verb: u64, word: u64, payload: &[u8]) -> Result<usize> {
            Ok(call::call_wo(self.fd.raw(), payload, CallFlags::empty(), &[verb, word])?)
        }

        fn set_mode(&mut self, mode: Option<Mode>) -> Result<()> {
            if let Some(mode) = mode {
                self.call(verb::SET_MODE, mode.pack(), &[])?;
            }
            self.info = info(&self.fd)?;
            let buffer = self.fd.openat("buffer", O_RDWR | O_CLOEXEC, 0)?;
            let args = MmapArgs {
                addr: std::ptr::null_mut(),
                length: self.info.len(),
                prot: PROT_READ | PROT_WRITE,
                flags: MAP_SHARED,
                fd: buffer.raw(),
                offset: 0,
            };
            // SAFETY: a new mapping, which stays until the program ends; pixels are any bytes.
            self.pixels = unsafe { std::slice::from_raw_parts_mut(call::mmap(args)?.cast(), self.info.len() / 4) };
            Ok(())
        }

        fn fill(&mut self, part: Rectangle, colour: u32) {
            let stride = self.info.stride as usize / 4;
            for y in part.y..part.y + part.height {
                let from = y as usize * stride + part.x as usize;
                self.pixels[from..from + part.width as usize].fill(colour);
            }
        }

        fn flush(&self, part: Rectangle) -> Result<()> {
            self.call(verb::FLUSH, 0, &part.encode()).map(drop)
        }

        fn paint(&mut self) -> Result<()> {
            let Mode { width, height } = self.info.mode;
            let (x, y) = (width / 2, height / 2);
            let corners = [(0, 0), (x, 0), (0, y), (x, y)];
            for ((x, y), colour) in corners.into_iter().zip(COLOURS) {
                self.fill(
                    Rectangle { x, y, width: width - x.max(width / 2), height: height - y.max(height / 2) },
                    colour,
                );
            }
            self.flush(Rectangle::of(self.info.mode))?;
            // Flushing does not wait: what is stored before the device has read the pixels may be shown as well.
            std::thread::sleep(Duration::from_millis(500));
            self.fill(SQUARE, WHITE);
            // What is not flushed is not shown, where flushing is needed.
            self.fill(Rectangle { x: 200, ..SQUARE }, WHITE);
            self.flush(SQUARE)?;
            if self.info.flags & flag::CURSOR != 0 {
                self.call(verb::CURSOR, 0, &[0xff; CURSOR_LEN])?;
                self.call(verb::MOVE_CURSOR, pack_place(300, 200), &[])?;
                self.call(verb::MOVE_CURSOR, HIDE, &[])?;
            }
            println!("paint: shown {}", describe(self.info.mode));
            Ok(())
        }

        /// Goes on as the screen wants.
        fn follow(&mut self) -> Result<()> {
            let mut bytes = [0; Mode::SIZE];
            info(&self.fd)?;
            if self.fd.read(&mut bytes).is_ok() {
                self.set_mode(Some(Mode::decode(bytes)))?;
                self.paint()?;
            }
            Ok(())
        }
    }

    fn parse(text: &str) -> Option<Mode> {
        let (width, height) = text.split_once('x')?;
        Some(Mode { width: width.parse().ok()?, height: height.parse().ok()? })
    }

    fn patiently(mode: Option<Mode>) -> Result<Screen> {
        for _ in 0..100 {
            match Screen::open(mode) {
                Ok(screen) => return Ok(screen),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        Screen::open(mode)
    }

    pub fn main() -> Result<()> {
        let argument = std::env::args().nth(1).unwrap_or_default();
        if argument == "pcid" {
            let image = std::fs::read("/scheme/initfs/bin/pcid")?;
            let spawn = ochre_spawn::Spawn::new(&image, "pcid").namespace(call::getns()?);
            spawn.inherit(0, 0).inherit(1, 1).inherit(2, 2).start()?;
        }
        let mode = parse(&argument);
        let mut screen = patiently(mode)?;
        screen.paint()?;
        driver::scheme_server::notify_ready();
        loop {
            std::thread::sleep(Duration::from_millis(50));
            if let Err(error) = screen.follow() {
                println!("paint: {error}");
                drop(screen);
                screen = patiently(mode)?;
                screen.paint()?;
            }
        }
    }
}
