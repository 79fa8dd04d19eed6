//! Records in, lines out.

use super::*;

fn record(kind: Kind, thread: u32, call: usize, words: [usize; 5]) -> Record {
    Record {
        kind,
        target: Target::None,
        len: 0,
        thread,
        time: 0,
        call: call as u64,
        words: words.map(|word| word as u64),
        scheme: 0,
        number: 0,
    }
}

fn tracer() -> Tracer {
    Tracer::new(BTreeMap::from([(40, "file".into()), (41, "proc".into())]), SHOWN)
}

/// The lines of a call that one thread makes.
fn line(call: usize, words: [usize; 5], to: (Target, u64), sent: &[u8], result: i64, brought: &[u8]) -> Vec<String> {
    let mut tracer = tracer();
    let enter = Record { target: to.0, scheme: to.1, number: 7, ..record(Kind::Enter, 1, call, words) };
    let mut lines = tracer.step(&enter, sent);
    let leave = Record { target: to.0, scheme: to.1, ..record(Kind::Leave, 1, call, [result as usize, 0, 0, 0, 0]) };
    lines.extend(tracer.step(&leave, brought));
    lines
}

fn bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

const NOWHERE: (Target, u64) = (Target::None, 0);
const FILE: (Target, u64) = (Target::User, 40);

#[test]
fn calls_are_lines() {
    let open = [3, 0x1000, 5 | O_NONBLOCK, O_RDONLY | O_CREAT | 0o644, ochre_abi::UPPER | 9];
    for (lines, wanted) in [
        (line(SYS_WRITE, [1, 0x1000, 3, 0, 0], FILE, b"hi\n", 3, b""), r#"write(1<file #7>, "hi\n", 3) = 3"#),
        (
            line(SYS_READ, [0, 0x1000, 99, 0, 0], (Target::Kernel, 9), b"", 2, b"ab"),
            r#"read(0<kernel.proc>, "ab", 99) = 2"#,
        ),
        (
            line(SYS_OPENAT_INTO2, open, FILE, b"a/b/c", -2, b""),
            r#"openat(3<file #7>, "a/b/c", O_RDONLY|O_CREAT|O_NONBLOCK, u9) = error 2 (No such file or directory)"#,
        ),
        (line(SYS_CLOSE, [3, 0, 0, 0, 0], FILE, b"", 0, b""), "close(3<file #7>) = 0"),
        (line(SYS_YIELD, [1, 2, 3, 4, 5], NOWHERE, b"", 0, b""), "yield() = 0"),
        (line(SYS_FUTEX, [0x20000, 1, 1, 0, 0], NOWHERE, b"", 0, b""), "futex(0x20000, WAKE, 1) = 0"),
        (
            line(4, [1, 2, 3, 4, 5], NOWHERE, b"", -38, b""),
            "call_0x4(1, 2, 3, 4, 5) = error 38 (Function not implemented)",
        ),
        (line(SYS_NANOSLEEP, [0x1000, 0, 0, 0, 0], NOWHERE, &bytes(&[1, 500]), 0, b""), "nanosleep(1 s 500 ns) = 0"),
        (
            line(SYS_FMAP, [3, 0x1000, 32, 0, 0], FILE, &bytes(&[0, 4096, 0x2_0002, 0]), 0x20000, b""),
            "fmap(3<file #7>, 0x1000 bytes from 0x0 at 0, PROT_WRITE|MAP_PRIVATE) = 0x20000",
        ),
    ] {
        assert_eq!(lines, [wanted]);
    }
}

#[test]
fn processes_that_are_started_are_told() {
    let mut tracer = tracer();
    let born = |pid, followed| record(Kind::Born, 5, 0, [pid, followed, 0, 0, 0]);
    assert_eq!(tracer.step(&born(12, 0), b""), ["--- process 12 is started, and not followed"]);
    assert_eq!(tracer.children().count(), 0);
    assert_eq!(tracer.step(&born(13, 1), b""), ["--- process 13 is started: thread 5"]);
    assert_eq!(tracer.children().collect::<Vec<_>>(), [13]);
    // From now on it is said which thread calls.
    let lines = tracer.step(&record(Kind::Enter, 5, SYS_YIELD, [0; 5]), b"");
    assert!(lines.is_empty());
    let lines = tracer.step(&record(Kind::Leave, 5, SYS_YIELD, [0; 5]), b"");
    assert!(lines[0].contains('5') && lines[0].ends_with("yield() = 0"), "{lines:?}");
}

#[test]
fn messages_have_words_and_payloads() {
    let flags = CallFlags::READ.bits() | CallFlags::WRITE.bits() | 2;
    let words = bytes(&[ochre_abi::process::Verb::Ids as u64, 12, 0]);
    let sent = [&words[..], b"in"].concat();
    let brought = [&words[..], b"out"].concat();
    let lines = line(SYS_CALL, [4, 0x1000, 3, flags, 0], (Target::User, 41), &sent, 3, &brought);
    assert_eq!(lines, [r#"call(4<proc #7>, [Ids, 12], "out", WRITE|READ) = 3"#]);
    let flags = CallFlags::STD_FS.bits() | 1;
    let lines = line(SYS_CALL, [4, 0, 0, flags, 0], FILE, &bytes(&[StdFsCallKind::Fsync as u64, 0, 0]), 0, b"");
    assert_eq!(lines, ["call(4<file #7>, [Fsync], 0 bytes, STD_FS) = 0"]);
}

#[test]
fn a_daemon_shows_what_it_is_asked_and_answers() {
    let socket = (Target::Socket, 40);
    let request = bytes(&[5 | 9 << 32, 4, 0x1000, 100, 0, 0, 0, 12]);
    let flags = CallFlags::READ.bits() | CallFlags::WRITE.bits() | 3;
    let words = bytes(&[0, 1, 1]);
    let answer = bytes(&[8 << 32, 50]);
    let lines = line(
        SYS_CALL,
        [4, 0x1000, 64, flags, 0x2000],
        socket,
        &[&words[..], &answer, &[0; 48]].concat(),
        2,
        &[&words[..], &request].concat(),
    );
    assert_eq!(
        lines,
        [
            "  -> answer to 8: 50",
            "call(4<socket of file>, [0, 1, 1], 64 bytes, WRITE|READ) = 2",
            "  <- request 9: Read(#4, 100 bytes at 0, flags 0x0) from process 12, user 0, group 0"
        ]
    );
    // Only the answer was given: what lies in the buffer is no request.
    let lines = line(SYS_CALL, [4, 0x1000, 64, flags, 0x2000], socket, &[&words[..], &answer].concat(), 1, &words);
    assert_eq!(lines.len(), 2);
    let lines = line(SYS_READ, [4, 0x1000, 64, 0, 0], socket, b"", 64, &request);
    assert!(lines[1].starts_with("  <- request 9: Read"), "{lines:?}");
    let lines = line(SYS_WRITE, [4, 0x1000, 16, 0, 0], socket, &answer, 16, b"");
    assert_eq!(lines[0], "  -> answer to 8: 50");
}

#[test]
fn threads_that_wait_are_shown_before_they_are_answered() {
    let mut tracer = tracer();
    let enter = |thread, fd| record(Kind::Enter, thread, SYS_READ, [fd, 0x1000, 4, 0, 0]);
    let leave = |thread, result| record(Kind::Leave, thread, SYS_READ, [result, 0, 0, 0, 0]);
    assert_eq!(tracer.step(&enter(1, 5), b""), [""; 0]);
    assert_eq!(tracer.idle(), ["read(5, ..., 4) ..."]);
    assert_eq!(tracer.idle(), [""; 0]);
    assert_eq!(tracer.step(&enter(2, 6), b""), [""; 0]);
    assert_eq!(tracer.step(&leave(1, 4), b"abcd"), ["[2] read(6, ..., 4) ...", "[1] ... read = 4"]);
    assert_eq!(tracer.step(&leave(2, 0), b""), ["[2] ... read = 0"]);
    // What began before it was watched.
    assert_eq!(tracer.step(&leave(3, 0), b""), [""; 0]);
    let lost = Record { words: [7, 0, 0, 0, 0], ..record(Kind::Lost, 1, 0, [0; 5]) };
    assert!(tracer.step(&lost, b"")[0].contains("7 records were lost"));
}

#[test]
fn long_data_is_cut() {
    let lines = line(SYS_WRITE, [1, 0x1000, 1000, 0, 0], FILE, &[b'x'; DATA_MAX], 1000, b"");
    assert_eq!(lines, [format!("write(1<file #7>, \"{}\"..., 1000) = 1000", "x".repeat(SHOWN))]);
}
