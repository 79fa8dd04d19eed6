//! Attributes and names of what descriptors lead to.

use alloc::format;
use core::mem::offset_of;

use syscall::error::{EINVAL, EOPNOTSUPP, EXDEV, Error, Result};
use syscall::schemev2::Opcode;
use syscall::{Stat, StatVfs};

use super::credentials;
use super::descriptor::with_path;
use crate::context::Thread;
use crate::memory::UserSlice;
use crate::scheme::Target;
use crate::scheme::object::Object;
use crate::scheme::user::{Back, Payload, sqe};

/// Copies a structure's fields to user memory, with zeros where it has padding.
macro_rules! write_fields {
    ($slice:expr, $value:expr, $kind:ty, $($field:ident),+) => {{
        let mut bytes = [0u8; size_of::<$kind>()];
        $({
            let field = $value.$field.to_ne_bytes();
            bytes[offset_of!($kind, $field)..][..field.len()].copy_from_slice(&field);
        })+
        $slice.write(&bytes)
    }};
}

/// Writes a `Stat`; the device is the scheme's number, whoever made the rest.
pub fn write_stat(slice: UserSlice, stat: &Stat) -> Result<()> {
    write_fields!(
        slice,
        stat,
        Stat,
        st_dev,
        st_ino,
        st_mode,
        st_nlink,
        st_uid,
        st_gid,
        st_size,
        st_blksize,
        st_blocks,
        st_mtime,
        st_mtime_nsec,
        st_atime,
        st_atime_nsec,
        st_ctime,
        st_ctime_nsec
    )
}

/// Writes a `StatVfs`.
pub fn write_statvfs(slice: UserSlice, stat: &StatVfs) -> Result<()> {
    write_fields!(slice, stat, StatVfs, f_bsize, f_blocks, f_bfree, f_bavail)
}

/// `Stat` of a kernel object.
pub fn kernel_stat(object: &dyn Object, slice: UserSlice) -> Result<usize> {
    let stat = Stat { st_dev: object.scheme() as u64, st_nlink: 1, ..object.stat()? };
    write_stat(slice, &stat).map(|()| 0)
}

/// `SYS_FSTAT`: descriptor, buffer, its length.
pub fn stat(fd: usize, address: usize, len: usize) -> Result<usize> {
    if len < size_of::<Stat>() {
        return Err(Error::new(EINVAL));
    }
    let slice = UserSlice::new(address, size_of::<Stat>())?;
    let description = Thread::current().descriptor(fd)?;
    match &description.target {
        Target::Kernel(object) => kernel_stat(&**object, slice),
        Target::User { scheme, number } => {
            scheme.call_short(Opcode::Fstat, *number, (0, 0, credentials()), slice, false, Back::All)?;
            write_device(slice, scheme.id())?;
            Ok(0)
        }
    }
}

/// Puts the scheme's number in as the device.
pub fn write_device(slice: UserSlice, id: u32) -> Result<()> {
    slice.skip(offset_of!(Stat, st_dev)).write_value(&u64::from(id))
}

/// `SYS_FPATH`: descriptor, buffer, its length; answers the path's length.
pub fn path(fd: usize, address: usize, len: usize) -> Result<usize> {
    let slice = UserSlice::new(address, len)?;
    let description = Thread::current().descriptor(fd)?;
    match &description.target {
        Target::Kernel(object) => {
            slice.write_part(format!("/scheme/{}/{}", object.scheme().as_str(), object.path()?).as_bytes())
        }
        Target::User { scheme, number } => {
            let mut request = sqe(Opcode::Fpath, [*number, 0, 0, 0, 0]);
            request.args[5] = credentials();
            scheme.call(request, Payload::User { slice, to_daemon: false, back: Back::Result })
        }
    }
}

/// `SYS_FSYNC`.
pub fn sync(fd: usize) -> Result<usize> {
    let description = Thread::current().descriptor(fd)?;
    match &description.target {
        Target::Kernel(object) => object.sync().map(|()| 0),
        Target::User { scheme, number } => {
            let mut request = sqe(Opcode::Fsync, [*number, 0, 0, 0, 0]);
            request.args[5] = credentials();
            scheme.call(request, Payload::None)
        }
    }
}

/// `SYS_FCHOWN`: descriptor, user, group.
pub fn chown(fd: usize, uid: usize, gid: usize) -> Result<usize> {
    let description = Thread::current().descriptor(fd)?;
    let Target::User { scheme, number } = &description.target else {
        return Err(Error::new(EOPNOTSUPP));
    };
    let mut request = sqe(Opcode::Fchown, [*number, uid, gid, 0, 0]);
    request.args[5] = credentials();
    scheme.call(request, Payload::None)
}

fn named(fd: usize, opcode: Opcode, path: usize, len: usize, flags: usize) -> Result<usize> {
    let slice = UserSlice::new(path, len)?;
    let description = Thread::current().descriptor(fd)?;
    let Target::User { scheme, number } = &description.target else {
        return Err(Error::new(EXDEV));
    };
    let mut request = sqe(opcode, [*number, 0, 0, flags, 0]);
    request.args[5] = credentials();
    with_path(slice, |path| scheme.call(request, Payload::Bytes(path)))
}

/// `SYS_FRENAME`: descriptor, new path, its length.
pub fn rename(fd: usize, path: usize, len: usize) -> Result<usize> {
    named(fd, Opcode::Frename, path, len, 0)
}

/// `SYS_FLINK`: descriptor, new path, its length.
pub fn link(fd: usize, path: usize, len: usize) -> Result<usize> {
    named(fd, Opcode::Flink, path, len, 0)
}

/// `SYS_UNLINKAT`: directory, path, its length, flags.
pub fn unlinkat(fd: usize, path: usize, len: usize, flags: usize) -> Result<usize> {
    named(fd, Opcode::UnlinkAt, path, len, flags)
}
