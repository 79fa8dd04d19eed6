//! What waits to be received by one socket: bytes, who sent them, and the descriptors that came along.

use std::collections::VecDeque;
use std::rc::Rc;

use ochre_socket::Credentials;

use crate::ring::Ring;

/// What a message costs beside its bytes, so that empty ones are not free.
pub const MESSAGE_COST: usize = 64;
/// Most stretches of a stream with different senders or descriptors.
const STRETCHES: usize = 1024;

/// A name of a socket.
pub type Name = Rc<[u8]>;

/// Descriptors on their way.
#[derive(Debug, PartialEq, Eq)]
pub struct Rights {
    /// Their numbers in the daemon.
    pub fds: Vec<usize>,
    /// Those of them that are sockets of this daemon, by number.
    pub sockets: Vec<usize>,
    /// User in whose account they are.
    pub uid: u32,
}

/// A message, or a stretch of a stream, with one sender. Descriptors come with its first byte.
struct Segment {
    len: usize,
    sender: Credentials,
    name: Option<Name>,
    rights: Option<Box<Rights>>,
}

/// What was received beside the bytes.
#[derive(Debug, Default)]
pub struct Taken {
    /// Bytes that were copied.
    pub count: usize,
    /// Length of the whole message; of a stream what was copied.
    pub length: usize,
    /// Who sent it.
    pub sender: Credentials,
    /// The sender's name.
    pub name: Option<Name>,
    /// Descriptors.
    pub rights: Option<Box<Rights>>,
}

/// What goes in beside the bytes.
#[derive(Default)]
pub struct Envelope {
    /// Who sends it.
    pub sender: Credentials,
    /// The sender's name.
    pub name: Option<Name>,
    /// Descriptors.
    pub rights: Option<Box<Rights>>,
}

/// How to receive.
#[derive(Clone, Copy, Default)]
pub struct How {
    /// Leave everything where it is; descriptors are not looked at.
    pub peek: bool,
    /// Do not put bytes of different senders together.
    pub one_sender: bool,
}

/// A queue of messages, or a stream.
pub struct Channel {
    bytes: Ring,
    segments: VecDeque<Segment>,
    /// Segments that have descriptors.
    with_rights: usize,
    packets: bool,
}

impl Channel {
    /// An empty one. `packets`: messages stay apart.
    pub fn new(packets: bool) -> Self {
        Self { bytes: Ring::default(), segments: VecDeque::new(), with_rights: 0, packets }
    }

    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// What counts against the limit.
    #[inline]
    pub fn used(&self) -> usize {
        self.bytes.len() + if self.packets { self.segments.len() * MESSAGE_COST } else { 0 }
    }

    /// Bytes that one call can receive.
    pub fn pending(&self) -> usize {
        if self.packets { self.segments.front().map_or(0, |segment| segment.len) } else { self.bytes.len() }
    }

    /// Whether descriptors wait here.
    pub fn has_rights(&self) -> bool {
        self.with_rights > 0
    }

    /// Memory that the bytes lie in.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// The memory that would be needed for so many bytes more.
    #[inline]
    pub fn memory_for(&self, more: usize) -> usize {
        let len = self.bytes.len() + more;
        if len <= self.bytes.capacity() { self.bytes.capacity() } else { Ring::capacity_for(len) }
    }

    /// Gets the memory that [`Channel::memory_for`] told; `false` when there is none.
    pub fn grow(&mut self, memory: usize) -> bool {
        self.bytes.grow(memory)
    }

    /// Whether a stream takes something from this sender in a stretch of its own.
    #[inline]
    pub fn takes_stretch(&self) -> bool {
        self.packets || self.segments.len() < STRETCHES
    }

    /// Puts a message, or more of the stream, in. The memory must be there.
    #[inline]
    pub fn push(&mut self, bytes: &[u8], envelope: Envelope) {
        self.bytes.push(bytes);
        let Envelope { sender, name, rights } = envelope;
        if !self.packets
            && rights.is_none()
            && let Some(last) = self.segments.back_mut()
            && last.sender == sender
            && last.rights.is_none()
        {
            last.len += bytes.len();
            return;
        }
        self.with_rights += usize::from(rights.is_some());
        self.segments.push_back(Segment { len: bytes.len(), sender, name, rights });
    }

    /// Receives. None when nothing waits.
    #[inline]
    pub fn take(&mut self, to: &mut [u8], how: How) -> Option<Taken> {
        if self.packets {
            return self.take_packet(to, how.peek);
        }
        let first = self.segments.front_mut()?;
        if how.peek {
            return Some(self.peek_stream(to, how.one_sender));
        }
        if to.is_empty() {
            return Some(Taken::default());
        }
        let mut taken = Taken { sender: first.sender, name: None, rights: first.rights.take(), ..Taken::default() };
        let alone = taken.rights.is_some();
        self.with_rights -= usize::from(alone);
        while let Some(segment) = self.segments.front_mut() {
            let count = segment.len.min(to.len() - taken.count);
            let other = segment.rights.is_some() || (how.one_sender && segment.sender != taken.sender);
            if count == 0 || (other && taken.count > 0) {
                break;
            }
            taken.count += count;
            segment.len -= count;
            if segment.len > 0 {
                break;
            }
            self.segments.pop_front();
            if alone {
                break;
            }
        }
        self.bytes.copy_to(&mut to[..taken.count]);
        self.bytes.skip(taken.count);
        taken.length = taken.count;
        Some(taken)
    }

    fn peek_stream(&self, to: &mut [u8], one_sender: bool) -> Taken {
        let mut taken = Taken::default();
        for (index, segment) in self.segments.iter().enumerate() {
            if index == 0 {
                taken.sender = segment.sender;
            } else if segment.rights.is_some() || (one_sender && segment.sender != taken.sender) {
                break;
            }
            taken.count = (taken.count + segment.len).min(to.len());
            if segment.rights.is_some() {
                break;
            }
        }
        self.bytes.copy_to(&mut to[..taken.count]);
        taken.length = taken.count;
        taken
    }

    fn take_packet(&mut self, to: &mut [u8], peek: bool) -> Option<Taken> {
        let first = self.segments.front_mut()?;
        let (length, sender) = (first.len, first.sender);
        let count = length.min(to.len());
        self.bytes.copy_to(&mut to[..count]);
        let mut taken = Taken { count, length, sender, name: first.name.clone(), rights: None };
        if !peek {
            taken.rights = first.rights.take();
            self.with_rights -= usize::from(taken.rights.is_some());
            self.segments.pop_front();
            self.bytes.skip(length);
        }
        Some(taken)
    }

    /// Takes out all descriptors that wait here.
    pub fn drain_rights(&mut self) -> Vec<Box<Rights>> {
        self.with_rights = 0;
        self.segments.iter_mut().filter_map(|segment| segment.rights.take()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pid: u32) -> Envelope {
        Envelope { sender: Credentials { pid, uid: 0, gid: 0 }, ..Envelope::default() }
    }

    fn with(fd: usize) -> Envelope {
        Envelope { rights: Some(Box::new(Rights { fds: vec![fd], sockets: Vec::new(), uid: 0 })), ..from(1) }
    }

    fn channel(packets: bool, messages: Vec<(&[u8], Envelope)>) -> Channel {
        let mut channel = Channel::new(packets);
        for (bytes, envelope) in messages {
            let memory = channel.memory_for(bytes.len());
            if memory > channel.memory() {
                assert!(channel.grow(memory));
            }
            channel.push(bytes, envelope);
        }
        channel
    }

    fn take(channel: &mut Channel, room: usize, how: How) -> Option<(Vec<u8>, Option<usize>)> {
        let mut to = vec![0; room];
        let taken = channel.take(&mut to, how)?;
        to.truncate(taken.count);
        Some((to, taken.rights.map(|rights| rights.fds[0])))
    }

    const PLAIN: How = How { peek: false, one_sender: false };

    #[test]
    fn a_stream_has_no_borders() {
        let mut stream = channel(false, vec![(b"abc", from(1)), (b"def", from(1)), (b"ghi", from(2))]);
        assert_eq!((stream.pending(), stream.used(), stream.segments.len()), (9, 9, 2));
        assert_eq!(take(&mut stream, 4, PLAIN), Some((b"abcd".to_vec(), None)));
        assert_eq!(take(&mut stream, 99, PLAIN), Some((b"efghi".to_vec(), None)));
        assert_eq!(take(&mut stream, 99, PLAIN), None);
    }

    #[test]
    fn senders_are_told_apart_when_asked_for() {
        let how = How { one_sender: true, ..PLAIN };
        let mut stream = channel(false, vec![(b"abc", from(1)), (b"def", from(2))]);
        assert_eq!(take(&mut stream, 99, How { peek: true, ..how }), Some((b"abc".to_vec(), None)));
        assert_eq!(take(&mut stream, 99, how), Some((b"abc".to_vec(), None)));
        assert_eq!(take(&mut stream, 99, how), Some((b"def".to_vec(), None)));
    }

    #[test]
    fn descriptors_come_with_their_bytes() {
        let messages = || vec![(&b"ab"[..], from(1)), (b"cd", with(7)), (b"ef", with(8)), (b"gh", from(1))];
        let mut stream = channel(false, messages());
        assert!(stream.has_rights());
        // What is before them comes alone, and so does what they come with.
        assert_eq!(take(&mut stream, 99, How { peek: true, ..PLAIN }), Some((b"ab".to_vec(), None)));
        assert_eq!(take(&mut stream, 99, PLAIN), Some((b"ab".to_vec(), None)));
        assert_eq!(take(&mut stream, 1, PLAIN), Some((b"c".to_vec(), Some(7))));
        assert_eq!(take(&mut stream, 99, PLAIN), Some((b"d".to_vec(), None)));
        assert_eq!(take(&mut stream, 99, How { peek: true, ..PLAIN }), Some((b"ef".to_vec(), None)));
        assert_eq!(take(&mut stream, 99, PLAIN), Some((b"ef".to_vec(), Some(8))));
        assert_eq!(take(&mut stream, 99, PLAIN), Some((b"gh".to_vec(), None)));
        assert!(stream.is_empty() && !stream.has_rights());

        let mut stream = channel(false, messages());
        let left: Vec<_> = stream.drain_rights().into_iter().map(|rights| rights.fds[0]).collect();
        assert_eq!(left, [7, 8]);
    }

    #[test]
    fn packets_stay_apart() {
        let mut packets = channel(true, vec![(b"abc", from(1)), (b"", from(1)), (b"de", with(3))]);
        assert_eq!((packets.pending(), packets.used()), (3, 5 + 3 * MESSAGE_COST));
        let mut to = [0; 2];
        let taken = packets.take(&mut to, How { peek: true, ..PLAIN }).unwrap();
        assert_eq!((taken.count, taken.length, &to), (2, 3, b"ab"));
        assert_eq!(take(&mut packets, 1, PLAIN), Some((b"a".to_vec(), None)));
        assert_eq!(take(&mut packets, 9, PLAIN), Some((vec![], None)));
        assert_eq!(take(&mut packets, 9, PLAIN), Some((b"de".to_vec(), Some(3))));
        assert_eq!(take(&mut packets, 9, PLAIN), None);
    }
}
