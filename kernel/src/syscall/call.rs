//! `SYS_CALL`: messages with a payload, the standard calls of file systems among them, and descriptors sent and received.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::dirent::{DirentHeader, DirentKind};
use syscall::error::{EBUSY, EINVAL, EOPNOTSUPP, EXDEV, Error, Result};
use syscall::schemev2::{Opcode, SqeFlags};
use syscall::{CallFlags, FmoveFdFlags, Stat, StdFsCallKind};

use super::attributes::{kernel_stat, write_device, write_statvfs};
use super::credentials;
use crate::context::Thread;
use crate::memory::{UserSlice, admit};
use crate::scheme::object::Object;
use crate::scheme::user::{Back, Payload, sqe};
use crate::scheme::{Description, Holder, Target};

/// Most metadata words.
const MAX_METADATA: usize = 8;
/// Most descriptors sent or received at once.
const MAX_FDS: usize = 64;
/// Low bits of the fourth argument: number of metadata words.
const COUNT_MASK: usize = 0xff;

/// `SYS_CALL`: descriptor (or, with `MULTIPLE_FDS2`, address and number of two), payload, its length, flags with the number of
/// metadata words, address of the metadata.
#[inline]
pub fn call(fd: usize, payload: usize, len: usize, flags: usize, metadata: usize) -> Result<usize> {
    let slice = UserSlice::new(payload, len)?;
    const PLAIN: usize = CallFlags::READ.bits() | CallFlags::WRITE.bits() | 3;
    if flags == PLAIN {
        // What a daemon does all day (`Socket::call`).
        let metadata: [u64; 3] = UserSlice::new(metadata, 24)?.read_value()?;
        let description = Thread::current().descriptor(fd)?;
        return match &description.target {
            Target::Kernel(object) => object.call(slice, CallFlags::READ | CallFlags::WRITE, &metadata),
            Target::User { .. } => call_user(&description, None, slice, CallFlags::READ | CallFlags::WRITE, &metadata),
        };
    }
    let count = flags & COUNT_MASK;
    let flags = CallFlags::from_bits(flags & !COUNT_MASK).ok_or(Error::new(EINVAL))?;
    if count > MAX_METADATA {
        return Err(Error::new(EINVAL));
    }
    let source = UserSlice::new(metadata, count * 8)?;
    let mut words = [0u64; MAX_METADATA];
    for (index, word) in words[..count].iter_mut().enumerate() {
        *word = source.skip(index * 8).read_value()?;
    }
    let metadata = &words[..count];
    if flags.contains(CallFlags::MULTIPLE_FDS2) {
        return call_two(fd, slice, flags, metadata);
    }
    let me = Thread::current();
    let description = if flags.contains(CallFlags::CONSUME) { me.files()?.remove(fd)? } else { me.descriptor(fd)? };
    if flags.contains(CallFlags::FD) {
        return pass_descriptors(&description, slice, flags, metadata);
    }
    match &description.target {
        Target::Kernel(object) if flags.contains(CallFlags::STD_FS) => std_fs(&**object, slice, metadata),
        Target::Kernel(object) => object.call(slice, flags, metadata),
        Target::User { .. } => call_user(&description, None, slice, flags, metadata),
    }
}

/// A call on two descriptors of one scheme.
fn call_two(packed: usize, slice: UserSlice, flags: CallFlags, metadata: &[u64]) -> Result<usize> {
    let (address, count) = (packed & !7, packed & 7);
    if count != 2 || flags.contains(CallFlags::FD) {
        return Err(Error::new(EINVAL));
    }
    let fds: [u64; 2] = UserSlice::new(address, 16)?.read_value()?;
    let files = Thread::current().files()?;
    let (first, second) = (files.get(fds[0] as usize)?, files.get(fds[1] as usize)?);
    match (&first.target, &second.target) {
        (Target::User { scheme, .. }, Target::User { scheme: other, number }) if Arc::ptr_eq(scheme, other) => {
            call_user(&first, Some(*number), slice, flags, metadata)
        }
        _ => Err(Error::new(EXDEV)),
    }
}

/// Whether a standard call has a word of the caller's where other requests have credentials. None of these is decided by them:
/// listing a directory takes the header's size there, locks take the length (docs/schemes.md).
fn keeps_third_word(kind: u64) -> bool {
    const KINDS: [StdFsCallKind; 4] =
        [StdFsCallKind::Getdents, StdFsCallKind::Lock, StdFsCallKind::Unlock, StdFsCallKind::GetLock];
    KINDS.iter().any(|&other| other as u64 == kind & 0xff)
}

fn call_user(
    description: &Description,
    second: Option<usize>,
    slice: UserSlice,
    flags: CallFlags,
    metadata: &[u64],
) -> Result<usize> {
    let Target::User { scheme, number } = &description.target else {
        return Err(Error::new(EXDEV));
    };
    let word = |index: usize| metadata.get(index).copied().unwrap_or(0);
    let standard = flags.contains(CallFlags::STD_FS);
    let opcode = if standard { Opcode::StdFsCall } else { Opcode::Call };
    let mut request = sqe(opcode, [*number, 0, 0, word(0) as usize, word(1) as usize]);
    request.args[5] = match second {
        Some(second) => {
            request.sqe_flags = SqeFlags::MULTIPLE_IDS;
            if standard {
                // The second number has the place of the credentials: here those are in the upper halves of the two words, of
                // which a standard call uses the lower ones only.
                let credentials = credentials();
                request.args[3] = word(0) & 0xffff_ffff | credentials >> 32 << 32;
                request.args[4] = word(1) & 0xffff_ffff | credentials << 32;
            }
            second as u64
        }
        None if standard && keeps_third_word(word(0)) => word(2),
        None => credentials(),
    };
    let kind = if standard { StdFsCallKind::try_from_raw(word(0) as u8) } else { None };
    let is_stat = kind == Some(StdFsCallKind::Fstat);
    if is_stat && slice.len() != size_of::<Stat>() {
        return Err(Error::new(EINVAL));
    }
    let (reads, writes) = (flags.contains(CallFlags::READ), flags.contains(CallFlags::WRITE));
    let back = match kind {
        // What these answer is the number of bytes.
        Some(StdFsCallKind::Getdents | StdFsCallKind::Relpathat) if reads => Back::Result,
        _ if reads => Back::All,
        _ => Back::Nothing,
    };
    // A payload that only comes back is shown to the daemon as well: what it leaves alone is the caller's own.
    let to_daemon = (writes || back == Back::All) && kind != Some(StdFsCallKind::Getdents);
    let payload = if reads || writes {
        Payload::User { slice, to_daemon, back }
    } else {
        Payload::User { slice: UserSlice::empty(), to_daemon: false, back: Back::Nothing }
    };
    if kind.is_some_and(takes_path) {
        check_utf8(slice)?;
    }
    let answer = scheme.exchange(request, payload, Vec::new())?;
    if answer.notify_detach {
        description.request_detach_notice();
    }
    if is_stat && reads {
        write_device(slice, scheme.id())?;
    }
    Ok(answer.value)
}

/// Standard calls whose payload is a path (or two, with a NUL between).
fn takes_path(kind: StdFsCallKind) -> bool {
    matches!(kind, StdFsCallKind::Unlinkat | StdFsCallKind::Frenameat | StdFsCallKind::Flinkat)
}

fn check_utf8(slice: UserSlice) -> Result<()> {
    let bytes = slice.to_vec(2 * crate::memory::user::PATH_MAX + 1)?;
    core::str::from_utf8(&bytes).map(drop).map_err(|_| Error::new(EINVAL))
}

/// The standard calls that objects of the kernel know.
fn std_fs(object: &dyn Object, slice: UserSlice, metadata: &[u64]) -> Result<usize> {
    let kind = metadata.first().and_then(|&word| StdFsCallKind::try_from_raw(word as u8)).ok_or(Error::new(EINVAL))?;
    match kind {
        StdFsCallKind::Fstat => kernel_stat(object, slice),
        StdFsCallKind::Fstatvfs => write_statvfs(slice, &object.statvfs()?).map(|()| 0),
        StdFsCallKind::Fsync => object.sync().map(|()| 0),
        StdFsCallKind::Getdents => {
            let header = metadata.get(2).copied().unwrap_or(0) as usize;
            if header != size_of::<DirentHeader>() {
                return Err(Error::new(EINVAL));
            }
            list(slice, &object.entries()?, metadata.get(1).copied().unwrap_or(0) as usize)
        }
        _ => Err(Error::new(EOPNOTSUPP)),
    }
}

/// Writes directory entries from number `first` on, as many as fit.
fn list(slice: UserSlice, names: &[String], first: usize) -> Result<usize> {
    let header = size_of::<DirentHeader>();
    let mut done = 0;
    for (index, name) in names.iter().enumerate().skip(first) {
        let record = (header + name.len() + 1).next_multiple_of(8);
        if done + record > slice.len() {
            if done == 0 {
                return Err(Error::new(EINVAL));
            }
            break;
        }
        let mut bytes = alloc::vec![0u8; record];
        bytes[0..8].copy_from_slice(&(index as u64 + 1).to_ne_bytes());
        bytes[8..16].copy_from_slice(&(index as u64 + 1).to_ne_bytes());
        bytes[16..18].copy_from_slice(&(record as u16).to_ne_bytes());
        bytes[18] = DirentKind::Unspecified as u8;
        bytes[header..header + name.len()].copy_from_slice(name.as_bytes());
        slice.skip(done).write(&bytes)?;
        done += record;
    }
    Ok(done)
}

/// Sends or receives descriptors; the payload holds their numbers.
fn pass_descriptors(description: &Description, slice: UserSlice, flags: CallFlags, metadata: &[u64]) -> Result<usize> {
    admit()?;
    let count = slice.len() / 8;
    if count == 0 || count > MAX_FDS || !slice.len().is_multiple_of(8) {
        return Err(Error::new(EINVAL));
    }
    let mut numbers = Vec::new();
    for index in 0..count {
        numbers.push(slice.skip(index * 8).read_value::<u64>()? as usize);
    }
    match (flags.contains(CallFlags::READ), flags.contains(CallFlags::WRITE)) {
        (false, true) => send(description, &numbers, flags, metadata),
        (true, false) => receive(description, slice, &numbers, flags, metadata),
        _ => Err(Error::new(EINVAL)),
    }
}

fn send(description: &Description, numbers: &[usize], flags: CallFlags, metadata: &[u64]) -> Result<usize> {
    let files = Thread::current().files()?;
    let sent = numbers.iter().map(|&fd| files.get(fd)).collect::<Result<Vec<_>>>()?;
    if flags.contains(CallFlags::FD_EXCLUSIVE) && sent.iter().any(|sent| Arc::strong_count(sent) > 2) {
        // One reference is the table's, one is ours.
        return Err(Error::new(EBUSY));
    }
    let done = match &description.target {
        Target::Kernel(object) => object.send(sent, flags, metadata)?,
        Target::User { scheme, number } => {
            sent.iter().try_for_each(|description| description.enter(Holder::Scheme))?;
            let kinds = FmoveFdFlags::empty().bits();
            let word = metadata.first().copied().unwrap_or(0) as usize;
            let mut request = sqe(Opcode::Sendfd, [*number, kinds, word, sent.len(), 0]);
            request.args[5] = credentials();
            scheme.exchange(request, Payload::None, sent).map(|answer| answer.value)?
        }
    };
    if !flags.contains(CallFlags::FD_CLONE) {
        for &fd in numbers {
            // Whoever closed it meanwhile was another thread of the sender.
            let _ = files.remove(fd);
        }
    }
    Ok(done)
}

fn receive(
    description: &Description,
    slice: UserSlice,
    numbers: &[usize],
    flags: CallFlags,
    metadata: &[u64],
) -> Result<usize> {
    let files = Thread::current().files()?;
    let chosen = numbers.iter().all(|&number| number != usize::MAX);
    if chosen {
        numbers.iter().try_for_each(|&number| files.check_free(number))?;
    }
    let count = numbers.len();
    let given = match &description.target {
        Target::Kernel(object) => object.receive(count, flags, metadata, description.is_nonblocking())?,
        Target::User { scheme, number } => {
            let word = |index: usize| metadata.get(index).copied().unwrap_or(0) as usize;
            let mut request = sqe(Opcode::Recvfd, [*number, 0, count, word(0), word(1)]);
            request.args[5] = credentials();
            let answer = scheme.exchange(request, Payload::None, Vec::new())?;
            if !answer.is_descriptor || answer.given.len() != count {
                return Err(Error::new(syscall::error::EIO));
            }
            answer.given
        }
    };
    if chosen {
        for (&number, description) in numbers.iter().zip(given) {
            files.insert(number, description)?;
        }
    } else {
        let picked = files.insert_lowest(given, flags.contains(CallFlags::FD_UPPER))?;
        for (index, number) in picked.iter().enumerate() {
            slice.skip(index * 8).write_value(&(*number as u64))?;
        }
    }
    Ok(count)
}
