//! Reading, writing, seeking.

use core::sync::atomic::Ordering;

use syscall::error::{EINVAL, EIO, EOVERFLOW, ESPIPE, Error, Result};
use syscall::schemev2::Opcode;
use syscall::{O_APPEND, O_FCNTL_MASK, O_NONBLOCK, RwFlags, SEEK_CUR, SEEK_END, SEEK_SET};

use super::credentials;
use crate::context::Thread;
use crate::memory::UserSlice;
use crate::scheme::user::{Back, Payload, UserScheme, sqe};
use crate::scheme::{Description, Io, Target};

/// `offset` of a request for a description that has no position.
const NO_OFFSET: usize = usize::MAX;
/// `flags` of `SYS_READ2` and `SYS_WRITE2` that stands for those of the description.
const SAME_FLAGS: u32 = u32::MAX;

#[inline]
fn transfer(
    scheme: &UserScheme,
    opcode: Opcode,
    number: usize,
    slice: UserSlice,
    offset: usize,
    flags: usize,
) -> Result<usize> {
    let reads = matches!(opcode, Opcode::Read);
    let back = if reads { Back::Result } else { Back::Nothing };
    let count =
        scheme.call_short(opcode, number, (offset, flags & O_FCNTL_MASK, credentials()), slice, !reads, back)?;
    // A daemon that claims more than it was asked for is mistaken or worse.
    if count > slice.len() { Err(Error::new(EIO)) } else { Ok(count) }
}

/// `SYS_READ`: descriptor, buffer, length.
#[inline]
pub fn read(fd: usize, address: usize, len: usize) -> Result<usize> {
    let slice = UserSlice::new(address, len)?;
    let description = Thread::current().descriptor(fd)?;
    let offset = description.offset.load(Ordering::Relaxed);
    let count = match &description.target {
        Target::User { scheme, number } => {
            let at = if description.positioned { offset as usize } else { NO_OFFSET };
            transfer(scheme, Opcode::Read, *number, slice, at, description.flags())?
        }
        Target::Kernel(object) => object.read(slice, Io { offset, nonblock: description.is_nonblocking() })?,
    };
    if description.positioned {
        description.offset.store(offset + count as u64, Ordering::Relaxed);
    }
    Ok(count)
}

/// `SYS_WRITE`: descriptor, buffer, length.
#[inline]
pub fn write(fd: usize, address: usize, len: usize) -> Result<usize> {
    let slice = UserSlice::new(address, len)?;
    let description = Thread::current().descriptor(fd)?;
    let flags = description.flags();
    let mut offset = description.offset.load(Ordering::Relaxed);
    let count = match &description.target {
        Target::User { scheme, number } => {
            if description.positioned && flags & O_APPEND != 0 {
                offset = scheme.call(sqe(Opcode::Fsize, [*number, 0, 0, 0, 0]), Payload::None)? as u64;
            }
            let at = if description.positioned { offset as usize } else { NO_OFFSET };
            transfer(scheme, Opcode::Write, *number, slice, at, flags)?
        }
        Target::Kernel(object) => object.write(slice, Io { offset, nonblock: description.is_nonblocking() })?,
    };
    if description.positioned {
        description.offset.store(offset + count as u64, Ordering::Relaxed);
    }
    Ok(count)
}

/// Status flags for one transfer.
fn flags_of(description: &Description, flags: usize) -> Result<usize> {
    if flags as u32 == SAME_FLAGS {
        return Ok(description.flags());
    }
    let flags = RwFlags::from_bits(flags as u32).ok_or(Error::new(EINVAL))?;
    let mut status = description.flags() & !(O_NONBLOCK | O_APPEND);
    if flags.contains(RwFlags::NONBLOCK) {
        status |= O_NONBLOCK;
    }
    if flags.contains(RwFlags::APPEND) {
        status |= O_APPEND;
    }
    Ok(status)
}

/// `SYS_READ2`: as `read`, at an offset that leaves the description's position alone, with flags for this time.
pub fn read_at(fd: usize, address: usize, len: usize, offset: usize, flags: usize) -> Result<usize> {
    let slice = UserSlice::new(address, len)?;
    let description = Thread::current().descriptor(fd)?;
    let flags = flags_of(&description, flags)?;
    match &description.target {
        Target::User { scheme, number } => transfer(scheme, Opcode::Read, *number, slice, offset, flags),
        Target::Kernel(object) if object.is_positioned() => {
            object.read(slice, Io { offset: offset as u64, nonblock: flags & O_NONBLOCK != 0 })
        }
        Target::Kernel(_) => Err(Error::new(ESPIPE)),
    }
}

/// `SYS_WRITE2`: as `read_at`.
pub fn write_at(fd: usize, address: usize, len: usize, offset: usize, flags: usize) -> Result<usize> {
    let slice = UserSlice::new(address, len)?;
    let description = Thread::current().descriptor(fd)?;
    let flags = flags_of(&description, flags)?;
    match &description.target {
        Target::User { scheme, number } => transfer(scheme, Opcode::Write, *number, slice, offset, flags),
        Target::Kernel(object) if object.is_positioned() => {
            object.write(slice, Io { offset: offset as u64, nonblock: flags & O_NONBLOCK != 0 })
        }
        Target::Kernel(_) => Err(Error::new(ESPIPE)),
    }
}

/// `SYS_LSEEK`: descriptor, offset, from where.
pub fn seek(fd: usize, offset: isize, whence: usize) -> Result<usize> {
    let description = Thread::current().descriptor(fd)?;
    if !description.positioned {
        return Err(Error::new(ESPIPE));
    }
    let base = match whence {
        SEEK_SET => 0,
        SEEK_CUR => description.offset.load(Ordering::Relaxed),
        SEEK_END => match &description.target {
            Target::User { scheme, number } => {
                let mut request = sqe(Opcode::Fsize, [*number, 0, 0, 0, 0]);
                request.args[5] = credentials();
                scheme.call(request, Payload::None)? as u64
            }
            Target::Kernel(object) => object.size()?,
        },
        _ => return Err(Error::new(EINVAL)),
    };
    // File positions stay within `off_t`; memory of an address space uses the same range.
    let target = base.checked_add_signed(offset as i64).ok_or(Error::new(EINVAL))?;
    if target > i64::MAX as u64 {
        return Err(Error::new(EOVERFLOW));
    }
    description.offset.store(target, Ordering::Relaxed);
    Ok(target as usize)
}
