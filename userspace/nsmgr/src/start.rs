//! The wiring: descriptors of the kernel, the socket, the hand-over of the first name space.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use libredox::{Fd, call};
use name_spaces::Descriptor;
use name_spaces::manager::Manager;
use ochre_abi::{UPPER, boot_fd};
use redox_scheme::Socket;
use scheme_server::syscall::data::GlobalSchemes;
use scheme_server::syscall::error::{EBADF, EINVAL, ENODEV, Error, Result};
use scheme_server::syscall::flag::CallFlags;
use scheme_server::{Port, SchemeSync, Server};

/// Environment variable with the number of the pipe that waits for the first name space.
const INIT_NOTIFY: &str = "INIT_NOTIFY";

/// How long a daemon whose name somebody else wants may take to show that it lives.
const PATIENCE: Duration = Duration::from_millis(100);

/// A descriptor of this process.
struct Owned(Fd);

impl Descriptor for Owned {
    fn adopt(fd: usize) -> Self {
        Self(Fd::new(fd))
    }

    fn duplicate(&self) -> Result<usize> {
        Ok(self.0.dup(b"")?)
    }

    /// A scheme whose daemon is gone answers at once that it is. One that does not answer lives, and does something else:
    /// perhaps it waits for this very answer.
    fn is_alive(&self) -> bool {
        let Ok(fd) = self.0.dup(b"") else { return false };
        let fd = Fd::new(fd);
        let (tell, told) = mpsc::channel();
        let ask = move || {
            let gone = fd.stat().is_err_and(|error| matches!(error.errno(), ENODEV | EBADF));
            // Nobody may be listening any more.
            let _ = tell.send(!gone);
        };
        let asked = thread::Builder::new().name("probe".into()).spawn(ask);
        asked.is_err() || told.recv_timeout(PATIENCE).unwrap_or(true)
    }
}

/// The bytes of a descriptor's number, placed as the kernel wants them.
#[repr(align(8))]
struct Payload([u8; size_of::<usize>()]);

/// Serves until the socket is closed.
pub fn run() -> Result<()> {
    let schemes = (1..=u8::MAX).map_while(GlobalSchemes::try_from_raw).filter_map(|scheme| {
        // A machine need not have all of them.
        let root = Owned::adopt(call::dup(UPPER | scheme as usize, b"").ok()?);
        Some((scheme.as_str(), root))
    });
    let creation = Owned::adopt(call::dup(boot_fd::SCHEME_CREATION_CAP, b"")?);
    let mut manager = Manager::new(creation, schemes)?;
    let socket = Socket::create_inner(boot_fd::SCHEME_CREATION_CAP, false)?;
    let first = socket.create_this_scheme_fd(0, manager.scheme_root()?, 0, 0)?;
    hand_over(first)?;
    Server::new(Port::from_socket(socket)).run(&mut manager)
}

/// Sends the first name space to whoever started us.
fn hand_over(first: usize) -> Result<()> {
    let pipe = std::env::var(INIT_NOTIFY).ok().and_then(|text| text.parse().ok()).ok_or(Error::new(EINVAL))?;
    let pipe = Fd::new(pipe);
    pipe.call_wo(&Payload(first.to_ne_bytes()).0, CallFlags::FD, &[])?;
    Ok(())
}
