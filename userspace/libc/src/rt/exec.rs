//! Another program in this process: everything is made ready beside the old one, and only then the old one goes.

use ochre_abi::proc::{AddrSpaceVerb, FileTableVerb, ThreadVerb};
use ochre_abi::process::{Name, SUCCESSOR, Verb};
use ochre_abi::{auxv, start_fd};
use syscall::IntRegisters;
use syscall::error::{ELOOP, ENOEXEC, Error, Result};
use syscall::flag::CallFlags;

use super::image::{File, Source};
use super::path::{Canonical, PATH_MAX};
use super::space::{Owned, Space};
use super::stack::Stack;
use super::strings::{Strings, interpreter};
use super::tcb::current;
use super::{files, process, resolve, roots, spawn, sys, thread};

/// Scripts whose interpreter is a script.
const SCRIPTS: usize = 4;
/// Longest first line of a script that counts.
const LINE: usize = 512;

/// What is to run, with what.
pub struct Program<'a> {
    /// Its path, as the program is told it.
    pub path: &'a [u8],
    /// Arguments.
    pub args: Strings<'a>,
    /// Environment.
    pub env: Strings<'a>,
}

/// Finds the program of a path, along the interpreters of scripts, and hands it on with the arguments that it is to have.
/// `ENOEXEC` for a file that is neither.
pub fn with_program<T>(
    path: Canonical,
    program: &Program<'_>,
    act: impl FnOnce(&Source<'_>, Strings<'_>) -> Result<T>,
) -> Result<T> {
    follow(File::open(path)?, program.path, program.args, SCRIPTS, act)
}

fn follow<T>(
    file: File,
    path: &[u8],
    args: Strings<'_>,
    left: usize,
    act: impl FnOnce(&Source<'_>, Strings<'_>) -> Result<T>,
) -> Result<T> {
    let front = file.front();
    if !front.starts_with(b"#!") {
        return act(&Source::File(file), args);
    }
    if left == 0 {
        return Err(Error::new(ELOOP));
    }
    // The line is kept: the file closes before the interpreter runs.
    let mut line = [0; LINE];
    let len = front.len().min(LINE);
    line[..len].copy_from_slice(&front[..len]);
    let (program, argument) = interpreter(&line[..len]).ok_or(Error::new(ENOEXEC))?;
    drop(file);
    let mut args = args;
    let fits = match argument {
        Some(argument) => args.replace_first(&[program, argument, path]),
        None => args.replace_first(&[program, path]),
    };
    if !fits {
        return Err(Error::new(ELOOP));
    }
    follow(File::open(resolve::canonical(program)?)?, program, args, left - 1, act)
}

/// Executes a program. It only comes back with an error, and then nothing has changed.
pub fn exec(path: Canonical, program: &Program<'_>) -> Result<core::convert::Infallible> {
    let name = spawn::name(program.path);
    with_program(path, program, |source, args| {
        // SAFETY: this thread has a control block.
        let thread = unsafe { (*current()).handle };
        let own = Owned(files::dup(thread, b"addrspace", files::Place::Libc)?);
        let space = Space(own.dup(b"empty")?);
        drop(own);
        let found = source.program()?;
        source.load(&found, &space)?;
        let process = process::descriptor();
        let namespace = roots::namespace().ok();
        let own = [
            (auxv::THR_FD, start_fd::THREAD),
            (auxv::FILETABLE_FD, start_fd::FILETABLE),
            process.map_or((0, 0), |fd| (auxv::PROC_FD, fd)),
            namespace.map_or((0, 0), |fd| (auxv::NS_FD, fd)),
        ];
        let auxiliary = spawn::auxiliary(&found, resolve::current_umask(), (None, 0), own);
        let mut directory = [0; PATH_MAX + 1];
        let len = resolve::cwd(&mut directory)?;
        let stack = Stack { args, env: program.env, directory: &directory[..len], auxiliary: &auxiliary };
        let sp = stack.build(&space)?;
        let kept =
            [start_fd::FILETABLE, process.unwrap_or(start_fd::PROCESS), namespace.unwrap_or(start_fd::NAMESPACE)];
        if thread::is_main() {
            if process.is_some() {
                process::tell(Verb::Executed, 0, &name)?;
            }
            become_program(space, &kept, sp, found.entry as usize)
        } else {
            Successor::new()?.take_over(space, &kept, sp, found.entry as usize, &name)
        }
    })
}

/// The first thread goes on as the new program. From here on nothing may fail, and nothing of libc may be used that locks: other
/// threads end wherever they are.
fn become_program(space: Space, kept: &[usize; 3], sp: usize, entry: usize) -> ! {
    let space = space.0.keep();
    thread::end_others();
    close_for_exec(&[start_fd::THREAD, kept[0], kept[1], kept[2], space]);
    // SAFETY: no payload; the new program needs nothing of this one.
    let answer = unsafe {
        let verb = [AddrSpaceVerb::Enter as u64, sp as u64, entry as u64];
        sys::message(space, core::ptr::null_mut(), 0, CallFlags::CONSUME, &verb)
    };
    unreachable!("the new program was not entered: {answer:?}")
}

/// Closes what does not outlive the program: all that is marked so, and libc's own descriptors but these.
fn close_for_exec(kept: &[usize]) {
    // The first thread's table is the one with this handle.
    files::each_for_exec(kept, |numbers| {
        let (payload, len) = (numbers.as_ptr().cast_mut().cast(), size_of_val(numbers));
        // SAFETY: the payload is only read. A number that is not open is skipped.
        let _ = unsafe {
            sys::message(start_fd::FILETABLE, payload, len, CallFlags::WRITE, &[FileTableVerb::Close as u64])
        };
    });
}

/// A new first thread, where another one than the old one executes.
struct Successor {
    thread: Owned,
}

impl Successor {
    fn new() -> Result<Self> {
        let thread = files::create(files::Place::Libc, |slot| process::thread(SUCCESSOR, slot))?;
        Ok(Successor { thread: Owned(thread) })
    }

    /// Makes it run the program, and ends everything else.
    fn take_over(
        self,
        space: Space,
        kept: &[usize; 3],
        sp: usize,
        entry: usize,
        name: &Name,
    ) -> Result<core::convert::Infallible> {
        let thread = self.thread.0;
        let table = self.thread.dup(b"filetable")?;
        sys::verb(table.0, &[FileTableVerb::Inherit as u64])?;
        sys::verb(thread, &[ThreadVerb::SetAddrSpace as u64, space.0.0 as u64])?;
        let registers = IntRegisters { rip: entry, rsp: sp, ..IntRegisters::default() };
        sys::verb_write(thread, &registers, &[ThreadVerb::SetRegs as u64])?;
        files::each_for_exec(&[kept[0], kept[1], kept[2]], |numbers| {
            let (payload, len) = (numbers.as_ptr().cast_mut().cast(), size_of_val(numbers));
            // SAFETY: the payload is only read. A number that is not open is skipped.
            let _ = unsafe { sys::message(table.0, payload, len, CallFlags::WRITE, &[FileTableVerb::Close as u64]) };
        });
        process::ask(Verb::Succeed, 0)?;
        // What is wrong from here on cannot be told any more.
        let _ = process::tell(Verb::Executed, 0, name);
        // The others end before the new program does anything.
        thread::end_others();
        let start = [ThreadVerb::Start as u64, start_fd::THREAD as u64, start_fd::FILETABLE as u64];
        let _ = sys::verb(thread, &start);
        thread::end_by_signal(libc::SIGKILL)
    }
}
