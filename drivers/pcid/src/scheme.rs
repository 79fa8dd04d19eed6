//! The scheme `pci`: what is on the bus and who drives it.
//!
//! | path | gives |
//! |---|---|
//! | `""` | a directory: a name for each function (`00-1f.3`), and for each fixed device |
//! | `NAME` | a directory |
//! | `NAME/info` | what it is, as `name value` lines |
//! | `NAME/config` | the configuration space of a function |
//! | `NAME/driver` | who drives it, in one line. User 0 writes `restart` to it: the driver is killed and started again, also when it had been given up |
//!
//! Contents are those of the moment when they were opened.

use scheme_server::syscall::data::Stat;
use scheme_server::syscall::dirent::{DirEntry, DirentBuf, DirentKind};
use scheme_server::syscall::error::{EACCES, EBADF, EINVAL, EISDIR, ENOENT, ENOTDIR, Error, Result};
use scheme_server::syscall::flag::{MODE_DIR, MODE_FILE};
use scheme_server::{CallerCtx, Handles, NewFdFlags, OpenResult, Scheme, SchemeSync};

/// The devices, as the scheme shows them.
pub trait Devices {
    /// Their names, in order.
    fn names(&self) -> Vec<String>;
    /// Contents of a file; none when there is no such device, or it has no such file.
    fn read(&self, device: &str, file: File) -> Option<Vec<u8>>;
    /// Starts a driver again.
    fn restart(&mut self, device: &str) -> Result<()>;
}

/// A file of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// What it is.
    Info,
    /// Its configuration space.
    Config,
    /// Its driver.
    Driver,
}

const FILES: [(&str, File); 3] = [("info", File::Info), ("config", File::Config), ("driver", File::Driver)];
/// Number of the root; `Handles` gives out small ones.
const ROOT: usize = 1 << 32;

enum Handle {
    Root,
    Device(String),
    File { device: String, file: File, contents: Vec<u8> },
}

/// The scheme.
pub struct Pci<D> {
    /// The devices.
    pub devices: D,
    open: Handles<Handle>,
}

impl<D: Devices> Pci<D> {
    /// With these devices.
    pub fn new(devices: D) -> Self {
        Self { devices, open: Handles::new() }
    }

    fn handle(&self, id: usize) -> Result<&Handle> {
        if id == ROOT { Ok(&Handle::Root) } else { self.open.get(id).ok_or(Error::new(EBADF)) }
    }

    fn find(&self, device: &str, file: &str) -> Result<Handle> {
        if !self.devices.names().iter().any(|name| name == device) {
            return Err(Error::new(ENOENT));
        }
        if file.is_empty() {
            return Ok(Handle::Device(device.into()));
        }
        let (_, file) = FILES.into_iter().find(|(name, _)| *name == file).ok_or(Error::new(ENOENT))?;
        let contents = self.devices.read(device, file).ok_or(Error::new(ENOENT))?;
        Ok(Handle::File { device: device.into(), file, contents })
    }
}

impl<D: Devices> SchemeSync for Pci<D> {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(ROOT)
    }

    fn openat(&mut self, dir: usize, path: &str, _: usize, _: u32, _: &CallerCtx) -> Result<OpenResult> {
        let path = path.trim_end_matches('/');
        let handle = match self.handle(dir)? {
            Handle::Root if path.is_empty() => Handle::Root,
            Handle::Root => {
                let (device, file) = path.split_once('/').unwrap_or((path, ""));
                self.find(device, file)?
            }
            Handle::Device(device) => self.find(device, path)?,
            Handle::File { .. } => return Err(Error::new(ENOTDIR)),
        };
        Ok(OpenResult::ThisScheme { number: self.open.insert(handle), flags: NewFdFlags::POSITIONED })
    }

    fn read(&mut self, id: usize, buf: &mut [u8], offset: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        let Handle::File { contents, .. } = self.handle(id)? else { return Err(Error::new(EISDIR)) };
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(contents.len());
        let count = buf.len().min(contents.len() - from);
        buf[..count].copy_from_slice(&contents[from..from + count]);
        Ok(count)
    }

    fn write(&mut self, id: usize, buf: &[u8], _: u64, _: u32, ctx: &CallerCtx) -> Result<usize> {
        let device = match self.handle(id)? {
            Handle::File { device, file: File::Driver, .. } => device.clone(),
            Handle::File { .. } => return Err(Error::new(EBADF)),
            _ => return Err(Error::new(EISDIR)),
        };
        if ctx.uid != 0 {
            return Err(Error::new(EACCES));
        }
        if buf.trim_ascii() != b"restart" {
            return Err(Error::new(EINVAL));
        }
        self.devices.restart(&device)?;
        Ok(buf.len())
    }

    fn fsize(&mut self, id: usize, _: &CallerCtx) -> Result<u64> {
        match self.handle(id)? {
            Handle::File { contents, .. } => Ok(contents.len() as u64),
            _ => Ok(0),
        }
    }

    fn ftruncate(&mut self, id: usize, _: u64, _: &CallerCtx) -> Result<()> {
        // What a shell does before it writes; there is nothing to cut.
        self.handle(id).map(drop)
    }

    fn fstat(&mut self, id: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        let (st_mode, st_size) = match self.handle(id)? {
            Handle::File { contents, file: File::Driver, .. } => (MODE_FILE | 0o644, contents.len() as u64),
            Handle::File { contents, .. } => (MODE_FILE | 0o444, contents.len() as u64),
            _ => (MODE_DIR | 0o555, 0),
        };
        *stat = Stat { st_mode, st_size, st_nlink: 1, ..Stat::default() };
        Ok(())
    }

    fn fpath(&mut self, id: usize, buf: &mut [u8], _: &CallerCtx) -> Result<usize> {
        let path = match self.handle(id)? {
            Handle::Root => "/scheme/pci".to_string(),
            Handle::Device(device) => format!("/scheme/pci/{device}"),
            Handle::File { device, file, .. } => {
                let name = FILES.iter().find(|(_, known)| known == file).map_or("", |(name, _)| name);
                format!("/scheme/pci/{device}/{name}")
            }
        };
        let count = path.len().min(buf.len());
        buf[..count].copy_from_slice(&path.as_bytes()[..count]);
        Ok(count)
    }

    fn getdents<'buf>(
        &mut self,
        id: usize,
        mut buf: DirentBuf<&'buf mut [u8]>,
        from: u64,
    ) -> Result<DirentBuf<&'buf mut [u8]>> {
        let (names, kind) = match self.handle(id)? {
            Handle::Root => (self.devices.names(), DirentKind::Directory),
            Handle::Device(_) => (FILES.map(|(name, _)| name.to_string()).into(), DirentKind::Regular),
            Handle::File { .. } => return Err(Error::new(ENOTDIR)),
        };
        let rest = names.iter().enumerate().skip(usize::try_from(from).unwrap_or(usize::MAX));
        for (done, (place, name)) in rest.enumerate() {
            let next = place as u64 + 1;
            let entry = DirEntry { inode: next, next_opaque_id: next, name, kind };
            match buf.entry(entry) {
                // Not even one fits.
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
                Ok(()) => {}
            }
        }
        Ok(buf)
    }

    fn on_close(&mut self, id: usize) {
        self.open.remove(id);
    }
}

impl<D: Devices> Scheme for Pci<D> {}

#[cfg(test)]
mod tests {
    use scheme_server::fake::{Kernel, NO_OFFSET};

    use super::*;

    #[derive(Default)]
    struct Two(Vec<String>);

    impl Devices for Two {
        fn names(&self) -> Vec<String> {
            ["00-00.0", "ps2"].map(String::from).into()
        }

        fn read(&self, device: &str, file: File) -> Option<Vec<u8>> {
            (file != File::Config || device != "ps2").then(|| format!("{device} {file:?}").into())
        }

        fn restart(&mut self, device: &str) -> Result<()> {
            self.0.push(device.into());
            Ok(())
        }
    }

    fn kernel() -> Kernel<Pci<Two>> {
        Kernel::new(Pci::new(Two::default()))
    }

    #[test]
    fn files_are_read() {
        let mut kernel = kernel();
        let info = kernel.openat(ROOT, "00-00.0/info", 0).unwrap().number();
        assert_eq!(kernel.read(info, 100, 0).unwrap(), b"00-00.0 Info");
        assert_eq!(kernel.read(info, 4, 8).unwrap(), b"Info");
        assert_eq!(kernel.read(info, 4, u64::MAX - 1).unwrap(), b"");
        let device = kernel.openat(ROOT, "ps2/", 0).unwrap().number();
        let driver = kernel.openat(device, "driver", 0).unwrap().number();
        assert_eq!(kernel.read(driver, 100, 0).unwrap(), b"ps2 Driver");
        let refused = |kernel: &mut Kernel<_>, dir, path| kernel.openat(dir, path, 0).err().map(|error| error.errno);
        assert_eq!(refused(&mut kernel, ROOT, "ps2/config"), Some(ENOENT));
        assert_eq!(refused(&mut kernel, ROOT, "ps3/info"), Some(ENOENT));
        assert_eq!(refused(&mut kernel, ROOT, "ps2/info/x"), Some(ENOENT));
        assert_eq!(refused(&mut kernel, info, "x"), Some(ENOTDIR));
        assert_eq!(kernel.read(device, 4, 0).err().map(|error| error.errno), Some(EISDIR));
    }

    #[test]
    fn drivers_are_restarted_by_the_superuser() {
        let mut kernel = kernel();
        let driver = kernel.openat(ROOT, "ps2/driver", 0).unwrap().number();
        assert_eq!(kernel.write(driver, b"restart\n", NO_OFFSET, 0), Ok(8));
        assert_eq!(kernel.write(driver, b"rest", NO_OFFSET, 0), Err(Error::new(EINVAL)));
        let info = kernel.openat(ROOT, "ps2/info", 0).unwrap().number();
        assert_eq!(kernel.write(info, b"restart", NO_OFFSET, 0), Err(Error::new(EBADF)));
        assert_eq!(kernel.scheme.devices.0, ["ps2"]);
    }
}
