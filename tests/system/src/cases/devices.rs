//! Keyboards, pointers and screens: what is done to them from outside is seen inside, and the other way round.

use super::drivers::boot;
use super::programs;
use crate::case::{Case, Door, Firmware, Medium};
use crate::screen::Picture;
use crate::vnc;
use ochre_vm::qemu::Machine;

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut list = input();
    list.extend(screens());
    list
}

const PS2: &str = include_str!("../../../../drivers/ps2d/ps2d.toml");
const VIRTIO_INPUT: &str = include_str!("../../../../drivers/virtio-inputd/virtio-inputd.toml");
const VGA: &str = include_str!("../../../../drivers/vgad/vgad.toml");
const LOADER: &str = include_str!("../../../../drivers/vgad/framebuffer.toml");
const VIRTIO_GPU: &str = include_str!("../../../../drivers/virtio-gpud/virtio-gpud.toml");
/// The key maps.
pub const KEYMAPS: [(&str, &str); 3] = [
    ("us", include_str!("../../../../schemes/input/keymaps/us.toml")),
    ("de", include_str!("../../../../schemes/input/keymaps/de.toml")),
    ("fr", include_str!("../../../../schemes/input/keymaps/fr.toml")),
];

const VIRTIO_VGA: &str = include_str!("../../../../drivers/virtio-gpud/virtio-vga.toml");
/// What all cases have.
pub const DRIVERS: [(&str, &str); 6] = [
    ("virtio-vga", VIRTIO_VGA),
    ("ps2d", PS2),
    ("virtio-inputd", VIRTIO_INPUT),
    ("vgad", VGA),
    ("framebuffer", LOADER),
    ("virtio-gpud", VIRTIO_GPU),
];
const PROGRAMS: [&str; 6] = ["inputd", "ps2d", "virtio-inputd", "vgad", "virtio-gpud", "consume"];

fn machine(name: &str, line: &str) -> Case {
    let case = boot(name, &PROGRAMS, &DRIVERS, line);
    let keymaps = KEYMAPS.iter().map(|(name, text)| super::bytes(&format!("etc/keymaps/{name}.toml"), *text));
    case.files(keymaps).files(programs(["paint"])).seconds(90)
}

/// Waits for what the consumer says of a character.
fn hears(machine: &mut Machine, character: char) -> Result<(), String> {
    machine.wait_for(&format!("Text {{ character: {character:?} }}"))
}

fn keys(machine: &mut Machine, keys: &[&str]) -> Result<(), String> {
    machine.qmp()?.keys(keys)
}

fn input() -> Vec<Case> {
    let line = "serve inputd; serve pcid; sleep 1; consume; exit";
    let ps2 = machine("input: PS/2 keyboard and mouse", line).drive(|machine| {
        machine.wait_for("consume: listening")?;
        type_all(machine)?;
        machine.qmp()?.push(7, -3)?;
        machine.wait_for("Relative { dx: 7, dy: -3 }")?;
        machine.qmp()?.click("left")?;
        machine.wait_for("Buttons { down: 1 }")?;
        machine.wait_for("Buttons { down: 0 }")?;
        machine.qmp()?.click("wheel-up")?;
        machine.wait_for("Scroll { dx: 0, dy: 1 }")?;
        keys(machine, &["esc"])
    });
    // By messages, and by lines that both share.
    let virtio = [("", ""), (" by lines", ",vectors=0")].map(|(by, vectors)| {
        let devices = ["keyboard", "tablet"].map(|kind| format!("virtio-{kind}-pci{vectors}"));
        machine(&format!("input: virtio keyboard and tablet{by}"), line)
            .devices(&["-device", &devices[0], "-device", &devices[1]])
            .cpus(2)
            .drive(|machine| {
                machine.wait_for("consume: listening")?;
                type_all(machine)?;
                machine.qmp()?.point(0x7fff, 0x4000)?;
                machine.wait_for("Absolute { x: 65535, y: 32768 }")?;
                machine.qmp()?.click("right")?;
                machine.wait_for("Buttons { down: 4 }")?;
                machine.qmp()?.click("wheel-down")?;
                machine.wait_for("Scroll { dx: 0, dy: -1 }")?;
                keys(machine, &["esc"])
            })
    });
    let german = "serve inputd de; serve pcid; sleep 1; consume; exit";
    let german = machine("input: the German keyboard", german).drive(|machine| {
        machine.wait_for("consume: listening")?;
        for (pressed, written) in [
            (&["y"][..], 'z'),
            (&["semicolon"], 'ö'),
            (&["alt_r", "e"], '€'),
            (&["shift", "minus"], '?'),
            (&["caps_lock"], ' '),
            (&["a"], 'A'),
        ] {
            keys(machine, pressed)?;
            if written != ' ' {
                hears(machine, written)?;
            }
        }
        // A dead accent, then its letter.
        keys(machine, &["equal"])?;
        keys(machine, &["e"])?;
        hears(machine, 'É')?;
        keys(machine, &["esc"])
    });
    [ps2, german, restarts()].into_iter().chain(virtio).collect()
}

fn type_all(machine: &mut Machine) -> Result<(), String> {
    keys(machine, &["y"])?;
    hears(machine, 'y')?;
    keys(machine, &["shift", "a"])?;
    hears(machine, 'A')?;
    keys(machine, &["kp_7"])?;
    hears(machine, '7')?;
    keys(machine, &["up"])?;
    machine.wait_for("Key { code: 72,")
}

/// `inputd` and a driver are killed in turn while somebody types.
fn restarts() -> Case {
    let line = "serve inputd; serve pcid; serve consume; sleep 4; kill inputd; sleep 4; \
                echo restart > /scheme/pci/ps2/driver; sleep 2; cat /scheme/pci/ps2/driver; sleep 4; exit";
    machine("input: inputd and a driver are killed", line).drive(|machine| {
        for (said, key, character) in [
            ("consume: listening", "a", 'a'),
            ("consume: listening", "b", 'b'),
            ("ps2d running, started 2 times", "c", 'c'),
        ] {
            machine.wait_for(said)?;
            keys(machine, &[key])?;
            hears(machine, character)?;
        }
        Ok(())
    })
}

/// Looks at the screen until it shows what `paint` painted.
fn painted(machine: &mut Machine, size: (usize, usize), flushes: bool) -> Result<(), String> {
    const COLOURS: [[u8; 3]; 4] = [[0xc0, 0x20, 0x20], [0x20, 0xa0, 0x40], [0x30, 0x50, 0xc0], [0xd0, 0xc0, 0x30]];
    let mut wrong = String::new();
    for _ in 0..50 {
        // A picture that is taken while the size changes is none.
        match picture(machine).and_then(|picture| check(&picture, size, COLOURS, flushes)) {
            Ok(()) => return Ok(()),
            Err(error) => wrong = error,
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    Err(wrong)
}

fn check(picture: &Picture, size: (usize, usize), colours: [[u8; 3]; 4], flushes: bool) -> Result<(), String> {
    let (width, height) = size;
    if (picture.width, picture.height) != size {
        return Err(format!("the screen has the size {}x{}", picture.width, picture.height));
    }
    let places = [(3, 3), (width - 3, 3), (3, height - 3), (width - 3, height - 3)];
    let seen = places.map(|(x, y)| picture.pixel(x, y).to_vec());
    let square = picture.pixel(120, 80);
    // A second square was stored and not flushed.
    let unflushed = picture.pixel(220, 80);
    let hidden = unflushed == colours[0];
    if hidden != flushes {
        return Err(format!("what was not flushed is {unflushed:x?}"));
    }
    let right = seen.iter().zip(colours).all(|(seen, colour)| *seen == colour) && square == [0xff; 3];
    if right { Ok(()) } else { Err(format!("the corners are {seen:x?}, the square {square:x?}")) }
}

fn picture(machine: &mut Machine) -> Result<Picture, String> {
    Picture::of(machine.qmp()?)
}

fn screens() -> Vec<Case> {
    let paint = |name: &str, mode: &'static str| {
        let (width, height) = mode.split_once('x').expect("a mode has an x");
        let size = (width.parse().expect("a number"), height.parse().expect("a number"));
        let flushes = name.contains("virtio");
        machine(&format!("screens: {name}"), &format!("serve pcid; sleep 1; paint {mode}; exit"))
            .stays()
            .says(format!("paint: shown {mode}"))
            .drive(move |machine| {
                machine.wait_for("paint: shown")?;
                painted(machine, size, flushes)
            })
    };
    let mut list = vec![
        paint("standard VGA", "1280x720").devices(&["-vga", "std"]),
        paint("standard VGA, a larger mode", "1920x1080").devices(&["-device", "VGA,vgamem_mb=32"]),
        paint("virtio graphics", "1024x768").devices(&["-device", "virtio-gpu-pci"]),
        paint("virtio graphics with VGA, two processors", "1920x1080").devices(&["-device", "virtio-vga"]).cpus(2),
    ];
    list.extend(["-vga std", "-device virtio-gpu-pci,addr=2"].map(driver_dies));
    list.push(preference());
    list.push(window());
    for firmware in [Firmware::Bios, Firmware::Uefi] {
        // Another VGA than the one that is driven: what the loader has set up is all that there is.
        let name = format!("the loader's frame buffer by {firmware:?}");
        let case = machine(&format!("screens: {name}"), "").init("/scheme/initfs/bin/paint -- pcid").stays();
        let case =
            case.door(Door::Iso(firmware, Medium::Cd)).without("etc/drivers/vgad.toml").says("paint: display.loader");
        list.push(case.says("paint: shown").drive(|machine| {
            machine.wait_for("paint: shown ")?;
            look(machine, false)
        }));
    }
    list
}

/// The driver of a screen is killed: what is shown is there again.
fn driver_dies(device: &str) -> Case {
    let flushes = device.contains("virtio");
    let at = if device.contains("std") { "00-01.0" } else { "00-02.0" };
    let line = format!("serve pcid; serve paint; sleep 5; echo restart > /scheme/pci/{at}/driver; sleep 12; exit");
    let arguments: Vec<&str> = device.split(' ').collect();
    machine(&format!("screens: a driver is killed ({device})"), &line).devices(&arguments).drive(move |machine| {
        machine.wait_for("paint: shown")?;
        look(machine, flushes)?;
        machine.wait_for("it is started again")?;
        machine.wait_for("paint: shown")?;
        look(machine, flushes)
    })
}

fn look(machine: &mut Machine, flushes: bool) -> Result<(), String> {
    let picture = picture(machine)?;
    painted(machine, (picture.width, picture.height), flushes)
}

/// Somebody resizes the virtual machine's window: the screen's holder is told, and follows.
fn window() -> Case {
    let socket = std::env::temp_dir().join(format!("ochre-vnc-{}", std::process::id()));
    let listen = format!("unix:{}", socket.display());
    machine("screens: the window is resized", "serve pcid; sleep 1; paint; exit")
        .stays()
        .devices(&["-device", "virtio-gpu-pci", "-vnc", &listen])
        .says("paint: shown 1500x900")
        .drive(move |machine| {
            machine.wait_for("paint: shown")?;
            // QEMU pads lines of pictures whose length in bytes is no multiple of four.
            let _client = vnc::resize(&socket, 1500, 900)?;
            machine.wait_for("paint: shown 1500x900")?;
            painted(machine, (1500, 900), true)
        })
}

/// The device says which size it would like.
fn preference() -> Case {
    let case = machine(
        "screens: the size that the device asks for",
        "serve pcid; sleep 1; cat /scheme/display.00-02.0/info; exit",
    );
    case.devices(&["-device", "virtio-gpu-pci,addr=2,xres=1600,yres=900"])
        .says("mode 1600 900")
        .says("flags flush cursor modes")
        .says("has mode 1920 1080")
}
