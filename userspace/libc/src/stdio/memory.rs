//! Streams over memory: `fmemopen`, `open_memstream` and `open_wmemstream`.

use core::ffi::c_void;
use core::ptr::null_mut;

use libc::{EINVAL, ENOMEM, ENOSPC, FILE, c_char, size_t, wchar_t};

use super::file::{self, Target};
use super::open::Mode;
use super::stream::{Buffering, Whence};
use crate::errno;
use crate::rt::alloc;
use crate::text::utf8::{self, Decoded};

/// Where a position is, in something that has `len` bytes.
fn target(at: usize, len: usize, offset: i64, whence: Whence) -> Result<usize, i32> {
    let base = match whence {
        Whence::Start => 0,
        Whence::Current => at,
        Whence::End => len,
    };
    i64::try_from(base)
        .ok()
        .and_then(|base| base.checked_add(offset))
        .and_then(|sum| usize::try_from(sum).ok())
        .ok_or(EINVAL)
}

/// A block of the program's, used as a file.
pub struct Fixed {
    at: *mut u8,
    room: usize,
    /// Bytes of the file: what was there, and what was written.
    len: usize,
    position: usize,
    append: bool,
    /// The block is ours, to be freed.
    owned: bool,
}

impl Fixed {
    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the program gave a block of this size, or it is ours.
        unsafe { core::slice::from_raw_parts_mut(self.at, self.room) }
    }

    /// Reads.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, i32> {
        let (from, len) = (self.position.min(self.len), self.len);
        let count = buffer.len().min(len - from);
        buffer[..count].copy_from_slice(&self.bytes()[from..from + count]);
        self.position += count;
        Ok(count)
    }

    /// Writes, and a zero behind if there is room.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, i32> {
        if self.append {
            self.position = self.len;
        }
        let from = self.position;
        let count = bytes.len().min(self.room.saturating_sub(from));
        if count == 0 {
            return Err(ENOSPC);
        }
        self.bytes()[from..from + count].copy_from_slice(&bytes[..count]);
        self.position += count;
        if self.position > self.len {
            self.len = self.position;
            let len = self.len;
            if let Some(end) = self.bytes().get_mut(len) {
                *end = 0;
            }
        }
        Ok(count)
    }

    /// Moves the position, within the block.
    pub fn seek(&mut self, offset: i64, whence: Whence) -> Result<u64, i32> {
        let at = target(self.position, self.len, offset, whence)?;
        if at > self.room {
            return Err(EINVAL);
        }
        self.position = at;
        Ok(at as u64)
    }

    /// Gives the block back, if it is ours.
    pub fn close(&mut self) {
        if self.owned {
            // SAFETY: the block came from our heap, and the stream is closed.
            unsafe { alloc::release(self.at) };
        }
    }
}

/// Where the program wants to find block and size.
enum Wanted {
    Bytes(*mut *mut c_char),
    Wide(*mut *mut wchar_t),
}

/// A block that grows.
pub struct Growing {
    at: *mut u8,
    room: usize,
    len: usize,
    position: usize,
    wanted: Wanted,
    size: *mut size_t,
    /// The beginning of a character, for a wide stream.
    pending: [u8; utf8::MAX],
    pending_len: usize,
}

impl Growing {
    fn new(wanted: Wanted, size: *mut size_t) -> Option<Self> {
        let room = 64;
        let at = alloc::allocate_zeroed(room);
        let pending = [0; utf8::MAX];
        (!at.is_null()).then_some(Growing { at, room, len: 0, position: 0, wanted, size, pending, pending_len: 0 })
    }

    /// Puts bytes at the position; there is always room for a wide zero behind.
    fn place(&mut self, bytes: &[u8]) -> Result<(), i32> {
        let end = self.position.checked_add(bytes.len()).ok_or(ENOMEM)?;
        let needed = end.checked_add(size_of::<wchar_t>()).ok_or(ENOMEM)?;
        if needed > self.room {
            let room = needed.max(self.room * 2);
            // SAFETY: the block is ours.
            let block = unsafe { alloc::reallocate(self.at, room) };
            if block.is_null() {
                return Err(ENOMEM);
            }
            // SAFETY: the block has this room; its new part becomes zero.
            unsafe { block.add(self.room).write_bytes(0, room - self.room) };
            (self.at, self.room) = (block, room);
        }
        // SAFETY: there is room.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.at.add(self.position), bytes.len()) };
        self.position = end;
        self.len = self.len.max(end);
        Ok(())
    }

    /// Writes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, i32> {
        if matches!(self.wanted, Wanted::Bytes(_)) {
            self.place(bytes)?;
        } else {
            bytes.iter().try_for_each(|&byte| self.place_wide(byte))?;
        }
        self.publish();
        Ok(bytes.len())
    }

    fn place_wide(&mut self, byte: u8) -> Result<(), i32> {
        self.pending[self.pending_len] = byte;
        self.pending_len += 1;
        match utf8::decode(&self.pending[..self.pending_len]) {
            Decoded::Incomplete => Ok(()),
            Decoded::Invalid => {
                self.pending_len = 0;
                Err(libc::EILSEQ)
            }
            Decoded::Character(character, _) => {
                self.pending_len = 0;
                self.place(&(character as wchar_t).to_ne_bytes())
            }
        }
    }

    fn unit(&self) -> usize {
        if matches!(self.wanted, Wanted::Bytes(_)) { 1 } else { size_of::<wchar_t>() }
    }

    /// Moves the position; what lies between the end and what is written behind it is zero.
    pub fn seek(&mut self, offset: i64, whence: Whence) -> Result<u64, i32> {
        let unit = self.unit();
        let at = target(self.position / unit, self.len / unit, offset, whence)?;
        self.position = at.checked_mul(unit).ok_or(EINVAL)?;
        Ok(at as u64)
    }

    /// Tells the program where the block is, and how much is in it: up to the position, at most all.
    pub fn publish(&mut self) {
        let end = self.position.min(self.len);
        // SAFETY: the program gave places for both, and there is room for the zero.
        unsafe {
            if end == self.len {
                self.at.add(end).write_bytes(0, self.unit());
            }
            match self.wanted {
                Wanted::Bytes(to) => *to = self.at.cast(),
                Wanted::Wide(to) => *to = self.at.cast(),
            }
            *self.size = end / self.unit();
        }
    }
}

/// `fmemopen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fmemopen(buf: *mut c_void, size: size_t, mode: *const c_char) -> *mut FILE {
    // SAFETY: POSIX demands a C string.
    let Some(mode) = (unsafe { Mode::parse(mode) }) else {
        errno::set(EINVAL);
        return null_mut();
    };
    let owned = buf.is_null();
    let at = if owned { alloc::allocate_zeroed(size.max(1)) } else { buf.cast::<u8>() };
    if at.is_null() {
        errno::set(ENOMEM);
        return null_mut();
    }
    // SAFETY: POSIX demands a block of this size.
    let len = unsafe {
        let block = core::slice::from_raw_parts_mut(at, size);
        if mode.truncate && size > 0 {
            block[0] = 0;
        }
        let used = block.iter().position(|&byte| byte == 0).unwrap_or(size);
        if mode.append || mode.truncate || owned { used } else { size }
    };
    let position = if mode.append { len } else { 0 };
    let fixed = Fixed { at, room: size, len, position, append: mode.append, owned };
    let stream = file::create(Target::Fixed(fixed), Buffering::Full, mode.readable, mode.writable);
    if stream.is_null() && owned {
        // SAFETY: the block is ours.
        unsafe { alloc::release(at) };
    }
    stream
}

fn growing(wanted: Wanted, size: *mut size_t) -> *mut FILE {
    let Some(mut growing) = Growing::new(wanted, size) else {
        errno::set(ENOMEM);
        return null_mut();
    };
    growing.publish();
    let block = growing.at;
    let stream = file::create(Target::Growing(growing), Buffering::Full, false, true);
    if stream.is_null() {
        // SAFETY: the block is ours; there is no stream that tells of it.
        unsafe { alloc::release(block) };
    }
    stream
}

/// `open_memstream`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open_memstream(to: *mut *mut c_char, size: *mut size_t) -> *mut FILE {
    growing(Wanted::Bytes(to), size)
}

/// `open_wmemstream`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open_wmemstream(to: *mut *mut wchar_t, size: *mut size_t) -> *mut FILE {
    growing(Wanted::Wide(to), size)
}
