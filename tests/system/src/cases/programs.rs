//! With programs: the whole way to the init program through each door, and the test programs of `tests/guest`. Such a program is
//! the init program of its boot; it prints what it tests, `all N passed` at the end, and its exit status is QEMU's.

use crate::case::{Case, Door, Firmware, Initfs, Medium, Source};

/// What is started before the init program.
const BASE: [&str; 4] = ["bootstrap", "nsmgr", "zerod", "ramfs"];

/// A program of `tests/guest`.
struct Program {
    name: &'static str,
    /// Numbers of processors that it is run with.
    cpus: &'static [u32],
    /// Seconds that it may take, with a host that has other things to do.
    seconds: u64,
    /// Whether it runs with the kernel of the test build too, on the most processors.
    checked: bool,
}

const PROGRAMS: [Program; 3] = [
    Program { name: "contain", cpus: &[1, 2, 4], seconds: 120, checked: true },
    Program { name: "fuzz", cpus: &[1, 4], seconds: 600, checked: true },
    Program { name: "stress", cpus: &[4], seconds: 300, checked: true },
];

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut list = doors();
    for program in &PROGRAMS {
        for cpus in program.cpus {
            let name = format!("guest program {} with {cpus} CPUs", program.name);
            list.push(with_init(name, program.name).cpus(*cpus).seconds(program.seconds));
        }
        let most = program.cpus.iter().max().filter(|_| program.checked);
        list.extend(most.map(|cpus| {
            let name = format!("guest program {} with {cpus} CPUs and the kernel's checks", program.name);
            with_init(name, program.name).cpus(*cpus).seconds(2 * program.seconds).test_kernel()
        }));
    }
    list
}

/// A boot with the base daemons and this test program as init.
fn with_init(name: impl Into<String>, init: &str) -> Case {
    let files = BASE.iter().copied().chain([init]);
    let files = files.map(|name| (format!("bin/{name}"), Source::Program(name.into())));
    Case::new(name)
        .initfs(Initfs::Files(files.collect()))
        .append(&format!("init=/scheme/initfs/bin/{init}"))
        .says("all ")
        .says(" passed")
        .never("panicked at")
}

/// To the init program, whoever starts the machine.
fn doors() -> Vec<Case> {
    let boot = |name: &str| with_init(format!("to init: {name}"), "contain");
    let mut list: Vec<Case> = [1, 2, 4].iter().map(|cpus| boot(&format!("PVH, {cpus} CPUs")).cpus(*cpus)).collect();
    for (firmware, by) in [(Firmware::Bios, "BIOS"), (Firmware::Uefi, "UEFI")] {
        for (medium, on) in [(Medium::Cd, "CD"), (Medium::Disk, "disk"), (Medium::Stick, "USB stick")] {
            list.push(boot(&format!("{on}, {by}")).door(Door::Iso(firmware, medium)).cpus(2));
        }
    }
    list.push(boot("128 MiB of memory").memory(128));
    list
}
