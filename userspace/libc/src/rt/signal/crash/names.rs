//! Names of functions from the symbol table of the program's file (ELF: System V ABI, chapter 4), and names of signals.
//!
//! The file is found by the name that the program was started with and read past libc's own tables of roots and descriptors, whose
//! locks may be held. One pass over the symbols serves all frames.

use core::fmt::Write as _;

use ochre_abi::list::List;
use syscall::flag::{O_DIRECTORY, O_RDONLY};

use super::FRAMES;
use super::memory::{Spare, spare_descriptor};
use super::output::Output;
use crate::rt::path::{Canonical, Target};
use crate::rt::tcb::load_base;
use crate::rt::{roots, start, sys};

/// Sizes of the file's structures.
const HEADER: usize = 64;
const SECTION: usize = 64;
const SYMBOL: usize = 24;
/// Symbols read at a time.
const CHUNK: usize = 128;
/// Section types.
const SYMTAB: u32 = 2;
/// Kind of a symbol: a function.
const FUNCTION: u8 = 2;
/// Most bytes of a name.
const NAME: usize = 512;

/// Name of a signal.
pub fn signal_name(signal: u32) -> &'static str {
    const NAMES: [&str; 32] = [
        "signal 0",
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    NAMES.get(signal as usize).copied().unwrap_or("a real-time signal")
}

/// Where a frame's function begins and where its name stands among the strings.
#[derive(Clone, Copy, Default)]
struct Found {
    start: usize,
    name: Option<usize>,
}

/// Prints the frames, with names where the file has them.
pub fn print_backtrace(out: &mut Output, frames: &List<usize, FRAMES>) -> core::fmt::Result {
    writeln!(out, "backtrace")?;
    // What has been said is worth more than names, should those never come.
    out.flush();
    let mut found = [Found::default(); FRAMES];
    let base = base();
    let symbols = Symbols::open();
    if let Some(symbols) = &symbols {
        symbols.find(frames, base, &mut found);
    }
    for (&address, found) in frames.iter().zip(&found) {
        write!(out, "  {address:#014x}")?;
        if let (Some(symbols), Some(name)) = (&symbols, found.name) {
            let mut bytes = [0; NAME];
            if let Some(name) = symbols.name(name, &mut bytes) {
                write!(out, " {:#} + {:#x}", rustc_demangle::demangle(name), address - base - found.start)?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// What the program was moved by.
fn base() -> usize {
    // SAFETY: the headers were there at the start; if they are not any more, the summary ends here.
    start::aux().map_or(0, |aux| unsafe { load_base(aux) })
}

/// The symbol table of the program's file.
struct Symbols {
    file: Spare,
    offset: usize,
    count: usize,
    strings: usize,
}

impl Symbols {
    fn open() -> Option<Self> {
        let file = open_program()?;
        let mut header = [0; HEADER];
        read(&file, 0, &mut header)?;
        if header[..4] != *b"\x7fELF" {
            return None;
        }
        let sections = word(&header, 40);
        let size = usize::from(half(&header, 58));
        let count = usize::from(half(&header, 60));
        let section = |index: usize| {
            let mut bytes = [0; SECTION];
            read(&file, sections.checked_add(index.checked_mul(size)?)?, &mut bytes).map(|()| bytes)
        };
        let table = (0..count).find_map(|index| section(index).filter(|bytes| int(bytes, 4) == SYMTAB))?;
        let strings = section(int(&table, 40) as usize)?;
        let (offset, count, strings) = (word(&table, 24), word(&table, 32) / SYMBOL, word(&strings, 24));
        Some(Symbols { file, offset, count, strings })
    }

    /// Looks for the functions in which the frames are.
    fn find(&self, frames: &[usize], base: usize, found: &mut [Found; FRAMES]) {
        let mut at = 0;
        while at < self.count {
            let mut bytes = [0; CHUNK * SYMBOL];
            let part = &mut bytes[..CHUNK.min(self.count - at) * SYMBOL];
            if read(&self.file, self.offset.saturating_add(at * SYMBOL), part).is_none() {
                return;
            }
            for symbol in part.chunks_exact(SYMBOL).filter(|symbol| symbol[4] & 0xf == FUNCTION) {
                let (start, len) = (word(symbol, 8), word(symbol, 16));
                for (index, (&address, found)) in frames.iter().zip(found.iter_mut()).enumerate() {
                    // A return address may lie behind the end of a function whose last instruction is the call.
                    let inside = address.wrapping_sub(base).wrapping_sub(usize::from(index > 0));
                    if inside.wrapping_sub(start) < len {
                        *found = Found { start, name: Some(int(symbol, 0) as usize) };
                    }
                }
            }
            at += CHUNK;
        }
    }

    fn name<'a>(&self, at: usize, bytes: &'a mut [u8; NAME]) -> Option<&'a str> {
        // SAFETY: the room is ours.
        let count =
            unsafe { sys::read_at(self.file.0, bytes.as_mut_ptr(), NAME, self.strings.checked_add(at)? as u64).ok()? };
        let name = bytes[..count.min(NAME)].split(|&byte| byte == 0).next()?;
        core::str::from_utf8(name).ok()
    }
}

/// Opens the program's file, if the name that it was started with is a path.
fn open_program() -> Option<Spare> {
    let path = Canonical::new(b"/", start::name().filter(|name| name.first() == Some(&b'/'))?).ok()?;
    let Target::Scheme { name, reference } = path.target() else { return None };
    let namespace = roots::namespace().ok()?;
    let mut prefixed = [0; 64];
    let prefix = b"/scheme/";
    let of_name = prefixed.get_mut(..prefix.len() + name.len())?;
    of_name[..prefix.len()].copy_from_slice(prefix);
    of_name[prefix.len()..].copy_from_slice(name);
    let root = spare_descriptor(|slot| sys::openat_into(namespace, of_name, O_DIRECTORY, slot))?;
    spare_descriptor(|slot| sys::openat_into(root.0, reference, O_RDONLY, slot))
}

/// Fills all of `to` from the file.
fn read(file: &Spare, offset: usize, to: &mut [u8]) -> Option<()> {
    let mut done = 0;
    while done < to.len() {
        let rest = &mut to[done..];
        // SAFETY: the room is ours.
        match unsafe { sys::read_at(file.0, rest.as_mut_ptr(), rest.len(), (offset + done) as u64) } {
            Ok(count) if count > 0 && count <= rest.len() => done += count,
            _ => return None,
        }
    }
    Some(())
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn int(bytes: &[u8], at: usize) -> u32 {
    u32::from(half(bytes, at)) | u32::from(half(bytes, at + 2)) << 16
}

fn word(bytes: &[u8], at: usize) -> usize {
    (u64::from(int(bytes, at)) | u64::from(int(bytes, at + 4)) << 32) as usize
}
