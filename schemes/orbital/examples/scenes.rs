//! Pictures of the desktop, to be looked at: `cargo run -p orbital --example scenes -- FOLDER`.
//!
//! Each is made by the real keeper, desk and painter from the messages of clients that draw something simple.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use orbclient::{Color, K_ALT, K_TAB, Renderer};
use orbital::display::{Display, Link};
use orbital::paint::fonts;
use orbital::paint::text::Text;
use orbital::protocol::Flags;
use orbital::screen::{Input, MemoryScreen, write_png};
use orbital::theme::Themes;
use orbital::wire::{Notice, Order, Told, WindowId};

/// A keeper of pictures that are made beforehand.
#[derive(Default)]
struct Album(BTreeMap<WindowId, Vec<u32>>);

impl Link for Album {
    type Picture = Vec<u32>;

    fn say(&mut self, _orders: &[Order]) {}

    fn map(&mut self, id: WindowId, _generation: u32, _size: (i32, i32)) -> Option<Vec<u32>> {
        self.0.get(&id).cloned()
    }
}

type Stage = Display<Album, MemoryScreen>;

fn stage(w: i32, h: i32, theme: &str, scale: i32) -> Stage {
    let themes = Themes::built_in().expect("the built-in theme is good");
    let mut stage = Display::new(Album::default(), MemoryScreen::new(w, h), themes, Text::new(fonts::load()));
    let settings = [("theme", theme), ("scale", if scale == 2 { "2" } else { "1" })];
    let settings = settings.map(|(key, value)| Notice::Setting(key.into(), value.into()));
    stage.notices(vec![Notice::Memory(vec![]), Notice::Complete], 0);
    stage.notices(settings.to_vec(), 0);
    stage
}

/// A client's picture: a page with lines that stand for text, a list beside it.
struct Page {
    w: u32,
    h: u32,
    data: Vec<Color>,
    mode: core::cell::Cell<orbclient::Mode>,
}

impl Renderer for Page {
    fn width(&self) -> u32 {
        self.w
    }

    fn height(&self) -> u32 {
        self.h
    }

    fn data(&self) -> &[Color] {
        &self.data
    }

    fn data_mut(&mut self) -> &mut [Color] {
        &mut self.data
    }

    fn sync(&mut self) -> bool {
        true
    }

    fn update(&mut self) -> bool {
        true
    }

    fn update_rects(&mut self, _rects: &[(i32, i32, u32, u32)]) -> bool {
        true
    }

    fn mode(&self) -> &core::cell::Cell<orbclient::Mode> {
        &self.mode
    }
}

fn page(w: u32, h: u32, dark: bool, s: u32, kind: u32) -> Vec<u32> {
    let (ground, side, ink, mark) = match dark {
        false => {
            (Color::rgb(255, 255, 255), Color::rgb(246, 241, 236), Color::rgb(214, 204, 194), Color::rgb(200, 120, 72))
        }
        true => (Color::rgb(31, 28, 26), Color::rgb(38, 34, 31), Color::rgb(74, 67, 61), Color::rgb(217, 129, 74)),
    };
    let mut page =
        Page { w, h, data: vec![ground; (w * h) as usize], mode: core::cell::Cell::new(orbclient::Mode::Blend) };
    let list = if kind == 0 { 150 * s } else { 0 };
    page.rect(0, 0, list, h, side);
    for row in 0..(h / (26 * s)).saturating_sub(1) {
        let y = (14 * s + row * 26 * s) as i32;
        if list > 0 && row < 8 {
            page.rounded_rect((16 * s) as i32, y, 16 * s, 12 * s, 3 * s, true, if row == 2 { mark } else { ink });
            page.rounded_rect((42 * s) as i32, y + 2 * s as i32, (50 + row * 37 % 45) * s, 8 * s, 4 * s, true, ink);
        }
        let length = (w - list).saturating_sub(60 * s) * (55 + row * 61 % 45) / 100;
        page.rounded_rect(
            (list + 24 * s) as i32,
            y,
            length,
            10 * s,
            5 * s,
            true,
            if row % 7 == 3 { mark } else { ink },
        );
    }
    page.data.iter().map(|colour| colour.data).collect()
}

fn window(stage: &mut Stage, id: WindowId, (x, y): (i32, i32), (w, h): (u32, u32), title: &str, picture: Vec<u32>) {
    flagged(stage, id, (x, y), (w, h), title, picture, "r");
}

fn flagged(
    stage: &mut Stage,
    id: WindowId,
    position: (i32, i32),
    size: (u32, u32),
    title: &str,
    picture: Vec<u32>,
    flags: &str,
) {
    stage.link.0.insert(id, picture);
    let told = Told {
        id,
        flags: Flags::from_letters(flags),
        title: title.into(),
        size,
        generation: 1,
        cursor: true,
        grab: false,
        relative: false,
        position: Some(position),
        maximize: None,
        fullscreen: None,
    };
    stage.notices(vec![Notice::Window(told)], 0);
}

fn three(stage: &mut Stage, dark: bool, s: i32) {
    let u = s as u32;
    let place = |x: i32, y: i32| (x * s, y * s);
    window(stage, 1, place(70, 90), (520 * u, 360 * u), "Documents", page(520 * u, 360 * u, dark, u, 0));
    window(
        stage,
        2,
        place(560, 150),
        (480 * u, 420 * u),
        "Notes: what a display server is for",
        page(480 * u, 420 * u, dark, u, 1),
    );
    window(stage, 3, place(260, 300), (560 * u, 360 * u), "Terminal", page(560 * u, 360 * u, dark, u, 1));
}

fn save(stage: &mut Stage, folder: &Path, name: &str) {
    let due = stage.due(0).unwrap_or(0);
    stage.frame(due);
    assert!(&stage.repainted() == stage.canvas(), "{name}: the picture is not what it should be");
    let file = File::create(folder.join(format!("{name}.png"))).expect("the folder is there");
    write_png(stage.canvas(), BufWriter::new(file)).expect("the picture can be written");
}

fn point(stage: &mut Stage, x: i32, y: i32) {
    let (w, h) = (stage.canvas().bounds().w, stage.canvas().bounds().h);
    stage.input(Input::at_pixel(x, y, (w, h)), 0);
}

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| String::from("."));
    let folder = Path::new(&folder);
    for (dark, theme) in [(false, "light"), (true, "dark")] {
        let mut stage = stage(1280, 800, theme, 1);
        three(&mut stage, dark, 1);
        point(&mut stage, 801, 283);
        save(&mut stage, folder, &format!("three-{theme}"));
        let key = |scancode| Input::Key { scancode, pressed: true, character: '\0' };
        stage.input(key(K_ALT), 0);
        stage.input(key(K_TAB), 0);
        save(&mut stage, folder, &format!("switcher-{theme}"));
    }
    let mut large = stage(2560, 1600, "light", 2);
    three(&mut large, false, 2);
    point(&mut large, 525 * 2, 131 * 2);
    save(&mut large, folder, "three-2x");

    let mut snap = stage(1280, 800, "light", 1);
    three(&mut snap, false, 1);
    point(&mut snap, 500, 283);
    snap.input(Input::Buttons([true, false, false]), 0);
    point(&mut snap, 2, 300);
    save(&mut snap, folder, "snap");

    let mut glass = stage(1280, 800, "dark", 1);
    three(&mut glass, true, 1);
    let veil = vec![0x80d9_814a; 300 * 200];
    flagged(&mut glass, 4, (700, 480), (300, 200), "Transparent", veil.clone(), "t");
    flagged(&mut glass, 5, (100, 540), (300, 200), "Borderless", veil, "tl");
    save(&mut glass, folder, "glass");
}
