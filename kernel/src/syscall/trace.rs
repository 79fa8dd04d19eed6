//! Calls of threads that somebody watches: the dispatcher that writes a record before and behind the ordinary one.
//!
//! A thread's entry code calls the dispatcher whose address lies on top of the thread's kernel stack. For all others that is the
//! ordinary one, so a watched thread is the only one that pays for being watched.

use ochre_abi::trace::{DATA_MAX, Kind, METADATA, METADATA_SIZE, Record, Target as Leads};
use syscall::number::*;
use syscall::{CallFlags, O_FCNTL_MASK, TimeSpec};

use crate::context::Thread;
use crate::memory::UserSlice;
use crate::scheme::{Target, trace};
use crate::time;

/// Number of metadata words in the fourth argument of `SYS_CALL`.
const COUNT_MASK: usize = 0xff;

/// A call and its arguments.
#[derive(Clone, Copy)]
struct Call {
    number: usize,
    arguments: [usize; 5],
}

/// As [`super::dispatch`], with the records.
pub extern "C" fn dispatch(a: usize, b: usize, c: usize, d: usize, e: usize, number: usize) -> usize {
    let call = Call { number, arguments: [a, b, c, d, e] };
    call.tell(Kind::Enter, call.arguments);
    let answer = super::dispatch(a, b, c, d, e, number);
    call.tell(Kind::Leave, [answer, 0, 0, 0, 0]);
    answer
}

impl Call {
    /// Adds a record, if the thread is watched still.
    #[inline(never)]
    fn tell(self, kind: Kind, words: [usize; 5]) {
        let Some(trace) = trace::of_current() else { return };
        let mut data = [0; DATA_MAX];
        let len = match kind {
            Kind::Enter => self.sends(&mut data),
            _ => self.brings(words[0], &mut data),
        };
        let (target, scheme, number) = self.leads_to();
        let record = Record {
            kind,
            target,
            len: 0,
            thread: Thread::current().slot(),
            time: time::now_ns(),
            call: self.number as u64,
            words: words.map(|word| word as u64),
            scheme,
            number,
        };
        trace.push(record, &data[..len]);
    }

    /// Where the first argument leads as a descriptor.
    fn leads_to(&self) -> (Leads, u64, u64) {
        let is_descriptor = self.number & (SYS_CLASS_FILE | SYS_CLASS_PATH) != 0 && self.number != SYS_FUNMAP;
        let description = Thread::current().descriptor(self.arguments[0]).ok().filter(|_| is_descriptor);
        match description.as_ref().map(|description| &description.target) {
            None => (Leads::None, 0, 0),
            Some(Target::User { scheme, number }) => (Leads::User, u64::from(scheme.id()), *number as u64),
            Some(Target::Kernel(object)) => match object.socket_of() {
                Some(scheme) => (Leads::Socket, u64::from(scheme), 0),
                None => (Leads::Kernel, object.scheme() as u64, 0),
            },
        }
    }

    /// What it sends: a path, the bytes of a write, a message with its words.
    fn sends(&self, data: &mut [u8; DATA_MAX]) -> usize {
        let [_, b, c, d, _] = self.arguments;
        match self.number {
            SYS_OPENAT_INTO2 => copy(b, c & !O_FCNTL_MASK, data),
            SYS_WRITE | SYS_WRITE2 | SYS_DUP_INTO | SYS_FRENAME | SYS_FLINK | SYS_UNLINKAT | SYS_FMAP => {
                copy(b, c, data)
            }
            SYS_DUP2 => copy(c, d, data),
            SYS_CALL => {
                let (words, payload) = data.split_at_mut(METADATA_SIZE);
                self.metadata(words);
                let sends = d & CallFlags::WRITE.bits() != 0;
                METADATA_SIZE + if sends { copy(b, c, payload) } else { 0 }
            }
            SYS_NANOSLEEP => copy(self.arguments[0], size_of::<TimeSpec>(), data),
            _ => 0,
        }
    }

    /// What it has brought: the bytes of a read, a structure.
    fn brings(&self, answer: usize, data: &mut [u8; DATA_MAX]) -> usize {
        let [_, b, c, d, _] = self.arguments;
        let count = syscall::error::Error::demux(answer).ok();
        match (self.number, count) {
            (_, None) => 0,
            (SYS_READ | SYS_READ2 | SYS_FPATH, Some(count)) => copy(b, c.min(count), data),
            (SYS_FSTAT, Some(_)) => copy(b, c, data),
            (SYS_CLOCK_GETTIME, Some(_)) => copy(b, size_of::<TimeSpec>(), data),
            (SYS_CALL, Some(_)) if d & CallFlags::READ.bits() != 0 => {
                let (words, payload) = data.split_at_mut(METADATA_SIZE);
                self.metadata(words);
                METADATA_SIZE + copy(b, c, payload)
            }
            _ => 0,
        }
    }

    /// The words of a `SYS_CALL`.
    fn metadata(&self, into: &mut [u8]) {
        let [_, _, _, flags, address] = self.arguments;
        copy(address, (flags & COUNT_MASK).min(METADATA) * 8, into);
    }
}

/// Copies what fits of the caller's memory; nothing when it is not there.
fn copy(address: usize, len: usize, into: &mut [u8]) -> usize {
    let len = len.min(into.len());
    match UserSlice::new(address, len).and_then(|slice| slice.read(into)) {
        Ok(()) => len,
        Err(_) => 0,
    }
}

/// Whether a thread's calls are told. A call that it is in goes on as it began.
pub fn watch(thread: &Thread, watched: bool) {
    thread.arch.set_dispatch(if watched { dispatch } else { super::dispatch });
}
