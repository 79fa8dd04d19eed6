//! The wiring: arguments, the system's memory and clock, the socket.

use std::error::Error;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use ram_fs::fs::Clock;
use ram_fs::options::Options;
use ram_fs::scheme::RamFs;
use scheme_server::syscall::data::TimeSpec;
use scheme_server::{Memory, Port, Server, notify_ready};

/// The system's clock.
struct SystemClock;

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> TimeSpec {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        TimeSpec { tv_sec: since.as_secs() as i64, tv_nsec: since.subsec_nanos() as i32 }
    }
}

/// Serves until the socket is closed.
pub fn run() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(std::env::args().skip(1)).map_err(|wrong| wrong.to_string())?;
    let names: Vec<String> = options.volumes.iter().map(|(name, _)| name.clone()).collect();
    let told = |what: &'static str| move |error| format!("{what}: {error}");
    let memory = Memory::open().map_err(told("the memory cannot be asked"))?;
    let limit = options.limit.bytes(memory.ordinary());
    let mut scheme = RamFs::new(limit, SystemClock, options.volumes).map_err(told("no room for the roots"))?;
    scheme.ask(Rc::new(move |bytes| memory.has(bytes)));
    scheme.look_up_groups(Rc::new(is_member));
    scheme.furnish(&options.pieces).map_err(|(path, error)| format!("{path} cannot be made: {error}"))?;
    let port = Port::new().map_err(told("no socket"))?;
    for (root, name) in names.iter().enumerate() {
        port.register(name, root).map_err(|error| format!("{name}: {error}"))?;
    }
    notify_ready();
    Ok(Server::new(port).run(&mut scheme).map_err(told("the socket fails"))?)
}

/// Whether a process has a group among its supplementary ones. A process that waits for our answer has not ended.
fn is_member(process: usize, group: u32) -> bool {
    let text = std::fs::read_to_string(format!("/scheme/proc/{process}")).unwrap_or_default();
    let groups = text.lines().find_map(|line| line.strip_prefix("groups"));
    groups.is_some_and(|groups| groups.split_ascii_whitespace().any(|own| own.parse() == Ok(group)))
}
