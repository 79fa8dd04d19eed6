//! What is done when. Commands are carried out in the order in which they are sent, so a mode is set by a few of them in a row, and
//! damage that finds no room is gathered until an answer makes some.

use display_contract::{CURSOR, CURSOR_LEN, Info, Mode, Rectangle, flag};
use driver::syscall::error::{EBUSY, EINVAL, EIO, ENOMEM, Error, Result};
use driver::virtio::{Status, Transport};
use driver::{Allocator, Memory, Registers, Source, say};
use graphics::{Adapter, Buffer, USUAL};

use crate::command::{Answer, Command, Format};
use crate::slots::{MOST_PIECES, Slots};

/// Queues, places in them, and how many commands are on their way in each at most.
const CONTROL: u16 = 0;
const CURSORS: u16 = 1;
const PLACES: u16 = 64;
const CONTROL_SLOTS: usize = 32;
const CURSOR_SLOTS: usize = 8;
/// Slots that flushes leave to setting modes, each of which takes four.
const RESERVE: usize = 8;
const MODE_SLOTS: usize = 4;
/// More rectangles than this are made one.
const MOST_RECTANGLES: usize = 8;
/// So many flushes without any answer, and the device is taken for dead.
const MOST_UNANSWERED: usize = 10_000;
/// The device's own registers: what has happened, and what of it is known.
const EVENTS: usize = 0;
const EVENTS_CLEAR: usize = 4;
const EVENT_DISPLAY: u32 = 1;
/// Number of the cursor's picture; the screen's begin behind it.
const CURSOR_RESOURCE: u32 = 1;
/// The mode of a device whose screen is off.
const OTHERWISE: Mode = Mode { width: 1024, height: 768 };
/// Milliseconds in which a device that was told something must answer.
const PATIENCE_MS: u64 = 5000;
/// How often the first answer is looked for.
const LOOKS: usize = 5000;

/// What a command was about, for its answer.
enum About {
    /// Nothing more is to be done.
    Nothing,
    /// The size of the screen.
    Screen,
    /// A picture was forgotten: its memory is the driver's again.
    Forgotten(Box<dyn Memory>),
    /// The cursor's picture is at the device.
    Cursor,
}

/// The picture on the screen.
struct Picture {
    resource: u32,
    mode: Mode,
    memory: Box<dyn Memory>,
}

/// The cursor.
#[derive(Default)]
struct Cursor {
    memory: Option<Box<dyn Memory>>,
    place: (i32, i32),
    hot: (u32, u32),
    /// The picture that the device shows, or was told to: 0 is none.
    shown: u32,
    /// It has moved, and there was no slot.
    moved: bool,
}

/// The device.
pub struct Gpu<M> {
    transport: Transport,
    allocator: M,
    control: Slots<About>,
    cursors: Slots<()>,
    picture: Picture,
    damage: Vec<Rectangle>,
    cursor: Cursor,
    preferred: Mode,
    changed: bool,
    /// Something went wrong, and nobody was told yet.
    failed: bool,
    unanswered: usize,
    /// Answers since the last time was over.
    answers: usize,
}

impl<M: Allocator> Gpu<M> {
    /// Brings it up, in the mode that it likes best. `vector` is the message that it interrupts by, if it does so by messages of its own
    /// choice; `pause` lets a moment pass.
    pub fn new(transport: Transport, vector: Option<u16>, allocator: M, mut pause: impl FnMut()) -> Result<Self> {
        transport.begin(0)?;
        if let Some(vector) = vector {
            transport.set_config_vector(vector)?;
        }
        let control = transport.queue(CONTROL, PLACES, vector, &allocator)?;
        let cursors = transport.queue(CURSORS, PLACES, vector, &allocator)?;
        transport.finish();
        let control = Slots::new(control, CONTROL_SLOTS, &allocator)?;
        let cursors = Slots::new(cursors, CURSOR_SLOTS, &allocator)?;
        // A picture of nothing, until the device has said how large it is to be.
        let picture =
            Picture { resource: CURSOR_RESOURCE, mode: Mode::default(), memory: allocator.allocate(1, true)? };
        let (damage, cursor) = (Vec::new(), Cursor::default());
        let (preferred, changed, failed) = (Mode::default(), false, false);
        let (unanswered, answers) = (0, 0);
        let mut gpu = Self {
            transport,
            allocator,
            control,
            cursors,
            picture,
            damage,
            cursor,
            preferred,
            changed,
            failed,
            unanswered,
            answers,
        };
        gpu.ask()?;
        for _ in 0..LOOKS {
            gpu.look()?;
            if gpu.preferred.is_sane() {
                gpu.changed = false;
                gpu.show(gpu.preferred)?;
                return Ok(gpu);
            }
            pause();
        }
        Err(Error::new(EIO))
    }

    fn ask(&mut self) -> Result<()> {
        self.send(&Command::GetDisplayInfo, About::Screen)?;
        self.control.notify(&self.transport);
        Ok(())
    }

    fn send(&mut self, command: &Command<'_>, about: About) -> Result<()> {
        self.control.send(command, about)
    }

    /// Makes a picture of this size, shows it, and forgets the one before.
    fn show(&mut self, mode: Mode) -> Result<()> {
        if self.control.left() < MODE_SLOTS {
            return Err(Error::new(EBUSY));
        }
        let len = mode.width as usize * mode.height as usize * 4;
        let memory = self.allocator.allocate(len, false)?;
        if memory.pieces().len() > MOST_PIECES {
            return Err(Error::new(ENOMEM));
        }
        let resource = self.picture.resource.checked_add(1).unwrap_or(CURSOR_RESOURCE + 1);
        self.send(&Command::Create { resource, format: Format::Opaque, mode }, About::Nothing)?;
        self.send(&Command::Attach { resource, pieces: memory.pieces() }, About::Nothing)?;
        self.send(&Command::SetScanout { resource, mode }, About::Nothing)?;
        let old = std::mem::replace(&mut self.picture, Picture { resource, mode, memory });
        if old.resource > CURSOR_RESOURCE {
            self.send(&Command::Unref { resource: old.resource }, About::Forgotten(old.memory))?;
        }
        self.damage.clear();
        self.control.notify(&self.transport);
        Ok(())
    }

    /// Takes all answers, and what the device says of itself.
    fn look(&mut self) -> Result<()> {
        // Who interrupts by its line is quieted so; otherwise it does nothing.
        self.transport.take_line();
        if self.transport.status() & Status::NEEDS_RESET != 0 {
            return Err(Error::new(EIO));
        }
        while let Some((about, answer)) = self.control.take()? {
            self.answered();
            self.finish(about, answer)?;
        }
        while let Some(((), answer)) = self.cursors.take()? {
            self.answered();
            // QEMU gives these commands back without a word.
            if answer != Answer::Failed(0) {
                self.note(&answer);
            }
        }
        self.look_at_events()?;
        self.send_cursor()?;
        self.send_damage()
    }

    fn answered(&mut self) {
        self.answers += 1;
        self.unanswered = 0;
    }

    fn finish(&mut self, about: About, answer: Answer) -> Result<()> {
        match (about, answer) {
            (About::Screen, Answer::Screen(mode)) => {
                let preferred = mode.unwrap_or(OTHERWISE);
                self.changed |= preferred != self.preferred;
                self.preferred = preferred;
            }
            (About::Cursor, Answer::Done) => {
                self.cursor.shown = CURSOR_RESOURCE;
                self.cursor.moved = true;
            }
            // The device has let go of it.
            (About::Forgotten(memory), answer) => {
                drop(memory);
                self.note(&answer);
            }
            (_, answer) => self.note(&answer),
        }
        Ok(())
    }

    /// Notes an answer that should say that it was done.
    fn note(&mut self, answer: &Answer) {
        if let Answer::Failed(code) = answer {
            say!("virtio-gpud: the device answers {code:#x}");
            self.failed = true;
        }
    }

    fn look_at_events(&mut self) -> Result<()> {
        let Some(device) = self.transport.device() else { return Ok(()) };
        let events = device.get32(EVENTS);
        if events == u32::MAX {
            return Err(Error::new(EIO));
        }
        if events & EVENT_DISPLAY != 0 && self.control.left() != 0 {
            device.put32(EVENTS_CLEAR, EVENT_DISPLAY);
            self.ask()?;
        }
        Ok(())
    }

    /// Sends the damage for which there is room: each rectangle is copied, then shown.
    fn send_damage(&mut self) -> Result<()> {
        let (resource, stride) = (self.picture.resource, u64::from(self.picture.mode.width) * 4);
        let mut sent = false;
        while !self.damage.is_empty() && self.control.left() >= RESERVE + 2 {
            let part = self.damage.remove(0);
            let offset = u64::from(part.y) * stride + u64::from(part.x) * 4;
            self.send(&Command::Transfer { resource, part, offset }, About::Nothing)?;
            self.send(&Command::Flush { resource, part }, About::Nothing)?;
            sent = true;
        }
        if sent {
            self.control.notify(&self.transport);
        }
        Ok(())
    }

    /// Shows the cursor where it is by now.
    fn send_cursor(&mut self) -> Result<()> {
        if !self.cursor.moved || self.cursors.left() == 0 {
            return Ok(());
        }
        let Cursor { place, hot, shown, .. } = self.cursor;
        self.cursors.send(&Command::UpdateCursor { resource: shown, place, hot }, ())?;
        self.cursors.notify(&self.transport);
        self.cursor.moved = false;
        Ok(())
    }

    fn make_cursor(&mut self) -> Result<()> {
        if self.cursor.memory.is_some() {
            return Ok(());
        }
        if self.control.left() < MODE_SLOTS {
            return Err(Error::new(EBUSY));
        }
        let memory = self.allocator.allocate(CURSOR_LEN, true)?;
        let (resource, mode) = (CURSOR_RESOURCE, Mode { width: CURSOR, height: CURSOR });
        self.send(&Command::Create { resource, format: Format::Blended, mode }, About::Nothing)?;
        self.send(&Command::Attach { resource, pieces: memory.pieces() }, About::Nothing)?;
        self.cursor.memory = Some(memory);
        Ok(())
    }

    /// Tells of what went wrong before, once.
    fn check(&mut self) -> Result<()> {
        if std::mem::take(&mut self.failed) { Err(Error::new(EIO)) } else { Ok(()) }
    }

    fn is_waiting(&self) -> bool {
        self.control.is_used() || self.cursors.is_used()
    }
}

impl<M: Allocator> Adapter for Gpu<M> {
    fn info(&self) -> Info {
        let mode = self.picture.mode;
        let flags = flag::FLUSH | flag::MODES | flag::CURSOR;
        Info { mode, stride: mode.width * 4, flags, preferred: self.preferred }
    }

    fn modes(&self) -> Vec<Mode> {
        let mut modes: Vec<Mode> = USUAL.into_iter().chain([self.preferred]).collect();
        modes.sort_unstable();
        modes.dedup();
        modes
    }

    fn set_mode(&mut self, mode: Mode) -> Result<()> {
        self.check()?;
        self.show(mode)
    }

    fn buffer(&mut self) -> Result<Buffer> {
        Ok(Buffer::Here(self.picture.memory.address()))
    }

    fn flush(&mut self, rectangles: &[Rectangle]) -> Result<()> {
        self.check()?;
        self.unanswered += 1;
        if self.unanswered > MOST_UNANSWERED {
            return Err(Error::new(EIO));
        }
        self.damage.extend(rectangles);
        if self.damage.len() > MOST_RECTANGLES {
            let all = self.damage.drain(..).reduce(Rectangle::around);
            self.damage.extend(all);
        }
        self.send_damage()
    }

    fn set_cursor(&mut self, picture: &[u8], hot: (u32, u32)) -> Result<()> {
        self.check()?;
        self.make_cursor()?;
        let memory = self.cursor.memory.as_ref().ok_or(Error::new(EINVAL))?;
        memory.write(0, picture);
        self.cursor.hot = hot;
        let part = Rectangle::of(Mode { width: CURSOR, height: CURSOR });
        self.send(&Command::Transfer { resource: CURSOR_RESOURCE, part, offset: 0 }, About::Cursor)?;
        self.control.notify(&self.transport);
        Ok(())
    }

    fn move_cursor(&mut self, place: Option<(i32, i32)>) -> Result<()> {
        self.check()?;
        self.cursor.shown = if place.is_some() && self.cursor.memory.is_some() { CURSOR_RESOURCE } else { 0 };
        self.cursor.place = place.unwrap_or(self.cursor.place);
        self.cursor.moved = true;
        self.send_cursor()
    }

    fn happened(&mut self, source: Source) -> Result<()> {
        match source {
            Source::Time if self.is_waiting() && std::mem::take(&mut self.answers) == 0 => {
                say!("virtio-gpud: the device does not answer");
                Err(Error::new(EIO))
            }
            _ => self.look(),
        }
    }

    fn wake_after(&self) -> Option<u64> {
        self.is_waiting().then_some(PATIENCE_MS)
    }

    fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}

#[cfg(test)]
mod tests;
