//! What crate `libredox` imports: the C ABI of its versions 0.1 and 0.2. Every function answers a value or the negated
//! error number, as the kernel does, and takes descriptors of both ranges.

use libc::{O_CLOEXEC, c_int, iovec, stat, statvfs, timespec};
use syscall::error::{EINVAL, ENOSYS, Result};
use syscall::flag::{CallFlags, StdFsCallKind};

use crate::errno::error;
use crate::rt::files::{self, Place};
use crate::rt::signal::send;
use crate::rt::sys::{self, mux};
use crate::rt::{limits, resolve, roots, thread};
use crate::{dirent, fcntl, mman, signal, socket, stat as stat_h, string, time, unistd};

/// `NsDup::IssueRegister` of `libredox::protocol`: a handle through which one scheme can be put into a name space.
const NS_DUP_ISSUE_REGISTER: usize = 2;
/// Longest name of a scheme.
const NAME_MAX: usize = 255;

unsafe fn slice<'a>(base: *const u8, len: usize) -> &'a [u8] {
    if len == 0 {
        return &[];
    }
    // SAFETY: the callers of this file promise so many bytes.
    unsafe { core::slice::from_raw_parts(base, len) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_open_v1(path: *const u8, len: usize, flags: u32, mode: u16) -> usize {
    // SAFETY: the caller promises the path.
    let path = resolve::canonical(unsafe { slice(path, len) });
    mux(path.and_then(|path| fcntl::open_path(path, flags as c_int, mode.into())))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_openat_v1(dir: usize, path: *const u8, len: usize, flags: u32, fcntl_flags: u32) -> usize {
    // SAFETY: the caller promises the path.
    let path = unsafe { slice(path, len) };
    let place = Place::Program { cloexec: (flags | fcntl_flags) & O_CLOEXEC as u32 != 0 };
    let flags = (flags & !(O_CLOEXEC as u32)) as usize | fcntl_flags as usize & syscall::O_FCNTL_MASK;
    mux(files::openat(dir, path, flags, place))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_dup_v1(fd: usize, buf: *const u8, len: usize) -> usize {
    // SAFETY: the caller promises the bytes.
    mux(files::dup(fd, unsafe { slice(buf, len) }, Place::Program { cloexec: false }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_dup2_v1(fd: usize, new: usize, buf: *const u8, len: usize) -> usize {
    // SAFETY: the caller promises the bytes.
    mux(files::dup2(fd, new, unsafe { slice(buf, len) }, false))
}

#[unsafe(no_mangle)]
extern "C" fn redox_dup2_v2(fd: usize, new: usize) -> usize {
    mux(files::dup2(fd, new, b"", false))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_read_v1(fd: usize, buf: *mut u8, len: usize) -> usize {
    // SAFETY: the caller promises the room.
    mux(unsafe { sys::read_raw(fd, buf, len) })
}

#[unsafe(no_mangle)]
extern "C" fn redox_write_v1(fd: usize, buf: *const u8, len: usize) -> usize {
    let len = limits::writable(fd, len, None);
    mux(len.and_then(|len| sys::write_raw(fd, buf, len)).inspect_err(|error| unistd::tell_of_pipe(error.errno)))
}

#[unsafe(no_mangle)]
extern "C" fn redox_fchmod_v1(fd: usize, mode: u16) -> usize {
    mux(stat_h::change_mode(fd, mode.into()))
}

#[unsafe(no_mangle)]
extern "C" fn redox_fchown_v1(fd: usize, uid: u32, gid: u32) -> usize {
    mux(sys::fchown(fd, uid, gid))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_getdents_v0(fd: usize, buf: *mut u8, len: usize, opaque: u64) -> usize {
    // SAFETY: the caller promises the room.
    mux(unsafe { dirent::read_entries(fd, buf, len, opaque) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_fstat_v1(fd: usize, to: *mut stat) -> usize {
    mux(sys::fstat(fd).map(|from| {
        // SAFETY: the caller promises the room.
        unsafe { to.write(stat_h::convert(&from)) };
        0
    }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_fstatvfs_v1(fd: usize, to: *mut statvfs) -> usize {
    mux(stat_h::file_system(fd).map(|from| {
        // SAFETY: the caller promises the room.
        unsafe { to.write(from) };
        0
    }))
}

#[unsafe(no_mangle)]
extern "C" fn redox_fsync_v1(fd: usize) -> usize {
    mux(sys::fsync(fd))
}

#[unsafe(no_mangle)]
extern "C" fn redox_fdatasync_v1(fd: usize) -> usize {
    mux(sys::fsync(fd))
}

#[unsafe(no_mangle)]
extern "C" fn redox_ftruncate_v0(fd: usize, len: usize) -> usize {
    mux(unistd::set_length(fd, len as u64))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_futimens_v1(fd: usize, times: *const timespec) -> usize {
    // SAFETY: the caller promises two times.
    mux(unsafe { stat_h::set_times(fd, times) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_fpath_v1(fd: usize, buf: *mut u8, len: usize) -> usize {
    // SAFETY: the caller promises the room.
    mux(unsafe { sys::fpath(fd, buf, len) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_relpathat_v0(dir: usize, fd: usize, buf: *mut u8, len: usize) -> usize {
    let flags = CallFlags::STD_FS | CallFlags::READ | CallFlags::WRITE | CallFlags::MULTIPLE_FDS2;
    let fds = [fd, dir];
    let list = fds.as_ptr() as usize | fds.len();
    // SAFETY: the list lives through the call, the caller promises the room.
    mux(unsafe { sys::message(list, buf, len, flags, &[StdFsCallKind::Relpathat as u64, 0, 0]) })
}

#[unsafe(no_mangle)]
extern "C" fn redox_close_v1(fd: usize) -> usize {
    mux(files::close(fd))
}

#[unsafe(no_mangle)]
extern "C" fn redox_get_pid_v1() -> usize {
    thread::pid() as usize
}

#[unsafe(no_mangle)]
extern "C" fn redox_get_euid_v1() -> usize {
    mux(thread::attributes().map(|me| me.euid as usize))
}

#[unsafe(no_mangle)]
extern "C" fn redox_get_ruid_v1() -> usize {
    redox_get_euid_v1()
}

#[unsafe(no_mangle)]
extern "C" fn redox_get_egid_v1() -> usize {
    mux(thread::attributes().map(|me| me.egid as usize))
}

#[unsafe(no_mangle)]
extern "C" fn redox_get_rgid_v1() -> usize {
    redox_get_egid_v1()
}

/// The number of the effective name space, from when name spaces had numbers: there is one that counts.
#[unsafe(no_mangle)]
extern "C" fn redox_get_ens_v0() -> usize {
    mux(roots::namespace())
}

#[unsafe(no_mangle)]
extern "C" fn redox_get_ns_v0() -> usize {
    mux(roots::namespace())
}

#[unsafe(no_mangle)]
extern "C" fn redox_setns_v0(fd: usize) -> usize {
    roots::set_namespace(fd).unwrap_or(0)
}

/// Credentials of another process: the process manager's to tell.
#[unsafe(no_mangle)]
extern "C" fn redox_get_proc_credentials_v1(_cap: usize, _pid: usize, _buf: *mut u8, _len: usize) -> usize {
    mux(Err(error(ENOSYS)))
}

/// Entering the null name space, as daemons do to confine themselves: from now on no path can be opened. Descriptors stay.
#[unsafe(no_mangle)]
extern "C" fn redox_setrens_v1(_real: usize, effective: usize) -> usize {
    if effective != 0 {
        return mux(Err(error(EINVAL)));
    }
    roots::leave_namespace();
    0
}

/// A name space with these schemes only: `dup(namespace, ForkNs, names…)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn redox_mkns_v1(names: *const iovec, count: usize, _flags: u32) -> usize {
    /// Bytes of the request: kind, then each name behind its length.
    const ROOM: usize = 4096;
    /// `NsDup::ForkNs` of `libredox::protocol`.
    const FORK: usize = 0;
    let mut request = [0; ROOM];
    let mut at = size_of::<usize>();
    request[..at].copy_from_slice(&FORK.to_le_bytes());
    let mut push = |bytes: &[u8]| -> Result<()> {
        request.get_mut(at..at + bytes.len()).ok_or(error(libc::E2BIG))?.copy_from_slice(bytes);
        at += bytes.len();
        Ok(())
    };
    for index in 0..count {
        // SAFETY: the caller promises so many names.
        let name = unsafe {
            let entry = &*names.add(index);
            slice(entry.iov_base.cast(), entry.iov_len)
        };
        if let Err(error) = push(&name.len().to_le_bytes()).and_then(|()| push(name)) {
            return mux(Err(error));
        }
    }
    mux(roots::namespace().and_then(|ns| files::dup(ns, &request[..at], Place::Program { cloexec: true })))
}

/// Puts a scheme into a name space: `cap` is a descriptor of the scheme's root, which goes to the namespace manager.
#[unsafe(no_mangle)]
unsafe extern "C" fn redox_register_scheme_to_ns_v0(ns: usize, name: *const u8, len: usize, cap: usize) -> usize {
    // SAFETY: the caller promises the name.
    mux(register(ns, unsafe { slice(name, len) }, cap))
}

fn register(ns: usize, name: &[u8], cap: usize) -> Result<usize> {
    const KIND: usize = size_of::<usize>();
    let mut request = [0; KIND + NAME_MAX];
    let request = request.get_mut(..KIND + name.len()).ok_or(error(EINVAL))?;
    request[..KIND].copy_from_slice(&NS_DUP_ISSUE_REGISTER.to_le_bytes());
    request[KIND..].copy_from_slice(name);
    let handle = files::dup(ns, request, Place::Libc)?;
    let mut payload = cap;
    // SAFETY: the payload is ours.
    let sent = unsafe {
        let flags = CallFlags::WRITE | CallFlags::FD;
        sys::message(handle, (&raw mut payload).cast(), size_of::<usize>(), flags, &[0])
    };
    let _ = files::close(handle);
    sent?;
    files::forget(&[cap]);
    Ok(0)
}

#[unsafe(no_mangle)]
extern "C" fn redox_kill_v1(pid: usize, signal: u32) -> usize {
    mux(send::number(signal as c_int).and_then(|number| send::to_processes(pid as isize as i32, number, None)))
}

#[unsafe(no_mangle)]
extern "C" fn redox_waitpid_v1(_pid: usize, _status: *mut c_int, _options: u32) -> usize {
    mux(Err(error(ENOSYS)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_sigprocmask_v1(how: u32, new: *const u64, old: *mut u64) -> usize {
    // SAFETY: the caller promises null or masks.
    mux(unsafe { signal::change_mask(how as c_int, new, old) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_sigaction_v1(signal: u32, new: *const libc::sigaction, old: *mut libc::sigaction) -> usize {
    // SAFETY: the caller promises null or actions.
    mux(unsafe { signal::change_action(signal as c_int, new, old) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_clock_gettime_v1(clock: usize, to: *mut timespec) -> usize {
    mux(time::read(clock as c_int).map(|now| {
        // SAFETY: the caller promises the room.
        unsafe { to.write(time::to_c(&now)) };
        0
    }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_mmap_v1(
    address: *mut (),
    len: usize,
    prot: u32,
    flags: u32,
    fd: usize,
    offset: u64,
) -> usize {
    // SAFETY: the caller promises what `mmap` demands.
    mux(unsafe { mman::map(address as usize, len, prot as c_int, flags as c_int, Ok(fd), offset) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_munmap_v1(address: *mut (), len: usize) -> usize {
    // SAFETY: the caller promises that nobody uses the memory.
    mux(unsafe { mman::unmap(address as usize, len) })
}

/// Copies the text of an error; `len` becomes the length of the whole text.
#[unsafe(no_mangle)]
unsafe extern "C" fn redox_strerror_v1(to: *mut u8, len: *mut usize, errnum: u32) -> usize {
    let text = string::error_text(errnum as c_int).as_bytes();
    // SAFETY: the caller promises `*len` bytes of room.
    unsafe {
        let count = text.len().min(*len);
        core::ptr::copy_nonoverlapping(text.as_ptr(), to, count);
        *len = text.len();
        count
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_sys_call_v0(
    fd: usize,
    payload: *mut u8,
    payload_len: usize,
    flags: usize,
    metadata: *const u64,
    metadata_len: usize,
) -> usize {
    // SAFETY: the caller promises payload and metadata.
    mux(unsafe { message(fd, payload, payload_len, flags, metadata, metadata_len) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn redox_sys_call_multiple_v0(
    fds: *const usize,
    count: usize,
    payload: *mut u8,
    payload_len: usize,
    flags: usize,
    metadata: *const u64,
    metadata_len: usize,
) -> usize {
    if count > 2 {
        return mux(Err(error(EINVAL)));
    }
    let flags = flags | CallFlags::MULTIPLE_FDS2.bits();
    // SAFETY: the caller promises the lists and the payload.
    mux(unsafe { message(fds as usize | count, payload, payload_len, flags, metadata, metadata_len) })
}

/// `SYS_CALL`, with the numbers of descriptors that come or go kept in step.
unsafe fn message(
    fd: usize,
    payload: *mut u8,
    payload_len: usize,
    flags: usize,
    metadata: *const u64,
    metadata_len: usize,
) -> Result<usize> {
    let flags = CallFlags::from_bits_retain(flags);
    // SAFETY: the caller promises the metadata.
    let metadata = if metadata_len == 0 { &[] } else { unsafe { core::slice::from_raw_parts(metadata, metadata_len) } };
    // SAFETY: the caller promises the payload.
    let send = || unsafe { sys::message(fd, payload, payload_len, flags, metadata) };
    if !flags.contains(CallFlags::FD) {
        return send();
    }
    if !(payload as usize).is_multiple_of(align_of::<usize>()) || !payload_len.is_multiple_of(size_of::<usize>()) {
        return Err(error(EINVAL));
    }
    let fds = match payload_len {
        0 => &mut [][..],
        // SAFETY: the caller promises the payload: descriptors.
        len => unsafe { core::slice::from_raw_parts_mut(payload.cast::<usize>(), len / size_of::<usize>()) },
    };
    if flags.contains(CallFlags::READ) {
        return receive(fds, flags, send);
    }
    let count = send()?;
    // They are the receiver's now, unless they were copied.
    if !flags.contains(CallFlags::FD_CLONE) {
        files::forget(fds);
    }
    Ok(count)
}

/// Gives the descriptors that come numbers before they do.
fn receive(fds: &mut [usize], flags: CallFlags, send: impl Fn() -> Result<usize>) -> Result<usize> {
    files::reserve(fds, flags.contains(CallFlags::FD_UPPER), flags.contains(CallFlags::FD_CLOEXEC))?;
    send().inspect_err(|_| files::unreserve(fds))
}

/// What stands for a socket behind its name.
#[unsafe(no_mangle)]
unsafe extern "C" fn redox_get_socket_token_v0(fd: usize, payload: *mut u8, len: usize) -> usize {
    if len == 0 {
        return mux(Err(error(EINVAL)));
    }
    // SAFETY: the caller promises the room.
    mux(socket::token(fd, unsafe { core::slice::from_raw_parts_mut(payload, len) }))
}

#[unsafe(no_mangle)]
extern "C" fn redox_fcntl_v0(fd: usize, command: usize, argument: usize) -> usize {
    mux(c_int::try_from(command).map_err(|_| error(EINVAL)).and_then(|command| fcntl::control(fd, command, argument)))
}

/// Memory has one node here.
#[unsafe(no_mangle)]
extern "C" fn redox_numa_set_mem_policy_v0(_policy: *const u8, _len: usize) -> usize {
    mux(Err(error(ENOSYS)))
}

/// See [`redox_numa_set_mem_policy_v0`].
#[unsafe(no_mangle)]
extern "C" fn redox_numa_get_mem_policy_v0(_policy: *mut u8, _len: usize) -> usize {
    mux(Err(error(ENOSYS)))
}

/// Unlinks in the directory of a descriptor.
#[unsafe(no_mangle)]
unsafe extern "C" fn redox_unlinkat_v0(dir: usize, path: *const u8, len: usize, flags: u32) -> usize {
    // SAFETY: the caller promises the path.
    mux(sys::unlinkat(dir, unsafe { slice(path, len) }, flags as usize))
}
