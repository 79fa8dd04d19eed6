//! With programs: the whole way to the init program through each door, what can be wrong with the base programs, and the test
//! programs of `tests/guest`. Such a program is what its boot is for: init starts it last, and its exit status is the verdict.

use std::time::Duration;

use super::{bytes, programs, unit};
use crate::case::{Case, Door, Firmware, GAVE_UP, Initfs, Medium, exit_status};
use crate::elf::Elf;

/// What every boot has before the program that it is for.
pub const BASE: [&str; 8] = ["bootstrap", "nsmgr", "procmgr", "init", "zerod", "ramfs", "ipcd", "ptyd"];

/// A program of `tests/guest` and how it is run.
struct Program {
    name: &'static str,
    arguments: &'static str,
    /// What it says when it has done all.
    says: &'static str,
    /// Numbers of processors that it is run with.
    cpus: &'static [u32],
    /// Seconds that it may take, with a host that has other things to do.
    seconds: u64,
    /// Numbers of processors that it is run with on the kernel of the test build.
    checked: &'static [u32],
}

/// All of them, with what the whole is judged by: a million random calls, half a minute of stress on four processors.
const PROGRAMS: &[Program] = &[
    Program { name: "contain", arguments: "", says: "all 4 passed", cpus: &[1, 2, 4], seconds: 180, checked: &[4] },
    Program {
        name: "fuzz",
        arguments: "1000000 1",
        says: "calls in whole batches",
        cpus: &[1, 4],
        seconds: 600,
        checked: &[4],
    },
    Program {
        name: "hostile",
        arguments: "100 1",
        says: "100 hostile daemons",
        cpus: &[1, 2, 4],
        seconds: 300,
        checked: &[4],
    },
    Program { name: "regress", arguments: "", says: "all 23 passed", cpus: &[1, 4], seconds: 180, checked: &[1, 4] },
    Program { name: "sockets", arguments: "", says: "all 33 passed", cpus: &[1, 4], seconds: 300, checked: &[4] },
    Program { name: "signals", arguments: "", says: "all 29 passed", cpus: &[1, 2, 4], seconds: 300, checked: &[4] },
    Program { name: "clib", arguments: "", says: "all 19 passed", cpus: &[1, 4], seconds: 180, checked: &[4] },
    Program { name: "files", arguments: "", says: "all 14 passed", cpus: &[1, 4], seconds: 180, checked: &[4] },
    Program { name: "memory", arguments: "", says: "all 11 passed", cpus: &[1, 2, 4], seconds: 300, checked: &[4] },
    Program { name: "terminals", arguments: "", says: "all 16 passed", cpus: &[1, 4], seconds: 120, checked: &[4] },
    Program { name: "process", arguments: "10000", says: "all 33 passed", cpus: &[1], seconds: 900, checked: &[] },
    Program { name: "process", arguments: "1000", says: "all 33 passed", cpus: &[4], seconds: 600, checked: &[4] },
    Program { name: "grants", arguments: "", says: "all 6 passed", cpus: &[1], seconds: 60, checked: &[4] },
    Program { name: "stress", arguments: "30 1", says: "steps in 30s", cpus: &[4], seconds: 300, checked: &[4] },
];

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut list = doors();
    list.extend(faults());
    list.push(written_scheme());
    list.push(services());
    list.push(base_daemons());
    list.extend([(1, false), (4, false), (4, true)].map(|(cpus, checked)| told_by_nmi(cpus, checked)));
    list.extend([1, 2].map(display));
    list.extend([(1, false), (4, true)].map(|(cpus, checked)| looking(cpus, checked)));
    for program in PROGRAMS {
        let run = |cpus: u32, with: &str| {
            let name = format!("guest program {} with {cpus} CPUs{with}", program.name);
            with_init(name, program.name, program.arguments).cpus(cpus).seconds(program.seconds).says(program.says)
        };
        list.extend(program.cpus.iter().map(|cpus| run(*cpus, "")));
        list.extend(program.checked.iter().map(|cpus| run(*cpus, " and the kernel's checks").test_kernel()));
    }
    list
}

/// A boot with the base programs that is for this test program.
fn with_init(name: impl Into<String>, init: &str, arguments: &str) -> Case {
    Case::new(name)
        .initfs(Initfs::Files(programs(BASE.into_iter().chain([init]))))
        .append(&format!("init=/scheme/initfs/bin/{init} -- {arguments}"))
}

/// To the init program, whoever starts the machine. A second of stress shows that what has come up works.
fn doors() -> Vec<Case> {
    let boot = |name: &str| with_init(format!("to init: {name}"), "stress", "1 1").says("steps in 1s");
    let mut list: Vec<Case> = [1, 2, 4].iter().map(|cpus| boot(&format!("PVH, {cpus} CPUs")).cpus(*cpus)).collect();
    for (firmware, by) in [(Firmware::Bios, "BIOS"), (Firmware::Uefi, "UEFI")] {
        for (medium, on) in [(Medium::Cd, "CD"), (Medium::Disk, "disk"), (Medium::Stick, "USB stick")] {
            list.push(boot(&format!("{on}, {by}")).door(Door::Iso(firmware, medium)).cpus(2));
        }
    }
    list.push(boot("128 MiB of memory").memory(128));
    list.push(boot("an old processor").devices(&["-cpu", "qemu64"]));
    list.push(boot("16 CPUs and 16 GiB").cpus(16).memory(16384));
    list
}

/// The scheme of docs/write-a-scheme.md as the page tries it: served from the console, killed, and there again.
fn written_scheme() -> Case {
    let mut files = programs(BASE);
    files.extend(programs(["console", "mail"]));
    let line = "serve mail; echo dear friend > /scheme/mail; read /scheme/mail; kill mail; sleep 2; \
                echo still here > /scheme/mail; read /scheme/mail; mail; exit";
    Case::new("the scheme that the documentation writes")
        .initfs(Initfs::Files(files))
        .append(&format!("init=/scheme/initfs/bin/console -- -c {line}"))
        .says("dear friend")
        .says("mail: killed; it is started again")
        .says("still here")
        // The name is taken: the second one of the same name must not get it.
        .says("/scheme/initfs/bin/mail: exited with status 1")
}

/// Services by their units: one is killed and there again, one cannot be started and is switched off, one is stopped and started
/// by hand, a bad unit is told; and the status of the last one is the system's.
fn services() -> Case {
    let mut files = programs(BASE);
    files.extend(programs(["service", "console", "mail"]));
    files.extend([
        unit("mail", "description = 'letters'\nprogram = '/scheme/initfs/bin/mail'"),
        unit("broken", "description = 'nothing'\nprogram = '/scheme/initfs/bin/nothing'"),
        unit("elsewhere", "description = 'not now'\nprogram = '/scheme/initfs/bin/mail'\ntargets = ['desktop']"),
        unit("bad", "description = 'a mistake'\nprogramm = '/scheme/initfs/bin/mail'"),
        unit(
            "console",
            "description = 'a console'\nprogram = '/scheme/initfs/bin/console'\nready = 'started'\nneeds = ['mail']\nlast = true",
        ),
    ]);
    let line = "echo first > /scheme/mail; read /scheme/mail; service kill mail; sleep 1; \
                echo second > /scheme/mail; read /scheme/mail; service mail; service stop mail; sleep 1; service; \
                echo third > /scheme/mail; service start mail; sleep 6; echo fourth > /scheme/mail; read /scheme/mail; \
                service broken; service dance mail";
    Case::new("services: killed, switched off, stopped, started")
        .initfs(Initfs::Files(files))
        .append(&format!("init=/scheme/initfs/bin/init -- -c {line}"))
        .says("init: bad: ")
        .says("first")
        .says("init: mail: killed; it is started again")
        .says("second")
        .says("state running")
        .says("starts 2")
        .says("last_end killed")
        .says("mail             off            2  letters")
        .says("echo third > /scheme/mail: ")
        .says("8 times in a row; it is switched off (`service start broken`)")
        .says("fourth")
        .says("state off")
        .never("elsewhere")
        .ends(exit_status(2))
}

/// Each of the base daemons is killed, twice in a row, and is there again: what they serve then works as on the first day, as the
/// programs find that test it. What they held is gone, and the folders and links that the unit names are not.
fn base_daemons() -> Case {
    let killed = ["zerod", "ipcd", "ptyd", "ramfs"];
    let kill = killed.map(|name| format!("service kill {name}; ")).concat();
    let line = format!(
        "echo kept in RAM > /tmp/x; cat /tmp/x; {kill}sleep 1; {kill}sleep 1; service; cat /tmp/x; ls /dev; \
         sockets; terminals; files"
    );
    let mut files = programs(BASE);
    files.extend(programs(["console", "service", "sockets", "terminals", "files"]));
    let case = Case::new("base daemons: each is killed, and there again")
        .initfs(Initfs::Files(files))
        .append(&format!("init=/scheme/initfs/bin/console -- -c {line}"))
        .cpus(2)
        .seconds(180)
        .says("kept in RAM");
    let again = killed.iter().chain(&killed).map(|name| format!("init: {name}: killed; it is started again"));
    let case = again.fold(case, Case::says);
    let case = ["ptyd", "ramfs", "zerod", "ipcd"]
        .into_iter()
        .fold(case, |case, name| case.says(format!("{name:<16} running        3")));
    case.says("cat /tmp/x: No such file")
        .says("console  null  ptmx  pts  random  shm  tty  urandom  zero")
        .says("all 33 passed")
        .says("all 16 passed")
        .says("all 14 passed")
}

/// Somebody asks a machine what it is doing: an idle one, and one whose every processor is busy in programs and the kernel.
fn told_by_nmi(cpus: u32, checked: bool) -> Case {
    let with = if checked { " and the kernel's checks" } else { "" };
    let case = Case::new(format!("an NMI, with {cpus} CPUs{with}")).cpus(cpus).ends(GAVE_UP);
    let case = case.initfs(Initfs::Files(programs(BASE.into_iter().chain(["console", "stress"]))));
    let case = case.append("init=/scheme/initfs/bin/console -- -c echo it begins; stress 60 1").drive(|machine| {
        machine.wait_for("it begins")?;
        std::thread::sleep(Duration::from_millis(500));
        machine.qmp()?.execute("inject-nmi", serde_json::json!({})).map(drop)
    });
    let case = case
        .says("NMI: the kernel tells its state and ends.")
        .says("processor 0: in ")
        .says("thread 0 of process 1: blocked, ")
        // What it waits for, in the kernel and in its own text.
        .says("context::")
        .says("    user 0x")
        .says("-- end of the threads --")
        .never("no answer");
    if checked { case.test_kernel() } else { case }
}

/// Windows on a screen in memory, and what happens to them when the display server dies.
fn display(cpus: u32) -> Case {
    Case::new(format!("windows of orbclient on a screen in memory, {cpus} CPUs"))
        .initfs(Initfs::Files(programs(BASE.into_iter().chain(["orbital-keeper", "orbitald", "display"]))))
        .append("init=/scheme/initfs/bin/display")
        .cpus(cpus)
        .seconds(180)
        .says("all 9 passed")
}

/// The calls of other processes, and the programs that show them.
fn looking(cpus: u32, checked: bool) -> Case {
    let with = if checked { " and the kernel's checks" } else { "" };
    let case = Case::new(format!("looking inside: trace, ps, top, {cpus} CPUs{with}"))
        .initfs(Initfs::Files(programs(BASE.into_iter().chain(["looking", "ps", "top", "trace"]))))
        .append("init=/scheme/initfs/bin/looking")
        .cpus(cpus)
        .seconds(180)
        .says("all 11 passed");
    if checked { case.test_kernel() } else { case }
}

/// What can be wrong with what bootstrap starts.
fn faults() -> Vec<Case> {
    let failed = |name: &str, init: &str, files| {
        Case::new(format!("bootstrap: {name}"))
            .initfs(Initfs::Files(files))
            .append(&format!("init=/scheme/initfs/bin/{init}"))
            .ends(exit_status(1))
    };
    let with = |path: &str, data: Vec<u8>| {
        let mut files = programs(BASE);
        files.push(bytes(path, data));
        files
    };
    let dies = Elf::running(&[0x0f, 0x0b]).bytes();
    vec![
        failed("no init program", "nothing", programs(["bootstrap", "nsmgr", "procmgr"]))
            .says("bootstrap: the initfs has no bin/init"),
        failed("an init program that is a text", "nothing", {
            let mut files = programs(["bootstrap", "nsmgr", "procmgr"]);
            files.push(bytes("bin/init", "echo hello\n"));
            files
        })
        .says("bootstrap: /scheme/initfs/bin/init: "),
        failed("no last program", "nothing", programs(BASE)).says("init: nothing: /scheme/initfs/bin/nothing: "),
        failed("a last program that is a folder", "folder", with("bin/folder/x", Vec::new()))
            .says("init: folder: /scheme/initfs/bin/folder: "),
        failed("a last program that is cut short", "cut", with("bin/cut", dies[..100].to_vec())).says("init: cut: "),
        // 132 is what a shell shows for an illegal instruction.
        failed("a last program that dies", "dies", with("bin/dies", dies.clone()))
            .ends(exit_status(132))
            .says("ended by invalid opcode: code 0x0 at 0x400078")
            .says("init: dies: processor exception 6 at 0x400078")
            .says("bootstrap: /scheme/initfs/bin/init exited with status 132"),
        failed("no name space manager", "nothing", programs(["bootstrap"]))
            .says("bootstrap: the initfs has no bin/nsmgr"),
        failed("a name space manager that dies", "nothing", {
            let mut files = programs(["bootstrap"]);
            files.push(bytes("bin/nsmgr", dies.clone()));
            files
        })
        .says("bootstrap: nsmgr does not start: "),
        failed("daemons that die, are no programs or not there", "nothing", {
            let mut files = programs(BASE);
            files.retain(|(path, _)| !["bin/zerod", "bin/ramfs", "bin/ptyd"].contains(&path.as_str()));
            files.extend([bytes("bin/zerod", dies), bytes("bin/ramfs", "text")]);
            files
        })
        .says("init: ptyd: /scheme/initfs/bin/ptyd: ")
        .check(|said| {
            let off =
                |name: &str| said.lines().any(|line| line.starts_with(name) && line.contains("it is switched off"));
            let names = ["init: zerod:", "init: ramfs:", "init: ptyd:"];
            let on: Vec<_> = names.into_iter().filter(|name| !off(name)).collect();
            if on.is_empty() { Ok(()) } else { Err(format!("not switched off: {on:?}")) }
        })
        .says("init: nothing: /scheme/initfs/bin/nothing: "),
    ]
}
