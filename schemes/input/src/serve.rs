//! The daemon's loop: requests, and the time at which a key repeats.

use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::time::Instant;

use input::keymap::Keymap;
use input::scheme::Input;
use libredox::Fd;
use libredox::flag::{O_CLOEXEC, O_RDWR};
use scheme_server::syscall::error::EINTR;
use scheme_server::syscall::flag::{EVENT_TIMEOUT_ID, EventFlags};
use scheme_server::{After, Port, SchemeSync, Server, notify_ready, syscall};

/// Where key maps are, and which is used unless another is named.
const KEYMAPS: &str = "/scheme/initfs/etc/keymaps";
const DEFAULT: &str = "us";
/// The user that drivers run as (`driver::DRIVER_USER`).
const DRIVER_USER: u32 = 90;

/// Serves until the scheme ends.
pub fn main() -> Result<()> {
    let start = Instant::now();
    let keymap = std::env::args().nth(1).unwrap_or(DEFAULT.into());
    let mut scheme = Input::new(move || start.elapsed(), DRIVER_USER, keymaps(), &keymap);
    let queue = Fd::open("/scheme/event", O_RDWR | O_CLOEXEC, 0)?;
    let port = Port::nonblocking().map_err(io)?;
    port.register("input", scheme.scheme_root().map_err(io)?).map_err(io)?;
    watch(&queue, port.socket().inner().raw(), 0)?;
    let mut server = Server::new(port);
    // The first look is what makes the scheme one that clients' messages go to.
    server.drain(&mut scheme).map_err(io)?;
    notify_ready();
    loop {
        if let Some(left) = scheme.wake_after() {
            // A moment later rather than just before.
            watch(&queue, EVENT_TIMEOUT_ID, left.as_millis() as usize + 1)?;
        }
        match queue.read(&mut syscall::Event::default()) {
            Err(error) if error.errno() != EINTR => return Err(error.into()),
            _ => scheme.tick(),
        }
        if server.drain(&mut scheme).map_err(io)? == After::Closed {
            return Err(Error::other("the scheme was taken away"));
        }
        server.settle(&mut scheme).map_err(io)?;
    }
}

fn watch(queue: &Fd, id: usize, data: usize) -> Result<()> {
    queue.write(&syscall::Event { id, flags: EventFlags::EVENT_READ, data })?;
    Ok(())
}

/// The key maps that there are. One that is wrong is left out, with a line that says why.
fn keymaps() -> BTreeMap<String, Keymap> {
    let mut found = BTreeMap::new();
    let files = std::fs::read_dir(KEYMAPS).into_iter().flatten().flatten();
    for path in files.map(|entry| entry.path()) {
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        match std::fs::read_to_string(&path).map_err(|error| error.to_string()).and_then(|text| Keymap::parse(&text)) {
            Ok(map) => drop(found.insert(name.into(), map)),
            Err(error) => eprintln!("inputd: {}: {error}", path.display()),
        }
    }
    if found.is_empty() {
        eprintln!("inputd: no key map in {KEYMAPS}: keys have no characters");
    }
    found
}

fn io(error: syscall::Error) -> Error {
    Error::from_raw_os_error(error.errno)
}
