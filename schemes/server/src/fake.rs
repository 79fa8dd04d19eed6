//! A stand-in for the kernel: clients of a scheme in a host test.
//!
//! [`Kernel`] has the scheme and the real [`Server`]; its methods make the requests that the kernel would make of a
//! client's calls. A request whose payload the daemon may use later (it waits) keeps it until it is answered.

use std::collections::{BTreeMap, VecDeque};

use redox_scheme::{RecvFdRequest, Request, Response, SendFdRequest};
use syscall::data::{Stat, StatVfs};
use syscall::error::{EAGAIN, EIO, Error, Result};
use syscall::flag::{EventFlags, MapFlags, StdFsCallKind};
use syscall::schemev2::{Cqe, CqeOpcode, NewFdFlags, Opcode, Sqe, SqeFlags};

use crate::{After, Link, Scheme, Server, raw};

/// Largest error number in an answer.
const MAX_ERROR: u64 = 4095;
/// Offset of a read or write on something that has no position.
pub const NO_OFFSET: u64 = u64::MAX;

/// Both ends of a socket.
#[derive(Default)]
pub struct Wire {
    incoming: VecDeque<Request>,
    /// What the daemon has answered, the oldest first.
    pub outgoing: VecDeque<Cqe>,
    /// No requests will come when those that are there are served.
    pub closing: bool,
    /// The next wait after an answer is interrupted.
    pub interrupted: bool,
    /// Descriptors that come with the next message.
    pub offered: Vec<usize>,
    /// Descriptors that the daemon has given.
    pub passed: Vec<usize>,
    /// Descriptors that have gone with answers.
    pub carried: Vec<usize>,
}

impl Link for Wire {
    fn next(&mut self) -> Result<Option<Request>> {
        match self.incoming.pop_front() {
            Some(request) => Ok(Some(request)),
            None if self.closing => Ok(None),
            None => Err(Error::new(EAGAIN)),
        }
    }

    fn answer(&mut self, response: Response) -> Result<()> {
        self.carried.extend(raw::carried(&response));
        self.outgoing.push_back(raw::completion(response));
        Ok(())
    }

    fn answer_and_next(&mut self, response: Response, carries: Option<usize>) -> Result<Option<Request>> {
        self.outgoing.push_back(raw::completion(response));
        self.carried.extend(carries);
        if core::mem::take(&mut self.interrupted) {
            return Ok(None);
        }
        match self.next() {
            Err(error) if error.errno == EAGAIN => Ok(None),
            next => next,
        }
    }

    fn obtain(&mut self, _request: &SendFdRequest, fds: &mut [usize]) -> Result<()> {
        let offered = core::mem::take(&mut self.offered);
        let same = offered.len() == fds.len();
        fds.iter_mut().zip(offered).for_each(|(to, from)| *to = from);
        if same { Ok(()) } else { Err(Error::new(EIO)) }
    }

    fn pass(&mut self, _request: &RecvFdRequest, fds: &[usize]) -> Result<()> {
        self.passed.extend(fds);
        Ok(())
    }
}

/// What a client got by opening or duplicating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// A number of the scheme.
    Number(usize, NewFdFlags),
    /// A descriptor of the daemon.
    Descriptor(usize),
}

impl Opened {
    /// The number of the scheme. Panics for a descriptor.
    #[track_caller]
    pub fn number(self) -> usize {
        match self {
            Self::Number(number, _) => number,
            Self::Descriptor(fd) => panic!("descriptor {fd} instead of a number"),
        }
    }
}

/// An answer, with the payload as the daemon left it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The answer itself.
    pub completion: Cqe,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Answer {
    /// The number or error.
    pub fn result(&self) -> Result<usize> {
        let raw = self.completion.result;
        if raw > u64::MAX - MAX_ERROR { Err(Error::new(raw.wrapping_neg() as i32)) } else { Ok(raw as usize) }
    }

    fn opened(&self) -> Result<Opened> {
        let number = self.result()?;
        Ok(match CqeOpcode::try_from_raw(self.completion.flags) {
            Some(CqeOpcode::RespondWithFd) => Opened::Descriptor(number),
            _ => Opened::Number(number, NewFdFlags::from_bits_retain(self.completion.extra_raw[0])),
        })
    }
}

/// Memory of a payload: words, so that it is aligned as the kernel's is.
struct Payload {
    words: Vec<u64>,
    len: usize,
}

impl Payload {
    fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks(8)) {
            let mut padded = [0; 8];
            padded[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_ne_bytes(padded);
        }
        Self { words, len: bytes.len() }
    }

    fn address(&mut self) -> u64 {
        // The kernel's place for an empty payload.
        if self.len == 0 { 1 << 63 } else { self.words.as_mut_ptr().expose_provenance() as u64 }
    }

    fn bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_ne_bytes()).take(self.len).collect()
    }
}

/// The kernel and its clients, and the daemon they talk to.
pub struct Kernel<S> {
    /// The daemon's loop.
    pub server: Server<Wire>,
    /// The daemon's scheme.
    pub scheme: S,
    /// User of the client.
    pub uid: u32,
    /// Group of the client.
    pub gid: u32,
    /// Process of the client.
    pub pid: usize,
    tag: u32,
    payloads: BTreeMap<u32, Payload>,
    answers: BTreeMap<u32, Answer>,
    /// Events that the daemon has told: number and flags.
    pub events: Vec<(usize, EventFlags)>,
}

impl<S: Scheme> Kernel<S> {
    /// A machine with this daemon. The client is a process of the superuser.
    pub fn new(scheme: S) -> Self {
        Self {
            server: Server::new(Wire::default()),
            scheme,
            uid: 0,
            gid: 0,
            pid: 1,
            tag: 0,
            payloads: BTreeMap::new(),
            answers: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// Does something as another user.
    pub fn as_user<T>(&mut self, uid: u32, gid: u32, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = (self.uid, self.gid);
        (self.uid, self.gid) = (uid, gid);
        let result = act(self);
        (self.uid, self.gid) = before;
        result
    }

    /// Puts a request into the daemon's queue; answers its tag. The payload's address and length go to the places that
    /// `payload` tells.
    pub fn submit(&mut self, mut sqe: Sqe, payload: Option<&[u8]>) -> u32 {
        self.tag += 1;
        sqe.tag = self.tag;
        sqe.caller = self.pid as u64;
        if let Some(bytes) = payload {
            let mut payload = Payload::new(bytes);
            (sqe.args[1], sqe.args[2]) = (payload.address(), bytes.len() as u64);
            self.payloads.insert(self.tag, payload);
        }
        self.server.link().incoming.push_back(raw::request(sqe));
        self.tag
    }

    /// Lets the daemon work until it has nothing to do.
    pub fn settle(&mut self) {
        self.server.settle(&mut self.scheme).expect("the fake socket has no errors");
        let after = self.server.drain(&mut self.scheme).expect("the fake socket has no errors");
        assert_eq!(after == After::Closed, self.server.link().closing);
        self.collect();
    }

    /// Lets the daemon run its own loop until the socket is closed.
    pub fn run(&mut self) -> Result<()> {
        self.server.link().closing = true;
        self.server.run(&mut self.scheme)?;
        self.collect();
        Ok(())
    }

    fn collect(&mut self) {
        while let Some(completion) = self.server.link().outgoing.pop_front() {
            if completion.flags == CqeOpcode::SendFevent as u8 {
                let flags = EventFlags::from_bits_retain(completion.tag as usize);
                self.events.push((completion.result as usize, flags));
                continue;
            }
            let payload = self.payloads.remove(&completion.tag).map(|payload| payload.bytes()).unwrap_or_default();
            let doubled = self.answers.insert(completion.tag, Answer { completion, payload });
            assert!(doubled.is_none(), "two answers to one request");
        }
    }

    /// The answer to a request, if it is there.
    pub fn answer(&mut self, tag: u32) -> Option<Answer> {
        self.answers.remove(&tag)
    }

    /// A request and its answer. Panics when the request is left waiting.
    #[track_caller]
    pub fn exchange(&mut self, sqe: Sqe, payload: Option<&[u8]>) -> Answer {
        let tag = self.submit(sqe, payload);
        self.settle();
        self.answer(tag).expect("the request waits")
    }

    /// An entry with the client's credentials.
    pub fn sqe(&self, opcode: Opcode, args: [u64; 5]) -> Sqe {
        let [a, b, c, d, e] = args;
        let credentials = u64::from(self.uid) | u64::from(self.gid) << 32;
        Sqe { opcode: opcode as u8, args: [a, b, c, d, e, credentials], ..Sqe::default() }
    }

    fn simple(&mut self, opcode: Opcode, args: [u64; 5]) -> Result<usize> {
        let sqe = self.sqe(opcode, args);
        self.exchange(sqe, None).result()
    }

    fn with_bytes(&mut self, opcode: Opcode, id: usize, bytes: &[u8], rest: [u64; 2]) -> Answer {
        let sqe = self.sqe(opcode, [id as u64, 0, 0, rest[0], rest[1]]);
        self.exchange(sqe, Some(bytes))
    }

    /// Opens relative to a number.
    pub fn openat(&mut self, dir: usize, path: &str, flags: usize) -> Result<Opened> {
        let status = (flags & syscall::O_FCNTL_MASK) as u64;
        self.with_bytes(Opcode::OpenAt, dir, path.as_bytes(), [flags as u64, status]).opened()
    }

    /// Duplicates a number with an argument.
    pub fn dup(&mut self, id: usize, argument: &[u8]) -> Result<Opened> {
        self.with_bytes(Opcode::Dup, id, argument, [0, 0]).opened()
    }

    /// Reads up to `len` bytes at an offset.
    pub fn read(&mut self, id: usize, len: usize, offset: u64) -> Result<Vec<u8>> {
        let mut answer = self.with_bytes(Opcode::Read, id, &vec![0xee; len], [offset, 0]);
        let count = answer.result()?;
        answer.payload.truncate(count);
        Ok(answer.payload)
    }

    /// Writes at an offset; `flags` are status flags.
    pub fn write(&mut self, id: usize, bytes: &[u8], offset: u64, flags: usize) -> Result<usize> {
        self.with_bytes(Opcode::Write, id, bytes, [offset, flags as u64]).result()
    }

    /// The attributes of a number.
    pub fn fstat(&mut self, id: usize) -> Result<Stat> {
        let answer = self.with_bytes(Opcode::Fstat, id, &[0; size_of::<Stat>()], [0, 0]);
        answer.result()?;
        let mut stat = Stat::default();
        stat.copy_from_slice(&answer.payload);
        Ok(stat)
    }

    /// The path of a number.
    pub fn fpath(&mut self, id: usize) -> Result<String> {
        let mut answer = self.with_bytes(Opcode::Fpath, id, &[0; 4096], [0, 0]);
        let count = answer.result()?;
        answer.payload.truncate(count);
        Ok(String::from_utf8(answer.payload).expect("paths are UTF-8"))
    }

    /// Length of what a number leads to.
    pub fn fsize(&mut self, id: usize) -> Result<usize> {
        self.simple(Opcode::Fsize, [id as u64, 0, 0, 0, 0])
    }

    /// `fcntl` of a number.
    pub fn fcntl(&mut self, id: usize, command: usize, argument: usize) -> Result<usize> {
        self.simple(Opcode::Fcntl, [id as u64, command as u64, argument as u64, 0, 0])
    }

    /// Changes the owner.
    pub fn fchown(&mut self, id: usize, uid: u32, gid: u32) -> Result<usize> {
        self.simple(Opcode::Fchown, [id as u64, uid.into(), gid.into(), 0, 0])
    }

    /// Writes to the medium.
    pub fn fsync(&mut self, id: usize) -> Result<usize> {
        self.simple(Opcode::Fsync, [id as u64, 0, 0, 0, 0])
    }

    /// Asks to be told of events; answers what is ready now.
    pub fn fevent(&mut self, id: usize, flags: EventFlags) -> Result<EventFlags> {
        self.simple(Opcode::Fevent, [id as u64, flags.bits() as u64, 0, 0, 0]).map(EventFlags::from_bits_retain)
    }

    /// Asks for memory to map; answers its address in the daemon.
    pub fn mmap(&mut self, id: usize, offset: u64, len: usize, flags: MapFlags) -> Result<usize> {
        self.simple(Opcode::MmapPrep, [id as u64, len as u64, flags.bits() as u64, offset, 0])
    }

    /// Tells that memory is not mapped any more.
    pub fn munmap(&mut self, id: usize, offset: u64, len: usize) -> Result<usize> {
        self.simple(Opcode::Munmap, [id as u64, len as u64, 0, offset, 0])
    }

    /// Removes a name.
    pub fn unlinkat(&mut self, dir: usize, path: &str, flags: usize) -> Result<usize> {
        self.with_bytes(Opcode::UnlinkAt, dir, path.as_bytes(), [flags as u64, 0]).result()
    }

    /// Renames what a number leads to.
    pub fn frename(&mut self, id: usize, path: &str) -> Result<usize> {
        self.with_bytes(Opcode::Frename, id, path.as_bytes(), [0, 0]).result()
    }

    /// Gives what a number leads to another name.
    pub fn flink(&mut self, id: usize, path: &str) -> Result<usize> {
        self.with_bytes(Opcode::Flink, id, path.as_bytes(), [0, 0]).result()
    }

    /// A message of the scheme's own.
    pub fn call(&mut self, id: usize, payload: &[u8], words: [u64; 2]) -> Answer {
        self.with_bytes(Opcode::Call, id, payload, words)
    }

    /// A standard call. The kernel leaves the third word to listings and locks, and has credentials there in all others.
    pub fn std_fs(&mut self, kind: StdFsCallKind, id: usize, payload: &[u8], words: [u64; 2]) -> Answer {
        let sqe = self.std_fs_entry(kind as u64, id, words);
        self.exchange(sqe, Some(payload))
    }

    /// The entry of a standard call; the lower eight bits of `kind` are a `StdFsCallKind`.
    pub fn std_fs_entry(&self, kind: u64, id: usize, words: [u64; 2]) -> Sqe {
        use StdFsCallKind::{GetLock, Getdents, Lock, Unlock};
        let mut sqe = self.sqe(Opcode::StdFsCall, [id as u64, 0, 0, kind, words[0]]);
        if [Getdents, Lock, Unlock, GetLock].iter().any(|&own| own as u64 == kind & 0xff) {
            sqe.args[5] = words[1];
        }
        sqe
    }

    /// A standard call on two numbers.
    pub fn std_fs_pair(&mut self, kind: StdFsCallKind, ids: [usize; 2], payload: &[u8], word: u32) -> Result<usize> {
        let words = [kind as u64 | u64::from(self.gid) << 32, u64::from(word) | u64::from(self.uid) << 32];
        let mut sqe = self.sqe(Opcode::StdFsCall, [ids[0] as u64, 0, 0, words[0], words[1]]);
        sqe.sqe_flags = SqeFlags::MULTIPLE_IDS;
        sqe.args[5] = ids[1] as u64;
        self.exchange(sqe, Some(payload)).result()
    }

    /// The attributes of what has a path, without opening it.
    pub fn stat_at(&mut self, dir: usize, path: &str, flags: usize) -> Result<Stat> {
        let payload = [&[0; size_of::<Stat>()], path.as_bytes()].concat();
        let sqe = self.std_fs_entry(crate::std_fs::STAT_AT.into(), dir, [flags as u64, 0]);
        let answer = self.exchange(sqe, Some(&payload));
        answer.result()?;
        let mut stat = Stat::default();
        stat.copy_from_slice(&answer.payload[..size_of::<Stat>()]);
        Ok(stat)
    }

    /// Space and use.
    pub fn fstatvfs(&mut self, id: usize) -> Result<StatVfs> {
        let answer = self.std_fs(StdFsCallKind::Fstatvfs, id, &[0; size_of::<StatVfs>()], [0, 0]);
        answer.result()?;
        let mut stat = StatVfs::default();
        stat.copy_from_slice(&answer.payload);
        Ok(stat)
    }

    /// Directory entries that fit into `room` bytes: inode, place of the next, kind and name of each.
    pub fn getdents(&mut self, id: usize, room: usize, from: u64) -> Result<Vec<Entry>> {
        let mut answer = self.std_fs(StdFsCallKind::Getdents, id, &vec![0xee; room], [from, HEADER as u64]);
        let count = answer.result()?;
        answer.payload.truncate(count);
        let mut rest = &answer.payload[..];
        let mut entries = Vec::new();
        while !rest.is_empty() {
            let len = usize::from(u16::from_ne_bytes([rest[16], rest[17]]));
            let record = &rest[..len];
            let word = |at: usize| u64::from_ne_bytes(*record[at..].first_chunk().expect("a header is there"));
            let name = record[HEADER..].split(|&byte| byte == 0).next().unwrap_or_default();
            entries.push(Entry {
                inode: word(0),
                next: word(8),
                kind: record[18],
                name: String::from_utf8(name.to_vec()).expect("names are UTF-8"),
            });
            rest = &rest[len..];
        }
        Ok(entries)
    }

    /// Sends descriptors.
    pub fn send_descriptors(&mut self, id: usize, fds: &[usize], word: u64) -> Result<usize> {
        self.server.link().offered = fds.to_vec();
        let sqe = self.sqe(Opcode::Sendfd, [id as u64, 0, word, fds.len() as u64, 0]);
        let result = self.exchange(sqe, None).result();
        // What was not taken is closed.
        self.server.link().offered.clear();
        result
    }

    /// Asks for descriptors.
    pub fn receive_descriptors(&mut self, id: usize, count: usize, words: [u64; 2]) -> Result<Vec<usize>> {
        let sqe = self.sqe(Opcode::Recvfd, [id as u64, 0, count as u64, words[0], words[1]]);
        self.exchange(sqe, None).result()?;
        Ok(core::mem::take(&mut self.server.link().passed))
    }

    /// The last descriptor of a number is closed.
    pub fn close(&mut self, id: usize) {
        self.notice(Opcode::CloseMsg, id, 0);
    }

    /// A process closes a descriptor of a number where a lock was given to it.
    pub fn detach(&mut self, id: usize, pid: usize) {
        self.notice(Opcode::Detach, id, pid);
    }

    fn notice(&mut self, opcode: Opcode, id: usize, pid: usize) {
        let before = core::mem::replace(&mut self.pid, pid);
        let sqe = Sqe { sqe_flags: SqeFlags::ONEWAY, ..self.sqe(opcode, [id as u64, 0, 0, 0, 0]) };
        self.submit(sqe, None);
        self.pid = before;
        self.settle();
    }

    /// The client of a request that waits wants to leave.
    pub fn cancel(&mut self, tag: u32) {
        let sqe = Sqe { opcode: Opcode::Cancel as u8, sqe_flags: SqeFlags::ONEWAY, tag, ..Sqe::default() };
        self.server.link().incoming.push_back(raw::request(sqe));
        self.settle();
    }
}

/// Bytes in front of the name in a directory entry.
const HEADER: usize = size_of::<syscall::dirent::DirentHeader>();

/// A directory entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of the file.
    pub inode: u64,
    /// Where listing goes on behind it.
    pub next: u64,
    /// A `DirentKind`.
    pub kind: u8,
    /// Its name.
    pub name: String,
}
