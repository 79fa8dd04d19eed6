//! One socket: what it is, what it is connected with, what waits in it.

use std::collections::VecDeque;

use ochre_socket::{Credentials, Token};
use scheme_server::Id;

use crate::channel::{Channel, Name, Rights};

/// Bytes that may be on their way from a socket, unless it says otherwise (the same as on other systems).
pub const SEND_BUFFER: usize = 212_992;

/// Kinds of sockets. The numbers are C's (`SOCK_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A connection that carries bytes.
    Stream = 1,
    /// Messages to anybody.
    Datagram = 2,
    /// A connection that carries messages.
    SeqPacket = 5,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stream, Self::Datagram, Self::SeqPacket];

    /// What it is opened as.
    pub fn path(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Datagram => "dgram",
            Self::SeqPacket => "seqpacket",
        }
    }

    /// Whether messages stay apart.
    pub fn has_packets(self) -> bool {
        self != Self::Stream
    }
}

/// Another socket. Its number may have been given to a third one meanwhile, its serial never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Number.
    pub number: usize,
    /// Serial.
    pub serial: u64,
}

/// Who wants to connect.
#[derive(Debug, Default)]
pub struct Listener {
    /// How many may wait.
    pub backlog: usize,
    /// Sockets that are connected and were not accepted yet.
    pub pending: VecDeque<usize>,
    /// Sockets whose connecting waits for a place.
    pub blocked: Vec<usize>,
    /// Who listens.
    pub credentials: Credentials,
}

/// Where it stands.
#[derive(Debug)]
pub enum State {
    /// It leads nowhere.
    Idle,
    /// It takes connections.
    Listening(Listener),
    /// It is connected; a datagram socket knows whom it sends to.
    Connected(Peer),
    /// It was connected, and the other side is gone.
    Broken,
}

/// A request that waits and that something is to be remembered about.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// The request.
    pub id: Id,
    /// When it has waited long enough.
    pub deadline: Option<u64>,
    /// Bytes of it that are sent already.
    pub done: usize,
}

/// What was set with options.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes on their way from here.
    pub send_buffer: usize,
    /// Kept to be told.
    pub receive_buffer: usize,
    /// Nanoseconds that receiving waits; 0 for ever.
    pub receive_timeout: u64,
    /// Nanoseconds that sending waits; 0 for ever.
    pub send_timeout: u64,
    /// Whether the sender's credentials are wanted.
    pub pass_credentials: bool,
}

/// A socket.
pub struct Socket {
    /// Kind.
    pub kind: Kind,
    /// Number that is never given to another one.
    pub serial: u64,
    /// User in whose account it is.
    pub uid: u32,
    /// Whether its description is `O_NONBLOCK`: messages do not say it.
    pub nonblock: bool,
    /// Nobody receives here any more.
    pub receive_shut: bool,
    /// Nothing is sent from here any more.
    pub send_shut: bool,
    /// An error that the next call is to be told.
    pub error: i32,
    /// Where it stands.
    pub state: State,
    /// What waits to be received.
    pub received: Channel,
    /// Sockets that wanted to send here when there was no room.
    pub starved: Vec<usize>,
    /// Requests that wait.
    pub waits: Vec<Wait>,
    /// What was set.
    pub options: Options,
    /// Its name.
    pub name: Option<Name>,
    /// What stands for its name.
    pub token: Option<Token>,
    /// The other side's name.
    pub peer_name: Option<Name>,
    /// The listening socket that has not given it to anybody yet.
    pub listener: Option<usize>,
    /// Who made the other side.
    pub peer_credentials: Option<Credentials>,
    /// Descriptors that came to be sent from here, by ticket.
    pub staged: VecDeque<(u64, Box<Rights>)>,
    /// Descriptors that were received and not fetched yet, by ticket.
    pub taken: VecDeque<(u64, Box<Rights>)>,
    /// How often a descriptor of it is on its way.
    pub in_flight: usize,
}

impl Socket {
    /// A new one.
    pub fn new(kind: Kind, serial: u64, uid: u32, nonblock: bool) -> Self {
        let options = Options {
            send_buffer: SEND_BUFFER,
            receive_buffer: SEND_BUFFER,
            receive_timeout: 0,
            send_timeout: 0,
            pass_credentials: false,
        };
        Self {
            kind,
            serial,
            uid,
            nonblock,
            receive_shut: false,
            send_shut: false,
            error: 0,
            state: State::Idle,
            received: Channel::new(kind.has_packets()),
            starved: Vec::new(),
            waits: Vec::new(),
            options,
            name: None,
            token: None,
            peer_name: None,
            listener: None,
            peer_credentials: None,
            staged: VecDeque::new(),
            taken: VecDeque::new(),
            in_flight: 0,
        }
    }

    /// Whom it is connected with.
    pub fn peer(&self) -> Option<Peer> {
        match self.state {
            State::Connected(peer) => Some(peer),
            _ => None,
        }
    }
}
