//! Handles of threads.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use ochre_abi::proc::{ThreadStatus, ThreadVerb, state as public};
use ochre_abi::signal::Info;
use syscall::error::{EBADF, EBUSY, EINVAL, ELOOP, EPERM, ESRCH, Error, Result};
use syscall::{
    CallFlags, EnvRegisters, EventFlags, GlobalSchemes, IntRegisters, O_RDWR, ProcSchemeAttrs, SetSighandlerData,
};

use super::{AddressSpaceHandle, FileTableHandle, whole, word};
use crate::context::post::{Target as Addressee, post};
use crate::context::thread::pending;
use crate::context::{Thread, sched, signal, thread as threads};
use crate::memory::{AddressSpace, UserSlice};
use crate::scheme::event::EventSource;
use crate::scheme::object::{Holder, Object, Opened};
use crate::scheme::{Description, Target};

/// A handle of a thread; it keeps the thread's slot from being used again.
pub struct ThreadHandle {
    thread: &'static Thread,
    authority: bool,
}

/// Lowest priority level.
const LAST_LEVEL: u32 = 39;

impl ThreadHandle {
    /// One more handle.
    pub fn new(thread: &'static Thread, authority: bool) -> Self {
        thread.retain();
        ThreadHandle { thread, authority }
    }

    /// The handle for the reference that a new thread comes with.
    pub fn adopt(thread: &'static Thread, authority: bool) -> Self {
        ThreadHandle { thread, authority }
    }

    fn sibling(&self) -> Result<ThreadHandle> {
        let new = ThreadHandle::adopt(threads::create()?, self.authority);
        let (thread, old) = (new.thread, self.thread);
        thread.set_space(old.remote_space())?;
        thread.set_files(old.remote_files())?;
        // Again when they have just been changed for the whole space: that may have passed the new thread by.
        loop {
            let credentials = old.credentials();
            thread.set_identity(
                old.pid.load(Ordering::Relaxed),
                old.euid.load(Ordering::Relaxed),
                old.egid.load(Ordering::Relaxed),
                &old.name_bytes(),
            );
            if old.credentials() == credentials {
                break;
            }
        }
        thread.set_sighandler(SetSighandlerData { thread_control_addr: 0, ..old.sighandler() });
        sched::set_level(thread, old.base_level());
        Ok(new)
    }

    /// For verbs on registers: the thread does not run.
    fn parked(&self) -> Result<&'static Thread> {
        if self.thread.is_dead() {
            Err(Error::new(ESRCH))
        } else if self.thread.is_parked() {
            Ok(self.thread)
        } else {
            Err(Error::new(EBUSY))
        }
    }

    /// For verbs that a thread may also use on itself.
    fn parked_or_self(&self) -> Result<(&'static Thread, bool)> {
        if self.thread.is_current() { Ok((self.thread, true)) } else { self.parked().map(|thread| (thread, false)) }
    }

    fn own(&self) -> Result<&'static Thread> {
        if self.thread.is_current() { Ok(self.thread) } else { Err(Error::new(EPERM)) }
    }

    /// What a program has of itself is put into its table here and not before, because it leads back to the table.
    fn start(&self, metadata: &[u64]) -> Result<usize> {
        let (thread_fd, table_fd) = match metadata {
            [_, thread_fd, table_fd, ..] => (*thread_fd as usize, *table_fd as usize),
            _ => return signal::start(self.thread, || Ok(())).map(|()| 0),
        };
        crate::memory::admit()?;
        if let Some(files) = self.thread.remote_files() {
            files.check_free(thread_fd)?;
            files.check_free(table_fd)?;
        }
        signal::start(self.thread, || {
            let files = self.thread.remote_files().ok_or(Error::new(ESRCH))?;
            let thread = Arc::new(ThreadHandle::new(self.thread, false));
            files.insert(thread_fd, Description::kernel(thread, O_RDWR))?;
            files.insert(table_fd, Description::kernel(Arc::new(FileTableHandle::new(files.clone())), O_RDWR))
        })
        .map(|()| 0)
    }

    fn exit(&self, metadata: &[u64]) -> Result<usize> {
        let me = self.own()?;
        let (stack, len) = (word(metadata, 1).unwrap_or(0), word(metadata, 2).unwrap_or(0));
        if len != 0 {
            // A wrong range is the thread's own loss; it ends all the same.
            let _ = me.space().and_then(|space| space.unmap(stack, len));
        }
        me.update_status(|status| {
            status.state = public::EXITED;
            status.exit_status = word(metadata, 3).unwrap_or(0);
        });
        // The end comes on the way out of the kernel, when this call has let go of its descriptors.
        me.pending.fetch_or(pending::EXIT, Ordering::Relaxed);
        Ok(0)
    }

    /// Attributes that whoever has this handle may give.
    fn new_attrs(&self, payload: UserSlice) -> Result<ProcSchemeAttrs> {
        if !self.authority {
            return Err(Error::new(EPERM));
        }
        let attrs: ProcSchemeAttrs = payload.read_value()?;
        if attrs.prio > LAST_LEVEL { Err(Error::new(EINVAL)) } else { Ok(attrs) }
    }

    /// The address space, of a thread that has one.
    fn whole(&self) -> Result<Arc<AddressSpace>> {
        self.thread.remote_space().ok_or(Error::new(ESRCH))
    }

    fn set_limits(&self, metadata: &[u64]) -> Result<usize> {
        if !self.authority {
            return Err(Error::new(EPERM));
        }
        let (bytes, descriptors) = (word(metadata, 1)?, word(metadata, 2)?);
        self.whole()?.set_limit(bytes);
        self.thread.remote_files().ok_or(Error::new(ESRCH))?.set_limit(descriptors);
        Ok(0)
    }

    fn set_attrs(&self, payload: UserSlice) -> Result<usize> {
        let attrs = self.new_attrs(payload)?;
        self.thread.set_identity(attrs.pid, attrs.euid, attrs.egid, &attrs.debug_name);
        sched::set_level(self.thread, attrs.prio as u8);
        Ok(0)
    }

    fn attrs(&self) -> ProcSchemeAttrs {
        ProcSchemeAttrs {
            pid: self.thread.pid.load(Ordering::Relaxed),
            euid: self.thread.euid.load(Ordering::Relaxed),
            egid: self.thread.egid.load(Ordering::Relaxed),
            prio: u32::from(self.thread.base_level()),
            debug_name: self.thread.name_bytes(),
        }
    }

    fn set_space(&self, metadata: &[u64]) -> Result<usize> {
        let description = Thread::current().descriptor(word(metadata, 1)?)?;
        let space = with_object(&description, |object| object.as_space().map(|handle| handle.space().clone()))?;
        if self.thread.is_current() {
            return enter(space, word(metadata, 2)?, word(metadata, 3)?).map(|()| 0);
        }
        self.thread.set_space(Some(space))?;
        Ok(0)
    }

    fn set_files(&self, metadata: &[u64]) -> Result<usize> {
        let description = Thread::current().descriptor(word(metadata, 1)?)?;
        let files = with_object(&description, |object| object.as_files().map(|handle| handle.files().clone()))?;
        self.thread.set_files(Some(files)).map(|()| 0)
    }

    fn set_env(&self, payload: UserSlice) -> Result<usize> {
        let env: EnvRegisters = payload.read_value()?;
        if env.fsbase >= ochre_abi::USER_END as u64 || env.gsbase >= ochre_abi::USER_END as u64 {
            return Err(Error::new(EINVAL));
        }
        let (thread, own) = self.parked_or_self()?;
        thread.arch.set_env(&env, own);
        Ok(0)
    }
}

/// The current thread goes on in another address space, at `entry`.
pub fn enter(space: Arc<AddressSpace>, sp: usize, entry: usize) -> Result<()> {
    let me = Thread::current();
    me.set_space(Some(space))?;
    me.set_sighandler(SetSighandlerData::default());
    // The registers of the old program mean nothing in the new space.
    me.arch.set_registers(&IntRegisters { rsp: sp, rip: entry, ..IntRegisters::default() });
    // Out by the slow way, which loads every register.
    me.pending.fetch_or(pending::INTERRUPT, Ordering::Relaxed);
    Ok(())
}

fn with_object<R>(description: &Description, look: impl FnOnce(&dyn Object) -> Option<R>) -> Result<R> {
    match &description.target {
        Target::Kernel(object) => look(&**object).ok_or(Error::new(EBADF)),
        Target::User { .. } => Err(Error::new(EBADF)),
    }
}

impl Object for ThreadHandle {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Proc
    }

    fn dup(&self, argument: &[u8]) -> Result<Opened> {
        Ok(Opened::Object(match argument {
            b"" => return Ok(Opened::Same),
            b"plain" => Arc::new(ThreadHandle::new(self.thread, false)),
            b"sibling" => Arc::new(self.sibling()?),
            b"addrspace" => Arc::new(AddressSpaceHandle::new(self.thread.remote_space().ok_or(Error::new(ESRCH))?)),
            b"filetable" => Arc::new(FileTableHandle::new(self.thread.remote_files().ok_or(Error::new(ESRCH))?)),
            _ => return Err(Error::new(EINVAL)),
        }))
    }

    fn call(&self, payload: UserSlice, _flags: CallFlags, metadata: &[u64]) -> Result<usize> {
        let verb = metadata.first().and_then(|&raw| ThreadVerb::from_raw(raw)).ok_or(Error::new(EINVAL))?;
        match verb {
            ThreadVerb::Start => self.start(metadata),
            ThreadVerb::Exit => self.exit(metadata),
            ThreadVerb::Kill => self.end(),
            ThreadVerb::Stop => self.flag(pending::STOP),
            ThreadVerb::Resume => self.resume(),
            ThreadVerb::Interrupt => self.flag(pending::INTERRUPT),
            ThreadVerb::GetRegs => payload.write_value(&self.parked()?.arch.registers()).map(|()| 0),
            ThreadVerb::SetRegs => {
                let regs: IntRegisters = payload.read_value()?;
                self.parked()?.arch.set_registers(&regs);
                Ok(0)
            }
            ThreadVerb::GetFloat => {
                let (thread, own) = self.parked_or_self()?;
                payload.write(&thread.arch.float(own)).map(|()| 0)
            }
            ThreadVerb::SetFloat => {
                let mut legacy = [0; 512];
                payload.first(512).read(&mut legacy)?;
                let (thread, own) = self.parked_or_self()?;
                thread.arch.set_float(legacy, own);
                Ok(0)
            }
            ThreadVerb::GetEnv => {
                let (thread, own) = self.parked_or_self()?;
                payload.write_value(&thread.arch.env(own)).map(|()| 0)
            }
            ThreadVerb::SetEnv => self.set_env(payload),
            ThreadVerb::GetAttrs => payload.write_value(&self.attrs()).map(|()| 0),
            ThreadVerb::SetAttrs => self.set_attrs(payload),
            ThreadVerb::GetStatus => payload.write_value(&self.thread.status()).map(|()| 0),
            ThreadVerb::SetSighandler => {
                let data: SetSighandlerData = payload.read_value()?;
                self.parked_or_self()?.0.set_sighandler(data);
                Ok(0)
            }
            ThreadVerb::SetAddrSpace => self.set_space(metadata),
            ThreadVerb::SetFileTable => self.set_files(metadata),
            ThreadVerb::SetAffinity => {
                let mask = word(metadata, 1)? as u64;
                sched::set_affinity(self.thread, mask).then_some(0).ok_or(Error::new(EINVAL))
            }
            ThreadVerb::SetIoPrivilege => {
                if !self.authority {
                    return Err(Error::new(EPERM));
                }
                let (thread, own) = self.parked_or_self()?;
                thread.arch.set_io_allowed(word(metadata, 1)? != 0, own);
                Ok(0)
            }
            ThreadVerb::EndSpace => self.end_space(metadata),
            ThreadVerb::StopSpace => self.whole().map(|space| whole::stop(&space)),
            ThreadVerb::ResumeSpace => self.whole().map(|space| whole::resume(&space)),
            ThreadVerb::SetSpaceAttrs => {
                let attrs = self.new_attrs(payload)?;
                self.whole().map(|space| whole::set_attrs(&space, &attrs))
            }
            ThreadVerb::SetLimits => self.set_limits(metadata),
            ThreadVerb::EndOthers => self.own()?.space().map(|space| whole::end_others(&space)),
            ThreadVerb::GetUsage => payload.write_value(&whole::usage(&self.whole()?)).map(|()| 0),
            ThreadVerb::Signal => self.signal(metadata),
        }
    }

    fn enter(&self, holder: Holder) -> Result<()> {
        // Until it is started, the table it is to have is its own alone.
        if holder == Holder::Process || self.thread.is_new() { Err(Error::new(ELOOP)) } else { Ok(()) }
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&self.thread.source)
    }

    fn readiness(&self) -> EventFlags {
        let stopped = self.thread.pending() & pending::STOP != 0;
        if self.thread.is_dead() || stopped { EventFlags::EVENT_READ } else { EventFlags::EVENT_NONE }
    }
}

impl ThreadHandle {
    fn end(&self) -> Result<usize> {
        if self.thread.is_new() {
            return Err(Error::new(EBUSY));
        }
        self.flag(pending::KILL)
    }

    fn end_space(&self, metadata: &[u64]) -> Result<usize> {
        let space = self.whole()?;
        let inside = Thread::current().with_space(|own| Arc::ptr_eq(own, &space)).unwrap_or(false);
        let mut status = ThreadStatus {
            state: if inside { public::EXITED } else { public::KILLED },
            exit_status: word(metadata, 1).unwrap_or(0),
            ..ThreadStatus::default()
        };
        if let [_, _, vector, code, address, ip, ..] = metadata
            && inside
        {
            status = ThreadStatus {
                state: public::EXCEPTION,
                exception: *vector as usize,
                exception_code: *code as usize,
                exception_address: *address as usize,
                exception_ip: *ip as usize,
                ..status
            };
        }
        signal::end_space(&space, &status);
        Ok(0)
    }

    fn signal(&self, metadata: &[u64]) -> Result<usize> {
        let number = u32::try_from(word(metadata, 1)?).map_err(|_| Error::new(EINVAL))?;
        let target = match word(metadata, 2)? {
            0 => Addressee::Thread,
            1 => Addressee::Process,
            _ => return Err(Error::new(EINVAL)),
        };
        let other = |index: usize| metadata.get(index).copied().unwrap_or(0);
        let info = Info { sender: other(3), value: other(4), code: other(5) };
        post(self.thread, number, target, &info).map(|()| 0)
    }

    fn flag(&self, bits: u32) -> Result<usize> {
        if self.thread.is_dead() {
            return Err(Error::new(ESRCH));
        }
        sched::interrupt(self.thread, bits);
        Ok(0)
    }

    fn resume(&self) -> Result<usize> {
        if self.thread.is_dead() {
            return Err(Error::new(ESRCH));
        }
        signal::resume(self.thread);
        Ok(0)
    }
}

impl Drop for ThreadHandle {
    fn drop(&mut self) {
        self.thread.release();
    }
}
