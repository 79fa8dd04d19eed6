//! Processes: `fork`, `exec`, `wait` and ids that only a process manager can give. There is none yet, and these say so.

use libc::{ECHILD, ENOSYS, EPERM, c_char, c_int, gid_t, id_t, pid_t, rlimit, uid_t};

use ochre_abi::spawn::Request;

use crate::errno::{self, fail};
use crate::rt::spawn;
use crate::rt::sys::mux;
use crate::unistd::{getegid, geteuid, getpid};

/// Starts a process with exactly what the request names (`ochre_abi::spawn`): answers a descriptor of its first thread,
/// or a negated error number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ochre_spawn_v1(request: *const Request) -> usize {
    // SAFETY: the caller promises a request, and the memory that it names.
    mux(unsafe { spawn::spawn(&*request) })
}

/// `fork`.
#[unsafe(no_mangle)]
pub extern "C" fn fork() -> pid_t {
    fail(ENOSYS)
}

/// `execve`.
#[unsafe(no_mangle)]
pub extern "C" fn execve(_path: *const c_char, _argv: *const *const c_char, _envp: *const *const c_char) -> c_int {
    fail(ENOSYS)
}

/// `execv`.
#[unsafe(no_mangle)]
pub extern "C" fn execv(_path: *const c_char, _argv: *const *const c_char) -> c_int {
    fail(ENOSYS)
}

/// `execvp`.
#[unsafe(no_mangle)]
pub extern "C" fn execvp(_file: *const c_char, _argv: *const *const c_char) -> c_int {
    fail(ENOSYS)
}

/// `waitpid`. A process without `fork` has no children.
#[unsafe(no_mangle)]
pub extern "C" fn waitpid(_pid: pid_t, _status: *mut c_int, _options: c_int) -> pid_t {
    fail(ECHILD)
}

/// `wait`.
#[unsafe(no_mangle)]
pub extern "C" fn wait(_status: *mut c_int) -> pid_t {
    fail(ECHILD)
}

/// `getppid`: 0, as for a process whose parent is not in sight.
#[unsafe(no_mangle)]
pub extern "C" fn getppid() -> pid_t {
    0
}

/// `setsid`.
#[unsafe(no_mangle)]
pub extern "C" fn setsid() -> pid_t {
    fail(ENOSYS)
}

/// `getsid`.
#[unsafe(no_mangle)]
pub extern "C" fn getsid(_pid: pid_t) -> pid_t {
    fail(ENOSYS)
}

/// `setpgid`.
#[unsafe(no_mangle)]
pub extern "C" fn setpgid(_pid: pid_t, _group: pid_t) -> c_int {
    fail(ENOSYS)
}

/// `getpgid`.
#[unsafe(no_mangle)]
pub extern "C" fn getpgid(_pid: pid_t) -> pid_t {
    fail(ENOSYS)
}

/// `getpgrp`.
#[unsafe(no_mangle)]
pub extern "C" fn getpgrp() -> pid_t {
    getpid()
}

/// Ids can be "changed" to what they are.
fn keep(same: bool) -> c_int {
    if same { 0 } else { fail(EPERM) }
}

/// `setuid`.
#[unsafe(no_mangle)]
pub extern "C" fn setuid(uid: uid_t) -> c_int {
    keep(uid == geteuid())
}

/// `setgid`.
#[unsafe(no_mangle)]
pub extern "C" fn setgid(gid: gid_t) -> c_int {
    keep(gid == getegid())
}

/// `getgroups`: none but the effective one.
#[unsafe(no_mangle)]
pub extern "C" fn getgroups(_size: c_int, _list: *mut gid_t) -> c_int {
    0
}

/// `setgroups`.
#[unsafe(no_mangle)]
pub extern "C" fn setgroups(_size: usize, _list: *const gid_t) -> c_int {
    fail(ENOSYS)
}

/// `getpriority`.
#[unsafe(no_mangle)]
pub extern "C" fn getpriority(_which: c_int, _who: id_t) -> c_int {
    errno::set(0);
    0
}

/// `setpriority`.
#[unsafe(no_mangle)]
pub extern "C" fn setpriority(_which: c_int, _who: id_t, _priority: c_int) -> c_int {
    fail(ENOSYS)
}

/// `getrlimit`: nothing is limited but descriptors and the first stack.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrlimit(resource: c_int, to: *mut rlimit) -> c_int {
    let limit = match resource {
        libc::RLIMIT_NOFILE => crate::rt::slots::RANGE as libc::rlim_t,
        libc::RLIMIT_STACK => ochre_abi::STACK_SIZE as libc::rlim_t,
        0..libc::RLIMIT_NLIMITS => libc::RLIM_INFINITY,
        _ => return fail(libc::EINVAL),
    };
    // SAFETY: POSIX demands a place for the answer.
    unsafe { *to = rlimit { rlim_cur: limit, rlim_max: limit } };
    0
}

/// `setrlimit`.
#[unsafe(no_mangle)]
pub extern "C" fn setrlimit(_resource: c_int, _from: *const rlimit) -> c_int {
    fail(ENOSYS)
}
