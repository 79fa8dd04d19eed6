//! The desktop as a person gets it: by every door, firmware and kind of medium, and with every kind of screen. 512 MiB of memory are
//! enough.

use std::time::Duration;

use ochre_vm::qemu::Machine;

use crate::case::{Case, Door, Firmware, Initfs, Medium};
use crate::screen::Picture;

/// The light theme's sky, from the upper edge to the lower (`schemes/orbital/theme.toml`).
const BACKGROUND: [[u8; 3]; 2] = [[0xf1, 0xe9, 0xde], [0xf7, 0xd7, 0xab]];
/// How far a colour may be from what was computed here.
const NEAR: i32 = 3;
/// The menu's second entry, which the serial line shows too.
const MENU: &str = "Ochre, text console";

/// All of them.
pub fn cases() -> Vec<Case> {
    let by_medium = |firmware, medium| Door::Iso(firmware, medium);
    vec![
        desktop("by PVH with virtio graphics").devices(&["-device", "virtio-vga"]).drive(is_there),
        desktop("from a CD by BIOS, standard VGA")
            .door(by_medium(Firmware::Bios, Medium::Cd))
            .drive(|machine| choose(machine, 0).and_then(|()| is_there(machine))),
        desktop("from a disk by UEFI, safe graphics: what the loader has set, one processor")
            .door(by_medium(Firmware::Uefi, Medium::Disk))
            .drive(|machine| choose(machine, 2).and_then(|()| is_there(machine)))
            .says("1 processors, "),
    ]
}

fn desktop(name: &str) -> Case {
    let case = Case::new(format!("desktop: {name}")).initfs(Initfs::Desktop).append("target=desktop quiet");
    case.memory(512).cpus(2).seconds(240).stays()
}

/// Starts an entry of the boot menu.
fn choose(machine: &mut Machine, entry: usize) -> Result<(), String> {
    machine.wait_for(MENU)?;
    (0..entry).try_for_each(|_| machine.qmp()?.keys(&["down"]))?;
    machine.qmp()?.keys(&["ret"])
}

/// Waits until the screen shows the desktop.
fn is_there(machine: &mut Machine) -> Result<(), String> {
    loop {
        // A picture that is taken while the size changes is none.
        let wrong = match Picture::of(machine.qmp()?).and_then(|picture| check(&picture)) {
            Ok(()) => return Ok(()),
            Err(wrong) => wrong,
        };
        if machine.left() < Duration::from_secs(10) {
            return Err(wrong);
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// The sky at both sides, hills that hide it below, and the panel along the lower edge.
fn check(picture: &Picture) -> Result<(), String> {
    let (width, height) = (picture.width, picture.height);
    if width < 640 || height < 480 {
        return Err(format!("the screen has {width}x{height} pixels"));
    }
    let (panel, row) = (picture.pixel(width / 2, height - 8), background(height - 8, height));
    if panel.iter().zip(row).all(|(seen, row)| (i32::from(*seen) - row).abs() <= NEAR) {
        return Err("there is no panel".into());
    }
    let sides = [width / 50, width * 49 / 50];
    let sky = (height / 20..height * 9 / 20).step_by(height / 20).map(|y| (y, true));
    let hills = (height * 14 / 20..height * 9 / 10).step_by(height / 20).map(|y| (y, false));
    for (y, is_sky) in sky.chain(hills) {
        for x in sides {
            let (seen, wanted) = (picture.pixel(x, y), background(y, height));
            let near = seen.iter().zip(wanted).all(|(seen, wanted)| (i32::from(*seen) - wanted).abs() <= NEAR);
            // What is not the sky's must be a hill's, from light to dark ochre: more red than green than blue, and never black.
            let ochre = seen[0] > 0x70 && seen[0] > seen[1] && seen[1] > seen[2];
            if near != is_sky || !ochre {
                return Err(format!("at {x},{y} there is {seen:02x?}; the sky would be {wanted:02x?}"));
            }
        }
    }
    Ok(())
}

/// The sky's colour in a row.
fn background(y: usize, height: usize) -> [i32; 3] {
    let [upper, lower] = BACKGROUND;
    let mix = |channel: usize| {
        let (upper, lower) = (i32::from(upper[channel]), i32::from(lower[channel]));
        upper + (lower - upper) * y as i32 / (height as i32 - 1)
    };
    [mix(0), mix(1), mix(2)]
}
