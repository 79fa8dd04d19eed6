//! The `exec` family.

use core::arch::naked_asm;
use core::convert::Infallible;

use libc::{EACCES, ENOENT, ENOEXEC, ENOTDIR, c_char, c_int};
use syscall::error::Result;

use crate::errno::{error, fail};
use crate::fcntl::{canonical, descriptor};
use crate::rt::exec::{Program, exec};
use crate::rt::path::{Canonical, PATH_MAX};
use crate::rt::resolve;
use crate::rt::strings::Strings;
use crate::string::{bytes, strlen};

/// Where programs are looked for without `PATH` in the environment.
const PATH: &[u8] = b"/bin:/usr/bin:/scheme/initfs/bin";
/// What runs a file that is neither a program nor says what runs it (POSIX, `exec`).
const SHELL: &[u8] = b"/bin/sh";

type List = *const *const c_char;

fn failed(result: Result<Infallible>) -> c_int {
    match result {
        Ok(never) => match never {},
        Err(error) => fail(error.errno),
    }
}

/// `execve`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execve(path: *const c_char, argv: List, envp: List) -> c_int {
    // SAFETY: POSIX demands a C string and lists with their ends.
    failed(unsafe {
        canonical(path).and_then(|canonical| {
            let (args, env) = (Strings::list(argv), Strings::list(envp));
            exec(canonical, &Program { path: bytes(path)?, args, env })
        })
    })
}

/// `execv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execv(path: *const c_char, argv: List) -> c_int {
    // SAFETY: as for `execve`; the environment is the program's own.
    unsafe { execve(path, argv, crate::stdlib::environ.cast_const().cast()) }
}

/// `execvp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execvp(file: *const c_char, argv: List) -> c_int {
    // SAFETY: as for `execv`.
    unsafe { execvpe(file, argv, crate::stdlib::environ.cast_const().cast()) }
}

/// `execvpe` (GNU).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execvpe(file: *const c_char, argv: List, envp: List) -> c_int {
    // SAFETY: POSIX demands a C string and lists with their ends.
    failed(unsafe {
        bytes(file).and_then(|file| {
            let (args, env) = (Strings::list(argv), Strings::list(envp));
            find(file, |path| run(path, args, env))
        })
    })
}

/// Defines a function that takes its list as arguments: those in registers and those on the stack become one list, which a null
/// pointer ends, for `$with`.
macro_rules! listed {
    ($(#[$meta:meta])* $name:ident, $with:path) => {
        $(#[$meta])*
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(_path: *const c_char, _first: *const c_char) -> c_int {
            // The registers are put below the arguments on the stack, where the return address was (System V ABI AMD64, section
            // 3.2.3). With it below them `rsp` is a multiple of 16.
            naked_asm!(
                "pop rax",
                "push r9", "push r8", "push rcx", "push rdx", "push rsi",
                "mov rsi, rsp",
                "push rax",
                "call {with}",
                "pop rcx",
                "add rsp, 40",
                "push rcx",
                "ret",
                with = sym $with,
            )
        }
    };
}

listed!(
    /// `execl`.
    execl,
    execv
);
listed!(
    /// `execlp`.
    execlp,
    execvp
);
listed!(
    /// `execle`: the environment follows the end of the list.
    execle,
    with_environment
);

unsafe extern "C" fn with_environment(path: *const c_char, list: List) -> c_int {
    // SAFETY: the list has an end, and the environment behind it.
    unsafe {
        let mut end = list;
        while !(*end).is_null() {
            end = end.add(1);
        }
        execve(path, list, *end.add(1).cast::<List>())
    }
}

/// `fexecve`: the path is the one by which the descriptor's scheme knows it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fexecve(fd: c_int, argv: List, envp: List) -> c_int {
    let mut buf = [0; PATH_MAX];
    // SAFETY: POSIX demands lists with their ends.
    failed(unsafe {
        descriptor(fd).and_then(|fd| resolve::path_of(fd, &mut buf)).and_then(|path| {
            let (args, env) = (Strings::list(argv), Strings::list(envp));
            exec(Canonical::new(b"/", path)?, &Program { path, args, env })
        })
    })
}

/// Executes a path, with the shell where the file is no program.
fn run(path: &[u8], args: Strings<'_>, env: Strings<'_>) -> Result<Infallible> {
    let result = resolve::canonical(path).and_then(|canonical| exec(canonical, &Program { path, args, env }));
    match result {
        Err(error) if error.errno == ENOEXEC => {
            let mut args = args;
            args.replace_first(&[SHELL, path]);
            exec(resolve::canonical(SHELL)?, &Program { path: SHELL, args, env })
        }
        result => result,
    }
}

/// Tries a file in each directory of `PATH` until one can be used; what has a slash is a path already. `EACCES` when one was found that
/// may not be executed, else `ENOENT`.
pub fn find<T>(file: &[u8], mut attempt: impl FnMut(&[u8]) -> Result<T>) -> Result<T> {
    if file.is_empty() {
        return Err(error(ENOENT));
    }
    if file.contains(&b'/') {
        return attempt(file);
    }
    // SAFETY: the answer of `getenv` is null or a C string, which lives while nobody changes the environment.
    let path = unsafe {
        let value = crate::stdlib::getenv(c"PATH".as_ptr());
        if value.is_null() { PATH } else { core::slice::from_raw_parts(value.cast::<u8>().cast_const(), strlen(value)) }
    };
    let mut worst = ENOENT;
    for directory in path.split(|&byte| byte == b':') {
        let directory = if directory.is_empty() { b"." } else { directory };
        let mut whole = [0; PATH_MAX];
        let len = directory.len() + 1 + file.len();
        let Some(whole) = whole.get_mut(..len) else { continue };
        whole[..directory.len()].copy_from_slice(directory);
        whole[directory.len()] = b'/';
        whole[directory.len() + 1..].copy_from_slice(file);
        match attempt(whole) {
            Err(error) if error.errno == EACCES => worst = EACCES,
            Err(error) if matches!(error.errno, ENOENT | ENOTDIR | libc::ENODEV) => {}
            result => return result,
        }
    }
    Err(error(worst))
}
