//! The start: each door, each firmware, each number of processors and size of memory, and all that can be wrong with what the
//! kernel is started with. None of these needs a program that works: the kernel says what is missing and ends.

use std::time::Duration;

use ochre_vm::qemu::Machine;

use super::bytes;
use crate::case::{Case, Door, Firmware, GAVE_UP, Initfs, Medium};
use crate::elf::{CODE, Elf};
use crate::handover::{Handover, start_info};
use crate::screen::Picture;

/// Path of the first program.
const FIRST: &str = "bin/bootstrap";
/// What the kernel says when all is well but there is no first program.
const NO_FIRST: &str = "Ochre: cannot start the first program: the initfs has no bin/bootstrap";
/// What the kernel says when the first program has ended, however.
const ENDED: &str = "Ochre: the first program has ended";
/// An instruction that no processor has.
const UD2: [u8; 2] = [0x0f, 0x0b];
/// A loop without end.
const SPIN: [u8; 2] = [0xeb, 0xfe];

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut list = vec![unknown_options(), bad_values()];
    list.extend(machines());
    list.extend(processors());
    list.extend(media());
    list.push(menu());
    list.extend(initfs());
    list.extend(first_programs());
    list.extend(running_programs());
    list.extend(loader());
    list.extend(acpi());
    list.extend(panics());
    list
}

/// A case that ends when the kernel finds no first program.
fn kernel_alone(name: impl AsRef<str>) -> Case {
    Case::new(format!("boot: {}", name.as_ref())).ends(GAVE_UP)
}

fn unknown_options() -> Case {
    kernel_alone("an unknown option is named")
        .append("root=/dev/sda splash -- splash2")
        .says("boot option root=/dev/sda is not the kernel's")
        .says("boot option splash is not the kernel's")
        .says(NO_FIRST)
        .never("splash2")
}

fn bad_values() -> Case {
    kernel_alone("an option with a bad value is named, and the rest counts")
        .cpus(2)
        .append("smp=many console=tape smp=1 quiet=yes")
        .says("boot option smp=many has a value that it cannot have")
        .says("boot option console=tape has a value that it cannot have")
        .says("boot option quiet=yes has a value that it cannot have")
        .says("1 processors")
        .says(NO_FIRST)
}

/// Numbers of processors and sizes of memory.
fn machines() -> Vec<Case> {
    let machine = |cpus: u32, memory: u32, name: &str| {
        kernel_alone(format!("{cpus} CPUs and {memory} MiB{name}"))
            .cpus(cpus)
            .memory(memory)
            .says(format!("{cpus} processors, "))
            .says(NO_FIRST)
            .check(move |said| most_memory_is_found(said, memory))
    };
    let pvh = [(1, 128), (2, 128), (4, 512), (8, 1024), (16, 128), (16, 2048), (1, 4096), (2, 16384), (16, 16384)];
    let mut list: Vec<Case> = pvh.iter().map(|(cpus, memory)| machine(*cpus, *memory, "")).collect();
    for (firmware, name) in [(Firmware::Bios, "BIOS"), (Firmware::Uefi, "UEFI")] {
        for (cpus, memory) in [(1, 128), (16, 16384)] {
            let case = machine(cpus, memory, &format!(", {name}"));
            list.push(case.door(Door::Iso(firmware, Medium::Cd)));
        }
    }
    list.push(kernel_alone("option smp=3 of 4 CPUs").cpus(4).append("smp=3").says("3 processors, ").says(NO_FIRST));
    list.push(kernel_alone("the test build starts").test_kernel().cpus(4).says("4 processors, ").says(NO_FIRST));
    list
}

/// Processors and chip sets older than QEMU's best.
fn processors() -> Vec<Case> {
    let on = |name: &str, devices: &[&str]| kernel_alone(name).devices(devices).says("1 processors, ").says(NO_FIRST);
    vec![
        on("the oldest 64-bit processor", &["-cpu", "qemu64"]),
        on("a processor without XSAVE and FSGSBASE", &["-cpu", "Nehalem"]),
        on("a processor with AVX2 and PCID", &["-cpu", "Haswell"]),
        on("no HPET", &["-machine", "hpet=off"]),
        on("no PS/2 controller", &["-machine", "i8042=off"]),
        on("no ACPI", &["-machine", "acpi=off"]),
        on("an older chip set", &["-machine", "pc"]),
        kernel_alone("a 32-bit processor is told what is needed")
            .devices(&["-cpu", "qemu32"])
            .stays()
            .says("Ochre needs a 64-bit processor (x86-64 with long mode); this one is not."),
    ]
}

/// What the firmware keeps and the kernel needs is little.
fn most_memory_is_found(said: &str, memory: u32) -> Result<(), String> {
    let number = said
        .split_once(" MiB of memory")
        .and_then(|(before, _)| before.rsplit(' ').next()?.parse::<u32>().ok())
        .ok_or("the kernel did not say how much memory there is")?;
    let least = memory - memory / 50 - 16;
    if (least..=memory).contains(&number) { Ok(()) } else { Err(format!("the kernel found {number} MiB of {memory}")) }
}

/// The hybrid image on each medium, with each firmware, and what is to be seen on the screen.
fn media() -> Vec<Case> {
    let mut list = Vec::new();
    for (firmware, by) in [(Firmware::Bios, "BIOS"), (Firmware::Uefi, "UEFI")] {
        for (medium, on) in [(Medium::Cd, "CD"), (Medium::Disk, "disk"), (Medium::Stick, "USB stick")] {
            list.push(
                kernel_alone(format!("the image as {on}, {by}"))
                    .door(Door::Iso(firmware, medium))
                    .append("hello=1")
                    .says("started by Multiboot2")
                    .says("boot option hello=1 is not the kernel's")
                    .says(NO_FIRST),
            );
        }
        list.push(
            kernel_alone(format!("the screen shows what the serial line says, {by}"))
                .door(Door::Iso(firmware, Medium::Cd))
                .stays()
                .drive(|machine| {
                    machine.wait_for("has no bin/bootstrap")?;
                    shows(machine, &["started by Multiboot2", NO_FIRST])
                }),
        );
    }
    list
}

/// Waits until the screen is a large one and shows these texts: the serial line is ahead of it.
fn shows(machine: &mut Machine, wanted: &[&str]) -> Result<(), String> {
    loop {
        let picture = Picture::of(machine.qmp()?)?;
        if picture.width < 1024 || picture.height < 768 {
            return Err(format!("the screen has {}x{} pixels", picture.width, picture.height));
        }
        let lines = picture.text();
        if wanted.iter().all(|text| lines.iter().any(|line| line.contains(text))) {
            return Ok(());
        }
        if machine.left() < Duration::from_secs(60) {
            return Err(format!("the screen shows:\n{}", lines.join("\n").trim()));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The image's menu, which UEFI shows on the serial line too: its second entry uses one processor.
fn menu() -> Case {
    kernel_alone("the menu's safe entry")
        .door(Door::Iso(Firmware::Uefi, Medium::Cd))
        .cpus(2)
        .menu(30)
        .drive(|machine| {
            machine.wait_for("Ochre, safe")?;
            machine.wait_for("automatically in")?;
            machine.qmp()?.keys(&["down"])?;
            machine.qmp()?.keys(&["ret"])
        })
        .says("1 processors, ")
        .says(NO_FIRST)
}

/// What can be wrong with the initfs.
fn initfs() -> Vec<Case> {
    let damaged = "Ochre: cannot start the first program: the initfs is no cpio archive (newc), or damaged";
    let raw = |name: &str, bytes: Vec<u8>| kernel_alone(name).initfs(Initfs::Raw(bytes)).says(damaged);
    // The same bytes every time.
    let mut random = fastrand::Rng::with_seed(42);
    let noise: Vec<u8> = (0..100_000).map(|_| random.u8(..)).collect();
    let mut liar = b"070701".to_vec();
    liar.extend(b"FFFFFFFF".repeat(13));
    let first = || vec![bytes(FIRST, Elf::running(&UD2).bytes())];
    let mut list = vec![
        kernel_alone("no initfs").initfs(Initfs::Missing).says("Ochre: cannot start: there is no initfs"),
        kernel_alone("an initfs without a first program").says(NO_FIRST),
        kernel_alone("a folder in the first program's place")
            .initfs(Initfs::Files(vec![bytes("bin/bootstrap/x", "")]))
            .says(NO_FIRST),
        raw("an initfs of random bytes", noise),
        raw("an initfs of zeros", vec![0; 4096]),
        raw("an initfs of one byte", vec![b'0']),
        raw("an initfs with sizes beyond its end", liar),
        raw("another archive format as initfs", b"\x1f\x8b\x08\0\0\0\0\0".repeat(64)),
    ];
    for thousandths in [1, 500, 999] {
        let name = format!("an initfs cut to {thousandths} thousandths");
        list.push(kernel_alone(name).initfs(Initfs::Cut(first(), thousandths)).says(damaged));
    }
    list
}

/// What can be wrong with the first program.
fn first_programs() -> Vec<Case> {
    let good = || Elf::running(&UD2);
    let bad = |what: &str, file: Vec<u8>, why: &str| {
        kernel_alone(format!("first program: {what}"))
            .initfs(Initfs::Files(vec![bytes(FIRST, file)]))
            .says(format!("Ochre: cannot start the first program: bin/bootstrap: {why}"))
    };
    let header = |change: fn(&mut Elf)| {
        let mut elf = good();
        change(&mut elf);
        elf.bytes()
    };
    let whole = good().bytes();
    vec![
        bad("a text", b"#!/bin/sh\necho hello\n".repeat(10), "not an ELF file"),
        bad("empty", Vec::new(), "not an ELF file"),
        bad("cut in its header", whole[..40].to_vec(), "not an ELF file"),
        bad("cut in its program headers", whole[..100].to_vec(), "the file is cut short"),
        bad("cut in its code", whole[..whole.len() - 1].to_vec(), "the file is cut short"),
        bad("for another processor", header(|elf| elf.machine = 183), "not a 64-bit x86-64 program"),
        bad("an object file", header(|elf| elf.kind = 1), "not a 64-bit x86-64 program"),
        bad("headers far away", header(|elf| elf.headers = u64::MAX - 8), "the file is cut short"),
        bad("65535 headers", header(|elf| elf.header_count = u16::MAX), "the file is cut short"),
        bad("an entry in the kernel", header(|elf| elf.entry = u64::MAX << 31), "its entry is not"),
        bad("data far away", good().with(|it| it.offset = u64::MAX & !0xfff).bytes(), "the file is cut short"),
        bad(
            "a segment in the kernel",
            good().with(|it| it.address = u64::MAX << 31).bytes(),
            "a segment lies where it must not",
        ),
        bad("a segment on the zero page", good().with(|it| it.address = 0).bytes(), "a segment lies where it must not"),
        bad(
            "a segment around the end of memory",
            good().with(|it| it.memory_len = u64::MAX - CODE).bytes(),
            "a segment lies where it must not",
        ),
        bad(
            "a segment with more in the file than in memory",
            good().with(|it| it.memory_len = 8).bytes(),
            "a segment lies where it must not",
        ),
        bad(
            "a segment to write and execute",
            good().with(|it| it.flags = 7).bytes(),
            "a segment is both writable and executable",
        ),
        bad("asks for a dynamic linker", good().with(|it| it.kind = 3).bytes(), "it needs a dynamic linker"),
    ]
}

/// First programs that can be loaded.
fn running_programs() -> Vec<Case> {
    let first = |name: &str, code: &[u8]| {
        let file = bytes(FIRST, Elf::running(code).bytes());
        kernel_alone(format!("first program: {name}")).initfs(Initfs::Files(vec![file]))
    };
    // SYS_WRITE (crate `redox_syscall`) of a text to descriptor 1.
    let mut hello = vec![0xb8];
    hello.extend(0x2100_0004_u32.to_le_bytes());
    hello.extend([0xbf, 1, 0, 0, 0]);
    hello.extend([0x48, 0x8d, 0x35, 9, 0, 0, 0]);
    hello.extend([0xba, 6, 0, 0, 0]);
    hello.extend([0x0f, 0x05]);
    hello.extend([0xeb, 0xfe]);
    hello.extend(b"hello\n");
    // SYS_CALL of the verb `Exit` (2, on the stack) on the descriptor of the own thread.
    let mut exit = vec![0x6a, 2];
    exit.extend([0x49, 0x89, 0xe0]);
    exit.extend([0xb8, 0x11, 0xca, 0x00, 0x23]);
    exit.extend([0x48, 0xbf, 0x21, 0, 0, 0, 0, 0, 0, 0x40]);
    exit.extend([0x31, 0xf6, 0x31, 0xd2]);
    exit.extend([0x41, 0xba, 1, 0, 0, 0]);
    exit.extend([0x0f, 0x05]);
    exit.extend(SPIN);
    vec![
        first("writes to the console", &hello).stays().says("hello\r\n"),
        first("has an instruction that no processor has", &UD2)
            .says("kernel: bootstrap (process 1, thread 0) ended by invalid opcode: code 0x0 at 0x400078")
            .says(ENDED),
        first("ends, with four processors", &exit).cpus(4).says(ENDED),
        first("ends, with the kernel's checks", &exit).test_kernel().cpus(2).says(ENDED),
        first("faults, with the kernel's checks", &UD2).test_kernel().says(ENDED),
    ]
}

/// What can be wrong with what the loader tells.
fn loader() -> Vec<Case> {
    let edited = |name: &str, edit: fn(&mut Handover<'_>) -> Result<(), String>| kernel_alone(name).edit(edit);
    // The command line has not been read when these are found: the kernel cannot know that it should end the machine.
    let no_map = |name: &str, edit| {
        let said = "Ochre: cannot start: the loader gave no memory map with usable memory";
        edited(name, edit).stays().says(said)
    };
    vec![
        no_map("loader: no memory map", |loader| loader.set_field(start_info::MEMORY_MAP, 0)),
        no_map("loader: a memory map without entries", |loader| loader.set_field32(start_info::MEMORY_MAP_ENTRIES, 0)),
        no_map("loader: information of a version without memory map", |loader| {
            loader.set_field32(start_info::VERSION, 0)
        }),
        no_map("loader: a memory map with nothing usable", |loader| {
            let map = loader.field(start_info::MEMORY_MAP)?;
            for index in 0..loader.number(loader.info + start_info::MEMORY_MAP_ENTRIES, 4)? {
                // The kind, behind address and size: reserved.
                loader.write(map + index * 24 + 16, &[2])?;
            }
            Ok(())
        }),
        edited("loader: a wrong magic number", |loader| loader.set_field32(start_info::MAGIC, 0x1bad_b002))
            .stays()
            .says("Ochre: cannot start: the loader's information has a wrong magic number (0x1badb002)"),
        edited("loader: a memory map beyond memory", |loader| loader.set_field(start_info::MEMORY_MAP, u64::MAX - 100))
            .stays()
            .says("Ochre: cannot start: the loader's information at "),
        edited("loader: an initfs that ends before it begins", |loader| {
            let list = loader.field(start_info::MODULES)?;
            loader.write(list + 8, &u64::MAX.to_le_bytes())
        })
        .says("Ochre: cannot start: there is no initfs"),
        edited("loader: an initfs beyond memory", |loader| {
            let list = loader.field(start_info::MODULES)?;
            loader.write(list, &(64u64 << 30).to_le_bytes())
        })
        .says("Ochre: cannot start: the initfs, from 0x1000000000 to "),
        edited("loader: a memory map with more regions than fit", |loader| {
            // Behind QEMU's own entries, reserved pages in free memory; 24 bytes each: address, size, kind.
            let (map, count) = (loader.field(start_info::MEMORY_MAP)?, 300);
            let known = loader.number(loader.info + start_info::MEMORY_MAP_ENTRIES, 4)?;
            let mut table = loader.read(map, known as usize * 24)?;
            for index in known..count {
                for word in [(512 << 20) + (index << 12), 4096, 2] {
                    table.extend(u64::to_le_bytes(word));
                }
            }
            let place = 768 << 20;
            // The debugger stub's packets are small.
            for (index, part) in table.chunks(1024).enumerate() {
                loader.write(place + index as u64 * 1024, part)?;
            }
            loader.set_field(start_info::MEMORY_MAP, place)?;
            loader.set_field32(start_info::MEMORY_MAP_ENTRIES, count as u32)
        })
        .says("warning: the loader's memory map or list of modules is too long or makes no sense in part")
        .says(NO_FIRST),
        edited("loader: an initfs that does not begin with a page", |loader| {
            let list = loader.field(start_info::MODULES)?;
            let start = loader.number(list, 8)?;
            loader.write(list, &(start + 16).to_le_bytes())
        })
        .says("Ochre: cannot start the first program: the initfs is not page-aligned"),
        edited("loader: a command line beyond memory", |loader| {
            loader.set_field(start_info::COMMAND_LINE, u64::MAX - 100)
        })
        .stays()
        .says("started by PVH")
        .says(NO_FIRST),
        edited("loader: a command line of rubbish", |loader| {
            let address = loader.field(start_info::COMMAND_LINE)?;
            loader.write(address, b"exit=debug \xff\xfe\x80 \x1b[2J\0")
        })
        .says("started by PVH")
        .says(NO_FIRST),
        edited("loader: Multiboot2 without a memory map", |loader| {
            // The kind of tag that is a memory map becomes one that does not exist.
            let tag = loader.tag(6)?;
            loader.write(tag, &[0xee])?;
            // GRUB gives UEFI's map too.
            loader.tag(17).map_or(Ok(()), |tag| loader.write(tag, &[0xee]))
        })
        .door(Door::Iso(Firmware::Bios, Medium::Cd))
        .stays()
        .says("Ochre: cannot start: the loader gave no memory map with usable memory"),
        edited("loader: Multiboot2 without a module", |loader| {
            let tag = loader.tag(3)?;
            loader.write(tag, &[0xee])
        })
        .door(Door::Iso(Firmware::Bios, Medium::Cd))
        .says("Ochre: cannot start: there is no initfs"),
    ]
}

/// What can be wrong with ACPI's tables.
fn acpi() -> Vec<Case> {
    let table = |signature: &'static [u8; 4], cpus: u32| {
        let name = String::from_utf8_lossy(signature).into_owned();
        kernel_alone(format!("ACPI: table {name} with a wrong checksum"))
            .cpus(2)
            .edit(move |loader| {
                let table = loader.acpi_table(signature)?;
                loader.damage(table + 10)
            })
            .says(format!("ACPI: table {name} at "))
            .says("has a wrong checksum; skipped")
            .says(format!("{cpus} processors, "))
            .says(NO_FIRST)
    };
    vec![
        table(b"FACP", 2),
        table(b"HPET", 2),
        table(b"MCFG", 2),
        // Without the list of processors there is the one that runs.
        table(b"APIC", 1),
        kernel_alone("ACPI: the root table with a wrong checksum")
            .edit(|loader| {
                let root = loader.acpi_root()?;
                loader.damage(root + 10)
            })
            .says("has a wrong checksum; skipped")
            .says(NO_FIRST),
        kernel_alone("ACPI: a damaged root pointer")
            .edit(|loader| {
                let root = loader.field(start_info::RSDP)?;
                loader.damage(root + 8)
            })
            .says("ACPI: the root pointer is damaged")
            .says(NO_FIRST),
        kernel_alone("ACPI: no root pointer told, found in the BIOS area")
            .edit(|loader| loader.set_field(start_info::RSDP, 0))
            .cpus(2)
            .says("2 processors, ")
            .says(NO_FIRST)
            .never("ACPI: no root pointer"),
        kernel_alone("ACPI: a table beyond memory")
            .edit(|loader| {
                let root = loader.acpi_root()?;
                // The first entry, and the checksum as it is then.
                loader.write(root + 36, &0xffff_f000u32.to_le_bytes())?;
                loader.write(root + 9, &[0])?;
                let len = loader.number(root + 4, 4)? as usize;
                let sum = loader.read(root, len)?.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
                loader.write(root + 9, &[sum.wrapping_neg()])
            })
            .says("ACPI: ")
            .says(NO_FIRST),
    ]
}

/// What a bug in the kernel looks like: one report, with names.
fn panics() -> Vec<Case> {
    // The first thing that has been running for a while when a processor comes to it.
    let broken = |name: &str, cpus| {
        let mut case = kernel_alone(format!("panic: {name}"))
            .cpus(cpus)
            .initfs(Initfs::Files(vec![bytes(FIRST, Elf::running(&SPIN).bytes())]))
            .edit(|kernel| kernel.break_function("context::sched::idle_loop"))
            .says("KERNEL PANIC on processor")
            .says("invalid opcode in the kernel")
            .says("Backtrace:")
            .says("-- exception --")
            .says("context::sched::idle_loop+0x0")
            .check(|said| match said.matches("KERNEL PANIC").count() {
                1 => Ok(()),
                count => Err(format!("{count} processors told of a panic")),
            });
        case.never = vec!["panic while panicking".into()];
        case
    };
    let mut list = vec![
        broken("one processor", 1).says("boot_high+"),
        broken("four processors at once", 4),
        broken("two of four processors, the others never started", 4).append("smp=2"),
    ];
    for (firmware, name) in [(Firmware::Bios, "BIOS"), (Firmware::Uefi, "UEFI")] {
        let case = broken(&format!("on the screen, {name}"), 1).door(Door::Iso(firmware, Medium::Cd)).stays();
        list.push(
            case.drive(|machine| shows(machine, &["KERNEL PANIC on processor 0: invalid opcode", "idle_loop+0x0"])),
        );
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_what_is_said() {
        let said = |mib: u32| format!("[    0.001] 2 processors, {mib} MiB of memory\r\n");
        assert_eq!(most_memory_is_found(&said(120), 128), Ok(()));
        assert!(most_memory_is_found(&said(100), 128).is_err());
        assert!(most_memory_is_found(&said(129), 128).is_err());
        assert!(most_memory_is_found("", 128).is_err());
    }
}
