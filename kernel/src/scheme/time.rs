//! The `time` scheme: clocks, and waking by them. Path `1` is the time of day, `4` the time since boot (the numbers of
//! `CLOCK_REALTIME` and `CLOCK_MONOTONIC`).
//!
//! A read gives the time now (`TimeSpec`, 16 bytes) and never waits. Writing a `TimeSpec` asks for a wake-up at that time of the
//! clock: the handle raises `EVENT_READ` then, at once when the time is past (zero for instance), and stays ready until it is
//! read. Each handle has up to 64 wake-ups at a time. One by the time of day keeps its distance when the clock is set.
//!
//! Path `page` is the page that both clocks are read from (`ochre_abi::clock`), to be mapped read-only.

use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use syscall::error::{EINVAL, ENOENT, ENOSPC, Error, Result};
use syscall::{CLOCK_MONOTONIC, CLOCK_REALTIME, EventFlags, GlobalSchemes, MODE_CHR, MODE_DIR, MODE_FILE, Map, Stat};

use super::event::EventSource;
use super::object::{Io, MapSource, Object};
use crate::arch::paging::Cache;
use crate::context::timeout::{self, Target, Timed, Timer};
use crate::memory::pager::Physical;
use crate::memory::{PAGE_SIZE, UserSlice};
use crate::sync::{Lock, level};
use crate::time;

const NANOS: u64 = 1_000_000_000;
/// Bytes of a `TimeSpec`.
const SIZE: usize = 16;
/// Most wake-ups of a handle.
const MAX_TIMERS: usize = 64;

/// The scheme's root.
pub struct Root;

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Time
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        let clock = match path {
            "" => return Ok(Arc::new(Root)),
            "1" => CLOCK_REALTIME,
            "4" => CLOCK_MONOTONIC,
            "page" => return Ok(Arc::new(Page)),
            _ => return Err(Error::new(ENOENT)),
        };
        Ok(Arc::new_cyclic(|this: &Weak<Clock>| Clock {
            clock,
            alarms: Lock::new(Alarms { pending: Vec::new(), due: false }),
            source: EventSource::new(),
            this: this.clone(),
        }))
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_DIR | 0o555, ..Stat::default() })
    }

    fn entries(&self) -> Result<Vec<String>> {
        Ok(["1", "4", "page"].map(String::from).into())
    }
}

struct Alarms {
    pending: Vec<Timer>,
    /// One has come since the last read.
    due: bool,
}

struct Clock {
    clock: usize,
    alarms: Lock<{ level::BUFFER }, Alarms>,
    source: EventSource,
    this: Weak<Clock>,
}

impl Clock {
    fn now(&self) -> u64 {
        if self.clock == CLOCK_REALTIME { time::realtime_ns() } else { time::now_ns() }
    }

    /// Sets a wake-up at `when` (nanoseconds of this clock).
    fn set(&self, when: u64) -> Result<()> {
        let wait = when.saturating_sub(self.now());
        if wait == 0 {
            self.alarms.lock().due = true;
            self.source.notify(EventFlags::EVENT_READ);
            return Ok(());
        }
        let mut alarms = self.alarms.lock();
        if alarms.pending.len() >= MAX_TIMERS {
            return Err(Error::new(ENOSPC));
        }
        let deadline = time::now_ns().saturating_add(wait);
        // It cannot come before it is noted: it comes on this processor, which takes no interrupts meanwhile.
        let timer = timeout::start(deadline, Target::Object(self.this.clone() as Weak<dyn Timed>));
        alarms.pending.push(timer);
        Ok(())
    }
}

/// Nanoseconds of a `TimeSpec`; what lies before the clock's zero is zero. `EINVAL` when it is not normalised.
fn parse(words: [u64; 2]) -> Result<u64> {
    // `tv_nsec` is 32 bits wide; what follows it is padding.
    let (seconds, nanos) = (words[0] as i64, words[1] as i32);
    if !(0..NANOS as i32).contains(&nanos) {
        return Err(Error::new(EINVAL));
    }
    Ok(u64::try_from(seconds).map_or(0, |seconds| seconds.saturating_mul(NANOS).saturating_add(nanos as u64)))
}

impl Timed for Clock {
    fn expired(&self, key: u64) {
        {
            let mut alarms = self.alarms.lock();
            let Some(at) = alarms.pending.iter().position(|&timer| timeout::number(timer) == key) else {
                return;
            };
            alarms.pending.swap_remove(at);
            alarms.due = true;
        }
        self.source.notify(EventFlags::EVENT_READ);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        for timer in self.alarms.get_mut().pending.drain(..) {
            timeout::cancel(timer);
        }
    }
}

impl Object for Clock {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Time
    }

    fn read(&self, to: UserSlice, _io: Io) -> Result<usize> {
        if to.len() < SIZE {
            return Err(Error::new(EINVAL));
        }
        self.alarms.lock().due = false;
        let now = self.now();
        to.write_value(&[now / NANOS, now % NANOS])?;
        Ok(SIZE)
    }

    fn write(&self, from: UserSlice, _io: Io) -> Result<usize> {
        crate::memory::admit()?;
        let mut done = 0;
        while from.len() - done >= SIZE {
            match from.skip(done).read_value().and_then(parse).and_then(|when| self.set(when)) {
                Ok(()) => done += SIZE,
                Err(_) if done != 0 => break,
                Err(error) => return Err(error),
            }
        }
        if done == 0 { Err(Error::new(EINVAL)) } else { Ok(done) }
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&self.source)
    }

    fn readiness(&self) -> EventFlags {
        if self.alarms.lock().due { EventFlags::EVENT_READ } else { EventFlags::EVENT_NONE }
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_CHR | 0o666, ..Stat::default() })
    }

    fn path(&self) -> Result<String> {
        Ok(String::from(if self.clock == CLOCK_REALTIME { "1" } else { "4" }))
    }
}

/// The clock page.
struct Page;

impl Object for Page {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Time
    }

    fn map(&self, map: &Map) -> Result<MapSource> {
        if map.offset != 0 || map.size > PAGE_SIZE {
            return Err(Error::new(EINVAL));
        }
        let pager = Arc::new(Physical { base: time::page(), pages: 1, cache: Cache::WriteBack });
        Ok(MapSource::Pager { pager, page: 0, writable: false })
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_FILE | 0o444, st_size: PAGE_SIZE as u64, ..Stat::default() })
    }

    fn path(&self) -> Result<String> {
        Ok(String::from("page"))
    }
}
