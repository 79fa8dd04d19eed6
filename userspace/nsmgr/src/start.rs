//! The wiring: descriptors of the kernel, the socket, the hand-over of the first name space.

use libredox::{Fd, call};
use name_spaces::Descriptor;
use name_spaces::manager::Manager;
use ochre_abi::{UPPER, boot_fd};
use redox_scheme::Socket;
use scheme_server::syscall::data::GlobalSchemes;
use scheme_server::syscall::error::{EINVAL, Error, Result};
use scheme_server::syscall::flag::{CallFlags, F_GET_SCHEMEID};
use scheme_server::{Port, SchemeSync, Server};

/// Environment variable with the number of the pipe that waits for the first name space.
const INIT_NOTIFY: &str = "INIT_NOTIFY";

/// A descriptor of this process.
struct Owned(Fd);

impl Descriptor for Owned {
    fn adopt(fd: usize) -> Self {
        Self(Fd::new(fd))
    }

    fn duplicate(&self) -> Result<usize> {
        Ok(self.0.dup(b"")?)
    }

    fn is_alive(&self) -> bool {
        // The kernel answers this itself, whatever the daemon is doing: ENODEV when it is gone.
        call::fcntl(self.0.raw(), F_GET_SCHEMEID, 0).is_ok()
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
