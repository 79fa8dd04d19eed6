//! The scheme `input`. What it is for whom is told in crate `input-contract`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use input_contract::{RECORD, Raw};
use scheme_server::syscall::EventFlags;
use scheme_server::syscall::data::Stat;
use scheme_server::syscall::error::{EACCES, EBADF, EBUSY, EINVAL, EISDIR, ENOENT, EWOULDBLOCK, Error, Result};
use scheme_server::syscall::flag::{MODE_CHR, MODE_DIR};
use scheme_server::{CallerCtx, Handles, NewFdFlags, OpenResult, Ready, Scheme, SchemeSync};

use crate::keyboard::{Keyboard, Repeat};
use crate::keymap::Keymap;
use crate::router::Router;

/// Number of the root; `Handles` gives out small ones.
const ROOT: usize = 1 << 32;
/// Names of producers are no longer than this, and there are no more of them.
const NAME_MAX: usize = 64;
const PRODUCERS: usize = 64;
/// Settings that make no sense.
const LONGEST_DELAY: u32 = 10_000;
const HIGHEST_RATE: u32 = 1000;

enum Handle {
    Root,
    /// The lights that it has read.
    Producer {
        name: String,
        leds: Option<u8>,
    },
    Consumer,
    Control(String),
}

/// The scheme; `clock` tells the time.
pub struct Input<C> {
    clock: C,
    open: Handles<Handle>,
    producers: BTreeSet<usize>,
    consumer: Option<usize>,
    router: Router,
    keymaps: BTreeMap<String, Keymap>,
    keymap: String,
    /// Who else may produce than user 0.
    driver_user: u32,
    leds: u8,
    ready: Ready,
}

impl<C: Fn() -> Duration> Input<C> {
    /// With these key maps, of which `keymap` is used. Without any, keys have no characters.
    pub fn new(clock: C, driver_user: u32, keymaps: BTreeMap<String, Keymap>, keymap: &str) -> Self {
        let router = Router::new(Keyboard::new(keymaps.get(keymap).cloned().unwrap_or_default()));
        let leds = router.keyboard.leds();
        Self {
            clock,
            open: Handles::new(),
            producers: BTreeSet::new(),
            consumer: None,
            router,
            keymaps,
            keymap: keymap.into(),
            driver_user,
            leds,
            ready: Ready::new(),
        }
    }

    fn handle(&self, id: usize) -> Result<&Handle> {
        if id == ROOT { Ok(&Handle::Root) } else { self.open.get(id).ok_or(Error::new(EBADF)) }
    }

    /// In how long a key repeats.
    pub fn wake_after(&self) -> Option<Duration> {
        let at = self.router.keyboard.wake_at().filter(|_| self.router.is_consumed())?;
        Some(at.saturating_sub((self.clock)()))
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.router.tick((self.clock)());
        self.raise();
    }

    /// Tells who waits: the consumer of events, the producers of lights.
    fn raise(&mut self) {
        if let Some(consumer) = self.consumer.filter(|_| self.router.is_ready()) {
            self.ready.raise(consumer, EventFlags::EVENT_READ);
        }
        let leds = self.router.keyboard.leds();
        if leds != self.leds {
            self.leds = leds;
            self.producers.iter().for_each(|producer| self.ready.raise(*producer, EventFlags::EVENT_READ));
        }
    }

    fn open_producer(&mut self, name: &str, ctx: &CallerCtx) -> Result<usize> {
        if ctx.uid != 0 && ctx.uid != self.driver_user {
            return Err(Error::new(EACCES));
        }
        if name.is_empty() || name.len() > NAME_MAX || name.contains('/') {
            return Err(Error::new(EINVAL));
        }
        if self.producers.len() >= PRODUCERS {
            return Err(Error::new(EBUSY));
        }
        let id = self.open.insert(Handle::Producer { name: name.into(), leds: None });
        self.producers.insert(id);
        self.router.add(id);
        Ok(id)
    }

    fn open_consumer(&mut self, ctx: &CallerCtx) -> Result<usize> {
        if ctx.uid != 0 {
            return Err(Error::new(EACCES));
        }
        if self.consumer.is_some() {
            return Err(Error::new(EBUSY));
        }
        let id = self.open.insert(Handle::Consumer);
        self.consumer = Some(id);
        self.router.set_consumed(true);
        Ok(id)
    }

    /// The settings, as they can be written; the key maps and devices that there are.
    fn settings(&self) -> String {
        let Repeat { delay, rate } = self.router.keyboard.repeat();
        let mut text = format!("keymap {}\nrepeat {delay} {rate}\n", self.keymap);
        for (name, map) in &self.keymaps {
            text += &format!("has keymap {name} {}\n", map.name);
        }
        for (_, handle) in self.open.iter() {
            if let Handle::Producer { name, .. } = handle {
                text += &format!("has producer {name}\n");
            }
        }
        text
    }

    /// Takes all lines, or none when one is wrong.
    fn set(&mut self, text: &[u8]) -> Result<()> {
        let wrong = Error::new(EINVAL);
        let text = str::from_utf8(text).map_err(|_| wrong)?;
        let (mut keymap, mut repeat) = (None, None);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["keymap", name] => keymap = Some((name, self.keymaps.get(name).ok_or(Error::new(ENOENT))?.clone())),
                ["repeat", delay, rate] => {
                    let (delay, rate) = (delay.parse().map_err(|_| wrong)?, rate.parse().map_err(|_| wrong)?);
                    repeat = Some(Repeat { delay, rate });
                }
                _ => return Err(wrong),
            }
        }
        if repeat.is_some_and(|Repeat { delay, rate }| delay > LONGEST_DELAY || rate > HIGHEST_RATE) {
            return Err(wrong);
        }
        if let Some((name, map)) = keymap {
            self.router.keyboard.set_map(map);
            self.keymap = name.into();
        }
        if let Some(repeat) = repeat {
            self.router.keyboard.set_repeat(repeat);
        }
        Ok(())
    }

    fn read_events(&mut self, buf: &mut [u8]) -> Result<usize> {
        if buf.len() < RECORD {
            return Err(Error::new(EINVAL));
        }
        let mut count = 0;
        for place in buf.chunks_exact_mut(RECORD) {
            let Some(event) = self.router.take_event() else { break };
            place.copy_from_slice(&event.encode());
            count += RECORD;
        }
        if count == 0 { Err(Error::new(EWOULDBLOCK)) } else { Ok(count) }
    }
}

impl<C: Fn() -> Duration> SchemeSync for Input<C> {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(ROOT)
    }

    fn openat(&mut self, dir: usize, path: &str, _: usize, _: u32, ctx: &CallerCtx) -> Result<OpenResult> {
        if dir != ROOT {
            return Err(Error::new(ENOENT));
        }
        let number = match path.trim_end_matches('/') {
            "" => self.open.insert(Handle::Root),
            "consumer" => self.open_consumer(ctx)?,
            "control" => {
                let settings = self.settings();
                self.open.insert(Handle::Control(settings))
            }
            path => match path.strip_prefix("producer/") {
                Some(name) => self.open_producer(name, ctx)?,
                None => return Err(Error::new(ENOENT)),
            },
        };
        let positioned = matches!(self.open.get(number), Some(Handle::Control(_)));
        let flags = if positioned { NewFdFlags::POSITIONED } else { NewFdFlags::empty() };
        Ok(OpenResult::ThisScheme { number, flags })
    }

    fn read(&mut self, id: usize, buf: &mut [u8], offset: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        let lit = self.leds;
        match self.open.get_mut(id).ok_or(Error::new(EBADF))? {
            Handle::Root => Err(Error::new(EISDIR)),
            Handle::Consumer => self.read_events(buf),
            Handle::Producer { leds, .. } => {
                let place = buf.first_mut().ok_or(Error::new(EINVAL))?;
                if leds.replace(lit) == Some(lit) {
                    return Err(Error::new(EWOULDBLOCK));
                }
                *place = lit;
                Ok(1)
            }
            Handle::Control(text) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
                let count = buf.len().min(text.len() - from);
                buf[..count].copy_from_slice(&text.as_bytes()[from..from + count]);
                Ok(count)
            }
        }
    }

    fn write(&mut self, id: usize, buf: &[u8], _: u64, _: u32, ctx: &CallerCtx) -> Result<usize> {
        match self.handle(id)? {
            Handle::Producer { .. } => {
                let now = (self.clock)();
                let (records, rest) = buf.as_chunks::<RECORD>();
                if records.is_empty() || !rest.is_empty() {
                    return Err(Error::new(EINVAL));
                }
                // All of them make sense, or none counts.
                let raws: Vec<Raw> =
                    records.iter().map(Raw::decode).collect::<Option<_>>().ok_or(Error::new(EINVAL))?;
                raws.into_iter().for_each(|raw| self.router.take(id, raw, now));
                self.raise();
            }
            Handle::Control(_) if ctx.uid != 0 => return Err(Error::new(EACCES)),
            Handle::Control(_) => self.set(buf)?,
            Handle::Root => return Err(Error::new(EISDIR)),
            Handle::Consumer => return Err(Error::new(EBADF)),
        }
        Ok(buf.len())
    }

    fn fevent(&mut self, id: usize, _: EventFlags, _: &CallerCtx) -> Result<EventFlags> {
        let ready = match self.handle(id)? {
            Handle::Consumer => self.router.is_ready(),
            Handle::Producer { leds, .. } => *leds != Some(self.leds),
            _ => true,
        };
        Ok(if ready { EventFlags::EVENT_READ } else { EventFlags::empty() })
    }

    fn ftruncate(&mut self, id: usize, _: u64, _: &CallerCtx) -> Result<()> {
        // What a shell does before it writes; there is nothing to cut.
        self.handle(id).map(drop)
    }

    fn fstat(&mut self, id: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        let st_mode = match self.handle(id)? {
            Handle::Root => MODE_DIR | 0o555,
            Handle::Control(_) => MODE_CHR | 0o644,
            _ => MODE_CHR | 0o600,
        };
        *stat = Stat { st_mode, st_nlink: 1, ..Stat::default() };
        Ok(())
    }

    fn fpath(&mut self, id: usize, buf: &mut [u8], _: &CallerCtx) -> Result<usize> {
        let path = match self.handle(id)? {
            Handle::Root => "/scheme/input".to_string(),
            Handle::Producer { name, .. } => format!("/scheme/input/producer/{name}"),
            Handle::Consumer => "/scheme/input/consumer".to_string(),
            Handle::Control(_) => "/scheme/input/control".to_string(),
        };
        let count = path.len().min(buf.len());
        buf[..count].copy_from_slice(&path.as_bytes()[..count]);
        Ok(count)
    }

    fn on_close(&mut self, id: usize) {
        self.open.remove(id);
        if self.producers.remove(&id) {
            self.router.remove(id, (self.clock)());
            self.raise();
        }
        if self.consumer == Some(id) {
            self.consumer = None;
            self.router.set_consumed(false);
        }
    }
}

impl<C: Fn() -> Duration> Scheme for Input<C> {
    fn next_ready(&mut self) -> Option<(usize, EventFlags)> {
        self.ready.take()
    }
}

#[cfg(test)]
mod tests;
