//! Names for addresses of the guest: which program a piece of code belongs to, its function, what was inlined there, its line.

use std::fs;
use std::path::Path;

use addr2line::Loader;
use object::{Object, ObjectSegment, SegmentFlags, elf};

/// Where the system loads a position-independent program (`ochre_abi::PIE_BASE`).
const PIE_BASE: u64 = 0x5555_0000_0000;
/// Addresses from here on belong to the kernel.
pub const KERNEL: u64 = 1 << 63;

/// What one instruction is part of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// Program, or `kernel`.
    pub program: String,
    /// The function it was compiled into.
    pub function: String,
    /// The function it was written in, which may have been inlined there; the standard library's count as their callers.
    pub inlined: String,
    /// File and line, where they are known.
    pub line: String,
}

impl Place {
    /// Whether both are in one function of one program.
    pub fn same_function(&self, other: &Self) -> bool {
        self.program == other.program && self.function == other.function && self.inlined == other.inlined
    }
}

/// Names of one program.
struct Program {
    name: String,
    base: u64,
    /// Code: address without the base, bytes.
    code: Vec<(u64, Vec<u8>)>,
    loader: Loader,
}

impl Program {
    fn load(path: &Path, name: String) -> Result<Self, String> {
        let tell = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let bytes = fs::read(path).map_err(|error| tell(&error))?;
        let file = object::File::parse(&*bytes).map_err(|error| tell(&error))?;
        let base = if file.kind() == object::ObjectKind::Dynamic { PIE_BASE } else { 0 };
        let executable = |flags| matches!(flags, SegmentFlags::Elf { p_flags } if p_flags & elf::PF_X != 0);
        let code = file
            .segments()
            .filter(|segment| executable(segment.flags()))
            .filter_map(|segment| Some((segment.address(), segment.data().ok()?.to_vec())))
            .collect();
        let loader = Loader::new(path).map_err(|error| tell(&error))?;
        Ok(Self { name, base, code, loader })
    }

    /// Whether this program has this code at this address of the guest.
    fn has(&self, address: u64, code: &[u8]) -> bool {
        let Some(address) = address.checked_sub(self.base) else {
            return false;
        };
        self.code.iter().any(|(start, bytes)| {
            address
                .checked_sub(*start)
                .and_then(|at| bytes.get(at as usize..at as usize + code.len()))
                .is_some_and(|found| found == code)
        })
    }

    fn place(&self, address: u64) -> Place {
        let address = address - self.base;
        let symbol = self.loader.find_symbol(address).map_or_else(|| format!("{address:#x}"), demangle);
        let mut place =
            Place { program: self.name.clone(), inlined: symbol.clone(), function: symbol, line: String::new() };
        // The innermost frame comes first. What the standard library's helpers cost is put down to who called them.
        if let Ok(mut frames) = self.loader.find_frames(address) {
            while let Ok(Some(frame)) = frames.next() {
                let file = frame.location.as_ref().and_then(|location| location.file).unwrap_or("?");
                if let Some(name) = frame.function.as_ref().and_then(|name| name.raw_name().ok()) {
                    // Inlined functions have their short name only: the file tells the rest.
                    place.inlined = format!("{} ({})", demangle(&name), file.rsplit('/').next().unwrap_or(file));
                }
                let line = frame.location.as_ref().and_then(|location| location.line).unwrap_or(0);
                place.line = format!("{}:{line}", short(file));
                if !file.contains("/library/") {
                    break;
                }
            }
        }
        place
    }
}

/// The last parts of a path, which tell enough.
fn short(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    parts[parts.len().saturating_sub(4)..].join("/")
}

fn demangle(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// A sorted list of addresses and names, as `System.map` and `kernel.sym` have them.
#[derive(Debug, Default)]
pub struct Map(Vec<(u64, String)>);

impl Map {
    /// Parses lines `address [type] name`.
    pub fn parse(text: &str) -> Self {
        let mut list: Vec<(u64, String)> = text
            .lines()
            .filter_map(|line| {
                let (address, rest) = line.split_once(' ')?;
                // A type is one letter; a name that follows may have blanks in it.
                let name = match rest.split_once(' ') {
                    Some((kind, name)) if kind.len() == 1 => name,
                    _ => rest,
                };
                Some((u64::from_str_radix(address, 16).ok()?, demangle(name)))
            })
            .collect();
        list.sort_by_key(|entry| entry.0);
        Self(list)
    }

    /// Picks the lines `bench symbol ADDRESS NAME` out of a guest's serial log.
    pub fn from_guest(serial: &str) -> Self {
        let lines = serial.lines().filter_map(|line| Some(line.split_once("bench symbol ")?.1));
        Self::parse(&lines.collect::<Vec<_>>().join("\n"))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name of the function that contains `address`.
    pub fn name(&self, address: u64) -> Option<&str> {
        let after = self.0.partition_point(|entry| entry.0 <= address);
        self.0.get(after.checked_sub(1)?).map(|entry| entry.1.as_str())
    }
}

enum Kernel {
    Elf(Box<Program>),
    Map(Map),
}

/// Everything that has a name.
pub struct Symbols {
    kernel: Kernel,
    programs: Vec<Program>,
}

impl Symbols {
    /// Loads the kernel's names, from what the guest told or else from a file, and those of the programs.
    pub fn load(guest: Map, kernel: &Path, programs: &[impl AsRef<Path>]) -> Result<Self, String> {
        let bytes = fs::read(kernel).map_err(|error| format!("{}: {error}", kernel.display()))?;
        let kernel = if !guest.is_empty() {
            Kernel::Map(guest)
        } else if bytes.starts_with(b"\x7fELF") {
            Kernel::Elf(Box::new(Program { base: 0, ..Program::load(kernel, "kernel".into())? }))
        } else {
            Kernel::Map(Map::parse(&String::from_utf8_lossy(&bytes)))
        };
        let load = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Program::load(path, name)
        };
        let programs = programs.iter().map(|path| load(path.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self { kernel, programs })
    }

    /// Finds which program a block is of, once, and gives the function that names its instructions.
    pub fn block(&self, address: u64, code: &[u8]) -> impl Fn(u64) -> Place + '_ {
        let program = match &self.kernel {
            // A kernel may patch itself, so its code is not compared.
            Kernel::Elf(kernel) if address >= KERNEL => Some(&**kernel),
            _ => self.programs.iter().find(|program| program.has(address, code)),
        };
        move |address| match (program, &self.kernel) {
            (Some(program), _) => program.place(address),
            (None, kernel) => {
                let program = if address >= KERNEL { "kernel" } else { "?" };
                let known = match kernel {
                    Kernel::Map(map) if address >= KERNEL => map.name(address),
                    _ => None,
                };
                let name = known.map_or_else(|| format!("page {:#x}", address & !0xfff), str::to_owned);
                Place { program: program.into(), inlined: name.clone(), function: name, line: String::new() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shortened() {
        assert_eq!(short("/build/ochre/kernel/src/scheme/user.rs"), "kernel/src/scheme/user.rs");
        assert_eq!(short("main.rs"), "main.rs");
    }

    #[test]
    fn a_map_names_what_lies_behind_a_symbol() {
        let map = Map::parse("00000000000000f0 T second\n0000000000000010 core::first one\nnonsense\n");
        assert_eq!(map.name(0xf), None);
        assert_eq!(map.name(0x10), Some("core::first one"));
        assert_eq!(map.name(0xef), Some("core::first one"));
        assert_eq!(map.name(0x1000), Some("second"));
        assert!(Map::default().is_empty());
        let map = Map::from_guest("[ 1.0] bench symbol 20 vfs_read\r\nbench row x\r\n");
        assert_eq!(map.name(0x21), Some("vfs_read"));
    }
}
