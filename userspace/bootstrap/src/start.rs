//! The order in which the system comes up.

use std::arch::asm;
use std::io::{Error, ErrorKind, Result};

use kernel_core::cmdline::{DEFAULT_INIT, Options};
use kernel_core::cpio;
use libredox::{Fd, call};
use ochre_abi::memory::GIVE_BACK;
use ochre_abi::proc::{ANONYMOUS, ThreadVerb};
use ochre_abi::{UPPER, auxv, boot_fd, procmgr_fd};
use ochre_spawn::{End, Process, Spawn};
use scheme_server::{Port, Server};
use syscall::flag::{CallFlags, MapFlags};
use syscall::{GlobalSchemes, Map, PAGE_SIZE};

use crate::initfs::{self, Initfs, Memory};
use crate::tree::{ROOT, Tree};

/// Where a daemon finds the descriptor on which it says that it is ready.
const NOTIFY: usize = 3;
/// The roots of the kernel's schemes.
const KERNEL_SCHEMES: [GlobalSchemes; 10] = [
    GlobalSchemes::Debug,
    GlobalSchemes::Event,
    GlobalSchemes::Memory,
    GlobalSchemes::Pipe,
    GlobalSchemes::Serio,
    GlobalSchemes::Irq,
    GlobalSchemes::Time,
    GlobalSchemes::Sys,
    GlobalSchemes::Proc,
    GlobalSchemes::Acpi,
];
/// QEMU's `isa-debug-exit` at the place where our runs put it.
const DEBUG_EXIT_PORT: u16 = 0xf4;

/// What the kernel hands over.
#[derive(Clone, Copy)]
struct Given {
    archive: &'static [u8],
    cmdline: &'static str,
}

unsafe extern "C" {
    // libc's: an entry of the auxiliary vector, 0 when it is not there.
    safe fn getauxval(kind: usize) -> usize;
    // libc's: which descriptor stands for this process.
    safe fn ochre_set_process_v1(fd: usize);
}

impl Given {
    fn take() -> Result<Self> {
        // SAFETY: the kernel has mapped both read-only for as long as this process lives.
        let part = |address, len| unsafe {
            match (getauxval(address), getauxval(len)) {
                (0, _) | (_, 0) => &[][..],
                (address, len) => std::slice::from_raw_parts(address as *const u8, len),
            }
        };
        Ok(Given {
            archive: part(auxv::INITFS_PTR, auxv::INITFS_LEN),
            cmdline: str::from_utf8(part(auxv::CMDLINE_PTR, auxv::CMDLINE_LEN))
                .map_err(|_| Error::new(ErrorKind::InvalidData, "the command line is not UTF-8"))?,
        })
    }
}

/// Brings the system up and ends with it.
pub fn main() {
    let given = match Given::take() {
        Ok(given) => given,
        Err(error) => return eprintln!("bootstrap: {error}"),
    };
    let options = Options::parse(given.cmdline);
    let code = match run(given, &options) {
        Ok(end) => {
            if end != End::Exited(0) || !options.exit_debug {
                println!("bootstrap: {DEFAULT_INIT} {end}");
            }
            end.code()
        }
        Err(error) => {
            eprintln!("bootstrap: {error}");
            1
        }
    };
    if options.exit_debug {
        leave_qemu(code);
    }
    loop {
        std::thread::park();
    }
}

fn run(given: Given, options: &Options<'_>) -> Result<End> {
    let damaged = |at| Error::other(format!("the initfs is damaged: {at:?}"));
    let tree = Tree::new(given.archive).map_err(damaged)?;
    let namespace = start_name_spaces(given.archive)?;
    call::setns(namespace.descriptor).map_err(Error::from)?;
    start_processes(given.archive, &namespace)?;
    let namespace = namespace.descriptor;
    let mut scheme = Initfs::new(tree, InMemory(given.archive));
    let port = Port::new().map_err(scheme_error)?;
    port.register(initfs::NAME, ROOT).map_err(scheme_error)?;
    std::thread::Builder::new().name("initfs".into()).spawn(move || {
        let failed = Server::new(port).run(&mut scheme);
        eprintln!("bootstrap: serving the initfs ended: {failed:?}");
    })?;
    let failed = |error: Error| Error::other(format!("{DEFAULT_INIT}: {error}"));
    let memory = initfs_memory()?;
    let init = console(spawn(given.archive, &memory, "init", DEFAULT_INIT)?).namespace(namespace).reserve(true);
    let init = options.init_args.split_ascii_whitespace().fold(init, |init, word| init.arg(word));
    let init = init.env("PATH", "/scheme/initfs/bin").env("RUST_BACKTRACE", "1");
    init.start().map_err(failed)?.wait()
}

/// The archive where the loader has put it.
struct InMemory(&'static [u8]);

impl Memory<'static> for InMemory {
    /// Pages that the file shares with others stay.
    fn give_back(&self, path: &str, contents: &'static [u8]) {
        let start = (contents.as_ptr() as usize).next_multiple_of(PAGE_SIZE);
        let end = (contents.as_ptr() as usize + contents.len()) & !(PAGE_SIZE - 1);
        if start >= end {
            return;
        }
        let given = release(start, end).and_then(|()| {
            initfs_memory()?.call_wo(path.as_bytes(), CallFlags::empty(), &[GIVE_BACK]).map_err(Error::from)
        });
        if let Err(error) = given {
            eprintln!("bootstrap: the memory of {path} is not given back: {error}");
        }
    }

    fn show(&self, contents: &'static [u8]) -> Option<&'static [u8]> {
        let offset = offset(self.0, contents).filter(|_| !contents.is_empty())?;
        let size = contents.len().next_multiple_of(PAGE_SIZE);
        let whole = contents.len() & !(PAGE_SIZE - 1);
        let access = MapFlags::MAP_PRIVATE | MapFlags::PROT_READ;
        let memory = initfs_memory().ok()?;
        // SAFETY: zeros at a place that the kernel chooses, and in their first part, where nobody has looked yet, the archive's pages.
        // Its last page has something else behind the file: that one is copied. What is written here is ours alone.
        unsafe {
            let zeros = Map { offset: 0, size, flags: access | MapFlags::PROT_WRITE, address: 0 };
            let base = syscall::call::fmap(ANONYMOUS, &zeros).ok()?;
            if whole != 0 {
                let map = Map { offset, size: whole, flags: access | MapFlags::MAP_FIXED, address: base };
                syscall::call::fmap(memory.raw(), &map).ok()?;
            }
            let rest = &contents[whole..];
            std::ptr::copy_nonoverlapping(rest.as_ptr(), (base + whole) as *mut u8, rest.len());
            Some(std::slice::from_raw_parts(base as *const u8, size))
        }
    }
}

/// Where in the archive a file begins, if that is at a page.
fn offset(archive: &[u8], contents: &[u8]) -> Option<usize> {
    Some(contents.as_ptr() as usize - archive.as_ptr() as usize).filter(|offset| offset.is_multiple_of(PAGE_SIZE))
}

/// The archive's memory, as a descriptor.
fn initfs_memory() -> Result<Fd> {
    let root = UPPER | GlobalSchemes::Memory as usize;
    Ok(Fd::new(call::openat(root, "initfs", libredox::flag::O_CLOEXEC, 0).map_err(Error::from)?))
}

/// Lets go of the pages of the archive from `start` to `end`: zeros take their place, which cost nothing.
fn release(start: usize, end: usize) -> Result<()> {
    let root = UPPER | GlobalSchemes::Memory as usize;
    let zeros = Fd::new(call::openat(root, "zeroed", libredox::flag::O_CLOEXEC, 0).map_err(Error::from)?);
    let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED | MapFlags::PROT_READ;
    let map = Map { offset: 0, size: end - start, flags, address: start };
    // SAFETY: these are whole pages of the archive's mapping with the contents of one file, which nobody looks at any more. Something
    // stays mapped there.
    unsafe { syscall::call::fmap(zeros.raw(), &map) }.map_err(|error| Error::from_raw_os_error(error.errno))?;
    Ok(())
}

fn scheme_error(error: syscall::Error) -> Error {
    Error::other(format!("the scheme initfs cannot be made: {error}"))
}

/// The standard descriptors: the console.
fn console(spawn: Spawn<'_>) -> Spawn<'_> {
    spawn.inherit(0, 0).inherit(1, 1).inherit(2, 2)
}

/// A program of the archive, to be started under a name. Where it begins at a page its pages are the archive's.
fn spawn<'a>(archive: &'a [u8], memory: &Fd, program: &str, name: &str) -> Result<Spawn<'a>> {
    let path = format!("bin/{program}");
    let image = cpio::find(archive, &path).ok_or_else(|| Error::other(format!("the initfs has no {path}")))?;
    Ok(match offset(archive, image) {
        Some(offset) => Spawn::mapped(image, (memory.raw(), offset), image.len(), name),
        None => Spawn::new(image, name),
    })
}

/// A pipe: its reading and its writing end.
fn pipe() -> Result<(Fd, Fd)> {
    let root = UPPER | GlobalSchemes::Pipe as usize;
    let read = Fd::new(call::openat(root, "", libredox::flag::O_CLOEXEC, 0).map_err(Error::from)?);
    let write = Fd::new(read.dup(b"write").map_err(Error::from)?);
    Ok((read, write))
}

/// The first name space, and the manager that serves it.
struct NameSpace {
    descriptor: usize,
    manager: Process,
}

/// Starts the name space manager, with the kernel's schemes and the right to make more; answers the first name space.
fn start_name_spaces(archive: &[u8]) -> Result<NameSpace> {
    let memory = initfs_memory()?;
    let (read, write) = pipe()?;
    let spawn = console(spawn(archive, &memory, "nsmgr", "nsmgr")?).reserve(true);
    let mut spawn = spawn.env("INIT_NOTIFY", &NOTIFY.to_string());
    spawn = spawn.inherit(write.raw(), NOTIFY).inherit(boot_fd::SCHEME_CREATION_CAP, boot_fd::SCHEME_CREATION_CAP);
    for scheme in KERNEL_SCHEMES {
        let root = UPPER | scheme as usize;
        spawn = spawn.inherit(root, root);
    }
    let manager = spawn.start()?;
    drop(write);
    let descriptor = receive(&read).map_err(|error| Error::other(format!("nsmgr does not start: {error}")))?;
    Ok(NameSpace { descriptor, manager })
}

/// Starts the process manager, which makes a process of this one.
fn start_processes(archive: &[u8], namespace: &NameSpace) -> Result<()> {
    let memory = initfs_memory()?;
    let (read, write) = pipe()?;
    let root = UPPER | GlobalSchemes::Proc as usize;
    let spawn = console(spawn(archive, &memory, "procmgr", "procmgr")?).reserve(true).namespace(namespace.descriptor);
    let spawn = spawn.env("INIT_NOTIFY", &NOTIFY.to_string()).inherit(write.raw(), NOTIFY).inherit(root, root);
    let spawn = spawn.inherit(boot_fd::THREAD, procmgr_fd::FIRST);
    let _process = spawn.inherit(namespace.manager.descriptor(), procmgr_fd::NAME_SPACES).start()?;
    drop(write);
    let process = receive(&read).map_err(|error| Error::other(format!("procmgr does not start: {error}")))?;
    ochre_set_process_v1(process);
    Ok(())
}

/// Waits for a descriptor; the end of the stream means that there will be none.
fn receive(pipe: &Fd) -> Result<usize> {
    let mut fds = [usize::MAX];
    // SAFETY: the bytes of a number, which any bytes are.
    let payload = unsafe { std::slice::from_raw_parts_mut(fds.as_mut_ptr().cast(), size_of_val(&fds)) };
    call::call_ro(pipe.raw(), payload, CallFlags::FD | CallFlags::FD_UPPER, &[])?;
    Ok(fds[0])
}

/// Ends the virtual machine; QEMU's own status is then twice the code and one.
fn leave_qemu(code: u8) {
    let verb = [ThreadVerb::SetIoPrivilege as u64, 1];
    if let Err(error) = call::call_wo(boot_fd::THREAD, &[], CallFlags::empty(), &verb) {
        return eprintln!("bootstrap: no I/O ports: {error}");
    }
    // SAFETY: writing this port has no effect on memory; without the device it has no effect at all.
    unsafe {
        asm!("out dx, eax", in("dx") DEBUG_EXIT_PORT, in("eax") u32::from(code), options(nomem, nostack, preserves_flags));
    }
    eprintln!("bootstrap: exit=debug, but there is no QEMU debug exit device");
}
