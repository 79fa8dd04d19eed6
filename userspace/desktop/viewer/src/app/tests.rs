//! The whole viewer with real files, pressed like one with a window.

use std::fs;

use image::{ExtendedColorType, ImageEncoder};
use ochre_ui::core::keyboard::key::Named;
use ochre_ui::{Harness, Theme};

use super::*;

struct Album(PathBuf);

impl Album {
    /// Three pictures and a file that claims to be one.
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ochre-viewer-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let album = Self(folder);
        album.picture("1.png", 1000, 500, [200, 30, 30]);
        album.picture("2.png", 100, 50, [30, 200, 30]);
        album.picture("10.png", 50, 400, [30, 30, 200]);
        fs::write(album.0.join("11.jpg"), b"nothing of that kind").unwrap();
        album
    }

    fn picture(&self, name: &str, width: u32, height: u32, colour: [u8; 3]) {
        let mut file = Vec::new();
        let pixels = colour.repeat((width * height) as usize);
        let encoder = image::codecs::png::PngEncoder::new(&mut file);
        encoder.write_image(&pixels, width, height, ExtendedColorType::Rgb8).unwrap();
        fs::write(self.0.join(name), file).unwrap();
    }

    fn open(&self, name: &str, scale: f32) -> Harness<Viewer> {
        let mut viewer = Harness::new(Size::new(600.0, 300.0), scale, Theme::Light, start(&self.0.join(name)));
        settle(&mut viewer);
        viewer
    }
}

impl Drop for Album {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Until the picture is there: a busy machine may take longer than it looks quiet.
fn settle(viewer: &mut Harness<Viewer>) {
    for _ in 0..60 {
        viewer.settle();
        if !matches!(viewer.app().state, State::Loading) {
            return;
        }
    }
}

fn name(viewer: &Harness<Viewer>) -> String {
    viewer.app().path().unwrap().file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn pictures_are_shown_at_every_scale_of_the_screen() {
    let album = Album::new("scale");
    for scale in [1.0, 2.0, 3.0] {
        let viewer = album.open("2.png", scale);
        let (size, picture) = (viewer.picture_size(), viewer.picture());
        let pixel = |x: u32, y: u32| -> [u8; 3] {
            let at = (y * size.width + x) as usize * 4;
            picture[at..at + 3].try_into().unwrap()
        };
        assert_eq!(viewer.app().camera().unwrap().scale(), 1.0);
        // The middle of the stage, which lies between tool bar and status line.
        let middle = (size.width / 2, ((44.0 + (300.0 - 44.0 - 28.0) / 2.0) * scale) as u32);
        assert_eq!(pixel(middle.0, middle.1), [30, 200, 30]);
        // One pixel of the screen for one of the picture: 100 of them, and not one more.
        let row: Vec<[u8; 3]> = (0..size.width).map(|x| pixel(x, middle.1)).collect();
        assert_eq!(row.iter().filter(|pixel| **pixel == [30, 200, 30]).count(), 100, "at {scale}");
        assert_eq!(row[3], [0x1c, 0x1a, 0x19]);
    }
}

#[test]
fn the_folder_is_gone_through() {
    let album = Album::new("turn");
    let mut viewer = album.open("1.png", 1.0);
    let mut seen = Vec::new();
    for _ in 0..4 {
        viewer.press(Named::Space);
        settle(&mut viewer);
        seen.push(name(&viewer));
    }
    assert_eq!(seen, ["2.png", "10.png", "11.jpg", "1.png"]);
    viewer.press(Named::PageUp);
    settle(&mut viewer);
    assert_eq!(viewer.app().error(), Some("it is neither PNG nor JPEG"));
    viewer.press(Named::ArrowLeft);
    settle(&mut viewer);
    assert_eq!(name(&viewer), "10.png");
}

#[test]
fn wheel_keys_and_hand_move_the_camera() {
    let album = Album::new("move");
    let mut viewer = album.open("1.png", 1.0);
    assert_eq!(viewer.app().camera().unwrap().scale(), 228.0 / 500.0);
    viewer.point(300.0, 150.0);
    viewer.scroll(1.0);
    assert_eq!(viewer.app().camera().unwrap().scale(), 0.5);
    viewer.text("1");
    let before = viewer.app().camera().unwrap().place();
    viewer.press(Named::ArrowRight);
    assert_eq!(viewer.app().camera().unwrap().place().x, before.x - STEP);
    assert_eq!(name(&viewer), "1.png");
    viewer.events([Event::Mouse(ochre_ui::mouse::Event::ButtonPressed(ochre_ui::mouse::Button::Left))]);
    viewer.point(310.0, 165.0);
    viewer.events([Event::Mouse(ochre_ui::mouse::Event::ButtonReleased(ochre_ui::mouse::Button::Left))]);
    viewer.point(400.0, 250.0);
    let after = viewer.app().camera().unwrap().place();
    assert_eq!((after.x, after.y), (before.x - STEP + 10.0, before.y + 15.0));
    viewer.text("r0");
    let camera = viewer.app().camera().unwrap();
    assert!(camera.is_fit() && camera.turn().is_sideways());
    assert_eq!(camera.laid(), (500.0, 1000.0));
}

#[test]
fn escape_leaves_the_whole_screen_first() {
    let album = Album::new("full");
    let mut viewer = album.open("2.png", 1.0);
    viewer.press(Named::F11);
    viewer.press(Named::Escape);
    assert!(!viewer.ended());
    viewer.press(Named::Escape);
    assert!(viewer.ended());
}

#[test]
fn folders_and_nothing_can_be_opened() {
    let album = Album::new("folder");
    assert_eq!(name(&album.open("", 1.0)), "1.png");
    fs::create_dir(album.0.join("empty")).unwrap();
    let mut viewer = album.open("empty", 1.0);
    viewer.press(Named::Space);
    viewer.text("+r1");
    assert_eq!(viewer.app().path(), None);
    assert_eq!(album.open("missing.png", 1.0).app().error(), Some("it is not there"));
}
