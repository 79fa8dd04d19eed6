//! The scheme of a screen (crate `display-contract`).

use display_contract::{CURSOR_LEN, Info, Mode, RECTANGLES, Rectangle, flag, unpack_place, verb};
use driver::{Driver, Source};
use scheme_server::syscall::EventFlags;
use scheme_server::syscall::data::Stat;
use scheme_server::syscall::error::{
    EACCES, EBADF, EBUSY, EINVAL, ENODEV, ENOENT, EOPNOTSUPP, EWOULDBLOCK, Error, Result,
};
use scheme_server::syscall::flag::{MODE_CHR, MODE_FILE, MapFlags, MunmapFlags};
use scheme_server::{CallerCtx, Handles, NewFdFlags, OpenResult, Ready, Scheme, SchemeSync};

use crate::{Adapter, Buffer};

enum Handle {
    Screen,
    /// The buffer, of which so many modes had been set before.
    Buffer(usize),
    Info(String),
}

/// A screen as a scheme; `root` is the number that opening starts from.
pub struct Screen<A> {
    /// The device.
    pub adapter: A,
    root: usize,
    open: Handles<Handle>,
    holder: Option<usize>,
    /// The holder has not read yet that the preferred mode has changed.
    changed: bool,
    /// How many modes have been set.
    modes_set: usize,
    ready: Ready,
}

impl<A: Adapter> Screen<A> {
    /// The screen of a device.
    pub fn new(adapter: A, root: usize) -> Self {
        let (open, ready) = (Handles::new(), Ready::new());
        Self { adapter, root, open, holder: None, changed: false, modes_set: 0, ready }
    }

    /// Passes on what the device has found out.
    fn look(&mut self) {
        if self.adapter.take_change() {
            self.changed = true;
            if let Some(holder) = self.holder {
                self.ready.raise(holder, EventFlags::EVENT_READ);
            }
        }
    }

    fn handle(&self, id: usize) -> Result<&Handle> {
        self.open.get(id).ok_or(Error::new(EBADF))
    }

    fn hold(&mut self, ctx: &CallerCtx) -> Result<Handle> {
        if ctx.uid != 0 {
            return Err(Error::new(EACCES));
        }
        if self.holder.is_some() {
            return Err(Error::new(EBUSY));
        }
        self.changed = false;
        Ok(Handle::Screen)
    }

    fn modes(&self, payload: &mut [u8]) -> usize {
        let modes = self.adapter.modes();
        for (place, mode) in payload.chunks_exact_mut(Mode::SIZE).zip(&modes) {
            place.copy_from_slice(&mode.encode());
        }
        modes.len()
    }

    fn set_mode(&mut self, mode: Mode) -> Result<usize> {
        let info = self.adapter.info();
        if !mode.is_sane() {
            return Err(Error::new(EINVAL));
        }
        if info.flags & flag::MODES == 0 && mode != info.mode {
            return Err(Error::new(EOPNOTSUPP));
        }
        if mode != info.mode {
            self.adapter.set_mode(mode)?;
            self.modes_set += 1;
        }
        Ok(0)
    }

    fn flush(&mut self, payload: &[u8]) -> Result<usize> {
        let (rectangles, rest) = payload.as_chunks::<{ Rectangle::SIZE }>();
        if !rest.is_empty() || rectangles.len() > RECTANGLES {
            return Err(Error::new(EINVAL));
        }
        let mode = self.adapter.info().mode;
        let visible: Vec<Rectangle> =
            rectangles.iter().filter_map(|bytes| Rectangle::decode(bytes).clip(mode)).collect();
        if !visible.is_empty() {
            self.adapter.flush(&visible)?;
        }
        Ok(0)
    }

    fn set_cursor(&mut self, picture: &[u8], hot: Mode) -> Result<usize> {
        let inside = hot.width < display_contract::CURSOR && hot.height < display_contract::CURSOR;
        if picture.len() != CURSOR_LEN || !inside {
            return Err(Error::new(EINVAL));
        }
        self.adapter.set_cursor(picture, (hot.width, hot.height)).map(|()| 0)
    }

    fn describe(&self) -> String {
        let Info { mode, stride, flags, preferred } = self.adapter.info();
        let mut text = format!("mode {} {}\nstride {stride}\n", mode.width, mode.height);
        text += &format!("preferred {} {}\n", preferred.width, preferred.height);
        let flags =
            [(flag::FLUSH, "flush"), (flag::CURSOR, "cursor"), (flag::MODES, "modes"), (flag::FALLBACK, "fallback")]
                .map(|(bit, name)| if flags & bit != 0 { name } else { "" });
        text += &format!("flags {}\n", flags.join(" ").split_whitespace().collect::<Vec<_>>().join(" "));
        for mode in self.adapter.modes() {
            text += &format!("has mode {} {}\n", mode.width, mode.height);
        }
        text
    }
}

impl<A: Adapter> SchemeSync for Screen<A> {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(self.root)
    }

    fn openat(&mut self, dir: usize, path: &str, _: usize, _: u32, ctx: &CallerCtx) -> Result<OpenResult> {
        let handle = match (self.handle(dir), path) {
            _ if dir == self.root => match path {
                "" => self.hold(ctx)?,
                "info" => Handle::Info(self.describe()),
                _ => return Err(Error::new(ENOENT)),
            },
            (Ok(Handle::Screen), "buffer") => match self.adapter.buffer()? {
                Buffer::Elsewhere(fd) => return Ok(OpenResult::OtherScheme { fd }),
                Buffer::Here(_) => Handle::Buffer(self.modes_set),
            },
            (Err(error), _) => return Err(error),
            _ => return Err(Error::new(ENOENT)),
        };
        let flags = if matches!(handle, Handle::Info(_)) { NewFdFlags::POSITIONED } else { NewFdFlags::empty() };
        let holds = matches!(handle, Handle::Screen);
        if holds {
            self.adapter.taken()?;
        }
        let number = self.open.insert(handle);
        if holds {
            self.holder = Some(number);
        }
        Ok(OpenResult::ThisScheme { number, flags })
    }

    fn call(&mut self, id: usize, payload: &mut [u8], metadata: &[u64], _: &CallerCtx) -> Result<usize> {
        if !matches!(self.handle(id)?, Handle::Screen) {
            return Err(Error::new(EOPNOTSUPP));
        }
        let &[verb, word, ..] = metadata else { return Err(Error::new(EINVAL)) };
        match verb {
            verb::INFO => {
                let place = payload.get_mut(..Info::SIZE).ok_or(Error::new(EINVAL))?;
                place.copy_from_slice(&self.adapter.info().encode());
                Ok(0)
            }
            verb::MODES => Ok(self.modes(payload)),
            verb::SET_MODE => self.set_mode(Mode::unpack(word)),
            verb::FLUSH => self.flush(payload),
            verb::CURSOR => self.set_cursor(payload, Mode::unpack(word)),
            verb::MOVE_CURSOR => self.adapter.move_cursor(unpack_place(word)).map(|()| 0),
            _ => Err(Error::new(EINVAL)),
        }
    }

    fn mmap_prep(&mut self, id: usize, offset: u64, len: usize, _: MapFlags, _: &CallerCtx) -> Result<usize> {
        let Handle::Buffer(of) = self.handle(id)? else { return Err(Error::new(ENODEV)) };
        // Of a mode that is not any more.
        if *of != self.modes_set {
            return Err(Error::new(ENODEV));
        }
        let room = self.adapter.info().len().next_multiple_of(4096);
        let end = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(len));
        if end.is_none_or(|end| end > room) {
            return Err(Error::new(EINVAL));
        }
        match self.adapter.buffer()? {
            Buffer::Here(address) => Ok(address + offset as usize),
            Buffer::Elsewhere(_) => Err(Error::new(ENODEV)),
        }
    }

    fn munmap(&mut self, id: usize, _: u64, _: usize, _: MunmapFlags, _: &CallerCtx) -> Result<()> {
        // The frames go with their last mapping; nothing is kept here.
        self.handle(id).map(drop)
    }

    fn read(&mut self, id: usize, buf: &mut [u8], offset: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        match self.handle(id)? {
            Handle::Screen => {
                let place = buf.get_mut(..Mode::SIZE).ok_or(Error::new(EINVAL))?;
                if !std::mem::take(&mut self.changed) {
                    return Err(Error::new(EWOULDBLOCK));
                }
                place.copy_from_slice(&self.adapter.info().preferred.encode());
                Ok(Mode::SIZE)
            }
            Handle::Info(text) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
                let count = buf.len().min(text.len() - from);
                buf[..count].copy_from_slice(&text.as_bytes()[from..from + count]);
                Ok(count)
            }
            Handle::Buffer(_) => Err(Error::new(EBADF)),
        }
    }

    fn fevent(&mut self, id: usize, _: EventFlags, _: &CallerCtx) -> Result<EventFlags> {
        let ready = match self.handle(id)? {
            Handle::Screen => self.changed,
            _ => true,
        };
        Ok(if ready { EventFlags::EVENT_READ } else { EventFlags::empty() })
    }

    fn fstat(&mut self, id: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        let (st_mode, st_size) = match self.handle(id)? {
            Handle::Info(text) => (MODE_FILE | 0o444, text.len() as u64),
            Handle::Buffer(_) => (MODE_CHR | 0o600, self.adapter.info().len() as u64),
            Handle::Screen => (MODE_CHR | 0o600, 0),
        };
        *stat = Stat { st_mode, st_size, st_nlink: 1, ..Stat::default() };
        Ok(())
    }

    fn on_close(&mut self, id: usize) {
        self.open.remove(id);
        if self.holder == Some(id) {
            self.holder = None;
            self.adapter.released();
        }
    }
}

impl<A: Adapter> Scheme for Screen<A> {
    fn next_ready(&mut self) -> Option<(usize, EventFlags)> {
        self.ready.take()
    }
}

impl<A: Adapter> Driver for Screen<A> {
    fn happened(&mut self, source: Source) -> Result<()> {
        self.adapter.happened(source)?;
        self.look();
        Ok(())
    }

    fn wake_after(&self) -> Option<u64> {
        self.adapter.wake_after()
    }
}

#[cfg(test)]
mod tests;
