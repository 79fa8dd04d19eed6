//! Tests of the loop, with a scheme of mailboxes: a read of an empty box waits until something is written to it.

use std::collections::VecDeque;

use syscall::data::{Stat, TimeSpec};
use syscall::dirent::{DirEntry, DirentBuf, DirentKind};
use syscall::error::{
    EAGAIN, EBADF, ECANCELED, EINVAL, ENOENT, ENOSYS, ENOTDIR, EOPNOTSUPP, ESRCH, EWOULDBLOCK, Error, Result,
};
use syscall::flag::{EventFlags, O_NONBLOCK, O_SYMLINK, O_TRUNC, StdFsCallKind};
use syscall::schemev2::{CqeOpcode, Opcode, Sqe};

use crate::fake::{Kernel, NO_OFFSET, Opened};
use crate::locks::Lockable;
use crate::std_fs::STAT_AT;
use crate::{CallerCtx, Handles, NewFdFlags, Offer, OpenResult, Ready, Scheme, SchemeSync};

const ROOT: usize = 1000;

#[derive(Default)]
struct Boxes {
    contents: VecDeque<u8>,
    handles: Handles<()>,
    ready: Ready,
    fds: Vec<usize>,
    detached: Vec<(usize, usize)>,
    renamed: Vec<(u32, u32, String, String)>,
    times: Vec<TimeSpec>,
    closed: Vec<usize>,
}

impl SchemeSync for Boxes {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(ROOT)
    }

    fn openat(&mut self, dir: usize, path: &str, _: usize, _: u32, _: &CallerCtx) -> Result<OpenResult> {
        match path {
            _ if dir != ROOT => Err(Error::new(ENOTDIR)),
            "box" => {
                let number = self.handles.insert(());
                Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::POSITIONED })
            }
            "fd" => Ok(OpenResult::OtherScheme { fd: 77 }),
            "full" if self.contents.is_empty() => Ok(OpenResult::WouldBlock),
            "full" => self.openat(dir, "box", 0, 0, &CallerCtx { pid: 0, uid: 0, gid: 0, id: id() }),
            _ => Err(Error::new(ENOENT)),
        }
    }

    fn read(&mut self, id: usize, buf: &mut [u8], _: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        self.handles.get(id).ok_or(Error::new(EBADF))?;
        if self.contents.is_empty() {
            return Err(Error::new(EWOULDBLOCK));
        }
        let count = buf.len().min(self.contents.len());
        buf.iter_mut().zip(self.contents.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(count)
    }

    fn write(&mut self, id: usize, buf: &[u8], _: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        self.handles.get(id).ok_or(Error::new(EBADF))?;
        self.contents.extend(buf);
        for (number, ()) in self.handles.iter() {
            self.ready.raise(number, EventFlags::EVENT_READ);
        }
        self.ready.raise(ROOT, EventFlags::EVENT_READ);
        Ok(buf.len())
    }

    fn fevent(&mut self, id: usize, flags: EventFlags, _: &CallerCtx) -> Result<EventFlags> {
        self.handles.get(id).ok_or(Error::new(EBADF))?;
        let readable = if self.contents.is_empty() { EventFlags::empty() } else { EventFlags::EVENT_READ };
        Ok(flags & readable)
    }

    fn fstat(&mut self, _: usize, stat: &mut Stat, ctx: &CallerCtx) -> Result<()> {
        *stat = Stat { st_size: self.contents.len() as u64, st_uid: ctx.uid, st_gid: ctx.gid, ..Stat::default() };
        Ok(())
    }

    fn futimens(&mut self, _: usize, times: &[TimeSpec], _: &CallerCtx) -> Result<()> {
        self.times = times.to_vec();
        Ok(())
    }

    fn frenameat(&mut self, _: usize, old: &str, _: usize, new: &str, flags: u32, ctx: &CallerCtx) -> Result<usize> {
        self.renamed.push((ctx.uid, ctx.gid, old.into(), new.into()));
        Ok(flags as usize)
    }

    fn getdents<'buf>(
        &mut self,
        _: usize,
        mut buf: DirentBuf<&'buf mut [u8]>,
        from: u64,
    ) -> Result<DirentBuf<&'buf mut [u8]>> {
        for (place, name) in ["a", "bcdefgh"].iter().enumerate().skip(from as usize) {
            let next_opaque_id = place as u64 + 1;
            buf.entry(DirEntry { inode: next_opaque_id, next_opaque_id, name, kind: DirentKind::Regular })?;
        }
        Ok(buf)
    }

    fn on_close(&mut self, id: usize) {
        self.handles.remove(id);
        self.closed.push(id);
    }
}

fn id() -> redox_scheme::Id {
    // A request's number can only be had from a request.
    let request = crate::raw::request(Sqe { opcode: Opcode::Fsize as u8, ..Sqe::default() });
    match request.kind() {
        redox_scheme::RequestKind::Call(call) => call.request_id(),
        _ => unreachable!("the entry is a call"),
    }
}

impl Scheme for Boxes {
    fn next_ready(&mut self) -> Option<(usize, EventFlags)> {
        self.ready.take()
    }

    fn stat_at(&mut self, dir: usize, path: &str, flags: usize, stat: &mut Stat, ctx: &CallerCtx) -> Result<()> {
        if dir != ROOT {
            return Err(Error::new(ENOTDIR));
        }
        let st_size = (flags + path.len()) as u64;
        *stat = Stat { st_size, st_uid: ctx.uid, st_gid: ctx.gid, ..Stat::default() };
        Ok(())
    }

    fn lockable(&mut self, id: usize) -> Result<Lockable> {
        self.handles.get(id).ok_or(Error::new(EBADF))?;
        Ok(Lockable { inode: 5, read: true, write: id != 2 })
    }

    fn on_detach(&mut self, id: usize, pid: usize) {
        self.detached.push((id, pid));
    }

    fn on_descriptors(&mut self, _: usize, offer: &mut Offer<'_>, ctx: &CallerCtx) -> Result<usize> {
        if ctx.uid != 0 || offer.word() != 9 {
            return Err(Error::new(EINVAL));
        }
        self.fds.extend(offer.take()?);
        Ok(offer.count())
    }

    fn give_descriptors(&mut self, _: usize, count: usize, words: [u64; 2], _: &CallerCtx) -> Result<Vec<usize>> {
        if words != [1, 2] {
            return Err(Error::new(EINVAL));
        }
        if self.fds.len() < count {
            return Err(Error::new(EWOULDBLOCK));
        }
        Ok(self.fds.drain(..count).collect())
    }
}

fn kernel() -> Kernel<Boxes> {
    Kernel::new(Boxes::default())
}

#[track_caller]
fn open(kernel: &mut Kernel<Boxes>) -> usize {
    kernel.openat(ROOT, "box", 0).unwrap().number()
}

fn read_request(kernel: &mut Kernel<Boxes>, id: usize, len: usize, flags: usize) -> u32 {
    let sqe = kernel.sqe(Opcode::Read, [id as u64, 0, 0, NO_OFFSET, flags as u64]);
    let tag = kernel.submit(sqe, Some(&vec![0; len]));
    kernel.settle();
    tag
}

fn errno<T: std::fmt::Debug>(result: Result<T>) -> Option<i32> {
    result.err().map(|error| error.errno)
}

#[test]
fn what_is_there_is_answered_at_once() {
    let mut kernel = kernel();
    assert_eq!(kernel.openat(ROOT, "box", 0).unwrap(), Opened::Number(0, NewFdFlags::POSITIONED));
    assert_eq!(errno(kernel.openat(ROOT, "none", 0)), Some(ENOENT));
    assert_eq!(kernel.write(0, b"hello", NO_OFFSET, 0), Ok(5));
    assert_eq!(kernel.read(0, 3, NO_OFFSET).unwrap(), b"hel");
    assert_eq!(kernel.read(0, 9, NO_OFFSET).unwrap(), b"lo");
    assert_eq!(errno(kernel.read(7, 9, NO_OFFSET)), Some(EBADF));
}

#[test]
fn unknown_operations_are_refused() {
    let mut kernel = kernel();
    let unknown = kernel.sqe(Opcode::Mremap, [0; 5]);
    assert_eq!(errno(kernel.exchange(Sqe { opcode: 200, ..unknown }, None).result()), Some(ENOSYS));
    assert_eq!(errno(kernel.exchange(unknown, None).result()), Some(ENOSYS));
    assert_eq!(errno(kernel.fsize(0)), Some(syscall::error::ESPIPE));
}

#[test]
fn a_read_waits_for_a_write() {
    let mut kernel = kernel();
    let (a, b) = (open(&mut kernel), open(&mut kernel));
    let first = read_request(&mut kernel, a, 2, 0);
    let second = read_request(&mut kernel, a, 2, 0);
    let other = read_request(&mut kernel, b, 2, 0);
    assert!(kernel.answer(first).is_none());
    kernel.write(b, b"xyz", NO_OFFSET, 0).unwrap();
    // Those of one number in the order they came.
    let answer = kernel.answer(first).unwrap();
    assert_eq!((answer.result(), &answer.payload[..2]), (Ok(2), &b"xy"[..]));
    let answer = kernel.answer(second).unwrap();
    assert_eq!((answer.result(), &answer.payload[..1]), (Ok(1), &b"z"[..]));
    assert!(kernel.answer(other).is_none());
    kernel.write(b, b"!", NO_OFFSET, 0).unwrap();
    assert_eq!(kernel.answer(other).unwrap().result(), Ok(1));
}

#[test]
fn who_does_not_want_to_wait_does_not() {
    let mut kernel = kernel();
    let a = open(&mut kernel);
    let tag = read_request(&mut kernel, a, 2, O_NONBLOCK);
    assert_eq!(errno(kernel.answer(tag).unwrap().result()), Some(EAGAIN));
    assert_eq!(errno(kernel.openat(ROOT, "full", O_NONBLOCK)), Some(EAGAIN));
}

#[test]
fn opening_can_wait_too() {
    let mut kernel = kernel();
    let a = open(&mut kernel);
    let sqe = kernel.sqe(Opcode::OpenAt, [ROOT as u64, 0, 0, 0, 0]);
    let tag = kernel.submit(sqe, Some(b"full"));
    kernel.settle();
    assert!(kernel.answer(tag).is_none());
    kernel.write(a, b"x", NO_OFFSET, 0).unwrap();
    assert_eq!(kernel.answer(tag).unwrap().result(), Ok(1));
}

#[test]
fn a_client_that_leaves_is_answered() {
    let mut kernel = kernel();
    let a = open(&mut kernel);
    let tag = read_request(&mut kernel, a, 2, 0);
    kernel.cancel(tag);
    assert_eq!(errno(kernel.answer(tag).unwrap().result()), Some(ECANCELED));
    // A request that is answered cannot be cancelled; nothing is there to answer.
    kernel.cancel(tag);
    assert!(kernel.answer(tag).is_none());
    kernel.write(a, b"x", NO_OFFSET, 0).unwrap();
    assert_eq!(kernel.read(a, 1, NO_OFFSET).unwrap(), b"x");
}

#[test]
fn closing_ends_what_waits() {
    let mut kernel = kernel();
    let a = open(&mut kernel);
    let tag = read_request(&mut kernel, a, 2, 0);
    kernel.close(a);
    assert_eq!(errno(kernel.answer(tag).unwrap().result()), Some(EBADF));
    assert_eq!(kernel.scheme.closed, [a]);
}

#[test]
fn events_are_told_to_who_asked() {
    let mut kernel = kernel();
    let (a, b) = (open(&mut kernel), open(&mut kernel));
    assert_eq!(kernel.fevent(a, EventFlags::EVENT_READ | EventFlags::EVENT_WRITE).unwrap(), EventFlags::empty());
    assert_eq!(errno(kernel.fevent(9, EventFlags::EVENT_READ)), Some(EBADF));
    kernel.write(b, b"x", NO_OFFSET, 0).unwrap();
    assert_eq!(kernel.events, [(a, EventFlags::EVENT_READ)]);
    assert_eq!(kernel.fevent(a, EventFlags::EVENT_READ).unwrap(), EventFlags::EVENT_READ);
    kernel.close(a);
    kernel.events.clear();
    kernel.write(b, b"x", NO_OFFSET, 0).unwrap();
    assert_eq!(kernel.events, []);
}

#[test]
fn readiness_from_elsewhere_is_told_when_settled() {
    let mut kernel = kernel();
    let a = open(&mut kernel);
    kernel.fevent(a, EventFlags::EVENT_READ).unwrap();
    let tag = read_request(&mut kernel, a, 2, 0);
    kernel.scheme.contents.extend(b"irq");
    kernel.scheme.ready.raise(a, EventFlags::EVENT_READ);
    kernel.settle();
    assert_eq!(kernel.answer(tag).unwrap().result(), Ok(2));
    assert_eq!(kernel.events.len(), 1);
}

#[test]
fn descriptors_come_and_go() {
    let mut kernel = kernel();
    assert_eq!(kernel.send_descriptors(ROOT, &[30, 31], 9), Ok(2));
    assert_eq!(errno(kernel.send_descriptors(ROOT, &[32], 8)), Some(EINVAL));
    assert_eq!(errno(kernel.as_user(1, 1, |kernel| kernel.send_descriptors(ROOT, &[33], 9))), Some(EINVAL));
    assert_eq!(errno(kernel.send_descriptors(ROOT, &vec![1; 65], 9)), Some(EINVAL));
    assert_eq!(kernel.scheme.fds, [30, 31]);
    assert_eq!(kernel.receive_descriptors(ROOT, 1, [1, 2]).unwrap(), [30]);
    assert_eq!(errno(kernel.receive_descriptors(ROOT, 1, [0, 0])), Some(EINVAL));

    let waits = kernel.sqe(Opcode::Recvfd, [ROOT as u64, 0, 2, 1, 2]);
    let tag = kernel.submit(waits, None);
    kernel.settle();
    assert!(kernel.answer(tag).is_none());
    let a = open(&mut kernel);
    kernel.send_descriptors(ROOT, &[40], 9).unwrap();
    kernel.write(a, b"x", NO_OFFSET, 0).unwrap();
    let answer = kernel.answer(tag).unwrap();
    assert_eq!(answer.completion.flags, CqeOpcode::RespondWithMultipleFds as u8);
    assert_eq!((answer.result(), &kernel.server.link().passed[..]), (Ok(2), &[31, 40][..]));
}

#[test]
fn a_descriptor_goes_with_the_answer_to_an_open() {
    let mut kernel = kernel();
    assert_eq!(kernel.openat(ROOT, "fd", 0).unwrap(), Opened::Descriptor(77));
    assert_eq!(kernel.server.link().carried, [77]);
}

#[test]
fn standard_calls_check_their_payload() {
    let mut kernel = kernel();
    let a = open(&mut kernel);
    let stat = kernel.as_user(3, 4, |kernel| kernel.fstat(a)).unwrap();
    assert_eq!((stat.st_uid, stat.st_gid), (3, 4));
    let size = size_of::<Stat>();
    assert_eq!(kernel.std_fs(StdFsCallKind::Fstat, a, &vec![0; size], [0, 0]).result(), Ok(0));
    for wrong in [0, size - 1, size + 1] {
        assert_eq!(errno(kernel.std_fs(StdFsCallKind::Fstat, a, &vec![0; wrong], [0, 0]).result()), Some(EINVAL));
    }
    assert_eq!(errno(kernel.std_fs(StdFsCallKind::Fstatvfs, a, &[0; 3], [0, 0]).result()), Some(EINVAL));
    // What the scheme does not know.
    assert_eq!(errno(kernel.std_fs(StdFsCallKind::Fchmod, a, &[], [0, 0]).result()), Some(EOPNOTSUPP));
    let nothing = kernel.std_fs_entry(99, a, [0, 0]);
    assert_eq!(errno(kernel.exchange(nothing, Some(&[])).result()), Some(EOPNOTSUPP));
    assert_eq!(errno(kernel.std_fs_pair(StdFsCallKind::Fstat, [a, a], &vec![0; size], 0)), Some(EINVAL));
}

#[test]
fn attributes_by_path() {
    let mut kernel = kernel();
    let stat = kernel.as_user(7, 8, |kernel| kernel.stat_at(ROOT, "a/b", O_SYMLINK | O_TRUNC)).unwrap();
    assert_eq!((stat.st_uid, stat.st_gid, stat.st_size), (7, 8, O_SYMLINK as u64 + 3));
    assert_eq!(errno(kernel.stat_at(3, "a", 0)), Some(ENOTDIR));
    let short = kernel.std_fs_entry(STAT_AT.into(), ROOT, [0, 0]);
    assert_eq!(errno(kernel.exchange(short, Some(&[0; 10])).result()), Some(EINVAL));
    let nonsense = [&[0; size_of::<Stat>()][..], b"\xff"].concat();
    assert_eq!(errno(kernel.exchange(short, Some(&nonsense)).result()), Some(EINVAL));
}

#[test]
fn times_are_taken_apart_byte_by_byte() {
    let mut kernel = kernel();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(-5_i64).to_ne_bytes());
    bytes[8..12].copy_from_slice(&7_i32.to_ne_bytes());
    bytes[16..24].copy_from_slice(&9_i64.to_ne_bytes());
    assert_eq!(kernel.std_fs(StdFsCallKind::Futimens, 0, &bytes, [0, 0]).result(), Ok(0));
    assert_eq!(kernel.scheme.times, [TimeSpec { tv_sec: -5, tv_nsec: 7 }, TimeSpec { tv_sec: 9, tv_nsec: 0 }]);
    for nanoseconds in [-1_i32, 1_000_000_000] {
        bytes[24..28].copy_from_slice(&nanoseconds.to_ne_bytes());
        assert_eq!(errno(kernel.std_fs(StdFsCallKind::Futimens, 0, &bytes, [0, 0]).result()), Some(EINVAL));
    }
    assert_eq!(errno(kernel.std_fs(StdFsCallKind::Futimens, 0, &bytes[..16], [0, 0]).result()), Some(EINVAL));
}

#[test]
fn listings_need_the_header_that_there_is() {
    let mut kernel = kernel();
    let names = |kernel: &mut Kernel<Boxes>, room, from| {
        kernel.getdents(ROOT, room, from).map(|list| list.into_iter().map(|entry| entry.name).collect::<Vec<_>>())
    };
    assert_eq!(names(&mut kernel, 64, 0).unwrap(), ["a", "bcdefgh"]);
    assert_eq!(names(&mut kernel, 64, 1).unwrap(), ["bcdefgh"]);
    assert_eq!(errno(names(&mut kernel, 30, 0)), Some(EINVAL));
    for header in [0, 18, 20, 1 << 16, u64::MAX] {
        let answer = kernel.std_fs(StdFsCallKind::Getdents, ROOT, &[0; 64], [0, header]);
        assert_eq!(errno(answer.result()), Some(EINVAL), "{header}");
    }
}

#[test]
fn calls_on_two_numbers_have_credentials() {
    let mut kernel = kernel();
    let moved =
        kernel.as_user(10, 20, |kernel| kernel.std_fs_pair(StdFsCallKind::Frenameat, [ROOT, ROOT], b"old\0new", 1));
    assert_eq!(moved, Ok(1));
    assert_eq!(kernel.scheme.renamed, [(10, 20, "old".into(), "new".into())]);
    assert_eq!(errno(kernel.std_fs_pair(StdFsCallKind::Frenameat, [ROOT, ROOT], b"old", 0)), Some(EINVAL));
}

const WHOLE: [u64; 2] = [0, 1 << 63];
const OF_FILE: [u64; 2] = [1 << 63, 1 << 63];

fn lock(kernel: &mut Kernel<Boxes>, pid: usize, id: usize, words: [u64; 2]) -> Result<usize> {
    kernel.pid = pid;
    let answer = kernel.std_fs(StdFsCallKind::Lock, id, &[], words);
    if answer.result().is_ok() {
        let notify = answer.completion.flags == CqeOpcode::RespondAndNotifyOnDetach as u8;
        assert_eq!(notify, words[0] >> 63 == 0, "locks of a process end with a descriptor");
    }
    answer.result()
}

#[test]
fn locks_of_processes_end_when_they_close() {
    let mut kernel = kernel();
    let (a, b) = (open(&mut kernel), open(&mut kernel));
    assert_eq!(lock(&mut kernel, 1, a, WHOLE), Ok(0));
    assert_eq!(lock(&mut kernel, 1, b, [5, 5]), Ok(0));
    assert_eq!(errno(lock(&mut kernel, 2, b, WHOLE)), Some(EAGAIN));
    kernel.detach(a, 2);
    assert_eq!(errno(lock(&mut kernel, 2, b, WHOLE)), Some(EAGAIN));
    kernel.detach(a, 1);
    assert_eq!(kernel.scheme.detached, [(a, 2), (a, 1)]);
    assert_eq!(lock(&mut kernel, 2, b, WHOLE), Ok(0));
}

#[test]
fn locks_of_open_files_end_with_them() {
    let mut kernel = kernel();
    let (a, b) = (open(&mut kernel), open(&mut kernel));
    assert_eq!(lock(&mut kernel, 1, a, OF_FILE), Ok(0));
    assert_eq!(lock(&mut kernel, 2, a, OF_FILE), Ok(0));
    assert_eq!(errno(lock(&mut kernel, 1, b, OF_FILE)), Some(EAGAIN));
    kernel.close(a);
    assert_eq!(lock(&mut kernel, 1, b, OF_FILE), Ok(0));
}

#[test]
fn a_lock_can_be_waited_for() {
    let mut kernel = kernel();
    let a = open(&mut kernel);
    assert_eq!(lock(&mut kernel, 1, a, WHOLE), Ok(0));
    kernel.pid = 2;
    let wait = kernel.std_fs_entry(StdFsCallKind::Lock as u64 | crate::std_fs::LOCK_WAIT, a, WHOLE);
    let tag = kernel.submit(wait, Some(&[]));
    let given_up = kernel.submit(wait, Some(&[]));
    kernel.settle();
    kernel.cancel(given_up);
    assert_eq!(errno(kernel.answer(given_up).unwrap().result()), Some(ECANCELED));
    assert!(kernel.answer(tag).is_none());
    kernel.pid = 1;
    assert_eq!(kernel.std_fs(StdFsCallKind::Unlock, a, &[], [0, 10]).result(), Ok(0));
    assert!(kernel.answer(tag).is_none(), "a part is still locked");
    assert_eq!(kernel.std_fs(StdFsCallKind::Unlock, a, &[], [0, 0]).result(), Ok(0));
    assert_eq!(kernel.answer(tag).unwrap().result(), Ok(0));
    assert_eq!(errno(lock(&mut kernel, 1, a, WHOLE)), Some(EAGAIN));
}

#[test]
fn who_has_a_lock_is_told() {
    let mut kernel = kernel();
    let a = open(&mut kernel);
    lock(&mut kernel, 41, a, [10, 5 | 1 << 63]).unwrap();
    kernel.pid = 42;
    let answer = kernel.std_fs(StdFsCallKind::GetLock, a, &[0; 16], [0, 0]);
    assert_eq!(answer.result(), Ok(41));
    let words: Vec<u64> = answer.payload.chunks(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect();
    assert_eq!(words, [10, 5 | 1 << 63]);
    assert_eq!(errno(kernel.std_fs(StdFsCallKind::GetLock, a, &[0; 15], [0, 0]).result()), Some(EINVAL));
    assert_eq!(errno(kernel.std_fs(StdFsCallKind::GetLock, a, &[0; 16], [15, 1]).result()), Some(ESRCH));
    let overflow = kernel.std_fs(StdFsCallKind::GetLock, a, &[0; 16], [i64::MAX as u64, 2]);
    assert_eq!(errno(overflow.result()), Some(syscall::error::EOVERFLOW));
}

#[test]
fn exclusive_locks_need_a_file_that_can_be_written() {
    let mut kernel = kernel();
    let ids = [open(&mut kernel), open(&mut kernel), open(&mut kernel)];
    assert_eq!(ids[2], 2);
    assert_eq!(errno(lock(&mut kernel, 1, 2, WHOLE)), Some(EBADF));
    assert_eq!(lock(&mut kernel, 1, 2, [0, 0]), Ok(0));
    assert_eq!(errno(lock(&mut kernel, 1, 3, [0, 0])), Some(EBADF));
}

#[test]
fn the_loop_goes_on_after_an_interruption() {
    let mut kernel = kernel();
    let a = open(&mut kernel);
    kernel.server.link().interrupted = true;
    let write = kernel.sqe(Opcode::Write, [a as u64, 0, 0, NO_OFFSET, 0]);
    let tags = [kernel.submit(write, Some(b"ab")), kernel.submit(write, Some(b"c"))];
    let read = kernel.sqe(Opcode::Read, [a as u64, 0, 0, NO_OFFSET, 0]);
    let last = kernel.submit(read, Some(&[0; 9]));
    let fd = kernel.sqe(Opcode::OpenAt, [ROOT as u64, 0, 0, 0, 0]);
    let fd = kernel.submit(fd, Some(b"fd"));
    assert_eq!(kernel.run(), Ok(()));
    assert!(!kernel.server.link().interrupted);
    for (tag, count) in tags.into_iter().zip([2, 1]) {
        assert_eq!(kernel.answer(tag).unwrap().result(), Ok(count));
    }
    assert_eq!(&kernel.answer(last).unwrap().payload[..3], b"abc");
    assert_eq!(kernel.answer(fd).unwrap().result(), Ok(77));
    assert_eq!(kernel.server.link().carried, [77]);
}
