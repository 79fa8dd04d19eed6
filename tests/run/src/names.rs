//! Names for the addresses that the kernel tells of the threads of the program that was run: the kernel cannot know them, the
//! program's file here does.

use std::fs;
use std::path::Path;

use kernel_core::symbols::lookup;
use ochre_installer::symbols;

/// Longest name of a thread in the kernel.
const NAME: usize = 32;
/// Type of a program with fixed addresses, at its place in the header (ELF, "ELF Header").
const ET_EXEC: u8 = 2;
const TYPE_AT: usize = 16;

/// A program's name and its table of functions.
#[derive(Debug, Default)]
pub struct Names {
    name: String,
    table: String,
}

impl Names {
    /// Of a program here. A program that is not here, is stripped, or has no fixed addresses has no names.
    pub fn of(program: &Path) -> Self {
        let elf = fs::read(program).unwrap_or_default();
        let fixed = elf.get(TYPE_AT) == Some(&ET_EXEC);
        let table = fixed.then(|| symbols::table(&elf).ok()).flatten().unwrap_or_default();
        let mut name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut end = name.len().min(NAME);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        Names { name, table }
    }

    /// The same text, with a name behind each address of the program's threads.
    pub fn add(&self, told: &str) -> String {
        let mut named = String::new();
        let mut ours = false;
        for line in told.lines() {
            if line.starts_with("thread ") {
                ours = !self.table.is_empty() && line.ends_with(&format!(": {}", self.name));
            }
            named += line;
            let address = line.strip_prefix("    user 0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
            if let Some((name, offset)) = address.filter(|_| ours).and_then(|at| lookup(self.table.as_bytes(), at)) {
                named += &format!(" {name}+{offset:#x}");
            }
            named += "\n";
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_program_get_names_and_no_others() {
        let names = Names { name: "prog".into(), table: "401000 main\n402000 std::read\n".into() };
        let told = "thread 5 of process 7: blocked, processor 0, call 0x3: prog\n    0xffffffff80100000 kernel+0x0\n    user 0x402010\n\
                    thread 6 of process 8: blocked, processor 0, call 0x3: init\n    user 0x402010\n";
        let named = names.add(told);
        assert_eq!(named.matches("user 0x402010 std::read+0x10\n").count(), 1, "{named}");
        assert_eq!(named.lines().count(), told.lines().count());
        assert_eq!(Names::default().add(told), told);
    }

    #[test]
    fn what_is_no_program_has_no_names() {
        assert_eq!(Names::of(Path::new("/no/such")).table, "");
        let long = Names::of(Path::new("/a/0123456789012345678901234567890ü-more"));
        assert_eq!(long.name, "0123456789012345678901234567890");
    }
}
