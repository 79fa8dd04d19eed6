//! Drivers: pcid starts them with their devices and nothing else.

use super::{bytes, programs};
use crate::case::{Case, Initfs, Source};

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut list = edu();
    list.push(nothing_there());
    list
}

/// A boot whose init program obeys this line, with these programs and drivers' files beside the base.
pub fn boot(name: &str, more: &[&str], manifests: &[(&str, &str)], line: &str) -> Case {
    let mut files: Vec<(String, Source)> = programs(super::programs::BASE);
    files.extend(programs(["console", "pcid"]));
    files.extend(programs(more.iter().copied()));
    files.extend(manifests.iter().map(|(name, text)| bytes(&format!("etc/drivers/{name}.toml"), *text)));
    Case::new(name).initfs(Initfs::Files(files)).append(&format!("init=/scheme/initfs/bin/console -- -c {line}"))
}

const EDU: &str = include_str!("../../../guest/drivers/edud.toml");

/// QEMU's teaching device, by message and by line, in front of a bridge and behind one, found by memory and by ports.
fn edu() -> Vec<Case> {
    let passes = |case: Case| {
        let said = ["it lives: yes", "10! by interrupt: yes", "memory through the device: yes", "all is well"];
        said.into_iter().fold(case, |case, said| case.says(said)).never(": NO")
    };
    let device = "edu,dma_mask=0xffffffffff";
    let run = |name: &str, manifest: &str, devices: &[&str]| {
        passes(
            boot(&format!("drivers: {name}"), &["edud"], &[("edud", manifest)], "serve pcid; sleep 5; exit")
                .devices(devices),
        )
    };
    let line = EDU.replace("interrupts = 1", "interrupts = 1 # by line").replace("dma = true", "dma = true\n");
    let mut list = vec![
        run("a device and all that it can do", EDU, &["-device", device]),
        run("four processors and the kernel's checks", EDU, &["-device", device]).cpus(4).test_kernel(),
        run(
            "behind two bridges",
            &line,
            &[
                "-device",
                "pcie-root-port,id=a,chassis=1,bus=pcie.0",
                "-device",
                "pcie-pci-bridge,id=b,bus=a",
                "-device",
                &format!("{device},bus=b,addr=3"),
            ],
        ),
        run("configuration space by ports", EDU, &["-M", "pc", "-device", device]),
    ];
    let restart = "serve pcid; sleep 4; echo restart > /scheme/pci/00-04.0/driver; sleep 4; \
                   cat /scheme/pci/00-04.0/driver; kill pcid; sleep 10; cat /scheme/pci/00-04.0/driver; exit";
    let case = boot("drivers: one is killed, then pcid", &["edud"], &[("edud", EDU)], restart);
    list.push(
        passes(passes(case.devices(&["-device", &format!("{device},addr=4")])))
            .says("edud running, started 2 times")
            .says("edud: all is well")
            .says("edud running, started 1 times"),
    );
    list
}

/// A driver's file without its program, one that is no toml, and one without its device.
fn nothing_there() -> Case {
    let none = EDU.replace("edud", "nobody");
    boot(
        "drivers: files that are wrong",
        &[],
        &[("a", &none), ("b", "program = 1"), ("c", &EDU.replace("11e8", "ffff"))],
        "serve pcid; sleep 3; ls /scheme/pci; cat /scheme/pci/00-03.0/driver; cat /scheme/pci/00-03.0/info; exit",
    )
    .devices(&["-device", "edu,addr=3"])
    .says("pcid: /scheme/initfs/etc/drivers/b.toml: ")
    .says("pcid: 00-03.0: nobody does not start: ")
    .says("00-00.0")
    .says("id 1234:11e8")
}
