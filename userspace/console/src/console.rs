//! The console: lines in, answers out.

use std::collections::HashMap;
use std::io::{self, Error, IsTerminal, Read, Result, Write};
use std::sync::Arc;
use std::time::Duration;

use libredox::call;
use ochre_spawn::Spawn;

use crate::line::{Command, Editor, Key};
use crate::service::Service;

/// What the console understands.
const HELP: &str = "\
ls [PATH]            what is in a directory; /scheme lists the schemes
cat FILE...          what is in files
read FILE            what one read of a file gives
echo TEXT [> FILE]   writes a line
sleep SECONDS        waits
ps, top              the processes
trace PROGRAM ARGS.. the calls of a program
free                 memory
PROGRAM ARGS...      runs /scheme/initfs/bin/PROGRAM, or a path
serve PROGRAM ARGS.. starts a daemon, and again whenever it dies
kill PROGRAM         kills a daemon that `serve` has started
help                 this
exit                 leaves the console";

/// The console, and the daemons that were started from it.
#[derive(Default)]
pub struct Console {
    services: HashMap<String, Arc<Service>>,
}

impl Console {
    /// Reads and obeys lines until there are no more.
    pub fn run(&mut self) {
        println!("\nOchre. This is the console; `help` tells what it can do.");
        while let Some(line) = read_line() {
            if Command::parse(&line) == Command::Exit {
                return;
            }
            self.obey(&line);
        }
    }

    /// Obeys a line: commands between `;`. Answers the status of the last one.
    pub fn obey(&mut self, line: &str) -> u8 {
        line.split(';').fold(0, |_, command| match self.obey_one(command) {
            Ok(status) => status,
            Err(error) => {
                println!("{}: {error}", command.trim());
                1
            }
        })
    }

    fn obey_one(&mut self, command: &str) -> Result<u8> {
        match Command::parse(command) {
            Command::Nothing | Command::Exit => {}
            Command::Help => println!("{HELP}"),
            Command::List(path) => list(path)?,
            Command::Show(paths) => paths.into_iter().try_for_each(show)?,
            Command::Read(path) => {
                let mut bytes = vec![0; 4096];
                let count = std::fs::File::open(path)?.read(&mut bytes)?;
                io::stdout().write_all(&bytes[..count])?;
            }
            Command::Sleep(seconds) => std::thread::sleep(Duration::from_secs(seconds)),
            Command::Write(text, None) => println!("{text}"),
            Command::Write(text, Some(path)) => {
                std::fs::OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .open(path)?
                    .write_all(format!("{text}\n").as_bytes())?;
            }
            Command::Run(path, args) => return run_program(&path, &args),
            Command::Serve(path, args) => {
                let name = path.rsplit('/').next().unwrap_or(&path);
                if self.services.contains_key(name) {
                    return Err(Error::other("it is served already"));
                }
                let service = Service::start(&path, &args, namespace()?)?;
                self.services.insert(name.into(), service);
            }
            Command::Kill(name) => match self.services.get(name) {
                Some(service) => service.kill()?,
                None => return Err(Error::other("no daemon of this name was started here")),
            },
        }
        Ok(0)
    }
}

fn namespace() -> Result<usize> {
    Ok(call::getns()?)
}

/// Prompts for a line; none at the end of the input. Where that is no terminal there is neither echo nor editing but the console's own.
fn read_line() -> Option<String> {
    if io::stdin().is_terminal() {
        let mut line = String::new();
        print!("> ");
        // A console that cannot be written says nothing.
        let _ = io::stdout().flush();
        return io::stdin().read_line(&mut line).is_ok_and(|count| count > 0).then_some(line);
    }
    let mut editor = Editor::new();
    let mut out = io::stdout().lock();
    // A console that cannot be written says nothing.
    let _ = out.write_all(b"> ").and_then(|()| out.flush());
    for byte in io::stdin().lock().bytes() {
        let done = editor.take(byte.ok()?);
        let _ = out.write_all(&editor.take_echo()).and_then(|()| out.flush());
        match done {
            Key::Line => return Some(editor.into_line()),
            Key::End => return None,
            Key::More => {}
        }
    }
    None
}

fn list(path: &str) -> Result<()> {
    let mut names = std::fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>>>()?;
    names.sort();
    println!("{}", names.join("  "));
    Ok(())
}

fn show(path: &str) -> Result<()> {
    let mut file = std::fs::File::open(path)?;
    io::copy(&mut file, &mut io::stdout())?;
    Ok(())
}

fn run_program(path: &str, args: &[&str]) -> Result<u8> {
    let image = std::fs::read(path)?;
    let spawn = args.iter().fold(Spawn::new(&image, path).namespace(namespace()?), |spawn, arg| spawn.arg(arg));
    let end = spawn.inherit(0, 0).inherit(1, 1).inherit(2, 2).start()?.wait()?;
    if end.code() != 0 {
        println!("{path}: {end}");
    }
    Ok(end.code())
}
