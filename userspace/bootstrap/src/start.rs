//! The order in which the system comes up.

use std::arch::asm;
use std::io::{Error, ErrorKind, Result};

use kernel_core::cmdline::{DEFAULT_INIT, Options};
use libredox::{Fd, call};
use ochre_abi::memory::GIVE_BACK;
use ochre_abi::proc::ThreadVerb;
use ochre_abi::{UPPER, auxv, boot_fd, procmgr_fd};
use ochre_spawn::{End, Process, Spawn};
use scheme_server::{Port, Server};
use syscall::flag::{CallFlags, MapFlags};
use syscall::{GlobalSchemes, Map, PAGE_SIZE};

use crate::initfs::{self, Initfs};
use crate::tree::{Kind, ROOT, Tree};

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
    let archive = || Tree::new(given.archive).map_err(|at| Error::other(format!("the initfs is damaged: {at:?}")));
    let tree = archive()?;
    let namespace = start_name_spaces(&tree)?;
    call::setns(namespace.descriptor).map_err(Error::from)?;
    start_processes(&tree, &namespace)?;
    let namespace = namespace.descriptor;
    let mut scheme = Initfs::new(archive()?, give_back);
    let port = Port::new().map_err(scheme_error)?;
    port.register(initfs::NAME, ROOT).map_err(scheme_error)?;
    std::thread::Builder::new().name("initfs".into()).spawn(move || {
        let failed = Server::new(port).run(&mut scheme);
        eprintln!("bootstrap: serving the initfs ended: {failed:?}");
    })?;
    let failed = |error: Error| Error::other(format!("{DEFAULT_INIT}: {error}"));
    let image = std::fs::read(DEFAULT_INIT).map_err(failed)?;
    let init = console(Spawn::new(&image, DEFAULT_INIT)).namespace(namespace);
    let init = options.init_args.split_ascii_whitespace().fold(init, |init, word| init.arg(word));
    let init = init.env("PATH", "/scheme/initfs/bin").env("RUST_BACKTRACE", "1");
    init.start().map_err(failed)?.wait()
}

/// Gives the memory of a file of the archive back to the kernel. Pages that it shares with others stay.
fn give_back(path: &str, contents: &'static [u8]) {
    let start = (contents.as_ptr() as usize).next_multiple_of(PAGE_SIZE);
    let end = (contents.as_ptr() as usize + contents.len()) & !(PAGE_SIZE - 1);
    if start >= end {
        return;
    }
    let given = release(start, end).and_then(|()| {
        let root = UPPER | GlobalSchemes::Memory as usize;
        let archive = Fd::new(call::openat(root, "initfs", libredox::flag::O_CLOEXEC, 0).map_err(Error::from)?);
        archive.call_wo(path.as_bytes(), CallFlags::empty(), &[GIVE_BACK]).map_err(Error::from)
    });
    if let Err(error) = given {
        eprintln!("bootstrap: the memory of {path} is not given back: {error}");
    }
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

fn program<'a>(tree: &Tree<'a>, name: &str) -> Option<&'a [u8]> {
    let path = format!("bin/{name}");
    let (number, rest) = tree.walk(ROOT, &path)?;
    match tree.node(number)?.kind {
        Kind::File(image) if rest.is_empty() => Some(image),
        _ => None,
    }
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
fn start_name_spaces(tree: &Tree<'_>) -> Result<NameSpace> {
    let image = program(tree, "nsmgr").ok_or_else(|| Error::other("the initfs has no bin/nsmgr"))?;
    let (read, write) = pipe()?;
    let mut spawn = console(Spawn::new(image, "nsmgr")).env("INIT_NOTIFY", &NOTIFY.to_string());
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
fn start_processes(tree: &Tree<'_>, namespace: &NameSpace) -> Result<()> {
    let image = program(tree, "procmgr").ok_or_else(|| Error::other("the initfs has no bin/procmgr"))?;
    let (read, write) = pipe()?;
    let root = UPPER | GlobalSchemes::Proc as usize;
    let spawn = console(Spawn::new(image, "procmgr")).namespace(namespace.descriptor);
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
