//! One terminal: its line, its two ends, the session that it controls.

use core::time::Duration;

use line_discipline::{Effects, Line, Read, Signals};
use ochre_abi::terminal::character::VTIME;
use ochre_abi::terminal::{WindowSize, packet};
use scheme_server::syscall::EventFlags;
use scheme_server::{CallerCtx, Ready};

use crate::system::{System, signal};

/// Reads that are watched for their time; of more the oldest begin anew.
const READS_MAX: usize = 64;

/// Who owns a terminal and what others may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u16,
}

impl Access {
    /// Whether a caller may read and write as it wants to.
    pub fn allows(&self, caller: &CallerCtx, read: bool, write: bool) -> bool {
        let shift = match caller {
            _ if caller.uid == 0 => return true,
            _ if caller.uid == self.uid => 6,
            _ if caller.gid == self.gid => 3,
            _ => 0,
        };
        let bits = self.mode >> shift;
        (!read || bits & 4 != 0) && (!write || bits & 2 != 0)
    }
}

/// The session that a terminal controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// The session, which is its leader's process as well.
    pub session: u32,
    /// The group in the foreground.
    pub foreground: u32,
}

/// A terminal.
#[derive(Debug)]
pub struct Terminal {
    /// What lies between its ends.
    pub line: Line,
    /// Size of its window.
    pub size: WindowSize,
    /// Who may open the other end.
    pub access: Access,
    /// What it controls.
    pub control: Option<Control>,
    /// Only the superuser may open it once more.
    pub exclusive: bool,
    /// Nobody may open it.
    pub locked: bool,
    /// Number of the master; `None` when it is closed, which is the end.
    pub master: Option<usize>,
    /// Numbers of the other end.
    pub slaves: Vec<usize>,
    /// All that is open of it, with descriptors that only stand for a part.
    pub handles: usize,
    /// The other end was open once.
    used: bool,
    /// Reads of the master begin with a byte that tells what happened.
    packets: bool,
    /// What is to be told there.
    packet: u8,
    /// Somebody waits at the other end until output is taken, and until all of it is.
    writer_waits: bool,
    drain_waits: bool,
    /// The master waits until input is read.
    typist_waits: bool,
    /// When reads began that end after a time.
    reads: Vec<(scheme_server::Id, Duration)>,
}

impl Terminal {
    /// A new one. Nobody can open it until it is unlocked.
    pub fn new(access: Access) -> Self {
        Self {
            line: Line::new(),
            size: WindowSize::default(),
            access,
            control: None,
            exclusive: false,
            locked: false,
            master: None,
            slaves: Vec::new(),
            handles: 0,
            used: false,
            packets: false,
            packet: packet::DATA,
            writer_waits: false,
            drain_waits: false,
            typist_waits: false,
            reads: Vec::new(),
        }
    }

    /// Whether the master is gone.
    pub fn is_hung_up(&self) -> bool {
        self.master.is_none()
    }

    /// Adds a description of the other end.
    pub fn add_slave(&mut self, number: usize, ready: &mut Ready) {
        self.used = true;
        self.slaves.push(number);
        // Who types may go on, if only now there is somebody to type for.
        self.raise_master(EventFlags::EVENT_WRITE, ready);
    }

    /// Takes one away.
    pub fn remove_slave(&mut self, number: usize, ready: &mut Ready) {
        self.slaves.retain(|&other| other != number);
        if self.slaves.is_empty() {
            self.exclusive = false;
            self.raise_master(EventFlags::EVENT_READ | EventFlags::EVENT_WRITE, ready);
        }
    }

    fn raise_master(&self, flags: EventFlags, ready: &mut Ready) {
        self.master.into_iter().for_each(|number| ready.raise(number, flags));
    }

    fn raise_slaves(&self, flags: EventFlags, ready: &mut Ready) {
        self.slaves.iter().for_each(|&number| ready.raise(number, flags));
    }

    /// The master writes: somebody types. 0 when there is no room.
    pub fn type_in(&mut self, bytes: &[u8], system: &mut impl System, ready: &mut Ready) -> usize {
        let shown = self.has_output();
        let readable = self.line.input_count();
        let mut effects = Effects::default();
        let count = self.line.receive(bytes, system.now(), &mut effects);
        self.typist_waits |= count < bytes.len();
        if self.line.input_count() > readable || self.line.is_readable() {
            self.raise_slaves(EventFlags::EVENT_READ, ready);
        }
        self.settle(effects, shown, system, ready);
        count
    }

    /// The master reads: output is shown. `None` when there is none; at the end 0.
    pub fn show(&mut self, to: &mut [u8], ready: &mut Ready) -> Option<usize> {
        if to.is_empty() {
            return Some(0);
        }
        let (head, data) = to.split_at_mut(usize::from(self.packets));
        if self.packets && self.packet != packet::DATA {
            head[0] = core::mem::replace(&mut self.packet, packet::DATA);
            return Some(1);
        }
        let count = self.line.take_output(data);
        if count == 0 && data.is_empty() && self.has_output() {
            // There is room to say that there is output, and none for it.
            head[0] = packet::DATA;
            return Some(1);
        }
        if count == 0 {
            return if self.is_left() { Some(0) } else { None };
        }
        head.iter_mut().for_each(|byte| *byte = packet::DATA);
        self.output_went(ready);
        Some(head.len() + count)
    }

    /// Output was taken or thrown away.
    fn output_went(&mut self, ready: &mut Ready) {
        let drained = self.drain_waits && self.line.output_count() == 0;
        if drained || self.writer_waits && self.line.can_write() {
            self.drain_waits &= !drained;
            self.writer_waits = false;
            self.raise_slaves(EventFlags::EVENT_WRITE, ready);
        }
    }

    /// Whether all programs have left.
    pub fn is_left(&self) -> bool {
        self.used && self.slaves.is_empty()
    }

    /// Whether the master has something to read.
    fn has_output(&self) -> bool {
        self.line.output_ready() > 0 || self.packets && self.packet != packet::DATA
    }

    /// A program reads.
    pub fn read(
        &mut self,
        to: &mut [u8],
        nonblock: bool,
        caller: &CallerCtx,
        system: &mut impl System,
        ready: &mut Ready,
    ) -> Read {
        let now = system.now();
        let timed = self.line.termios().characters[VTIME] != 0;
        let started = if timed { self.started(caller.id, now) } else { now };
        let shown = self.has_output();
        let answer = self.line.read(to, nonblock, started, now);
        match answer {
            Read::Done(_) => {
                self.reads.retain(|&(id, _)| id != caller.id);
                if self.typist_waits && self.line.can_receive() {
                    self.typist_waits = false;
                    self.raise_master(EventFlags::EVENT_WRITE, ready);
                }
                self.settle(Effects::default(), shown, system, ready);
            }
            Read::Wait(Some(until)) => system.wake_at(until),
            Read::Wait(None) => {}
        }
        answer
    }

    /// When a read began, which may have been tried before.
    fn started(&mut self, id: scheme_server::Id, now: Duration) -> Duration {
        if let Some(&(_, started)) = self.reads.iter().find(|&&(other, _)| other == id) {
            return started;
        }
        if self.reads.len() == READS_MAX {
            self.reads.remove(0);
        }
        self.reads.push((id, now));
        now
    }

    /// Whether a read has a time that may be up.
    pub fn has_timed_reads(&self) -> bool {
        !self.reads.is_empty()
    }

    /// A program writes. 0 when there is no room.
    pub fn write(&mut self, bytes: &[u8], ready: &mut Ready) -> usize {
        let shown = self.has_output();
        let count = self.line.write(bytes);
        self.writer_waits |= count < bytes.len();
        if !shown && self.has_output() {
            self.raise_master(EventFlags::EVENT_READ, ready);
        }
        count
    }

    /// Whether all output was taken. If not, the other end is told when it is.
    pub fn is_drained(&mut self) -> bool {
        let drained = self.line.output_count() == 0;
        self.drain_waits |= !drained;
        drained
    }

    /// What is ready for the master now.
    pub fn master_events(&mut self) -> EventFlags {
        let mut events = EventFlags::empty();
        events.set(EventFlags::EVENT_READ, self.has_output() || self.is_left());
        events.set(EventFlags::EVENT_WRITE, self.line.can_receive());
        self.typist_waits |= !self.line.can_receive();
        events
    }

    /// What is ready for programs now.
    pub fn slave_events(&mut self) -> EventFlags {
        if self.is_hung_up() {
            return EventFlags::EVENT_READ | EventFlags::EVENT_WRITE;
        }
        let mut events = EventFlags::empty();
        events.set(EventFlags::EVENT_READ, self.line.is_readable());
        events.set(EventFlags::EVENT_WRITE, self.line.can_write());
        self.writer_waits |= !self.line.can_write();
        events
    }

    /// Carries out what the line asks for; `shown` says whether the master had something to read before.
    pub fn settle(&mut self, effects: Effects, shown: bool, system: &mut impl System, ready: &mut Ready) {
        if self.packets {
            self.note_packet(effects.packet);
        }
        if effects.packet & packet::FLUSH_WRITE != 0 {
            self.output_went(ready);
        }
        if effects.packet & packet::FLUSH_READ != 0 && self.typist_waits {
            self.typist_waits = false;
            self.raise_master(EventFlags::EVENT_WRITE, ready);
        }
        if !shown && self.has_output() {
            self.raise_master(EventFlags::EVENT_READ, ready);
        }
        let signals = [
            (Signals::INTERRUPT, signal::INTERRUPT),
            (Signals::QUIT, signal::QUIT),
            (Signals::SUSPEND, signal::SUSPEND),
        ];
        for (flag, signal) in signals {
            if effects.signals.contains(flag) {
                self.signal_foreground(signal, system);
            }
        }
    }

    fn note_packet(&mut self, new: u8) {
        for (one, other) in [(packet::STOP, packet::START), (packet::NO_STOP, packet::DO_STOP)] {
            if new & (one | other) != 0 {
                self.packet &= !(one | other);
            }
        }
        self.packet |= new;
    }

    /// Does something with the line and carries out what follows from it. Answers what it answered.
    pub fn act<T>(
        &mut self,
        system: &mut impl System,
        ready: &mut Ready,
        action: impl FnOnce(&mut Line) -> (T, Effects),
    ) -> T {
        let shown = self.has_output();
        let readable = self.line.is_readable();
        let (answer, effects) = action(&mut self.line);
        if !readable && self.line.is_readable() {
            self.raise_slaves(EventFlags::EVENT_READ, ready);
        }
        self.settle(effects, shown, system, ready);
        answer
    }

    /// Switches packets on or off.
    pub fn set_packets(&mut self, on: bool) {
        self.packets = on;
        self.packet = packet::DATA;
    }

    /// The window has another size.
    pub fn resize(&mut self, size: WindowSize, system: &mut impl System) {
        if core::mem::replace(&mut self.size, size) != size {
            self.signal_foreground(signal::WINDOW, system);
        }
    }

    fn signal_foreground(&self, signal: u32, system: &mut impl System) {
        if let Some(Control { foreground, .. }) = self.control
            && foreground != 0
        {
            system.signal_group(foreground, signal);
        }
    }

    /// Ends its control over the session, whose foreground is told.
    pub fn release(&mut self, system: &mut impl System) {
        self.signal_foreground(signal::HANGUP, system);
        self.signal_foreground(signal::CONTINUE, system);
        if let Some(Control { session, .. }) = self.control.take() {
            // The manager may have found out itself that the session is over.
            let _ = system.set_terminal(session, 0, None);
        }
    }

    /// The master closes: nothing comes or goes any more, and whoever is controlled is told.
    pub fn hang_up(&mut self, system: &mut impl System, ready: &mut Ready) {
        self.master = None;
        self.line = Line::new();
        if let Some(Control { session, .. }) = self.control {
            system.signal_process(session, signal::HANGUP);
            system.signal_process(session, signal::CONTINUE);
        }
        self.release(system);
        self.raise_slaves(EventFlags::EVENT_READ | EventFlags::EVENT_WRITE, ready);
    }
}
