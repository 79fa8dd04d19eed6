//! `spawn.h`: a child that runs another program, made without copying this one.

use core::slice;

use libc::{EBADF, EINVAL, ENOMEM, ENOSYS, O_CREAT, c_char, c_int, c_short, mode_t, pid_t};
use ochre_abi::process::{Birth, birth};
use ochre_abi::start_fd;
use syscall::error::Result;

use crate::errno::{self, error};
use crate::exec::find;
use crate::fcntl::{OPEN_FLAGS, descriptor};
use crate::rt::exec::{Program, with_program};
use crate::rt::files::{self, Place};
use crate::rt::path::{Canonical, PATH_MAX};
use crate::rt::plan::{Entry, Plan};
use crate::rt::slots::RANGE;
use crate::rt::spawn::{Beginning, Child, Table, name};
use crate::rt::strings::Strings;
use crate::rt::{alloc, resolve, roots};
use crate::string::bytes;

/// `POSIX_SPAWN_RESETIDS`, …: the numbers of Linux, for the crates that know no others.
const RESET_IDS: c_short = 1;
const SET_GROUP: c_short = 2;
const SET_SIGDEF: c_short = 4;
const SET_SIGMASK: c_short = 8;
const SET_SESSION: c_short = 0x80;
/// Asks for what happens anyway.
const USE_VFORK: c_short = 0x40;

/// `posix_spawnattr_t`.
#[repr(C)]
pub struct Attributes {
    flags: c_short,
    group: pid_t,
    defaults: libc::sigset_t,
    mask: libc::sigset_t,
}

/// `posix_spawn_file_actions_t`: a growing list.
#[repr(C)]
pub struct Actions {
    list: *mut Action,
    count: usize,
    room: usize,
}

/// A file action. Paths are C strings of libc's.
#[derive(Clone, Copy)]
enum Action {
    Open { fd: c_int, path: *mut c_char, flags: c_int, mode: mode_t },
    Close(c_int),
    Duplicate(c_int, c_int),
    Directory(*mut c_char),
    DirectoryOf(c_int),
}

type List = *const *const c_char;

/// `posix_spawnattr_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawnattr_init(to: *mut Attributes) -> c_int {
    // SAFETY: POSIX demands room for attributes.
    unsafe { to.write(Attributes { flags: 0, group: 0, defaults: 0, mask: 0 }) };
    0
}

/// `posix_spawnattr_destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn posix_spawnattr_destroy(_attributes: *mut Attributes) -> c_int {
    0
}

/// Defines the two functions that read and write an attribute.
macro_rules! attribute {
    ($get:ident, $set:ident, $field:ident: $type:ty) => {
        #[doc = concat!("`", stringify!($get), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $get(attributes: *const Attributes, to: *mut $type) -> c_int {
            // SAFETY: POSIX demands attributes and a place for the answer.
            unsafe { *to = (*attributes).$field };
            0
        }

        #[doc = concat!("`", stringify!($set), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $set(attributes: *mut Attributes, value: $type) -> c_int {
            // SAFETY: POSIX demands attributes.
            unsafe { (*attributes).$field = value };
            0
        }
    };
}

attribute!(posix_spawnattr_getpgroup, posix_spawnattr_setpgroup, group: pid_t);

/// `posix_spawnattr_getflags`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawnattr_getflags(attributes: *const Attributes, to: *mut c_short) -> c_int {
    // SAFETY: POSIX demands attributes and a place for the answer.
    unsafe { *to = (*attributes).flags };
    0
}

/// `posix_spawnattr_setflags`. Schedulers and their parameters are not to be had: `ENOSYS`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawnattr_setflags(attributes: *mut Attributes, flags: c_short) -> c_int {
    const KNOWN: c_short = RESET_IDS | SET_GROUP | SET_SIGDEF | SET_SIGMASK | SET_SESSION | USE_VFORK;
    if flags & !(KNOWN | 0x30) != 0 {
        return EINVAL;
    }
    if flags & 0x30 != 0 {
        return ENOSYS;
    }
    // SAFETY: POSIX demands attributes.
    unsafe { (*attributes).flags = flags };
    0
}

/// Defines the two functions that read and write a set of signals.
macro_rules! set_of_signals {
    ($get:ident, $set:ident, $field:ident) => {
        #[doc = concat!("`", stringify!($get), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $get(attributes: *const Attributes, to: *mut libc::sigset_t) -> c_int {
            // SAFETY: POSIX demands attributes and a place for the answer.
            unsafe { *to = (*attributes).$field };
            0
        }

        #[doc = concat!("`", stringify!($set), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $set(attributes: *mut Attributes, set: *const libc::sigset_t) -> c_int {
            // SAFETY: POSIX demands attributes and a set.
            unsafe { (*attributes).$field = *set };
            0
        }
    };
}

set_of_signals!(posix_spawnattr_getsigdefault, posix_spawnattr_setsigdefault, defaults);
set_of_signals!(posix_spawnattr_getsigmask, posix_spawnattr_setsigmask, mask);

/// `posix_spawn_file_actions_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn_file_actions_init(to: *mut Actions) -> c_int {
    // SAFETY: POSIX demands room for actions.
    unsafe { to.write(Actions { list: core::ptr::null_mut(), count: 0, room: 0 }) };
    0
}

/// `posix_spawn_file_actions_destroy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn_file_actions_destroy(actions: *mut Actions) -> c_int {
    // SAFETY: POSIX demands actions; paths and list are blocks of ours.
    unsafe {
        for action in (*actions).as_slice() {
            if let Action::Open { path, .. } | Action::Directory(path) = action {
                alloc::release(path.cast());
            }
        }
        alloc::release((*actions).list.cast());
    }
    0
}

impl Actions {
    fn as_slice(&self) -> &[Action] {
        // SAFETY: so many were written.
        if self.count == 0 { &[] } else { unsafe { slice::from_raw_parts(self.list, self.count) } }
    }

    /// Adds an action; `ENOMEM`.
    fn push(&mut self, action: Action) -> c_int {
        if self.count == self.room {
            let room = 2 * self.room + 4;
            // SAFETY: the list is null or a block of ours.
            let list = unsafe { alloc::reallocate(self.list.cast(), room * size_of::<Action>()) };
            if list.is_null() {
                return ENOMEM;
            }
            (self.list, self.room) = (list.cast(), room);
        }
        // SAFETY: there is room for one more.
        unsafe { self.list.add(self.count).write(action) };
        self.count += 1;
        0
    }
}

/// A copy of a C string; null when there is no memory.
unsafe fn copy(text: *const c_char) -> Result<*mut c_char> {
    // SAFETY: POSIX demands a C string; the block has room for it and its end.
    unsafe {
        let text = bytes(text)?;
        let block = alloc::allocate(text.len() + 1);
        if block.is_null() {
            return Err(error(ENOMEM));
        }
        core::ptr::copy_nonoverlapping(text.as_ptr(), block, text.len());
        *block.add(text.len()) = 0;
        Ok(block.cast())
    }
}

fn valid(fd: c_int) -> bool {
    usize::try_from(fd).is_ok_and(|fd| fd < RANGE)
}

/// `posix_spawn_file_actions_addopen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn_file_actions_addopen(
    actions: *mut Actions,
    fd: c_int,
    path: *const c_char,
    flags: c_int,
    mode: mode_t,
) -> c_int {
    if !valid(fd) {
        return EBADF;
    }
    // SAFETY: POSIX demands actions and a C string.
    unsafe {
        match copy(path) {
            Ok(path) => (*actions).push(Action::Open { fd, path, flags, mode }),
            Err(error) => error.errno,
        }
    }
}

/// `posix_spawn_file_actions_addclose`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn_file_actions_addclose(actions: *mut Actions, fd: c_int) -> c_int {
    // SAFETY: POSIX demands actions.
    if valid(fd) { unsafe { (*actions).push(Action::Close(fd)) } } else { EBADF }
}

/// `posix_spawn_file_actions_adddup2`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn_file_actions_adddup2(actions: *mut Actions, from: c_int, to: c_int) -> c_int {
    // SAFETY: POSIX demands actions.
    if valid(from) && valid(to) { unsafe { (*actions).push(Action::Duplicate(from, to)) } } else { EBADF }
}

/// `posix_spawn_file_actions_addchdir` (POSIX.1-2024).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn_file_actions_addchdir(actions: *mut Actions, path: *const c_char) -> c_int {
    // SAFETY: POSIX demands actions and a C string.
    unsafe {
        match copy(path) {
            Ok(path) => (*actions).push(Action::Directory(path)),
            Err(error) => error.errno,
        }
    }
}

/// Its name before it was in POSIX.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn_file_actions_addchdir_np(actions: *mut Actions, path: *const c_char) -> c_int {
    // SAFETY: as above.
    unsafe { posix_spawn_file_actions_addchdir(actions, path) }
}

/// `posix_spawn_file_actions_addfchdir` (POSIX.1-2024).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn_file_actions_addfchdir(actions: *mut Actions, fd: c_int) -> c_int {
    // SAFETY: POSIX demands actions.
    if valid(fd) { unsafe { (*actions).push(Action::DirectoryOf(fd)) } } else { EBADF }
}

/// `posix_spawn`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn(
    pid: *mut pid_t,
    path: *const c_char,
    actions: *const Actions,
    attributes: *const Attributes,
    argv: List,
    envp: List,
) -> c_int {
    // SAFETY: POSIX demands C strings, lists with their ends, and null or what the others are.
    unsafe { answer(pid, bytes(path).and_then(|path| spawn(path, actions.as_ref(), attributes.as_ref(), argv, envp))) }
}

/// `posix_spawnp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawnp(
    pid: *mut pid_t,
    file: *const c_char,
    actions: *const Actions,
    attributes: *const Attributes,
    argv: List,
    envp: List,
) -> c_int {
    // SAFETY: as for `posix_spawn`.
    unsafe {
        let child = bytes(file)
            .and_then(|file| find(file, |path| spawn(path, actions.as_ref(), attributes.as_ref(), argv, envp)));
        answer(pid, child)
    }
}

unsafe fn answer(pid: *mut pid_t, child: Result<u32>) -> c_int {
    if let (Ok(child), false) = (&child, pid.is_null()) {
        // SAFETY: POSIX demands null or a place for the answer.
        unsafe { *pid = *child as pid_t };
    }
    errno::number(child)
}

/// What is being made ready.
struct Making<'a> {
    plan: Plan<'a>,
    /// Descriptors that were opened for the child, to be closed here.
    opened: &'a mut [usize],
    count: usize,
    directory: Canonical,
}

impl Making<'_> {
    fn act(&mut self, action: &Action) -> Result<()> {
        match *action {
            Action::Close(fd) => {
                self.plan.set(fd as usize, Entry::NONE);
            }
            Action::Duplicate(from, to) => {
                if !self.plan.duplicate(from as usize, to as usize) {
                    return Err(error(EBADF));
                }
            }
            Action::Open { fd, path, flags, mode } => {
                // SAFETY: a C string of ours.
                let path = Canonical::new(self.directory.as_bytes(), unsafe { bytes(path)? })?;
                let mode = if flags & O_CREAT != 0 { resolve::creation_mode(mode as usize) } else { 0 };
                let opened = resolve::open(path, flags as u32 as usize & OPEN_FLAGS | mode, Place::Libc)?;
                self.opened[self.count] = opened;
                self.count += 1;
                let cloexec = flags & libc::O_CLOEXEC != 0;
                self.plan.set(fd as usize, Entry::of(opened, cloexec));
            }
            Action::Directory(path) => {
                // SAFETY: a C string of ours.
                let path = Canonical::new(self.directory.as_bytes(), unsafe { bytes(path)? })?;
                self.directory = resolve::directory(path)?;
            }
            Action::DirectoryOf(fd) => {
                let own = self.plan.get(descriptor(fd)?).descriptor().ok_or(error(EBADF))?;
                let mut buf = [0; PATH_MAX];
                let path = Canonical::new(b"/", resolve::path_of(own, &mut buf)?)?;
                self.directory = resolve::directory(path)?;
            }
        }
        Ok(())
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        for &fd in &self.opened[..self.count] {
            let _ = files::close(fd);
        }
    }
}

/// A block of the heap that is given back.
struct Block(*mut u8);

impl Block {
    fn new(bytes: usize) -> Result<Self> {
        let block = alloc::allocate_zeroed(bytes.max(1));
        if block.is_null() { Err(error(ENOMEM)) } else { Ok(Block(block)) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block is ours, and nobody uses it any more.
        unsafe { alloc::release(self.0) };
    }
}

unsafe fn spawn(
    path: &[u8],
    actions: Option<&Actions>,
    attributes: Option<&Attributes>,
    argv: List,
    envp: List,
) -> Result<u32> {
    let actions = actions.map_or(&[][..], Actions::as_slice);
    let largest = |action: &Action| match *action {
        Action::Open { fd, .. } | Action::Duplicate(_, fd) => fd as usize,
        _ => 0,
    };
    let size = files::highest().max(actions.iter().map(largest).max().unwrap_or(0)) + 1;
    let (entries, opened) = (Block::new(size * size_of::<Entry>())?, Block::new(actions.len() * size_of::<usize>())?);
    let mut directory = [0; PATH_MAX + 1];
    let len = resolve::cwd(&mut directory)?;
    // SAFETY: zeroed blocks of this size, aligned for anything; zero is no descriptor.
    let mut making = unsafe {
        Making {
            plan: Plan::new(slice::from_raw_parts_mut(entries.0.cast(), size)),
            opened: slice::from_raw_parts_mut(opened.0.cast(), actions.len()),
            count: 0,
            directory: Canonical::new(b"/", &directory[..len])?,
        }
    };
    files::each_program(|fd, cloexec| {
        making.plan.set(fd, Entry::of(fd, cloexec));
    });
    actions.iter().try_for_each(|action| making.act(action))?;
    // SAFETY: lists with their ends.
    let (args, env) = unsafe { (Strings::list(argv), Strings::list(envp)) };
    let file = Canonical::new(making.directory.as_bytes(), path)?;
    with_program(file, &Program { path, args, env }, |source, args| {
        let child = Child::new(&birth(path, attributes)?, false)?;
        let umask = resolve::current_umask();
        let namespace = roots::namespace().ok();
        let directory = making.directory.as_bytes();
        let (namespaced, signals) = (namespace.is_some(), signals(attributes));
        let registers =
            child.load(&Beginning { source, args, env, directory, umask, namespace: namespaced, signals })?;
        fill_table(&child, &making.plan, namespace)?;
        let pid = child.pid()?;
        child.start(&registers).map(|_| pid)
    })
}

/// What the child is to be, by its program's path and the attributes. `ENOSYS` without a process manager.
fn birth(path: &[u8], attributes: Option<&Attributes>) -> Result<Birth> {
    crate::rt::process::required()?;
    let mut new = Birth { bits: birth::NAMED, name: name(path), ..Birth::default() };
    let Some(attributes) = attributes else { return Ok(new) };
    for (flag, bit) in [(SET_SESSION, birth::SESSION), (SET_GROUP, birth::GROUP), (RESET_IDS, birth::RESET_IDS)] {
        if attributes.flags & flag != 0 {
            new.bits |= bit;
        }
    }
    new.group = u32::try_from(attributes.group).map_err(|_| error(EINVAL))?;
    Ok(new)
}

/// The mask of blocked signals that the child is to start with, if it is not this process's.
fn signals(attributes: Option<&Attributes>) -> (Option<u64>, u64) {
    match attributes {
        Some(attributes) => (
            (attributes.flags & SET_SIGMASK != 0).then_some(attributes.mask),
            if attributes.flags & SET_SIGDEF != 0 { attributes.defaults } else { 0 },
        ),
        None => (None, 0),
    }
}

fn fill_table(child: &Child, plan: &Plan<'_>, namespace: Option<usize>) -> Result<()> {
    let table = Table(child.thread.dup(b"filetable")?);
    for (to, from) in plan.result() {
        table.insert(from, to)?;
    }
    if let Some(namespace) = namespace {
        table.insert(namespace, start_fd::NAMESPACE)?;
    }
    Ok(())
}
