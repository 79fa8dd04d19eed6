//! The scheme `init`: what services there are, and commands to them.
//!
//! Reading `/scheme/init` or `/scheme/init/list` gives a table, reading `/scheme/init/NAME` what is known of one service. Writing
//! `start`, `stop`, `restart` or `kill` to `/scheme/init/NAME`, or `shutdown` or
//! `reboot` to `/scheme/init/list`, is a command; only user 0 may.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use scheme_server::syscall::data::Stat;
use scheme_server::syscall::dirent::{DirEntry, DirentBuf, DirentKind};
use scheme_server::syscall::error::{EACCES, EBADF, EINVAL, EISDIR, ENOENT, ENOTDIR, Error, Result};
use scheme_server::syscall::flag::{MODE_DIR, MODE_FILE, O_ACCMODE, O_DIRECTORY, O_RDONLY, O_STAT};
use scheme_server::{CallerCtx, Handles, NewFdFlags, OpenResult, Scheme, SchemeSync};

use crate::supervisor::{Command, Event, Service, Supervisor};

/// Name of the scheme.
pub const NAME: &str = "init";
/// Number of its root.
pub const ROOT: usize = 1 << 32;
/// Name of the table among the services.
const LIST: &str = "list";

/// What a client has open.
enum Handle {
    /// The table: its text when it was opened.
    List(String),
    /// A service: its text, and which one.
    Service(String, usize),
    /// The directory.
    Directory,
}

/// The scheme, over the supervisor that it shows. Commands are taken out by whoever runs the supervisor.
pub struct Control {
    /// The supervisor.
    pub supervisor: Supervisor,
    /// What time it is, on the supervisor's clock.
    pub now: Duration,
    /// The machine starts again when all is stopped.
    pub reboots: bool,
    handles: Handles<Handle>,
    commands: VecDeque<Event>,
}

impl Control {
    /// A scheme that shows this.
    pub fn new(supervisor: Supervisor) -> Self {
        Self { supervisor, now: Duration::ZERO, reboots: false, handles: Handles::new(), commands: VecDeque::new() }
    }

    /// The next command that somebody gave.
    pub fn take_command(&mut self) -> Option<Event> {
        self.commands.pop_front()
    }

    fn table(&self) -> String {
        let mut text = format!("{:<16} {:<9} {:>6}  {}\n", "NAME", "STATE", "STARTS", "WHAT");
        for Service { unit, state, starts, .. } in self.supervisor.services() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{:<16} {:<9} {starts:>6}  {}", unit.name, state.name(), unit.description);
        }
        text
    }

    fn facts(&self, service: &Service) -> String {
        let Service { unit, state, starts, since, last_end, .. } = service;
        let mut text =
            format!("name {}\nstate {}\nstarts {starts}\nprogram {}\n", unit.name, state.name(), unit.program);
        if *starts > 0 {
            let _ = writeln!(text, "started {:.1} s ago", self.now.saturating_sub(*since).as_secs_f64());
        }
        if let Some(end) = last_end {
            let _ = writeln!(text, "last_end {end}");
        }
        text
    }

    fn open(&self, name: &str, directory: bool) -> Result<Handle> {
        match name {
            "" if directory => Ok(Handle::Directory),
            "" | LIST => Ok(Handle::List(self.table())),
            name => {
                let id = self.supervisor.find(name).ok_or(Error::new(ENOENT))?;
                Ok(Handle::Service(self.facts(&self.supervisor.services()[id]), id))
            }
        }
    }
}

impl SchemeSync for Control {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(ROOT)
    }

    fn openat(&mut self, dir: usize, path: &str, flags: usize, _: u32, ctx: &CallerCtx) -> Result<OpenResult> {
        if dir != ROOT && !matches!(self.handles.get(dir), Some(Handle::Directory)) {
            return Err(Error::new(ENOTDIR));
        }
        let reads = flags & O_STAT != 0 || matches!(flags & O_ACCMODE, 0 | O_RDONLY);
        if !reads && ctx.uid != 0 {
            return Err(Error::new(EACCES));
        }
        let handle = self.open(path.trim_matches('/'), flags & O_DIRECTORY != 0)?;
        if flags & O_DIRECTORY != 0 && !matches!(handle, Handle::Directory) {
            return Err(Error::new(ENOTDIR));
        }
        Ok(OpenResult::ThisScheme { number: self.handles.insert(handle), flags: NewFdFlags::POSITIONED })
    }

    fn read(&mut self, id: usize, buf: &mut [u8], offset: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        let (Handle::List(text) | Handle::Service(text, _)) = self.handles.get(id).ok_or(Error::new(EBADF))? else {
            return Err(Error::new(EISDIR));
        };
        let rest = usize::try_from(offset).ok().and_then(|from| text.as_bytes().get(from..)).unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write(&mut self, id: usize, buf: &[u8], _: u64, _: u32, ctx: &CallerCtx) -> Result<usize> {
        if ctx.uid != 0 {
            return Err(Error::new(EACCES));
        }
        let word = buf.trim_ascii();
        let event = match self.handles.get(id).ok_or(Error::new(EBADF))? {
            Handle::List(_) if word == b"shutdown" => Event::ShutDown(0),
            Handle::List(_) if word == b"reboot" => {
                self.reboots = true;
                Event::ShutDown(0)
            }
            Handle::List(_) => return Err(Error::new(EINVAL)),
            Handle::Service(_, service) => Event::Command(*service, command(word).ok_or(Error::new(EINVAL))?),
            Handle::Directory => return Err(Error::new(EISDIR)),
        };
        self.commands.push_back(event);
        Ok(buf.len())
    }

    fn getdents<'buf>(
        &mut self,
        id: usize,
        mut buf: DirentBuf<&'buf mut [u8]>,
        from: u64,
    ) -> Result<DirentBuf<&'buf mut [u8]>> {
        if id != ROOT && !matches!(self.handles.get(id), Some(Handle::Directory)) {
            return Err(Error::new(ENOTDIR));
        }
        let names =
            std::iter::once(LIST).chain(self.supervisor.services().iter().map(|service| service.unit.name.as_str()));
        for (index, name) in (0_u64..).zip(names).skip(usize::try_from(from).unwrap_or(usize::MAX)) {
            let kind = DirentKind::Regular;
            if let Err(error) = buf.entry(DirEntry { inode: index + 2, next_opaque_id: index + 1, name, kind }) {
                // Not even one fits.
                return if index == from { Err(error) } else { Ok(buf) };
            }
        }
        Ok(buf)
    }

    fn fstat(&mut self, id: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        *stat = match self.handles.get(id) {
            Some(Handle::List(text) | Handle::Service(text, _)) => {
                Stat { st_mode: MODE_FILE | 0o644, st_nlink: 1, st_size: text.len() as u64, ..Stat::default() }
            }
            Some(Handle::Directory) => Stat { st_mode: MODE_DIR | 0o555, st_nlink: 1, ..Stat::default() },
            None if id == ROOT => Stat { st_mode: MODE_DIR | 0o555, st_nlink: 1, ..Stat::default() },
            None => return Err(Error::new(EBADF)),
        };
        Ok(())
    }

    fn ftruncate(&mut self, id: usize, _: u64, _: &CallerCtx) -> Result<()> {
        // A shell that writes a command truncates first.
        self.handles.get(id).map(|_| ()).ok_or(Error::new(EBADF))
    }

    fn fpath(&mut self, id: usize, buf: &mut [u8], _: &CallerCtx) -> Result<usize> {
        let name = match self.handles.get(id) {
            Some(Handle::List(_)) => LIST,
            Some(Handle::Service(_, service)) => &self.supervisor.services()[*service].unit.name,
            _ => "",
        };
        let path = format!("/scheme/{NAME}/{name}");
        let count = path.len().min(buf.len());
        buf[..count].copy_from_slice(&path.as_bytes()[..count]);
        Ok(count)
    }

    fn on_close(&mut self, id: usize) {
        self.handles.remove(id);
    }
}

impl Scheme for Control {}

fn command(word: &[u8]) -> Option<Command> {
    match word {
        b"start" => Some(Command::Start),
        b"stop" => Some(Command::Stop),
        b"restart" => Some(Command::Restart),
        b"kill" => Some(Command::Kill),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use scheme_server::fake::{Kernel, NO_OFFSET};

    use super::*;
    use crate::unit::Unit;

    fn kernel() -> Kernel<Control> {
        let unit = Unit::parse("ptyd", "description = 'terminals'\nprogram = '/bin/ptyd'").unwrap();
        Kernel::new(Control::new(Supervisor::new(vec![unit])))
    }

    fn read(kernel: &mut Kernel<Control>, path: &str) -> String {
        let number = kernel.openat(ROOT, path, O_RDONLY).unwrap().number();
        let text = kernel.read(number, 4096, 0).unwrap();
        kernel.close(number);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn services_can_be_looked_at() {
        let mut kernel = kernel();
        assert!(read(&mut kernel, "").contains("ptyd             off            0  terminals"));
        assert!(read(&mut kernel, "ptyd").starts_with("name ptyd\nstate off\nstarts 0\n"));
        assert_eq!(kernel.openat(ROOT, "nobody", O_RDONLY).unwrap_err().errno, ENOENT);
    }

    #[test]
    fn commands_wait_to_be_taken() {
        let mut kernel = kernel();
        let number = kernel.openat(ROOT, "ptyd", O_ACCMODE).unwrap().number();
        assert_eq!(kernel.write(number, b"start\n", NO_OFFSET, 0), Ok(6));
        assert_eq!(kernel.write(number, b"dance", NO_OFFSET, 0).unwrap_err().errno, EINVAL);
        assert_eq!(kernel.scheme.take_command(), Some(Event::Command(0, Command::Start)));
        assert_eq!(kernel.scheme.take_command(), None);
    }
}
