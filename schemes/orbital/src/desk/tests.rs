//! The desk, by what it says to clients and where windows are in the end.

use orbclient::{
    EVENT_BUTTON, EVENT_DRAG_ENTER, EVENT_DRAG_LEAVE, EVENT_DRAG_MOVE, EVENT_DROP, EVENT_FOCUS, EVENT_KEY, EVENT_MOUSE,
    EVENT_MOUSE_RELATIVE, EVENT_QUIT, EVENT_RESIZE, EVENT_SCALE, EVENT_TEXT_INPUT, K_A, K_ALT, K_DOWN, K_F4, K_LEFT,
    K_LEFT_CTRL, K_LEFT_SUPER, K_RIGHT, K_TAB, K_UP,
};

use super::*;
use crate::protocol::{DropAnswer, Flags};
use crate::wire::Wish;

struct Stage {
    desk: Desk,
    now: u64,
    /// What clients were told since it was looked at last.
    events: Vec<(WindowId, [i64; 3])>,
    orders: Vec<Order>,
}

impl Stage {
    /// A screen of 1000 x 700.
    fn new() -> Self {
        let mut stage = Self { desk: Desk::new(1000, 700, 1), now: 0, events: Vec::new(), orders: Vec::new() };
        stage.step(Event::Notice(Notice::Memory(Vec::new())));
        stage.step(Event::Notice(Notice::Complete));
        stage
    }

    fn step(&mut self, event: Event) {
        self.now += 1;
        for effect in self.desk.step(event, self.now) {
            match effect {
                Effect::Order(Order::Event(id, event)) => self.events.push((id, event)),
                Effect::Order(order) => self.orders.push(order),
                _ => {}
            }
        }
    }

    fn told(id: WindowId, flags: &str, position: Option<(i32, i32)>, size: (u32, u32), generation: u32) -> Told {
        Told {
            id,
            flags: Flags::from_letters(flags),
            title: format!("{id}"),
            size,
            generation,
            cursor: true,
            grab: false,
            relative: false,
            position,
            maximize: None,
            fullscreen: None,
        }
    }

    fn tell(&mut self, told: Told) {
        self.step(Event::Notice(Notice::Window(told)));
    }

    /// A window of 300 x 200.
    fn open(&mut self, id: WindowId, flags: &str, x: i32, y: i32) {
        self.tell(Self::told(id, flags, Some((x, y)), (300, 200), 0));
    }

    /// The client has made its window the size it was asked for last.
    fn obey(&mut self, id: WindowId, flags: &str) {
        let asked =
            self.events.iter().rev().find(|(to, event)| *to == id && event[0] == EVENT_RESIZE).map(|(_, event)| *event);
        let [_, w, h] = asked.expect("it was asked");
        let generation = self.desk.windows[&id].generation + 1;
        self.tell(Self::told(id, flags, None, (w as u32, h as u32), generation));
    }

    fn point(&mut self, x: i32, y: i32) {
        self.step(Event::PointerAt(x, y));
    }

    fn press(&mut self) {
        self.step(Event::Buttons([true, false, false]));
    }

    fn release(&mut self) {
        self.step(Event::Buttons([false; 3]));
    }

    fn click(&mut self, x: i32, y: i32) {
        self.point(x, y);
        self.press();
        self.release();
    }

    fn drag(&mut self, from: (i32, i32), to: (i32, i32)) {
        self.point(from.0, from.1);
        self.press();
        self.point(to.0, to.1);
    }

    fn key(&mut self, scancode: u8, pressed: bool) {
        let character = if scancode == K_A { 'a' } else { '\0' };
        self.step(Event::Key { scancode, pressed, character });
        if pressed && scancode == K_A {
            self.step(Event::Text(character));
        }
    }

    fn chord(&mut self, held: u8, key: u8) {
        self.key(held, true);
        self.key(key, true);
        self.key(key, false);
        self.key(held, false);
    }

    fn take(&mut self, code: i64) -> Vec<(WindowId, i64, i64)> {
        let of_code =
            self.events.iter().filter(|(_, event)| event[0] == code).map(|&(id, [_, a, b])| (id, a, b)).collect();
        self.events.clear();
        of_code
    }

    fn content(&self, id: WindowId) -> Rect {
        self.desk.windows[&id].content(self.desk.metrics.scale)
    }

    fn front(&self) -> Vec<WindowId> {
        self.desk.front_to_back().map(|window| window.id).collect()
    }
}

#[test]
fn layers_and_focus() {
    let mut stage = Stage::new();
    stage.open(1, "b", 0, 0);
    assert_eq!(stage.desk.focused(), None, "a background does not ask for the focus");
    stage.open(2, "", 100, 100);
    stage.open(3, "f", 200, 100);
    stage.open(4, "", 300, 100);
    assert_eq!((stage.front(), stage.desk.focused()), (vec![3, 4, 2, 1], Some(4)));
    assert_eq!(stage.take(EVENT_FOCUS), [(2, 1, 0), (2, 0, 0), (3, 1, 0), (3, 0, 0), (4, 1, 0)]);
    stage.click(120, 250);
    assert_eq!((stage.front(), stage.desk.focused()), (vec![3, 2, 4, 1], Some(2)));
    stage.step(Event::Notice(Notice::Closed(2)));
    assert_eq!((stage.front(), stage.desk.focused()), (vec![3, 4, 1], Some(4)));
    stage.tell(Stage::told(4, "h", None, (300, 200), 0));
    assert_eq!((stage.front(), stage.desk.focused()), (vec![3, 1], Some(3)));
    stage.tell(Stage::told(4, "", None, (300, 200), 0));
    assert_eq!((stage.front(), stage.desk.focused()), (vec![3, 4, 1], Some(4)));
}

#[test]
fn keys_go_to_the_window_with_the_focus() {
    let mut stage = Stage::new();
    stage.open(1, "", 100, 100);
    stage.open(2, "", 500, 100);
    stage.take(0);
    let key = i64::from(K_A);
    stage.key(K_A, true);
    stage.key(K_A, false);
    assert_eq!(
        core::mem::take(&mut stage.events),
        [(2, [EVENT_KEY, 0, key | 1 << 8]), (2, [EVENT_TEXT_INPUT, 97, 0]), (2, [EVENT_KEY, 0, key])]
    );
    // With a modifier it is no text, and the key says what it would be.
    stage.key(K_LEFT_CTRL, true);
    stage.take(0);
    stage.key(K_A, true);
    assert_eq!(core::mem::take(&mut stage.events), [(2, [EVENT_KEY, 97, key | 1 << 8])]);
    stage.key(K_LEFT_CTRL, false);
    stage.take(0);
    stage.chord(K_ALT, K_F4);
    let codes: Vec<i64> = stage.events.iter().map(|(_, event)| event[0]).collect();
    assert_eq!(codes, [EVENT_KEY, EVENT_QUIT, EVENT_KEY], "Alt comes through, F4 does not");
}

#[test]
fn windows_are_moved_by_their_title_and_stay_in_reach() {
    let mut stage = Stage::new();
    stage.open(1, "", 100, 100);
    let table = [
        ((50, 20), (150, 120)),
        ((0, -500), (100, 34)),
        ((5000, 100), (936, 200)),
        ((-5000, 0), (-236, 100)),
        ((0, 5000), (100, 670)),
    ];
    for ((dx, dy), place) in table {
        stage.tell(Stage::told(1, "", Some((100, 100)), (300, 200), 0));
        stage.drag((120, 80), (120, 80));
        // The pointer itself stays on the screen; windows go no further than with it.
        let bounded = ((120 + dx).clamp(0, 999), (80 + dy).clamp(0, 699));
        stage.point(bounded.0, bounded.1);
        stage.release();
        let free = (100 + bounded.0 - 120, 100 + bounded.1 - 80);
        let reached = (place.0.min(free.0).max(-236), place.1.clamp(34, 670).min(free.1.max(34)));
        let content = stage.content(1);
        assert_eq!((content.x.clamp(-236, 936), content.y.clamp(34, 670)), (content.x, content.y), "{dx} {dy}");
        if (dx, dy) == (50, 20) {
            assert_eq!((content.x, content.y), reached);
            assert!(stage.orders.contains(&Order::Place(1, 150, 120)));
        }
    }
}

#[test]
fn every_edge_and_corner_resizes() {
    // Where it is taken hold of; what 30 pixels right and 20 down make of 300 x 200 at 200, 200.
    let table = [
        ((198, 300), Rect::new(230, 200, 270, 200)),
        ((501, 300), Rect::new(200, 200, 330, 200)),
        ((350, 164), Rect::new(200, 220, 300, 180)),
        ((350, 401), Rect::new(200, 200, 300, 220)),
        ((198, 164), Rect::new(230, 220, 270, 180)),
        ((501, 164), Rect::new(200, 220, 330, 180)),
        ((198, 401), Rect::new(230, 200, 270, 220)),
        ((501, 401), Rect::new(200, 200, 330, 220)),
    ];
    for (from, wanted) in table {
        let mut stage = Stage::new();
        stage.open(1, "r", 200, 200);
        stage.drag(from, (from.0 + 30, from.1 + 20));
        assert_eq!(stage.content(1), Rect::new(200, 200, 300, 200), "nothing happens before the client has drawn");
        stage.obey(1, "r");
        assert_eq!(stage.content(1), wanted, "{from:?}");
        stage.release();
        // What the client does later is its own affair: the upper left corner stays.
        stage.tell(Stage::told(1, "r", None, (50, 50), 9));
        assert_eq!(stage.content(1), Rect::new(wanted.x, wanted.y, 50, 50));
    }
    let mut stage = Stage::new();
    stage.open(1, "", 200, 200);
    stage.drag((198, 300), (150, 300));
    assert_eq!(stage.take(EVENT_RESIZE), [], "what is not resizable has no edges");
}

#[test]
fn a_slow_client_is_followed_when_it_draws() {
    let mut stage = Stage::new();
    stage.open(1, "r", 200, 200);
    stage.drag((198, 300), (168, 300));
    stage.point(148, 300);
    // It answers the first question only now.
    stage.tell(Stage::told(1, "r", None, (330, 200), 1));
    assert_eq!(stage.content(1), Rect::new(170, 200, 330, 200), "the right edge stays");
    stage.obey(1, "r");
    assert_eq!(stage.content(1), Rect::new(150, 200, 350, 200));
    stage.release();
    // Narrower than it may be.
    stage.drag((501, 300), (100, 300));
    assert_eq!(stage.take(EVENT_RESIZE).last(), Some(&(1, 120, 200)));
}

#[test]
fn halves_the_whole_and_back() {
    let mut stage = Stage::new();
    stage.open(1, "r", 100, 100);
    let table = [
        (K_LEFT, Rect::new(0, 34, 500, 666)),
        (K_RIGHT, Rect::new(500, 34, 500, 666)),
        (K_UP, Rect::new(0, 34, 1000, 666)),
        (K_DOWN, Rect::new(100, 100, 300, 200)),
    ];
    for (key, wanted) in table {
        stage.chord(K_LEFT_SUPER, key);
        if stage.content(1) != wanted {
            stage.obey(1, "r");
        }
        assert_eq!(stage.content(1), wanted, "{key}");
    }
    assert!(stage.orders.contains(&Order::Mark(1, true, false)));
    assert_eq!(
        stage.orders.iter().rfind(|order| matches!(order, Order::Mark(..))),
        Some(&Order::Mark(1, false, false))
    );
    stage.chord(K_LEFT_SUPER, K_DOWN);
    assert_eq!((stage.front(), stage.desk.focused()), (vec![], None));
    stage.chord(K_ALT, K_TAB);
    assert_eq!((stage.front(), stage.desk.focused()), (vec![1], Some(1)));
    // By its button, and by two clicks.
    stage.click(340, 80);
    stage.obey(1, "r");
    assert_eq!(stage.content(1), Rect::new(0, 34, 1000, 666));
    stage.click(300, 10);
    stage.click(300, 10);
    stage.obey(1, "r");
    assert_eq!(stage.content(1), Rect::new(100, 100, 300, 200));
}

#[test]
fn the_edges_of_the_screen_put_windows_into_places() {
    for (to, wanted) in [
        ((0, 300), Rect::new(0, 34, 500, 666)),
        ((999, 300), Rect::new(500, 34, 500, 666)),
        ((500, 0), Rect::new(0, 34, 1000, 666)),
    ] {
        let mut stage = Stage::new();
        stage.open(1, "r", 300, 300);
        stage.drag((320, 280), to);
        assert!(stage.desk.snap_preview().is_some());
        stage.release();
        assert!(stage.desk.snap_preview().is_none());
        stage.obey(1, "r");
        assert_eq!(stage.content(1), wanted);
        // Torn off, it has its size back.
        stage.drag((wanted.x + 200, 20), (wanted.x + 220, 300));
        stage.obey(1, "r");
        let content = stage.content(1);
        assert_eq!((content.w, content.h), (300, 200));
        assert!(content.x < wanted.x + 220 && content.right() > wanted.x + 220, "it hangs on the pointer: {content:?}");
    }
}

#[test]
fn panels_leave_less_room() {
    let mut stage = Stage::new();
    stage.open(1, "r", 100, 100);
    stage
        .step(Event::Notice(Notice::Window(Told { maximize: Some(true), ..Stage::told(1, "r", None, (300, 200), 0) })));
    stage.obey(1, "r");
    stage.tell(Stage::told(2, "fl", Some((0, 0)), (1000, 30), 0));
    stage.obey(1, "r");
    assert_eq!(stage.content(1), Rect::new(0, 64, 1000, 636));
    assert!(
        stage
            .orders
            .iter()
            .any(|order| matches!(order, Order::Screen(screen) if screen.work == Rect::new(0, 30, 1000, 670)))
    );
    // A window that fills the screen lies over the panel while it has the focus.
    let full = Told { fullscreen: Some(true), ..Stage::told(1, "r", None, (1000, 636), 2) };
    stage.tell(full);
    stage.obey(1, "r");
    stage.click(500, 500);
    assert_eq!((stage.content(1), stage.front()), (Rect::new(0, 0, 1000, 700), vec![1, 2]));
    stage.step(Event::Notice(Notice::Closed(2)));
    assert_eq!(stage.desk.work, Rect::new(0, 0, 1000, 700));
}

#[test]
fn the_switcher_goes_by_who_had_the_focus_last() {
    let mut stage = Stage::new();
    for id in 1..=3 {
        stage.open(id, "", 100 * id as i32, 100);
    }
    stage.key(K_ALT, true);
    for wanted in [2, 1, 3, 2] {
        stage.key(K_TAB, true);
        stage.key(K_TAB, false);
        let switcher = stage.desk.switcher().unwrap();
        assert_eq!(switcher.list[switcher.at], wanted);
    }
    stage.key(K_ALT, false);
    assert_eq!((stage.front(), stage.desk.focused()), (vec![2, 3, 1], Some(2)));
    stage.key(K_ALT, true);
    stage.key(K_TAB, true);
    stage.step(Event::Notice(Notice::Closed(3)));
    stage.key(K_ALT, false);
    assert_eq!(stage.desk.focused(), Some(1), "the chosen one is gone: the next");
}

#[test]
fn the_pressed_button_belongs_to_where_it_was_pressed() {
    let mut stage = Stage::new();
    stage.open(1, "", 100, 100);
    stage.open(2, "", 500, 100);
    stage.take(0);
    stage.drag((150, 150), (600, 150));
    assert_eq!(stage.take(EVENT_MOUSE), [(1, 50, 50), (1, 500, 50)]);
    stage.release();
    assert_eq!(stage.take(EVENT_BUTTON), [(1, 0, 0)]);
    // A button of the frame counts if it is let go where it was pressed.
    stage.point(380, 80);
    stage.press();
    stage.point(200, 200);
    stage.release();
    assert_eq!(stage.take(EVENT_QUIT), []);
    stage.click(380, 80);
    assert_eq!(stage.take(EVENT_QUIT), [(1, 0, 0)]);
}

#[test]
fn grabbed_and_relative_pointers() {
    let mut stage = Stage::new();
    stage.tell(Told { grab: true, ..Stage::told(1, "", Some((100, 100)), (300, 200), 0) });
    stage.point(0, 0);
    assert_eq!((stage.desk.pointer.x, stage.desk.pointer.y), (100, 100));
    stage.point(999, 699);
    assert_eq!((stage.desk.pointer.x, stage.desk.pointer.y), (399, 299));
    stage.tell(Told { relative: true, ..Stage::told(1, "", None, (300, 200), 0) });
    stage.take(0);
    stage.step(Event::PointerBy(7, -8));
    stage.point(990, 690);
    assert_eq!(stage.take(EVENT_MOUSE_RELATIVE), [(1, 7, -8), (1, -9, -9)]);
    assert_eq!((stage.desk.pointer.x, stage.desk.pointer.y), (399, 299));
}

#[test]
fn something_is_dragged_from_window_to_window() {
    let mut stage = Stage::new();
    stage.open(1, "", 100, 100);
    stage.open(2, "", 500, 100);
    stage.drag((150, 150), (160, 160));
    stage.step(Event::Notice(Notice::Offer(1, 7)));
    let kind = 1 | 7 << 8;
    assert_eq!(stage.take(EVENT_DRAG_ENTER), [(1, kind, 0)]);
    stage.point(600, 150);
    assert_eq!(stage.take(EVENT_DRAG_ENTER), [(2, kind, 0)]);
    stage.step(Event::Notice(Notice::Peeked(2)));
    stage.point(610, 160);
    let place = |x: i64, y: i64| x | y << 32;
    assert_eq!(stage.take(EVENT_DRAG_MOVE), [(2, kind, place(100, 50)), (2, kind, place(110, 60))]);
    stage.step(Event::Notice(Notice::Answer(2, DropAnswer::No)));
    assert_eq!(stage.desk.pointer.shape, pointer::Shape::Refuse);
    stage.step(Event::Notice(Notice::Answer(2, DropAnswer::Yes)));
    assert_eq!(stage.desk.pointer.shape, pointer::Shape::Carry);
    stage.point(10, 10);
    assert_eq!(stage.take(EVENT_DRAG_LEAVE), [(2, 0, 0)]);
    stage.point(600, 150);
    stage.step(Event::Notice(Notice::Peeked(2)));
    stage.release();
    assert_eq!(stage.take(EVENT_DROP), [(2, kind, place(100, 50))]);
    assert!(stage.orders.contains(&Order::DragOver(true)));
    // Nobody presses anything: nothing is dragged.
    stage.step(Event::Notice(Notice::Offer(1, 7)));
    assert_eq!(stage.orders.last(), Some(&Order::DragOver(false)));
}

#[test]
fn scale_and_size_of_the_screen() {
    let mut stage = Stage::new();
    stage.open(1, "s", 800, 600);
    stage.open(2, "", 100, 600);
    assert_eq!(stage.take(EVENT_SCALE), [(1, 100, 100)]);
    stage.step(Event::Screen { w: 800, h: 600, scale: 2 });
    assert_eq!(stage.take(EVENT_SCALE), [(1, 200, 100), (2, 200, 100)]);
    assert_eq!((stage.content(1).w, stage.content(2).w), (600, 300), "who can be scaled is");
    for id in [1, 2] {
        let title = stage.desk.windows[&id].frame(stage.desk.metrics).title();
        assert!(title.x < 800 - 100 && title.y < 600 - 60, "{title:?} can be got hold of");
    }
    stage.click(stage.content(1).x + 20, stage.content(1).y + 40);
    assert_eq!(stage.take(EVENT_MOUSE).last(), Some(&(1, 10, 20)), "its client counts its own pixels");
}

#[test]
fn windows_are_no_larger_than_the_room_and_lie_in_it() {
    let title = Metrics::new(1).title;
    let mut stage = Stage::new();
    stage.tell(Stage::told(1, "fl", Some((0, 660)), (1000, 40), 0));
    // A new one that is too large is asked for what there is room for; one that cannot be resized stays as it is.
    stage.tell(Stage::told(2, "r", Some((50, 60)), (1200, 900), 0));
    assert_eq!(stage.take(EVENT_RESIZE), [(2, 1000, 660 - i64::from(title))]);
    stage.tell(Stage::told(2, "r", None, (1000, 660 - title as u32), 1));
    assert_eq!(stage.content(2), Rect::new(0, title, 1000, 660 - title));
    stage.tell(Stage::told(3, "", Some((50, 0)), (1200, 900), 0));
    assert_eq!(stage.content(3), Rect::new(0, title, 1200, 900), "its title can be got hold of");
    // One that lies half outside because somebody wants that stays there, until it grows by itself.
    stage.open(4, "r", 900, 600);
    assert_eq!(stage.content(4), Rect::new(900, 600, 300, 200));
    stage.tell(Stage::told(4, "r", None, (400, 220), 1));
    assert_eq!(stage.content(4), Rect::new(600, 440, 400, 220));
    stage.tell(Stage::told(4, "r", None, (400, 1000), 2));
    assert_eq!(stage.take(EVENT_RESIZE), [(4, 400, 660 - i64::from(title))]);
    // A panel that grows over a window moves it away.
    stage.open(5, "r", 100, 450);
    stage.tell(Stage::told(1, "fl", Some((0, 600)), (1000, 100), 1));
    assert_eq!(stage.content(5), Rect::new(100, 400, 300, 200));
}

#[test]
fn the_window_key_alone_is_the_menu() {
    let mut stage = Stage::new();
    let menus = |stage: &mut Stage| {
        let menus = stage.orders.iter().filter(|order| **order == Order::Menu).count();
        stage.orders.clear();
        menus
    };
    stage.key(K_LEFT_SUPER, true);
    stage.key(K_LEFT_SUPER, true);
    assert_eq!(menus(&mut stage), 0);
    stage.key(K_LEFT_SUPER, false);
    assert_eq!(menus(&mut stage), 1);
    stage.chord(K_LEFT_SUPER, K_UP);
    stage.key(K_LEFT_SUPER, true);
    stage.press();
    stage.release();
    stage.key(K_LEFT_SUPER, false);
    assert_eq!(menus(&mut stage), 0);
}

#[test]
fn panels_have_a_list_and_wishes() {
    let mut stage = Stage::new();
    let list = |stage: &mut Stage| {
        let mut lists = stage.orders.drain(..).filter_map(|order| match order {
            Order::List(list) => Some(list),
            _ => None,
        });
        let last = lists.next_back();
        last.map(|list| list.iter().map(|window| (window.id, window.focused, window.minimized)).collect::<Vec<_>>())
    };
    stage.open(1, "r", 50, 50);
    stage.open(2, "", 60, 60);
    stage.open(3, "flu", 0, 660);
    assert_eq!(stage.desk.focused(), Some(2), "a bar does not take the focus");
    stage.click(10, 670);
    assert_eq!(stage.desk.focused(), Some(2));
    assert_eq!(list(&mut stage), Some(vec![(1, false, false), (2, true, false)]), "the panel is not in it");
    stage.step(Event::Notice(Notice::Wish(1, Wish::Raise)));
    assert_eq!(list(&mut stage), Some(vec![(1, true, false), (2, false, false)]));
    stage.step(Event::Notice(Notice::Wish(1, Wish::Minimize)));
    assert_eq!(list(&mut stage), Some(vec![(1, false, true), (2, true, false)]));
    stage.point(500, 500);
    assert_eq!(list(&mut stage), None, "nothing is another than before");
    stage.click(900, 20);
    assert_eq!(list(&mut stage), Some(vec![(1, false, true), (2, false, false)]), "nothing was pressed");
    stage.take(EVENT_QUIT);
    for id in [2, 3, 9] {
        stage.step(Event::Notice(Notice::Wish(id, Wish::Close)));
    }
    assert_eq!(stage.take(EVENT_QUIT), [(2, 0, 0)]);
}
