//! Starting a process: an address space filled from a program file, a descriptor table, a stack, a thread.
//!
//! Nothing is shared with the starter but what is named. Until the thread starts, everything belongs to the handles
//! here: an error on the way closes them, and the kernel and the process manager forget the half-made process.

use ochre_abi::proc::{FileTableVerb, ThreadVerb};
use ochre_abi::process::{Birth, NAME, Name, Verb, birth};
use ochre_abi::spawn::{Bytes, Inherit, NONE, Request};
use ochre_abi::{auxv, elf::Program, start_fd};
use syscall::IntRegisters;
use syscall::data::ProcSchemeAttrs;
use syscall::error::{EFAULT, Error, Result};

use super::files::{self, Place};
use super::image::{Part, Source};
use super::space::{Owned, Space};
use super::stack::Stack;
use super::strings::Strings;
use super::{limits, process, roots, sys, thread};

/// A child that is being made.
pub struct Child {
    /// Its first thread.
    pub thread: Owned,
    /// Whether there is a process manager, which has given it.
    managed: bool,
    started: bool,
}

/// What a child starts with, beside its descriptors.
pub struct Beginning<'a> {
    /// Its program.
    pub source: &'a Source<'a>,
    /// Arguments.
    pub args: Strings<'a>,
    /// Environment.
    pub env: Strings<'a>,
    /// Current directory.
    pub directory: &'a [u8],
    /// File mode creation mask.
    pub umask: usize,
    /// Whether it has a name space.
    pub namespace: bool,
    /// The mask of blocked signals, if it is not this process's, and those that are to have their default.
    pub signals: (Option<u64>, u64),
}

impl Child {
    /// A new one: of the process manager, or without it of the kernel. The thread's descriptor is the program's own if that is to
    /// keep it.
    pub fn new(birth: &Birth, keeps: bool) -> Result<Self> {
        let place = if keeps { Place::Program { cloexec: true } } else { Place::Libc };
        if process::descriptor().is_none() {
            let kind: &[u8] = if birth.bits & birth::RESERVE != 0 { b"system-thread" } else { b"thread" };
            let thread = Owned(roots::with(b"kernel.proc", |root| files::openat(root, kind, 0, place))?);
            identify(&thread, birth)?;
            return Ok(Child { thread, managed: false, started: false });
        }
        let thread = Owned(files::create(place, |slot| process::thread(message(birth), slot))?);
        Ok(Child { thread, managed: true, started: false })
    }

    /// Its process id.
    pub fn pid(&self) -> Result<u32> {
        // SAFETY: any bytes are valid attributes.
        unsafe { sys::verb_read::<ProcSchemeAttrs>(self.thread.0, &[ThreadVerb::GetAttrs as u64]) }.map(|own| own.pid)
    }

    /// Loads the program and lays out the stack; answers where it starts.
    pub fn load(&self, beginning: &Beginning<'_>) -> Result<IntRegisters> {
        let program = beginning.source.program()?;
        let space = Space(self.thread.dup(b"addrspace")?);
        beginning.source.load(&program, &space)?;
        let process = if self.managed { (auxv::PROC_FD, start_fd::PROCESS) } else { (0, 0) };
        let namespace = if beginning.namespace { (auxv::NS_FD, start_fd::NAMESPACE) } else { (0, 0) };
        let own = [(auxv::THR_FD, start_fd::THREAD), (auxv::FILETABLE_FD, start_fd::FILETABLE), process, namespace];
        let auxiliary = auxiliary(&program, beginning.umask, beginning.signals, own);
        let Beginning { args, env, directory, .. } = *beginning;
        let sp = Stack { args, env, directory, auxiliary: &auxiliary }.build(&space)?;
        Ok(IntRegisters { rip: program.entry as usize, rsp: sp, ..IntRegisters::default() })
    }

    /// Starts it.
    pub fn start(mut self, registers: &IntRegisters) -> Result<Owned> {
        sys::verb_write(self.thread.0, registers, &[ThreadVerb::SetRegs as u64])?;
        // What it has of itself is without authority: a process does not choose its own credentials.
        sys::verb(self.thread.0, &[ThreadVerb::Start as u64, start_fd::THREAD as u64, start_fd::FILETABLE as u64])?;
        self.started = true;
        Ok(core::mem::replace(&mut self.thread, Owned::none()))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.managed
            && !self.started
            && let Ok(pid) = self.pid()
        {
            // The manager would forget it at this process's own end.
            let _ = process::ask(Verb::Forget, pid.into());
        }
    }
}

/// A message as bytes.
pub fn message(birth: &Birth) -> &[u8] {
    // SAFETY: numbers without room between them.
    unsafe { core::slice::from_raw_parts((&raw const *birth).cast(), Birth::SIZE) }
}

/// Entries of the auxiliary vector that every program gets, and those of its descriptors.
pub fn auxiliary<const N: usize>(
    program: &Program,
    umask: usize,
    (mask, defaults): (Option<u64>, u64),
    own: [(usize, usize); N],
) -> [(usize, usize); 14] {
    let mut all = [(0, 0); 14];
    let (own_mask, ignored) = super::signal::inherited();
    let common = [
        (3, program.headers as usize),
        (4, program.header_size),
        (5, program.header_count),
        (7, 0),
        (9, program.entry as usize),
        (auxv::UMASK, umask),
        (auxv::SIGPROC_MASK, mask.unwrap_or(own_mask) as usize),
        (auxv::SIGIGN_MASK, (ignored & !defaults) as usize),
    ];
    for (to, entry) in all.iter_mut().zip(common.into_iter().chain(own).chain(limits::entries())) {
        *to = entry;
    }
    all
}

/// A descriptor table that is being filled.
pub struct Table(pub Owned);

impl Table {
    /// Puts one of our descriptors in.
    pub fn insert(&self, from: usize, to: usize) -> Result<usize> {
        sys::verb(self.0.0, &[FileTableVerb::Insert as u64, from as u64, to as u64])
    }
}

/// Starts a process with exactly what the request names. `ENOEXEC` for a file that is no program, `E2BIG` for too many arguments;
/// else what the kernel and the process manager say.
///
/// # Safety
/// Every [`Bytes`] of the request is readable memory that nobody changes meanwhile.
pub unsafe fn spawn(request: &Request) -> Result<usize> {
    // SAFETY: as this function demands.
    let (image, args, env, directory) =
        unsafe { (bytes(request.image)?, bytes(request.args)?, bytes(request.env)?, bytes(request.directory)?) };
    let source = match request.file {
        NONE => Source::Memory(image),
        fd => Source::Part(Part { fd, offset: request.file_offset, len: request.file_len as u64, front: image }),
    };
    let me = thread::attributes()?;
    let authority = if me.euid == 0 { birth::AUTHORITY } else { 0 };
    let (uid, gid) = (request.credentials as u32, (request.credentials >> 32) as u32);
    let name = name(args.split(|&byte| byte == 0).next().unwrap_or_default());
    let reserve = if request.reserve != 0 { birth::RESERVE } else { 0 };
    let bits = birth::DETACHED | birth::NAMED | birth::IDS | authority | reserve;
    let child = Child::new(&Birth { bits, uid, gid, group: 0, name }, true)?;
    let registers = child.load(&Beginning {
        source: &source,
        args: Strings::flat(args),
        env: Strings::flat(env),
        directory,
        umask: request.umask,
        namespace: request.namespace != NONE,
        signals: (Some(0), u64::MAX),
    })?;
    // SAFETY: as this function demands.
    unsafe { give_descriptors(&child, request)? };
    files::note_handle();
    child.start(&registers).map(Owned::keep)
}

/// Without a process manager, tells the kernel who a thread is.
fn identify(thread: &Owned, birth: &Birth) -> Result<()> {
    let attributes = ProcSchemeAttrs {
        euid: birth.uid,
        egid: birth.gid,
        debug_name: birth.name.0,
        // SAFETY: any bytes are valid attributes.
        ..unsafe { sys::verb_read(thread.0, &[ThreadVerb::GetAttrs as u64])? }
    };
    sys::verb_write(thread.0, &attributes, &[ThreadVerb::SetAttrs as u64]).map(drop)
}

/// # Safety
/// The memory is readable, and nobody changes it while the answer lives.
unsafe fn bytes<'a>(bytes: Bytes) -> Result<&'a [u8]> {
    match bytes {
        Bytes { len: 0, .. } => Ok(&[]),
        Bytes { address: 0, .. } => Err(Error::new(EFAULT)),
        // SAFETY: as this function demands.
        Bytes { address, len } => Ok(unsafe { core::slice::from_raw_parts(address as *const u8, len) }),
    }
}

/// A process's name: the last part of its program's path, cut to what the kernel takes.
pub fn name(path: &[u8]) -> Name {
    let mut name = [0; NAME];
    let last = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let len = last.len().min(NAME - 1);
    name[..len].copy_from_slice(&last[..len]);
    Name(name)
}

/// # Safety
/// The request's list of descriptors is readable.
unsafe fn give_descriptors(child: &Child, request: &Request) -> Result<()> {
    let table = Table(child.thread.dup(b"filetable")?);
    for index in 0..request.descriptors.len {
        // SAFETY: as this function demands.
        let Inherit { from, to } = unsafe { *(request.descriptors.address as *const Inherit).add(index) };
        table.insert(from, to)?;
    }
    if request.namespace != NONE {
        table.insert(request.namespace, start_fd::NAMESPACE)?;
    }
    Ok(())
}
