//! The `sys` scheme: texts about the system, each written when it is opened; reading gives that snapshot.
//!
//! | path | text |
//! |---|---|
//! | `uname` | five lines: system, host name (empty: user space has it), release, version, machine |
//! | `context` | a heading, then a line for each thread |
//! | `cpu` | the processors |
//! | `cmdline` | the kernel's command line |
//! | `log` | the newest 64 KiB of the kernel's log |
//! | `irq` | interrupt lines in use, and interrupts of each processor |
//! | `stat` | `name value` lines |
//! | `heap` | objects of each size that the kernel has in use |
//! | `boot` | `entry_tsc N`, `tsc_hz N`: when the kernel was entered, in ticks of the time stamp counter |
//! | `framebuffer` | the loader's frame buffer: one line, empty where there is none |
//! | `exe` | name of the thread that opens it |
//!
//! `trace/PID` tells the calls of a process (see `trace`). `kstop` is written by user 0: `shutdown` tells the power daemon (see `acpi`), `reset` resets the machine.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::sync::atomic::Ordering;

use ochre_abi::proc::state;
use syscall::error::{EACCES, EINVAL, ENOENT, ENOMEM, Error, Result};
use syscall::{GlobalSchemes, MODE_CHR, MODE_DIR, MODE_FILE, Stat};

use super::object::{Io, Object};
use super::{acpi, irq, trace};
use crate::arch::{boot, cpuid, percpu};
use crate::context::{Thread, thread};
use crate::memory::{self, PAGE_SIZE, UserSlice, frames, heap, reserve};
use crate::time;

type Source = fn(&mut Text) -> fmt::Result;

const FILES: [(&str, Source); 11] = [
    ("uname", uname),
    ("context", context),
    ("cpu", cpu),
    ("cmdline", cmdline),
    ("log", log),
    ("irq", interrupts),
    ("stat", stat),
    ("heap", heap_census),
    ("boot", boot_times),
    ("framebuffer", framebuffer),
    ("exe", exe),
];

/// The scheme's root.
pub struct Root;

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Sys
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        match path {
            "" => return Ok(Arc::new(Root)),
            "kstop" if Thread::current().euid.load(Ordering::Relaxed) != 0 => return Err(Error::new(EACCES)),
            "kstop" => return Ok(Arc::new(Stop)),
            _ => {}
        }
        if let Some(pid) = path.strip_prefix("trace/") {
            return trace::open(pid);
        }
        let (name, source) = FILES.into_iter().find(|(name, _)| *name == path).ok_or(Error::new(ENOENT))?;
        let mut text = Text { name, pages: Vec::new() };
        // The only thing that can fail is getting memory.
        source(&mut text).map_err(|_| Error::new(ENOMEM))?;
        Ok(Arc::new(text))
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_DIR | 0o555, ..Stat::default() })
    }

    fn entries(&self) -> Result<Vec<String>> {
        Ok(FILES.iter().map(|(name, _)| String::from(*name)).chain([String::from("kstop")]).collect())
    }
}

/// A snapshot. It is kept in pages, so that a long one needs no long stretch of memory; all but the last are full.
struct Text {
    name: &'static str,
    pages: Vec<Vec<u8>>,
}

impl Text {
    fn len(&self) -> usize {
        self.pages.last().map_or(0, |last| (self.pages.len() - 1) * PAGE_SIZE + last.len())
    }

    /// The page that is being filled; asks for memory as any user's wish for memory is asked.
    fn room(&mut self) -> Result<&mut Vec<u8>, fmt::Error> {
        if self.pages.last().is_none_or(|page| page.len() == PAGE_SIZE) {
            memory::admit().map_err(|_| fmt::Error)?;
            let mut page = Vec::new();
            page.try_reserve_exact(PAGE_SIZE).map_err(|_| fmt::Error)?;
            self.pages.try_reserve(1).map_err(|_| fmt::Error)?;
            self.pages.push(page);
        }
        self.pages.last_mut().ok_or(fmt::Error)
    }

    fn add(&mut self, mut bytes: &[u8]) -> fmt::Result {
        while !bytes.is_empty() {
            let page = self.room()?;
            let (now, later) = bytes.split_at(bytes.len().min(PAGE_SIZE - page.len()));
            page.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text.as_bytes())
    }
}

impl Object for Text {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Sys
    }

    fn read(&self, to: UserSlice, io: Io) -> Result<usize> {
        let start = usize::try_from(io.offset).unwrap_or(usize::MAX).min(self.len());
        let mut done = 0;
        while done < to.len() && start + done < self.len() {
            let at = start + done;
            match to.skip(done).write_part(&self.pages[at / PAGE_SIZE][at % PAGE_SIZE..]) {
                Ok(count) => done += count,
                Err(_) if done != 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn is_positioned(&self) -> bool {
        true
    }

    fn size(&self) -> Result<u64> {
        Ok(self.len() as u64)
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_FILE | 0o444, st_size: self.len() as u64, ..Stat::default() })
    }

    fn path(&self) -> Result<String> {
        Ok(String::from(self.name))
    }
}

/// What stops the machine.
struct Stop;

impl Object for Stop {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Sys
    }

    fn write(&self, from: UserSlice, _io: Io) -> Result<usize> {
        const LONGEST: usize = 16;
        let mut bytes = [0; LONGEST];
        from.read(&mut bytes)?;
        match bytes[..from.len()].trim_ascii() {
            b"shutdown" => acpi::request_shutdown().map(|()| from.len()),
            b"reset" => crate::acpi::reset(),
            _ => Err(Error::new(EINVAL)),
        }
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_CHR | 0o200, ..Stat::default() })
    }

    fn path(&self) -> Result<String> {
        Ok(String::from("kstop"))
    }
}

fn uname(text: &mut Text) -> fmt::Result {
    let kind = if cfg!(feature = "test-build") { "test build" } else { "release build" };
    write!(text, "Ochre\n\n{}\n{kind}\nx86_64\n", env!("CARGO_PKG_VERSION"))
}

fn context(text: &mut Text) -> fmt::Result {
    writeln!(text, "thread pid uid gid state cpu level cpu_time_ns call name")?;
    let mut result = Ok(());
    thread::for_each(|thread| {
        if result.is_ok() {
            result = describe(text, thread);
        }
    });
    result
}

fn describe(text: &mut Text, thread: &Thread) -> fmt::Result {
    let status = thread.status();
    let state = match status.state {
        state::NEW => "new",
        state::RUNNABLE => "runnable",
        state::BLOCKED => "blocked",
        state::STOPPED => "stopped",
        state::EXITED => "exited",
        state::KILLED => "killed",
        state::EXCEPTION => "exception",
        _ => "unknown",
    };
    write!(
        text,
        "{} {} {} {} {state} {} {} {} {:#x} ",
        thread.slot(),
        thread.pid.load(Ordering::Relaxed),
        thread.euid.load(Ordering::Relaxed),
        thread.egid.load(Ordering::Relaxed),
        thread.last_cpu(),
        thread.level(),
        status.cpu_time_ns,
        thread.last_call.load(Ordering::Relaxed),
    )?;
    // A name is what its owner likes; here it is one line.
    for part in thread.name().chars().map(|c| if c.is_control() { '?' } else { c }) {
        text.write_char(part)?;
    }
    text.write_char('\n')
}

fn cpu(text: &mut Text) -> fmt::Result {
    writeln!(text, "CPUs: {}", percpu::count())?;
    let brand = cpuid::brand();
    write!(text, "name: ")?;
    text.add(brand.split(|&byte| byte == 0).next().unwrap_or(&[]).trim_ascii())?;
    writeln!(text, "\ntsc_hz: {}", time::frequency())?;
    for cpu in percpu::all() {
        writeln!(text, "cpu {}: apic {} switches {}", cpu.index, cpu.apic_id(), cpu.sched.switches())?;
    }
    Ok(())
}

fn cmdline(text: &mut Text) -> fmt::Result {
    writeln!(text, "{}", boot::info().map_or("", |info| info.cmdline.as_str()))
}

fn log(text: &mut Text) -> fmt::Result {
    let mut bytes = [0; 512];
    let (mut position, end) = (crate::log::start(), crate::log::end());
    while position < end {
        let len = crate::log::read(position, &mut bytes);
        text.add(&bytes[..len])?;
        position += len as u64;
    }
    Ok(())
}

fn interrupts(text: &mut Text) -> fmt::Result {
    for line in irq::in_use() {
        let trigger = if line.level { "level" } else { "edge" };
        write!(text, "line {} {} {trigger} ", line.gsi, line.count)?;
        match line.kernel {
            true => writeln!(text, "kernel")?,
            false => writeln!(text, "{} handles", line.handles)?,
        }
    }
    for cpu in percpu::all() {
        writeln!(text, "cpu {} {}", cpu.index, cpu.interrupts.load(Ordering::Relaxed))?;
    }
    Ok(())
}

fn stat(text: &mut Text) -> fmt::Result {
    let (heap_bytes, heap_pages) = heap::usage();
    let (live, slots) = thread::counts();
    let switches = percpu::all().fold(0u64, |sum, cpu| sum.wrapping_add(cpu.sched.switches()));
    let interrupts = percpu::all().fold(0u64, |sum, cpu| sum.wrapping_add(cpu.interrupts.load(Ordering::Relaxed)));
    let values = [
        ("frame_bytes", PAGE_SIZE as u64),
        ("frames_total", frames::total() as u64),
        ("frames_free", frames::free() as u64),
        ("frames_reserved", reserve::held_back() as u64),
        ("heap_used_bytes", heap_bytes as u64),
        ("heap_pages", heap_pages as u64),
        ("threads_live", live as u64),
        ("threads_slots", slots as u64),
        ("processors", percpu::count() as u64),
        ("switches", switches),
        ("interrupts", interrupts),
        ("uptime_ns", time::now_ns()),
        ("realtime_ns", time::realtime_ns()),
    ];
    for (name, value) in values {
        writeln!(text, "{name} {value}")?;
    }
    boot_times(text)
}

fn heap_census(text: &mut Text) -> fmt::Result {
    writeln!(text, "size objects")?;
    heap::census().iter().try_for_each(|(size, count)| writeln!(text, "{size} {count}"))
}

fn boot_times(text: &mut Text) -> fmt::Result {
    write!(text, "entry_tsc {}\ntsc_hz {}\n", crate::boot_tsc(), time::frequency())
}

/// Physical address, pixels in a line, lines, bytes in a line, bits in a pixel; lowest bit and bits of red, green and blue.
fn framebuffer(text: &mut Text) -> fmt::Result {
    let Some(shape) = boot::info().and_then(|info| info.framebuffer) else { return Ok(()) };
    write!(text, "{:#x} {} {} {} {}", shape.address, shape.width, shape.height, shape.pitch, shape.bpp)?;
    for channel in [shape.red, shape.green, shape.blue] {
        write!(text, " {} {}", channel.shift, channel.bits)?;
    }
    writeln!(text)
}

fn exe(text: &mut Text) -> fmt::Result {
    writeln!(text, "{}", Thread::current().name())
}
