//! Makes `kernel.sym`, with which a kernel panic names the addresses of its backtrace: a line `address name` for each function
//! of the kernel's ELF file, addresses in hexadecimal and ascending. The kernel reads it with `kernel_core::symbols`.

use std::fmt::Write;

use object::read::elf::{FileHeader, SectionHeader, Sym};
use object::{LittleEndian, elf};

/// Path of the table in the initfs.
pub const PATH: &str = "kernel.sym";

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a 64-bit ELF file, or a damaged one.
    #[error("not an ELF file that can be read: {0}")]
    BadElf(#[from] object::read::Error),
    /// Stripped.
    #[error("the file names no functions: it is stripped")]
    Stripped,
}

/// The table for the kernel in `elf`, which must not be stripped.
pub fn table(elf: &[u8]) -> Result<String, Error> {
    let header = elf::FileHeader64::<LittleEndian>::parse(elf)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, elf)?;
    let symbols = sections.symbols(endian, elf, elf::SHT_SYMTAB)?;
    let is_code = |symbol: &elf::Sym64<LittleEndian>| match symbol.st_type() {
        elf::STT_FUNC => true,
        // A label in assembly: of interest only where there is code.
        elf::STT_NOTYPE => sections
            .section(object::SectionIndex(usize::from(symbol.st_shndx(endian))))
            .is_ok_and(|section| section.sh_flags(endian) & u64::from(elf::SHF_EXECINSTR) != 0),
        _ => false,
    };
    let mut functions = Vec::new();
    for symbol in symbols.iter().filter(|symbol| !symbol.is_undefined(endian) && is_code(symbol)) {
        let name = String::from_utf8_lossy(symbols.symbol_name(endian, symbol)?);
        // Local labels of the assembler say nothing.
        if !name.is_empty() && !name.starts_with(".L") {
            functions.push((symbol.st_value(endian), format!("{:#}", rustc_demangle::demangle(&name))));
        }
    }
    functions.sort();
    // Identical functions are folded into one: the first name has to do for all.
    functions.dedup_by_key(|(address, _)| *address);
    if functions.is_empty() {
        return Err(Error::Stripped);
    }
    let mut text = String::new();
    for (address, name) in functions {
        writeln!(text, "{address:x} {name}").expect("memory takes every write");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::write::{Object, Symbol, SymbolSection};
    use object::{Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope};

    /// An ELF file with a section of code at address 0 and one of data, and these symbols.
    fn sample(symbols: &[(&str, u64, SymbolKind, SectionKind)]) -> Vec<u8> {
        let mut file = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let code = file.add_section(Vec::new(), b".text".to_vec(), SectionKind::Text);
        let data = file.add_section(Vec::new(), b".data".to_vec(), SectionKind::Data);
        for (name, value, kind, section) in symbols {
            file.add_symbol(Symbol {
                name: name.as_bytes().to_vec(),
                value: *value,
                size: 0,
                kind: *kind,
                scope: SymbolScope::Compilation,
                weak: false,
                section: SymbolSection::Section(if *section == SectionKind::Text { code } else { data }),
                flags: SymbolFlags::None,
            });
        }
        file.write().unwrap()
    }

    #[test]
    fn functions_are_listed_in_order_and_readable() {
        let text = table(&sample(&[
            ("_ZN6kernel6memory5frees17h0123456789abcdefE", 0x90, SymbolKind::Text, SectionKind::Text),
            ("_RNvCs1234_7mycrate3foo", 0x40, SymbolKind::Text, SectionKind::Text),
            ("entry", 0x10, SymbolKind::Label, SectionKind::Text),
            ("twin", 0x40, SymbolKind::Text, SectionKind::Text),
            ("number", 0x20, SymbolKind::Data, SectionKind::Data),
            (".Llocal", 0x30, SymbolKind::Label, SectionKind::Text),
        ]))
        .unwrap();
        assert_eq!(text, "10 entry\n40 mycrate::foo\n90 kernel::memory::frees\n");
        assert_eq!(kernel_core::symbols::lookup(text.as_bytes(), 0x95), Some(("kernel::memory::frees", 5)));
        assert_eq!(kernel_core::symbols::lookup(text.as_bytes(), 0x3f), Some(("entry", 0x2f)));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        assert!(matches!(table(&sample(&[])), Err(Error::Stripped)));
        let data = sample(&[("number", 0x20, SymbolKind::Data, SectionKind::Data)]);
        assert!(matches!(table(&data), Err(Error::Stripped)));
    }

    #[test]
    fn damage_is_survived() {
        assert!(matches!(table(b""), Err(Error::BadElf(_))));
        assert!(matches!(table(b"#!/bin/sh\n"), Err(Error::BadElf(_))));
        let good = sample(&[("f", 0x40, SymbolKind::Text, SectionKind::Text)]);
        for len in 0..good.len() {
            // Any answer will do, as long as there is one.
            let _ = table(&good[..len]);
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            let _ = table(&bad);
        }
    }
}
