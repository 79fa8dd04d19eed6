//! The order in which the system comes up.

use std::arch::asm;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{PermissionsExt, symlink};

use kernel_core::cmdline::Options;
use libredox::{Fd, call};
use ochre_abi::proc::ThreadVerb;
use ochre_abi::{UPPER, auxv, boot_fd, procmgr_fd};
use ochre_spawn::{End, Process, Spawn};
use scheme_server::{Port, Server};
use syscall::GlobalSchemes;
use syscall::flag::CallFlags;

use crate::initfs::{self, Initfs};
use crate::tree::{Kind, ROOT, Tree};

/// Daemons that everything else may count on, in the order of their start.
const DAEMONS: [&str; 4] = ["zerod", "ramfs", "ipcd", "ptyd"];
/// Directory for what nobody needs for long.
const TMP: &str = "/tmp";
/// Directory of devices.
const DEV: &str = "/dev";
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
                println!("bootstrap: {} {end}", options.init);
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
    let mut scheme = Initfs { tree: archive()? };
    let port = Port::new().map_err(scheme_error)?;
    port.register(initfs::NAME, ROOT).map_err(scheme_error)?;
    std::thread::Builder::new().name("initfs".into()).spawn(move || {
        let failed = Server::new(port).run(&mut scheme);
        eprintln!("bootstrap: serving the initfs ended: {failed:?}");
    })?;
    for name in DAEMONS {
        match start_daemon(&tree, name, namespace) {
            Ok(Some(_process)) => {}
            Ok(None) => eprintln!("bootstrap: the initfs has no bin/{name}"),
            Err(error) => eprintln!("bootstrap: {name} does not start: {error}"),
        }
    }
    for (path, made) in [(TMP, make_tmp()), (DEV, make_dev())] {
        if let Err(error) = made {
            eprintln!("bootstrap: {path} cannot be made: {error}");
        }
    }
    let image = std::fs::read(options.init).map_err(|error| Error::other(format!("{}: {error}", options.init)))?;
    let mut init = console(Spawn::new(&image, options.init)).namespace(namespace);
    for word in options.init_args.split_ascii_whitespace() {
        init = init.arg(word);
    }
    let init = init.env("PATH", "/scheme/initfs/bin").env("RUST_BACKTRACE", "1");
    init.start().map_err(|error| Error::other(format!("{}: {error}", options.init)))?.wait()
}

/// The directory in which everybody may make files, and only their owner may remove them.
fn make_tmp() -> Result<()> {
    std::fs::create_dir(TMP)?;
    std::fs::set_permissions(TMP, std::fs::Permissions::from_mode(0o1777))
}

/// The names under which programs written for other systems know the devices. `std` itself opens the first when it is
/// started without one of the standard descriptors.
fn make_dev() -> Result<()> {
    std::fs::create_dir(DEV)?;
    for (name, scheme) in [
        ("null", "null"),
        ("zero", "zero"),
        ("random", "rand"),
        ("urandom", "rand"),
        ("tty", "tty"),
        ("console", "tty/console"),
        ("ptmx", "pty/ptmx"),
        ("pts", "pty"),
        ("shm", "shm"),
    ] {
        symlink(format!("/scheme/{scheme}"), format!("{DEV}/{name}"))?;
    }
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

/// Starts a daemon and waits until it is ready. None when the archive has no such program.
fn start_daemon(tree: &Tree<'_>, name: &str, namespace: usize) -> Result<Option<Process>> {
    let Some(image) = program(tree, name) else {
        return Ok(None);
    };
    let (read, write) = pipe()?;
    let spawn = console(Spawn::new(image, name)).namespace(namespace).env("INIT_NOTIFY", &NOTIFY.to_string());
    let process = spawn.inherit(write.raw(), NOTIFY).start()?;
    drop(write);
    match read.read(&mut [0]).map_err(Error::from)? {
        0 => Err(Error::other("it ended without being ready")),
        _ => Ok(Some(process)),
    }
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
