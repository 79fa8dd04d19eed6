//! The keeper of windows: serves the scheme `orbital`.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = inside::run() {
        eprintln!("orbital-keeper: {error}");
        std::process::exit(1);
    }
}

#[cfg(target_os = "redox")]
mod inside {
    use std::io::{Error, Result};
    use std::mem::offset_of;

    use libredox::Fd;
    use libredox::flag::O_CLOEXEC;
    use orbital::keeper::Keeper;
    use orbital::keeper::limits::Limits;
    use orbital::keeper::scheme::ROOT;
    use scheme_server::syscall::data::NewFdParams;
    use scheme_server::{Port, Server, notify_ready, syscall};

    /// Serves until the socket is closed.
    pub fn run() -> Result<()> {
        let facts = Fd::open("/scheme/memory", O_CLOEXEC, 0)?.statvfs()?;
        let told = |error: syscall::Error| Error::from_raw_os_error(error.errno);
        let port = Port::new().map_err(told)?;
        let mut keeper = Keeper::new(Limits::of_memory(facts.f_bavail * facts.f_bsize));
        let socket = port.socket().inner().raw();
        keeper.set_door(Box::new(move |number, flags| descriptor(socket, number, flags)));
        port.register("orbital", ROOT).map_err(told)?;
        notify_ready();
        Server::new(port).run(&mut keeper).map_err(told)
    }

    /// A descriptor of a number of the scheme, with status flags.
    fn descriptor(socket: usize, number: usize, flags: usize) -> syscall::Result<usize> {
        let mut argument = [0; size_of::<NewFdParams>()];
        for (at, word) in [(offset_of!(NewFdParams, number), number), (offset_of!(NewFdParams, flags), flags)] {
            argument[at..at + 8].copy_from_slice(&word.to_ne_bytes());
        }
        libredox::call::dup(socket, argument).map_err(|error| syscall::Error::new(error.errno()))
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("orbital-keeper runs in Ochre only");
    std::process::exit(1);
}
