//! The terminal device and the program on it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Error, PipeReader, Result, Write, pipe};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};

use libredox::Fd;
use libredox::flag::{O_CLOEXEC, O_CREAT, O_NONBLOCK, O_RDWR};
use ochre_abi::terminal::{Request, WindowSize};
use syscall::CallFlags;
use terminal::machine::Cells;

use super::told;

/// Begins a session on its standard input and runs a shell, or what it is told.
const SESSION: &str = "/scheme/initfs/bin/session";
/// Bytes read at once.
const BATCH: usize = 64 << 10;

/// What reading has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// There may be more at once.
    Yes,
    /// There is nothing now.
    Later,
    /// The daemon behind the terminal is gone, and the terminal with it.
    Never,
}

/// What is to run.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The program and its arguments; a shell if it is empty.
    pub program: Vec<OsString>,
    /// Where it begins.
    pub directory: Option<OsString>,
}

/// A program on a terminal.
pub struct Program {
    master: Fd,
    /// Becomes readable when the program has ended.
    end: PipeReader,
    ended: Receiver<Result<ExitStatus>>,
    /// Typed and not yet taken by the terminal.
    typed: Vec<u8>,
    room: Vec<u8>,
}

impl Program {
    /// Starts it on a terminal of this size.
    pub fn start(wish: &Wish, cells: Cells) -> Result<Self> {
        let master = Fd::open("/scheme/pty", O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0).map_err(told)?;
        set_size(&master, cells)?;
        let mut name = [0; 256];
        let count = master.fpath(&mut name).map_err(told)?;
        let name = str::from_utf8(&name[..count]).map_err(Error::other)?;
        let own = File::options().read(true).write(true).open(name)?;
        let mut command = Command::new(SESSION);
        if !wish.program.is_empty() {
            command.arg("--").args(&wish.program);
        }
        if let Some(directory) = wish.directory.as_ref().filter(|path| Path::new(path).is_dir()) {
            command.current_dir(directory);
        }
        command.env("TERM", "xterm-256color").env("COLORTERM", "truecolor");
        command.stdin(own.try_clone()?).stdout(own.try_clone()?).stderr(own);
        let mut child = command.spawn().map_err(|error| Error::other(format!("{SESSION}: {error}")))?;
        // Its own copies of the terminal's other end would keep that open.
        drop(command);
        let (end, mut tell) = pipe()?;
        let (sender, ended) = channel();
        std::thread::Builder::new().name("waiter".into()).stack_size(64 << 10).spawn(move || {
            // Nobody may be there to hear it.
            let _ = sender.send(child.wait());
            let _ = tell.write_all(&[0]);
        })?;
        Ok(Self { master, end, ended, typed: Vec::new(), room: vec![0; BATCH] })
    }

    /// Descriptors to be watched: the terminal, and what tells of the program's end.
    pub fn descriptors(&self) -> [usize; 2] {
        [self.master.raw(), self.end.as_raw_fd() as usize]
    }

    /// Takes what the program has written, once.
    pub fn read(&mut self, mut take: impl FnMut(&[u8])) -> More {
        match self.master.read(&mut self.room) {
            // Nobody has the other end open.
            Ok(0) => More::Later,
            Ok(count) => {
                take(&self.room[..count]);
                More::Yes
            }
            Err(error) if error.is_wouldblock() || error.is_interrupt() => More::Later,
            Err(_) => More::Never,
        }
    }

    /// Gives bytes to the program, as soon as it takes them.
    pub fn type_in(&mut self, bytes: &[u8]) {
        self.typed.extend_from_slice(bytes);
        self.flush();
    }

    /// Passes on what is still to be taken. Answers whether something is left.
    pub fn flush(&mut self) -> bool {
        let mut done = 0;
        while done < self.typed.len() {
            match self.master.write(&self.typed[done..]) {
                Ok(count @ 1..) => done += count,
                // Reading finds out what is wrong.
                _ => break,
            }
        }
        self.typed.drain(..done);
        !self.typed.is_empty()
    }

    /// The window has another size.
    pub fn set_size(&self, cells: Cells) {
        // A terminal that is gone has no size.
        let _ = set_size(&self.master, cells);
    }

    /// How the program ended, if it has.
    pub fn ended(&mut self) -> Option<Result<ExitStatus>> {
        self.ended.try_recv().ok()
    }
}

fn set_size(master: &Fd, cells: Cells) -> Result<()> {
    let number = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
    let size = WindowSize {
        rows: number(cells.rows),
        columns: number(cells.columns),
        width: number(cells.width),
        height: number(cells.height),
    };
    master.call_wo(&size.to_bytes(), CallFlags::empty(), &[Request::SetSize as u64, 0]).map(drop).map_err(told)
}
