//! The kernel itself: threads behind descriptors, and the event queue that tells their ends.

use libredox::{Fd, call};
use ochre_abi::proc::{FileTableVerb, SpaceUsage, ThreadStatus, ThreadVerb};
use ochre_abi::start_fd;
use processes::{Attributes, Machine, Signal};
use scheme_server::syscall::error::{EIO, Error, Result};
use scheme_server::syscall::flag::{CallFlags, EVENT_TIMEOUT_ID, EventFlags};

/// `Event` of crate `redox_syscall` in bytes.
const EVENT: usize = 3 * WORD;
/// `NewFdParams` of crate `redox_syscall` in bytes.
const NEW_FD: usize = 4 * WORD;
/// `ProcSchemeAttrs` of crate `redox_syscall` in bytes.
const ATTRIBUTES: usize = 16 + ochre_abi::process::NAME;
const WORD: usize = size_of::<u64>();

/// The boundary of the manager.
pub struct Kernel {
    /// Root of `kernel.proc`.
    root: Fd,
    /// Queue in which ends of threads are told.
    queue: usize,
    /// The scheme's socket.
    socket: usize,
}

/// Bytes that the kernel reads or writes as words.
#[repr(align(8))]
struct Words<const N: usize>([u8; N]);

impl<const N: usize> Words<N> {
    fn of(words: &[u64]) -> Self {
        let mut bytes = [0; N];
        for (to, word) in bytes.chunks_exact_mut(WORD).zip(words) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        Words(bytes)
    }

    fn word(&self, index: usize) -> u64 {
        self.0[index * WORD..].first_chunk().map_or(0, |word| u64::from_ne_bytes(*word))
    }
}

impl Kernel {
    /// Over these descriptors.
    pub fn new(root: Fd, queue: usize, socket: usize) -> Self {
        Kernel { root, queue, socket }
    }

    /// Has the end of a thread told with this number.
    pub fn watch(&self, thread: &Fd, pid: u32) -> Result<()> {
        let interest = [thread.raw() as u64, EventFlags::EVENT_READ.bits() as u64, u64::from(pid)];
        call::write(self.queue, &Words::<EVENT>::of(&interest).0)?;
        Ok(())
    }
}

fn tell(thread: &Fd, payload: &[u8], metadata: &[u64]) -> Result<usize> {
    Ok(thread.call_wo(payload, CallFlags::empty(), metadata)?)
}

fn ask<const N: usize>(thread: &Fd, verb: ThreadVerb) -> Result<Words<N>> {
    let mut answer = Words([0; N]);
    thread.call_ro(&mut answer.0, CallFlags::empty(), &[verb as u64])?;
    Ok(answer)
}

impl Machine for Kernel {
    type Thread = Fd;

    fn create(&mut self, pid: u32, reserve: bool) -> Result<Fd> {
        let kind = if reserve { "system-thread" } else { "thread" };
        let thread = self.root.openat(kind, libredox::flag::O_CLOEXEC, 0)?;
        self.watch(&thread, pid)?;
        Ok(thread)
    }

    fn descriptor(&mut self, number: usize) -> Result<usize> {
        Ok(call::dup(self.socket, Words::<NEW_FD>::of(&[0, number as u64, 0, 0]).0)?)
    }

    fn introduce(&mut self, thread: &Fd, fd: usize) -> Result<()> {
        let process = Fd::new(fd);
        let table = Fd::new(thread.dup(b"filetable")?);
        tell(&table, &[], &[FileTableVerb::Insert as u64, process.raw() as u64, start_fd::PROCESS as u64])?;
        Ok(())
    }

    fn give_thread(&mut self, thread: &Fd, authority: bool) -> Result<usize> {
        Ok(thread.dup(if authority { b"" } else { b"plain" })?)
    }

    fn status(&mut self, thread: &Fd) -> Result<ThreadStatus> {
        let words: Words<{ size_of::<ThreadStatus>() }> = ask(thread, ThreadVerb::GetStatus)?;
        Ok(ThreadStatus {
            state: words.word(0) as usize,
            exit_status: words.word(1) as usize,
            exception: words.word(2) as usize,
            exception_code: words.word(3) as usize,
            exception_address: words.word(4) as usize,
            exception_ip: words.word(5) as usize,
            cpu_time_ns: words.word(6),
        })
    }

    fn set_attributes(&mut self, thread: &Fd, attributes: &Attributes) -> Result<()> {
        let Attributes { pid, euid, egid, priority, name } = *attributes;
        let mut bytes = Words([0; ATTRIBUTES]);
        for (to, number) in bytes.0.chunks_exact_mut(4).zip([pid, euid, egid, priority]) {
            to.copy_from_slice(&number.to_ne_bytes());
        }
        bytes.0[16..].copy_from_slice(&name);
        tell(thread, &bytes.0, &[ThreadVerb::SetSpaceAttrs as u64])?;
        Ok(())
    }

    fn set_limits(&mut self, thread: &Fd, bytes: u64, descriptors: u64) -> Result<()> {
        tell(thread, &[], &[ThreadVerb::SetLimits as u64, bytes, descriptors])?;
        Ok(())
    }

    fn usage(&mut self, thread: &Fd) -> Result<SpaceUsage> {
        let words: Words<{ size_of::<SpaceUsage>() }> = ask(thread, ThreadVerb::GetUsage)?;
        Ok(SpaceUsage {
            threads: words.word(0),
            cpu_time_ns: words.word(1),
            mapped_bytes: words.word(2),
            resident_bytes: words.word(3),
        })
    }

    fn wake_in(&mut self, millis: u64) {
        let timer = [EVENT_TIMEOUT_ID as u64, EventFlags::EVENT_READ.bits() as u64, millis];
        // Without memory in the kernel it comes with the next limit that is set.
        let _ = call::write(self.queue, &Words::<EVENT>::of(&timer).0);
    }

    fn end(&mut self, thread: &Fd, status: usize) {
        // A thread that is gone needs no end.
        let _ = tell(thread, &[], &[ThreadVerb::EndSpace as u64, status as u64]);
    }

    fn stop(&mut self, thread: &Fd) {
        let _ = tell(thread, &[], &[ThreadVerb::StopSpace as u64]);
    }

    fn resume(&mut self, thread: &Fd) {
        let _ = tell(thread, &[], &[ThreadVerb::ResumeSpace as u64]);
    }

    fn signal(&mut self, thread: &Fd, signal: &Signal) -> Result<()> {
        /// To the process, not to the thread alone.
        const PROCESS: u64 = 1;
        let words = [
            ThreadVerb::Signal as u64,
            u64::from(signal.number),
            PROCESS,
            signal.sender,
            signal.value,
            signal.code as u64,
        ];
        tell(thread, &[], &words).map(drop)
    }
}

/// Reads the queue until it fails, and tells the ends on the manager's own number.
pub fn reap(queue: usize, control: usize) -> Error {
    const MANY: usize = 16;
    let mut events = Words([0; MANY * EVENT]);
    loop {
        let count = match call::read(queue, &mut events.0) {
            Ok(count) => count / EVENT,
            Err(error) if error.errno() == scheme_server::syscall::error::EINTR => continue,
            Err(error) => return error.into(),
        };
        if count == 0 {
            return Error::new(EIO);
        }
        for event in 0..count {
            // The timer's own event is told as that of process 0, which there is none of.
            let timer = events.word(event * 3) == EVENT_TIMEOUT_ID as u64;
            let pid = if timer { 0 } else { events.word(event * 3 + 2) };
            if let Err(error) = call::call_wo(control, &[], CallFlags::empty(), &[pid]) {
                return error.into();
            }
        }
    }
}
