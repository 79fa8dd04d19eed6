//! A trace in words: told records, it answers lines. A call is one line, once it has ended; one that has not ended when nothing else
//! happens, or while another thread says something, is shown without its answer first.

use std::collections::{BTreeMap, BTreeSet};

use ochre_abi::trace::{DATA_MAX, Kind, METADATA, METADATA_SIZE, Record, Target};
use syscall::flag::*;
use syscall::number::*;
use syscall::{CallFlags, GlobalSchemes, MapFlags, StdFsCallKind};

use crate::message::{answers, requests};
use crate::text::{answer, flags, number, quoted, words};

/// Bytes of data that are shown, where nobody says otherwise.
pub const SHOWN: usize = 48;
/// Flags of opening.
const OPEN: [(usize, &str); 14] = [
    (O_RDWR, "O_RDWR"),
    (O_RDONLY, "O_RDONLY"),
    (O_WRONLY, "O_WRONLY"),
    (O_CREAT, "O_CREAT"),
    (O_EXCL, "O_EXCL"),
    (O_TRUNC, "O_TRUNC"),
    (O_APPEND, "O_APPEND"),
    (O_DIRECTORY, "O_DIRECTORY"),
    (O_STAT, "O_STAT"),
    (O_SYMLINK, "O_SYMLINK"),
    (O_NOFOLLOW, "O_NOFOLLOW"),
    (O_NONBLOCK, "O_NONBLOCK"),
    (O_ASYNC, "O_ASYNC"),
    (O_FSYNC, "O_FSYNC"),
];
/// Flags of `SYS_CALL`.
const CALL: [(usize, &str); 10] = [
    (CallFlags::CONSUME.bits(), "CONSUME"),
    (CallFlags::WRITE.bits(), "WRITE"),
    (CallFlags::READ.bits(), "READ"),
    (CallFlags::FD.bits(), "FD"),
    (CallFlags::FD_EXCLUSIVE.bits(), "FD_EXCLUSIVE"),
    (CallFlags::FD_CLONE.bits(), "FD_CLONE"),
    (CallFlags::FD_UPPER.bits(), "FD_UPPER"),
    (CallFlags::FD_CLOEXEC.bits(), "FD_CLOEXEC"),
    (CallFlags::STD_FS.bits(), "STD_FS"),
    (CallFlags::MULTIPLE_FDS2.bits(), "MULTIPLE_FDS"),
];
/// Mappings and their protection.
const MAP: [(usize, &str); 8] = [
    (MapFlags::PROT_READ.bits(), "PROT_READ"),
    (MapFlags::PROT_WRITE.bits(), "PROT_WRITE"),
    (MapFlags::PROT_EXEC.bits(), "PROT_EXEC"),
    (MapFlags::MAP_SHARED.bits(), "MAP_SHARED"),
    (MapFlags::MAP_PRIVATE.bits(), "MAP_PRIVATE"),
    (MapFlags::MAP_FIXED_NOREPLACE.bits(), "MAP_FIXED_NOREPLACE"),
    (MapFlags::MAP_FIXED.bits(), "MAP_FIXED"),
    (MapFlags::MAP_LAZY.bits(), "MAP_LAZY"),
];
/// Schemes of the kernel that most programs cannot name.
const KERNEL: [(GlobalSchemes, &str); 3] =
    [(GlobalSchemes::Proc, "kernel.proc"), (GlobalSchemes::Acpi, "kernel.acpi"), (GlobalSchemes::Memory, "memory")];
/// Low bits of the flags of `SYS_CALL`: number of words.
const COUNT_MASK: u64 = 0xff;
/// The half of descriptors that libc keeps for itself.
const UPPER: u64 = ochre_abi::UPPER as u64;

/// A call that has not ended.
struct Open {
    record: Record,
    data: Vec<u8>,
    /// Its line without an answer was shown.
    shown: bool,
}

/// Makes lines of records.
pub struct Tracer {
    /// Names of schemes by their numbers.
    schemes: BTreeMap<u64, String>,
    /// Bytes of data to show.
    bytes: usize,
    /// Thread numbers stand in front, because there are several.
    threads: bool,
    open: BTreeMap<u32, Open>,
    /// Processes that were started and are told of too.
    children: BTreeSet<u32>,
}

impl Tracer {
    /// One that knows these names of schemes and shows so many bytes of data.
    pub fn new(schemes: BTreeMap<u64, String>, bytes: usize) -> Self {
        Tracer { schemes, bytes: bytes.min(DATA_MAX), threads: false, open: BTreeMap::new(), children: BTreeSet::new() }
    }

    /// Lines for a record.
    pub fn step(&mut self, record: &Record, data: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        match record.kind {
            Kind::Lost => lines.push(format!("--- {} records were lost: nobody took them in time", record.words[0])),
            Kind::Enter => {
                self.threads |= self.open.keys().any(|thread| *thread != record.thread);
                lines.extend(self.unfinished(Some(record.thread)));
                let answers = match self.counts(record, data) {
                    Some((count, _)) => answers(data.get(METADATA_SIZE..).unwrap_or_default(), count),
                    None if record.target == Target::Socket && is_write(record.call) => answers(data, usize::MAX),
                    None => Vec::new(),
                };
                lines.extend(answers.into_iter().map(|text| self.line(record.thread, &format!("  -> {text}"))));
                self.open.insert(record.thread, Open { record: *record, data: data.to_vec(), shown: false });
            }
            Kind::Leave => lines.extend(self.leave(record, data)),
            Kind::Born => {
                let pid = record.words[0];
                lines.extend(self.unfinished(Some(record.thread)));
                lines.push(if record.words[1] == 0 {
                    format!("--- process {pid} is started, and not followed")
                } else {
                    // From here on it must be said whose calls they are.
                    self.threads = true;
                    self.children.insert(pid as u32);
                    format!("--- process {pid} is started: thread {}", record.thread)
                });
            }
        }
        lines
    }

    /// Processes that were started and are told of too.
    pub fn children(&self) -> impl Iterator<Item = u32> {
        self.children.iter().copied()
    }

    /// Nothing happens any more: lines for the calls that have not ended.
    pub fn idle(&mut self) -> Vec<String> {
        self.unfinished(None)
    }

    fn leave(&mut self, record: &Record, data: &[u8]) -> Vec<String> {
        // A call that began before anybody watched has no beginning here.
        let Some(Open { record: began, data: sent, shown }) = self.open.remove(&record.thread) else {
            return Vec::new();
        };
        let answer = answer(record.words[0]);
        let text = match shown {
            true => format!("... {} = {answer}", name(record.call)),
            false => format!("{} = {answer}", self.describe(&began, &sent, Some((record, data)))),
        };
        let mut lines = self.unfinished(Some(record.thread));
        lines.push(self.line(record.thread, &text));
        let requests = match self.counts(&began, &sent) {
            Some((answers, count)) if record.words[0] as usize == usize::from(answers != 0) + 1 || answers == 0 => {
                requests(data.get(METADATA_SIZE..).unwrap_or_default(), count)
            }
            None if began.target == Target::Socket && record.call as usize == SYS_READ => requests(data, usize::MAX),
            _ => Vec::new(),
        };
        lines.extend(requests.into_iter().map(|text| self.line(record.thread, &format!("  <- {text}"))));
        lines
    }

    /// Lines of all calls that have not ended, but for one thread's.
    fn unfinished(&mut self, but: Option<u32>) -> Vec<String> {
        let mut lines = Vec::new();
        let waiting: Vec<u32> =
            self.open.iter().filter(|(thread, open)| Some(**thread) != but && !open.shown).map(|(id, _)| *id).collect();
        for thread in waiting {
            let Some(open) = self.open.get_mut(&thread) else { continue };
            open.shown = true;
            let (record, data) = (open.record, open.data.clone());
            lines.push(self.line(thread, &format!("{} ...", self.describe(&record, &data, None))));
        }
        lines
    }

    fn line(&self, thread: u32, text: &str) -> String {
        if self.threads { format!("[{thread}] {text}") } else { text.into() }
    }

    /// Answers given and requests taken by a call on a scheme's socket that may do both.
    fn counts(&self, record: &Record, data: &[u8]) -> Option<(usize, usize)> {
        let [kind, answers, requests] = words::<METADATA>(data)?;
        let both = record.target == Target::Socket && record.call as usize == SYS_CALL && kind == 0;
        both.then_some((answers as usize, requests as usize))
    }

    /// A descriptor, and where it leads.
    fn descriptor(&self, record: &Record) -> String {
        let fd = self.fd(record.words[0]);
        let named =
            |id: u64| KERNEL.iter().find(|(scheme, _)| *scheme as u64 == id).map(|(_, name)| (*name).to_string());
        let unnamed = |id: u64| match record.words[0] == ochre_abi::start_fd::NAMESPACE as u64 {
            // Its manager has no name itself.
            true => "namespace".to_string(),
            false => format!("scheme {id}"),
        };
        let scheme = |id: u64| self.schemes.get(&id).cloned().or_else(|| named(id)).unwrap_or_else(|| unnamed(id));
        match record.target {
            Target::None => fd,
            Target::Kernel => format!("{fd}<{}>", scheme(record.scheme)),
            Target::User => format!("{fd}<{} #{}>", scheme(record.scheme), record.number),
            Target::Socket => format!("{fd}<socket of {}>", scheme(record.scheme)),
        }
    }

    /// A descriptor's number; those of libc's own half count from `u0`.
    fn fd(&self, fd: u64) -> String {
        if fd & UPPER != 0 && fd >> 63 == 0 { format!("u{}", fd & !UPPER) } else { number(fd) }
    }

    /// A call with its arguments. What it has brought is only known once it has ended.
    fn describe(&self, record: &Record, data: &[u8], left: Option<(&Record, &[u8])>) -> String {
        let [a, b, c, d, e] = record.words;
        let more = |len: u64| len as usize > DATA_MAX;
        let text = |len: u64| quoted(data, self.bytes, more(len));
        // A path is shown as far as it is known.
        let path = |len: u64| quoted(data, DATA_MAX, more(len));
        let brought = |len: u64| match left {
            Some((_, data)) => quoted(data, self.bytes, more(len) && data.len() == DATA_MAX),
            None => "...".into(),
        };
        let fd = self.descriptor(record);
        let arguments = match record.call as usize {
            SYS_OPENAT_INTO2 => {
                let (len, status) = (c & !(O_FCNTL_MASK as u64), c as usize & O_FCNTL_MASK);
                format!("{fd}, {}, {}, {}", path(len), flags(d as usize & !0xffff | status, &OPEN), self.fd(e))
            }
            SYS_UNLINKAT => format!("{fd}, {}, {}", path(c), number(d)),
            SYS_FRENAME | SYS_FLINK => format!("{fd}, {}", path(c)),
            SYS_DUP_INTO => format!("{fd}, {}, {}", text(c), self.fd(d)),
            SYS_DUP2 => format!("{fd}, {}, {}", self.fd(b), text(d)),
            SYS_READ => format!("{fd}, {}, {c}", brought(c)),
            SYS_READ2 => format!("{fd}, {}, {c}, {}, {}", brought(c), number(d), number(e)),
            SYS_WRITE => format!("{fd}, {}, {c}", text(c)),
            SYS_WRITE2 => format!("{fd}, {}, {c}, {}, {}", text(c), number(d), number(e)),
            SYS_FPATH => format!("{fd}, {}", brought(c)),
            SYS_CLOSE | SYS_FSYNC => fd,
            SYS_FSTAT => format!("{fd}, {c} bytes"),
            SYS_FCNTL => format!("{fd}, {}, {}", fcntl(b), number(c)),
            SYS_LSEEK => format!("{fd}, {}, {}", number(b), number(c)),
            SYS_FCHOWN => format!("{fd}, {}, {}", number(b), number(c)),
            SYS_FMAP => format!("{fd}, {}", map(data)),
            SYS_MPROTECT => format!("{b:#x} bytes at {a:#x}, {}", flags(c as usize, &MAP)),
            SYS_FUNMAP => format!("{b:#x} bytes at {a:#x}"),
            SYS_CALL => {
                let (sent, brings) =
                    (data.get(METADATA_SIZE..).unwrap_or_default(), d as usize & CallFlags::READ.bits() != 0);
                let payload = match (left, brings) {
                    _ if c == 0 || record.target == Target::Socket => format!("{c} bytes"),
                    (Some((_, data)), true) => quoted(
                        data.get(METADATA_SIZE..).unwrap_or_default(),
                        self.bytes,
                        c as usize > DATA_MAX - METADATA_SIZE,
                    ),
                    _ => quoted(sent, self.bytes, c as usize > DATA_MAX - METADATA_SIZE),
                };
                format!(
                    "{fd}, {}, {payload}, {}",
                    self.verb(record, data),
                    flags(d as usize & !(COUNT_MASK as usize), &CALL)
                )
            }
            SYS_FUTEX => format!("{a:#x}, {}, {}", futex(b), number(c)),
            SYS_CLOCK_GETTIME => number(a),
            SYS_NANOSLEEP => words::<2>(data).map_or_else(|| number(a), |[s, ns]| format!("{s} s {} ns", ns as u32)),
            SYS_YIELD => String::new(),
            _ => [a, b, c, d, e].map(number).join(", "),
        };
        format!("{}({arguments})", name(record.call))
    }

    /// The words of a `SYS_CALL`, the first by its name where that is known.
    fn verb(&self, record: &Record, data: &[u8]) -> String {
        let count = (record.words[3] & COUNT_MASK) as usize;
        let Some(all) = words::<METADATA>(data) else { return "[?]".into() };
        let mut text: Vec<String> = all.iter().take(count).map(|word| number(*word)).collect();
        let standard = record.words[3] as usize & CallFlags::STD_FS.bits() != 0;
        let of_manager =
            record.target == Target::User && self.schemes.get(&record.scheme).is_some_and(|name| name == "proc");
        let known = if standard {
            StdFsCallKind::try_from_raw(all[0] as u8).map(|kind| format!("{kind:?}"))
        } else if of_manager {
            ochre_abi::process::Verb::from_raw(all[0]).map(|verb| format!("{verb:?}"))
        } else {
            None
        };
        if let (Some(known), Some(first)) = (known, text.first_mut()) {
            *first = known;
        }
        let dots = if count > METADATA { ", ..." } else { "" };
        format!("[{}{dots}]", text.join(", "))
    }
}

fn is_write(call: u64) -> bool {
    call as usize == SYS_WRITE
}

/// A call's name: that of its constant without the part that all have.
pub fn name(call: u64) -> String {
    const NAMES: [(usize, &str); 25] = [
        (SYS_OPENAT_INTO2, "openat"),
        (SYS_UNLINKAT, "unlinkat"),
        (SYS_CLOSE, "close"),
        (SYS_DUP_INTO, "dup"),
        (SYS_DUP2, "dup2"),
        (SYS_READ, "read"),
        (SYS_READ2, "read2"),
        (SYS_WRITE, "write"),
        (SYS_WRITE2, "write2"),
        (SYS_LSEEK, "lseek"),
        (SYS_FCHOWN, "fchown"),
        (SYS_FCNTL, "fcntl"),
        (SYS_CALL, "call"),
        (SYS_FMAP, "fmap"),
        (SYS_FUNMAP, "funmap"),
        (SYS_MREMAP, "mremap"),
        (SYS_FLINK, "flink"),
        (SYS_FPATH, "fpath"),
        (SYS_FRENAME, "frename"),
        (SYS_FSTAT, "fstat"),
        (SYS_FSYNC, "fsync"),
        (SYS_CLOCK_GETTIME, "clock_gettime"),
        (SYS_FUTEX, "futex"),
        (SYS_MPROTECT, "mprotect"),
        (SYS_NANOSLEEP, "nanosleep"),
    ];
    let known = NAMES.iter().find(|(number, _)| *number as u64 == call).map(|(_, name)| (*name).to_string());
    known.unwrap_or_else(|| if call as usize == SYS_YIELD { "yield".into() } else { format!("call_{call:#x}") })
}

fn fcntl(command: u64) -> String {
    match command as usize {
        F_DUPFD => "F_DUPFD".into(),
        F_GETFD => "F_GETFD".into(),
        F_SETFD => "F_SETFD".into(),
        F_GETFL => "F_GETFL".into(),
        F_SETFL => "F_SETFL".into(),
        _ => number(command),
    }
}

fn futex(operation: u64) -> String {
    match operation as usize {
        FUTEX_WAIT => "WAIT".into(),
        FUTEX_WAIT64 => "WAIT64".into(),
        FUTEX_WAKE => "WAKE".into(),
        FUTEX_REQUEUE => "REQUEUE".into(),
        _ => number(operation),
    }
}

fn map(data: &[u8]) -> String {
    match words::<4>(data) {
        Some([offset, size, bits, address]) => {
            format!("{size:#x} bytes from {offset:#x} at {}, {}", number(address), flags(bits as usize, &MAP))
        }
        None => "?".into(),
    }
}

#[cfg(test)]
mod tests;
