//! Ends by signals, and what the summary of a crash says. The crashes happen in children.

use std::arch::asm;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ochre_guest::{Pipe, quiet_child};
use ochre_spawn::End;

use super::*;

/// What children do.
pub fn commit(role: &[String]) {
    match role[0].as_str() {
        "raise" => {
            // What Rust's library ignores from the start.
            set_action(libc::SIGPIPE, libc::SIG_DFL, 0, 0);
            raise(role[1].parse().expect("a number"));
        }
        "abort" => std::process::abort(),
        "null" => store(8),
        "overflow" => fall(0),
        "garbage" => garbage(),
        "handler" => {
            // The handler has no room: the stack is full.
            handle(libc::SIGSEGV, count, 0);
            fall(0);
        }
        "masked" => {
            handle(libc::SIGSEGV, count, 0);
            let _blocked = Blocked::new(bit(libc::SIGSEGV));
            store(8);
        }
        "twice" => {
            handle(libc::SIGSEGV, crash_again, 0);
            store(8);
        }
        "panic" => panic!("as told"),
        other => println!("no role {other}"),
    }
    std::process::exit(99);
}

#[inline(never)]
fn store(address: usize) {
    // SAFETY: none: it is to fault.
    unsafe { (address as *mut u8).write_volatile(1) };
}

extern "C" fn crash_again(_: std::ffi::c_int) {
    store(16);
}

#[inline(never)]
fn fall(depth: usize) {
    let room = black_box([depth as u8; 4096]);
    if depth != usize::MAX {
        fall(depth + 1);
    }
    black_box(room);
}

/// Stack and frame pointer lead nowhere, in a circle, or where nobody may look.
fn garbage() {
    // SAFETY: none.
    unsafe {
        asm!(
            "mov rbp, 0x123456789ab8",
            "mov rsp, 0xffff800000000008",
            "xor eax, eax",
            "mov [rax], rax",
            options(noreturn)
        )
    }
}

/// Runs a child; answers how it ended and what it said on standard error.
fn run_child(role: &[&str]) -> (End, String) {
    let Pipe { read, write } = Pipe::new().expect("a pipe");
    let process = quiet_child(role).inherit(0, 0).inherit(write.raw(), 2).start().expect("a child");
    drop(write);
    let (mut text, mut bytes) = (Vec::new(), [0; 4096]);
    loop {
        match read.read(&mut bytes).expect("its words") {
            0 => break,
            count => text.extend_from_slice(&bytes[..count]),
        }
    }
    (process.wait().expect("its end"), String::from_utf8_lossy(&text).into_owned())
}

pub fn ends() {
    // Whom a signal stops only another can let go on.
    for signal in (1..=64).filter(|signal| !(19..=22).contains(signal)) {
        let (end, text) = run_child(&["raise", &signal.to_string()]);
        match signal {
            17 | 18 | 23 | 28 => assert_eq!(end, End::Exited(99), "{signal}"),
            9 => assert_eq!(end, End::Signaled(9)),
            _ => assert_eq!(end, End::Signaled(signal as u8), "{signal}"),
        }
        let core = matches!(signal, 3..=8 | 11 | 24 | 25 | 31);
        assert_eq!(text.contains("registers"), core, "{signal}: {text}");
    }
}

fn assert_says(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "{line:?} is not in:\n{text}");
    }
}

const SECTIONS: [&str; 4] = ["registers\n", "  rip ", "backtrace\n", "memory\n"];

pub fn summary() {
    let (end, text) = run_child(&["null"]);
    assert!(matches!(end, End::Exception { vector: 14, address: 8, .. }), "{end}");
    assert_says(&text, &SECTIONS);
    assert_says(
        &text,
        &["signals (process ", "ended by SIGSEGV: write to 0x8: null pointer at 0x", "store + 0x", "main"],
    );
    let (end, text) = run_child(&["abort"]);
    assert_eq!(end, End::Signaled(libc::SIGABRT as u8));
    assert_says(&text, &SECTIONS);
    assert_says(&text, &["ended by SIGABRT: abort", "abort + 0x"]);
    let (end, text) = run_child(&["overflow"]);
    assert!(matches!(end, End::Exception { vector: 14, .. }), "{end}");
    assert_says(&text, &SECTIONS);
    assert_says(&text, &["ended by SIGSEGV: write to", "fall + 0x"]);
    for role in ["masked", "handler", "twice"] {
        let (end, text) = run_child(&[role]);
        assert!(matches!(end, End::Exception { vector: 14, .. }), "{role}: {end}");
        assert_says(&text, &SECTIONS);
    }
    let (end, text) = run_child(&["panic"]);
    assert_eq!(end, End::Signaled(libc::SIGABRT as u8));
    assert_says(&text, &["as told", "ended by SIGABRT: abort"]);
    let (end, text) = run_child(&["garbage"]);
    assert!(matches!(end, End::Exception { vector: 14, .. }), "{end}");
    assert_says(&text, &SECTIONS);
}

/// Standard error is a pipe that is full and that nobody reads: the end comes all the same.
pub fn no_hang() {
    let Pipe { read, write } = Pipe::new().expect("a pipe");
    write.write(&[0; 64 << 10]).expect("room");
    let start = Instant::now();
    let process = quiet_child(&["null"]).inherit(write.raw(), 2).start().expect("a child");
    let end = process.wait().expect("its end");
    assert_eq!(end, End::Signaled(libc::SIGSEGV as u8), "the watchdog's word");
    assert!(start.elapsed() < Duration::from_secs(60));
    drop(read);
}
