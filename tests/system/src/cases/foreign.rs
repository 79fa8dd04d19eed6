//! Programs with windows that nobody here wrote, unmodified: `winit` 0.31 with `softbuffer`, and `orbclient`. They are looked at, typed into,
//! resized and closed. Building them takes minutes, so these cases are run by `make test-crates`.

use super::windows::desktop_with;
use crate::case::Case;
use crate::hand::{Hand, Pointer, look};

/// All of them.
pub fn cases() -> Vec<Case> {
    vec![
        window("winit-window").drive(|machine| {
            let mut hand = Hand::new(machine, Pointer::Absolute)?;
            // The example fills its window with this, and winit's windows have this size here when nothing else is said.
            let paper = [0x18; 3];
            let frame = look(hand.machine, "there is no window of 1024 x 768", |picture| {
                picture.frame(paper, None).filter(|frame| (frame.width, frame.height) == (1024, 768))
            })?;
            hand.click((frame.x + 512, frame.y + 384), "left")?;
            hand.hears("PointerButton")?;
            hand.type_in("w")?;
            hand.hears("KeyboardInput")?;
            let corner = (frame.x + frame.width + 2, frame.y + frame.height + 2);
            hand.drag(corner, (corner.0 + 60, corner.1 - 80))?;
            hand.hears("SurfaceResized")?;
            look(hand.machine, "the window is not resized", |picture| {
                let now = picture.frame(paper, None)?;
                (now.width.abs_diff(1084) <= 2 && now.height.abs_diff(688) <= 2).then_some(())
            })?;
            hand.keys(&["alt", "f4"])?;
            hand.hears("Close was requested")?;
            look(hand.machine, "the window stays", |picture| picture.frame(paper, None).is_none().then_some(()))
        }),
        window("orbclient-simple").drive(|machine| {
            let mut hand = Hand::new(machine, Pointer::Absolute)?;
            // A rectangle that the example draws over its pictures, at 300, 220.
            let grey = [100; 3];
            let place = look(hand.machine, "the grey rectangle is not there", |picture| {
                picture.frame(grey, None).filter(|frame| frame.width > 40 && frame.height > 30)
            })?;
            hand.point((place.x + place.width - 8, place.y + place.height - 8))?;
            hand.hears("pixel color is")?;
            hand.type_in("o")?;
            hand.hears("TextInput")?;
            hand.keys(&["alt", "f4"])?;
            look(hand.machine, "the window stays", |picture| picture.frame(grey, None).is_none().then_some(()))
        }),
    ]
}

/// A desktop with nothing but this program.
fn window(program: &str) -> Case {
    let unit = format!(
        "description = 'A program of others'\nprogram = '/scheme/initfs/bin/{program}'\nready = 'started'\n\
         after = ['orbitald']\nrestart = 'never'\ntargets = ['desktop']"
    );
    desktop_with(&format!("windows of others: {program}"), "target=desktop", program, &unit)
        .devices(&["-device", "virtio-gpu-pci,addr=2,xres=1600,yres=900"])
        .devices(&["-device", "virtio-keyboard-pci", "-device", "virtio-tablet-pci"])
}
