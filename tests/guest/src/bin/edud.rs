//! A driver for QEMU's teaching device (`-device edu`; QEMU documentation, `docs/specs/edu`), started by pcid: it uses everything that
//! a driver can be given, then tries to reach what it was not given, and says what came of it.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use driver::syscall::error::{EIO, Error, Result};
    use driver::{Allocator, Dma, Driver, Grant, Memory, Mmio, Registers, Source, say};
    use libredox::call::{self, MmapArgs};
    use libredox::flag::{MAP_SHARED, PROT_READ};

    /// Registers.
    const ID: usize = 0x00;
    const LIVENESS: usize = 0x04;
    const FACTORIAL: usize = 0x08;
    const STATUS: usize = 0x20;
    const INTERRUPT_STATUS: usize = 0x24;
    const ACKNOWLEDGE: usize = 0x64;
    const DMA_SOURCE: usize = 0x80;
    const DMA_DESTINATION: usize = 0x88;
    const DMA_COUNT: usize = 0x90;
    const DMA_COMMAND: usize = 0x98;
    /// Values of them.
    const IS_EDU: u32 = 0x0100_00ed;
    const INTERRUPT_WHEN_DONE: u32 = 0x80;
    const START: u32 = 1;
    const FROM_DEVICE: u32 = 2;
    const INTERRUPT: u32 = 4;
    /// The device's own memory.
    const BUFFER: u64 = 0x4_0000;
    /// Bytes copied. Not the whole of it: QEMU takes that for too much.
    const LEN: usize = 2048;

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Step {
        Factorial,
        Out,
        Back,
        Done,
    }

    struct Edu {
        registers: Mmio,
        memory: Box<dyn Memory>,
        step: Step,
    }

    impl Edu {
        fn copy(&self, from: u64, to: u64, command: u32) {
            self.registers.put64(DMA_SOURCE, from);
            self.registers.put64(DMA_DESTINATION, to);
            self.registers.put64(DMA_COUNT, LEN as u64);
            self.registers.put32(DMA_COMMAND, START | INTERRUPT | command);
        }

        fn next(&mut self) -> Result<()> {
            self.step = match self.step {
                Step::Factorial => {
                    expect("10! by interrupt", self.registers.get32(FACTORIAL) == 3_628_800)?;
                    let pattern: Vec<u8> = (0..LEN).map(|place| (place * 7 % 251) as u8).collect();
                    self.memory.write(0, &pattern);
                    self.copy(self.memory.physical(0), BUFFER, 0);
                    Step::Out
                }
                Step::Out => {
                    self.copy(BUFFER, self.memory.physical(LEN), FROM_DEVICE);
                    Step::Back
                }
                Step::Back => {
                    let (mut out, mut back) = ([0; LEN], [1; LEN]);
                    self.memory.read(0, &mut out);
                    self.memory.read(LEN, &mut back);
                    expect("memory through the device", out == back)?;
                    prowl()?;
                    say!("edud: all is well");
                    Step::Done
                }
                Step::Done => Step::Done,
            };
            Ok(())
        }
    }

    impl Driver for Edu {
        fn happened(&mut self, _: Source) -> Result<()> {
            let why = self.registers.get32(INTERRUPT_STATUS);
            self.registers.put32(ACKNOWLEDGE, why);
            if why == 0 { Ok(()) } else { self.next() }
        }
    }

    fn expect(what: &str, is_so: bool) -> Result<()> {
        say!("edud: {what}: {}", if is_so { "yes" } else { "NO" });
        if is_so { Ok(()) } else { Err(Error::new(EIO)) }
    }

    /// Everything that a driver might want to reach beyond its device.
    fn prowl() -> Result<()> {
        let paths = [
            "/",
            "/tmp/x",
            "/dev/null",
            "/scheme/initfs/bin/init",
            "/scheme/memory/physical",
            "/scheme/memory/zeroed",
            "/scheme/irq/msi",
            "/scheme/sys/kstop",
            "/scheme/sys/context",
            "/scheme/kernel.proc/thread",
            "/scheme/kernel.acpi/rxsdt",
            "/scheme/serio/0",
            "/scheme/debug/screen",
            "/scheme/pci/00-00.0/config",
            "/scheme/event",
            "/scheme/pipe",
            "/scheme/time/1",
            "/scheme/rand",
            "/scheme/null",
            "/scheme/namespace/scheme-creation-cap",
        ];
        let opened: Vec<&str> =
            paths.into_iter().filter(|path| call::open(path, libredox::flag::O_RDWR, 0).is_ok()).collect();
        expect(&format!("no path leads anywhere ({opened:?})"), opened.is_empty())?;
        let grant = Grant::take();
        let bar = grant.get("bar0").ok_or(Error::new(EIO))?;
        let reach = |fd, offset: usize, length| {
            let args = MmapArgs {
                addr: std::ptr::null_mut(),
                length,
                prot: PROT_READ,
                flags: MAP_SHARED,
                fd,
                offset: offset as u64,
            };
            // SAFETY: where the kernel chooses, and never touched.
            unsafe { call::mmap(args) }.is_ok()
        };
        let beyond =
            reach(bar.fd, bar.len, 4096) || reach(bar.fd, 0, bar.len + 4096) || reach(bar.fd, usize::MAX & !4095, 4096);
        expect("its region ends where it ends", !beyond && reach(bar.fd, bar.len - 4096, 4096))?;
        expect("the console does not tell it what is typed", call::read(2, &mut [0]).is_err())?;
        let ports = [ochre_abi::proc::ThreadVerb::SetIoPrivilege as u64, 1];
        let no_flags = driver::syscall::flag::CallFlags::empty();
        let raised = call::call_wo(ochre_abi::start_fd::THREAD, &[], no_flags, &ports).is_ok();
        expect("no ports", !raised)?;
        // What it was given, its own thread and table, its name space.
        let known = 4096;
        let open = (0..known).filter(|fd| call::fstat(*fd).is_ok()).count();
        expect(&format!("{open} descriptors"), open <= 12)
    }

    pub fn main() {
        if let Err(error) = drive() {
            say!("edud: {error}");
            std::process::exit(1);
        }
    }

    fn drive() -> Result<()> {
        let grant = Grant::take();
        let bar = grant.get("bar0").ok_or(Error::new(EIO))?;
        let registers = Mmio::map(bar).map_err(|_| Error::new(EIO))?;
        expect("it is an edu", registers.get32(ID) == IS_EDU)?;
        registers.put32(LIVENESS, 0x1234_5678);
        expect("it lives", registers.get32(LIVENESS) == !0x1234_5678)?;
        let memory = Dma::new(&grant)?.allocate(2 * LEN, true)?;
        registers.put32(STATUS, INTERRUPT_WHEN_DONE);
        registers.put32(FACTORIAL, 10);
        say!("edud: {} interrupts by {}", grant.device(), grant.signal.name());
        driver::run(&grant, &mut Edu { registers, memory, step: Step::Factorial })
    }
}
