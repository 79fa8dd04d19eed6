//! Streams against a model: the same bytes and positions without any buffer.

use super::stream::{Buffering, Device, Stream, Whence};
use crate::text::tests::Random;

/// A file in memory that gives and takes as little as it likes.
#[derive(Default)]
struct Fake {
    bytes: Vec<u8>,
    at: usize,
    calls: usize,
    /// Most bytes of one call; 0 for no limit.
    most: usize,
    broken: bool,
}

impl Fake {
    fn limit(&self, len: usize) -> usize {
        if self.most == 0 { len } else { len.min(self.most) }
    }
}

impl Device for Fake {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, i32> {
        self.calls += 1;
        if self.broken {
            return Err(5);
        }
        let from = self.at.min(self.bytes.len());
        let count = self.limit(buffer.len()).min(self.bytes.len() - from);
        buffer[..count].copy_from_slice(&self.bytes[from..from + count]);
        self.at += count;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, i32> {
        self.calls += 1;
        if self.broken {
            return Err(28);
        }
        let count = self.limit(bytes.len());
        if count == 0 {
            return Ok(0);
        }
        if self.bytes.len() < self.at + count {
            self.bytes.resize(self.at + count, 0);
        }
        self.bytes[self.at..self.at + count].copy_from_slice(&bytes[..count]);
        self.at += count;
        Ok(count)
    }

    fn seek(&mut self, offset: i64, whence: Whence) -> Result<u64, i32> {
        let base = match whence {
            Whence::Start => 0,
            Whence::Current => self.at,
            Whence::End => self.bytes.len(),
        };
        self.at = usize::try_from(base as i64 + offset).map_err(|_| 22)?;
        Ok(self.at as u64)
    }
}

#[test]
fn a_stream_is_its_file_whatever_the_buffer() {
    let mut random = Random(11);
    for round in 0..400 {
        let mut buffer = vec![0; 1 + random.below(20)];
        let buffering = random.pick(&[Buffering::Full, Buffering::Line, Buffering::None]);
        let mut stream = Stream::new(&mut buffer, buffering, true, true);
        let mut device = Fake { most: random.below(5), ..Fake::default() };
        let mut model = Fake::default();
        for _ in 0..200 {
            match random.below(7) {
                0 | 1 => {
                    let bytes: Vec<u8> = (0..random.below(40)).map(|_| random.pick(b"abc\n")).collect();
                    assert_eq!(stream.write(&mut device, &bytes), (bytes.len(), Ok(())));
                    model.write(&bytes).unwrap();
                }
                2 => {
                    let byte = random.pick(b"xy\n");
                    stream.put(&mut device, byte).unwrap();
                    model.write(&[byte]).unwrap();
                }
                3 => {
                    let (mut ours, mut theirs) = (vec![0; random.below(40)], vec![0; 40]);
                    let count = stream.read(&mut device, &mut ours).unwrap();
                    let expected = theirs.len().min(ours.len());
                    assert_eq!(model.read(&mut theirs[..expected]), Ok(count), "round {round}");
                    assert_eq!(ours[..count], theirs[..count]);
                }
                4 => {
                    let mut byte = [0];
                    let expected = (model.read(&mut byte) == Ok(1)).then_some(byte[0]);
                    assert_eq!(stream.get(&mut device), Ok(expected));
                    if let Some(byte) = expected
                        && random.below(2) == 0
                    {
                        assert!(stream.unget(&mut device, byte));
                        model.at -= 1;
                    }
                }
                5 => {
                    let whence = random.pick(&[Whence::Start, Whence::Current, Whence::End]);
                    let offset = random.below(30) as i64 - if whence == Whence::Start { 0 } else { 10 };
                    let (at, ok) = (model.at, model.seek(offset, whence).is_ok());
                    assert_eq!(stream.seek(&mut device, offset, whence).is_ok(), ok);
                    if !ok {
                        model.at = at;
                    }
                }
                _ => stream.flush(&mut device).unwrap(),
            }
            assert_eq!(stream.tell(&mut device), Ok(model.at as u64), "round {round}");
        }
        stream.flush(&mut device).unwrap();
        assert_eq!(device.bytes, model.bytes);
    }
}

#[test]
fn buffering_decides_when_the_device_is_called() {
    for (buffering, calls) in [(Buffering::Full, 0), (Buffering::Line, 1), (Buffering::None, 3)] {
        let mut buffer = [0; 64];
        let mut stream = Stream::new(&mut buffer, buffering, true, true);
        let mut device = Fake::default();
        for text in ["a", "b\n", "c"] {
            assert_eq!(stream.write(&mut device, text.as_bytes()), (text.len(), Ok(())));
        }
        assert_eq!(device.calls, calls);
        stream.flush(&mut device).unwrap();
        assert_eq!(device.bytes, b"ab\nc");
    }
}

#[test]
fn the_end_and_failures_are_remembered() {
    let mut buffer = [0; 8];
    let mut stream = Stream::new(&mut buffer, Buffering::Full, true, true);
    let mut device = Fake { bytes: b"ab".to_vec(), ..Fake::default() };
    let mut out = [0; 4];
    assert_eq!(stream.read(&mut device, &mut out), Ok(2));
    assert!(stream.ended && !stream.failed);
    assert!(stream.unget(&mut device, b'z') && !stream.ended);
    assert_eq!(stream.get(&mut device), Ok(Some(b'z')));
    for byte in b"01234567" {
        assert!(stream.unget(&mut device, *byte));
    }
    assert!(!stream.unget(&mut device, b'8'));
    stream.seek(&mut device, 0, Whence::Start).unwrap();
    device.broken = true;
    assert_eq!(stream.get(&mut device), Err(5));
    assert!(stream.failed);
    stream.failed = false;
    assert_eq!(stream.write(&mut device, b"kept"), (4, Ok(())));
    assert_eq!(stream.flush(&mut device), Err(28));
    assert!(stream.failed && stream.pending() == 4);
    device.broken = false;
    stream.flush(&mut device).unwrap();
    assert_eq!(device.bytes, b"kept");
}

#[test]
fn a_stream_does_what_it_was_opened_for() {
    let mut buffer = [0; 8];
    let mut device = Fake::default();
    let mut stream = Stream::new(&mut buffer, Buffering::Full, true, false);
    assert_eq!(stream.write(&mut device, b"x"), (0, Err(9)));
    let mut buffer = [0; 8];
    let mut stream = Stream::new(&mut buffer, Buffering::Full, false, true);
    assert_eq!(stream.get(&mut device), Err(9));
    assert!(!stream.unget(&mut device, b'x'));
}
