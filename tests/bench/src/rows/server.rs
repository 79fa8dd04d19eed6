//! Calls that a server in another process answers: a scheme daemon in Ochre, FUSE in Linux. Both fill the caller's buffer
//! from memory of their own, and cache nothing.

use std::io::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::Context;
use crate::measure::Sample;
use crate::sys::{self, Fd, Server};

/// Descriptors open beside the one that is read, in the row under load.
const LOAD_DESCRIPTORS: usize = 1000;
/// Threads asleep.
const LOAD_THREADS: usize = 500;
/// Servers that wait for requests of their own.
const LOAD_SERVERS: usize = 20;
/// Stack of a thread that only sleeps.
const SLEEPER_STACK: usize = 64 << 10;

/// A buffer whose interesting part starts where the row wants it.
#[repr(C, align(4096))]
struct Pages([u8; 68 << 10]);

/// One byte.
pub fn read_1(context: &Context) -> Result<Sample> {
    read(context, 2_000, 0, 1)
}

/// A page into a page.
pub fn read_4k(context: &Context) -> Result<Sample> {
    read(context, 1_000, 0, 4096)
}

/// A page's worth across two pages.
pub fn read_4k_unaligned(context: &Context) -> Result<Sample> {
    read(context, 1_000, 1000, 4096)
}

/// Sixteen pages.
pub fn read_64k(context: &Context) -> Result<Sample> {
    read(context, 200, 0, 64 << 10)
}

fn read(context: &Context, iterations: u32, offset: usize, length: usize) -> Result<Sample> {
    let server = Server::start("bench")?;
    measure_reads(context, &server, iterations, offset, length)
}

fn measure_reads(context: &Context, server: &Server, iterations: u32, offset: usize, length: usize) -> Result<Sample> {
    let file = Fd::open(&server.file(), libc::O_RDONLY | libc::O_CLOEXEC, 0)?;
    let mut pages = Box::new(Pages([0; 68 << 10]));
    let buf = &mut pages.0[offset..offset + length];
    if file.read(buf)? != length || buf.iter().any(|&byte| byte != b'o') {
        return Err(Error::other("the server gave something else than its data"));
    }
    Ok(context.bench.each(iterations, || {
        let _ = file.read(buf);
    }))
}

/// Opens the file by its path and closes it.
pub fn open_close(context: &Context) -> Result<Sample> {
    let server = Server::start("bench")?;
    let path = server.file();
    Fd::open(&path, libc::O_RDONLY | libc::O_CLOEXEC, 0)?;
    Ok(context.bench.each(500, || {
        let _ = Fd::open(&path, libc::O_RDONLY | libc::O_CLOEXEC, 0);
    }))
}

/// `fstat` of the open file.
pub fn fstat(context: &Context) -> Result<Sample> {
    let server = Server::start("bench")?;
    let file = Fd::open(&server.file(), libc::O_RDONLY | libc::O_CLOEXEC, 0)?;
    file.size()?;
    Ok(context.bench.each(1_000, || {
        let _ = file.size();
    }))
}

/// The one-byte read beside a thousand descriptors, five hundred sleeping threads and twenty other servers.
pub fn read_1_loaded(context: &Context) -> Result<Sample> {
    let server = Server::start("bench")?;
    let _idle = sys::idle_servers(LOAD_SERVERS)?;
    let file = Fd::open(&server.file(), libc::O_RDONLY | libc::O_CLOEXEC, 0)?;
    let _descriptors = (0..LOAD_DESCRIPTORS).map(|_| file.dup()).collect::<Result<Vec<_>>>()?;
    let sleepers = Sleepers::start(LOAD_THREADS)?;
    let sample = measure_reads(context, &server, 2_000, 0, 1);
    sleepers.end();
    sample
}

/// Threads that sleep, each on a futex of its own.
struct Sleepers {
    stop: Arc<AtomicBool>,
    words: Arc<Vec<AtomicU32>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Sleepers {
    fn start(count: usize) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let words: Arc<Vec<_>> = Arc::new((0..count).map(|_| AtomicU32::new(0)).collect());
        let mut sleepers = Self { stop, words, threads: Vec::new() };
        for index in 0..count {
            let (stop, words) = (sleepers.stop.clone(), sleepers.words.clone());
            let spawned = std::thread::Builder::new().stack_size(SLEEPER_STACK).spawn(move || {
                while !stop.load(Ordering::Acquire) {
                    sys::futex_wait(&words[index], 0);
                }
            });
            match spawned {
                Ok(thread) => sleepers.threads.push(thread),
                Err(error) => {
                    sleepers.end();
                    return Err(error);
                }
            }
        }
        // They run up to their wait before anything is measured.
        for _ in 0..2 * count {
            sys::yield_now();
        }
        Ok(sleepers)
    }

    fn end(self) {
        self.stop.store(true, Ordering::Release);
        for word in self.words.iter() {
            word.store(1, Ordering::Release);
            sys::futex_wake(word);
        }
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}
