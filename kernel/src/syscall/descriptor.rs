//! Opening, closing, duplicating descriptors; their flags.

use alloc::sync::Arc;

use syscall::error::{EEXIST, EINVAL, EIO, EMFILE, ENAMETOOLONG, ENODEV, ENOSYS, EOPNOTSUPP, Error, Result};
use syscall::schemev2::{NewFdFlags, Opcode};
use syscall::{F_DUPFD, F_GET_SCHEMEID, F_GETFD, F_GETFL, F_SETFD, F_SETFL, O_ACCMODE, O_FCNTL_MASK, O_WRONLY};

use super::credentials;
use crate::context::Thread;
use crate::memory::{UserSlice, admit};
use crate::scheme::user::request::Answer;
use crate::scheme::user::{Back, Payload, UserScheme, sqe};
use crate::scheme::{Description, Opened, Target};

/// Longest argument of `dup`.
const DUP_MAX: usize = 4096;

/// The description that an answer to open or dup stands for.
fn opened(scheme: &Arc<UserScheme>, answer: Answer, flags: usize) -> Result<Arc<Description>> {
    if answer.is_descriptor {
        return answer.given.into_iter().next().ok_or(Error::new(EIO));
    }
    let positioned = answer.extra & NewFdFlags::POSITIONED.bits() != 0;
    Ok(Description::user(scheme.clone(), answer.value, flags, positioned, 0))
}

/// `SYS_OPENAT_INTO2`: directory, path, length (with status flags), flags, number to use.
pub fn openat(dir: usize, path: usize, len: usize, flags: usize, out: usize) -> Result<usize> {
    admit()?;
    let status = len & O_FCNTL_MASK;
    let slice = UserSlice::new(path, len & !O_FCNTL_MASK)?;
    let me = Thread::current();
    let files = me.files()?;
    let directory = files.get(dir)?;
    files.check_free(out)?;
    let kept = flags & !O_FCNTL_MASK | status | flags & O_FCNTL_MASK;
    let description = match &directory.target {
        Target::User { scheme, number } => {
            let mut request = sqe(Opcode::OpenAt, [*number, 0, 0, flags, status]);
            request.args[5] = credentials();
            let answer =
                with_path(slice, |path| scheme.exchange(request, Payload::Bytes(path), alloc::vec::Vec::new()))?;
            opened(scheme, answer, kept)?
        }
        Target::Kernel(object) => Description::kernel(object.openat(&slice.to_path()?, flags)?, kept),
    };
    files.insert(out, description)?;
    Ok(out)
}

/// Calls `act` with a checked copy of a path, which is on the stack when it is short.
pub fn with_path<R>(slice: UserSlice, act: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
    const SHORT: usize = 128;
    if slice.len() <= SHORT {
        let mut bytes = [0u8; SHORT];
        let path = &mut bytes[..slice.len()];
        slice.read(path)?;
        check_path(path)?;
        return act(path);
    }
    if slice.len() > crate::memory::user::PATH_MAX {
        return Err(Error::new(ENAMETOOLONG));
    }
    act(slice.to_path()?.as_bytes())
}

/// Daemons take paths for valid UTF-8 without NUL.
fn check_path(path: &[u8]) -> Result<()> {
    // Ordinary paths are ASCII: one pass that finds anything else.
    let plain = path.iter().fold(true, |plain, &byte| plain & (byte.wrapping_sub(1) < 0x7f));
    if plain || (core::str::from_utf8(path).is_ok() && !path.contains(&0)) { Ok(()) } else { Err(Error::new(EINVAL)) }
}

/// `SYS_CLOSE`.
pub fn close(fd: usize) -> Result<usize> {
    Thread::current().files()?.remove(fd)?.detach();
    Ok(0)
}

/// What `dup` with this argument makes of a description.
fn duplicate(description: &Arc<Description>, slice: UserSlice) -> Result<Arc<Description>> {
    if slice.is_empty() {
        return Ok(description.clone());
    }
    if slice.len() > DUP_MAX {
        return Err(Error::new(EINVAL));
    }
    match &description.target {
        Target::User { scheme, number } => {
            let mut request = sqe(Opcode::Dup, [*number, 0, 0, 0, 0]);
            request.args[5] = credentials();
            let payload = Payload::User { slice, to_daemon: true, back: Back::Nothing };
            let answer = scheme.exchange(request, payload, alloc::vec::Vec::new())?;
            opened(scheme, answer, description.flags())
        }
        Target::Kernel(object) => match object.dup(&slice.to_vec(DUP_MAX)?)? {
            Opened::Same => Ok(description.clone()),
            Opened::Object(object) => Ok(Description::kernel(object, description.flags())),
            Opened::Writer(object) => Ok(Description::kernel(object, description.flags() & !O_ACCMODE | O_WRONLY)),
            Opened::Description(description) => Ok(description),
        },
    }
}

/// `SYS_DUP_INTO`: descriptor, argument, its length, number to use.
pub fn dup(fd: usize, argument: usize, len: usize, out: usize) -> Result<usize> {
    admit()?;
    let slice = UserSlice::new(argument, len)?;
    let files = Thread::current().files()?;
    let description = files.get(fd)?;
    files.check_free(out)?;
    files.insert(out, duplicate(&description, slice)?)?;
    Ok(out)
}

/// `SYS_DUP2`: descriptor, number to use (what is there is closed), argument, its length.
pub fn dup2(fd: usize, out: usize, argument: usize, len: usize) -> Result<usize> {
    admit()?;
    let slice = UserSlice::new(argument, len)?;
    let files = Thread::current().files()?;
    let description = files.get(fd)?;
    if fd == out && slice.is_empty() {
        return Ok(out);
    }
    if let Some(old) = files.replace(out, duplicate(&description, slice)?)? {
        old.detach();
    }
    Ok(out)
}

/// `SYS_FCNTL`: descriptor, command, argument.
pub fn fcntl(fd: usize, command: usize, argument: usize) -> Result<usize> {
    let files = Thread::current().files()?;
    let description = files.get(fd)?;
    match command {
        F_DUPFD => {
            admit()?;
            files
                .insert(argument, description)
                .map(|()| argument)
                .map_err(|error| if error.errno == EEXIST { Error::new(EMFILE) } else { error })
        }
        // Close-on-exec is libc's affair.
        F_GETFD | F_SETFD => Ok(0),
        F_GETFL => Ok(description.flags()),
        F_SETFL => {
            if let Target::User { scheme, number } = &description.target {
                match ask_fcntl(scheme, *number, command, argument) {
                    Err(error) if !matches!(error.errno, EOPNOTSUPP | ENOSYS) => return Err(error),
                    _ => {}
                }
            }
            description.set_status_flags(argument);
            Ok(0)
        }
        F_GET_SCHEMEID => Ok(match &description.target {
            // Whoever keeps a name for the scheme learns here that nobody serves it any more.
            Target::User { scheme, .. } if scheme.is_dead() => return Err(Error::new(ENODEV)),
            Target::User { scheme, .. } => scheme.id() as usize,
            Target::Kernel(object) => object.scheme() as usize,
        }),
        _ => match &description.target {
            Target::User { scheme, number } => ask_fcntl(scheme, *number, command, argument),
            Target::Kernel(_) => Err(Error::new(EINVAL)),
        },
    }
}

fn ask_fcntl(scheme: &UserScheme, number: usize, command: usize, argument: usize) -> Result<usize> {
    let mut request = sqe(Opcode::Fcntl, [number, command, argument, 0, 0]);
    request.args[5] = credentials();
    scheme.call(request, Payload::None)
}
