//! Starting a process: an address space filled from a program file, a descriptor table, a stack, a thread.
//!
//! Nothing is shared with the starter but what the request names. Until the thread starts, everything belongs to the handles
//! here: an error on the way closes them, and the kernel frees the half-made process.

use core::ops::Range;
use core::ptr::copy_nonoverlapping;

use ochre_abi::elf::{self, Segment};
use ochre_abi::proc::{ANONYMOUS, AddrSpaceVerb, FileTableVerb, RemoteMap, ThreadVerb};
use ochre_abi::spawn::{Bytes, Inherit, NONE, Request};
use ochre_abi::{PIE_BASE, STACK_SIZE, STACK_TOP, USER_BASE, auxv, start_fd};
use syscall::IntRegisters;
use syscall::data::ProcSchemeAttrs;
use syscall::error::{E2BIG, EFAULT, ENOEXEC, Error, Result};
use syscall::flag::MapFlags;

use super::files::{self, Place};
use super::{roots, sys};

const PAGE: usize = 4096;
/// Most bytes of arguments and environment together with the pointers to them: a quarter of the stack, as on Linux.
const MAX_ARGUMENTS: usize = STACK_SIZE / 4;
/// Where programs may lie.
const PROGRAM_SPACE: Range<u64> = USER_BASE as u64..(STACK_TOP - STACK_SIZE) as u64;
/// Bytes of a thread's name in the kernel.
const NAME: usize = 32;

/// A descriptor that closes when it is dropped.
struct Owned(usize);

impl Owned {
    fn dup(&self, what: &[u8]) -> Result<Owned> {
        files::dup(self.0, what, Place::Libc).map(Owned)
    }

    fn keep(self) -> usize {
        let fd = self.0;
        core::mem::forget(self);
        fd
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // There is nobody to tell, and the number is free in any case.
        let _ = files::close(self.0);
    }
}

/// Starts the process. `ENOEXEC` for a file that is no program, `E2BIG` for too many arguments; else what the kernel says.
///
/// # Safety
/// Every [`Bytes`] of the request is readable memory that nobody changes meanwhile.
pub unsafe fn spawn(request: &Request) -> Result<usize> {
    // SAFETY: as this function demands.
    let (image, args, env, directory) =
        unsafe { (bytes(request.image)?, bytes(request.args)?, bytes(request.env)?, bytes(request.directory)?) };
    let program = elf::parse(image, PROGRAM_SPACE, PIE_BASE as u64).map_err(|_| Error::new(ENOEXEC))?;
    // The answer is the program's own descriptor; everything else goes again.
    let place = Place::Program { cloexec: true };
    let thread = Owned(roots::with(b"kernel.proc", |root| files::openat(root, b"thread", 0, place))?);
    let space = thread.dup(b"addrspace")?;
    for segment in program.segments.iter() {
        load(&space, segment, image)?;
    }
    let auxiliary = [
        (3, program.headers as usize),
        (4, program.header_size),
        (5, program.header_count),
        (7, 0),
        (9, program.entry as usize),
        (auxv::THR_FD, start_fd::THREAD),
        (auxv::FILETABLE_FD, start_fd::FILETABLE),
        (auxv::UMASK, request.umask),
    ];
    let namespace = (request.namespace != NONE).then_some((auxv::NS_FD, start_fd::NAMESPACE));
    let stack = Stack { args, env, directory, auxiliary: &auxiliary, namespace };
    let sp = stack.build(&space)?;
    // SAFETY: as this function demands.
    unsafe { give_descriptors(&thread, request)? };

    let mut attributes = ProcSchemeAttrs {
        euid: request.credentials as u32,
        egid: (request.credentials >> 32) as u32,
        // SAFETY: any bytes are valid attributes.
        ..unsafe { sys::verb_read(thread.0, &[ThreadVerb::GetAttrs as u64])? }
    };
    attributes.debug_name = name(args);
    sys::verb_write(thread.0, &attributes, &[ThreadVerb::SetAttrs as u64])?;
    let registers = IntRegisters { rip: program.entry as usize, rsp: sp, ..IntRegisters::default() };
    sys::verb_write(thread.0, &registers, &[ThreadVerb::SetRegs as u64])?;
    // What it has of itself is without authority: a process does not choose its own credentials.
    sys::verb(thread.0, &[ThreadVerb::Start as u64, start_fd::THREAD as u64, start_fd::FILETABLE as u64])?;
    Ok(thread.keep())
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

/// The thread's name: the last part of the first argument, cut to what the kernel takes.
fn name(args: &[u8]) -> [u8; NAME] {
    let mut name = [0; NAME];
    let first = args.split(|&byte| byte == 0).next().unwrap_or_default();
    let last = first.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let len = last.len().min(NAME - 1);
    name[..len].copy_from_slice(&last[..len]);
    name
}

/// Maps fresh pages into the new space.
fn map(space: &Owned, pages: Range<usize>) -> Result<usize> {
    let flags = MapFlags::PROT_READ | MapFlags::PROT_WRITE | MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED_NOREPLACE;
    let request = RemoteMap {
        fd: ANONYMOUS,
        offset: 0,
        size: pages.end - pages.start,
        flags: flags.bits(),
        address: pages.start,
    };
    sys::verb_write(space.0, &request, &[AddrSpaceVerb::Mmap as u64])
}

/// Writes into the new space.
fn write(space: &Owned, mut address: usize, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match sys::write_at(space.0, bytes.as_ptr(), bytes.len(), address as u64)? {
            0 => return Err(Error::new(EFAULT)),
            count => {
                address += count;
                bytes = &bytes[count..];
            }
        }
    }
    Ok(())
}

fn load(space: &Owned, segment: &Segment, image: &[u8]) -> Result<()> {
    let pages = segment.pages().start as usize..segment.pages().end as usize;
    map(space, pages.clone())?;
    let file = segment.file_offset as usize..(segment.file_offset + segment.file_len) as usize;
    write(space, segment.address as usize, &image[file])?;
    let mut flags = MapFlags::PROT_READ;
    flags.set(MapFlags::PROT_WRITE, segment.write);
    flags.set(MapFlags::PROT_EXEC, segment.exec);
    let verb = AddrSpaceVerb::Mprotect as u64;
    sys::verb(space.0, &[verb, pages.start as u64, (pages.end - pages.start) as u64, flags.bits() as u64])?;
    Ok(())
}

/// What the new process finds on its stack (System V ABI AMD64, section 3.4.1).
struct Stack<'a> {
    args: &'a [u8],
    env: &'a [u8],
    directory: &'a [u8],
    auxiliary: &'a [(usize, usize)],
    namespace: Option<(usize, usize)>,
}

impl Stack<'_> {
    /// Writes it; answers the stack pointer.
    fn build(&self, space: &Owned) -> Result<usize> {
        let strings = self.args.len() + self.env.len() + self.directory.len();
        let entries = |list: &[u8]| list.iter().filter(|&&byte| byte == 0).count();
        // The count, both lists with their ends, the auxiliary vector with its end and the entries added here.
        let words = 1 + entries(self.args) + 1 + entries(self.env) + 1 + 2 * (self.auxiliary.len() + 4);
        let size = (strings + words * size_of::<usize>() + 32).next_multiple_of(PAGE);
        if size > MAX_ARGUMENTS {
            return Err(Error::new(E2BIG));
        }
        map(space, STACK_TOP - STACK_SIZE..STACK_TOP)?;
        let local = sys::map_anonymous(size)?;
        let bottom = STACK_TOP - size;
        let built = Block { local, bottom, size };
        // SAFETY: the fresh mapping has room for all that was counted, and is given back afterwards.
        let result = unsafe {
            let sp = self.fill(&built, words, strings);
            write(space, bottom, core::slice::from_raw_parts(local as *const u8, size)).map(|()| sp)
        };
        // SAFETY: the slice is gone.
        let _ = unsafe { sys::funmap(local, size) };
        result
    }

    /// # Safety
    /// The block has room for `words` words and `strings` bytes, and 16 bytes for alignment.
    unsafe fn fill(&self, block: &Block, words: usize, strings: usize) -> usize {
        let text = block.bottom + block.size - strings;
        let sp = (text - words * size_of::<usize>()) & !15;
        let mut at = sp;
        let mut push = |word: usize| {
            // SAFETY: within the block: `words` were counted.
            unsafe { (block.of(at) as *mut usize).write(word) };
            at += size_of::<usize>();
        };
        push(self.args.iter().filter(|&&byte| byte == 0).count());
        let mut address = text;
        for list in [self.args, self.env] {
            // SAFETY: within the block: the strings were counted.
            unsafe { copy_nonoverlapping(list.as_ptr(), block.of(address) as *mut u8, list.len()) };
            let mut start = address;
            for (index, _) in list.iter().enumerate().filter(|(_, byte)| **byte == 0) {
                push(start);
                start = address + index + 1;
            }
            push(0);
            address += list.len();
        }
        // SAFETY: as above.
        unsafe { copy_nonoverlapping(self.directory.as_ptr(), block.of(address) as *mut u8, self.directory.len()) };
        let directory = [(auxv::CWD_PTR, address), (auxv::CWD_LEN, self.directory.len())];
        for (kind, value) in self.auxiliary.iter().copied().chain(directory).chain(self.namespace) {
            push(kind);
            push(value);
        }
        push(0);
        push(0);
        sp
    }
}

/// Memory here that becomes the top of the stack there.
struct Block {
    local: usize,
    bottom: usize,
    size: usize,
}

impl Block {
    /// Where an address of the new stack is now.
    fn of(&self, address: usize) -> usize {
        address - self.bottom + self.local
    }
}

/// # Safety
/// The request's list of descriptors is readable.
unsafe fn give_descriptors(thread: &Owned, request: &Request) -> Result<()> {
    let table = thread.dup(b"filetable")?;
    let insert = |fd: usize, to: usize| sys::verb(table.0, &[FileTableVerb::Insert as u64, fd as u64, to as u64]);
    for index in 0..request.descriptors.len {
        // SAFETY: as this function demands.
        let Inherit { from, to } = unsafe { *(request.descriptors.address as *const Inherit).add(index) };
        insert(from, to)?;
    }
    if request.namespace != NONE {
        insert(request.namespace, start_fd::NAMESPACE)?;
    }
    Ok(())
}
