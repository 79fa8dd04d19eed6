//! What a screen understands: sequences, scrollback, reflow, selection, answers.

mod common;

use common::Terminal;
use terminal::screen::{Effect, Place, SCROLLBACK, Screen, Select};
use terminal::theme::{DARK, LIGHT};

fn text(screen: &Screen) -> Vec<String> {
    (0..screen.rows())
        .map(|row| screen.row(row).map(|look| look.text).collect::<String>().trim_end().to_string())
        .collect()
}

#[test]
fn lines_are_broken_anew() {
    let mut screen = Screen::new(20, 4, DARK);
    screen.feed(b"one two three four five six\r\nend");
    assert_eq!(text(&screen), ["one two three four f", "ive six", "end", ""]);
    screen.resize(10, 4, (8, 16));
    assert_eq!((text(&screen), screen.history()), (["ree four f", "ive six", "end", ""].map(String::from).into(), 1));
    screen.resize(40, 4, (8, 16));
    assert_eq!(text(&screen)[..2], ["one two three four five six", "end"]);
}

#[test]
fn ten_thousand_lines_are_kept() {
    let mut screen = Screen::new(20, 10, DARK);
    for line in 0..SCROLLBACK + 500 {
        screen.feed(format!("{line}\r\n").as_bytes());
    }
    assert_eq!(screen.history(), SCROLLBACK);
    screen.scroll(i32::MAX);
    assert_eq!((screen.scrolled(), text(&screen)[0].as_str()), (SCROLLBACK, "491"));
    // What comes meanwhile does not move what is looked at, but for what falls off.
    screen.scroll(-5000);
    let before = text(&screen);
    screen.feed(b"more\r\n");
    assert_eq!(text(&screen), before);
    screen.scroll_to_end();
    assert_eq!(screen.scrolled(), 0);
}

#[test]
fn selections() {
    let mut screen = Screen::new(20, 5, DARK);
    screen.feed("alpha beta\r\ngamma 漢字 x\r\na long line that wraps around".as_bytes());
    let place = |row, column, right| Place { row, column, right };
    let mut select = |kind, from, to| {
        screen.select(kind, from);
        screen.select_to(to);
        screen.selected()
    };
    assert_eq!(select(Select::Characters, place(0, 6, false), place(1, 4, true)).as_deref(), Some("beta\ngamma"));
    assert_eq!(select(Select::Words, place(0, 7, false), place(0, 7, true)).as_deref(), Some("beta"));
    assert_eq!(select(Select::Lines, place(0, 7, false), place(0, 8, true)).as_deref(), Some("alpha beta\n"));
    assert_eq!(select(Select::Block, place(0, 0, false), place(1, 1, true)).as_deref(), Some("al\nga"));
    assert_eq!(select(Select::Characters, place(1, 6, false), place(1, 9, true)).as_deref(), Some("漢字"));
    // What was wrapped is one line.
    assert_eq!(
        select(Select::Lines, place(2, 0, false), place(2, 3, true)).as_deref(),
        Some("a long line that wraps around\n")
    );
    // Beyond the edges is at the edges.
    assert!(select(Select::Characters, place(0, 0, false), place(99, 99, true)).is_some());
    screen.deselect();
    assert_eq!(screen.selected(), None);
}

#[test]
fn programs_are_answered() {
    let mut screen = Screen::new(80, 24, DARK);
    screen.resize(80, 24, (9, 20));
    let mut ask = |text: &str| {
        let effects = screen.feed(text.as_bytes());
        effects
            .into_iter()
            .map(|effect| match effect {
                Effect::Reply(bytes) => String::from_utf8(bytes).unwrap(),
                other => format!("{other:?}"),
            })
            .collect::<Vec<_>>()
            .join(",")
    };
    assert_eq!(ask("\x1b[5;7H\x1b[6n"), "\x1b[5;7R");
    assert_eq!(ask("\x1b[c"), "\x1b[?6c");
    assert_eq!(ask("\x1b[18t"), "\x1b[8;24;80t");
    assert_eq!(ask("\x1b[14t"), "\x1b[4;480;720t");
    assert_eq!(ask("\x1b]11;?\x07"), "\x1b]11;rgb:1c1c/1b1b/1a1a\x07");
    assert_eq!(ask("\x1b]2;a title\x07\x07"), "Title(Some(\"a title\")),Bell");
    assert_eq!(ask("\x1b]52;c;aGVsbG8=\x07"), "Copy(\"hello\")");
    // What the clipboard holds is told to nobody.
    assert_eq!(ask("\x1b]52;c;?\x07"), "");
}

#[test]
fn colours() {
    let mut terminal = Terminal::new(20, 2, 12.0, DARK);
    terminal
        .screen
        .feed(b"\x1b[31ma\x1b[38;5;196mb\x1b[38;2;1;2;3mc\x1b[0;7md\x1b[0;2me\x1b[0;8mf\x1b[0m\x1b]4;1;#010203\x07");
    let looks: Vec<_> = terminal.screen.row(0).collect();
    // A colour that is set anew changes what is there already.
    assert_eq!((looks[0].foreground, looks[1].foreground, looks[2].foreground), ([1, 2, 3], [255, 0, 0], [1, 2, 3]));
    assert_eq!((looks[3].foreground, looks[3].background), (DARK.background, DARK.foreground));
    assert_ne!(looks[4].foreground, DARK.foreground);
    assert_eq!(looks[5].foreground, DARK.background);
    terminal.screen.set_theme(LIGHT);
    assert_eq!(terminal.screen.row(0).nth(10).unwrap().background, LIGHT.background);
}

#[test]
fn the_other_screen_comes_and_goes() {
    let mut screen = Screen::new(20, 3, DARK);
    screen.feed(b"before\x1b[?1049h\x1b[Hfull screen");
    assert_eq!(text(&screen)[0], "full screen");
    screen.feed(b"\x1b[?1049l");
    assert_eq!(text(&screen)[0], "before");
    screen.feed(b"\x1b[?25l");
    assert_eq!(screen.cursor(), None);
}

#[test]
fn whatever_comes_nothing_breaks() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut terminal = Terminal::new(30, 8, 12.0, DARK);
    for _ in 0..400 {
        let bytes: Vec<u8> = (0..next() % 300)
            .map(|_| match next() % 4 {
                0 => *b"\x1b[;?0123456789HJKmhlrLMPSTX".get(next() as usize % 26).unwrap(),
                _ => next() as u8,
            })
            .collect();
        terminal.screen.feed(&bytes);
        if next() % 8 == 0 {
            terminal.screen.resize(next() as usize % 60, next() as usize % 20, (7, 15));
        }
        terminal.screen.scroll(next() as i32 % 50);
        terminal.draw();
    }
}
