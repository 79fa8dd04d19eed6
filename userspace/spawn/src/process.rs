//! Processes started here, as the kernel and libc know them.

use std::io::{Error, Result};

use libredox::Fd;
use libredox::call;
use ochre_abi::proc::{ThreadStatus, ThreadVerb};
use ochre_abi::spawn::Request;
use syscall::flag::{CallFlags, EventFlags};

use crate::{End, Spawn};

unsafe extern "C" {
    // libc's own name for it; there is no header that declares it.
    fn ochre_spawn_v1(request: *const Request) -> usize;
}

impl Spawn<'_> {
    /// Starts the process. Errors: not a program (`ENOEXEC`), arguments too long (`E2BIG`), no memory, no right.
    pub fn start(&self) -> Result<Process> {
        let request = self.request();
        // SAFETY: the request describes memory that `self` holds, and libc only reads it.
        let fd = unsafe { ochre_spawn_v1(&request) };
        let fd = libredox::error::Error::demux(fd).map_err(Error::from)?;
        Ok(Process { thread: Fd::new(fd) })
    }
}

/// A process started here. Dropping it leaves the process alone.
pub struct Process {
    thread: Fd,
}

impl Process {
    /// Descriptor of its first thread (`kernel.proc`, with authority). `EVENT_READ` is raised when it ends.
    pub fn descriptor(&self) -> usize {
        self.thread.raw()
    }

    /// How it ended; none while it lives.
    pub fn end(&self) -> Result<Option<End>> {
        let mut words = [0; size_of::<ThreadStatus>() / size_of::<usize>()];
        // SAFETY: any bytes are words.
        let bytes = unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(&words)) };
        call::call_ro(self.thread.raw(), bytes, CallFlags::empty(), &[ThreadVerb::GetStatus as u64])?;
        let [state, exit_status, exception, exception_code, exception_address, exception_ip, time] = words;
        let cpu_time_ns = time as u64;
        Ok(End::of(&ThreadStatus {
            state,
            exit_status,
            exception,
            exception_code,
            exception_address,
            exception_ip,
            cpu_time_ns,
        }))
    }

    /// Waits until it ends.
    pub fn wait(&self) -> Result<End> {
        let queue = Fd::open("/scheme/event", libredox::flag::O_RDWR | libredox::flag::O_CLOEXEC, 0)?;
        let interest = syscall::Event { id: self.thread.raw(), flags: EventFlags::EVENT_READ, data: 0 };
        queue.write(&interest)?;
        loop {
            if let Some(end) = self.end()? {
                return Ok(end);
            }
            queue.read(&mut syscall::Event::default())?;
        }
    }

    /// Ends it, all its threads. No error when it has ended already.
    pub fn kill(&self) -> Result<()> {
        match call::call_wo(self.thread.raw(), &[], CallFlags::empty(), &[ThreadVerb::EndSpace as u64, 0]) {
            Err(error) if error.errno() != syscall::ESRCH => Err(error.into()),
            _ => Ok(()),
        }
    }
}
