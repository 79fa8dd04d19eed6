//! The session itself.

use std::fs::File;
use std::io::{Error, Result, stdin};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use ochre_abi::terminal::Request;
use rustix::process::{getuid, setsid};
use syscall::CallFlags;

use crate::account::{Account, PATH, shell};
use crate::options::Options;

/// What obeys a single line.
const CONSOLE: &str = "/scheme/initfs/bin/console";

/// What init says of the service that fills the root directory.
const FILLING: &str = "/scheme/init/live";
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(20);

/// Becomes what was asked for. It only comes back with what went wrong.
pub fn start(options: &Options) -> Error {
    match prepare(options) {
        Ok(mut command) => {
            let error = command.exec();
            Error::other(format!("{}: {error}", command.get_program().display()))
        }
        Err(error) => error,
    }
}

fn prepare(options: &Options) -> Result<Command> {
    if let Some(line) = &options.line {
        let mut command = Command::new(CONSOLE);
        command.arg("-c").args(line);
        return Ok(command);
    }
    let terminal = match &options.terminal {
        Some(path) => {
            let opened = File::options().read(true).write(true).open(path);
            Some(opened.map_err(|error| Error::other(format!("{}: {error}", path.display())))?)
        }
        None => None,
    };
    control(terminal.as_ref().map_or(stdin().as_fd(), |terminal| terminal.as_fd()))?;
    let mut command = program(options)?;
    if let Some(terminal) = terminal {
        let (output, errors) = (terminal.try_clone()?, terminal.try_clone()?);
        command.stdin(terminal).stdout(output).stderr(errors);
    }
    Ok(command)
}

/// Makes this process the leader of a session that the terminal controls.
fn control(terminal: BorrowedFd<'_>) -> Result<()> {
    setsid().map_err(|error| Error::other(format!("no session can begin here: {error}")))?;
    let words = [Request::Acquire as u64, 0];
    libredox::call::call_ro(terminal.as_raw_fd() as usize, &mut [], CallFlags::empty(), &words)
        .map_err(|error| Error::other(format!("the terminal cannot be had: {error}")))?;
    Ok(())
}

/// Waits while the root directory is being filled from the live image: the shell, and what it reads first, are in it.
fn await_root() {
    while std::fs::read_to_string(FILLING).is_ok_and(|text| text.lines().any(|line| line == "state starting")) {
        sleep(LOOK);
    }
}

/// The program with its arguments and what it finds in its environment.
fn program(options: &Options) -> Result<Command> {
    if options.program.is_empty() {
        await_root();
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = Account::find(&passwd, getuid().as_raw());
    let named = [std::env::var_os("SHELL").map(PathBuf::from), account.as_ref().and_then(|own| own.shell.clone())];
    let shell = shell(named, |path| path.is_file());
    let mut command = match (options.program.as_slice(), &shell) {
        ([program, arguments @ ..], _) => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
        ([], Some(shell)) => Command::new(shell),
        ([], None) => return Err(Error::other("there is no shell")),
    };
    let mut default = |name: &str, value: &std::ffi::OsStr| {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    };
    default("PATH", PATH.as_ref());
    if let Some(shell) = &shell {
        default("SHELL", shell.as_os_str());
    }
    if let Some(account) = &account {
        default("HOME", account.home.as_os_str());
        default("USER", account.name.as_ref());
        default("LOGNAME", account.name.as_ref());
    }
    if options.login {
        if let (true, Some(name)) = (options.program.is_empty(), shell.as_ref().and_then(|shell| shell.file_name())) {
            command.arg0(format!("-{}", name.display()));
        }
        let home = account.map(|account| account.home).filter(|home| home.is_dir());
        command.current_dir(home.unwrap_or_else(|| "/".into()));
    }
    Ok(command)
}
