//! The three devices as a scheme. A number holds all that is to be known of what a client has open: which device, and what
//! it may do with it; nothing is kept.

use scheme_server::syscall::data::Stat;
use scheme_server::syscall::error::{EBADF, EEXIST, EINVAL, ENOENT, ENOTDIR, Error, Result};
use scheme_server::syscall::flag::{EventFlags, MODE_CHR, O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_STAT, O_WRONLY};
use scheme_server::{CallerCtx, NewFdFlags, OpenResult, Scheme, SchemeSync};

use crate::entropy::Entropy;
use crate::random::Generator;

/// Bit of a number that can be read.
const READ: usize = 1 << 4;
/// Bit of a number that can be written.
const WRITE: usize = 1 << 5;
/// Bit of a number that a client has opened, as opposed to a scheme's root.
const OPEN: usize = 1 << 6;

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// Reads as empty, takes everything.
    Null,
    /// Reads as zeros, takes everything.
    Zero,
    /// Reads as random bytes, takes bytes to mix in.
    Rand,
}

impl Device {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Null, Self::Zero, Self::Rand];

    /// The scheme's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Zero => "zero",
            Self::Rand => "rand",
        }
    }

    /// Number of the scheme's root.
    pub const fn root(self) -> usize {
        self as usize
    }
}

/// An open number, taken apart.
#[derive(Clone, Copy)]
struct Open {
    device: Device,
    bits: usize,
}

impl Open {
    fn of(number: usize) -> Result<Self> {
        let bits = number & (READ | WRITE | OPEN);
        let device = Device::ALL.get(number ^ bits).copied().ok_or(Error::new(EBADF))?;
        Ok(Self { device, bits })
    }

    fn demand(self, bit: usize) -> Result<Device> {
        if self.bits & bit != 0 { Ok(self.device) } else { Err(Error::new(EBADF)) }
    }
}

/// The scheme.
pub struct Devices<E> {
    random: Generator<E>,
}

impl<E: Entropy> Devices<E> {
    /// Devices with this source of randomness.
    pub fn new(entropy: E) -> Self {
        Self { random: Generator::new(entropy) }
    }
}

impl<E: Entropy> SchemeSync for Devices<E> {
    fn openat(&mut self, dir: usize, path: &str, flags: usize, _: u32, _: &CallerCtx) -> Result<OpenResult> {
        let Open { device, bits } = Open::of(dir)?;
        if bits & OPEN != 0 || flags & O_DIRECTORY != 0 {
            return Err(Error::new(ENOTDIR));
        }
        if !path.trim_matches('/').is_empty() {
            return Err(Error::new(ENOENT));
        }
        if flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL {
            return Err(Error::new(EEXIST));
        }
        let bit = |flag, bit| if flags & flag != 0 && flags & O_STAT == 0 { bit } else { 0 };
        let number = device.root() | OPEN | bit(O_RDONLY, READ) | bit(O_WRONLY, WRITE);
        Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::empty() })
    }

    fn dup(&mut self, id: usize, argument: &[u8], _: &CallerCtx) -> Result<OpenResult> {
        Open::of(id)?;
        if !argument.is_empty() {
            return Err(Error::new(EINVAL));
        }
        Ok(OpenResult::ThisScheme { number: id, flags: NewFdFlags::empty() })
    }

    #[inline]
    fn read(&mut self, id: usize, buf: &mut [u8], _: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        match Open::of(id)?.demand(READ)? {
            Device::Null => return Ok(0),
            Device::Zero => buf.fill(0),
            Device::Rand => self.random.fill(buf),
        }
        Ok(buf.len())
    }

    #[inline]
    fn write(&mut self, id: usize, buf: &[u8], _: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        if Open::of(id)?.demand(WRITE)? == Device::Rand {
            self.random.mix(buf);
        }
        Ok(buf.len())
    }

    fn fevent(&mut self, id: usize, flags: EventFlags, _: &CallerCtx) -> Result<EventFlags> {
        Open::of(id)?;
        Ok(flags & (EventFlags::EVENT_READ | EventFlags::EVENT_WRITE))
    }

    fn fstat(&mut self, id: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        let Open { device, .. } = Open::of(id)?;
        let st_ino = device.root() as u64 + 1;
        *stat = Stat { st_mode: MODE_CHR | 0o666, st_nlink: 1, st_ino, st_blksize: 4096, ..Stat::default() };
        Ok(())
    }

    fn fpath(&mut self, id: usize, buf: &mut [u8], _: &CallerCtx) -> Result<usize> {
        let path = ["/scheme/", Open::of(id)?.device.name()].concat();
        let count = path.len().min(buf.len());
        buf[..count].copy_from_slice(&path.as_bytes()[..count]);
        Ok(count)
    }
}

impl<E: Entropy> Scheme for Devices<E> {}

#[cfg(test)]
mod tests {
    use scheme_server::fake::{Kernel, NO_OFFSET};
    use scheme_server::syscall::flag::{MODE_TYPE, O_RDWR};

    use super::*;

    struct Fixed;

    impl Entropy for Fixed {
        fn gather(&mut self, take: &mut dyn FnMut(&[u8])) {
            take(b"always the same");
        }
    }

    fn kernel() -> Kernel<Devices<Fixed>> {
        Kernel::new(Devices::new(Fixed))
    }

    #[track_caller]
    fn open(kernel: &mut Kernel<Devices<Fixed>>, device: Device, flags: usize) -> usize {
        kernel.openat(device.root(), "", flags).unwrap().number()
    }

    fn errno<T: std::fmt::Debug>(result: Result<T>) -> i32 {
        result.unwrap_err().errno
    }

    #[test]
    fn null_is_empty_and_takes_everything() {
        let mut kernel = kernel();
        let null = open(&mut kernel, Device::Null, O_RDWR);
        assert_eq!(kernel.read(null, 10, NO_OFFSET).unwrap(), b"");
        assert_eq!(kernel.write(null, b"gone", NO_OFFSET, 0), Ok(4));
    }

    #[test]
    fn zero_is_zeros_and_takes_everything() {
        let mut kernel = kernel();
        let zero = open(&mut kernel, Device::Zero, O_RDWR);
        assert_eq!(kernel.read(zero, 5000, NO_OFFSET).unwrap(), [0; 5000]);
        assert_eq!(kernel.write(zero, b"gone", NO_OFFSET, 0), Ok(4));
    }

    #[test]
    fn rand_gives_bytes_and_takes_some() {
        let (mut kernel, mut other) = (kernel(), kernel());
        let rand = open(&mut kernel, Device::Rand, O_RDWR);
        let first = kernel.read(rand, 32, NO_OFFSET).unwrap();
        assert_ne!(first, kernel.read(rand, 32, NO_OFFSET).unwrap());
        assert_eq!(other.write(rand, b"noise", NO_OFFSET, 0), Ok(5));
        assert_ne!(first, other.read(rand, 32, NO_OFFSET).unwrap());
        assert_eq!(kernel.read(rand, 0, NO_OFFSET).unwrap(), b"");
    }

    #[test]
    fn only_what_was_asked_for_can_be_done() {
        let mut kernel = kernel();
        for device in Device::ALL {
            let read = open(&mut kernel, device, O_RDONLY);
            let write = open(&mut kernel, device, O_WRONLY);
            let stat = open(&mut kernel, device, O_STAT | O_RDWR);
            for (number, can_read, can_write) in
                [(read, true, false), (write, false, true), (stat, false, false), (device.root(), false, false)]
            {
                assert_eq!(kernel.read(number, 1, NO_OFFSET).is_ok(), can_read);
                assert_eq!(kernel.write(number, b"x", NO_OFFSET, 0).is_ok(), can_write);
            }
        }
    }

    #[test]
    fn there_is_nothing_below_them() {
        let mut kernel = kernel();
        let root = Device::Zero.root();
        assert_eq!(errno(kernel.openat(root, "x", O_RDONLY)), ENOENT);
        assert_eq!(errno(kernel.openat(root, "", O_RDONLY | O_DIRECTORY)), ENOTDIR);
        assert_eq!(errno(kernel.openat(root, "", O_RDONLY | O_CREAT | O_EXCL)), EEXIST);
        assert!(kernel.openat(root, "/", O_RDONLY | O_CREAT).is_ok());
        let zero = open(&mut kernel, Device::Zero, O_RDONLY);
        assert_eq!(errno(kernel.openat(zero, "", O_RDONLY)), ENOTDIR);
        for wrong in [3, 15, OPEN | 3, 1 << 7, usize::MAX] {
            assert_eq!(errno(kernel.read(wrong, 1, NO_OFFSET)), EBADF);
            assert_eq!(errno(kernel.fstat(wrong)), EBADF);
        }
    }

    #[test]
    fn they_say_what_they_are() {
        let mut kernel = kernel();
        for device in Device::ALL {
            let number = open(&mut kernel, device, O_RDWR);
            assert_eq!(kernel.fstat(number).unwrap().st_mode & MODE_TYPE, MODE_CHR);
            assert_eq!(kernel.fpath(number).unwrap(), format!("/scheme/{}", device.name()));
            let both = EventFlags::EVENT_READ | EventFlags::EVENT_WRITE;
            assert_eq!(kernel.fevent(number, both), Ok(both));
            assert_eq!(errno(kernel.dup(number, b"x")), EINVAL);
        }
    }
}
