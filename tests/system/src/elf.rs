//! Small ELF files for x86-64, good and bad: what a first program may look like without a compiler.
//!
//! Fields: System V ABI, "Object Files", figures 4-3 and 5-1, 64-bit forms.

/// Where the program's only page of code lies.
pub const CODE: u64 = 0x40_0000;
/// Bytes of the file header.
const HEADER: u64 = 64;
/// Bytes of a program header.
const PROGRAM_HEADER: u64 = 56;

/// A program header.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// 1: loaded.
    pub kind: u32,
    /// 1 execute, 2 write, 4 read.
    pub flags: u32,
    /// Offset in the file.
    pub offset: u64,
    /// Address.
    pub address: u64,
    /// Bytes in the file.
    pub file_len: u64,
    /// Bytes in memory.
    pub memory_len: u64,
}

/// A file that is being made. All fields may lie.
#[derive(Clone, Debug)]
pub struct Elf {
    /// 2: at fixed addresses; 3: position-independent.
    pub kind: u16,
    /// 62: x86-64.
    pub machine: u16,
    /// Where it starts.
    pub entry: u64,
    /// Offset of the program headers.
    pub headers: u64,
    /// Number of program headers as told.
    pub header_count: u16,
    /// The program headers.
    pub segments: Vec<Segment>,
    /// Machine code behind the headers.
    pub code: Vec<u8>,
}

impl Elf {
    /// A good program: one segment with the whole file, which runs this code.
    pub fn running(code: &[u8]) -> Self {
        let at = HEADER + PROGRAM_HEADER;
        let len = at + code.len() as u64;
        let segment = Segment { kind: 1, flags: 5, offset: 0, address: CODE, file_len: len, memory_len: len };
        Elf {
            kind: 2,
            machine: 62,
            entry: CODE + at,
            headers: HEADER,
            header_count: 1,
            segments: vec![segment],
            code: code.into(),
        }
    }

    /// The same with another first segment.
    pub fn with(mut self, change: impl Fn(&mut Segment)) -> Self {
        change(&mut self.segments[0]);
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        // Identification: 64-bit, little endian, version 1.
        let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        file.extend(self.kind.to_le_bytes());
        file.extend(self.machine.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        // Entry, program headers, section headers.
        for word in [self.entry, self.headers, 0] {
            file.extend(word.to_le_bytes());
        }
        file.extend(0u32.to_le_bytes());
        // Header's size, program header's size and number, sections.
        for half in [HEADER as u16, PROGRAM_HEADER as u16, self.header_count, 64, 0, 0] {
            file.extend(half.to_le_bytes());
        }
        for segment in &self.segments {
            file.extend(segment.kind.to_le_bytes());
            file.extend(segment.flags.to_le_bytes());
            let (file_len, memory_len) = (segment.file_len, segment.memory_len);
            for word in [segment.offset, segment.address, segment.address, file_len, memory_len, 4096] {
                file.extend(word.to_le_bytes());
            }
        }
        file.extend(&self.code);
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::LittleEndian;
    use object::elf::FileHeader64;
    use object::read::elf::{FileHeader, ProgramHeader};

    #[test]
    fn a_good_file_reads_as_what_it_is() {
        let bytes = Elf::running(&[0x0f, 0x0b]).bytes();
        let header = FileHeader64::<LittleEndian>::parse(&*bytes).unwrap();
        let endian = header.endian().unwrap();
        let segments = header.program_headers(endian, &*bytes).unwrap();
        assert_eq!(segments.len(), 1);
        assert_eq!(segments[0].data(endian, &*bytes), Ok(&*bytes));
        let at = header.e_entry(endian) - segments[0].p_vaddr(endian);
        assert_eq!(&bytes[at as usize..], [0x0f, 0x0b]);
    }
}
