//! Processes: `fork`, `exec`, `wait`, who is whose, as which user, within which limits. All of it is the process manager's
//! (`ochre_abi::process`); a process that was started before there is one gets `ENOSYS`.

use libc::{EAGAIN, EINVAL, EPERM, c_int, gid_t, id_t, pid_t, rlimit, uid_t};
use ochre_abi::process::{Credentials, Ids, KEEP, Limit, MAX_GROUPS, SetPriority, UserIds, Verb, Wait, wait as waits};
use ochre_abi::spawn::Request;
use syscall::error::Result;
use syscall::flag::CallFlags;

use crate::errno::{self, error, fail};
use crate::rt::sys::{self, mux};
use crate::rt::{fork, limits, process, spawn, thread};

/// Starts a process with exactly what the request names (`ochre_abi::spawn`): answers a descriptor of its first thread,
/// or a negated error number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ochre_spawn_v1(request: *const Request) -> usize {
    // SAFETY: the caller promises a request, and the memory that it names.
    mux(unsafe { spawn::spawn(&*request) })
}

/// Makes a descriptor this process's own at the process manager: for the first program, which starts that.
#[unsafe(no_mangle)]
pub extern "C" fn ochre_set_process_v1(fd: usize) {
    process::set(fd);
}

/// Orphans become children of this process from now on, which waits for them. Answers a negated error number, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn ochre_adopt_orphans_v1() -> usize {
    mux(process::ask(Verb::Children, 0).and_then(|_| process::ask(Verb::AdoptOrphans, 0)))
}

/// `fork`.
#[unsafe(export_name = "fork")]
pub extern "C" fn fork_c() -> pid_t {
    fork::fork()
}

/// `vfork`: POSIX no longer has it; a `fork` does all that it may.
#[unsafe(no_mangle)]
pub extern "C" fn vfork() -> pid_t {
    fork::fork()
}

/// One wait: what was found.
fn await_child(kind: u32, id: u32, options: u32) -> Result<Wait> {
    let mut request = Wait { kind, id, options, ..Wait::default() };
    let flags = CallFlags::READ | CallFlags::WRITE;
    // A process without a manager has no children.
    let own = process::descriptor().ok_or(error(libc::ECHILD))?;
    // SAFETY: the request is ours to be written; any bytes are numbers.
    unsafe { sys::message(own, (&raw mut request).cast(), Wait::SIZE, flags, &[Verb::Wait as u64, 0])? };
    Ok(request)
}

/// `waitpid`, and what the child has used.
fn wait_for(pid: pid_t, options: c_int) -> Result<Wait> {
    let (kind, id) = match pid {
        -1 => (waits::ALL, 0),
        0 => (waits::GROUP, 0),
        1.. => (waits::PROCESS, pid as u32),
        _ => (waits::GROUP, pid.unsigned_abs()),
    };
    if options & !(libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED) != 0 {
        return Err(error(EINVAL));
    }
    await_child(kind, id, options as u32 | waits::EXITED)
}

/// `waitpid`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t {
    match wait_for(pid, options) {
        Ok(found) => {
            if !status.is_null() && found.id != 0 {
                // SAFETY: POSIX demands null or a place for the answer.
                unsafe { *status = found.status as c_int };
            }
            found.id as pid_t
        }
        Err(error) => fail(error.errno),
    }
}

/// `wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wait(status: *mut c_int) -> pid_t {
    // SAFETY: as for `waitpid`.
    unsafe { waitpid(-1, status, 0) }
}

/// Nanoseconds as C's structure has them.
fn time_of(ns: u64) -> libc::timeval {
    libc::timeval { tv_sec: (ns / 1_000_000_000) as _, tv_usec: (ns / 1000 % 1_000_000) as _ }
}

/// `wait3`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wait3(status: *mut c_int, options: c_int, usage: *mut libc::rusage) -> pid_t {
    // SAFETY: as for `wait4`.
    unsafe { wait4(-1, status, options, usage) }
}

/// `wait4`. Of what a child has used, the processor time is known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wait4(pid: pid_t, status: *mut c_int, options: c_int, usage: *mut libc::rusage) -> pid_t {
    match wait_for(pid, options) {
        Ok(found) => {
            // SAFETY: BSD demands null or places for the answers.
            unsafe {
                if !status.is_null() && found.id != 0 {
                    *status = found.status as c_int;
                }
                if !usage.is_null() && found.id != 0 {
                    *usage = libc::rusage { ru_utime: time_of(found.time_ns), ..core::mem::zeroed() };
                }
            }
            found.id as pid_t
        }
        Err(error) => fail(error.errno),
    }
}

/// What `waitid` tells, in the order of crate `libc`'s structure.
#[repr(C)]
struct ChildInfo {
    signal: c_int,
    errno: c_int,
    code: c_int,
    pid: pid_t,
    uid: uid_t,
    address: usize,
    status: c_int,
    value: usize,
}

/// `si_code` and `si_status` of a wait status (POSIX, `signal.h`: `CLD_EXITED` 1 to `CLD_CONTINUED` 6).
pub fn code_of(status: c_int) -> (c_int, c_int) {
    if libc::WIFCONTINUED(status) {
        (6, libc::SIGCONT)
    } else if libc::WIFSTOPPED(status) {
        (5, libc::WSTOPSIG(status))
    } else if libc::WIFEXITED(status) {
        (1, libc::WEXITSTATUS(status))
    } else {
        (if libc::WCOREDUMP(status) { 3 } else { 2 }, libc::WTERMSIG(status))
    }
}

/// `waitid`. Kinds: 0 all, 1 a process, 2 a group.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn waitid(kind: c_int, id: id_t, info: *mut libc::siginfo_t, options: c_int) -> c_int {
    let found = u32::try_from(kind).map_err(|_| error(EINVAL));
    let found = found.and_then(|kind| await_child(kind, id, options as u32));
    errno::zero(found.map(|found| {
        let (code, status) = code_of(found.status as c_int);
        let answer = ChildInfo {
            signal: if found.id == 0 { 0 } else { libc::SIGCHLD },
            errno: 0,
            code: if found.id == 0 { 0 } else { code },
            pid: found.id as pid_t,
            uid: found.uid as uid_t,
            address: 0,
            status: if found.id == 0 { 0 } else { status },
            value: 0,
        };
        if !info.is_null() {
            // SAFETY: POSIX demands a place for the answer, which is laid out so.
            unsafe { info.cast::<ChildInfo>().write(answer) };
        }
    }))
}

const _: () = assert!(size_of::<ChildInfo>() <= size_of::<libc::siginfo_t>());

/// Who is who, of a process; 0 is the caller.
fn ids(pid: pid_t) -> Result<Ids> {
    let pid = u32::try_from(pid).map_err(|_| error(libc::ESRCH))?;
    // SAFETY: any bytes are numbers.
    unsafe { process::read(Verb::Ids, pid.into()) }
}

/// `getppid`; 0 for a process whose parent is not in sight.
#[unsafe(no_mangle)]
pub extern "C" fn getppid() -> pid_t {
    ids(0).map_or(0, |ids| ids.ppid as pid_t)
}

/// `setsid`.
#[unsafe(no_mangle)]
pub extern "C" fn setsid() -> pid_t {
    errno::int(process::ask(Verb::SetSession, 0))
}

/// `getsid`.
#[unsafe(no_mangle)]
pub extern "C" fn getsid(pid: pid_t) -> pid_t {
    errno::int(ids(pid).map(|ids| ids.session as usize))
}

/// `setpgid`.
#[unsafe(no_mangle)]
pub extern "C" fn setpgid(pid: pid_t, group: pid_t) -> c_int {
    if pid < 0 || group < 0 {
        return fail(EINVAL);
    }
    errno::zero(process::ask(Verb::SetGroup, pid as u64 | (group as u64) << 32))
}

/// `setpgrp`.
#[unsafe(no_mangle)]
pub extern "C" fn setpgrp() -> pid_t {
    setpgid(0, 0)
}

/// `getpgid`.
#[unsafe(no_mangle)]
pub extern "C" fn getpgid(pid: pid_t) -> pid_t {
    errno::int(ids(pid).map(|ids| ids.group as usize))
}

/// `getpgrp`.
#[unsafe(no_mangle)]
pub extern "C" fn getpgrp() -> pid_t {
    ids(0).map_or(thread::pid() as pid_t, |ids| ids.group as pid_t)
}

/// All ids of this process. Without a manager they are what the kernel knows.
fn credentials() -> Result<Credentials> {
    if process::descriptor().is_some() {
        // SAFETY: any bytes are numbers.
        return unsafe { process::read(Verb::Credentials, 0) };
    }
    let me = thread::attributes()?;
    let (euid, egid) = (me.euid, me.egid);
    Ok(Credentials { ruid: euid, euid, suid: euid, rgid: egid, egid, sgid: egid })
}

/// `getuid`.
#[unsafe(no_mangle)]
pub extern "C" fn getuid() -> uid_t {
    credentials().map_or(uid_t::MAX, |ids| ids.ruid as uid_t)
}

/// `getgid`.
#[unsafe(no_mangle)]
pub extern "C" fn getgid() -> gid_t {
    credentials().map_or(gid_t::MAX, |ids| ids.rgid as gid_t)
}

/// `getresuid`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getresuid(real: *mut uid_t, effective: *mut uid_t, saved: *mut uid_t) -> c_int {
    errno::zero(credentials().map(|ids| {
        // SAFETY: places for the answers are demanded.
        unsafe { (*real, *effective, *saved) = (ids.ruid as uid_t, ids.euid as uid_t, ids.suid as uid_t) };
    }))
}

/// `getresgid`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getresgid(real: *mut gid_t, effective: *mut gid_t, saved: *mut gid_t) -> c_int {
    errno::zero(credentials().map(|ids| {
        // SAFETY: places for the answers are demanded.
        unsafe { (*real, *effective, *saved) = (ids.rgid as gid_t, ids.egid as gid_t, ids.sgid as gid_t) };
    }))
}

/// Sets ids of the user or the group. Without a manager they can be "changed" to what they are.
fn set_ids(of_group: bool, new: UserIds) -> Result<usize> {
    if process::descriptor().is_some() {
        return process::tell(Verb::SetIds, of_group.into(), &new);
    }
    let ids = credentials()?;
    let own = if of_group { ids.egid } else { ids.euid };
    let same = [new.real, new.effective, new.saved].iter().all(|&id| id == KEEP || id == own);
    if same { Ok(0) } else { Err(error(EPERM)) }
}

/// `setresuid`.
#[unsafe(no_mangle)]
pub extern "C" fn setresuid(real: uid_t, effective: uid_t, saved: uid_t) -> c_int {
    errno::zero(set_ids(false, UserIds { real, effective, saved }))
}

/// `setresgid`.
#[unsafe(no_mangle)]
pub extern "C" fn setresgid(real: gid_t, effective: gid_t, saved: gid_t) -> c_int {
    errno::zero(set_ids(true, UserIds { real, effective, saved }))
}

/// `setreuid` and `setregid`: the saved id follows the effective one when the real one is set, or the effective one to another than it.
fn set_two(of_group: bool, real: u32, effective: u32) -> Result<usize> {
    let ids = credentials()?;
    let (old_real, old_effective) = if of_group { (ids.rgid, ids.egid) } else { (ids.ruid, ids.euid) };
    let follows = real != KEEP || effective != KEEP && effective != old_real;
    let saved = match (follows, effective) {
        (false, _) => KEEP,
        (true, KEEP) => old_effective,
        (true, effective) => effective,
    };
    set_ids(of_group, UserIds { real, effective, saved })
}

/// `setreuid`.
#[unsafe(no_mangle)]
pub extern "C" fn setreuid(real: uid_t, effective: uid_t) -> c_int {
    errno::zero(set_two(false, real, effective))
}

/// `setregid`.
#[unsafe(no_mangle)]
pub extern "C" fn setregid(real: gid_t, effective: gid_t) -> c_int {
    errno::zero(set_two(true, real, effective))
}

/// `setuid` and `setgid`: all three for user 0, else the effective one.
fn set_one(of_group: bool, id: u32) -> Result<usize> {
    if id == KEEP {
        return Err(error(EINVAL));
    }
    let other = if credentials()?.euid == 0 { id } else { KEEP };
    set_ids(of_group, UserIds { real: other, effective: id, saved: other })
}

/// `setuid`.
#[unsafe(no_mangle)]
pub extern "C" fn setuid(uid: uid_t) -> c_int {
    errno::zero(set_one(false, uid))
}

/// `setgid`.
#[unsafe(no_mangle)]
pub extern "C" fn setgid(gid: gid_t) -> c_int {
    errno::zero(set_one(true, gid))
}

/// `seteuid`.
#[unsafe(no_mangle)]
pub extern "C" fn seteuid(uid: uid_t) -> c_int {
    errno::zero(set_ids(false, UserIds { real: KEEP, effective: uid, saved: KEEP }))
}

/// `setegid`.
#[unsafe(no_mangle)]
pub extern "C" fn setegid(gid: gid_t) -> c_int {
    errno::zero(set_ids(true, UserIds { real: KEEP, effective: gid, saved: KEEP }))
}

/// The supplementary groups, and how many.
fn groups() -> Result<([u32; MAX_GROUPS], usize)> {
    let mut list = [0; MAX_GROUPS];
    let Some(own) = process::descriptor() else { return Ok((list, 0)) };
    let payload = list.as_mut_ptr().cast();
    // SAFETY: the list is ours to be written.
    let count = unsafe { sys::message(own, payload, size_of_val(&list), CallFlags::READ, &[Verb::Groups as u64, 0])? };
    Ok((list, count.min(MAX_GROUPS)))
}

/// Whether this process has a group among its supplementary ones.
pub fn is_member(gid: u32) -> bool {
    groups().is_ok_and(|(list, count)| list[..count].contains(&gid))
}

/// `getgroups`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getgroups(size: c_int, to: *mut gid_t) -> c_int {
    let found = groups().and_then(|(list, count)| {
        if size == 0 {
            return Ok(count);
        }
        if usize::try_from(size).map_or(true, |size| size < count) {
            return Err(error(EINVAL));
        }
        for (index, &group) in list[..count].iter().enumerate() {
            // SAFETY: POSIX demands so much room.
            unsafe { *to.add(index) = group as gid_t };
        }
        Ok(count)
    });
    errno::int(found)
}

/// `setgroups`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setgroups(size: usize, from: *const gid_t) -> c_int {
    if size > MAX_GROUPS {
        return fail(EINVAL);
    }
    let mut list = [0_u32; MAX_GROUPS];
    for (index, group) in list[..size].iter_mut().enumerate() {
        // SAFETY: the caller promises so many.
        *group = unsafe { *from.add(index) };
    }
    let metadata = [Verb::SetGroups as u64, 0];
    errno::zero(process::required().and_then(|own| {
        // SAFETY: the payload is only read.
        unsafe { sys::message(own, list.as_mut_ptr().cast(), size * 4, CallFlags::WRITE, &metadata) }
    }))
}

/// `getpriority`. -1 is an answer too: `errno` tells.
#[unsafe(no_mangle)]
pub extern "C" fn getpriority(which: c_int, who: id_t) -> c_int {
    errno::set(0);
    match process::ask(Verb::Priority, which as u32 as u64 | (who as u64) << 32) {
        Ok(value) => value as c_int - 20,
        Err(error) => fail(error.errno),
    }
}

/// `setpriority`.
#[unsafe(no_mangle)]
pub extern "C" fn setpriority(which: c_int, who: id_t, nice: c_int) -> c_int {
    errno::zero(process::tell(Verb::SetPriority, 0, &SetPriority { which: which as u32, who, nice }))
}

/// `nice`. POSIX wants `EPERM` where `setpriority` says `EACCES`.
#[unsafe(no_mangle)]
pub extern "C" fn nice(increment: c_int) -> c_int {
    let before = getpriority(libc::PRIO_PROCESS, 0);
    // SAFETY: `errno` is this thread's.
    if before == -1 && unsafe { *errno::__errno() } != 0 {
        return -1;
    }
    let to = before.saturating_add(increment).clamp(-20, 19);
    match process::tell(Verb::SetPriority, 0, &SetPriority { which: 0, who: 0, nice: to }) {
        Ok(_) => to,
        Err(error) if error.errno == libc::EACCES => fail(EPERM),
        Err(error) => fail(error.errno),
    }
}

/// `getrlimit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrlimit(resource: c_int, to: *mut rlimit) -> c_int {
    // SAFETY: any bytes are numbers.
    let limit = unsafe { process::read::<Limit>(Verb::Limit, resource as u32 as u64) };
    errno::zero(limit.map(|limit| {
        // SAFETY: POSIX demands a place for the answer.
        unsafe { *to = rlimit { rlim_cur: limit.soft as _, rlim_max: limit.hard as _ } };
    }))
}

/// `setrlimit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setrlimit(resource: c_int, from: *const rlimit) -> c_int {
    // SAFETY: POSIX demands limits.
    let limit = unsafe { Limit { soft: (*from).rlim_cur, hard: (*from).rlim_max } };
    let done = process::tell(Verb::SetLimit, resource as u32 as u64, &limit);
    errno::zero(done.inspect(|_| limits::changed(resource, limit.soft)))
}

/// `getrusage`: the processor time, which the kernel does not divide into user and system: of the process, of the calling thread, or of
/// the children that the process has waited for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrusage(who: c_int, to: *mut libc::rusage) -> c_int {
    let time = match who {
        libc::RUSAGE_SELF => own_time(),
        libc::RUSAGE_CHILDREN => children_time(),
        libc::RUSAGE_THREAD => Ok(crate::rt::thread::thread_time() as u64),
        _ => Err(error(EINVAL)),
    };
    errno::zero(time.map(|ns| {
        // SAFETY: POSIX demands a place for the answer; zeros are valid.
        unsafe { *to = libc::rusage { ru_utime: time_of(ns), ..core::mem::zeroed() } };
    }))
}

/// Processor time of this process, in nanoseconds.
pub fn own_time() -> Result<u64> {
    // SAFETY: this thread has a control block; any bytes are numbers.
    let usage = unsafe {
        let verb = [ochre_abi::proc::ThreadVerb::GetUsage as u64];
        sys::verb_read::<ochre_abi::proc::SpaceUsage>((*crate::rt::tcb::current()).handle, &verb)?
    };
    Ok(usage.cpu_time_ns)
}

/// Processor time of the children that this process has waited for.
pub fn children_time() -> Result<u64> {
    // SAFETY: any bytes are numbers.
    unsafe { process::read::<ochre_abi::process::Usage>(Verb::Usage, 1) }.map(|usage| usage.time_ns)
}

/// `daemon` (BSD): a child that belongs to no terminal goes on, its parent ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn daemon(stay: c_int, keep_descriptors: c_int) -> c_int {
    match fork::fork() {
        -1 => return -1,
        0 => {}
        _ => thread::exit_process(0),
    }
    if setsid() == -1 {
        return -1;
    }
    // SAFETY: both are C strings.
    unsafe {
        if stay == 0 && crate::unistd::chdir(c"/".as_ptr()) != 0 {
            return -1;
        }
        if keep_descriptors == 0 {
            let null = crate::fcntl::open(c"/dev/null".as_ptr(), libc::O_RDWR, 0);
            if null == -1 {
                return fail(EAGAIN);
            }
            (0..3).for_each(|fd| _ = crate::unistd::dup2(null, fd));
            if null > 2 {
                crate::unistd::close(null);
            }
        }
    }
    0
}
