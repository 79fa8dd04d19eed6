//! Named pipes, and names of sockets.

mod common;

use common::{LIMIT, Machine, ROOT, errno, machine, open};
use ochre_socket::{TOKEN, file};
use scheme_server::fake::NO_OFFSET;
use scheme_server::syscall::error::{EACCES, EAGAIN, ECANCELED, ECONNREFUSED, EINVAL, ENXIO, EOPNOTSUPP, EPIPE};
use scheme_server::syscall::flag::{
    EventFlags, MODE_FIFO, MODE_SOCK, MODE_TYPE, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR, O_STAT, O_WRONLY,
};
use scheme_server::syscall::schemev2::Opcode;

/// A machine with a named pipe.
fn with_fifo() -> Machine {
    let mut machine = machine();
    let made = open(&mut machine, "fifo", O_CREAT | O_EXCL | O_RDONLY | MODE_FIFO as usize | 0o666).unwrap();
    assert_eq!(machine.fstat(made).unwrap().st_mode & MODE_TYPE, MODE_FIFO);
    machine.close(made);
    machine
}

/// An opening that may wait.
fn start_open(machine: &mut Machine, flags: usize) -> u32 {
    let sqe = machine.sqe(Opcode::OpenAt, [ROOT as u64, 0, 0, flags as u64, 0]);
    let tag = machine.submit(sqe, Some(b"fifo"));
    machine.settle();
    tag
}

fn opened(machine: &mut Machine, tag: u32) -> usize {
    machine.answer(tag).expect("an answer").result().unwrap()
}

#[test]
fn openings_wait_for_each_other() {
    for (first, second) in [(O_RDONLY, O_WRONLY), (O_WRONLY, O_RDONLY)] {
        let mut machine = with_fifo();
        let waits = start_open(&mut machine, first);
        assert!(machine.answer(waits).is_none());
        let second = start_open(&mut machine, second);
        let ends = [opened(&mut machine, waits), opened(&mut machine, second)];
        let [reader, writer] = if first == O_RDONLY { ends } else { [ends[1], ends[0]] };
        assert_eq!(machine.write(writer, b"hello", NO_OFFSET, 0), Ok(5));
        assert_eq!(machine.read(reader, 9, NO_OFFSET).unwrap(), b"hello");
        assert_eq!(errno(machine.write(reader, b"x", NO_OFFSET, 0)), scheme_server::syscall::error::EBADF);
        // A reader waits for bytes, and then for the end.
        let sqe = machine.sqe(Opcode::Read, [reader as u64, 0, 0, NO_OFFSET, 0]);
        let read = machine.submit(sqe, Some(&[0; 4]));
        machine.settle();
        assert!(machine.answer(read).is_none());
        machine.close(writer);
        assert_eq!(machine.answer(read).unwrap().result(), Ok(0));
        machine.close(reader);
        assert_eq!(machine.scheme.open_count(), 2);
    }
}

#[test]
fn openings_that_do_not_wait() {
    let mut machine = with_fifo();
    assert_eq!(errno(open(&mut machine, "fifo", O_WRONLY | O_NONBLOCK)), ENXIO);
    let reader = open(&mut machine, "fifo", O_RDONLY | O_NONBLOCK).unwrap();
    let writer = open(&mut machine, "fifo", O_WRONLY | O_NONBLOCK).unwrap();
    assert_eq!(machine.fevent(reader, EventFlags::EVENT_READ), Ok(EventFlags::empty()));
    let sqe = machine.sqe(Opcode::Read, [reader as u64, 0, 0, NO_OFFSET, O_NONBLOCK as u64]);
    assert_eq!(errno(machine.exchange(sqe, Some(&[0; 4])).result()), EAGAIN);
    machine.write(writer, b"x", NO_OFFSET, 0).unwrap();
    assert!(machine.events.contains(&(reader, EventFlags::EVENT_READ | EventFlags::EVENT_WRITE)));
    machine.close(reader);
    assert_eq!(errno(machine.write(writer, b"y", NO_OFFSET, 0)), EPIPE);
    machine.close(writer);
    // Both at once, and what was left is gone.
    let both = open(&mut machine, "fifo", O_RDWR).unwrap();
    machine.write(both, b"z", NO_OFFSET, 0).unwrap();
    assert_eq!(machine.read(both, 9, NO_OFFSET).unwrap(), b"z");
    let before = machine.scheme.fs().store().budget.used();
    machine.close(both);
    assert_eq!(before - machine.scheme.fs().store().budget.used(), 65_536);
    assert!(before < LIMIT);
}

#[test]
fn an_opening_that_is_given_up_is_forgotten() {
    let mut machine = with_fifo();
    let waits = start_open(&mut machine, O_RDONLY);
    machine.cancel(waits);
    assert_eq!(errno(machine.answer(waits).unwrap().result()), ECANCELED);
    assert_eq!(errno(open(&mut machine, "fifo", O_WRONLY | O_NONBLOCK)), ENXIO);
    assert_eq!(machine.scheme.open_count(), 2);
}

#[test]
fn names_of_sockets_keep_a_token() {
    let mut machine = machine();
    let connect = |machine: &mut Machine, id| machine.call(id, &[0; TOKEN], [file::CONNECT, 0]);
    let flags = O_CREAT | O_EXCL | O_WRONLY | MODE_SOCK as usize | 0o700;
    let name = open(&mut machine, "socket", flags).unwrap();
    assert_eq!(errno(connect(&mut machine, name).result()), ECONNREFUSED);
    assert_eq!(errno(machine.write(name, b"short", 0, 0)), EINVAL);
    assert_eq!(machine.write(name, &[7; TOKEN], 0, 0), Ok(TOKEN));
    assert_eq!(errno(machine.write(name, &[8; TOKEN], 0, 0)), EINVAL);
    // It cannot be opened, but looked at.
    assert_eq!(machine.stat_at(ROOT, "socket", 0).unwrap().st_mode & MODE_TYPE, MODE_SOCK);
    machine.close(name);
    assert_eq!(errno(open(&mut machine, "socket", O_RDWR)), ENXIO);
    let name = open(&mut machine, "socket", O_STAT).unwrap();
    assert_eq!(machine.fstat(name).unwrap().st_mode, MODE_SOCK | 0o700);
    assert_eq!(connect(&mut machine, name).payload, [7; TOKEN]);
    // Who may not write there does not learn it, however the descriptor came to him.
    let answer = machine.as_user(1000, 100, |machine| connect(machine, name));
    assert_eq!((errno(answer.result()), answer.payload), (EACCES, vec![0; TOKEN]));
    assert_eq!(errno(machine.call(name, &[0; TOKEN], [0, 0]).result()), EOPNOTSUPP);
    assert_eq!(errno(machine.call(name, &[0; 3], [file::CONNECT, 0]).result()), EINVAL);
    let other = open(&mut machine, "file", O_CREAT | O_RDWR | 0o600).unwrap();
    assert_eq!(errno(connect(&mut machine, other).result()), ECONNREFUSED);
}
