//! The scheme `mail`: one program writes letters to it, another reads them. `docs/write-a-scheme.md` explains it line by line.
#![forbid(unsafe_code)]
#![cfg_attr(not(target_os = "redox"), allow(dead_code))]

// begin
use std::collections::VecDeque;

use scheme_server::syscall::EventFlags;
use scheme_server::syscall::error::{EBADF, ENOENT, EWOULDBLOCK, Error, Result};
use scheme_server::{CallerCtx, Handles, NewFdFlags, OpenResult, Ready, Scheme, SchemeSync};

const ROOT: usize = 1 << 32; // `Handles` gives out small numbers
const ROOM: usize = 16;

#[derive(Default)]
struct Mail {
    letters: VecDeque<Vec<u8>>,
    open: Handles<()>,
    ready: Ready,
}

impl Mail {
    fn raise(&mut self, flags: EventFlags) {
        self.open.iter().for_each(|(number, ())| self.ready.raise(number, flags));
    }
}

impl SchemeSync for Mail {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(ROOT)
    }

    fn openat(&mut self, dir: usize, path: &str, _: usize, _: u32, _: &CallerCtx) -> Result<OpenResult> {
        if dir != ROOT || !path.is_empty() {
            return Err(Error::new(ENOENT));
        }
        Ok(OpenResult::ThisScheme { number: self.open.insert(()), flags: NewFdFlags::empty() })
    }

    fn read(&mut self, id: usize, buf: &mut [u8], _: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        self.open.get(id).ok_or(Error::new(EBADF))?;
        let letter = self.letters.pop_front().ok_or(Error::new(EWOULDBLOCK))?;
        self.raise(EventFlags::EVENT_WRITE);
        let count = letter.len().min(buf.len());
        buf[..count].copy_from_slice(&letter[..count]);
        Ok(count)
    }

    fn write(&mut self, id: usize, buf: &[u8], _: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        self.open.get(id).ok_or(Error::new(EBADF))?;
        if self.letters.len() == ROOM {
            return Err(Error::new(EWOULDBLOCK));
        }
        self.letters.push_back(buf.to_vec());
        self.raise(EventFlags::EVENT_READ);
        Ok(buf.len())
    }

    fn on_close(&mut self, id: usize) {
        self.open.remove(id);
    }
}

impl Scheme for Mail {
    fn next_ready(&mut self) -> Option<(usize, EventFlags)> {
        self.ready.take()
    }
}

#[cfg(target_os = "redox")]
fn main() -> Result<()> {
    scheme_server::serve("mail", &mut Mail::default())
}
// end

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("this scheme is served in Ochre only");
}

#[cfg(test)]
mod tests {
    // begin test
    use scheme_server::fake::{Kernel, NO_OFFSET};
    use scheme_server::syscall::schemev2::Opcode;

    use super::*;

    #[test]
    fn a_reader_waits_for_a_letter() {
        let mut kernel = Kernel::new(Mail::default());
        let [reader, writer] = [(); 2].map(|()| kernel.openat(ROOT, "", 0).unwrap().number());
        let read = kernel.sqe(Opcode::Read, [reader as u64, 0, 0, NO_OFFSET, 0]);
        let tag = kernel.submit(read, Some(&[0; 16]));
        kernel.settle();
        assert!(kernel.answer(tag).is_none());
        assert_eq!(kernel.write(writer, b"hello", NO_OFFSET, 0), Ok(5));
        let answer = kernel.answer(tag).unwrap();
        assert_eq!((answer.result(), &answer.payload[..5]), (Ok(5), &b"hello"[..]));
    }
    // end test

    #[test]
    fn a_writer_waits_for_room() {
        let mut kernel = Kernel::new(Mail::default());
        let id = kernel.openat(ROOT, "", 0).unwrap().number();
        for letter in 0..ROOM as u8 {
            assert_eq!(kernel.write(id, &[letter], NO_OFFSET, 0), Ok(1));
        }
        let write = kernel.sqe(Opcode::Write, [id as u64, 0, 0, NO_OFFSET, 0]);
        let tag = kernel.submit(write, Some(b"last"));
        kernel.settle();
        assert!(kernel.answer(tag).is_none());
        assert_eq!(kernel.read(id, 9, NO_OFFSET), Ok(vec![0]));
        assert_eq!(kernel.answer(tag).unwrap().result(), Ok(4));
    }

    #[test]
    fn wrong_names_and_numbers() {
        let mut kernel = Kernel::new(Mail::default());
        let id = kernel.openat(ROOT, "", 0).unwrap().number();
        assert_eq!(kernel.openat(ROOT, "x", 0), Err(Error::new(ENOENT)));
        assert_eq!(kernel.openat(id, "", 0), Err(Error::new(ENOENT)));
        kernel.close(id);
        assert_eq!(kernel.read(id, 9, NO_OFFSET), Err(Error::new(EBADF)));
    }

    /// The page that explains this program shows it as it is.
    #[test]
    fn the_documentation_shows_this_program() {
        let page = include_str!("../../../docs/write-a-scheme.md");
        let own = include_str!("mail.rs");
        let part = |begin: &str, end: &str| {
            let from = own.find(begin).unwrap() + begin.len();
            own[from..from + own[from..].find(end).unwrap()].to_owned()
        };
        assert!(page.contains(&part("// begin\n", "// end\n")), "docs/write-a-scheme.md shows another program");
        let test: String = part("    // begin test\n", "    // end test\n")
            .lines()
            .map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line)))
            .collect();
        assert!(page.contains(&test), "docs/write-a-scheme.md shows another test");
    }
}
