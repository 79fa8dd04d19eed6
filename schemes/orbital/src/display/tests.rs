//! The display server with clients that do anything, and a screen in memory: what is painted piece by piece must be what is painted at
//! once, and no more may be painted than changed.

use orbclient::{EVENT_RESIZE, K_ALT, K_DOWN, K_ESC, K_LEFT, K_LEFT_SUPER, K_RIGHT, K_TAB, K_UP};

use super::*;
use crate::protocol::{DragRequest, Edges, Flags};
use crate::random::Random;
use crate::screen::MemoryScreen;
use crate::wire::Told;

/// A keeper that notes what it is told, and has pictures.
#[derive(Default)]
struct Fake {
    pictures: BTreeMap<WindowId, (u32, Vec<u32>)>,
    said: Vec<Order>,
}

impl Link for Fake {
    type Picture = Vec<u32>;

    fn say(&mut self, orders: &[Order]) {
        self.said.extend_from_slice(orders);
    }

    fn map(&mut self, id: WindowId, generation: u32, _size: (i32, i32)) -> Option<Vec<u32>> {
        self.pictures.get(&id).filter(|(known, _)| *known == generation).map(|(_, pixels)| pixels.clone())
    }
}

type Server = Display<Fake, MemoryScreen>;

struct World {
    server: Server,
    told: BTreeMap<WindowId, Told>,
    memory: Vec<u8>,
    now: u64,
    next: WindowId,
    random: Random,
}

fn server(link: Fake, w: i32, h: i32) -> Server {
    Display::new(link, MemoryScreen::new(w, h), Themes::built_in().unwrap(), Text::new(crate::paint::fonts::load()))
}

impl World {
    fn new(seed: u64, w: i32, h: i32) -> Self {
        let mut world = Self {
            server: server(Fake::default(), w, h),
            told: BTreeMap::new(),
            memory: Vec::new(),
            now: 0,
            next: 1,
            random: Random::new(seed),
        };
        world.greet();
        world
    }

    fn greet(&mut self) {
        let mut notices = vec![Notice::Memory(self.memory.clone())];
        notices.extend(self.told.values().cloned().map(Notice::Window));
        notices.push(Notice::Complete);
        self.server.notices(notices, self.now);
    }

    /// The server dies; another one comes.
    fn restart(&mut self) {
        let (w, h) = self.server.screen.size();
        let link = core::mem::take(&mut self.server.link);
        self.server = server(link, w, h);
        self.greet();
    }

    fn open(&mut self, flags: &str, position: (i32, i32), size: (u32, u32)) -> WindowId {
        let id = self.next;
        self.next += 1;
        let told = Told {
            id,
            flags: Flags::from_letters(flags),
            title: format!("Window {id}"),
            size,
            generation: 0,
            cursor: true,
            grab: false,
            relative: false,
            position: Some(position),
            maximize: None,
            fullscreen: None,
        };
        self.told.insert(id, told);
        self.picture(id);
        self.tell(id);
        id
    }

    /// Another picture for a window.
    fn picture(&mut self, id: WindowId) {
        let Some(told) = self.told.get(&id) else { return };
        let colour = self.random.number() as u32;
        let count = (told.size.0 * told.size.1) as usize;
        let pixels = (0..count as u32).map(|at| colour ^ at.wrapping_mul(0x0101_0041)).collect();
        self.server.link.pictures.insert(id, (told.generation, pixels));
    }

    fn tell(&mut self, id: WindowId) {
        let Some(told) = self.told.get_mut(&id) else { return };
        let notice = Notice::Window(told.clone());
        (told.maximize, told.fullscreen) = (None, None);
        self.server.notices(vec![notice], self.now);
    }

    fn resize(&mut self, id: WindowId, size: (u32, u32)) {
        let Some(told) = self.told.get_mut(&id) else { return };
        told.size = size;
        told.generation += 1;
        told.position = None;
        self.picture(id);
        self.tell(id);
    }

    /// Changes some pixels and says so.
    fn draw(&mut self, id: WindowId, rect: Rect) {
        let Some(told) = self.told.get(&id) else { return };
        let whole = Rect::new(0, 0, told.size.0 as i32, told.size.1 as i32);
        let part = rect.intersection(&whole);
        let colour = self.random.number() as u32;
        let pictures =
            [self.server.gallery.0.get_mut(&id), self.server.link.pictures.get_mut(&id).map(|(_, pixels)| pixels)];
        for pixels in pictures.into_iter().flatten() {
            for y in part.y..part.bottom() {
                let start = (y * whole.w + part.x) as usize;
                pixels[start..start + part.w as usize].fill(colour);
            }
        }
        self.server.notices(vec![Notice::Damage(id, vec![part])], self.now);
    }

    fn close(&mut self, id: WindowId) {
        self.told.remove(&id);
        self.server.link.pictures.remove(&id);
        self.server.notices(vec![Notice::Closed(id)], self.now);
    }

    /// What the server has said: clients obey, mostly.
    fn obey(&mut self) {
        for order in core::mem::take(&mut self.server.link.said) {
            match order {
                Order::Memory(memory) => self.memory = memory,
                Order::Place(id, x, y) => {
                    if let Some(told) = self.told.get_mut(&id) {
                        told.position = Some((x, y));
                    }
                }
                Order::Event(id, [EVENT_RESIZE, w, h]) if self.random.below(4) != 0 => {
                    assert!(w > 0 && h > 0);
                    self.resize(id, (w.min(3000) as u32, h.min(3000) as u32));
                }
                _ => {}
            }
        }
    }

    fn key(&mut self, scancode: u8, pressed: bool) {
        self.server.input(Input::Key { scancode, pressed, character: '\0' }, self.now);
    }

    fn some_window(&mut self) -> Option<WindowId> {
        let count = self.told.len() as u64;
        (count > 0).then(|| self.random.below(count)).and_then(|index| self.told.keys().nth(index as usize).copied())
    }

    fn check(&mut self, what: &str) {
        self.now += INTERVAL;
        self.server.frame(self.now);
        assert!(
            !self.server.desk.is_damaged() && self.server.due(self.now).is_none(),
            "{what}: something is left to be painted"
        );
        let whole = self.server.repainted();
        assert!(
            self.server.canvas() == &whole,
            "{what}: the picture is not what it should be: {:?}",
            self.difference(&whole)
        );
        assert!(self.server.screen.canvas == whole, "{what}: the screen shows something else");
    }

    fn difference(&self, whole: &Canvas) -> Option<(i32, i32)> {
        let width = whole.bounds().w;
        let at = whole.pixels().iter().zip(self.server.canvas().pixels()).position(|(one, other)| one != other)?;
        Some((at as i32 % width, at as i32 / width))
    }

    fn rect(&mut self) -> Rect {
        let [x, y, w, h] = [300, 200, 80, 60].map(|most| self.random.below(most) as i32);
        Rect::new(x - 10, y - 10, w, h)
    }

    /// Anything; answers what.
    fn act(&mut self) -> String {
        let what = self.random.below(20);
        let rect = self.rect();
        let some = self.some_window();
        let flag =
            |random: &mut Random| ["a", "b", "f", "h", "l", "r", "s", "t", "u", "r", "r"][random.below(11) as usize];
        match (what, some) {
            (0, _) if self.told.len() < 8 => {
                let letters: String = (0..3).map(|_| flag(&mut self.random)).filter(|letter| *letter != "h").collect();
                self.open(&letters, (rect.x, rect.y), (rect.w as u32 * 2 + 1, rect.h as u32 * 2 + 1));
            }
            (1, Some(id)) if self.told.len() > 3 => self.close(id),
            (2..=4, Some(id)) => self.draw(id, rect.moved(-rect.x / 2, -rect.y / 2)),
            (5, Some(id)) => {
                if let Some(told) = self.told.get_mut(&id) {
                    told.position = Some((rect.x, rect.y));
                }
                self.tell(id);
            }
            (6, Some(id)) => self.resize(id, (rect.w as u32 + 1, rect.h as u32 + 1)),
            (7, Some(id)) => {
                let letter = flag(&mut self.random);
                let switched = Flags::from_letters(letter);
                if let Some(told) = self.told.get_mut(&id) {
                    let now = told.flags.to_string();
                    let letters =
                        if now.contains(letter) { now.replace(letter, "") } else { format!("{now}{switched}") };
                    told.flags = Flags::from_letters(&letters);
                    told.title = format!("Now {letters}");
                    told.cursor = letter != "a";
                }
                self.tell(id);
            }
            (8, Some(id)) => {
                let wanted = Some(self.random.below(2) == 0);
                let full = self.random.below(3) == 0;
                if let Some(told) = self.told.get_mut(&id) {
                    let place = if full { &mut told.fullscreen } else { &mut told.maximize };
                    *place = wanted;
                }
                self.tell(id);
            }
            (9..=12, _) => {
                let size = (self.server.desk.screen().w, self.server.desk.screen().h);
                let place =
                    [(rect.x, rect.y), (0, rect.y), (size.0 - 1, rect.y), (rect.x, 0)][self.random.below(4) as usize];
                self.server.input(Input::at_pixel(place.0, place.1, size), self.now);
            }
            (13..=14, _) => {
                let buttons = [[true, false, false], [false; 3], [false, false, true]][self.random.below(3) as usize];
                self.server.input(Input::Buttons(buttons), self.now);
            }
            (15..=16, _) => {
                let keys = [K_ALT, K_TAB, K_LEFT_SUPER, K_LEFT, K_RIGHT, K_UP, K_DOWN, K_ESC];
                let key = keys[self.random.below(8) as usize];
                let pressed = self.random.below(2) == 0;
                self.key(key, pressed);
            }
            (17, Some(id)) => {
                let edges = Edges { left: true, bottom: true, ..Edges::default() };
                let request =
                    [DragRequest::Move, DragRequest::Stop, DragRequest::Resize(edges)][self.random.below(3) as usize];
                let notices = [Notice::Drag(id, request), Notice::Offer(id, 5), Notice::Peeked(id)];
                let notice = notices[self.random.below(3) as usize].clone();
                self.server.notices(vec![notice], self.now);
            }
            (18, _) if self.random.below(8) == 0 => {
                let (key, value) = [("theme", "dark"), ("theme", "light"), ("scale", "2"), ("scale", "1")]
                    [self.random.below(4) as usize];
                self.server.notices(vec![Notice::Setting(key.into(), value.into())], self.now);
            }
            (19, _) if self.random.below(12) == 0 => match self.random.below(2) {
                0 => self.restart(),
                _ => {
                    let (w, h) = (200 + rect.w, 150 + rect.h);
                    self.server.screen.canvas = Canvas::new(w, h);
                    self.server.screen_changed(self.now);
                }
            },
            _ => {}
        }
        format!("{what} {some:?}")
    }
}

#[test]
fn what_is_painted_in_pieces_is_what_is_painted_at_once() {
    for seed in 1..=12 {
        let mut world = World::new(seed, 280, 190);
        world.open("r", (30, 50), (120, 80));
        for step in 0..400 {
            let what = world.act();
            world.obey();
            if world.random.below(3) != 0 {
                world.check(&format!("seed {seed}, step {step}, {what}"));
            }
        }
    }
}

#[test]
fn a_small_change_costs_little() {
    let mut world = World::new(1, 1280, 800);
    let below = world.open("r", (100, 100), (640, 480));
    world.open("r", (300, 200), (640, 480));
    world.check("two windows");
    let cost = |world: &mut World, act: &dyn Fn(&mut World)| {
        let before = world.server.screen.shown;
        act(world);
        world.check("a change");
        world.server.screen.shown - before
    };
    assert_eq!(cost(&mut world, &|world| world.draw(2, Rect::new(10, 10, 8, 16))), 8 * 16);
    assert_eq!(cost(&mut world, &|_| ()), 0, "nothing changed");
    world.server.input(Input::At(100, 100), world.now);
    world.check("the pointer moves away");
    let moved = cost(&mut world, &|world| world.server.input(Input::At(5000, 100), world.now));
    assert!(moved < 4 * 28 * 28, "the pointer moved, and {moved} pixels were painted");
    let title = cost(&mut world, &|world| {
        world.told.get_mut(&2).unwrap().title = "Another".into();
        world.tell(2);
    });
    assert!(title < 800 * 700, "{title}");
    let raised = cost(&mut world, &|world| {
        world.server.input(Input::at_pixel(110, 90, (1280, 800)), world.now);
        world.server.input(Input::Buttons([true, false, false]), world.now);
        world.server.input(Input::Buttons([false; 3]), world.now);
    });
    assert!(raised < 1280 * 800, "{raised}");
    assert_eq!(world.server.desk.focused(), Some(below));
}

#[test]
fn no_more_pictures_than_the_screen_shows() {
    let mut world = World::new(1, 640, 480);
    let id = world.open("r", (100, 100), (64, 64));
    world.check("a window");
    let frames = world.server.screen.frames;
    let start = world.now;
    for _ in 0..1000 {
        world.now += 1;
        world.draw(id, Rect::new(0, 0, 64, 64));
        world.server.frame(world.now);
    }
    let painted = world.server.screen.frames - frames;
    assert!((60..=63).contains(&painted), "{painted} pictures in a second");
    let due = world.server.due(world.now).unwrap();
    assert!(due > world.now && due <= world.now + INTERVAL && world.now > start);
    world.check("the last");
    assert_eq!(world.server.due(world.now), None, "nothing to wake for");
}

#[test]
fn a_restart_brings_everything_back() {
    let mut world = World::new(9, 800, 600);
    let ids = [0, 1, 2].map(|index| world.open("r", (50 + 60 * index, 60 + 50 * index), (300, 200)));
    world.key(K_LEFT_SUPER, true);
    world.key(K_LEFT, true);
    world.obey();
    world.resize(ids[2], (400, 566));
    world.key(K_LEFT_SUPER, false);
    world.obey();
    let pointer = Input::at_pixel(400, 300, (800, 600));
    world.server.input(pointer, world.now);
    world.check("before");
    let before = world.server.canvas().clone();
    world.restart();
    let events = world.server.link.said.iter().filter(|order| matches!(order, Order::Event(..))).count();
    assert_eq!(events, 0, "clients are told nothing: {:?}", world.server.link.said);
    world.server.input(pointer, world.now);
    world.check("after");
    assert!(world.server.canvas() == &before, "the desk looks different after a restart");
}

/// A screen that shows the cursor itself.
struct WithCursor {
    memory: MemoryScreen,
    sprites: usize,
    place: (i32, i32),
}

impl Screen for WithCursor {
    fn size(&self) -> (i32, i32) {
        self.memory.size()
    }

    fn show(&mut self, canvas: &Canvas, rects: &[Rect]) {
        self.memory.show(canvas, rects);
    }

    fn set_cursor(&mut self, cursor: Option<&crate::paint::canvas::Sprite>) -> bool {
        self.sprites += usize::from(cursor.is_some());
        true
    }

    fn move_cursor(&mut self, x: i32, y: i32) {
        self.place = (x, y);
    }
}

#[test]
fn a_screen_with_a_cursor_of_its_own_paints_nothing_for_it() {
    let screen = WithCursor { memory: MemoryScreen::new(640, 480), sprites: 0, place: (0, 0) };
    let mut server = Display::new(Fake::default(), screen, Themes::built_in().unwrap(), Text::new([]));
    server.frame(0);
    let shown = server.screen.memory.shown;
    for x in 0..100 {
        server.input(Input::at_pixel(x, 50, (640, 480)), 100);
        server.frame(100);
    }
    assert_eq!((server.screen.memory.shown, server.screen.place, server.screen.sprites), (shown, (99, 50), 1));
}

#[test]
fn the_screen_gets_the_size_that_is_asked_for() {
    let mut world = World::new(11, 800, 600);
    world.open("r", (50, 60), (300, 200));
    let ask = |world: &mut World, value: &str| {
        world.server.notices(vec![Notice::Setting("resolution".into(), value.into())], world.now);
        world.check(value);
        world.server.screen.size()
    };
    assert_eq!(ask(&mut world, "1024x768"), (1024, 768));
    assert_eq!(world.server.canvas().bounds(), Rect::new(0, 0, 1024, 768));
    assert_eq!(ask(&mut world, "640x480"), (640, 480));
    for nonsense in ["", "640", "0x0", "640x-1", "640x480x2", "319x240", "99999x99999"] {
        assert_eq!(ask(&mut world, nonsense), (640, 480), "{nonsense}");
    }
    ask(&mut world, "1024x768");
    // Whoever resizes the machine's window later has the last word, until another screen comes.
    world.server.screen.canvas = Canvas::new(700, 500);
    world.server.screen_changed(world.now);
    assert_eq!(world.server.canvas().bounds().w, 700);
    world.server.screen_came(world.now);
    world.check("another screen");
    assert_eq!(world.server.screen.size(), (1024, 768));
    let screen = world.server.link.said.iter().rev().find_map(|order| match order {
        Order::Screen(screen) => Some((screen.w, screen.h)),
        _ => None,
    });
    assert_eq!(screen, Some((1024, 768)));
}

#[test]
fn a_screen_that_has_one_size_stays_as_it_is() {
    let screen = WithCursor { memory: MemoryScreen::new(640, 480), sprites: 0, place: (0, 0) };
    let mut server = Display::new(Fake::default(), screen, Themes::built_in().unwrap(), Text::new([]));
    server.notices(vec![Notice::Setting("resolution".into(), "800x600".into())], 0);
    assert_eq!((server.screen.size(), server.wanted_mode), ((640, 480), None));
}
