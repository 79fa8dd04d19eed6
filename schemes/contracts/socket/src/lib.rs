//! The contract of sockets: what libc and a daemon that serves sockets say to each other, beside opening, reading, writing and
//! closing. docs/ipc.md tells it in words.
//!
//! A message is a `SYS_CALL` on a socket. Its first word is made by [`word`] of a [`Verb`] and flags, its second is the verb's own.
#![no_std]
#![forbid(unsafe_code)]

/// What is asked of a socket. The first ones have the numbers of `libredox::protocol::SocketCall`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verb {
    /// Gives it a name. The payload is room for a [`Token`], and behind it the name.
    Bind = 0,
    /// Connects. The payload is the [`Token`] of the other side; empty to forget it (datagrams).
    Connect = 1,
    /// Sets an option. The second word is the [`option`], the payload its value (8 bytes).
    SetOption = 2,
    /// Answers the value of an option. The second word is the [`option`].
    GetOption = 3,
    /// Sends. The flags are [`flags`], the second word is the ticket of descriptors that were sent before, or 0. The payload is
    /// the [`Token`] of whom it is for, zero for whom the socket is connected with, and behind it the bytes.
    Send = 4,
    /// Receives. The flags are [`flags`], the second word is how many descriptors are wanted at most. The payload is room for
    /// a [`Received`] and the bytes. The answer is the number of bytes.
    Receive = 5,
    /// Takes the name away.
    Unbind = 6,
    /// The payload is room for the [`Token`].
    GetToken = 7,
    /// The payload is room for the name of the other side; answers its length, which may be more.
    GetPeerName = 8,
    /// The second word is what is not wanted any more: 0 receiving, 1 sending, 2 both.
    Shutdown = 9,
    /// Accepts connections; the second word is how many may wait.
    Listen = 64,
    /// The payload is room for the socket's own name; answers its length, which may be more.
    GetName = 65,
    /// The payload is room for the [`Credentials`] of the other side.
    GetPeerCredentials = 66,
    /// The descriptors with the ticket in the second word will not be sent after all.
    Forget = 67,
}

/// Marks a word as one of this contract: other objects, whose verbs have other meanings, do not know it.
const MARK: u64 = 0x736b74 << 8;
const MARK_BITS: u64 = 0xff_ffff << 8;

/// The first word of a message.
pub const fn word(verb: Verb, flags: u32) -> u64 {
    verb as u64 | MARK | (flags as u64) << 32
}

/// Takes a first word apart; `None` when it is not of this contract.
pub fn parse(word: u64) -> core::option::Option<(Verb, u32)> {
    use Verb::*;
    const ALL: [Verb; 14] = [
        Bind,
        Connect,
        SetOption,
        GetOption,
        Send,
        Receive,
        Unbind,
        GetToken,
        GetPeerName,
        Shutdown,
        Listen,
        GetName,
        GetPeerCredentials,
        Forget,
    ];
    let verb = ALL.into_iter().find(|&verb| verb as u64 == word & 0xff)?;
    (word & MARK_BITS == MARK).then_some((verb, (word >> 32) as u32))
}

/// Flags of [`Verb::Send`] and [`Verb::Receive`], and of what was received. The numbers are C's.
pub mod flags {
    /// Leave what is received where it is.
    pub const PEEK: u32 = 2;
    /// Descriptors came that there was no room for.
    pub const CONTROL_CUT: u32 = 8;
    /// The message was longer than the room. Asked for: answer its whole length.
    pub const CUT: u32 = 32;
    /// Do not wait.
    pub const DONT_WAIT: u32 = 64;
    /// Of what was received: the program wants to know who sent it.
    pub const CREDENTIALS: u32 = 1 << 31;
}

/// Between libc and a file system that keeps the names of sockets. A name is made by opening with `O_CREAT | O_EXCL | O_WRONLY`
/// and the type `MODE_SOCK`, and writing the [`Token`] to it.
pub mod file {
    /// First word of a message on an open name: the payload is room for the [`super::Token`]. It needs permission to write.
    pub const CONNECT: u64 = 0x736b74 << 8 | 0xff;
}

/// Options of a socket. The numbers are those of `SO_*`, those from 256 on are libc's and the daemon's own.
pub mod option {
    /// Kind of socket, as in C.
    pub const KIND: u64 = 3;
    /// An error that was not told yet; asking takes it.
    pub const ERROR: u64 = 4;
    /// Bytes that may be on their way from this socket.
    pub const SEND_BUFFER: u64 = 7;
    /// Bytes that the program would like to have room for.
    pub const RECEIVE_BUFFER: u64 = 8;
    /// Whether the sender's credentials are wanted.
    pub const PASS_CREDENTIALS: u64 = 16;
    /// Nanoseconds that receiving waits; 0 for ever.
    pub const RECEIVE_TIMEOUT: u64 = 20;
    /// Nanoseconds that sending waits; 0 for ever.
    pub const SEND_TIMEOUT: u64 = 21;
    /// Whether it accepts connections.
    pub const LISTENS: u64 = 30;
    /// Bytes that can be received at once.
    pub const PENDING: u64 = 256;
    /// What `poll` tells beside readiness: bits of [`super::state`].
    pub const STATE: u64 = 257;
}

/// What `poll` tells beside readiness.
pub mod state {
    /// There is an error to be asked for.
    pub const ERROR: u64 = 1;
    /// The other side sends nothing more.
    pub const READ_END: u64 = 2;
    /// Nothing goes either way any more.
    pub const HANG_UP: u64 = 4;
}

/// Longest name of a socket: that of C's structure.
pub const NAME_MAX: usize = 108;
/// Bytes of a [`Token`].
pub const TOKEN: usize = 16;

/// What stands for a socket that has a name: nobody can guess it, and who has it may send there. A file system keeps it
/// behind the name, and tells it to who may write there.
pub type Token = [u8; TOKEN];

/// Who somebody is, as the kernel tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Process.
    pub pid: u32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Credentials {
    /// Bytes on the way.
    pub const LEN: usize = 12;

    /// As bytes.
    pub fn encode(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        for (to, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip([self.pid, self.uid, self.gid]) {
            *to = word.to_ne_bytes();
        }
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Self {
        let word = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u32::from_ne_bytes(*word));
        Self { pid: word(0), uid: word(4), gid: word(8) }
    }
}

/// What stands before the bytes that were received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Length of the whole message, of which the room may have taken less.
    pub length: u64,
    /// Where the descriptors are to be asked for (first word of receiving descriptors); 0 for none.
    pub ticket: u64,
    /// How many descriptors.
    pub descriptors: u32,
    /// [`flags`].
    pub flags: u32,
    /// Who sent it.
    pub sender: Credentials,
    /// Length of the sender's name.
    pub name_len: u32,
    /// The sender's name.
    pub name: [u8; NAME_MAX],
}

impl Default for Received {
    fn default() -> Self {
        let sender = Credentials::default();
        Self { length: 0, ticket: 0, descriptors: 0, flags: 0, sender, name_len: 0, name: [0; NAME_MAX] }
    }
}

impl Received {
    /// Bytes on the way.
    pub const LEN: usize = 8 + 8 + 4 + 4 + Credentials::LEN + 4 + NAME_MAX;

    /// As bytes.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.length.to_ne_bytes());
        bytes[8..16].copy_from_slice(&self.ticket.to_ne_bytes());
        bytes[16..20].copy_from_slice(&self.descriptors.to_ne_bytes());
        bytes[20..24].copy_from_slice(&self.flags.to_ne_bytes());
        bytes[24..36].copy_from_slice(&self.sender.encode());
        bytes[36..40].copy_from_slice(&self.name_len.to_ne_bytes());
        bytes[40..].copy_from_slice(&self.name);
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Self {
        let long = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u64::from_ne_bytes(*word));
        let short = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u32::from_ne_bytes(*word));
        let mut name = [0; NAME_MAX];
        name.copy_from_slice(&bytes[40..]);
        Self {
            length: long(0),
            ticket: long(8),
            descriptors: short(16),
            flags: short(20),
            sender: bytes[24..].first_chunk().map(Credentials::decode).unwrap_or_default(),
            name_len: short(36),
            name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_there_and_back() {
        assert_eq!(parse(word(Verb::Receive, flags::PEEK)), Some((Verb::Receive, 2)));
        assert_eq!(parse(word(Verb::Forget, u32::MAX)), Some((Verb::Forget, u32::MAX)));
        // Bare numbers, as other objects have them.
        assert!((0..=u16::MAX.into()).all(|word| parse(word).is_none()));
        assert_eq!(parse(word(Verb::Bind, 0) | 0x3f), None);
    }

    #[test]
    fn what_is_received_goes_there_and_back() {
        let mut received = Received {
            length: 1 << 40,
            ticket: 7,
            descriptors: 3,
            flags: flags::CUT,
            sender: Credentials { pid: 1, uid: 2, gid: u32::MAX },
            name_len: 2,
            ..Received::default()
        };
        received.name[..2].copy_from_slice(b"/a");
        assert_eq!(Received::decode(&received.encode()), received);
    }
}
