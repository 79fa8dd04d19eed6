//! What is drawn: pictures to look at (in the target directory, `tmp/*.png`), and what must hold of them.

mod common;

use common::Terminal;
use terminal::draw::pixel;
use terminal::screen::{Place, Select};
use terminal::theme::{DARK, LIGHT, Theme};

/// A page with everything on it.
fn page(terminal: &mut Terminal) {
    let lines = [
        "\x1b[32mdiego@ochre\x1b[0m:\x1b[34m~/src/ochre\x1b[0m$ ls --color",
        "\x1b[1;34mdocs\x1b[0m  \x1b[1;34mkernel\x1b[0m  \x1b[1;34mschemes\x1b[0m  Cargo.toml  \x1b[32mMakefile\x1b[0m  \x1b[36mlatest\x1b[0m -> v0.1",
        "\x1b[1mbold\x1b[0m \x1b[3mitalic\x1b[0m \x1b[1;3mboth\x1b[0m \x1b[2mdim\x1b[0m \x1b[4munderlined\x1b[0m \x1b[4:2mdouble\x1b[0m \x1b[4:3mcurly\x1b[0m \x1b[4:4mdotted\x1b[0m \x1b[4:5mdashed\x1b[0m \x1b[9mstruck\x1b[0m \x1b[7minverse\x1b[0m",
        "The quick brown fox jumps over the lazy dog. 0O 1lI| {}[]() => != ~^ @&%$#",
        "ÄÖÜ äöüß éèê ñ ç å ø þ ð Ž ś  Ελληνικά  Кириллица  ∀x∈ℝ ⌈x⌉ ≤ ∞  e\u{301}\u{304}",
        "┌──────────────┬──────────┐ ╔═════════╦═══════╗ ╭───────────╮ ┏━━━━━┳━━━━┓",
        "│ light        │ 漢字 wide│ ║ double  ║   ╫   ║ │ round     │ ┃heavy┃ ╋  ┃",
        "├──────────────┼──────────┤ ╠═════════╬═══════╣ ├─────┬─────┤ ┣━━━━━╋━━━━┫",
        "│ ╱╲╳ ┄┈╌ ┆┊╎  │ ▖▗▘▝▚▞▙▟ │ ╟─────────╫───────╢ │     │     │ ┃ ┝┥  ┃ ┰┸ ┃",
        "└──────────────┴──────────┘ ╚═════════╩═══════╝ ╰─────┴─────╯ ┗━━━━━┻━━━━┛",
        "▁▂▃▄▅▆▇█ ▏▎▍▌▋▊▉█ ░▒▓█ ╒═╤═╕ ╓─╥─╖ \x1b[33m████████████▌\x1b[90m░░░░░\x1b[0m 68 %",
    ];
    terminal.screen.feed(lines.join("\r\n").as_bytes());
    terminal.screen.feed(b"\r\n");
    for base in [30, 90] {
        for index in 0..8 {
            terminal.screen.feed(format!("\x1b[{}m colour {index} \x1b[0m", base + index).as_bytes());
        }
        terminal.screen.feed(b"\r\n");
    }
    for base in [40, 100] {
        for index in 0..8 {
            terminal.screen.feed(format!("\x1b[{}m          \x1b[0m", base + index).as_bytes());
        }
        terminal.screen.feed(b"\r\n");
    }
    for column in 0..80 {
        let (red, green) = (255 - column * 3, column * 3);
        terminal.screen.feed(format!("\x1b[48;2;{red};{green};160m ").as_bytes());
    }
    terminal.screen.feed(b"\x1b[0m\r\n");
    for index in 16..96 {
        terminal.screen.feed(format!("\x1b[48;5;{index}m ").as_bytes());
    }
    terminal.screen.feed("\x1b[0m\r\n\x1b[32mdiego@ochre\x1b[0m:\x1b[34m~\x1b[0m$ cargo t".as_bytes());
}

fn picture(name: &str, size: f32, theme: Theme) -> Terminal {
    let mut terminal = Terminal::new(80, 19, size, theme);
    page(&mut terminal);
    terminal.screen.select(Select::Characters, Place { row: 3, column: 4, right: false });
    terminal.screen.select_to(Place { row: 3, column: 18, right: true });
    terminal.draw();
    terminal.save(name);
    terminal
}

#[test]
fn pages() {
    for (name, size, theme) in [
        ("terminal-dark", 15.0, DARK),
        ("terminal-light", 15.0, LIGHT),
        ("terminal-dark-2x", 30.0, DARK),
        ("terminal-small", 12.0, DARK),
    ] {
        let terminal = picture(name, size, theme);
        // The selection, the gradient's left end, the cursor.
        let metrics = terminal.painter.metrics();
        let at = |row: usize, column: usize| terminal.at(8 + column * metrics.width, 8 + row * metrics.height);
        assert_eq!((at(3, 4), at(3, 3)), (pixel(theme.selection), pixel(theme.background)), "{name}");
        assert_eq!(at(15, 0), pixel([255, 0, 160]), "{name}");
        assert_eq!(at(17, 22), pixel(theme.cursor), "{name}");
        assert_eq!(terminal.screen.selected().as_deref(), Some("quick brown fox"));
    }
}

/// Every character that goes to an edge must go on in its neighbour, without a gap and without a step.
#[test]
fn boxes_join() {
    for size in [9.0, 12.0, 13.0, 15.0, 18.0, 24.0, 30.0] {
        let (light, heavy, double) = (["─", "│", "┼"], ["━", "┃", "╋"], ["═", "║", "╬"]);
        for [across, upright, cross] in [light, heavy, double] {
            let mut terminal = Terminal::new(3, 3, size, DARK);
            let text = format!("\x1b[?25l {upright} \r\n{across}{cross}{across}\r\n {upright} ");
            terminal.screen.feed(text.as_bytes());
            terminal.draw();
            let metrics = terminal.painter.metrics();
            let background = pixel(DARK.background);
            let column = |x: usize| {
                (0..metrics.height)
                    .map(|y| terminal.at(8 + x, 8 + metrics.height + y) != background)
                    .collect::<Vec<_>>()
            };
            let row = |y: usize| {
                (0..metrics.width).map(|x| terminal.at(8 + metrics.width + x, 8 + y) != background).collect::<Vec<_>>()
            };
            let edge = |of: &[bool]| of.iter().any(|&set| set);
            assert!(edge(&column(0)) && edge(&row(0)), "{cross} at {size}");
            for at in [metrics.width, 2 * metrics.width] {
                assert_eq!(column(at - 1), column(at), "{across}{cross} at {size}");
            }
            for at in [metrics.height, 2 * metrics.height] {
                assert_eq!(row(at - 1), row(at), "{upright}{cross} at {size}");
            }
        }
    }
}

#[test]
fn corners_have_no_gaps() {
    for size in [9.0, 12.0, 15.0, 18.0, 30.0] {
        for frame in ["┌┐└┘", "┏┓┗┛", "╔╗╚╝", "╭╮╰╯", "╒╕╘╛", "╓╖╙╜"] {
            let corners: Vec<char> = frame.chars().collect();
            let mut terminal = Terminal::new(2, 2, size, DARK);
            terminal
                .screen
                .feed(format!("\x1b[?25l{}{}\r\n{}{}", corners[0], corners[1], corners[2], corners[3]).as_bytes());
            terminal.draw();
            terminal.save("corners");
            // From outside nothing inside can be reached: the frame is closed.
            let height = terminal.pixels.len() / terminal.width;
            let mut reached = vec![false; terminal.pixels.len()];
            let mut todo = vec![0_usize];
            while let Some(at) = todo.pop() {
                let free = terminal.pixels[at] == pixel(DARK.background);
                if !free || core::mem::replace(&mut reached[at], true) {
                    continue;
                }
                let (x, y) = (at % terminal.width, at / terminal.width);
                todo.extend(
                    [(x > 0).then(|| at - 1), (x + 1 < terminal.width).then_some(at + 1)].into_iter().flatten(),
                );
                todo.extend(
                    [(y > 0).then(|| at - terminal.width), (y + 1 < height).then_some(at + terminal.width)]
                        .into_iter()
                        .flatten(),
                );
            }
            let metrics = terminal.painter.metrics();
            let middle = (8 + metrics.height) * terminal.width + 8 + metrics.width;
            assert!(!reached[middle], "{frame} at {size}");
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// Drawing only what has changed gives the same picture as drawing everything, and nothing else is touched.
#[test]
fn changes_are_all_that_is_drawn() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut terminal = Terminal::new(40, 10, 12.0, DARK);
    terminal.draw();
    for step in 0..600 {
        let before = terminal.pixels.clone();
        match random.below(12) {
            0 => {
                _ = terminal.screen.feed(format!("\x1b[{};{}H", 1 + random.below(10), 1 + random.below(40)).as_bytes())
            }
            1 => _ = terminal.screen.feed(format!("\x1b[{}m", [0, 1, 3, 4, 7, 31, 44, 92][random.below(8)]).as_bytes()),
            2 => {
                _ = terminal
                    .screen
                    .feed(["\r\n", "\x1b[K", "\x1b[2J", "\x1bM", "\x1b[3L", "\x1b[2P"][random.below(6)].as_bytes())
            }
            3 => terminal.screen.scroll(random.below(7) as i32 - 3),
            4 => terminal.screen.scroll_to_end(),
            5 => terminal.screen.select(
                [Select::Characters, Select::Block, Select::Words, Select::Lines][random.below(4)],
                Place { row: random.below(12), column: random.below(45), right: random.below(2) == 0 },
            ),
            6 => terminal.screen.select_to(Place { row: random.below(10), column: random.below(40), right: true }),
            7 => terminal.screen.deselect(),
            8 => terminal.painter.set_focused(random.below(2) == 0),
            9 => _ = terminal.screen.feed(format!("\x1b[{} q", random.below(7)).as_bytes()),
            _ => {
                _ = terminal.screen.feed(
                    ["word ", "漢字", "e\u{301}", "─┼─", "a longer text to wrap around "][random.below(5)].as_bytes(),
                )
            }
        }
        let areas = terminal.draw();
        for (at, (old, new)) in before.iter().zip(&terminal.pixels).enumerate() {
            let y = at / terminal.width;
            let told = areas.iter().any(|area| (area.y..area.y + area.height).contains(&y));
            assert!(old == new || told, "step {step}: row {y} of pixels has changed");
        }
        let drawn = terminal.pixels.clone();
        terminal.painter.start_afresh();
        terminal.draw();
        assert!(drawn == terminal.pixels, "step {step}: something was not drawn");
    }
}

#[test]
fn a_letter_changes_one_row() {
    let mut terminal = Terminal::new(80, 24, 15.0, DARK);
    terminal.draw();
    assert_eq!(terminal.draw(), []);
    terminal.screen.feed(b"x");
    let areas = terminal.draw();
    assert_eq!((areas.len(), areas[0].height), (1, terminal.painter.metrics().height));
}
