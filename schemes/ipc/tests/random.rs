//! Random operations on pairs of sockets, compared with a model that is simple enough to be right.

mod common;

use std::collections::{BTreeSet, VecDeque};

use common::Host;
use ipc::channel::MESSAGE_COST;
use ipc::socket::SEND_BUFFER;
use ochre_socket::{Verb, flags};
use scheme_server::fake::NO_OFFSET;
use scheme_server::syscall::error::{EAGAIN, ECONNRESET, EMSGSIZE, EPIPE};
use scheme_server::syscall::flag::O_NONBLOCK;

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

/// A message, or what was sent to a stream at once.
struct Message {
    bytes: VecDeque<u8>,
    fds: Vec<usize>,
}

/// One end: what waits there, and what was ended.
#[derive(Default)]
struct End {
    id: usize,
    waits: VecDeque<Message>,
    sends: bool,
    receives: bool,
    open: bool,
    /// The other end was closed before it had received everything.
    reset: bool,
}

struct Model {
    packets: bool,
    ends: [End; 2],
}

impl Model {
    fn used(&self, end: usize) -> usize {
        let waits = &self.ends[end].waits;
        let bytes: usize = waits.iter().map(|message| message.bytes.len()).sum();
        bytes + if self.packets { waits.len() * MESSAGE_COST } else { 0 }
    }

    /// What sending so many bytes answers, and whether it would be refused.
    fn send(&mut self, from: usize, bytes: &[u8], fds: &[usize]) -> Result<usize, i32> {
        let to = 1 - from;
        if !self.ends[from].sends || !self.ends[to].open || !self.ends[to].receives {
            return Err(EPIPE);
        }
        let room = SEND_BUFFER.saturating_sub(self.used(to));
        let count = if self.packets {
            match bytes.len() + MESSAGE_COST {
                cost if cost > SEND_BUFFER => return Err(EMSGSIZE),
                cost if cost > room => return Err(EAGAIN),
                _ => bytes.len(),
            }
        } else {
            match bytes.len().min(room) {
                0 if !bytes.is_empty() => return Err(EAGAIN),
                count => count,
            }
        };
        if count > 0 || self.packets {
            self.ends[to]
                .waits
                .push_back(Message { bytes: bytes[..count].iter().copied().collect(), fds: fds.to_vec() });
        }
        Ok(count)
    }

    /// What receiving gives.
    fn receive(&mut self, at: usize, room: usize) -> Result<(Vec<u8>, Vec<usize>), i32> {
        let other = &self.ends[1 - at];
        let over = !self.ends[at].receives || !other.sends || !other.open;
        let End { waits, reset, .. } = &mut self.ends[at];
        let Some(first) = waits.front_mut() else {
            if std::mem::take(reset) {
                return Err(ECONNRESET);
            }
            return if over { Ok(Default::default()) } else { Err(EAGAIN) };
        };
        if self.packets {
            let message = waits.pop_front().unwrap();
            return Ok((message.bytes.into_iter().take(room).collect(), message.fds));
        }
        if room == 0 {
            return Ok(Default::default());
        }
        let fds = std::mem::take(&mut first.fds);
        let mut bytes = Vec::new();
        while let Some(message) = waits.front_mut() {
            if bytes.len() == room || (!bytes.is_empty() && !message.fds.is_empty()) {
                break;
            }
            let count = message.bytes.len().min(room - bytes.len());
            bytes.extend(message.bytes.drain(..count));
            if message.bytes.is_empty() {
                waits.pop_front();
            }
            if !fds.is_empty() {
                break;
            }
        }
        Ok((bytes, fds))
    }
}

/// All descriptors that were made up, and what became of them.
#[derive(Default)]
struct Descriptors {
    made: usize,
    got: BTreeSet<usize>,
}

fn step(host: &mut Host, model: &mut Model, random: &mut Random, descriptors: &mut Descriptors) {
    let at = random.below(2);
    if !model.ends[at].open {
        return;
    }
    let id = model.ends[at].id;
    match random.below(40) {
        0..14 => {
            let len = [0, 1, 3, 100, 5000, 40_000][random.below(6)];
            let bytes: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
            let fds: Vec<usize> =
                (0..[0, 0, 0, 1, 3][random.below(5)]).map(|index| 1000 + descriptors.made + index).collect();
            descriptors.made += fds.len();
            let ticket = if fds.is_empty() { 0 } else { host.kernel.send_descriptors(id, &fds, 0).unwrap() };
            let sent = host.send(id, &bytes, ticket).map_err(|error| error.errno);
            assert_eq!(sent, model.send(at, &bytes, &fds));
            if ticket != 0 && (sent.is_err() || (sent == Ok(0) && !model.packets)) {
                host.tell(id, Verb::Forget, ticket as u64).unwrap();
            }
        }
        14..18 => {
            let bytes = vec![9; random.below(3000)];
            let sent = host.kernel.write(id, &bytes, NO_OFFSET, O_NONBLOCK).map_err(|error| error.errno);
            assert_eq!(sent, model.send(at, &bytes, &[]));
        }
        18..34 => {
            let room = [0, 1, 7, 4000, 50_000][random.below(5)];
            let got = host.receive(id, room, 64, 0);
            let expected = model.receive(at, room);
            let Ok((bytes, received)) = got else {
                return assert_eq!(got.unwrap_err().errno, expected.unwrap_err());
            };
            let fds = match received.descriptors as usize {
                0 => Vec::new(),
                count => host.kernel.receive_descriptors(id, count, [received.ticket, 0]).unwrap(),
            };
            assert_eq!(received.flags & flags::CONTROL_CUT, 0);
            descriptors.got.extend(&fds);
            assert_eq!((bytes, fds), expected.unwrap());
        }
        34..38 if !model.ends[at].reset => {
            let before = host.receive(id, 50, 64, flags::PEEK).map(|got| got.0).map_err(|error| error.errno);
            let again = host.receive(id, 50, 64, flags::PEEK).map(|got| got.0).map_err(|error| error.errno);
            assert_eq!(before, again);
        }
        38 if random.below(4) == 0 => {
            let what = random.below(3);
            let result = host.tell(id, Verb::Shutdown, what as u64);
            if result.is_ok() {
                model.ends[at].receives &= what == 1;
                model.ends[at].sends &= what == 0;
            } else {
                assert!(!model.ends[1 - at].open);
            }
        }
        39 if random.below(8) == 0 => {
            host.kernel.close(id);
            model.ends[at].open = false;
            model.ends[1 - at].reset |= !model.ends[at].waits.is_empty();
            model.ends[at].waits.clear();
        }
        _ => {}
    }
}

fn run(kind: &str, seed: u64) {
    let (mut host, mut random, mut descriptors) = (Host::new(), Random(seed), Descriptors::default());
    let mut models: Vec<Model> = Vec::new();
    for _ in 0..1500 {
        if models.len() < 3 {
            let ends = host.pair(kind).map(|id| End { id, sends: true, receives: true, open: true, ..End::default() });
            models.push(Model { packets: kind != "stream", ends });
        }
        let index = random.below(models.len());
        step(&mut host, &mut models[index], &mut random, &mut descriptors);
        models.retain(|model| model.ends.iter().any(|end| end.open));
    }
    for end in models.iter().flat_map(|model| &model.ends).filter(|end| end.open) {
        host.kernel.close(end.id);
    }
    host.assert_empty();
    // Each descriptor has arrived or was closed, and never both.
    let closed: BTreeSet<usize> = host.machine().closed.iter().copied().collect();
    assert!(closed.is_disjoint(&descriptors.got));
    assert_eq!(closed.len() + descriptors.got.len(), descriptors.made);
}

#[test]
fn streams_are_as_the_model_says() {
    (1..5).for_each(|seed| run("stream", seed));
}

#[test]
fn packets_are_as_the_model_says() {
    (1..5).for_each(|seed| run("seqpacket", seed));
}
