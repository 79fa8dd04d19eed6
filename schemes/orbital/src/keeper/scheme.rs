//! The keeper as a scheme: which request on which number does what.

use std::fmt::Write as _;

use scheme_server::syscall::EventFlags;
use scheme_server::syscall::data::Stat;
use scheme_server::syscall::error::{EACCES, EBADF, EBUSY, EINVAL, ENOENT, EOPNOTSUPP, EWOULDBLOCK, Error, Result};
use scheme_server::syscall::flag::{MODE_CHR, MapFlags, O_NONBLOCK, O_RDWR};
use scheme_server::{CallerCtx, NewFdFlags, OpenResult, Scheme, SchemeSync};

use super::{Handle, Keeper};
use crate::keeper::media::Media;
use crate::protocol::{Message, Open};
use crate::wire::{self, Order};

/// The number of the scheme's root.
pub const ROOT: usize = 1 << 32;

fn opened(number: usize) -> Result<OpenResult> {
    Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::empty() })
}

/// Reads from a text that is a state: after its end, reading begins anew.
fn read_state(text: &str, changes: u64, at: &mut usize, seen: &mut Option<u64>, buf: &mut [u8]) -> usize {
    if *at == 0 {
        *seen = Some(changes);
    }
    let rest = text.as_bytes().get(*at..).unwrap_or_default();
    let count = rest.len().min(buf.len());
    buf[..count].copy_from_slice(&rest[..count]);
    *at = if count == 0 { 0 } else { *at + count };
    count
}

impl Keeper {
    fn handle(&mut self, id: usize) -> Result<&mut Handle> {
        self.handles.get_mut(id).ok_or(Error::new(EBADF))
    }

    /// Gives a window to its client.
    fn hand_out(&mut self, number: usize, status: u32) -> Result<OpenResult> {
        let Some(door) = &mut self.door else { return opened(number) };
        match door(number, O_RDWR | status as usize & O_NONBLOCK) {
            Ok(fd) => Ok(OpenResult::OtherScheme { fd }),
            Err(error) => {
                self.on_close(number);
                Err(error)
            }
        }
    }

    /// The settings as text: a line for each.
    fn settings_text(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.settings {
            let _ = writeln!(text, "{key}={value}");
        }
        text
    }

    fn read_settings(&mut self, id: usize, buf: &mut [u8]) -> Result<usize> {
        let (text, changes) = (self.settings_text(), self.changes);
        let Handle::Settings { at, seen } = self.handle(id)? else { return Err(Error::new(EBADF)) };
        Ok(read_state(&text, changes, at, seen, buf))
    }

    fn read_list(&mut self, id: usize, buf: &mut [u8]) -> Result<usize> {
        let title = |id| self.windows.get(&id).map(|window| window.title.as_str());
        let (text, changes) = (self.list.text(title), self.list.changes());
        let Handle::Windows { at, seen } = self.handle(id)? else { return Err(Error::new(EBADF)) };
        Ok(read_state(&text, changes, at, seen, buf))
    }

    fn read_drag(&mut self, id: usize, buf: &mut [u8]) -> Result<usize> {
        let content = self.dragged.clone().ok_or(Error::new(ENOENT))?;
        let Handle::Drag(window, media) = self.handle(id)? else { return Err(Error::new(EBADF)) };
        let window = *window;
        let first = matches!(media, Media::Fresh);
        let count = media.read(buf, &content)?;
        if first {
            self.outbox.peeked = Some(window);
            self.wake_server();
        }
        Ok(count)
    }

    fn obey(&mut self, bytes: &[u8]) -> Result<()> {
        let mut orders = Vec::new();
        wire::read(bytes, |order: Order| orders.push(order)).map_err(|_| Error::new(EINVAL))?;
        orders.into_iter().for_each(|order| self.order(order));
        Ok(())
    }
}

impl SchemeSync for Keeper {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(ROOT)
    }

    fn openat(&mut self, dir: usize, path: &str, _flags: usize, status: u32, ctx: &CallerCtx) -> Result<OpenResult> {
        if dir != ROOT {
            return Err(Error::new(EBADF));
        }
        match Open::parse(path).map_err(|_| Error::new(EINVAL))? {
            Open::Window { flags, position, size, title } => {
                let number = self.open_window(ctx.pid, flags, position, size, title)?;
                self.hand_out(number, status)
            }
            Open::Display => opened(self.handles.insert(Handle::Display)),
            Open::Settings => opened(self.handles.insert(Handle::Settings { at: 0, seen: None })),
            Open::Windows if ctx.uid != 0 => Err(Error::new(EACCES)),
            Open::Windows => opened(self.handles.insert(Handle::Windows { at: 0, seen: None })),
            Open::Server if ctx.uid != 0 => Err(Error::new(EACCES)),
            Open::Server if self.server.is_some() => Err(Error::new(EBUSY)),
            Open::Server => opened(self.attach()),
        }
    }

    fn dup(&mut self, id: usize, argument: &[u8], _ctx: &CallerCtx) -> Result<OpenResult> {
        match (self.handle(id)?, argument) {
            (Handle::Window(_), b"clipboard") => opened(self.handles.insert(Handle::Clipboard(Media::Fresh))),
            (&mut Handle::Window(window), b"dnd") => opened(self.handles.insert(Handle::Drag(window, Media::Fresh))),
            (Handle::Server, argument) if argument.starts_with(b"pixels/") => {
                let argument = str::from_utf8(argument).map_err(|_| Error::new(EINVAL))?;
                opened(self.pixels(argument)?)
            }
            _ => Err(Error::new(EINVAL)),
        }
    }

    fn read(&mut self, id: usize, buf: &mut [u8], _offset: u64, _flags: u32, _ctx: &CallerCtx) -> Result<usize> {
        match self.handle(id)? {
            &mut Handle::Window(window) => self.read_events(window, buf)?.ok_or(Error::new(EWOULDBLOCK)),
            Handle::Server => match self.tell(buf)? {
                0 => Err(Error::new(EWOULDBLOCK)),
                count => Ok(count),
            },
            Handle::Settings { .. } => self.read_settings(id, buf),
            Handle::Windows { .. } => self.read_list(id, buf),
            Handle::Clipboard(media) => {
                let mut media = core::mem::take(media);
                let result = media.read(buf, &self.clipboard);
                *self.handle(id)? = Handle::Clipboard(media);
                result
            }
            Handle::Drag(..) => self.read_drag(id, buf),
            Handle::Display | Handle::Pixels(..) => Err(Error::new(EBADF)),
        }
    }

    fn write(&mut self, id: usize, buf: &[u8], _offset: u64, _flags: u32, _ctx: &CallerCtx) -> Result<usize> {
        let room = self.limits.media;
        match self.handle(id)? {
            &mut Handle::Window(window) => {
                let message = Message::parse(buf).map_err(|_| Error::new(EINVAL))?;
                self.message(window, message)?;
                Ok(buf.len())
            }
            Handle::Server => self.obey(buf).map(|()| buf.len()),
            Handle::Settings { .. } => {
                let text = str::from_utf8(buf).map_err(|_| Error::new(EINVAL))?;
                self.set(text).map(|()| buf.len())
            }
            Handle::Windows { .. } => self.wish(buf).map(|()| buf.len()),
            Handle::Clipboard(media) | Handle::Drag(_, media) => media.write(buf, room),
            Handle::Display | Handle::Pixels(..) => Err(Error::new(EBADF)),
        }
    }

    fn fpath(&mut self, id: usize, buf: &mut [u8], _ctx: &CallerCtx) -> Result<usize> {
        let path = match self.handle(id)? {
            &mut Handle::Window(window) => self.window(window)?.path(),
            Handle::Display => format!("orbital:99.0/{}/{}/{}", self.screen.w, self.screen.h, self.screen.scale),
            Handle::Settings { .. } => String::from("orbital:settings"),
            Handle::Windows { .. } => String::from("orbital:windows"),
            _ => return Err(Error::new(EOPNOTSUPP)),
        };
        let count = path.len().min(buf.len());
        buf[..count].copy_from_slice(&path.as_bytes()[..count]);
        Ok(count)
    }

    fn fstat(&mut self, id: usize, stat: &mut Stat, _ctx: &CallerCtx) -> Result<()> {
        self.handle(id)?;
        *stat = Stat { st_mode: MODE_CHR | 0o600, st_nlink: 1, ..Stat::default() };
        Ok(())
    }

    fn fsync(&mut self, id: usize, _ctx: &CallerCtx) -> Result<()> {
        match self.handle(id)? {
            &mut Handle::Window(window) => self.message(window, Message::DamageAll),
            _ => Ok(()),
        }
    }

    fn fcntl(&mut self, id: usize, _command: usize, _argument: usize, _ctx: &CallerCtx) -> Result<usize> {
        // The kernel keeps the status flags.
        self.handle(id).map(|_| 0)
    }

    fn fevent(&mut self, id: usize, _flags: EventFlags, _ctx: &CallerCtx) -> Result<EventFlags> {
        // What is a state is readable when it has changed since it was read, and can be written always.
        let state = |seen: Option<u64>, now| match seen == Some(now) {
            true => EventFlags::EVENT_WRITE,
            false => EventFlags::EVENT_READ | EventFlags::EVENT_WRITE,
        };
        let (settings, list) = (self.changes, self.list.changes());
        let readable = match self.handle(id)? {
            Handle::Settings { seen, .. } => return Ok(state(*seen, settings)),
            Handle::Windows { seen, .. } => return Ok(state(*seen, list)),
            &mut Handle::Window(window) => !self.window(window)?.events.is_empty(),
            Handle::Server => !self.outbox.is_empty(),
            _ => return Ok(EventFlags::EVENT_READ | EventFlags::EVENT_WRITE),
        };
        Ok(if readable { EventFlags::EVENT_READ } else { EventFlags::empty() })
    }

    fn mmap_prep(&mut self, id: usize, offset: u64, size: usize, _flags: MapFlags, _ctx: &CallerCtx) -> Result<usize> {
        match *self.handle(id)? {
            Handle::Window(window) => self.window(window)?.buffer.map(offset, size),
            Handle::Pixels(window, generation) => {
                let window = self.windows.get(&window).ok_or(Error::new(ENOENT))?;
                window.pixels(generation).ok_or(Error::new(ENOENT))?.map(offset, size)
            }
            _ => Err(Error::new(EOPNOTSUPP)),
        }
    }

    fn munmap(
        &mut self,
        _id: usize,
        _offset: u64,
        _size: usize,
        _flags: scheme_server::syscall::MunmapFlags,
        _ctx: &CallerCtx,
    ) -> Result<()> {
        // Whoever maps pixels has the frames; nothing is counted here.
        Ok(())
    }

    fn on_close(&mut self, id: usize) {
        match self.handles.remove(id) {
            Some(Handle::Window(window)) => self.close_window(window),
            Some(Handle::Server) => {
                self.server = None;
                self.outbox = Default::default();
            }
            Some(handle) => self.finish(handle),
            None => {}
        }
    }
}

impl Scheme for Keeper {
    fn next_ready(&mut self) -> Option<(usize, EventFlags)> {
        self.ready.take()
    }
}
