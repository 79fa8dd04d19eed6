//! The discipline by examples, and what must hold whatever comes.

extern crate std;

use core::time::Duration;
use std::prelude::v1::*;
use std::{format, vec};

use ochre_abi::terminal::character::*;
use ochre_abi::terminal::{Termios, flow, input, local, output, packet, queue};

use crate::{Effects, INPUT_MAX, Line, OUTPUT_MAX, Read, Signals};

const ZERO: Duration = Duration::ZERO;

fn tenths(count: u64) -> Duration {
    Duration::from_millis(100 * count)
}

fn with(change: impl FnOnce(&mut Termios)) -> Line {
    let mut line = Line::new();
    let mut termios = *line.termios();
    change(&mut termios);
    line.set_termios(&termios);
    line
}

fn raw(least: u8, time: u8) -> Line {
    with(|termios| {
        (termios.input, termios.output, termios.local) = (0, 0, 0);
        (termios.characters[VMIN], termios.characters[VTIME]) = (least, time);
    })
}

fn typed(line: &mut Line, bytes: &[u8]) -> Effects {
    let mut effects = Effects::default();
    assert_eq!(line.receive(bytes, ZERO, &mut effects), bytes.len());
    effects
}

/// What one read gives; `None` when it waits.
fn read(line: &mut Line, room: usize) -> Option<Vec<u8>> {
    let mut buf = vec![0; room];
    match line.read(&mut buf, false, ZERO, ZERO) {
        Read::Done(count) => Some(buf[..count].to_vec()),
        Read::Wait(_) => None,
    }
}

/// All that can be read.
fn read_all(line: &mut Line) -> Vec<Vec<u8>> {
    core::iter::from_fn(|| read(line, 1 << 16)).take(100).collect()
}

fn shown(line: &mut Line) -> Vec<u8> {
    let mut buf = vec![0; line.output_count()];
    let count = line.take_output(&mut buf);
    buf.truncate(count);
    buf
}

/// What is typed, what comes of it for the program (one entry a read), and what the terminal shows.
struct Example {
    about: &'static str,
    change: fn(&mut Termios),
    typed: &'static [u8],
    read: &'static [&'static [u8]],
    shown: &'static [u8],
}

const fn plain(
    about: &'static str,
    typed: &'static [u8],
    read: &'static [&'static [u8]],
    shown: &'static [u8],
) -> Example {
    Example { about, change: |_| {}, typed, read, shown }
}

const fn set(
    about: &'static str,
    change: fn(&mut Termios),
    typed: &'static [u8],
    read: &'static [&'static [u8]],
    shown: &'static [u8],
) -> Example {
    Example { about, change, typed, read, shown }
}

const WIPE: &[u8] = b"\x08 \x08";

const EXAMPLES: &[Example] = &[
    plain("a line", b"hello\r", &[b"hello\n"], b"hello\r\n"),
    plain("newline as such", b"hello\n", &[b"hello\n"], b"hello\r\n"),
    plain("an unfinished line is not read", b"hello", &[], b"hello"),
    plain("several lines, one a read", b"a\rbc\r\rd", &[b"a\n", b"bc\n", b"\n"], b"a\r\nbc\r\n\r\nd"),
    plain("erase", b"ab\x7fc\r", &[b"ac\n"], b"ab\x08 \x08c\r\n"),
    plain("erase stops at the start of the line", b"a\x7f\x7f\x7fb\r", &[b"b\n"], b"a\x08 \x08b\r\n"),
    plain("erase does not reach the line before", b"a\r\x7fb\r", &[b"a\n", b"b\n"], b"a\r\nb\r\n"),
    plain("erase of a control character", b"\x01\x7f\r", &[b"\n"], b"^A\x08 \x08\x08 \x08\r\n"),
    plain("erase of two bytes", "é\x7fx\r".as_bytes(), &[b"x\n"], b"\xc3\xa9\x08 \x08x\r\n"),
    plain("erase of a wide character", "漢\x7f\r".as_bytes(), &[b"\n"], "漢\x08 \x08\x08 \x08\r\n".as_bytes()),
    plain("erase of a combining character", "e\u{301}\x7f\r".as_bytes(), &[b"e\n"], "e\u{301}\r\n".as_bytes()),
    plain("erase of four bytes", "😀\x7f\r".as_bytes(), &[b"\n"], "😀\x08 \x08\x08 \x08\r\n".as_bytes()),
    plain("erase of a lone continuation", b"\xa9\x7f\r", &[b"\n"], b"\xa9\x08 \x08\r\n"),
    plain("erase of a tab", b"abc\t\x7f\r", &[b"abc\n"], b"abc\t\x08 \x08\x08 \x08\x08 \x08\x08 \x08\x08 \x08\r\n"),
    plain(
        "erase of a tab behind a wide character",
        "漢\t\x7f\r".as_bytes(),
        &["漢\n".as_bytes()],
        "漢\t\x08 \x08\x08 \x08\x08 \x08\x08 \x08\x08 \x08\x08 \x08\r\n".as_bytes(),
    ),
    set(
        "erase without UTF-8",
        |t| t.input &= !input::IUTF8,
        "é\x7f\r".as_bytes(),
        &[b"\xc3\n"],
        b"\xc3\xa9\x08 \x08\r\n",
    ),
    set("erase without ECHOE", |t| t.local &= !local::ECHOE, b"ab\x7f\r", &[b"a\n"], b"ab^?\r\n"),
    set("erase without ECHO", |t| t.local &= !local::ECHO, b"ab\x7f\r", &[b"a\n"], b""),
    set("backspace as erase", |t| t.characters[VERASE] = 8, b"ab\x08\r", &[b"a\n"], b"ab\x08 \x08\r\n"),
    set("erase switched off", |t| t.characters[VERASE] = 0, b"a\x7f\0\r", &[b"a\x7f\0\n"], b"a^?^@\r\n"),
    plain("word erase", b"one two\x17x\r", &[b"one x\n"], b"one two\x08 \x08\x08 \x08\x08 \x08x\r\n"),
    plain(
        "word erase over what follows the word",
        b"a bc  \x17\r",
        &[b"a \n"],
        b"a bc  \x08 \x08\x08 \x08\x08 \x08\x08 \x08\r\n",
    ),
    plain("word erase stops at a slash", b"/a/b\x17\r", &[b"/a/\n"], b"/a/b\x08 \x08\r\n"),
    plain("word erase of letters beyond ASCII", "a éü\x17\r".as_bytes(), &[b"a \n"], {
        "a éü\x08 \x08\x08 \x08\r\n".as_bytes()
    }),
    set("word erase needs IEXTEN", |t| t.local &= !local::IEXTEN, b"a\x17\r", &[b"a\x17\n"], b"a^W\r\n"),
    plain("kill", b"abc\x15d\r", &[b"d\n"], b"abc\x08 \x08\x08 \x08\x08 \x08d\r\n"),
    plain("kill of nothing", b"\x15d\r", &[b"d\n"], b"d\r\n"),
    set("kill without ECHOKE", |t| t.local &= !local::ECHOKE, b"abc\x15d\r", &[b"d\n"], b"abc^U\r\nd\r\n"),
    set("kill without ECHOK", |t| t.local &= !(local::ECHOKE | local::ECHOK), b"abc\x15d\r", &[b"d\n"], b"abc^Ud\r\n"),
    plain("reprint", b"ab\x12c\r", &[b"abc\n"], b"ab^R\r\nabc\r\n"),
    plain("next as it is", b"\x16\x03\x16\x7f\r", &[b"\x03\x7f\n"], b"^\x08^C^\x08^?\r\n"),
    plain("a newline that ends no line", b"a\x16\nb\r", &[b"a\nb\n"], b"a^\x08^Jb\r\n"),
    plain("a quoted carriage return", b"\x16\r\r", &[b"\r\n"], b"^\x08^M\r\n"),
    plain("end of input at the start", b"\x04", &[b""], b""),
    plain("end of input twice", b"\x04\x04", &[b"", b""], b""),
    plain("end of input pushes what is there", b"abc\x04", &[b"abc"], b"abc"),
    plain("end of input behind a line", b"a\r\x04b\r", &[b"a\n", b"", b"b\n"], b"a\r\nb\r\n"),
    set("another end of line", |t| t.characters[VEOL] = b';', b"a;b\r", &[b"a;", b"b\n"], b"a;b\r\n"),
    set("a third end of line", |t| t.characters[VEOL2] = b'!', b"a!\r", &[b"a!", b"\n"], b"a!\r\n"),
    set(
        "the third one needs IEXTEN",
        |t| {
            t.characters[VEOL2] = b'!';
            t.local &= !local::IEXTEN;
        },
        b"a!\r",
        &[b"a!\n"],
        b"a!\r\n",
    ),
    set("carriage return left out", |t| t.input |= input::IGNCR, b"a\rb\n", &[b"ab\n"], b"ab\r\n"),
    set("carriage return kept", |t| t.input &= !input::ICRNL, b"a\r\n", &[b"a\r\n"], b"a^M\r\n"),
    set("newline becomes carriage return", |t| t.input = input::INLCR, b"a\n\x04", &[b"a\r"], b"a^M"),
    set("seven bits", |t| t.input |= input::ISTRIP, b"\xe1\x8d", &[b"a\n"], b"a\r\n"),
    set("doubtful bytes marked", |t| t.input = input::PARMRK | input::ICRNL, b"\xff\r", &[b"\xff\xff\n"], b"\xff\r\n"),
    set("only newlines shown", |t| t.local = local::ICANON | local::ECHONL, b"ab\n", &[b"ab\n"], b"\r\n"),
    set("control characters as they are", |t| t.local &= !local::ECHOCTL, b"\x01\x7f\r", &[b"\n"], b"\x01\r\n"),
    set("no signals", |t| t.local &= !local::ISIG, b"\x03\r", &[b"\x03\n"], b"^C\r\n"),
    set("without lines", |t| t.local &= !local::ICANON, b"a\x7f\x04", &[b"a\x7f\x04"], b"a^?^D"),
    set("without lines, newline shown", |t| t.local &= !local::ICANON, b"a\r", &[b"a\n"], b"a\r\n"),
    set("without processing of output", |t| t.output = 0, b"a\r", &[b"a\n"], b"a\n"),
];

#[test]
fn examples() {
    for example in EXAMPLES {
        let mut line = with(example.change);
        typed(&mut line, example.typed);
        assert_eq!(shown(&mut line), example.shown, "{}: shown", example.about);
        assert_eq!(read_all(&mut line), example.read, "{}: read", example.about);
    }
}

#[test]
fn what_is_typed_in_pieces_is_the_same() {
    for example in EXAMPLES {
        let mut line = with(example.change);
        let mut all = Vec::new();
        for byte in example.typed {
            typed(&mut line, &[*byte]);
            all.extend(shown(&mut line));
        }
        assert_eq!(all, example.shown, "{}: shown", example.about);
        assert_eq!(read_all(&mut line), example.read, "{}: read", example.about);
    }
}

#[test]
fn a_line_is_read_in_pieces() {
    let mut line = Line::new();
    typed(&mut line, b"hello\rx\r");
    let pieces: Vec<_> = [2, 10, 1, 1].map(|room| read(&mut line, room).unwrap()).into();
    assert_eq!(pieces, [&b"he"[..], b"llo\n", b"x", b"\n"]);
    typed(&mut line, b"abc\x04");
    // The end of input that pushed these is used up with the last of them.
    assert_eq!((read(&mut line, 3), read(&mut line, 3)), (Some(b"abc".to_vec()), None));
    assert_eq!(read(&mut line, 0), Some(Vec::new()));
}

#[test]
fn signals() {
    for (byte, signal, seen) in
        [(3, Signals::INTERRUPT, b"^C"), (0x1c, Signals::QUIT, b"^\\"), (0x1a, Signals::SUSPEND, b"^Z")]
    {
        let mut line = Line::new();
        assert_eq!(line.write(b"output"), 6);
        let effects = typed(&mut line, &[b'a', b'\r', b'b', byte, b'c', b'\r']);
        assert_eq!(effects.signals, signal);
        let flushed = packet::FLUSH_READ | if signal == Signals::SUSPEND { 0 } else { packet::FLUSH_WRITE };
        assert_eq!(effects.packet, flushed);
        assert_eq!(read_all(&mut line), [b"c\n"]);
        let rest = [&seen[..], b"c\r\n"].concat();
        let expected = if signal == Signals::SUSPEND { [b"outputa\r\nb", &rest[..]].concat() } else { rest };
        assert_eq!(shown(&mut line), expected);
    }
}

#[test]
fn signals_that_flush_nothing() {
    let mut line = with(|termios| termios.local |= local::NOFLSH);
    let effects = typed(&mut line, b"a\x03b\r");
    assert_eq!(effects, Effects { signals: Signals::INTERRUPT, packet: 0 });
    assert_eq!(read_all(&mut line), [b"ab\n"]);
}

#[test]
fn a_signal_comes_through_full_input() {
    let mut line = raw(1, 0);
    let mut termios = *line.termios();
    termios.local = local::ISIG;
    line.set_termios(&termios);
    typed(&mut line, &[b'x'; INPUT_MAX]);
    let mut effects = Effects::default();
    assert_eq!(line.receive(b"x", ZERO, &mut effects), 0);
    assert_eq!(line.receive(b"\x03", ZERO, &mut effects), 1);
    assert_eq!((effects.signals, line.input_count()), (Signals::INTERRUPT, 0));
}

#[test]
fn output_is_held_back() {
    let mut line = Line::new();
    assert_eq!(typed(&mut line, b"\x13").packet, packet::STOP);
    assert_eq!(line.write(b"abc"), 3);
    assert_eq!((line.output_ready(), line.output_count(), shown(&mut line)), (0, 3, vec![]));
    // Only the start character lets it go on, until IXANY is set.
    typed(&mut line, b"x");
    assert_eq!(line.output_ready(), 0);
    assert_eq!(typed(&mut line, b"\x11").packet, packet::START);
    assert_eq!(shown(&mut line), b"abcx");
    let mut line = with(|termios| termios.input |= input::IXANY);
    typed(&mut line, b"\x13");
    line.write(b"abc");
    typed(&mut line, b"x\r");
    assert_eq!(shown(&mut line), b"abcx\r\n");
    assert_eq!(read_all(&mut line), [b"x\n"]);
}

#[test]
fn an_interrupt_lets_output_go_on() {
    let mut line = Line::new();
    typed(&mut line, b"\x13");
    line.write(b"abc");
    typed(&mut line, b"\x03");
    assert_eq!(shown(&mut line), b"^C");
}

#[test]
fn one_character_for_stop_and_start() {
    let mut line = with(|termios| termios.characters[VSTART] = 0x13);
    line.write(b"a");
    typed(&mut line, b"\x13");
    assert_eq!(line.output_ready(), 0);
    typed(&mut line, b"\x13");
    assert_eq!(line.output_ready(), 1);
}

#[test]
fn without_flow_control_nothing_stays_held() {
    let mut line = Line::new();
    typed(&mut line, b"\x13");
    line.write(b"abc");
    let termios = Termios { input: 0, ..*line.termios() };
    assert_eq!(line.set_termios(&termios).packet, packet::START | packet::NO_STOP);
    assert_eq!(shown(&mut line), b"abc");
    assert_eq!(line.set_termios(&Termios::SANE).packet, packet::DO_STOP);
}

#[test]
fn flow_by_programs() {
    let mut line = Line::new();
    line.write(b"abc");
    assert_eq!(line.flow(flow::OUTPUT_OFF).unwrap().packet, packet::STOP);
    assert_eq!(line.flow(flow::OUTPUT_OFF).unwrap().packet, 0);
    assert_eq!(shown(&mut line), b"");
    line.flow(flow::INPUT_OFF).unwrap();
    assert_eq!(shown(&mut line), b"\x13");
    line.flow(flow::INPUT_ON).unwrap();
    line.flow(flow::OUTPUT_ON).unwrap();
    assert_eq!(shown(&mut line), b"\x11abc");
    assert_eq!(line.flow(9), None);
}

#[test]
fn full_input_asks_the_other_end_to_stop() {
    let mut line = raw(1, 0);
    let termios = Termios { input: input::IXOFF, ..*line.termios() };
    line.set_termios(&termios);
    typed(&mut line, &[b'x'; INPUT_MAX]);
    assert_eq!(shown(&mut line), b"\x13");
    read(&mut line, INPUT_MAX / 2);
    assert_eq!(shown(&mut line), b"");
    read(&mut line, INPUT_MAX / 2);
    assert_eq!(shown(&mut line), b"\x11");
}

#[test]
fn queues_are_thrown_away() {
    let mut line = Line::new();
    typed(&mut line, b"a\rb");
    shown(&mut line);
    line.write(b"out");
    assert_eq!(line.flush(queue::INPUT).unwrap().packet, packet::FLUSH_READ);
    assert_eq!((read(&mut line, 9), line.output_count()), (None, 3));
    assert_eq!(line.flush(queue::OUTPUT).unwrap().packet, packet::FLUSH_WRITE);
    assert_eq!(line.output_count(), 0);
    assert!(line.flush(queue::BOTH).is_some() && line.flush(7).is_none());
}

#[test]
fn processing_of_output() {
    use output::*;
    let cases: &[(u32, &[u8], &[u8])] = &[
        (OPOST | ONLCR, b"a\nb\n\n", b"a\r\nb\r\n\r\n"),
        (OPOST, b"a\nb\r\n", b"a\nb\r\n"),
        (ONLCR, b"a\n", b"a\n"),
        (OPOST | OCRNL, b"a\rb", b"a\nb"),
        (OPOST | OCRNL | ONLCR, b"a\r", b"a\n"),
        (OPOST | ONOCR, b"\ra\r\rb", b"a\rb"),
        (OPOST | ONLRET | ONOCR, b"a\n\rb", b"a\nb"),
        (OPOST | OLCUC, b"aB\xc3\xa9", b"AB\xc3\xa9"),
        (OPOST | TAB3, b"\ta\tbcdefgh\t\tx", b"        a       bcdefgh         x"),
        (OPOST | ONLCR | TAB3, b"ab\n\t|", b"ab\r\n        |"),
        (OPOST | TAB3, b"a\x08\t|", b"a\x08        |"),
        (0, b"\t\r\n", b"\t\r\n"),
    ];
    for (flags, from, to) in cases {
        let mut line = with(|termios| termios.output = *flags);
        assert_eq!(line.write(from), from.len());
        assert_eq!(shown(&mut line), *to, "{flags:o} {from:?}");
        let mut line = with(|termios| termios.output = *flags);
        from.iter().for_each(|byte| assert_eq!(line.write(&[*byte]), 1));
        assert_eq!(shown(&mut line), *to, "{flags:o} {from:?} by bytes");
    }
}

#[test]
fn a_tab_behind_a_prompt_is_erased_to_where_it_began() {
    let mut line = Line::new();
    line.write("é> ".as_bytes());
    shown(&mut line);
    typed(&mut line, b"\t\x7f");
    assert_eq!(shown(&mut line), [&b"\t"[..], &WIPE.repeat(5)].concat());
}

#[test]
fn the_least_bytes_of_a_read() {
    let mut line = raw(3, 0);
    typed(&mut line, b"ab");
    assert_eq!((read(&mut line, 9), line.is_readable()), (None, false));
    // A smaller buffer is enough when it is full, and who does not wait takes what there is.
    assert_eq!(read(&mut line, 1), Some(b"a".to_vec()));
    assert_eq!(line.read(&mut [0; 9], true, ZERO, ZERO), Read::Done(1));
    assert_eq!(line.read(&mut [0; 9], true, ZERO, ZERO), Read::Wait(None));
    typed(&mut line, b"abcd");
    assert_eq!((line.is_readable(), read(&mut line, 9)), (true, Some(b"abcd".to_vec())));
}

#[test]
fn a_read_that_waits_for_nothing() {
    let mut line = raw(0, 0);
    assert_eq!(read(&mut line, 9), Some(Vec::new()));
    typed(&mut line, b"a");
    assert_eq!(read(&mut line, 9), Some(b"a".to_vec()));
}

#[test]
fn a_read_with_a_time() {
    let mut line = raw(0, 5);
    let mut buf = [0; 9];
    assert_eq!(line.read(&mut buf, false, tenths(10), tenths(10)), Read::Wait(Some(tenths(15))));
    assert_eq!(line.read(&mut buf, false, tenths(10), tenths(14)), Read::Wait(Some(tenths(15))));
    assert_eq!(line.read(&mut buf, false, tenths(10), tenths(15)), Read::Done(0));
    typed(&mut line, b"a");
    assert_eq!(line.read(&mut buf, false, tenths(10), tenths(11)), Read::Done(1));
}

#[test]
fn a_time_between_bytes() {
    let mut line = raw(3, 5);
    let mut buf = [0; 9];
    // Without a first byte it waits for ever.
    assert_eq!(line.read(&mut buf, false, tenths(1), tenths(100)), Read::Wait(None));
    line.receive(b"a", tenths(100), &mut Effects::default());
    assert_eq!(line.read(&mut buf, false, tenths(1), tenths(101)), Read::Wait(Some(tenths(105))));
    line.receive(b"b", tenths(104), &mut Effects::default());
    assert_eq!(line.read(&mut buf, false, tenths(1), tenths(105)), Read::Wait(Some(tenths(109))));
    assert_eq!(line.read(&mut buf, false, tenths(1), tenths(109)), Read::Done(2));
    // What was there before the read began counts from then.
    line.receive(b"c", tenths(110), &mut Effects::default());
    assert_eq!(line.read(&mut buf, false, tenths(200), tenths(200)), Read::Wait(Some(tenths(205))));
    assert!(line.is_readable());
}

#[test]
fn lines_become_bytes_and_bytes_lines() {
    let mut line = Line::new();
    typed(&mut line, b"a\rbc");
    let bytes = Termios { local: 0, ..Termios::SANE };
    line.set_termios(&bytes);
    assert_eq!(line.input_count(), 4);
    line.set_termios(&Termios::SANE);
    assert_eq!((line.input_count(), read_all(&mut line)), (2, vec![b"a\n".to_vec()]));
    typed(&mut line, b"\x7fd\r");
    assert_eq!(read_all(&mut line), [b"bd\n"]);
    typed(&mut line, b"x\x04\x04");
    line.set_termios(&bytes);
    assert_eq!(read(&mut line, 9), Some(b"x".to_vec()));
}

#[test]
fn a_line_that_is_too_long() {
    let mut line = with(|termios| termios.input |= input::IMAXBEL);
    typed(&mut line, &[b'x'; 5000]);
    let seen = shown(&mut line);
    assert_eq!(seen.iter().filter(|&&byte| byte == b'x').count(), 4095);
    assert_eq!(seen.iter().filter(|&&byte| byte == 7).count(), 905);
    typed(&mut line, b"\x7fy\r");
    let got = read(&mut line, 9000).unwrap();
    assert_eq!((got.len(), &got[4093..]), (4096, &b"xy\n"[..]));
}

#[test]
fn lines_that_nobody_reads_make_the_terminal_wait() {
    let mut line = Line::new();
    let mut effects = Effects::default();
    let mut taken = 0;
    for _ in 0..10_000 {
        taken += line.receive(b"a line\r", ZERO, &mut effects);
        shown(&mut line);
    }
    assert_eq!((taken, line.can_receive()), (INPUT_MAX, false));
    let ends = (0..10_000).map(|_| Line::receive(&mut line, b"\x04", ZERO, &mut effects)).sum::<usize>();
    assert_eq!(ends, 0);
    let mut line = Line::new();
    let ends = (0..10_000).map(|_| line.receive(b"\x04", ZERO, &mut effects)).sum::<usize>();
    assert_eq!(ends, 4096);
}

#[test]
fn output_that_nobody_takes_makes_programs_wait() {
    let mut line = Line::new();
    let mut taken = 0;
    loop {
        match line.write(&[b'\n'; 4096]) {
            0 => break,
            count => taken += count,
        }
    }
    assert!(line.output_count() <= OUTPUT_MAX && line.output_count() > OUTPUT_MAX - 8192);
    assert!(!line.can_write());
    // Echo has a place of its own, and an end as well.
    for _ in 0..100_000 {
        typed(&mut line, b"x\x7f");
    }
    assert!(line.output_count() < 2 * OUTPUT_MAX);
    let seen = shown(&mut line);
    assert_eq!(seen.iter().filter(|&&byte| byte == b'\n').count(), taken);
    assert!(line.can_write());
}

#[test]
fn unknown_bits_are_kept() {
    let odd = Termios { input: 0x8000_0000, control: 0x1234, discipline: 9, ..Termios::SANE };
    let mut line = Line::new();
    line.set_termios(&odd);
    assert_eq!(*line.termios(), Termios { discipline: 0, ..odd });
}

/// xorshift: numbers for the tests below.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let count = self.below(most);
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}

#[test]
fn bytes_come_through_as_they_are() {
    let mut random = Random(0x1234_5678_9abc_def1);
    for _ in 0..50 {
        let mut line = raw(1, 0);
        let (mut typed, mut got, mut written, mut seen) = (vec![], vec![], vec![], vec![]);
        for _ in 0..500 {
            match random.below(4) {
                0 => {
                    let bytes = random.bytes(3000);
                    let count = line.receive(&bytes, ZERO, &mut Effects::default());
                    typed.extend_from_slice(&bytes[..count]);
                }
                1 => got.extend(read(&mut line, random.below(3000)).unwrap_or_default()),
                2 => {
                    let bytes = random.bytes(9000);
                    let count = line.write(&bytes);
                    written.extend_from_slice(&bytes[..count]);
                }
                _ => {
                    let mut buf = vec![0; random.below(9000)];
                    let count = line.take_output(&mut buf);
                    seen.extend_from_slice(&buf[..count]);
                }
            }
        }
        got.extend(read_all(&mut line).concat());
        seen.extend(shown(&mut line));
        assert!(got == typed && seen == written);
    }
}

#[test]
fn whatever_comes_the_accounts_are_right() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..60 {
        let mut line = Line::new();
        for _ in 0..200 {
            let mut effects = Effects::default();
            match random.below(10) {
                0 => {
                    let mut bytes = [0; Termios::SIZE];
                    bytes.iter_mut().for_each(|byte| *byte = random.below(256) as u8);
                    // The high bytes of the words have no flags that count; the low ones come up often enough.
                    let termios = Termios::from_bytes(&bytes).unwrap();
                    line.set_termios(if random.below(2) == 0 { &Termios::SANE } else { &termios });
                }
                1 => _ = line.flow(random.below(5) as u64),
                2 => _ = line.flush(random.below(20) as u64),
                3 | 4 => _ = line.read(&mut vec![0; random.below(5000)], random.below(2) == 0, ZERO, tenths(300)),
                5 => _ = line.write(&random.bytes(20_000)),
                6 => _ = shown(&mut line),
                _ => {
                    let bytes = random.bytes(6000);
                    assert!(line.receive(&bytes, tenths(1), &mut effects) <= bytes.len());
                }
            }
            let about = || format!("round {round}: {:?}", line.termios());
            assert!(line.input_count() <= line.input.len(), "{}", about());
            assert!(line.input.len() <= INPUT_MAX + 4096, "{}", about());
            assert!(line.output_count() <= 2 * OUTPUT_MAX, "{}", about());
            assert_eq!(line.input.edited_bytes().count(), line.input.edited(), "{}", about());
        }
    }
}

/// Without special characters lines come out as they went in, however they are cut.
#[test]
fn lines_come_through_as_they_are() {
    let mut random = Random(77);
    let text: Vec<u8> =
        (0..20_000).map(|_| if random.below(30) == 0 { b'\n' } else { b' ' + random.below(90) as u8 }).collect();
    let text = [&text[..], b"\n"].concat();
    let mut line = Line::new();
    let (mut sent, mut got, mut seen) = (0, Vec::new(), Vec::new());
    while sent < text.len() {
        let end = (sent + random.below(2000)).min(text.len());
        sent += line.receive(&text[sent..end], ZERO, &mut Effects::default());
        seen.extend(shown(&mut line));
        for _ in 0..random.below(60) {
            got.extend(read(&mut line, 1 + random.below(40)).unwrap_or_default());
        }
    }
    while let Some(part) = read(&mut line, 100) {
        got.extend(part);
    }
    assert!(got == text);
    let crlf: Vec<u8> =
        text.iter().flat_map(|&byte| if byte == b'\n' { vec![b'\r', b'\n'] } else { vec![byte] }).collect();
    assert!(seen == crlf);
}
