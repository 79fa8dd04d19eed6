//! Windows on real devices: a terminal is typed into and read back, windows are dragged, resized, copied from and pasted into;
//! daemons are killed under them; crowds and hostile clients come and go.

use std::time::{Duration, Instant};

use ochre_vm::qemu::Machine;

use super::devices::{DRIVERS, KEYMAPS};
use super::programs::BASE;
use super::{bytes, programs, unit};
use crate::case::{Case, Door, Firmware, Initfs, Medium, Source};
use crate::hand::{Hand, Pointer, complain, look};
use crate::screen::{Frame, Picture};

/// All of them.
pub fn cases() -> Vec<Case> {
    vec![
        desktop("virtio graphics and input", "target=desktop")
            .devices(&["-device", "virtio-gpu-pci,addr=2,xres=1600,yres=900"])
            .devices(&["-device", "virtio-keyboard-pci", "-device", "virtio-tablet-pci"])
            .drive(|machine| tour(machine, Pointer::Absolute)),
        desktop("standard VGA, PS/2 keyboard and mouse", "target=desktop")
            .devices(&["-device", "VGA,addr=2,xres=1600,yres=900"])
            .drive(|machine| tour(machine, Pointer::Relative)),
        desktop("the boot loader's frame buffer", "target=desktop graphics=loader")
            .door(Door::Iso(Firmware::Bios, Medium::Cd))
            .drive(|machine| {
                // Firmware and loader take their time.
                machine.wait_for("started by Multiboot2")?;
                let mut hand = Hand::new(machine, Pointer::Relative)?;
                let window = terminal(&mut hand)?;
                types(&mut hand, &window, "loader")
            }),
    ]
}

const PROGRAMS: [&str; 13] = [
    "pcid",
    "ps2d",
    "virtio-inputd",
    "vgad",
    "virtio-gpud",
    "inputd",
    "orbital-keeper",
    "orbitald",
    "service",
    "console",
    "session",
    "terminal",
    "crowd",
];
const UNITS: [(&str, &str); 4] = [
    ("pcid", include_str!("../../../../userspace/init/units/pcid.toml")),
    ("inputd", include_str!("../../../../userspace/init/units/inputd.toml")),
    ("orbital-keeper", include_str!("../../../../userspace/init/units/orbital-keeper.toml")),
    ("orbitald", include_str!("../../../../userspace/init/units/orbitald.toml")),
];
/// There is no menu in these boots: init starts the terminal.
const TERMINAL: &str = "description = 'A terminal'\nprogram = '/scheme/initfs/bin/terminal'\nready = 'started'\n\
    after = ['orbitald', 'ptyd']\nrestart = 'never'\ntargets = ['desktop']";
const FONT: &str = "/usr/share/fonts/truetype/jetbrains-mono/JetBrainsMono-Regular.ttf";

fn desktop(name: &str, options: &str) -> Case {
    desktop_with(&format!("windows: {name}"), options, "terminal", TERMINAL)
}

/// The display server and all that it needs, and one program that init starts by a unit.
pub fn desktop_with(name: &str, options: &str, program: &str, text: &str) -> Case {
    let more = (!PROGRAMS.contains(&program)).then_some(program);
    let mut files: Vec<(String, Source)> = programs(BASE.into_iter().chain(PROGRAMS).chain(more));
    files.extend(DRIVERS.iter().map(|(name, text)| bytes(&format!("etc/drivers/{name}.toml"), *text)));
    files.extend(KEYMAPS.iter().map(|(name, text)| bytes(&format!("etc/keymaps/{name}.toml"), *text)));
    files.extend(UNITS.iter().map(|(name, text)| unit(name, text)));
    files.push(unit(program, text));
    // Without it the terminal says on the console which font it misses.
    files.push(bytes("fonts/JetBrainsMono-Regular.ttf", std::fs::read(FONT).unwrap_or_default()));
    Case::new(name).initfs(Initfs::Files(files)).append(options).cpus(2).seconds(400).stays()
}

/// Where the screen's driver is told to begin anew.
const DRIVER: &str = "/scheme/pci/00-02.0/driver";
/// Paper of a terminal in the light theme.
const PAPER: [u8; 3] = [0xfb, 0xf8, 0xf2];
/// Pixels around a terminal's cells, and how many of those there are.
const MARGIN: usize = 8;
const COLUMNS: usize = 80;
const ROWS: usize = 24;
/// What a tablet says is rounded: so many pixels away is there.
const NEAR: usize = 2;
/// Pixels that a shadow reaches.
const SHADOW: usize = 40;
/// A daemon that is killed is back, and what it serves, within this time by the guest; the host may be busy with other things.
const BACK: Duration = Duration::from_secs(20);

/// Waits for the terminal's window and its first prompt.
fn terminal(hand: &mut Hand<'_>) -> Result<Frame, String> {
    let window = look(hand.machine, "no terminal is seen", |picture| {
        picture.frame(PAPER, None).filter(|frame| frame.width > 600 && frame.height > 400)
    })?;
    look(hand.machine, "the terminal stays empty", |picture| picture.ink(&window, PAPER).gt(&100).then_some(()))?;
    Ok(window)
}

/// Types a line that the kernel's console shows; the window shows it as well.
fn types(hand: &mut Hand<'_>, window: &Frame, word: &str) -> Result<(), String> {
    let before = hand.picture()?.ink(window, PAPER);
    says(hand, word)?;
    look(hand.machine, "what was typed is not seen", |picture| (picture.ink(window, PAPER) != before).then_some(()))
}

/// Types a line that the kernel's console shows.
fn says(hand: &mut Hand<'_>, word: &str) -> Result<(), String> {
    hand.type_in(&format!("echo said-{word} > /scheme/debug\n"))?;
    hand.hears(&format!("said-{word}"))
}

/// All of it.
fn tour(machine: &mut Machine, pointer: Pointer) -> Result<(), String> {
    let mut hand = Hand::new(machine, pointer)?;
    let window = terminal(&mut hand)?;
    types(&mut hand, &window, "first")?;
    let window = dragged(&mut hand, window)?;
    let other = copied(&mut hand, &window)?;
    let resized = resized(&mut hand, &other)?;
    killed(&mut hand, &window, &resized)?;
    crowds(&mut hand, &window)
}

/// By its title bar to where another window has room beside it.
fn dragged(hand: &mut Hand<'_>, window: Frame) -> Result<Frame, String> {
    let title = (window.x + window.width / 3, window.y - 16);
    let (x, y) = (60, 200);
    hand.drag(title, (x + window.width / 3, y - 16))?;
    look(hand.machine, "the window is not where it was dragged", |picture| {
        let frame = picture.frame(PAPER, None)?;
        let near = frame.x.abs_diff(x) <= NEAR && frame.y.abs_diff(y) <= NEAR;
        (near && (frame.width, frame.height) == (window.width, window.height)).then_some(frame)
    })
}

/// A word from one window to another one: selected by drawing over it, copied and pasted by keys, and by the middle button.
fn copied(hand: &mut Hand<'_>, window: &Frame) -> Result<Frame, String> {
    hand.type_in("terminal\n")?;
    let other = look(hand.machine, "there is no second window", |picture| {
        picture.frame(PAPER, Some(window)).filter(|frame| frame.width > 100 && frame.height > 400)
    })?;
    // The third row: a prompt, `echo`, and the word from its first character's left half to its last one's right half.
    let cell = ((window.width - 2 * MARGIN) / COLUMNS, (window.height - 2 * MARGIN) / ROWS);
    let y = window.y + MARGIN + 2 * cell.1 + cell.1 / 2;
    let x = |column: usize| window.x + MARGIN + column * cell.0;
    hand.drag((x(7) + 2, y), (x(7 + "said-first".len()) - 2, y))?;
    hand.keys(&["ctrl", "shift", "c"])?;
    let inside = (other.x + other.width - 20, other.y + other.height - 20);
    hand.click(inside, "left")?;
    hand.type_in("echo pasted-")?;
    hand.keys(&["ctrl", "shift", "v"])?;
    hand.type_in("-and-")?;
    hand.click(inside, "middle")?;
    hand.type_in(" > /scheme/debug\n")?;
    hand.hears("pasted-said-first-and-said-first")?;
    Ok(other)
}

/// By its lower right corner.
fn resized(hand: &mut Hand<'_>, window: &Frame) -> Result<Frame, String> {
    let corner = (window.x + window.width + 2, window.y + window.height + 2);
    hand.drag(corner, (corner.0 - 90, corner.1 + 40))?;
    // A cursor that is part of the picture is out of the way.
    hand.point((20, 20))?;
    let (width, height) = (window.width - 90, window.height + 40);
    look(hand.machine, "the window is not resized", |picture| {
        let sizes = (width - NEAR..=width + NEAR).flat_map(|w| (height - NEAR..=height + NEAR).map(move |h| (w, h)));
        let mut frames = sizes.map(|(width, height)| Frame { width, height, ..*window });
        frames.find(|frame| picture.is_framed(frame, PAPER))
    })
}

/// Each daemon behind the desktop in turn. What the windows show is there again, and so are keyboard and screen.
fn killed(hand: &mut Hand<'_>, window: &Frame, other: &Frame) -> Result<(), String> {
    says(hand, "before")?;
    // What is seen of the first one beside the second and its shadow.
    let seen = Frame { width: other.x.saturating_sub(window.x + SHADOW), ..*window };
    for (name, kill) in [
        ("orbitald", "service kill orbitald\n".into()),
        ("inputd", "service kill inputd\n".into()),
        ("driver", format!("echo restart > {DRIVER}\n")),
        ("ptyd", "service kill ptyd\n".into()),
    ] {
        let before = hand.picture()?.part(&seen);
        hand.type_in(&kill)?;
        if name != "driver" {
            hand.hears(&format!("init: {name}: killed; it is started again"))?;
        }
        let since = Instant::now();
        // Keys that are pressed while there is nobody to hear them are lost: a first line finds out.
        let word = format!("after-{name}");
        loop {
            hand.type_in(&format!("\necho said-{word} > /scheme/debug\n"))?;
            if hand.machine.wait_at_most_for(&format!("said-{word}"), Duration::from_secs(3)) {
                break;
            }
            if since.elapsed() > BACK {
                return Err(complain(hand.machine, &format!("{name} does not come back")));
            }
        }
        // A terminal whose daemon has died says so, beside what it showed.
        if name != "ptyd" {
            look(hand.machine, &format!("{name} took a window's contents along"), |picture| {
                (picture.part(&seen) == before).then_some(())
            })?;
        }
        look(hand.machine, &format!("{name} took a window along"), |picture| {
            picture.is_framed(other, PAPER).then_some(())
        })?;
    }
    Ok(())
}

/// Crowds of windows, of terminals, and a client that does not behave.
fn crowds(hand: &mut Hand<'_>, window: &Frame) -> Result<(), String> {
    for what in ["windows", "terminals", "hostile"] {
        hand.type_in(&format!("crowd {what}\n"))?;
        hand.hears("crowd: ")?;
        hand.hears(&format!("{what}: all is well"))?;
        let word = format!("after-{what}");
        says(hand, &word)?;
    }
    look(hand.machine, "the first window is gone", |picture: &Picture| (picture.ink(window, PAPER) > 100).then_some(()))
}
