//! Output of programs on a terminal.

use std::io::{Error, Result};

use super::Context;
use crate::measure::Sample;
use crate::sys;

/// Bytes of a line, with its newline.
const LINE: usize = 80;
/// Bytes written at a time.
const BYTES: usize = 4096;

/// A page of lines is written to a terminal as it comes (a carriage return before each newline), and read at its other end.
pub fn pty_write_4k(context: &Context) -> Result<Sample> {
    let (master, slave) = sys::terminal()?;
    let text: Vec<u8> = (1..=BYTES).map(|at| if at % LINE == 0 { b'\n' } else { b'x' }).collect();
    let shown = BYTES + BYTES / LINE;
    let mut buf = vec![0; 2 * BYTES];
    let round = |buf: &mut [u8]| -> Result<()> {
        let mut written = 0;
        while written < BYTES {
            written += slave.write(&text[written..])?;
        }
        let mut got = 0;
        while got < shown {
            got += master.read(&mut buf[got..])?;
        }
        Ok(())
    };
    round(&mut buf)?;
    if buf[LINE - 1..LINE + 2] != *b"\r\nx" {
        return Err(Error::other("the terminal shows something else than was written"));
    }
    Ok(context.bench.each(500, || {
        let _ = round(&mut buf);
    }))
}
