//! The scheme that clients talk to.

use ochre_abi::process::{
    Birth, Ids, Limit, NAME, SUCCESSOR, SetPriority, Terminal, Usage, UserIds, Verb, Wait, birth, child,
};
use scheme_server::syscall::data::Stat;
use scheme_server::syscall::dirent::{DirEntry, DirentBuf, DirentKind};
use scheme_server::syscall::error::{
    EACCES, EBADF, EINVAL, EISDIR, ENOENT, ENOTDIR, EPERM, EROFS, ESRCH, Error, Result,
};
use scheme_server::syscall::flag::{
    EventFlags, MODE_CHR, MODE_DIR, MODE_FILE, O_ACCMODE, O_CREAT, O_DIRECTORY, O_RDONLY, O_STAT,
};
use scheme_server::{CallerCtx, Handles, NewFdFlags, OpenResult, Scheme, SchemeSync};

use crate::table::{Process, Table};
use crate::{Machine, cpu, family, groups, ids, limits, signals, text};

/// The scheme's name.
pub const NAME_OF_SCHEME: &str = "proc";

/// What a client has open.
enum Handle {
    /// The list of processes.
    List,
    /// What the manager's own thread tells ends of threads on.
    Control,
    /// A process.
    Process { pid: u32, serial: u64 },
    /// What is known of a process, as it was when it was opened.
    Text { pid: u32, text: Vec<u8> },
}

/// The process manager.
pub struct Manager<M: Machine> {
    table: Table<M::Thread>,
    machine: M,
    handles: Handles<Handle>,
    root: usize,
    control: usize,
}

impl<M: Machine> Manager<M> {
    /// Without processes.
    pub fn new(machine: M) -> Self {
        let mut handles = Handles::new();
        let (root, control) = (handles.insert(Handle::List), handles.insert(Handle::Control));
        Self { table: Table::new(), machine, handles, root, control }
    }

    /// Takes in a thread of the system itself as a process; answers its id. The first one is the parent of those after it.
    pub fn adopt(&mut self, name: &str, thread: M::Thread) -> Result<u32> {
        let pid = self.table.new_pid()?;
        let serial = self.table.new_serial();
        let mut padded = [0; NAME];
        padded.iter_mut().take(NAME - 1).zip(name.bytes()).for_each(|(to, from)| *to = from);
        let mut process = Process::first(serial, padded, thread);
        (process.group, process.session) = (pid, pid);
        process.parent = if pid == 1 { 0 } else { 1 };
        // Nobody of these asks for the ends of orphans.
        process.policy = child::NO_WAIT;
        process.detached = pid != 1;
        process.reserve = true;
        self.table.insert(pid, process);
        ids::publish(&self.table, &mut self.machine, pid)?;
        Ok(pid)
    }

    /// An open number of a process.
    pub fn open(&mut self, pid: u32) -> Result<usize> {
        let serial = self.table.get(pid)?.serial;
        Ok(self.handles.insert(Handle::Process { pid, serial }))
    }

    /// The number on which ends of threads are told: a call with the process's id as the first word, 0 for [`Manager::tick`].
    pub fn control(&self) -> usize {
        self.control
    }

    /// The processes.
    pub fn table(&self) -> &Table<M::Thread> {
        &self.table
    }

    /// The kernel.
    pub fn machine(&mut self) -> &mut M {
        &mut self.machine
    }

    /// How many numbers are open.
    pub fn open_count(&self) -> usize {
        self.handles.len()
    }

    fn handle(&self, number: usize) -> Result<&Handle> {
        self.handles.get(number).ok_or(Error::new(EBADF))
    }

    /// The process that a number stands for; `ESRCH` when it is gone.
    fn process(&self, number: usize) -> Result<u32> {
        match self.handle(number)? {
            Handle::Process { pid, serial } if self.table.get(*pid)?.serial == *serial => Ok(*pid),
            Handle::Process { .. } => Err(Error::new(ESRCH)),
            _ => Err(Error::new(EBADF)),
        }
    }

    fn demand_superuser(&self, pid: u32) -> Result<()> {
        if self.table.get(pid)?.ids.euid == 0 { Ok(()) } else { Err(Error::new(EPERM)) }
    }

    /// What a process asks.
    fn obey(&mut self, me: u32, number: usize, verb: Verb, argument: u64, payload: &mut [u8]) -> Result<usize> {
        let Self { table, machine, .. } = self;
        let (low, high) = (argument as u32, (argument >> 32) as u32);
        match verb {
            Verb::Wait => {
                let request = Wait::from_bytes(payload).ok_or(Error::new(EINVAL))?;
                let answer = family::await_child(table, me, number, &request)?;
                written(answer.write_to(payload), answer.id as usize)
            }
            Verb::Ids => written(self.ids(if low == 0 { me } else { low })?.write_to(payload), 0),
            Verb::SetGroup => groups::set_group(table, me, low, high).map(|()| 0),
            Verb::SetSession => groups::set_session(table, me).map(|session| session as usize),
            Verb::Credentials => written(table.get(me)?.ids.write_to(payload), 0),
            Verb::SetIds => {
                let new = UserIds::from_bytes(payload).ok_or(Error::new(EINVAL))?;
                ids::set(table, machine, me, low == 1, new).map(|()| 0)
            }
            Verb::Groups => Ok(write_groups(&table.get(me)?.groups, payload)),
            Verb::SetGroups => ids::set_groups(table, me, read_groups(payload)).map(|()| 0),
            Verb::Kill => {
                let value = payload.first_chunk().map(|value| u64::from_ne_bytes(*value));
                signals::kill(table, machine, me, low as i32, high, value).map(|()| 0)
            }
            Verb::Stop => signals::stop_self(table, machine, me, argument).map(|()| 0),
            Verb::Executed => {
                let process = table.get_mut(me)?;
                process.name = *payload.first_chunk().ok_or(Error::new(EINVAL))?;
                process.executed = true;
                // The space that had the right is gone.
                process.reserve = false;
                ids::publish(table, machine, me).map(|()| 0)
            }
            Verb::Priority => ids::priority(table, me, low, high),
            Verb::SetPriority => {
                let to = SetPriority::from_bytes(payload).ok_or(Error::new(EINVAL))?;
                ids::set_priority(table, machine, me, to).map(|()| 0)
            }
            Verb::Limit => written(limits::get(table, me, argument)?.write_to(payload), 0),
            Verb::SetLimit => {
                let limit = Limit::from_bytes(payload).ok_or(Error::new(EINVAL))?;
                limits::set(table, machine, me, argument, limit)?;
                if argument as usize == limits::CPU {
                    self.tick();
                }
                Ok(0)
            }
            Verb::Succeed => family::succeed(table, me).map(|()| 0),
            Verb::Children => {
                if argument & !(child::NO_STOPS | child::NO_WAIT) != 0 {
                    return Err(Error::new(EINVAL));
                }
                table.get_mut(me)?.policy = argument;
                Ok(0)
            }
            Verb::AdoptOrphans => {
                self.demand_superuser(me)?;
                self.table.adopter = me;
                Ok(0)
            }
            Verb::Usage => written(self.usage(me, argument)?.write_to(payload), 0),
            Verb::SetTerminal => {
                let terminal = Terminal::from_bytes(payload).ok_or(Error::new(EINVAL))?;
                self.demand_superuser(me)?;
                groups::set_terminal(&mut self.table, terminal).map(|()| 0)
            }
            Verb::Forget => family::forget(table, machine, me, low).map(|()| 0),
            Verb::Terminal => {
                let terminal = groups::terminal(table, if low == 0 { me } else { low })?;
                written(terminal.write_to(payload), 0)
            }
        }
    }

    /// The time has come to look who has used too much of it.
    pub fn tick(&mut self) {
        if let Some(millis) = cpu::look(&mut self.table, &mut self.machine) {
            self.machine.wake_in(millis);
        }
    }

    fn ids(&self, pid: u32) -> Result<Ids> {
        let process = self.table.get(pid)?;
        Ok(Ids {
            pid,
            ppid: process.parent,
            group: process.group,
            session: process.session,
            uid: process.ids.ruid,
            orphaned: u32::from(groups::is_orphaned(&self.table, process.group)),
        })
    }

    fn usage(&mut self, pid: u32, of_children: u64) -> Result<Usage> {
        let process = self.table.get(pid)?;
        match (of_children, process.thread()) {
            (0, Some(thread)) => {
                let used = self.machine.usage(thread)?;
                Ok(Usage { time_ns: used.cpu_time_ns, mapped: used.mapped_bytes, threads: used.threads })
            }
            (1, _) => Ok(Usage { time_ns: process.children_ns, ..Usage::default() }),
            _ => Err(Error::new(EINVAL)),
        }
    }

    /// A child: its first thread.
    fn give_child(&mut self, me: u32, birth: &Birth) -> Result<usize> {
        let Self { table, machine, handles, .. } = self;
        let pid = family::bear(table, machine, me, birth, |machine, pid, serial| {
            let number = handles.insert(Handle::Process { pid, serial });
            // From its descriptor on, the number goes when that does.
            machine.descriptor(number).inspect_err(|_| drop(handles.remove(number)))
        })?;
        let thread = table.get(pid)?.thread().ok_or(Error::new(ESRCH))?;
        let given = machine.give_thread(thread, birth.bits & birth::AUTHORITY != 0);
        given.inspect_err(|_| drop(table.remove(pid)))
    }

    fn give_successor(&mut self, me: u32) -> Result<usize> {
        family::make_successor(&mut self.table, &mut self.machine, me)?;
        let thread = self.table.get(me)?.successor.as_ref().ok_or(Error::new(ESRCH))?;
        self.machine.give_thread(thread, false)
    }
}

/// The answer when a message had room for what was asked.
fn written(done: Option<()>, answer: usize) -> Result<usize> {
    done.map(|()| answer).ok_or(Error::new(EINVAL))
}

fn write_groups(groups: &[u32], payload: &mut [u8]) -> usize {
    for (to, group) in payload.chunks_exact_mut(4).zip(groups) {
        to.copy_from_slice(&group.to_ne_bytes());
    }
    groups.len()
}

fn read_groups(payload: &[u8]) -> Vec<u32> {
    payload.as_chunks::<4>().0.iter().map(|group| u32::from_ne_bytes(*group)).collect()
}

impl<M: Machine> SchemeSync for Manager<M> {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(self.root)
    }

    fn openat(&mut self, dir: usize, path: &str, flags: usize, _: u32, ctx: &CallerCtx) -> Result<OpenResult> {
        let Handle::List = self.handle(dir)? else { return Err(Error::new(ENOTDIR)) };
        if flags & O_STAT == 0 && (flags & O_CREAT != 0 || !matches!(flags & O_ACCMODE, 0 | O_RDONLY)) {
            return Err(Error::new(if path.is_empty() { EISDIR } else { EROFS }));
        }
        let handle = match path.trim_matches('/') {
            "" => Handle::List,
            _ if flags & O_DIRECTORY != 0 && flags & O_STAT == 0 => return Err(Error::new(ENOTDIR)),
            name => {
                let pid = if name == "self" { Some(ctx.pid as u32) } else { name.parse().ok() };
                let pid = pid.ok_or(Error::new(ENOENT))?;
                let text = text::describe(&self.table, &mut self.machine, pid).map_err(|_| Error::new(ENOENT))?;
                Handle::Text { pid, text }
            }
        };
        Ok(OpenResult::ThisScheme { number: self.handles.insert(handle), flags: NewFdFlags::POSITIONED })
    }

    fn dup(&mut self, number: usize, what: &[u8], _: &CallerCtx) -> Result<OpenResult> {
        let Handle::Process { pid, serial } = *self.handle(number)? else { return Err(Error::new(EINVAL)) };
        if what.is_empty() {
            let number = self.handles.insert(Handle::Process { pid, serial });
            return Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::empty() });
        }
        let me = self.process(number)?;
        if !self.table.get(me)?.is_alive() {
            return Err(Error::new(ESRCH));
        }
        let fd = if what == SUCCESSOR {
            self.give_successor(me)?
        } else {
            self.give_child(me, &Birth::from_bytes(what).ok_or(Error::new(EINVAL))?)?
        };
        Ok(OpenResult::OtherScheme { fd })
    }

    fn read(&mut self, number: usize, to: &mut [u8], offset: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        let text = match self.handle(number)? {
            Handle::Text { text, .. } => text,
            Handle::List => return Err(Error::new(EISDIR)),
            _ => return Err(Error::new(EINVAL)),
        };
        let rest = usize::try_from(offset).ok().and_then(|offset| text.get(offset..)).unwrap_or_default();
        let count = rest.len().min(to.len());
        to[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write(&mut self, number: usize, _: &[u8], _: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        self.handle(number)?;
        Err(Error::new(EBADF))
    }

    fn call(&mut self, number: usize, payload: &mut [u8], metadata: &[u64], _: &CallerCtx) -> Result<usize> {
        let word = |index: usize| metadata.get(index).copied().unwrap_or(0);
        if let Handle::Control = self.handle(number)? {
            match word(0) as u32 {
                0 => self.tick(),
                pid => family::end(&mut self.table, &mut self.machine, pid),
            }
            return Ok(0);
        }
        let me = self.process(number)?;
        let verb = Verb::from_raw(word(0)).ok_or(Error::new(EINVAL))?;
        self.obey(me, number, verb, word(1), payload)
    }

    fn getdents<'buf>(
        &mut self,
        number: usize,
        mut to: DirentBuf<&'buf mut [u8]>,
        from: u64,
    ) -> Result<DirentBuf<&'buf mut [u8]>> {
        let Handle::List = self.handle(number)? else { return Err(Error::new(ENOTDIR)) };
        let mut some = false;
        for (pid, _) in self.table.iter().filter(|(pid, _)| u64::from(*pid) > from) {
            let id = u64::from(pid);
            let name = pid.to_string();
            let entry = DirEntry { inode: id, next_opaque_id: id, name: &name, kind: DirentKind::Regular };
            match to.entry(entry) {
                Err(error) if !some => return Err(error),
                Err(_) => break,
                Ok(()) => some = true,
            }
        }
        Ok(to)
    }

    fn fstat(&mut self, number: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        let (st_mode, st_ino, size) = match self.handle(number)? {
            Handle::List => (MODE_DIR | 0o555, 0, 0),
            Handle::Text { pid, text } => (MODE_FILE | 0o444, *pid, text.len()),
            Handle::Process { pid, .. } => (MODE_CHR | 0o600, *pid, 0),
            Handle::Control => return Err(Error::new(EACCES)),
        };
        *stat = Stat { st_mode, st_nlink: 1, st_ino: st_ino.into(), st_size: size as u64, ..Stat::default() };
        Ok(())
    }

    fn fpath(&mut self, number: usize, to: &mut [u8], _: &CallerCtx) -> Result<usize> {
        let path = match self.handle(number)? {
            Handle::Text { pid, .. } | Handle::Process { pid, .. } => format!("/scheme/{NAME_OF_SCHEME}/{pid}"),
            _ => format!("/scheme/{NAME_OF_SCHEME}"),
        };
        let count = path.len().min(to.len());
        to[..count].copy_from_slice(&path.as_bytes()[..count]);
        Ok(count)
    }

    fn on_close(&mut self, number: usize) {
        // The list's own number and the one of the control are the manager's.
        if number == self.root || number == self.control {
            return;
        }
        self.handles.remove(number);
    }
}

impl<M: Machine> Scheme for Manager<M> {
    fn next_ready(&mut self) -> Option<(usize, EventFlags)> {
        self.table.ready.pop().map(|number| (number, EventFlags::EVENT_READ))
    }
}
