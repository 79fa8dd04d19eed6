//! `ochre-image`: makes what Ochre boots from. See [`USAGE`].
#![forbid(unsafe_code)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use lexopt::prelude::*;
use ochre_installer::initfs::Archive;
use ochre_installer::iso::Iso;
use ochre_installer::{live, symbols};

/// What `--help` prints.
const USAGE: &str = "\
ochre-image initfs --out FILE [CONTENTS]...
    an initfs archive
ochre-image live --out FILE [CONTENTS]...
    the root directory of a system that runs from memory, packed
ochre-image symbols --kernel ELF --out FILE
    the table kernel.sym, with which a kernel panic names addresses
ochre-image iso --kernel ELF --initfs FILE --out FILE [--desktop] [--append TEXT] [--timeout SECONDS]
    an image that boots from CD and USB stick, by BIOS and UEFI; TEXT goes to the kernel's command line; the menu of --desktop offers
    the desktop

CONTENTS, of which none may have the same path as another:
    PATH=HOSTFILE           a file
    --tree DIR              all that is in a directory
    --package DIR           a package that `cook` made: its `share` becomes `usr/share`
    --link PATH=TARGET      a symbolic link
    --directory PATH        an empty directory
";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run(lexopt::Parser::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ochre-image: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: lexopt::Parser) -> Result<()> {
    match arguments.next()? {
        Some(Value(command)) if command == "initfs" => initfs(arguments),
        Some(Value(command)) if command == "live" => live(arguments),
        Some(Value(command)) if command == "symbols" => symbols(arguments),
        Some(Value(command)) if command == "iso" => iso(arguments),
        Some(Long("help") | Short('h')) => {
            print!("{USAGE}");
            Ok(())
        }
        Some(other) => Err(format!("{}; --help tells what there is", other.unexpected()).into()),
        None => Err("what is to be made? --help tells what there is".into()),
    }
}

fn initfs(arguments: lexopt::Parser) -> Result<()> {
    let (archive, out) = collect(arguments)?;
    write(&out, &archive.to_bytes_in_pages())
}

fn live(arguments: lexopt::Parser) -> Result<()> {
    let (archive, out) = collect(arguments)?;
    let packed = live::pack(&archive)?;
    write(&out, &packed)?;
    let (files, bytes) = archive.size();
    println!("  live image: {files} files, {} MiB, packed {} MiB", bytes >> 20, packed.len() >> 20);
    Ok(())
}

/// What an archive is to have in it, and where it is to be written.
fn collect(mut arguments: lexopt::Parser) -> Result<(Archive, PathBuf)> {
    let (mut archive, mut out) = (Archive::new(), None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("out") => out = Some(PathBuf::from(arguments.value()?)),
            Long("package") => archive.host_package(Path::new(&arguments.value()?))?,
            Long("directory") => archive.directory(&arguments.value()?.string()?)?,
            Long("tree") => archive.host_tree(Path::new(&arguments.value()?))?,
            Long("link") => {
                let pair = arguments.value()?.string()?;
                let (path, target) = pair.split_once('=').ok_or_else(|| format!("{pair}: PATH=TARGET is expected"))?;
                archive.link(path, target)?;
            }
            Value(pair) => {
                let pair = pair.string()?;
                let (path, host) = pair.split_once('=').ok_or_else(|| format!("{pair}: PATH=HOSTFILE is expected"))?;
                archive.host_file(path, Path::new(host))?;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok((archive, needed(out, "--out")?))
}

fn symbols(mut arguments: lexopt::Parser) -> Result<()> {
    let (mut kernel, mut out) = (None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("kernel") => kernel = Some(PathBuf::from(arguments.value()?)),
            Long("out") => out = Some(PathBuf::from(arguments.value()?)),
            other => return Err(other.unexpected().into()),
        }
    }
    let (kernel, out) = (needed(kernel, "--kernel")?, needed(out, "--out")?);
    let elf = fs::read(&kernel).map_err(|error| format!("{}: {error}", kernel.display()))?;
    let table = symbols::table(&elf).map_err(|error| format!("{}: {error}", kernel.display()))?;
    write(&out, table.as_bytes())
}

fn iso(mut arguments: lexopt::Parser) -> Result<()> {
    let (mut kernel, mut initfs, mut out) = (None, None, None);
    let (mut append, mut timeout, mut desktop) = (String::new(), 3, false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("kernel") => kernel = Some(PathBuf::from(arguments.value()?)),
            Long("initfs") => initfs = Some(PathBuf::from(arguments.value()?)),
            Long("out") => out = Some(PathBuf::from(arguments.value()?)),
            Long("desktop") => desktop = true,
            Long("append") => append = arguments.value()?.string()?,
            Long("timeout") => timeout = arguments.value()?.parse()?,
            other => return Err(other.unexpected().into()),
        }
    }
    let (kernel, initfs) = (needed(kernel, "--kernel")?, needed(initfs, "--initfs")?);
    let iso = Iso { kernel: &kernel, initfs: &initfs, append: &append, timeout, desktop };
    Ok(iso.write(&absolute(&needed(out, "--out")?)?)?)
}

fn needed(value: Option<PathBuf>, name: &str) -> Result<PathBuf> {
    value.ok_or_else(|| format!("{name} is missing").into())
}

/// So that a file whose name begins with a dash is no option to another program.
fn absolute(path: &Path) -> Result<PathBuf> {
    Ok(env::current_dir()?.join(path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()).into())
}
