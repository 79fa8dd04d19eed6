//! The requests that are a terminal's own: settings, size, groups and sessions, queues.

use line_discipline::Line;
use ochre_abi::ends;
use ochre_abi::terminal::{ANYWAY, Request, Termios, WindowSize, queue, standing, when};
use scheme_server::CallerCtx;
use scheme_server::syscall::error::{EBADF, EINVAL, EIO, ENOTTY, EPERM, EWOULDBLOCK, Error, Result};

use crate::scheme::{Handle, Terminals};
use crate::system::{Member, System};
use crate::table;
use crate::terminal::Control;

/// A part of a terminal that can be had as a descriptor.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Its settings.
    Attributes,
    /// The size of its window.
    Size,
    /// The group in the foreground.
    Group,
    /// Throwing away.
    Flush,
}

/// The request and its argument that words are.
pub fn decode(metadata: &[u64]) -> Result<(Request, u64)> {
    let request = metadata.first().and_then(|&word| Request::from_word(word)).ok_or(Error::new(EINVAL))?;
    Ok((request, metadata.get(1).copied().unwrap_or(0)))
}

/// Fills room with a structure.
fn fill(room: &mut [u8], bytes: &[u8]) -> Result<usize> {
    room.get_mut(..bytes.len()).ok_or(Error::new(EINVAL))?.copy_from_slice(bytes);
    Ok(bytes.len())
}

/// Whether a switch is on.
fn switch(argument: u64) -> Result<bool> {
    match argument {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::new(EINVAL)),
    }
}

impl<S: System> Terminals<S> {
    /// What the caller is to a terminal: none if that does not control its session.
    fn member(&mut self, place: usize, caller: &CallerCtx) -> Option<(Member, Control)> {
        let control = self.table.get(place).ok()?.control?;
        let member = self.system.member(u32::try_from(caller.pid).ok()?).ok()?;
        (member.session == control.session).then_some((member, control))
    }

    fn standing(&mut self, place: usize, caller: &CallerCtx) -> u64 {
        match self.member(place, caller) {
            Some((member, control)) if member.group != control.foreground => {
                if member.orphaned {
                    standing::ORPHANED
                } else {
                    standing::BACKGROUND
                }
            }
            _ => standing::FOREGROUND,
        }
    }

    /// What `poll` tells beside readiness: the other end is gone.
    pub(crate) fn ends(&mut self, id: usize) -> Result<usize> {
        let gone = match self.handle(id)? {
            Handle::Master(place) => self.table.get(place)?.is_left(),
            Handle::Slave { place, .. } => self.table.get(place)?.is_hung_up(),
            _ => return Err(Error::new(ENOTTY)),
        };
        Ok(if gone { ends::HANG_UP as usize } else { 0 })
    }

    /// Whether the caller is in the background of the session that a terminal controls.
    pub(crate) fn is_background(&mut self, place: usize, caller: &CallerCtx) -> bool {
        self.standing(place, caller) != standing::FOREGROUND
    }

    /// Carries out a request.
    pub(crate) fn control(
        &mut self,
        id: usize,
        request: Request,
        argument: u64,
        payload: &mut [u8],
        caller: &CallerCtx,
    ) -> Result<usize> {
        let (place, master) = match self.handle(id)? {
            Handle::Master(place) => (place, true),
            Handle::Slave { place, .. } => (place, false),
            _ => return Err(Error::new(ENOTTY)),
        };
        if self.table.get(place)?.is_hung_up() {
            return Err(Error::new(EIO));
        }
        let anyway = argument & ANYWAY != 0;
        let argument = argument & !ANYWAY;
        if !master && !anyway && changes(request) && self.is_background(place, caller) {
            return Err(Error::new(EIO));
        }
        match request {
            Request::Lock | Request::Number | Request::Packet | Request::Users => {
                if master {
                    self.control_master(place, request, argument)
                } else {
                    Err(Error::new(ENOTTY))
                }
            }
            Request::GetGroup | Request::SetGroup | Request::GetSession | Request::Acquire | Request::Release => {
                self.control_session(place, master, request, argument, caller)
            }
            Request::WriteAnyway => match self.handle(id)? {
                Handle::Slave { write: true, .. } => self.write_anyway(place, payload),
                _ => Err(Error::new(EBADF)),
            },
            Request::Standing => Ok(self.standing(place, caller) as usize),
            _ => self.control_line(place, request, argument, payload, caller),
        }
    }

    /// What the line, its size and its queues can be asked.
    fn control_line(
        &mut self,
        place: usize,
        request: Request,
        argument: u64,
        payload: &mut [u8],
        caller: &CallerCtx,
    ) -> Result<usize> {
        let terminal = self.table.get(place)?;
        match request {
            Request::GetAttributes => fill(payload, &terminal.line.termios().to_bytes()).map(|_| 0),
            Request::SetAttributes => self.set_attributes(place, argument, payload),
            Request::GetSize => fill(payload, &terminal.size.to_bytes()).map(|_| 0),
            Request::SetSize => {
                let size = WindowSize::from_bytes(payload).ok_or(Error::new(EINVAL))?;
                terminal.resize(size, &mut self.system);
                Ok(0)
            }
            Request::Flush => self.change(place, |line| line.flush(argument)),
            Request::Flow => self.change(place, |line| line.flow(argument)),
            Request::Drain if terminal.is_drained() => Ok(0),
            Request::Drain => Err(Error::new(EWOULDBLOCK)),
            Request::InputCount => Ok(terminal.line.input_count()),
            Request::OutputCount => Ok(terminal.line.output_count()),
            Request::Exclusive => {
                if caller.uid != 0 && caller.uid != terminal.access.uid {
                    return Err(Error::new(EPERM));
                }
                terminal.exclusive = switch(argument)?;
                Ok(0)
            }
            _ => Err(Error::new(EINVAL)),
        }
    }

    /// Does something with the line that may make both sides go on.
    fn change(
        &mut self,
        place: usize,
        action: impl FnOnce(&mut Line) -> Option<line_discipline::Effects>,
    ) -> Result<usize> {
        let (system, ready) = (&mut self.system, &mut self.ready);
        self.table.get(place)?.act(system, ready, |line| match action(line) {
            Some(effects) => (Ok(0), effects),
            None => (Err(Error::new(EINVAL)), line_discipline::Effects::default()),
        })
    }

    fn set_attributes(&mut self, place: usize, when: u64, payload: &[u8]) -> Result<usize> {
        let new = Termios::from_bytes(payload).ok_or(Error::new(EINVAL))?;
        if when > when::FLUSH {
            return Err(Error::new(EINVAL));
        }
        if when != when::NOW && !self.table.get(place)?.is_drained() {
            return Err(Error::new(EWOULDBLOCK));
        }
        if when == when::FLUSH {
            self.change(place, |line| line.flush(queue::INPUT))?;
        }
        self.change(place, |line| Some(line.set_termios(&new)))
    }

    /// What only a master can be asked.
    fn control_master(&mut self, place: usize, request: Request, argument: u64) -> Result<usize> {
        let terminal = self.table.get(place)?;
        match request {
            Request::Lock => terminal.locked = switch(argument)?,
            Request::Packet => terminal.set_packets(switch(argument)?),
            Request::Users => return Ok(terminal.slaves.len()),
            _ => return table::number(place).ok_or(Error::new(ENOTTY)),
        }
        Ok(0)
    }

    /// What has to do with sessions and groups.
    fn control_session(
        &mut self,
        place: usize,
        master: bool,
        request: Request,
        argument: u64,
        caller: &CallerCtx,
    ) -> Result<usize> {
        // Who holds the master may ask, but is not of the session.
        if master {
            let control = self.table.get(place)?.control.ok_or(Error::new(ENOTTY))?;
            return match request {
                Request::GetGroup => Ok(control.foreground as usize),
                Request::GetSession => Ok(control.session as usize),
                _ => Err(Error::new(ENOTTY)),
            };
        }
        if request == Request::Acquire {
            return self.acquire(place, switch(argument)?, caller);
        }
        let (_, control) = self.member(place, caller).ok_or(Error::new(ENOTTY))?;
        match request {
            Request::GetGroup => Ok(control.foreground as usize),
            Request::GetSession => Ok(control.session as usize),
            Request::SetGroup => self.set_group(place, control, argument),
            _ if caller.pid != control.session as usize => Err(Error::new(EPERM)),
            _ => {
                self.table.get(place)?.release(&mut self.system);
                Ok(0)
            }
        }
    }

    fn set_group(&mut self, place: usize, control: Control, group: u64) -> Result<usize> {
        let foreground = i32::try_from(group).ok().filter(|&group| group > 0).ok_or(Error::new(EINVAL))? as u32;
        // The process manager knows whether the session has this group.
        self.system.set_terminal(control.session, foreground, Some(place))?;
        self.table.get(place)?.control = Some(Control { foreground, ..control });
        Ok(0)
    }

    /// Makes a terminal the controlling one of the caller's session; `steal` takes it from another one.
    fn acquire(&mut self, place: usize, steal: bool, caller: &CallerCtx) -> Result<usize> {
        let pid = u32::try_from(caller.pid).map_err(|_| Error::new(EPERM))?;
        let member = self.system.member(pid).map_err(|_| Error::new(EPERM))?;
        if let Some(control) = self.table.get(place)?.control {
            if control.session == member.session && self.system.terminal_of(pid) == Ok(place) {
                return Ok(0);
            }
            // The session may be over: its leader has no terminal then.
            let alive = self.system.terminal_of(control.session) == Ok(place);
            if alive && !(steal && caller.uid == 0) {
                return Err(Error::new(EPERM));
            }
        }
        if pid != member.session || self.system.terminal_of(pid).is_ok() {
            return Err(Error::new(EPERM));
        }
        let terminal = self.table.get(place)?;
        if terminal.control.is_some() {
            terminal.release(&mut self.system);
        }
        self.system.set_terminal(member.session, member.group, Some(place))?;
        self.table.get(place)?.control = Some(Control { session: member.session, foreground: member.group });
        Ok(0)
    }

    /// Reads a part.
    pub(crate) fn read_part(
        &mut self,
        place: usize,
        part: Part,
        master: bool,
        buf: &mut [u8],
        caller: &CallerCtx,
    ) -> Result<usize> {
        match part {
            Part::Attributes => fill(buf, &self.table.get(place)?.line.termios().to_bytes()),
            Part::Size => fill(buf, &self.table.get(place)?.size.to_bytes()),
            Part::Group => {
                let group = self.control_session(place, master, Request::GetGroup, 0, caller)?;
                if buf.len() >= 8 { fill(buf, &group.to_ne_bytes()) } else { fill(buf, &(group as u32).to_ne_bytes()) }
            }
            Part::Flush => Err(Error::new(EBADF)),
        }
    }

    /// Writes a part.
    pub(crate) fn write_part(
        &mut self,
        place: usize,
        part: Part,
        master: bool,
        buf: &[u8],
        caller: &CallerCtx,
    ) -> Result<usize> {
        let mut payload = [0; Termios::SIZE];
        let given = payload.get_mut(..buf.len()).ok_or(Error::new(EINVAL))?;
        given.copy_from_slice(buf);
        let (request, argument) = match part {
            Part::Attributes if buf.len() == Termios::SIZE => (Request::SetAttributes, when::NOW),
            Part::Size if buf.len() == WindowSize::SIZE => (Request::SetSize, 0),
            Part::Group => (Request::SetGroup, number(buf)?),
            Part::Flush => (Request::Flush, number(buf)?),
            _ => return Err(Error::new(EINVAL)),
        };
        if self.table.get(place)?.is_hung_up() {
            return Err(Error::new(EIO));
        }
        if !master && changes(request) && self.is_background(place, caller) {
            return Err(Error::new(EIO));
        }
        match request {
            Request::SetGroup => self.control_session(place, master, request, argument, caller)?,
            _ => self.control_line(place, request, argument, &mut payload, caller)?,
        };
        Ok(buf.len())
    }
}

/// Whether a request is one that the background must not make.
fn changes(request: Request) -> bool {
    use Request::{Drain, Flow, Flush, SetAttributes, SetGroup};
    matches!(request, SetAttributes | SetGroup | Flush | Flow | Drain)
}

/// A number of four or eight bytes, or one.
fn number(bytes: &[u8]) -> Result<u64> {
    match bytes.len() {
        1 => Ok(bytes[0].into()),
        4 | 8 => {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            Ok(u64::from_le_bytes(padded))
        }
        _ => Err(Error::new(EINVAL)),
    }
}
