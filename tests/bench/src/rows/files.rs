//! A file system in RAM: `tmpfs` inside Linux's kernel, a daemon in Ochre.

use std::ffi::CString;
use std::io::{Error, Result};

use super::Context;
use crate::measure::Sample;
use crate::sys::{self, Fd};

/// Bytes written to a new file.
const SMALL: usize = 1024;
/// Files made or removed in one batch.
const FILES: u32 = 100;

/// A file of four pages, removed when dropped.
struct Scratch(CString);

impl Scratch {
    fn new() -> Result<Self> {
        let path = sys::ram_file("bench-file");
        let file = create(&path)?;
        for _ in 0..4 {
            file.write(&[b'x'; 4096])?;
        }
        Ok(Self(path))
    }

    fn open(&self) -> Result<Fd> {
        Fd::open(&self.0, libc::O_RDONLY | libc::O_CLOEXEC, 0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = sys::unlink(&self.0);
    }
}

fn create(path: &CString) -> Result<Fd> {
    Fd::open(path, libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC, 0o644)
}

/// `pread` of one cached page.
pub fn pread_4k(context: &Context) -> Result<Sample> {
    let scratch = Scratch::new()?;
    let file = scratch.open()?;
    let mut buf = Box::new([0; 4096]);
    if file.pread(&mut buf[..], 4096)? != buf.len() || buf.iter().any(|&byte| byte != b'x') {
        return Err(Error::other("the file gave something else than was written"));
    }
    Ok(context.bench.each(1_000, || {
        let _ = file.pread(&mut buf[..], 4096);
    }))
}

/// Open and close of a path.
pub fn open_close(context: &Context) -> Result<Sample> {
    let scratch = Scratch::new()?;
    scratch.open()?;
    Ok(context.bench.each(1_000, || {
        let _ = scratch.open();
    }))
}

/// `stat` of a path.
pub fn stat(context: &Context) -> Result<Sample> {
    let scratch = Scratch::new()?;
    sys::path_size(&scratch.0)?;
    Ok(context.bench.each(1_000, || {
        let _ = sys::path_size(&scratch.0);
    }))
}

/// Create, write 1 KiB, close; a new name each time.
pub fn create_write_close(context: &Context) -> Result<Sample> {
    let names = names();
    make(&names[0])?;
    sys::unlink(&names[0])?;
    Ok(context.bench.batches(FILES, |watch, n| {
        let mut ticks = 0;
        for round in rounds(n) {
            let names = &names[..round];
            ticks += watch.time(|| {
                for name in names {
                    let _ = make(name);
                }
            });
            for name in names {
                let _ = sys::unlink(name);
            }
        }
        ticks
    }))
}

/// Unlink of such a file.
pub fn unlink(context: &Context) -> Result<Sample> {
    let names = names();
    make(&names[0])?;
    Ok(context.bench.batches(FILES, |watch, n| {
        let mut ticks = 0;
        for round in rounds(n) {
            let names = &names[..round];
            for name in names {
                let _ = make(name);
            }
            ticks += watch.time(|| {
                for name in names {
                    let _ = sys::unlink(name);
                }
            });
        }
        ticks
    }))
}

fn make(path: &CString) -> Result<()> {
    let file = create(path)?;
    file.write(&[b'y'; SMALL]).map(drop)
}

fn names() -> Vec<CString> {
    (0..FILES).map(|index| sys::ram_file(&format!("bench-{index}"))).collect()
}

/// Splits `n` operations into rounds of at most [`FILES`].
fn rounds(n: u32) -> impl Iterator<Item = usize> {
    (0..n).step_by(FILES as usize).map(move |start| (n - start).min(FILES) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_add_up() {
        for n in [1, 99, 100, 101, 250] {
            assert_eq!(rounds(n).sum::<usize>(), n as usize);
        }
    }
}
