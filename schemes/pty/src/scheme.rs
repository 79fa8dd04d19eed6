//! The schemes `pty` and `tty`, two names of one socket.
//!
//! | path | gives |
//! |---|---|
//! | `/scheme/pty` | the master of a new terminal; opened as a directory, the numbers of all |
//! | `/scheme/pty/ptmx` | the same, and the other end is locked until it is unlocked |
//! | `/scheme/pty/N` | the other end of terminal N |
//! | `/scheme/tty` | the terminal that controls the caller's session |
//! | `/scheme/tty/console` | the kernel's console as a terminal |

use line_discipline::Read;
use ochre_abi::terminal::{local, part};
use scheme_server::syscall::data::Stat;
use scheme_server::syscall::dirent::{DirEntry, DirentBuf, DirentKind};
use scheme_server::syscall::error::{
    EACCES, EBADF, EBUSY, EEXIST, EINVAL, EIO, EISDIR, ENOENT, ENOTDIR, ENXIO, EPERM, EWOULDBLOCK, Error, Result,
};
use scheme_server::syscall::flag::{
    EventFlags, F_SETFL, MODE_CHR, MODE_DIR, MODE_PERM, O_CREAT, O_DIRECTORY, O_EXCL, O_NONBLOCK, O_RDONLY, O_STAT,
    O_WRONLY,
};
use scheme_server::{CallerCtx, Handles, NewFdFlags, OpenResult, Ready, Scheme, SchemeSync};

use crate::control::{self, Part};
use crate::system::System;
use crate::table::{self, CONSOLE, Table};
use crate::terminal::{Access, Terminal};

/// Root of `pty`.
pub const PTY: usize = 1 << 32;
/// Root of `tty`.
pub const TTY: usize = PTY + 1;
/// Where a write says that it is time to look at the clock.
pub const CLOCK: usize = PTY + 2;

/// What a number stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handle {
    /// The scheme `pty` itself, to be listed.
    Directory,
    /// `ptmx`, to be looked at only.
    Multiplexer,
    /// A terminal, to be looked at only.
    Node(usize),
    /// A master.
    Master(usize),
    /// An other end, and what may be done there.
    Slave { place: usize, read: bool, write: bool },
    /// A part of a terminal; whether by its master.
    Part { place: usize, part: Part, master: bool },
}

impl Handle {
    /// The terminal that this belongs to.
    pub(crate) fn place(self) -> Option<usize> {
        match self {
            Self::Directory | Self::Multiplexer => None,
            Self::Node(place) | Self::Master(place) | Self::Slave { place, .. } | Self::Part { place, .. } => {
                Some(place)
            }
        }
    }
}

/// All terminals.
pub struct Terminals<S> {
    pub(crate) system: S,
    pub(crate) table: Table,
    handles: Handles<Handle>,
    pub(crate) ready: Ready,
}

impl<S: System> Terminals<S> {
    /// No terminals but the console, which nobody shows yet.
    pub fn new(system: S) -> Self {
        Self { system, table: Table::new(), handles: Handles::new(), ready: Ready::new() }
    }

    /// The rest of the system.
    pub fn system(&mut self) -> &mut S {
        &mut self.system
    }

    /// A number for the console's master.
    pub fn console_master(&mut self) -> usize {
        self.add_master(CONSOLE)
    }

    /// It is time to look whether reads have waited long enough.
    pub fn tick(&mut self) {
        for (number, handle) in self.handles.iter() {
            if let Handle::Slave { place, .. } = *handle
                && self.table.get(place).is_ok_and(|terminal| terminal.has_timed_reads())
            {
                self.ready.raise(number, EventFlags::EVENT_READ);
            }
        }
    }

    pub(crate) fn handle(&self, number: usize) -> Result<Handle> {
        self.handles.get(number).copied().ok_or(Error::new(EBADF))
    }

    /// Makes a number for something of a terminal.
    pub(crate) fn insert(&mut self, handle: Handle) -> usize {
        if let Some(terminal) = handle.place().and_then(|place| self.table.get(place).ok()) {
            terminal.handles += 1;
        }
        self.handles.insert(handle)
    }

    fn add_master(&mut self, place: usize) -> usize {
        let number = self.insert(Handle::Master(place));
        if let Ok(terminal) = self.table.get(place) {
            terminal.master = Some(number);
        }
        number
    }

    fn create(&mut self, locked: bool, caller: &CallerCtx) -> Result<usize> {
        let place = self.table.create(Access { uid: caller.uid, gid: caller.gid, mode: 0o620 })?;
        self.table.get(place)?.locked = locked;
        Ok(self.add_master(place))
    }

    fn open_pty(&mut self, path: &str, flags: usize, caller: &CallerCtx) -> Result<usize> {
        let looking = flags & O_STAT != 0;
        match path {
            "" if looking || flags & O_DIRECTORY != 0 => Ok(self.insert(Handle::Directory)),
            "ptmx" if looking => Ok(self.insert(Handle::Multiplexer)),
            _ if flags & O_DIRECTORY != 0 => Err(Error::new(ENOTDIR)),
            "" => self.create(false, caller),
            "ptmx" => self.create(true, caller),
            name => {
                let place = self.table.find(name).ok_or(Error::new(ENOENT))?;
                self.open_other_end(place, flags, caller)
            }
        }
    }

    fn open_tty(&mut self, path: &str, flags: usize, caller: &CallerCtx) -> Result<usize> {
        if flags & O_DIRECTORY != 0 {
            return Err(Error::new(ENOTDIR));
        }
        match path {
            "console" => self.open_other_end(CONSOLE, flags, caller),
            "" => {
                let pid = u32::try_from(caller.pid).map_err(|_| Error::new(ENXIO))?;
                let place = self.system.terminal_of(pid).map_err(|_| Error::new(ENXIO))?;
                // Whoever it controls may use it, whoever owns it.
                self.open_controlling(place, flags)
            }
            _ => Err(Error::new(ENOENT)),
        }
    }

    fn open_other_end(&mut self, place: usize, flags: usize, caller: &CallerCtx) -> Result<usize> {
        let terminal = self.table.get(place)?;
        if flags & O_STAT != 0 {
            return Ok(self.insert(Handle::Node(place)));
        }
        if !terminal.access.allows(caller, flags & O_RDONLY != 0, flags & O_WRONLY != 0) {
            return Err(Error::new(EACCES));
        }
        if terminal.exclusive && caller.uid != 0 {
            return Err(Error::new(EBUSY));
        }
        self.open_controlling(place, flags)
    }

    fn open_controlling(&mut self, place: usize, flags: usize) -> Result<usize> {
        let terminal = self.table.get(place)?;
        if flags & O_STAT != 0 {
            return Ok(self.insert(Handle::Node(place)));
        }
        if terminal.locked || terminal.is_hung_up() {
            return Err(Error::new(EIO));
        }
        let (read, write) = (flags & O_RDONLY != 0, flags & O_WRONLY != 0);
        let number = self.insert(Handle::Slave { place, read, write });
        self.table.get(place)?.add_slave(number, &mut self.ready);
        Ok(number)
    }

    /// The terminal of an other end, if it still has a master.
    fn connected(&mut self, place: usize) -> Result<&mut Terminal> {
        let terminal = self.table.get(place)?;
        if terminal.is_hung_up() { Err(Error::new(EIO)) } else { Ok(terminal) }
    }

    fn read_slave(&mut self, place: usize, buf: &mut [u8], nonblock: bool, caller: &CallerCtx) -> Result<usize> {
        if self.table.get(place)?.is_hung_up() {
            return Ok(0);
        }
        if self.is_background(place, caller) {
            return Err(Error::new(EIO));
        }
        let (system, ready) = (&mut self.system, &mut self.ready);
        match self.table.get(place)?.read(buf, nonblock, caller, system, ready) {
            Read::Done(count) => Ok(count),
            Read::Wait(_) => Err(Error::new(EWOULDBLOCK)),
        }
    }

    fn write_slave(&mut self, place: usize, buf: &[u8], caller: &CallerCtx) -> Result<usize> {
        let terminal = self.connected(place)?;
        if terminal.line.termios().local & local::TOSTOP != 0 && self.is_background(place, caller) {
            return Err(Error::new(EIO));
        }
        self.write_anyway(place, buf)
    }

    /// Writes without asking who does.
    pub(crate) fn write_anyway(&mut self, place: usize, buf: &[u8]) -> Result<usize> {
        let (table, ready) = (&mut self.table, &mut self.ready);
        match table.get(place)?.write(buf, ready) {
            0 if !buf.is_empty() => Err(Error::new(EWOULDBLOCK)),
            count => Ok(count),
        }
    }

    fn write_master(&mut self, place: usize, buf: &[u8]) -> Result<usize> {
        match self.table.get(place)?.type_in(buf, &mut self.system, &mut self.ready) {
            0 if !buf.is_empty() => Err(Error::new(EWOULDBLOCK)),
            count => Ok(count),
        }
    }

    fn stat(&mut self, handle: Handle) -> Result<Stat> {
        let stat = |mode, st_ino| Stat { st_mode: mode, st_ino, st_nlink: 1, st_blksize: 4096, ..Stat::default() };
        let Some(place) = handle.place() else {
            return Ok(match handle {
                Handle::Directory => stat(MODE_DIR | 0o755, 1),
                _ => stat(MODE_CHR | 0o666, 2),
            });
        };
        let Access { uid, gid, mode } = self.table.get(place)?.access;
        Ok(Stat { st_uid: uid, st_gid: gid, ..stat(MODE_CHR | mode, place as u64 + 3) })
    }

    /// The terminal whose permissions a caller may change.
    fn owned(&mut self, id: usize, caller: &CallerCtx) -> Result<&mut Access> {
        let place = self.handle(id)?.place().ok_or(Error::new(EPERM))?;
        let access = &mut self.table.get(place)?.access;
        if caller.uid == 0 || caller.uid == access.uid { Ok(access) } else { Err(Error::new(EPERM)) }
    }
}

impl<S: System> SchemeSync for Terminals<S> {
    fn openat(&mut self, dir: usize, path: &str, flags: usize, _: u32, caller: &CallerCtx) -> Result<OpenResult> {
        let path = path.trim_matches('/');
        let number = match dir {
            PTY => self.open_pty(path, flags, caller)?,
            TTY => self.open_tty(path, flags, caller)?,
            _ => match self.handle(dir)? {
                Handle::Directory if !path.is_empty() => self.open_pty(path, flags, caller)?,
                Handle::Directory => self.insert(Handle::Directory),
                _ => return Err(Error::new(ENOTDIR)),
            },
        };
        if flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL {
            self.on_close(number);
            return Err(Error::new(EEXIST));
        }
        Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::empty() })
    }

    fn dup(&mut self, id: usize, argument: &[u8], _: &CallerCtx) -> Result<OpenResult> {
        let (place, master) = match self.handle(id)? {
            Handle::Master(place) => (place, true),
            Handle::Slave { place, .. } => (place, false),
            _ => return Err(Error::new(EINVAL)),
        };
        let part = match str::from_utf8(argument) {
            Ok(part::ATTRIBUTES) => Part::Attributes,
            Ok(part::SIZE) => Part::Size,
            Ok(part::GROUP) => Part::Group,
            Ok(part::FLUSH) => Part::Flush,
            _ => return Err(Error::new(EINVAL)),
        };
        let number = self.insert(Handle::Part { place, part, master });
        Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::empty() })
    }

    #[inline]
    fn read(&mut self, id: usize, buf: &mut [u8], _: u64, flags: u32, caller: &CallerCtx) -> Result<usize> {
        match self.handle(id)? {
            Handle::Master(place) => {
                let (table, ready) = (&mut self.table, &mut self.ready);
                table.get(place)?.show(buf, ready).ok_or(Error::new(EWOULDBLOCK))
            }
            Handle::Slave { place, read: true, .. } => {
                self.read_slave(place, buf, flags as usize & O_NONBLOCK != 0, caller)
            }
            Handle::Part { place, part, master } => self.read_part(place, part, master, buf, caller),
            Handle::Directory => Err(Error::new(EISDIR)),
            _ => Err(Error::new(EBADF)),
        }
    }

    #[inline]
    fn write(&mut self, id: usize, buf: &[u8], _: u64, _: u32, caller: &CallerCtx) -> Result<usize> {
        if id == CLOCK {
            self.tick();
            return Ok(buf.len());
        }
        match self.handle(id)? {
            Handle::Slave { place, write: true, .. } => self.write_slave(place, buf, caller),
            Handle::Master(place) => self.write_master(place, buf),
            Handle::Part { place, part, master } => self.write_part(place, part, master, buf, caller),
            _ => Err(Error::new(EBADF)),
        }
    }

    fn call(&mut self, id: usize, payload: &mut [u8], metadata: &[u64], caller: &CallerCtx) -> Result<usize> {
        if metadata.starts_with(&ochre_abi::ends::QUESTION) {
            return self.ends(id);
        }
        let (request, argument) = control::decode(metadata)?;
        self.control(id, request, argument, payload, caller)
    }

    fn fcntl(&mut self, id: usize, command: usize, _: usize, _: &CallerCtx) -> Result<usize> {
        self.handle(id)?;
        // The kernel keeps the flags and sends them along.
        if command == F_SETFL { Ok(0) } else { Err(Error::new(EINVAL)) }
    }

    fn fsync(&mut self, id: usize, _: &CallerCtx) -> Result<()> {
        match self.handle(id)? {
            Handle::Slave { place, .. } if !self.connected(place)?.is_drained() => Err(Error::new(EWOULDBLOCK)),
            Handle::Slave { .. } => Ok(()),
            _ => Err(Error::new(EINVAL)),
        }
    }

    fn fevent(&mut self, id: usize, flags: EventFlags, _: &CallerCtx) -> Result<EventFlags> {
        let events = match self.handle(id)? {
            Handle::Master(place) => self.table.get(place)?.master_events(),
            Handle::Slave { place, .. } => self.table.get(place)?.slave_events(),
            _ => return Err(Error::new(EPERM)),
        };
        Ok(events & flags)
    }

    fn fstat(&mut self, id: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        let handle = self.handle(id)?;
        *stat = self.stat(handle)?;
        Ok(())
    }

    fn fpath(&mut self, id: usize, buf: &mut [u8], _: &CallerCtx) -> Result<usize> {
        let path = match self.handle(id)? {
            Handle::Directory => "/scheme/pty".into(),
            Handle::Multiplexer => "/scheme/pty/ptmx".into(),
            handle => table::path(handle.place().ok_or(Error::new(EBADF))?),
        };
        let count = path.len().min(buf.len());
        buf[..count].copy_from_slice(&path.as_bytes()[..count]);
        Ok(count)
    }

    fn fchmod(&mut self, id: usize, mode: u16, caller: &CallerCtx) -> Result<()> {
        self.owned(id, caller)?.mode = mode & MODE_PERM;
        Ok(())
    }

    fn fchown(&mut self, id: usize, uid: u32, gid: u32, caller: &CallerCtx) -> Result<()> {
        if caller.uid != 0 {
            return Err(Error::new(EPERM));
        }
        let access = self.owned(id, caller)?;
        let kept = |new: u32, old: u32| if new == u32::MAX { old } else { new };
        (access.uid, access.gid) = (kept(uid, access.uid), kept(gid, access.gid));
        Ok(())
    }

    fn getdents<'buf>(
        &mut self,
        id: usize,
        mut buf: DirentBuf<&'buf mut [u8]>,
        from: u64,
    ) -> Result<DirentBuf<&'buf mut [u8]>> {
        if !matches!(self.handle(id)?, Handle::Directory) {
            return Err(Error::new(ENOTDIR));
        }
        let names = [String::from("ptmx")].into_iter().chain(self.table.numbers().map(|number| number.to_string()));
        for (index, name) in names.enumerate().skip(from as usize) {
            let entry = DirEntry {
                inode: index as u64 + 2,
                next_opaque_id: index as u64 + 1,
                name: &name,
                kind: DirentKind::CharDev,
            };
            match buf.entry(entry) {
                Ok(()) => {}
                Err(_) if index as u64 > from => break,
                Err(error) => return Err(error),
            }
        }
        Ok(buf)
    }

    fn on_close(&mut self, id: usize) {
        let Some(handle) = self.handles.remove(id) else { return };
        let Some(place) = handle.place() else { return };
        let Ok(terminal) = self.table.get(place) else { return };
        match handle {
            Handle::Master(_) => terminal.hang_up(&mut self.system, &mut self.ready),
            Handle::Slave { .. } => terminal.remove_slave(id, &mut self.ready),
            _ => {}
        }
        terminal.handles -= 1;
        if terminal.handles == 0 {
            self.table.forget(place);
        }
    }
}

impl<S: System> Scheme for Terminals<S> {
    fn next_ready(&mut self) -> Option<(usize, EventFlags)> {
        self.ready.take()
    }
}
