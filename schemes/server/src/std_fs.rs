//! The standard file system calls that come as messages (`CallFlags::STD_FS`): from words and bytes to calls of the scheme.
//!
//! The payload is the client's: its length and alignment are not to be trusted.

use redox_scheme::CallerCtx;
use redox_scheme::scheme::OpCall;
use syscall::data::{Stat, StatVfs, TimeSpec};
use syscall::dirent::{DirentBuf, DirentHeader};
use syscall::error::{EINVAL, EOPNOTSUPP, Error, Result};
use syscall::flag::{O_DIRECTORY, O_NOFOLLOW, O_SYMLINK, StdFsCallKind};

use crate::Scheme;
use crate::locks::{Lock, Owner, Range};

/// Beside `StdFsCallKind::Lock` in the first word of a call: wait until the lock can be given.
pub const LOCK_WAIT: u64 = 1 << 8;
/// A kind of our own beside those of `StdFsCallKind`: the attributes of what has a path, without opening it. The number is
/// that of the directory. The payload is room for a `Stat` and behind it the path; the second word has flags of opening,
/// of which `O_SYMLINK`, `O_NOFOLLOW` and `O_DIRECTORY` count. A scheme that does not know it answers `EOPNOTSUPP`, and the
/// client opens.
pub const STAT_AT: u8 = 128;
/// In the first word of a lock's range: the lock belongs to the open file, not to the process.
const OF_DESCRIPTION: u64 = 1 << 63;
/// In the second word of a lock's range: nobody else may have one.
const EXCLUSIVE: u64 = 1 << 63;
/// Nanoseconds in a second.
const SECOND: i32 = 1_000_000_000;

/// The call, if it has a known kind.
pub(crate) fn kind(call: &OpCall) -> Option<StdFsCallKind> {
    call.metadata().first().and_then(|&word| StdFsCallKind::try_from_raw(word as u8))
}

/// What the words of a lock call say.
pub(crate) struct LockCall {
    /// The lock; for unlocking, who and where.
    pub lock: Lock,
    /// Whether to wait.
    pub wait: bool,
}

impl LockCall {
    /// Takes the words apart.
    pub fn decode(words: &[u64], id: usize, pid: usize) -> Result<Self> {
        let &[kind, start, len] = words else {
            return Err(Error::new(EINVAL));
        };
        let owner = if start & OF_DESCRIPTION != 0 { Owner::Description(id) } else { Owner::Process(pid) };
        let range = Range::new(start & !OF_DESCRIPTION, len & !EXCLUSIVE)?;
        Ok(Self { lock: Lock { owner, exclusive: len & EXCLUSIVE != 0, range }, wait: kind & LOCK_WAIT != 0 })
    }

    /// Writes a lock as a client that asked for it gets it: two words.
    pub fn encode(lock: &Lock, payload: &mut [u8]) -> Result<()> {
        let len = lock.range.len() | if lock.exclusive { EXCLUSIVE } else { 0 };
        let [start, len] = [lock.range.start().to_ne_bytes(), len.to_ne_bytes()];
        let room = payload.first_chunk_mut::<16>().ok_or(Error::new(EINVAL))?;
        room[..8].copy_from_slice(&start);
        room[8..].copy_from_slice(&len);
        Ok(())
    }
}

/// Carries out a call that has nothing to do with locks.
pub(crate) fn call(scheme: &mut impl Scheme, kind: StdFsCallKind, op: &mut OpCall, ctx: &CallerCtx) -> Result<usize> {
    let (ids, payload, words) = op.fds_and_payload_and_metadata();
    let word = |index: usize| words.get(index).copied().unwrap_or(0);
    if let (StdFsCallKind::Relpathat, &[file, dir]) = (kind, ids) {
        return scheme.relpathat(file, dir, payload, ctx);
    }
    let &[id] = ids else { return Err(Error::new(EINVAL)) };
    match kind {
        StdFsCallKind::Fchmod => scheme.fchmod(id, word(1) as u16, ctx).map(|()| 0),
        StdFsCallKind::Fchown => scheme.fchown(id, word(1) as u32, (word(1) >> 32) as u32, ctx).map(|()| 0),
        StdFsCallKind::Getdents => {
            // The only header there is; the length of the longer ones that the format allows is not ours to make up.
            let header = u16::try_from(word(2)).ok().filter(|&size| usize::from(size) == size_of::<DirentHeader>());
            let entries = header.and_then(|header| DirentBuf::new(payload, header)).ok_or(Error::new(EINVAL))?;
            scheme.getdents(id, entries, word(1)).map(DirentBuf::finalize)
        }
        StdFsCallKind::Fstat => {
            let mut stat = Stat::default();
            let room = sized(payload, size_of::<Stat>())?;
            scheme.fstat(id, &mut stat, ctx)?;
            room.copy_from_slice(&stat);
            Ok(0)
        }
        StdFsCallKind::Fstatvfs => {
            let mut stat = StatVfs::default();
            let room = sized(payload, size_of::<StatVfs>())?;
            scheme.fstatvfs(id, &mut stat, ctx)?;
            room.copy_from_slice(&stat);
            Ok(0)
        }
        StdFsCallKind::Fsync => scheme.fsync(id, ctx).map(|()| 0),
        StdFsCallKind::Ftruncate => scheme.ftruncate(id, word(1), ctx).map(|()| 0),
        StdFsCallKind::Futimens => {
            let bytes = sized(payload, 2 * size_of::<TimeSpec>())?;
            let (access, change) = bytes.split_at(size_of::<TimeSpec>());
            scheme.futimens(id, &[time(access)?, time(change)?], ctx).map(|()| 0)
        }
        _ => Err(Error::new(EOPNOTSUPP)),
    }
}

/// Carries out a [`STAT_AT`].
#[inline]
pub(crate) fn stat_at<S: Scheme>(
    scheme: &mut S,
    dir: usize,
    flags: usize,
    payload: &mut [u8],
    ctx: &CallerCtx,
) -> Result<usize> {
    const FLAGS: usize = O_SYMLINK | O_NOFOLLOW | O_DIRECTORY;
    let (room, path) = payload.split_at_mut_checked(size_of::<Stat>()).ok_or(Error::new(EINVAL))?;
    let path = str::from_utf8(path).map_err(|_| Error::new(EINVAL))?;
    let mut stat = Stat::default();
    scheme.stat_at(dir, path, flags & FLAGS, &mut stat, ctx)?;
    room.copy_from_slice(&stat);
    Ok(0)
}

/// The payload, if it has the right length.
fn sized(payload: &mut [u8], len: usize) -> Result<&mut [u8]> {
    if payload.len() == len { Ok(payload) } else { Err(Error::new(EINVAL)) }
}

fn time(bytes: &[u8]) -> Result<TimeSpec> {
    let (seconds, rest) = bytes.split_first_chunk().ok_or(Error::new(EINVAL))?;
    let nanoseconds = rest.first_chunk().ok_or(Error::new(EINVAL))?;
    let time = TimeSpec { tv_sec: i64::from_ne_bytes(*seconds), tv_nsec: i32::from_ne_bytes(*nanoseconds) };
    if (0..SECOND).contains(&time.tv_nsec) { Ok(time) } else { Err(Error::new(EINVAL)) }
}
