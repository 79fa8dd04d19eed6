//! The tests of the program `sockets`.

mod c;
mod hostile;
mod messages;
mod others;
mod passing;
mod streams;
mod through_std;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use ochre_guest::{role, run};

/// Long enough for a thread to have gone to sleep.
const MOMENT: Duration = Duration::from_millis(30);

pub fn main() {
    match role().as_deref() {
        None => {}
        Some([role, path]) if role == "echo" => return echo(path),
        Some([role, path]) if role == "flood" => return hostile::flood(path),
        Some([role, path]) if role == "die" => return hostile::die(path),
        Some(other) => panic!("no role {other:?}"),
    }
    run(&[
        ("a pair of streams", through_std::pair),
        ("a stream by name", through_std::listener),
        ("a name is in use, is removed, leads nowhere", through_std::names),
        ("datagrams", through_std::datagrams),
        ("time limits", through_std::timeouts),
        ("what does not wait", through_std::nonblocking),
        ("another process", through_std::process),
        ("many bytes each way", streams::bulk),
        ("one long write is whole", streams::long_write),
        ("halves are shut down", streams::shutdown),
        ("the other end is gone", streams::gone),
        ("a full queue of connections", streams::backlog),
        ("event queues", streams::events),
        ("poll", streams::poll),
        ("packets in sequence", messages::seqpacket),
        ("peeking and cut messages", messages::peek),
        ("messages in pieces", messages::vectored),
        ("options", messages::options),
        ("credentials", messages::credentials),
        ("errors", messages::errors),
        ("descriptors travel", passing::rights),
        ("descriptors stay with their bytes", passing::aligned),
        ("descriptors that nobody takes", passing::dropped),
        ("sockets in sockets", passing::nested),
        ("named pipes", others::fifos),
        ("shared memory objects", others::shared_memory),
        ("names of hosts", others::hosts),
        ("permissions of names", hostile::permissions),
        ("clients that are killed", hostile::killed),
        ("a client that takes all it can", hostile::greedy),
        ("messages that make no sense", hostile::nonsense),
        ("nothing is left behind", hostile::nothing_left),
        ("the daemon is killed", hostile::daemon),
    ])
}

/// A path of its own for a test.
fn path(name: &str) -> PathBuf {
    PathBuf::from(format!("/tmp/sockets-{name}"))
}

/// Connects and sends back what comes.
fn echo(path: &str) {
    let mut stream = UnixStream::connect(path).expect("a connection");
    let mut bytes = [0; 4096];
    loop {
        match stream.read(&mut bytes).expect("bytes") {
            0 => return,
            count => stream.write_all(&bytes[..count]).expect("room"),
        }
    }
}
