//! The console: lines in, answers out.

use std::io::{self, Read, Result, Write};

use libredox::call;
use ochre_spawn::{End, Spawn};

use crate::line::{Command, Editor, HELP, Key};

/// Reads and obeys lines until there are no more.
pub fn run() {
    println!("\nOchre. There is no desktop yet; this is a console. `help` tells what it can do.");
    loop {
        let Some(line) = read_line() else { return };
        if let Err(error) = obey(&line) {
            println!("{error}");
        }
        if Command::parse(&line) == Command::Exit {
            return;
        }
    }
}

/// Prompts for a line and shows what is typed; none at the end of the input. The console itself has neither echo nor editing.
fn read_line() -> Option<String> {
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

fn obey(line: &str) -> Result<()> {
    match Command::parse(line) {
        Command::Nothing | Command::Exit => Ok(()),
        Command::Help => {
            println!("{HELP}");
            Ok(())
        }
        Command::List(path) => list(path),
        Command::Show(paths) => paths.into_iter().try_for_each(show),
        Command::Run(path, args) => start(&path, &args),
    }
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

fn start(path: &str, args: &[&str]) -> Result<()> {
    let image = std::fs::read(path)?;
    let spawn = Spawn::new(&image, path).namespace(call::getns().map_err(io::Error::from)?);
    let spawn = args.iter().fold(spawn, |spawn, arg| spawn.arg(arg)).inherit(0, 0).inherit(1, 1).inherit(2, 2);
    match spawn.start()?.wait()? {
        End::Exited(0) => {}
        end => println!("{path}: {end}"),
    }
    Ok(())
}
