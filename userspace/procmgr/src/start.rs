//! The wiring: descriptors of the kernel, the socket, the thread that waits for ends, the hand-over of the first process.

use libredox::Fd;
use ochre_abi::{UPPER, procmgr_fd};
use processes::manager::{Manager, NAME_OF_SCHEME};
use scheme_server::syscall::data::GlobalSchemes;
use scheme_server::syscall::error::{EINVAL, Error, Result};
use scheme_server::syscall::flag::CallFlags;
use scheme_server::{Port, SchemeSync, Server};

use crate::kernel::{Kernel, reap};

/// Environment variable with the number of the pipe that waits for the first process.
const INIT_NOTIFY: &str = "INIT_NOTIFY";

/// The bytes of a descriptor's number, placed as the kernel wants them.
#[repr(align(8))]
struct Payload([u8; size_of::<usize>()]);

/// Serves until the socket is closed.
pub fn run() -> Result<()> {
    let root = Fd::new(UPPER | GlobalSchemes::Proc as usize);
    let port = Port::new()?;
    let queue = Fd::open("/scheme/event", libredox::flag::O_RDWR | libredox::flag::O_CLOEXEC, 0)?.into_raw();
    let myself = root.openat("self", libredox::flag::O_CLOEXEC, 0)?;
    let kernel = Kernel::new(root, queue, port.socket().inner().raw());
    let given = [("bootstrap", Fd::new(procmgr_fd::FIRST)), ("nsmgr", Fd::new(procmgr_fd::NAME_SPACES))];
    for (pid, (_, thread)) in (1..).zip(&given) {
        kernel.watch(thread, pid)?;
    }
    let mut manager = Manager::new(kernel);
    for (name, thread) in given {
        manager.adopt(name, thread)?;
    }
    manager.adopt("procmgr", myself)?;
    let first = manager.open(1)?;
    let control = port.socket().create_this_scheme_fd(0, manager.control(), 0, 0)?;
    std::thread::Builder::new()
        .name("reaper".into())
        .spawn(move || eprintln!("procmgr: nobody hears of ends any more: {}", reap(queue, control)))
        .map_err(|error| Error::new(error.raw_os_error().unwrap_or(EINVAL)))?;
    port.register(NAME_OF_SCHEME, manager.scheme_root()?)?;
    hand_over(port.socket().create_this_scheme_fd(0, first, 0, 0)?)?;
    Server::new(port).run(&mut manager)
}

/// Sends the first process to whoever started us.
fn hand_over(process: usize) -> Result<()> {
    let pipe = std::env::var(INIT_NOTIFY).ok().and_then(|text| text.parse().ok()).ok_or(Error::new(EINVAL))?;
    let pipe = Fd::new(pipe);
    pipe.call_wo(&Payload(process.to_ne_bytes()).0, CallFlags::FD, &[])?;
    Ok(())
}
