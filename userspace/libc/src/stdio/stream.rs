//! The buffer of a `FILE`: reading, writing, positions and pushed-back bytes over a device. Needs no kernel.
//!
//! The buffer holds either bytes that were read and are still to be answered, or bytes that are still to be written.

/// `EBADF`: the stream is not open for this.
const EBADF: i32 = 9;
/// `EIO`: the device takes nothing and does not say why.
const EIO: i32 = 5;

/// From where a position counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// The beginning.
    Start,
    /// Where reading or writing would go on.
    Current,
    /// The end.
    End,
}

/// What a stream reads from and writes to. Errors are `errno`s.
pub trait Device {
    /// Reads; 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, i32>;
    /// Writes; may take less than all.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, i32>;
    /// Moves the position; answers where it is.
    fn seek(&mut self, offset: i64, whence: Whence) -> Result<u64, i32>;
}

/// When written bytes go to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffering {
    /// When the buffer is full.
    Full,
    /// At the end of a line, too.
    Line,
    /// At once.
    None,
}

/// Bytes that can be pushed back (C asks for one).
pub const PUSHED: usize = 8;

/// A stream without its device.
pub struct Stream<'a> {
    buffer: &'a mut [u8],
    /// When written bytes go to the device.
    pub buffering: Buffering,
    readable: bool,
    writable: bool,
    writing: bool,
    /// Reading: the bytes `from..to` are still to be answered. Writing: the bytes `..to` are to be written.
    from: usize,
    to: usize,
    /// Pushed-back bytes, the last one first to be answered.
    pushed: [u8; PUSHED],
    pushed_len: usize,
    /// The end was met.
    pub ended: bool,
    /// Something went wrong.
    pub failed: bool,
}

impl<'a> Stream<'a> {
    /// A stream with this buffer, which is not empty.
    pub const fn new(buffer: &'a mut [u8], buffering: Buffering, readable: bool, writable: bool) -> Self {
        Stream {
            buffer,
            buffering,
            readable,
            writable,
            writing: false,
            from: 0,
            to: 0,
            pushed: [0; PUSHED],
            pushed_len: 0,
            ended: false,
            failed: false,
        }
    }

    /// Uses another buffer from now on; answers the old one. Nothing may be in it.
    pub fn replace_buffer(&mut self, buffer: &'a mut [u8]) -> &'a mut [u8] {
        (self.from, self.to) = (0, 0);
        core::mem::replace(&mut self.buffer, buffer)
    }

    /// Bytes of its buffer.
    pub fn room(&self) -> usize {
        self.buffer.len()
    }

    /// Bytes that were written and not yet taken by the device.
    pub fn pending(&self) -> usize {
        if self.writing { self.to } else { 0 }
    }

    /// Bytes at hand to be read.
    pub fn available(&self) -> &[u8] {
        if self.writing { &[] } else { &self.buffer[self.from..self.to] }
    }

    /// Forgets what is buffered (`__fpurge`).
    pub fn purge(&mut self) {
        (self.from, self.to, self.pushed_len, self.writing) = (0, 0, 0, false);
    }

    /// Whether it is open for reading.
    pub fn is_readable(&self) -> bool {
        self.readable
    }

    /// Whether it is open for writing.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Whether writing was the last thing done.
    pub fn is_writing(&self) -> bool {
        self.writing
    }

    /// Remembers a failure.
    fn note<T>(&mut self, result: Result<T, i32>) -> Result<T, i32> {
        self.failed |= result.is_err();
        result
    }

    fn begin_reading(&mut self, device: &mut impl Device) -> Result<(), i32> {
        if !self.readable {
            return self.note(Err(EBADF));
        }
        self.flush_writing(device)
    }

    fn begin_writing(&mut self, device: &mut impl Device) -> Result<(), i32> {
        if !self.writable {
            return self.note(Err(EBADF));
        }
        if !self.writing {
            self.leave_reading(device);
            (self.writing, self.ended) = (true, false);
        }
        Ok(())
    }

    /// Gives bytes that were read ahead back to the device, where it has positions.
    fn leave_reading(&mut self, device: &mut impl Device) {
        let ahead = self.to - self.from + self.pushed_len;
        if ahead > 0 {
            // A device without positions keeps what it gave: the bytes are lost, as they are everywhere.
            let _ = device.seek(-(ahead as i64), Whence::Current);
        }
        (self.from, self.to, self.pushed_len) = (0, 0, 0);
    }

    fn flush_writing(&mut self, device: &mut impl Device) -> Result<(), i32> {
        if !self.writing {
            return Ok(());
        }
        let mut done = 0;
        let mut result = Ok(());
        while done < self.to {
            match device.write(&self.buffer[done..self.to]) {
                Ok(count) if count > 0 => done += count.min(self.to - done),
                Ok(_) => result = Err(EIO),
                Err(error) => result = Err(error),
            }
            if result.is_err() {
                break;
            }
        }
        self.buffer.copy_within(done..self.to, 0);
        self.to -= done;
        self.writing = self.to > 0;
        self.note(result)
    }

    /// `fflush`: writes what is to be written, and gives back what was read ahead.
    pub fn flush(&mut self, device: &mut impl Device) -> Result<(), i32> {
        if self.writing {
            return self.flush_writing(device);
        }
        self.leave_reading(device);
        Ok(())
    }

    /// Fills the empty buffer; `false` at the end.
    fn fill(&mut self, device: &mut impl Device) -> Result<bool, i32> {
        let room = if self.buffering == Buffering::None { 1 } else { self.buffer.len() };
        let result = device.read(&mut self.buffer[..room]);
        let count = self.note(result)?.min(room);
        (self.from, self.to) = (0, count);
        self.ended |= count == 0;
        Ok(count > 0)
    }

    /// The next byte; `None` at the end.
    #[inline]
    pub fn get(&mut self, device: &mut impl Device) -> Result<Option<u8>, i32> {
        if self.from < self.to && !self.writing && self.pushed_len == 0 {
            self.from += 1;
            return Ok(Some(self.buffer[self.from - 1]));
        }
        let mut byte = [0];
        Ok((self.read(device, &mut byte)? > 0).then_some(byte[0]))
    }

    /// Reads as much as there is, up to all that is asked for. An error after some bytes is answered the next time.
    pub fn read(&mut self, device: &mut impl Device, out: &mut [u8]) -> Result<usize, i32> {
        self.begin_reading(device)?;
        let mut done = 0;
        while done < out.len() {
            if self.pushed_len > 0 {
                self.pushed_len -= 1;
                out[done] = self.pushed[self.pushed_len];
                done += 1;
                continue;
            }
            let count = (self.to - self.from).min(out.len() - done);
            out[done..done + count].copy_from_slice(&self.buffer[self.from..self.from + count]);
            (self.from, done) = (self.from + count, done + count);
            if done == out.len() {
                break;
            }
            // What is larger than the buffer goes past it.
            let result = if out.len() - done >= self.buffer.len() {
                let result = device.read(&mut out[done..]);
                let count = self.note(result).map(|count| count.min(out.len() - done));
                count.map(|count| {
                    self.ended |= count == 0;
                    done += count;
                    count > 0
                })
            } else {
                self.fill(device)
            };
            match result {
                Ok(true) => {}
                Err(error) if done == 0 => return Err(error),
                _ => break,
            }
        }
        Ok(done)
    }

    /// Pushes a byte back; `false` when there is no room.
    pub fn unget(&mut self, device: &mut impl Device, byte: u8) -> bool {
        if self.pushed_len == PUSHED || self.begin_reading(device).is_err() {
            return false;
        }
        self.ended = false;
        // The byte that was just read needs no place of its own.
        if self.pushed_len == 0 && self.from > 0 && self.buffer[self.from - 1] == byte {
            self.from -= 1;
            return true;
        }
        self.pushed[self.pushed_len] = byte;
        self.pushed_len += 1;
        true
    }

    /// Writes one byte.
    #[inline]
    pub fn put(&mut self, device: &mut impl Device, byte: u8) -> Result<(), i32> {
        if self.writing && self.buffering == Buffering::Full && self.to < self.buffer.len() {
            self.buffer[self.to] = byte;
            self.to += 1;
            return Ok(());
        }
        self.write(device, &[byte]).1
    }

    /// Writes; answers how many bytes were taken, and why not all.
    pub fn write(&mut self, device: &mut impl Device, bytes: &[u8]) -> (usize, Result<(), i32>) {
        if let Err(error) = self.begin_writing(device) {
            return (0, Err(error));
        }
        // All up to here goes to the device at once.
        let urgent = match self.buffering {
            Buffering::None => bytes.len(),
            Buffering::Line => bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1),
            Buffering::Full => 0,
        };
        let (first, rest) = bytes.split_at(urgent);
        let mut done = 0;
        let result = self.append(device, first, &mut done).and_then(|()| {
            if urgent > 0 {
                self.flush_writing(device)?;
                self.writing = true;
            }
            self.append(device, rest, &mut done)
        });
        (done, result)
    }

    fn append(&mut self, device: &mut impl Device, bytes: &[u8], done: &mut usize) -> Result<(), i32> {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            // What is larger than the empty buffer goes past it.
            if self.to == 0 && bytes.len() >= self.buffer.len() {
                let result = device.write(bytes).and_then(|count| if count == 0 { Err(EIO) } else { Ok(count) });
                let count = self.note(result)?.min(bytes.len());
                (bytes, *done) = (&bytes[count..], *done + count);
                continue;
            }
            let count = bytes.len().min(self.buffer.len() - self.to);
            self.buffer[self.to..self.to + count].copy_from_slice(&bytes[..count]);
            (self.to, bytes, *done) = (self.to + count, &bytes[count..], *done + count);
            if self.to == self.buffer.len() {
                self.flush_writing(device)?;
                self.writing = true;
            }
        }
        Ok(())
    }

    /// Moves the position.
    pub fn seek(&mut self, device: &mut impl Device, offset: i64, whence: Whence) -> Result<(), i32> {
        self.flush_writing(device)?;
        let ahead = (self.to - self.from + self.pushed_len) as i64;
        let offset = if whence == Whence::Current { offset - ahead } else { offset };
        device.seek(offset, whence)?;
        (self.from, self.to, self.pushed_len, self.ended) = (0, 0, 0, false);
        Ok(())
    }

    /// Where reading or writing goes on.
    pub fn tell(&mut self, device: &mut impl Device) -> Result<u64, i32> {
        let at = device.seek(0, Whence::Current)?;
        if self.writing {
            return Ok(at + self.to as u64);
        }
        Ok(at.saturating_sub((self.to - self.from + self.pushed_len) as u64))
    }
}
