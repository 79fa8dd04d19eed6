//! A graphics driver's screen, by its scheme (crate `display-contract`).

use std::io::{Error, ErrorKind, Result};

use display_contract::{CURSOR, CURSOR_LEN, HIDE, Info, Mode, PREFIX, RECTANGLES, Rectangle, flag, pack_place, verb};
use libredox::Fd;
use libredox::errno::{EAGAIN, EINVAL, EOPNOTSUPP};
use libredox::flag::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use scheme_server::syscall::flag::CallFlags;

use crate::geometry::Rect;
use crate::paint::canvas::{Canvas, Sprite};
use crate::raw::Surface;
use crate::screen::Screen;

/// What it is when no driver is there: a size to think in until one comes.
const NOWHERE: (i32, i32) = (1024, 768);

/// The driver's end.
struct Driver {
    descriptor: Fd,
    info: Info,
    surface: Surface,
}

/// The screen, or the hope for one.
#[derive(Default)]
pub struct DriverScreen {
    driver: Option<Driver>,
    /// While it is open the kernel's console is silent.
    silence: Option<Fd>,
}

impl Driver {
    /// Takes the best screen that there is.
    fn find() -> Result<Self> {
        let mut names: Vec<String> = std::fs::read_dir("/scheme")?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with(PREFIX))
            .collect();
        names.sort();
        let mut found: Vec<Self> = names.iter().filter_map(|name| Self::open(name).ok()).collect();
        found.sort_by_key(|driver| driver.info.flags & flag::FALLBACK);
        found.into_iter().next().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn open(name: &str) -> Result<Self> {
        let descriptor = Fd::open(&format!("/scheme/{name}"), O_RDWR | O_CLOEXEC | O_NONBLOCK, 0)?;
        let info = ask(&descriptor)?;
        let surface = map(&descriptor, &info)?;
        Ok(Self { descriptor, info, surface })
    }

    fn set_mode(&mut self, mode: Mode) -> Result<()> {
        self.descriptor.call_wo(&[], CallFlags::empty(), &[verb::SET_MODE, mode.pack()])?;
        self.info = ask(&self.descriptor)?;
        self.surface = map(&self.descriptor, &self.info)?;
        Ok(())
    }

    /// The size that the screen would rather have, if that is news.
    fn wish(&self) -> Result<Option<Mode>> {
        let mut bytes = [0; Mode::SIZE];
        match self.descriptor.read(&mut bytes) {
            Ok(Mode::SIZE) => Ok(Some(Mode::decode(bytes)).filter(|mode| mode.is_sane())),
            Ok(_) => Ok(None),
            Err(error) if error.errno() == EAGAIN => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn flush(&self, rects: &[Rect]) -> Result<()> {
        if self.info.flags & flag::FLUSH == 0 {
            return Ok(());
        }
        for rects in rects.chunks(RECTANGLES) {
            let rectangle = |rect: &Rect| {
                let [x, y, width, height] = [rect.x, rect.y, rect.w, rect.h].map(|value| value as u32);
                Rectangle { x, y, width, height }.encode()
            };
            let payload: Vec<u8> = rects.iter().flat_map(rectangle).collect();
            self.descriptor.call_wo(&payload, CallFlags::empty(), &[verb::FLUSH])?;
        }
        Ok(())
    }
}

fn ask(descriptor: &Fd) -> Result<Info> {
    let mut bytes = [0; Info::SIZE];
    descriptor.call_ro(&mut bytes, CallFlags::empty(), &[verb::INFO])?;
    Info::decode(&bytes).ok_or_else(|| Error::other("the screen says nonsense"))
}

fn map(descriptor: &Fd, info: &Info) -> Result<Surface> {
    let buffer = descriptor.openat("buffer", O_RDWR | O_CLOEXEC, 0)?;
    Surface::map(buffer.raw() as i32, info.len() / 4)
}

impl DriverScreen {
    /// Looks for a driver, if there is none; answers its descriptor, to be watched, when one has come.
    pub fn look(&mut self) -> Option<usize> {
        if self.driver.is_some() {
            return None;
        }
        self.driver = Driver::find().ok();
        if self.silence.is_none() && self.driver.is_some() {
            self.silence = Fd::open("/scheme/debug/screen", O_RDWR | O_CLOEXEC, 0).ok();
        }
        self.driver.as_ref().map(|driver| driver.descriptor.raw())
    }

    /// Whether there is no driver.
    pub fn is_missing(&self) -> bool {
        self.driver.is_none()
    }

    /// The driver has something to say: the size it would rather have, which it gets. Answers whether the screen is another one.
    pub fn attend(&mut self) -> bool {
        let Some(driver) = &mut self.driver else { return false };
        match driver.wish() {
            Ok(None) => false,
            Ok(Some(mode)) => {
                if driver.set_mode(mode).is_err() {
                    self.driver = None;
                }
                true
            }
            Err(_) => {
                self.driver = None;
                true
            }
        }
    }
}

impl Screen for DriverScreen {
    fn size(&self) -> (i32, i32) {
        self.driver.as_ref().map_or(NOWHERE, |driver| (driver.info.mode.width as i32, driver.info.mode.height as i32))
    }

    fn set_mode(&mut self, w: i32, h: i32) -> bool {
        let Some(driver) = &mut self.driver else { return false };
        match driver.set_mode(Mode { width: w as u32, height: h as u32 }) {
            Ok(()) => true,
            // It refuses, and everything is as it was.
            Err(error) if [EINVAL, EOPNOTSUPP].map(Some).contains(&error.raw_os_error()) => false,
            Err(_) => {
                self.driver = None;
                false
            }
        }
    }

    fn show(&mut self, canvas: &Canvas, rects: &[Rect]) {
        let Some(driver) = &mut self.driver else { return };
        let stride = driver.info.stride as usize / 4;
        for rect in rects {
            for y in rect.y..rect.bottom() {
                let from = canvas.row(y, rect.x, rect.right());
                let start = y as usize * stride + rect.x as usize;
                if let Some(to) = driver.surface.as_mut().get_mut(start..start + from.len()) {
                    to.copy_from_slice(from);
                }
            }
        }
        if driver.flush(rects).is_err() {
            self.driver = None;
        }
    }

    fn set_cursor(&mut self, cursor: Option<&Sprite>) -> bool {
        let Some(driver) = self.driver.as_ref().filter(|driver| driver.info.flags & flag::CURSOR != 0) else {
            return false;
        };
        let call =
            |payload: &[u8], words: [u64; 2]| driver.descriptor.call_wo(payload, CallFlags::empty(), &words).is_ok();
        let Some(sprite) = cursor else { return call(&[], [verb::MOVE_CURSOR, HIDE]) };
        let side = CURSOR as i32;
        let mut bytes = Vec::with_capacity(CURSOR_LEN);
        for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
            let inside = x < sprite.w && y < sprite.h;
            let pixel = if inside { sprite.pixels[(y * sprite.w + x) as usize] } else { 0 };
            bytes.extend(pixel.to_le_bytes());
        }
        call(&bytes, [verb::CURSOR, Mode { width: sprite.hot.0 as u32, height: sprite.hot.1 as u32 }.pack()])
    }

    fn move_cursor(&mut self, x: i32, y: i32) {
        if let Some(driver) = &self.driver {
            // Whether the driver is still there the next flush will tell.
            let _ = driver.descriptor.call_wo(&[], CallFlags::empty(), &[verb::MOVE_CURSOR, pack_place(x, y)]);
        }
    }
}
