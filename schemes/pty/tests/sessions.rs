//! Sessions: controlling terminals, foreground and background, signals.

mod common;

use common::{Machine, errno};
use ochre_abi::terminal::{ANYWAY, Request, local, standing};
use pty::scheme::TTY;
use scheme_server::syscall::error::*;
use scheme_server::syscall::flag::O_RDWR;

/// A terminal that controls session 10, with group 10 in the foreground.
fn controlled() -> (Machine, usize, usize) {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    machine.by(10, |machine| machine.ask(slave, Request::Acquire, 0)).unwrap();
    (machine, master, slave)
}

#[test]
fn a_session_gets_a_terminal() {
    let mut machine = Machine::new();
    let (master, slave) = machine.pair();
    let acquire = |machine: &mut Machine, pid, id, steal| {
        machine.by(pid, |machine| errno(machine.ask(id, Request::Acquire, steal)))
    };
    // Nobody, who leads nothing, the master.
    assert_eq!([99, 11, 12].map(|pid| acquire(&mut machine, pid, slave, 0)), [EPERM; 3]);
    assert_eq!(acquire(&mut machine, 10, master, 0), ENOTTY);
    assert_eq!(machine.by(10, |machine| errno(machine.open(TTY, ""))), ENXIO);
    assert_eq!(acquire(&mut machine, 10, slave, 0), 0);
    assert_eq!(acquire(&mut machine, 10, slave, 0), 0);
    // Another session does not take it away, and this one takes no second.
    assert_eq!(acquire(&mut machine, 20, slave, 0), EPERM);
    let (_, other) = machine.pair();
    assert_eq!(acquire(&mut machine, 10, other, 0), EPERM);
    assert_eq!(machine.by(12, |machine| machine.ask(slave, Request::GetSession, 0)), Ok(10));
    assert_eq!(machine.by(20, |machine| errno(machine.ask(slave, Request::GetSession, 0))), ENOTTY);
    assert_eq!(machine.ask(master, Request::GetSession, 0), Ok(10));
    // By its other name.
    let tty = machine.by(11, |machine| machine.open(TTY, "")).unwrap();
    assert_eq!(machine.kernel.fpath(tty).as_deref(), Ok("/scheme/pty/0"));
    // The superuser may steal.
    let steal = |machine: &mut Machine| machine.by(20, |machine| errno(machine.ask(slave, Request::Acquire, 1)));
    assert_eq!(
        machine.kernel.as_user(7, 7, |kernel| {
            kernel.pid = 20;
            errno(kernel.call(slave, &[], [Request::Acquire as u64, 1]).result())
        }),
        EPERM
    );
    assert_eq!(steal(&mut machine), 0);
    assert_eq!(machine.signals(), [(10, 1), (10, 18)]);
    assert_eq!(machine.by(20, |machine| machine.ask(slave, Request::GetGroup, 0)), Ok(20));
}

#[test]
fn a_session_that_is_over_gives_its_terminal_free() {
    let (mut machine, _, slave) = controlled();
    let system = machine.kernel.scheme.system();
    system.processes.retain(|_, member| member.session != 10);
    system.sessions.remove(&10);
    assert_eq!(machine.by(20, |machine| machine.ask(slave, Request::Acquire, 0)), Ok(0));
}

#[test]
fn it_can_be_opened_by_who_it_controls_whoever_owns_it() {
    let (mut machine, _, _) = controlled();
    machine.by(12, |machine| {
        let opened = machine.kernel.as_user(55, 55, |kernel| kernel.openat(TTY, "", O_RDWR));
        assert!(opened.is_ok());
    });
}

#[test]
fn signals_go_to_the_foreground() {
    let (mut machine, master, slave) = controlled();
    machine.write(master, b"\x03\x1c\x1a").unwrap();
    assert_eq!(machine.signals(), [(10, 2), (10, 3), (10, 20)]);
    machine.by(10, |machine| machine.ask(slave, Request::SetGroup, 12)).unwrap();
    machine.write(master, b"\x03").unwrap();
    assert_eq!(machine.signals(), [(12, 2)]);
    assert_eq!(machine.by(10, |machine| machine.ask(slave, Request::GetGroup, 0)), Ok(12));
    assert_eq!(machine.ask(master, Request::GetGroup, 0), Ok(12));
    // Without a session there is nobody.
    let (free, _) = machine.pair();
    machine.write(free, b"\x03").unwrap();
    assert_eq!(machine.signals(), []);
}

#[test]
fn who_may_change_the_foreground() {
    let (mut machine, master, slave) = controlled();
    let set = |machine: &mut Machine, pid, group| {
        machine.by(pid, |machine| errno(machine.ask(slave, Request::SetGroup, group)))
    };
    assert_eq!(
        (set(&mut machine, 20, 20), set(&mut machine, 10, 20), set(&mut machine, 10, 999)),
        (ENOTTY, EPERM, EPERM)
    );
    assert_eq!((set(&mut machine, 10, 0), set(&mut machine, 10, 1 << 31)), (EINVAL, EINVAL));
    assert_eq!(errno(machine.ask(master, Request::SetGroup, 12)), ENOTTY);
    // The background does not, unless it does not care for the signal.
    assert_eq!(set(&mut machine, 12, 12), EIO);
    assert_eq!(set(&mut machine, 12, 12 | ANYWAY), 0);
    assert_eq!(machine.by(20, |machine| errno(machine.ask(slave, Request::GetGroup, 0))), ENOTTY);
    let part = machine.kernel.dup(slave, b"pgrp").unwrap().number();
    assert_eq!(machine.by(12, |machine| machine.write(part, &10_u32.to_le_bytes())), Ok(4));
    assert_eq!(machine.by(10, |machine| machine.read(part)), Ok(10_u64.to_le_bytes().to_vec()));
    assert_eq!(machine.by(10, |machine| machine.read_up_to(part, 4)), Ok(10_u32.to_le_bytes().to_vec()));
    assert_eq!(machine.by(12, |machine| errno(machine.write(part, &12_u64.to_le_bytes()))), EIO);
}

#[test]
fn the_background_does_not_read() {
    let (mut machine, master, slave) = controlled();
    machine.write(master, b"a\r").unwrap();
    assert_eq!(machine.by(12, |machine| errno(machine.read(slave))), EIO);
    let standing = |machine: &mut Machine, pid| {
        machine.by(pid, |machine| machine.ask(slave, Request::Standing, 0)).unwrap() as u64
    };
    assert_eq!(
        [10, 12, 13, 20, 99].map(|pid| standing(&mut machine, pid)),
        [standing::FOREGROUND, standing::BACKGROUND, standing::ORPHANED, standing::FOREGROUND, standing::FOREGROUND]
    );
    assert_eq!(machine.by(11, |machine| machine.read(slave)), Ok(b"a\n".to_vec()));
    // Who waits in the foreground and is sent to the background is told.
    machine.kernel.pid = 10;
    let pending = machine.start_read(slave);
    machine.ask(slave, Request::SetGroup, 12).unwrap();
    machine.write(master, b"b\r").unwrap();
    assert_eq!(machine.answer(&pending).map(errno), Some(EIO));
    assert_eq!(machine.by(12, |machine| machine.read(slave)), Ok(b"b\n".to_vec()));
}

#[test]
fn the_background_writes_unless_it_is_told_not_to() {
    let (mut machine, master, slave) = controlled();
    assert_eq!(machine.by(12, |machine| machine.write(slave, b"x")), Ok(1));
    machine.by(10, |machine| machine.change(slave, |termios| termios.local |= local::TOSTOP));
    assert_eq!(machine.by(12, |machine| errno(machine.write(slave, b"x"))), EIO);
    assert_eq!(
        machine.by(12, |machine| machine.call(slave, Request::WriteAnyway, 0, b"y")).map(|(count, _)| count),
        Ok(1)
    );
    assert_eq!(machine.by(10, |machine| machine.write(slave, b"z")), Ok(1));
    assert_eq!(machine.read(master), Ok(b"xyz".to_vec()));
    for request in [Request::Flush, Request::Flow, Request::Drain] {
        assert_eq!(machine.by(12, |machine| errno(machine.ask(slave, request, 1))), EIO);
        assert_eq!(machine.by(12, |machine| errno(machine.ask(slave, request, 1 | ANYWAY))), 0);
    }
    assert_eq!(machine.by(12, |machine| errno(machine.call(slave, Request::SetAttributes, 0, &[0; 60]))), EIO);
    assert_eq!(machine.by(12, |machine| errno(machine.ask(slave, Request::InputCount, 0))), 0);
}

#[test]
fn another_size_is_told() {
    let (mut machine, master, slave) = controlled();
    machine.resize(master, 25, 80).unwrap();
    assert_eq!(machine.signals(), [(10, 28)]);
    machine.resize(master, 25, 80).unwrap();
    machine.resize(slave, 50, 80).unwrap();
    assert_eq!(machine.signals(), [(10, 28)]);
    assert_eq!(errno(machine.call(slave, Request::SetSize, 0, &[0; 3])), EINVAL);
}

#[test]
fn the_end_of_the_master_is_told() {
    let (mut machine, master, slave) = controlled();
    machine.by(10, |machine| machine.ask(slave, Request::SetGroup, 12)).unwrap();
    machine.kernel.close(master);
    assert_eq!(machine.signals(), [(-10, 1), (-10, 18), (12, 1), (12, 18)]);
    assert!(machine.kernel.scheme.system().sessions.is_empty());
    // The background reads the end as well, instead of being stopped for ever.
    assert_eq!(machine.by(10, |machine| machine.read(slave)), Ok(Vec::new()));
}

#[test]
fn a_terminal_is_given_up() {
    let (mut machine, _, slave) = controlled();
    assert_eq!(machine.by(20, |machine| errno(machine.ask(slave, Request::Release, 0))), ENOTTY);
    assert_eq!(machine.by(11, |machine| errno(machine.ask(slave, Request::Release, 0))), EPERM);
    machine.by(10, |machine| machine.ask(slave, Request::Release, 0)).unwrap();
    assert_eq!(machine.signals(), [(10, 1), (10, 18)]);
    assert_eq!(machine.by(10, |machine| errno(machine.open(TTY, ""))), ENXIO);
    assert_eq!(machine.by(20, |machine| machine.ask(slave, Request::Acquire, 0)), Ok(0));
}
