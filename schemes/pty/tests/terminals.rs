//! Both ends of terminals: opening, reading and writing, waiting, events, the end.

mod common;

use std::time::Duration;

use common::{Machine, errno};
use ochre_abi::terminal::character::{VMIN, VTIME};
use ochre_abi::terminal::{Request, Termios, packet, queue, when};
use pty::scheme::{PTY, TTY};
use scheme_server::fake::NO_OFFSET;
use scheme_server::syscall::error::*;
use scheme_server::syscall::flag::*;
use scheme_server::syscall::schemev2::Opcode;

const READ: usize = EventFlags::EVENT_READ.bits();
const WRITE: usize = EventFlags::EVENT_WRITE.bits();

#[test]
fn what_is_typed_is_read_and_shown() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    assert_eq!(machine.write(master, b"hello\r"), Ok(6));
    assert_eq!(machine.read(slave), Ok(b"hello\n".to_vec()));
    assert_eq!(machine.write(slave, b"world\n"), Ok(6));
    assert_eq!(machine.read(master), Ok(b"hello\r\nworld\r\n".to_vec()));
    assert_eq!((errno(machine.read(slave)), errno(machine.read(master))), (EAGAIN, EAGAIN));
}

#[test]
fn readers_wait() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    let (program, screen) = (machine.start_read(slave), machine.start_read(master));
    machine.write(master, b"a").unwrap();
    assert_eq!(machine.answer(&screen), Some(Ok(b"a".to_vec())));
    assert_eq!(machine.answer(&program), None);
    machine.write(master, b"\r").unwrap();
    assert_eq!(machine.answer(&program), Some(Ok(b"a\n".to_vec())));
}

#[test]
fn a_reader_that_gives_up() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    let pending = machine.start_read(slave);
    machine.kernel.cancel(pending.0);
    assert_eq!(machine.answer(&pending).map(errno), Some(ECANCELED));
    machine.write(master, b"a\r").unwrap();
    assert_eq!(machine.read(slave), Ok(b"a\n".to_vec()));
}

#[test]
fn writers_wait_for_room() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    let mut sent = 0;
    while let Ok(count) = machine.write(slave, &[b'x'; 4096]) {
        sent += count;
    }
    let pending = machine.start(Opcode::Write, slave, &[b'x'; 4096], 0);
    assert_eq!(machine.answer(&pending), None);
    assert_eq!(machine.read_up_to(master, 100).map(|bytes| bytes.len()), Ok(100));
    assert_eq!(machine.answer(&pending), None);
    let mut got = 100;
    while let Ok(bytes) = machine.read_up_to(master, 1000) {
        got += bytes.len();
    }
    let Some(Ok(rest)) = machine.answer(&pending) else { panic!("it still waits") };
    assert_eq!(got, sent + rest.len());
}

#[test]
fn who_types_waits_for_room() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    machine.change(slave, |termios| (termios.local, termios.input) = (0, 0));
    let mut sent = 0;
    while let Ok(count) = machine.write(master, &[b'x'; 1000]) {
        sent += count;
    }
    let pending = machine.start(Opcode::Write, master, &[b'x'; 1000], 0);
    assert_eq!(machine.answer(&pending), None);
    assert_eq!(machine.read_up_to(slave, 500).map(|bytes| bytes.len()), Ok(500));
    let Some(Ok(more)) = machine.answer(&pending) else { panic!("it still waits") };
    let rest: usize = core::iter::from_fn(|| machine.read(slave).ok()).map(|bytes| bytes.len()).sum();
    assert_eq!(500 + rest, sent + more.len());
}

#[test]
fn the_end_of_the_master() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    machine.write(master, b"unread\r").unwrap();
    machine.read(slave).unwrap();
    let pending = machine.start_read(slave);
    assert_eq!(machine.kernel.fevent(slave, EventFlags::EVENT_READ), Ok(EventFlags::empty()));
    machine.kernel.close(master);
    assert_eq!(machine.answer(&pending), Some(Ok(Vec::new())));
    assert_eq!(machine.events(slave) & READ, READ);
    assert_eq!(machine.read(slave), Ok(Vec::new()));
    assert_eq!(errno(machine.write(slave, b"x")), EIO);
    assert_eq!(errno(machine.ask(slave, Request::InputCount, 0)), EIO);
    assert_eq!(machine.kernel.fevent(slave, EventFlags::all()), Ok(EventFlags::EVENT_READ | EventFlags::EVENT_WRITE));
    // It cannot be opened any more, and its number is used again only when nothing of it is open.
    assert_eq!(errno(machine.open(PTY, "0")), EIO);
    let other = machine.open(PTY, "").unwrap();
    assert_eq!(machine.kernel.fpath(other).as_deref(), Ok("/scheme/pty/1"));
    machine.kernel.close(slave);
    assert_eq!(errno(machine.open(PTY, "0")), ENOENT);
    let again = machine.open(PTY, "").unwrap();
    assert_eq!(machine.kernel.fpath(again).as_deref(), Ok("/scheme/pty/0"));
}

#[test]
fn writers_and_drainers_end_with_the_master() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    while machine.write(slave, &[b'x'; 4096]).is_ok() {}
    let write = machine.start(Opcode::Write, slave, &[b'x'; 4096], 0);
    let sqe = machine.kernel.sqe(Opcode::Call, [slave as u64, 0, 0, Request::Drain as u64, 0]);
    let drain = machine.kernel.submit(sqe, Some(&[]));
    machine.kernel.settle();
    machine.kernel.close(master);
    assert_eq!(machine.answer(&write).map(errno), Some(EIO));
    assert_eq!(machine.kernel.answer(drain).map(|answer| errno(answer.result())), Some(EIO));
}

#[test]
fn the_end_of_the_programs() {
    let mut machine = Machine::new();
    let master = machine.open(PTY, "").unwrap();
    // Before the first program there is no end.
    let pending = machine.start_read(master);
    assert_eq!(machine.answer(&pending), None);
    let slaves = [machine.open(PTY, "0").unwrap(), machine.open(PTY, "0").unwrap()];
    machine.write(slaves[0], b"bye").unwrap();
    assert_eq!(machine.answer(&pending), Some(Ok(b"bye".to_vec())));
    machine.write(slaves[0], b"!").unwrap();
    slaves.iter().for_each(|&slave| machine.kernel.close(slave));
    assert_eq!(machine.read(master), Ok(b"!".to_vec()));
    assert_eq!(machine.read(master), Ok(Vec::new()));
    // Somebody comes again.
    let slave = machine.open(PTY, "0").unwrap();
    assert_eq!(errno(machine.read(master)), EAGAIN);
    let pending = machine.start_read(master);
    machine.kernel.close(slave);
    assert_eq!(machine.answer(&pending), Some(Ok(Vec::new())));
}

#[test]
fn a_locked_terminal_is_not_opened() {
    let mut machine = Machine::new();
    let master = machine.open(PTY, "ptmx").unwrap();
    assert_eq!(errno(machine.open(PTY, "0")), EIO);
    assert_eq!(machine.ask(master, Request::Number, 0), Ok(0));
    machine.ask(master, Request::Lock, 0).unwrap();
    let slave = machine.open(PTY, "0").unwrap();
    assert_eq!(errno(machine.ask(slave, Request::Lock, 1)), ENOTTY);
    assert_eq!(errno(machine.ask(slave, Request::Number, 0)), ENOTTY);
    assert_eq!((machine.ask(master, Request::Users, 0), errno(machine.ask(master, Request::Lock, 2))), (Ok(1), EINVAL));
}

#[test]
fn who_may_open() {
    let mut machine = Machine::new();
    let master = machine.kernel.as_user(1000, 5, |kernel| kernel.openat(PTY, "", O_RDWR)).unwrap().number();
    let open = |machine: &mut Machine, uid, gid, flags| {
        machine.kernel.as_user(uid, gid, |kernel| errno(kernel.openat(PTY, "0", flags)))
    };
    assert_eq!(open(&mut machine, 1000, 9, O_RDWR), 0);
    assert_eq!(open(&mut machine, 0, 0, O_RDWR), 0);
    // The group may write messages and no more.
    assert_eq!((open(&mut machine, 7, 5, O_WRONLY), open(&mut machine, 7, 5, O_RDONLY)), (0, EACCES));
    assert_eq!((open(&mut machine, 7, 7, O_WRONLY), open(&mut machine, 7, 7, O_STAT)), (EACCES, 0));
    let slave = machine.open(PTY, "0").unwrap();
    let stat = machine.kernel.fstat(slave).unwrap();
    assert_eq!((stat.st_mode, stat.st_uid, stat.st_gid), (MODE_CHR | 0o620, 1000, 5));
    let chmod = |kernel: &mut scheme_server::fake::Kernel<_>| {
        errno(kernel.std_fs(StdFsCallKind::Fchmod, slave, &[], [0o600, 0]).result())
    };
    assert_eq!(machine.kernel.as_user(7, 7, chmod), EPERM);
    assert_eq!(machine.kernel.as_user(1000, 7, chmod), 0);
    assert_eq!(open(&mut machine, 7, 5, O_WRONLY), EACCES);
    assert_eq!(machine.kernel.fchown(slave, 7, u32::MAX), Ok(0));
    assert_eq!((open(&mut machine, 7, 7, O_RDWR), open(&mut machine, 1000, 7, O_RDWR)), (0, EACCES));
    // Exclusive: only its owner may say so, and the superuser comes in still.
    assert_eq!(
        machine.kernel.as_user(8, 8, |kernel| errno(kernel.call(slave, &[], [Request::Exclusive as u64, 1]).result())),
        EPERM
    );
    machine.ask(slave, Request::Exclusive, 1).unwrap();
    assert_eq!((open(&mut machine, 7, 7, O_RDWR), open(&mut machine, 0, 0, O_RDWR)), (EBUSY, 0));
    machine.kernel.close(master);
}

#[test]
fn modes_of_opening() {
    let mut machine = Machine::new();
    let (master, _) = machine.pair();
    let read = machine.kernel.openat(PTY, "0", O_RDONLY).unwrap().number();
    let write = machine.kernel.openat(PTY, "0", O_WRONLY).unwrap().number();
    machine.write(master, b"a\r").unwrap();
    assert_eq!((errno(machine.write(read, b"x")), errno(machine.read(write))), (EBADF, EBADF));
    assert_eq!((machine.read(read), machine.write(write, b"x")), (Ok(b"a\n".to_vec()), Ok(1)));
    assert_eq!(errno(machine.kernel.call(read, b"x", [Request::WriteAnyway as u64, 0]).result()), EBADF);
    for (path, flags, error) in [
        ("0", O_DIRECTORY, ENOTDIR),
        ("00", 0, ENOENT),
        ("+0", 0, ENOENT),
        ("7", 0, ENOENT),
        ("18446744073709551615", 0, ENOENT),
        ("0", O_CREAT | O_EXCL, EEXIST),
        ("x/y", 0, ENOENT),
    ] {
        assert_eq!(errno(machine.kernel.openat(PTY, path, O_RDWR | flags)), error, "{path}");
    }
    assert_eq!(errno(machine.open(TTY, "other")), ENOENT);
    assert_eq!(errno(machine.open(TTY, "console")), EIO);
    assert_eq!(errno(machine.kernel.openat(master, "0", O_RDWR)), ENOTDIR);
}

#[test]
fn the_list() {
    let mut machine = Machine::new();
    machine.pair();
    machine.pair();
    let list = machine.kernel.openat(PTY, "", O_DIRECTORY).unwrap().number();
    let names =
        |entries: Vec<scheme_server::fake::Entry>| entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>();
    assert_eq!(names(machine.kernel.getdents(list, 4096, 0).unwrap()), ["ptmx", "0", "1"]);
    assert_eq!(names(machine.kernel.getdents(list, 4096, 2).unwrap()), ["1"]);
    assert_eq!(machine.kernel.fstat(list).unwrap().st_mode, MODE_DIR | 0o755);
    let node = machine.kernel.openat(list, "1", O_STAT).unwrap().number();
    assert_eq!(machine.kernel.fpath(node).as_deref(), Ok("/scheme/pty/1"));
    assert_eq!(errno(machine.read(node)), EBADF);
    assert_eq!(errno(machine.read(list)), EISDIR);
}

#[test]
fn what_a_terminal_is_looked_at_by_stays() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    let part = machine.kernel.dup(slave, b"winsize").unwrap().number();
    machine.kernel.close(master);
    machine.kernel.close(slave);
    // The part must not lead to another terminal of the same number.
    let other = machine.open(PTY, "").unwrap();
    assert_eq!(machine.kernel.fpath(other).as_deref(), Ok("/scheme/pty/1"));
    assert_eq!(errno(machine.write(part, &[0; 8])), EIO);
    machine.kernel.close(part);
    let other = machine.open(PTY, "").unwrap();
    assert_eq!(machine.kernel.fpath(other).as_deref(), Ok("/scheme/pty/0"));
}

#[test]
fn parts_as_descriptors() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    let attributes = machine.kernel.dup(slave, b"termios").unwrap().number();
    let bytes = machine.read_up_to(attributes, Termios::SIZE).unwrap();
    assert_eq!(Termios::from_bytes(&bytes), Some(Termios::SANE));
    let raw = Termios { local: 0, ..Termios::SANE };
    assert_eq!(machine.write(attributes, &raw.to_bytes()), Ok(Termios::SIZE));
    assert_eq!(machine.termios(master), raw);
    let size = machine.kernel.dup(master, b"winsize").unwrap().number();
    assert_eq!(machine.write(size, &[24, 0, 80, 0, 0, 0, 0, 0]), Ok(8));
    let other = machine.kernel.dup(slave, b"winsize").unwrap().number();
    assert_eq!(machine.read(other), Ok(vec![24, 0, 80, 0, 0, 0, 0, 0]));
    let flush = machine.kernel.dup(slave, b"flush").unwrap().number();
    machine.write(slave, b"x").unwrap();
    machine.write(flush, &[queue::BOTH as u8]).unwrap();
    assert_eq!(errno(machine.read(master)), EAGAIN);
    for (part, bytes) in
        [(attributes, &[0; 59][..]), (size, &[0; 7]), (flush, &[0; 3]), (flush, &[9]), (size, &[0; 100])]
    {
        assert_eq!(errno(machine.write(part, bytes)), EINVAL);
    }
    assert_eq!((errno(machine.read_up_to(size, 7)), errno(machine.read(flush))), (EINVAL, EBADF));
    assert_eq!(
        (errno(machine.kernel.dup(slave, b"other")), errno(machine.kernel.dup(size, b"termios"))),
        (EINVAL, EINVAL)
    );
}

#[test]
fn attributes_wait_for_output() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    machine.write(slave, b"before").unwrap();
    machine.write(master, b"typed\r").unwrap();
    let raw = Termios { local: 0, ..Termios::SANE };
    for when in [when::DRAIN, when::FLUSH] {
        let sqe = machine.kernel.sqe(Opcode::Call, [slave as u64, 0, 0, Request::SetAttributes as u64, when]);
        let tag = machine.kernel.submit(sqe, Some(&raw.to_bytes()));
        machine.kernel.settle();
        assert!(machine.kernel.answer(tag).is_none());
        machine.read(master).unwrap();
        assert_eq!(machine.kernel.answer(tag).map(|answer| errno(answer.result())), Some(0));
        machine.write(slave, b"again").unwrap();
    }
    assert_eq!((machine.termios(slave), machine.ask(slave, Request::InputCount, 0)), (raw, Ok(0)));
    let wrong = machine.kernel.call(slave, &raw.to_bytes(), [Request::SetAttributes as u64, 3]);
    assert_eq!(errno(wrong.result()), EINVAL);
    assert_eq!(errno(machine.call(slave, Request::SetAttributes, 0, &[0; 10])), EINVAL);
    assert_eq!(errno(machine.call(slave, Request::GetAttributes, 0, &[0; 10])), EINVAL);
}

#[test]
fn queues() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    machine.write(master, b"abc\rd").unwrap();
    assert_eq!(
        (machine.ask(slave, Request::InputCount, 0), machine.ask(slave, Request::OutputCount, 0)),
        (Ok(4), Ok(6))
    );
    machine.ask(slave, Request::Flush, queue::INPUT).unwrap();
    assert_eq!(machine.ask(slave, Request::InputCount, 0), Ok(0));
    // Held back output is there, but not to be had.
    machine.ask(slave, Request::Flow, 0).unwrap();
    assert_eq!(errno(machine.read(master)), EAGAIN);
    let pending = machine.start_read(master);
    machine.ask(slave, Request::Flow, 1).unwrap();
    assert_eq!(machine.answer(&pending), Some(Ok(b"abc\r\nd".to_vec())));
    assert_eq!(
        (errno(machine.ask(slave, Request::Flush, 3)), errno(machine.ask(slave, Request::Flow, 4))),
        (EINVAL, EINVAL)
    );
    assert_eq!((machine.ask(slave, Request::Drain, 0), machine.kernel.fsync(slave)), (Ok(0), Ok(0)));
}

#[test]
fn events_tell_of_changes() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    let both = EventFlags::EVENT_READ | EventFlags::EVENT_WRITE;
    assert_eq!(machine.kernel.fevent(slave, both), Ok(EventFlags::EVENT_WRITE));
    assert_eq!(machine.kernel.fevent(master, both), Ok(EventFlags::EVENT_WRITE));
    machine.write(master, b"a").unwrap();
    assert_eq!(machine.events(slave) & READ, 0);
    machine.write(master, b"\r").unwrap();
    assert_eq!(machine.events(slave) & READ, READ);
    machine.read(master).unwrap();
    machine.write(slave, b"x").unwrap();
    assert_eq!(machine.events(master) & READ, READ);
    while machine.write(slave, &[b'x'; 4096]).is_ok() {}
    assert_eq!(machine.kernel.fevent(slave, EventFlags::EVENT_WRITE), Ok(EventFlags::empty()));
    machine.kernel.events.clear();
    machine.read(master).unwrap();
    assert_eq!(machine.events(slave) & WRITE, WRITE);
    machine.kernel.close(slave);
    assert_eq!(machine.events(master) & READ, READ);
    let part = machine.kernel.dup(master, b"winsize").unwrap().number();
    assert_eq!(errno(machine.kernel.fevent(part, both)), EPERM);
}

#[test]
fn reads_end_when_their_time_is_up() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    machine.change(slave, |termios| {
        (termios.local, termios.characters[VMIN], termios.characters[VTIME]) = (0, 0, 5);
    });
    let pending = machine.start_read(slave);
    machine.pass(Duration::from_millis(400));
    assert_eq!(machine.answer(&pending), None);
    machine.pass(Duration::from_millis(100));
    assert_eq!(machine.answer(&pending), Some(Ok(Vec::new())));
    // Between bytes.
    machine.change(slave, |termios| termios.characters[VMIN] = 9);
    let pending = machine.start_read(slave);
    machine.pass(Duration::from_secs(100));
    assert_eq!(machine.answer(&pending), None);
    machine.write(master, b"a").unwrap();
    machine.pass(Duration::from_millis(400));
    machine.write(master, b"b").unwrap();
    machine.pass(Duration::from_millis(400));
    assert_eq!(machine.answer(&pending), None);
    machine.pass(Duration::from_millis(200));
    assert_eq!(machine.answer(&pending), Some(Ok(b"ab".to_vec())));
    // Who does not wait gets what there is.
    machine.write(master, b"c").unwrap();
    assert_eq!(machine.read(slave), Ok(b"c".to_vec()));
}

#[test]
fn packets() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    machine.ask(master, Request::Packet, 1).unwrap();
    machine.write(slave, b"out").unwrap();
    assert_eq!(machine.read(master), Ok(b"\0out".to_vec()));
    let pending = machine.start_read(master);
    machine.ask(slave, Request::Flush, queue::BOTH).unwrap();
    assert_eq!(machine.answer(&pending), Some(Ok(vec![packet::FLUSH_READ | packet::FLUSH_WRITE])));
    machine.ask(slave, Request::Flow, 0).unwrap();
    machine.ask(slave, Request::Flow, 1).unwrap();
    assert_eq!(machine.read(master), Ok(vec![packet::START]));
    machine.change(slave, |termios| termios.input = 0);
    assert_eq!(machine.read(master), Ok(vec![packet::NO_STOP]));
    machine.ask(master, Request::Packet, 0).unwrap();
    machine.write(slave, b"out").unwrap();
    assert_eq!(machine.read(master), Ok(b"out".to_vec()));
}

#[test]
fn the_console() {
    let mut machine = Machine::new();
    let master = machine.kernel.scheme.console_master();
    let slave = machine.open(TTY, "console").unwrap();
    assert_eq!(machine.kernel.fpath(slave).as_deref(), Ok("/scheme/tty/console"));
    assert_eq!(errno(machine.ask(master, Request::Number, 0)), ENOTTY);
    machine.write(slave, b"x").unwrap();
    assert_eq!(machine.read(master), Ok(b"x".to_vec()));
    // It stays when nobody has it open.
    machine.kernel.close(slave);
    assert_eq!(machine.read(master), Ok(Vec::new()));
    assert!(machine.open(TTY, "console").is_ok());
    // And it is not among the others.
    let (pty, _) = machine.pair();
    assert_eq!(machine.kernel.fpath(pty).as_deref(), Ok("/scheme/pty/0"));
}

#[test]
fn there_is_an_end_to_terminals() {
    let mut machine = Machine::new();
    let create = |kernel: &mut scheme_server::fake::Kernel<_>| kernel.openat(PTY, "", O_RDWR);
    let mine = (0..2000).take_while(|_| machine.kernel.as_user(1000, 1000, create).is_ok()).count();
    assert_eq!((mine, errno(machine.kernel.as_user(1000, 1000, create))), (256, ENOSPC));
    let all = (0..2000).take_while(|_| create(&mut machine.kernel).is_ok()).count();
    assert_eq!(mine + all, 1024);
}

#[test]
fn nonsense_changes_nothing() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    let mut random = 0x1234_5678_9abc_def1_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let parts =
        [&b"termios"[..], b"winsize", b"pgrp", b"flush"].map(|name| machine.kernel.dup(slave, name).unwrap().number());
    for _ in 0..20_000 {
        let id = [master, slave, parts[0], parts[1], parts[2], parts[3], PTY, TTY, 77][next() as usize % 9];
        let payload: Vec<u8> = (0..next() % 80).map(|_| next() as u8).collect();
        let request = Request::ALL[next() as usize % Request::ALL.len()] as u64;
        let words = [if next() % 8 == 0 { next() } else { request }, if next() % 2 == 0 { next() % 5 } else { next() }];
        // What would wait for ever is not asked.
        let waits = words[0] == Request::Drain as u64
            || words[0] == Request::WriteAnyway as u64
            || words[0] == Request::SetAttributes as u64 && words[1] & 3 != 0;
        match next() % 4 {
            0 if !waits => _ = machine.kernel.call(id, &payload, words),
            1 => _ = machine.write(id, &payload),
            2 => _ = machine.read_up_to(id, payload.len()),
            _ => _ = machine.kernel.fcntl(id, next() as usize, next() as usize),
        }
        machine.signals();
    }
    // A fresh one works as ever.
    let (master, slave) = machine.pair();
    machine.write(master, b"a\r").unwrap();
    assert_eq!(machine.read(slave), Ok(b"a\n".to_vec()));
    assert_eq!(machine.kernel.write(master, b"", NO_OFFSET, 0), Ok(0));
}
