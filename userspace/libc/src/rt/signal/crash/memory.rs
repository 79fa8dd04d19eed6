//! The program's memory as the kernel knows it: what is mapped, and what stands there, without a risk of touching it.

use core::fmt::Write as _;

use ochre_abi::list::List;
use ochre_abi::proc::AddrSpaceVerb;
use syscall::flag::CallFlags;
use syscall::{GrantDesc, GrantFlags};

use super::super::fault::Access;
use super::super::frame::Registers;
use super::FRAMES;
use super::output::Output;
use crate::rt::tcb::current;
use crate::rt::{slots, sys};

/// Most lines of the memory map.
const LINES: usize = 64;
/// Descriptors that are used past libc's books, whose lock may be held: the last ones of the upper range.
const SPARE: usize = 64;

/// Makes a descriptor at one of the numbers that nobody gets near.
pub fn spare_descriptor(mut make: impl FnMut(usize) -> syscall::error::Result<usize>) -> Option<Spare> {
    let first = (ochre_abi::UPPER | slots::RANGE) - SPARE;
    (first..first + SPARE).find_map(|slot| make(slot).ok().map(|_| Spare(slot)))
}

/// Such a descriptor; it closes when it is dropped.
pub struct Spare(pub usize);

impl Drop for Spare {
    fn drop(&mut self) {
        let _ = sys::close(self.0);
    }
}

/// This program's address space.
pub struct Space(Spare);

impl Space {
    /// A handle; none without a number for it.
    pub fn open() -> Option<Self> {
        // SAFETY: this thread has a control block.
        let handle = unsafe { (*current()).handle };
        spare_descriptor(|slot| sys::dup_into(handle, b"addrspace", slot)).map(Space)
    }

    /// Words at an address, if they are there.
    pub fn read<const N: usize>(&self, address: usize) -> Option<[usize; N]> {
        let mut words = [0; N];
        // SAFETY: the words are ours.
        let count = unsafe { sys::read_at(self.0.0, words.as_mut_ptr().cast(), size_of_val(&words), address as u64) };
        (count == Ok(size_of_val(&words))).then_some(words)
    }

    /// Does something with the list of mappings.
    fn with_mappings<T>(&self, look: impl FnOnce(&[GrantDesc]) -> T) -> Option<T> {
        let verb = [AddrSpaceVerb::Grants as u64];
        // SAFETY: there is no payload.
        let count = unsafe { sys::message(self.0.0, core::ptr::null_mut(), 0, CallFlags::READ, &verb) }.ok()?;
        // The list's own mapping comes to it, and others may meanwhile.
        let room = (count + 16) * size_of::<GrantDesc>();
        let address = sys::map_anonymous(room).ok()?;
        // SAFETY: fresh memory of this size; any bytes are descriptions. It is given back when nobody looks any more.
        unsafe {
            let count = sys::message(self.0.0, address as *mut u8, room, CallFlags::READ, &verb);
            let count = count.unwrap_or(0).min(room / size_of::<GrantDesc>());
            let answer = look(core::slice::from_raw_parts(address as *const GrantDesc, count));
            let _ = sys::funmap(address, room);
            Some(answer)
        }
    }

    fn access_at(&self, address: usize) -> Option<Access> {
        self.with_mappings(|list| {
            let found = list.iter().find(|entry| address.wrapping_sub(entry.base) < entry.size)?;
            Some(Access {
                read: found.flags.contains(GrantFlags::GRANT_READ),
                write: found.flags.contains(GrantFlags::GRANT_WRITE),
                exec: found.flags.contains(GrantFlags::GRANT_EXEC),
            })
        })?
    }
}

/// What the mapping at an address allows, if there is one.
pub fn access_at(address: usize) -> Option<Access> {
    Space::open()?.access_at(address)
}

/// Where the program is, and where each function goes on when the one before returns. Follows frame pointers as long as they
/// make sense.
pub fn backtrace(space: &Space, registers: &Registers) -> List<usize, FRAMES> {
    let mut frames = List::filled_with(0);
    let _ = frames.push(registers.rip);
    if !space.access_at(registers.rip).is_some_and(|access| access.exec) {
        // A call to what is no function has left its return address on top of the stack.
        if let Some([caller]) = space.read(registers.rsp) {
            let _ = frames.push(caller);
        }
    }
    let mut frame = registers.rbp;
    while frame.is_multiple_of(size_of::<usize>())
        && let Some([above, caller]) = space.read(frame)
    {
        if caller == 0 || frames.push(caller).is_err() || above <= frame {
            break;
        }
        frame = above;
    }
    frames
}

/// Prints what is mapped.
pub fn print_map(out: &mut Output, space: &Space) -> core::fmt::Result {
    let printed = space.with_mappings(|list| {
        writeln!(out, "memory")?;
        for entry in list.iter().take(LINES) {
            let flag = |flag, letter| if entry.flags.contains(flag) { letter } else { '-' };
            let (read, write) = (flag(GrantFlags::GRANT_READ, 'r'), flag(GrantFlags::GRANT_WRITE, 'w'));
            let (exec, shared) = (flag(GrantFlags::GRANT_EXEC, 'x'), flag(GrantFlags::GRANT_SHARED, 's'));
            let (start, end) = (entry.base, entry.base + entry.size);
            writeln!(out, "  {start:012x}-{end:012x} {read}{write}{exec}{shared} {:>8} KiB", entry.size >> 10)?;
        }
        if list.len() > LINES { writeln!(out, "  and {} more", list.len() - LINES) } else { Ok(()) }
    });
    printed.unwrap_or(Ok(()))
}
