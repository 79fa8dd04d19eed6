//! The terminal as a whole: what comes of what happens to it.

mod common;

use orbclient::{
    ButtonEvent, EventOption, FocusEvent, K_C, K_ENTER, K_LEFT_CTRL, K_LEFT_SHIFT, K_PGUP, K_X, KeyEvent, MouseEvent,
    QuitEvent, ScaleEvent, ScrollEvent, TextInputEvent,
};
use terminal::draw::{Area, pixel};
use terminal::machine::{Cells, Effect, Machine};
use terminal::theme::{DARK, LIGHT};

/// A terminal in a window, and the time.
struct Stage {
    machine: Machine,
    pixels: Vec<u32>,
    now: u64,
}

impl Stage {
    fn new() -> Self {
        let machine = Machine::new(common::fonts(14.0), 80, 24, 1, DARK);
        let (width, height) = machine.size();
        let mut stage = Self { machine, pixels: vec![0; width * height], now: 1000 };
        assert!(matches!(stage.machine.take_effects()[..], [Effect::Cells(Cells { columns: 80, rows: 24, .. })]));
        stage.hear(EventOption::Focus(FocusEvent { focused: true }));
        assert_eq!(stage.frame().len(), 1);
        stage
    }

    fn hear(&mut self, event: EventOption) -> Vec<Effect> {
        self.machine.hear(event, self.now);
        self.machine.take_effects()
    }

    fn write(&mut self, text: &str) -> Vec<Effect> {
        self.machine.output(text.as_bytes(), self.now);
        self.machine.take_effects()
    }

    fn key(&mut self, scancode: u8, character: char, pressed: bool) -> Vec<Effect> {
        self.hear(EventOption::Key(KeyEvent { character, scancode, pressed }))
    }

    fn text(&mut self, character: char) -> Vec<Effect> {
        self.hear(EventOption::TextInput(TextInputEvent { character }))
    }

    fn mouse(&mut self, x: i32, y: i32) -> Vec<Effect> {
        self.hear(EventOption::Mouse(MouseEvent { x, y }))
    }

    fn left(&mut self, left: bool) -> Vec<Effect> {
        self.hear(EventOption::Button(ButtonEvent { left, middle: false, right: false }))
    }

    /// Draws, if it is time.
    fn frame(&mut self) -> Vec<Area> {
        self.machine.tick(self.now);
        self.machine.frame(&mut self.pixels, self.machine.size().0, self.now)
    }

    /// Sleeps as the program does, until nothing is due before `until`. Answers how often it woke.
    fn sleep(&mut self, until: u64) -> usize {
        let mut wakes = 0;
        while let Some(due) = self.machine.due().filter(|&due| due <= until) {
            self.now = self.now.max(due);
            self.frame();
            wakes += 1;
            assert!(wakes < 100_000, "it never sleeps");
        }
        self.now = until;
        wakes
    }

    fn line(&self, row: usize) -> String {
        self.machine.screen().row(row).map(|look| look.text).collect::<String>().trim_end().into()
    }
}

fn send(text: &str) -> Vec<Effect> {
    vec![Effect::Send(text.into())]
}

#[test]
fn what_is_typed_goes_to_the_program() {
    let mut stage = Stage::new();
    assert_eq!(stage.text('ü'), send("ü"));
    assert_eq!(stage.key(K_X, '\0', true), []);
    assert_eq!((stage.key(K_ENTER, '\0', true), stage.key(K_ENTER, '\0', false)), (send("\r"), vec![]));
    stage.key(K_LEFT_CTRL, '\0', true);
    assert_eq!(stage.key(K_C, 'c', true), send("\x03"));
    // The keyboard is lost while Control is down: it is not down any more.
    stage.hear(EventOption::Focus(FocusEvent { focused: false }));
    stage.hear(EventOption::Focus(FocusEvent { focused: true }));
    assert_eq!(stage.key(K_C, '\0', true), []);
}

#[test]
fn sixty_pictures_a_second_however_much_is_written() {
    let mut stage = Stage::new();
    let (start, mut pictures) = (stage.now, 0);
    // A hundred thousand lines in a second, as a loop that is always given more would take them.
    for step in 0..1000 {
        stage.now = start + 1 + step;
        stage.write(&format!("{step}\r\n").repeat(100));
        pictures += usize::from(!stage.frame().is_empty());
    }
    assert!((55..=63).contains(&pictures), "{pictures}");
    stage.sleep(start + 2000);
    assert_eq!((stage.line(22), stage.line(23), stage.machine.screen().history()), ("999".into(), "".into(), 10_000));
}

#[test]
fn it_sleeps() {
    let mut stage = Stage::new();
    stage.text('x');
    // Ten seconds of blinking, then nothing at all.
    let wakes = stage.sleep(stage.now + 60_000);
    assert!((18..=42).contains(&wakes), "{wakes}");
    assert_eq!(stage.machine.due(), None);
    stage.text('x');
    stage.hear(EventOption::Focus(FocusEvent { focused: false }));
    assert!(stage.sleep(stage.now + 60_000) <= 1 && stage.machine.due().is_none());
    // A cursor that a program wants steady.
    stage.write("\x1b[2 q");
    stage.hear(EventOption::Focus(FocusEvent { focused: true }));
    assert!(stage.sleep(stage.now + 60_000) <= 1);
}

#[test]
fn a_key_changes_one_row() {
    let mut stage = Stage::new();
    stage.now += 100;
    stage.write("x");
    let areas = stage.frame();
    let height = stage.machine.cells().height / 24;
    assert!(areas.len() == 1 && areas[0].height == height && areas[0].y == 8, "{areas:?}");
}

#[test]
fn resized_zoomed_and_scaled() {
    let mut stage = Stage::new();
    stage.write(&"0123456789".repeat(10));
    assert_eq!((stage.line(0).len(), stage.line(1).len()), (80, 20));
    let (width, height) = stage.machine.size();
    let cells = stage.machine.cells();
    stage.machine.resized(width + cells.width / 4, height);
    assert!(matches!(stage.machine.take_effects()[..], [Effect::Cells(Cells { columns: 100, rows: 24, .. })]));
    assert_eq!((stage.line(0).len(), stage.line(1).len()), (100, 0));
    stage.machine.resized(1, 1);
    stage.machine.resized(width, height);
    stage.machine.take_effects();
    stage.key(K_LEFT_CTRL, '\0', true);
    assert!(matches!(stage.key(K_X, '+', true)[..], [Effect::Cells(cells)] if cells.columns < 80));
    assert!(matches!(stage.key(K_X, '0', true)[..], [Effect::Cells(Cells { columns: 80, .. })]));
    for _ in 0..100 {
        stage.key(K_X, '+', true);
    }
    assert!(stage.machine.cells().columns < 30);
    stage.key(K_X, '0', true);
    // The display magnifies: the window asks for the same in larger, and has the same cells.
    let asked = stage.hear(EventOption::Scale(ScaleEvent { scale: 200, baseline: 100 }));
    let [Effect::WindowSize(wide, high)] = asked[..] else { panic!("{asked:?}") };
    assert!(wide.abs_diff(2 * width) < 100 && high.abs_diff(2 * height) < 100, "{wide}x{high}");
    stage.machine.resized(wide, high);
    let Cells { columns, rows, .. } = stage.machine.cells();
    assert_eq!((columns, rows), (80, 24));
}

#[test]
fn selected_copied_and_pasted() {
    let mut stage = Stage::new();
    stage.write("one two three");
    let width = stage.machine.cells().width as i32 / 80;
    stage.mouse(8 + 5 * width, 12);
    for _ in 0..2 {
        stage.left(true);
        stage.left(false);
    }
    stage.key(K_LEFT_CTRL, '\0', true);
    stage.key(K_LEFT_SHIFT, '\0', true);
    assert_eq!(stage.key(K_C, 'C', true), [Effect::Copy("two".into())]);
    assert_eq!(stage.key(K_X, 'V', true), [Effect::AskClipboard]);
    stage.machine.paste("a\r\nb\nc\x1b[201~\u{3}\td", stage.now);
    assert_eq!(stage.machine.take_effects(), send("a\rb\rc[201~\td"));
    stage.write("\x1b[?2004h");
    stage.machine.paste("x\x1b[201~y", stage.now);
    assert_eq!(stage.machine.take_effects(), send("\x1b[200~x[201~y\x1b[201~"));
    stage.machine.paste("\x1b", stage.now);
    assert_eq!(stage.machine.take_effects(), []);
}

#[test]
fn a_selection_is_drawn_out_of_the_window() {
    let mut stage = Stage::new();
    for line in 0..100 {
        stage.write(&format!("line {line}\r\n"));
    }
    stage.mouse(20, 100);
    stage.left(true);
    stage.mouse(20, -30);
    stage.sleep(stage.now + 1000);
    assert!(stage.machine.screen().scrolled() >= 20, "{}", stage.machine.screen().scrolled());
    let scrolled = stage.machine.screen().scrolled();
    stage.left(false);
    stage.sleep(stage.now + 1000);
    assert_eq!(stage.machine.screen().scrolled(), scrolled);
    // Typing shows the newest row again.
    stage.text('x');
    assert_eq!(stage.machine.screen().scrolled(), 0);
}

#[test]
fn scrolled_by_wheel_and_keys() {
    let mut stage = Stage::new();
    stage.write(&"line\r\n".repeat(100));
    stage.hear(EventOption::Scroll(ScrollEvent { x: 0, y: 2 }));
    assert_eq!(stage.machine.screen().scrolled(), 6);
    stage.key(K_LEFT_SHIFT, '\0', true);
    stage.key(K_PGUP, '\0', true);
    assert_eq!(stage.machine.screen().scrolled(), 29);
    stage.write("\x1b[?1000h\x1b[?1006h");
    stage.key(K_LEFT_SHIFT, '\0', false);
    stage.mouse(9, 9);
    assert_eq!(stage.hear(EventOption::Scroll(ScrollEvent { x: 0, y: 1 })), send("\x1b[<64;1;1M"));
}

#[test]
fn the_bell_is_seen_for_a_moment() {
    let mut stage = Stage::new();
    stage.sleep(stage.now + 100);
    stage.write("\x07");
    stage.sleep(stage.now + 20);
    assert_eq!(stage.pixels[0], pixel(DARK.cursor));
    stage.sleep(stage.now + 200);
    assert_eq!(stage.pixels[0], pixel(DARK.background));
}

#[test]
fn an_update_is_seen_as_a_whole() {
    let mut stage = Stage::new();
    stage.now += 100;
    stage.write("\x1b[?2026hhalf");
    assert_eq!((stage.frame(), stage.line(0)), (vec![], "".into()));
    stage.now += 20;
    stage.write(" and half\x1b[?2026l");
    assert!(!stage.frame().is_empty());
    assert_eq!(stage.line(0), "half and half");
    // One that is never ended.
    stage.write("\x1b[?2026h...");
    stage.sleep(stage.now + 200);
    assert_eq!(stage.line(0), "half and half...");
}

#[test]
fn answers_titles_and_the_end() {
    let mut stage = Stage::new();
    assert_eq!(stage.write("\x1b[6n"), send("\x1b[1;1R"));
    assert_eq!(stage.write("\x1b]2;vim\x07"), [Effect::Title(Some("vim".into()))]);
    assert_eq!(stage.write("\x1b[?1004h"), []);
    assert_eq!(stage.hear(EventOption::Focus(FocusEvent { focused: false })), send("\x1b[O"));
    assert_eq!(stage.hear(EventOption::Quit(QuitEvent)), [Effect::Quit]);
    // A program that has left everything switched on is gone.
    stage.write("shell\r\n\x1b[?1049h\x1b[?1003h\x1b[?25lfull screen");
    stage.machine.tell("The end.", stage.now);
    stage.machine.take_effects();
    assert_eq!(stage.line(0), "shell");
    let told = (0..24).map(|row| stage.line(row)).find(|line| line == "The end.");
    assert!(told.is_some());
    assert_eq!((stage.mouse(50, 50), stage.hear(EventOption::Focus(FocusEvent { focused: true }))), (vec![], vec![]));
}

#[test]
fn colours_change_while_it_runs() {
    let mut stage = Stage::new();
    stage.now += 100;
    stage.machine.set_theme(LIGHT);
    assert_eq!(stage.frame().len(), 1);
    assert_eq!(stage.pixels[0], pixel(LIGHT.background));
}
