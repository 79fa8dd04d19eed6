//! A machine without a kernel: threads are entries in a list, and processes are whoever has their numbers.

use std::cell::RefCell;
use std::rc::Rc;

use ochre_abi::proc::state;
use ochre_abi::process::{Birth, Ids, Verb, Wait, wait};
use ochre_abi::wait_status;
use scheme_server::fake::{Answer, Kernel, Opened};
use scheme_server::syscall::error::{EAGAIN, EOPNOTSUPP, Error, Result};
use scheme_server::syscall::schemev2::Opcode;

use crate::manager::Manager;
use crate::table::State;
use crate::{Attributes, Machine, Signal, SpaceUsage, ThreadStatus};

/// A thread.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    /// What its handle tells.
    pub status: ThreadStatus,
    /// What the manager has told of it.
    pub attributes: Option<Attributes>,
    /// Bytes and descriptors.
    pub limits: Option<(u64, u64)>,
    /// It stands still.
    pub stopped: bool,
    /// Signals that it was given.
    pub signals: Vec<Signal>,
    /// Its process handles signals.
    pub handles_signals: bool,
    /// It may take from the system's reserve of memory.
    pub reserve: bool,
    /// Processor time that it has used.
    pub used_ns: u64,
    /// The number that is in its table.
    pub own: Option<usize>,
    /// Nobody has a handle of it any more.
    pub dropped: bool,
}

/// What the machine has.
#[derive(Default)]
pub struct Machines {
    /// Milliseconds after which the manager wants to look at the time.
    pub wake_in: Option<u64>,
    /// All threads that ever were.
    pub threads: Vec<Thread>,
    /// No more threads can be made.
    pub full: bool,
    numbers: Vec<usize>,
}

/// A handle of a thread.
pub struct Handle {
    index: usize,
    all: Rc<RefCell<Machines>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.all.borrow_mut().threads[self.index].dropped = true;
    }
}

/// The boundary.
pub struct Fake(Rc<RefCell<Machines>>);

impl Fake {
    fn thread<R>(&self, handle: &Handle, act: impl FnOnce(&mut Thread) -> R) -> R {
        act(&mut self.0.borrow_mut().threads[handle.index])
    }
}

/// Descriptors of threads are numbered from here, those of open numbers from the next.
const THREADS: usize = 1000;
const NUMBERS: usize = 100_000;

impl Machine for Fake {
    type Thread = Handle;

    fn create(&mut self, _: u32, reserve: bool) -> Result<Handle> {
        let mut all = self.0.borrow_mut();
        if all.full {
            return Err(Error::new(EAGAIN));
        }
        all.threads.push(Thread { handles_signals: true, reserve, ..Thread::default() });
        Ok(Handle { index: all.threads.len() - 1, all: self.0.clone() })
    }

    fn descriptor(&mut self, number: usize) -> Result<usize> {
        let mut all = self.0.borrow_mut();
        all.numbers.push(number);
        Ok(NUMBERS + all.numbers.len() - 1)
    }

    fn introduce(&mut self, thread: &Handle, fd: usize) -> Result<()> {
        let number = self.0.borrow().numbers[fd - NUMBERS];
        self.thread(thread, |thread| thread.own = Some(number));
        Ok(())
    }

    fn give_thread(&mut self, thread: &Handle, _: bool) -> Result<usize> {
        Ok(THREADS + thread.index)
    }

    fn status(&mut self, thread: &Handle) -> Result<ThreadStatus> {
        Ok(self.thread(thread, |thread| thread.status))
    }

    fn set_attributes(&mut self, thread: &Handle, attributes: &Attributes) -> Result<()> {
        self.thread(thread, |thread| thread.attributes = Some(*attributes));
        Ok(())
    }

    fn set_limits(&mut self, thread: &Handle, bytes: u64, descriptors: u64) -> Result<()> {
        self.thread(thread, |thread| thread.limits = Some((bytes, descriptors)));
        Ok(())
    }

    fn wake_in(&mut self, millis: u64) {
        self.0.borrow_mut().wake_in = Some(millis);
    }

    fn usage(&mut self, thread: &Handle) -> Result<SpaceUsage> {
        let cpu_time_ns = self.thread(thread, |thread| 5 + thread.used_ns);
        Ok(SpaceUsage { threads: 1, cpu_time_ns, mapped_bytes: 8192, resident_bytes: 4096 })
    }

    fn end(&mut self, thread: &Handle, status: usize) {
        self.thread(thread, |thread| {
            thread.status = ThreadStatus { state: state::KILLED, exit_status: status, ..ThreadStatus::default() };
        });
    }

    fn stop(&mut self, thread: &Handle) {
        self.thread(thread, |thread| thread.stopped = true);
    }

    fn resume(&mut self, thread: &Handle) {
        self.thread(thread, |thread| thread.stopped = false);
    }

    fn signal(&mut self, thread: &Handle, signal: &Signal) -> Result<()> {
        self.thread(thread, |thread| {
            if !thread.handles_signals {
                return Err(Error::new(EOPNOTSUPP));
            }
            thread.signals.push(*signal);
            Ok(())
        })
    }
}

/// A process as a test knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its number at the manager.
    pub number: usize,
    /// Its thread.
    thread: usize,
}

/// The machine with its manager. Process 1 is the system's; `init` is its child and adopts nobody.
pub struct World {
    /// The manager's clients.
    pub kernel: Kernel<Manager<Fake>>,
    /// The machine.
    pub machine: Rc<RefCell<Machines>>,
    /// Process 1.
    pub first: Process,
    /// The first process of the system that is not the system's own.
    pub init: Process,
}

impl World {
    /// With one process.
    pub fn new() -> Self {
        let machine = Rc::new(RefCell::new(Machines::default()));
        let mut fake = Fake(machine.clone());
        let first = fake.create(1, true).expect("a thread");
        let mut manager = Manager::new(fake);
        assert_eq!(manager.adopt("bootstrap", first), Ok(1));
        machine.borrow_mut().threads[0].status.state = state::RUNNABLE;
        let number = manager.open(1).expect("the first process");
        let first = Process { pid: 1, number, thread: 0 };
        let mut world = World { kernel: Kernel::new(manager), machine, first, init: first };
        world.init = world.child(first);
        world
    }

    /// A thread, to be looked at.
    pub fn thread(&self, process: Process) -> Thread {
        self.machine.borrow().threads[process.thread].clone()
    }

    /// Its thread, to be changed.
    pub fn change(&self, process: Process, change: impl FnOnce(&mut Thread)) {
        change(&mut self.machine.borrow_mut().threads[process.thread]);
    }

    /// A child that is not started.
    pub fn bear(&mut self, parent: Process, birth: Birth) -> Result<Process> {
        let mut bytes = [0; Birth::SIZE];
        birth.write_to(&mut bytes).expect("room");
        let Opened::Descriptor(fd) = self.kernel.dup(parent.number, &bytes)? else { panic!("not a descriptor") };
        let thread = fd - THREADS;
        let made = self.machine.borrow().threads[thread].clone();
        let pid = made.attributes.expect("attributes").pid;
        Ok(Process { pid, number: made.own.expect("its own number"), thread })
    }

    /// A child that runs.
    pub fn child(&mut self, parent: Process) -> Process {
        let child = self.bear(parent, Birth::default()).expect("a child");
        self.start(child);
        child
    }

    /// Lets it run.
    pub fn start(&self, process: Process) {
        self.change(process, |thread| thread.status.state = state::RUNNABLE);
    }

    /// The process ends by itself.
    pub fn exit(&mut self, process: Process, code: u8) {
        let status = ThreadStatus {
            state: state::EXITED,
            exit_status: wait_status::exited(code),
            cpu_time_ns: 100,
            ..ThreadStatus::default()
        };
        self.end_with(process, status);
    }

    /// The process ends so.
    pub fn end_with(&mut self, process: Process, status: ThreadStatus) {
        self.change(process, |thread| thread.status = status);
        self.report(process);
    }

    /// The manager hears of the end that a thread has come to.
    pub fn report(&mut self, process: Process) {
        let control = self.kernel.scheme.control();
        self.kernel.call(control, &[], [process.pid.into(), 0]).result().expect("the control answers");
        self.kernel.close(process.number);
    }

    /// A call without a payload.
    pub fn ask(&mut self, process: Process, verb: Verb, argument: u64) -> Result<usize> {
        self.kernel.call(process.number, &[], [verb as u64, argument]).result()
    }

    /// A call with one; the answer's payload comes back.
    pub fn send(&mut self, process: Process, verb: Verb, argument: u64, payload: &[u8]) -> Result<Vec<u8>> {
        let answer = self.kernel.call(process.number, payload, [verb as u64, argument]);
        answer.result().map(|_| answer.payload)
    }

    /// Sends a signal, as `kill` does.
    pub fn kill(&mut self, from: Process, to: i32, signal: u8) -> Result<usize> {
        self.ask(from, Verb::Kill, u64::from(to as u32) | u64::from(signal) << 32)
    }

    /// Begins a wait; its tag.
    pub fn begin_wait(&mut self, process: Process, kind: u32, id: u32, options: u32) -> u32 {
        let mut bytes = [0; Wait::SIZE];
        Wait { kind, id, options, ..Wait::default() }.write_to(&mut bytes).expect("room");
        let sqe = self.kernel.sqe(Opcode::Call, [process.number as u64, 0, 0, Verb::Wait as u64, 0]);
        let tag = self.kernel.submit(sqe, Some(&bytes));
        self.kernel.settle();
        tag
    }

    /// What a wait has come to, if it has.
    pub fn waited(&mut self, tag: u32) -> Option<Result<Wait>> {
        let answer: Answer = self.kernel.answer(tag)?;
        Some(answer.result().map(|pid| {
            let wait = Wait::from_bytes(&answer.payload).expect("a whole answer");
            assert_eq!(wait.id as usize, pid);
            wait
        }))
    }

    /// Waits for any child, and does not wait long.
    pub fn wait_now(&mut self, process: Process, options: u32) -> Result<Option<(u32, usize)>> {
        let tag = self.begin_wait(process, wait::ALL, 0, options | wait::NO_HANG);
        let found = self.waited(tag).expect("no waiting")?;
        Ok((found.id != 0).then_some((found.id, found.status as usize)))
    }

    /// Who is who.
    pub fn ids(&mut self, process: Process, pid: u32) -> Result<Ids> {
        let answer = self.send(process, Verb::Ids, pid.into(), &[0; Ids::SIZE])?;
        Ok(Ids::from_bytes(&answer).expect("a whole answer"))
    }

    /// Whether the manager has it as stopped.
    pub fn is_stopped(&self, process: Process) -> bool {
        let table = self.kernel.scheme.table();
        table.get(process.pid).is_ok_and(|process| matches!(process.state, State::Stopped(..)))
    }

    /// Numbers of signals that its thread was given.
    pub fn signals(&self, process: Process) -> Vec<u8> {
        self.thread(process).signals.iter().map(|signal| signal.number).collect()
    }
}

/// The number of an error.
pub fn errno<T>(result: Result<T>) -> i32 {
    result.err().map_or(0, |error| error.errno)
}
