//! Kernel objects that stand for parts of a device: ranges of memory and of ports, messages, the console for speaking only. Each gives what
//! it says and nothing beside it.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::collections::BTreeSet;

    use libredox::Fd;
    use libredox::call::{self, MmapArgs};
    use libredox::error::Result;
    use libredox::flag::{MAP_PRIVATE, MAP_SHARED, O_CLOEXEC, O_NONBLOCK, O_RDWR, O_WRONLY, PROT_READ};
    use ochre_abi::irq::MESSAGE;
    use ochre_guest::{Accounts, run};
    use syscall::error::{EAGAIN, EBADF, EINVAL, ENODEV, ENOENT, ENOSPC};
    use syscall::flag::CallFlags;

    const PAGE: usize = 4096;
    /// The BIOS, which every PC has there, below 1 MiB.
    const BIOS: &str = "/scheme/memory/physical@uc?f0000-fffff";
    const BIOS_LEN: usize = 0x1_0000;

    fn open(path: &str) -> Result<Fd> {
        Fd::open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK, 0)
    }

    fn refused<T>(result: Result<T>) -> i32 {
        result.err().map_or(0, |error| error.errno())
    }

    fn map(fd: &Fd, offset: usize, length: usize, flags: u32) -> Result<usize> {
        let args = MmapArgs {
            addr: std::ptr::null_mut(),
            length,
            prot: PROT_READ,
            flags,
            fd: fd.raw(),
            offset: offset as u64,
        };
        // SAFETY: where the kernel chooses.
        unsafe { call::mmap(args) }.map(|address| address as usize)
    }

    fn unmap(address: usize, length: usize) {
        // SAFETY: this program's own mapping, which nothing points to any more.
        unsafe { call::munmap(address as *mut (), length) }.expect("its own mapping");
    }

    fn ranges() {
        for wrong in
            ["", "f0000", "f0000-", "-fffff", "f0001-fffff", "f0000-ffffe", "fffff-f0000", "0-ffffffffffffffff", "x-y"]
        {
            assert_eq!(refused(open(&format!("/scheme/memory/physical@uc?{wrong}"))), EINVAL, "{wrong}");
        }
        assert_eq!(refused(open("/scheme/memory/zeroed?f0000-fffff")), EINVAL);
        assert_eq!(refused(open("/scheme/memory/other?f0000-fffff")), EINVAL);
        let range = open(BIOS).expect("a range");
        assert_eq!(range.stat().expect("it has attributes").st_size as usize, BIOS_LEN);
        for (offset, length) in [
            (0, BIOS_LEN + 1),
            (BIOS_LEN, PAGE),
            (PAGE, BIOS_LEN),
            (usize::MAX & !(PAGE - 1), PAGE),
            (0, usize::MAX - PAGE),
        ] {
            assert_ne!(refused(map(&range, offset, length, MAP_SHARED)), 0, "{offset:#x} {length:#x}");
        }
        assert_eq!(refused(map(&range, 0, PAGE, MAP_PRIVATE)), EINVAL);
        // The same memory as through the whole: offsets count from the first address.
        let whole = open("/scheme/memory/physical@uc").expect("the whole");
        let (part, all) = (map(&range, PAGE, PAGE, MAP_SHARED), map(&whole, 0xf1000, PAGE, MAP_SHARED));
        let (part, all) = (part.expect("a part"), all.expect("the same"));
        for word in (0..PAGE).step_by(8) {
            // SAFETY: both mappings are a page, and nobody writes there.
            let pair = unsafe { [part, all].map(|base| ((base + word) as *const u64).read_volatile()) };
            assert_eq!(pair[0], pair[1]);
        }
        [part, all].into_iter().for_each(|base| unmap(base, PAGE));
    }

    fn ports() {
        for wrong in ["", "64", "65-64", "0-10000", "10000-10001"] {
            assert_eq!(refused(open(&format!("/scheme/memory/ports?{wrong}"))), EINVAL, "{wrong}");
        }
        // The first interrupt controller's mask, which is only read.
        let ports = open("/scheme/memory/ports?20-23").expect("a range");
        let read = |offset: i64, bytes: &mut [u8]| {
            use std::os::unix::fs::FileExt;
            let file = std::mem::ManuallyDrop::new(
                // SAFETY: the descriptor stays open, and is closed by its owner only.
                unsafe { <std::fs::File as std::os::fd::FromRawFd>::from_raw_fd(ports.raw() as i32) },
            );
            file.read_at(bytes, offset as u64).map_err(|error| error.raw_os_error().unwrap_or(0))
        };
        assert_eq!(read(1, &mut [0]), Ok(1));
        assert_eq!(read(2, &mut [0; 2]), Ok(2));
        for (offset, len) in [(4, 1), (3, 2), (1, 2), (0, 3), (0, 8), (2, 4), (-1, 1), (0, 0)] {
            assert_eq!(read(offset, &mut vec![0; len]), Err(EINVAL), "{len} at {offset}");
        }
    }

    fn messages() {
        let mut seen = BTreeSet::new();
        let take_all = |seen: &mut BTreeSet<Vec<u8>>| {
            let mut all = Vec::new();
            loop {
                match open("/scheme/irq/msi") {
                    Ok(vector) => {
                        let mut message = vec![0; 16];
                        call::call_ro(vector.raw(), &mut message, CallFlags::empty(), &[MESSAGE])
                            .expect("it has a message");
                        assert!(seen.insert(message), "two vectors have the same message");
                        all.push(vector);
                    }
                    Err(error) => {
                        assert_eq!(error.errno(), ENOSPC);
                        return all;
                    }
                }
            }
        };
        let all = take_all(&mut seen);
        assert!(all.len() >= 64, "{} messages are few", all.len());
        let one = &all[0];
        assert_eq!(refused(one.read(&mut [0; 8])), EAGAIN);
        assert_eq!(refused(one.read(&mut [0; 7])), EINVAL);
        assert_eq!(refused(call::call_ro(one.raw(), &mut [0; 15], CallFlags::empty(), &[MESSAGE])), EINVAL);
        assert_eq!(refused(call::call_ro(one.raw(), &mut [0; 16], CallFlags::empty(), &[99])), EINVAL);
        assert_eq!(refused(call::call_ro(one.raw(), &mut [0; 16], CallFlags::empty(), &[])), EINVAL);
        let line = open("/scheme/irq/16").expect("a line");
        assert_eq!(refused(call::call_ro(line.raw(), &mut [0; 16], CallFlags::empty(), &[MESSAGE])), EINVAL);
        let count = all.len();
        drop(all);
        assert_eq!(take_all(&mut BTreeSet::new()).len(), count, "what was closed is free again");
    }

    fn speaking_only() {
        let console = Fd::open("/scheme/debug", O_WRONLY | O_CLOEXEC, 0).expect("the console");
        assert_eq!(refused(console.read(&mut [0])), EBADF);
        assert_eq!(console.write(b"it can be written\n"), Ok(18));
    }

    fn framebuffer() {
        let shape = std::fs::read_to_string("/scheme/sys/framebuffer").expect("a text");
        let opened = open("/scheme/memory/framebuffer");
        if shape.is_empty() {
            assert_eq!(refused(opened), ENODEV);
            return;
        }
        let len = opened.expect("it is there").stat().expect("it has attributes").st_size as usize;
        let words: Vec<usize> = shape.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert!(len.is_multiple_of(PAGE) && len >= words[1] * words[2], "{shape} {len}");
        assert_eq!(refused(open("/scheme/memory/framebuffer@uc")), ENOENT);
    }

    fn nothing_is_kept() {
        Accounts::assert_steady(|| {
            let range = open(BIOS).expect("a range");
            unmap(map(&range, 0, BIOS_LEN, MAP_SHARED).expect("it can be mapped"), BIOS_LEN);
            drop((open("/scheme/irq/msi"), open("/scheme/memory/ports?20-23")));
        });
    }

    pub fn main() {
        run(&[
            ("ranges of memory", ranges),
            ("ranges of ports", ports),
            ("messages", messages),
            ("the console for speaking only", speaking_only),
            ("the loader's frame buffer", framebuffer),
            ("nothing is kept", nothing_is_kept),
        ]);
    }
}
