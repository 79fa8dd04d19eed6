//! Groups, sessions, terminals, and signals to many.

use ochre_abi::process::{Birth, NO_TERMINAL, Terminal, Verb, birth, wait};
use ochre_abi::wait_status;
use scheme_server::syscall::error::{EACCES, EINVAL, ENXIO, EPERM, ESRCH};

use super::world::{Process, World, errno};

fn set_group(world: &mut World, me: Process, pid: u32, group: u32) -> i32 {
    errno(world.ask(me, Verb::SetGroup, u64::from(pid) | u64::from(group) << 32))
}

#[test]
fn groups_within_a_session() {
    let mut world = World::new();
    let init = world.init;
    let (a, b) = (world.child(init), world.child(init));
    assert_eq!(set_group(&mut world, a, 0, 0), 0);
    assert_eq!(world.ids(a, 0).unwrap().group, a.pid);
    // A parent puts its child into the group of another.
    assert_eq!(set_group(&mut world, init, b.pid, a.pid), 0);
    assert_eq!(world.ids(b, 0).unwrap().group, a.pid);
    // Groups that are not there, processes that are not the caller's, children that run their own program.
    assert_eq!(set_group(&mut world, b, 0, 77), EPERM);
    assert_eq!(set_group(&mut world, a, b.pid, 0), ESRCH);
    assert_eq!(set_group(&mut world, a, 77, 0), ESRCH);
    assert_eq!(set_group(&mut world, b, 0, u32::MAX), EINVAL);
    world.send(b, Verb::Executed, 0, &[b'x'; 32]).unwrap();
    assert_eq!(set_group(&mut world, init, b.pid, b.pid), EACCES);
    assert_eq!(set_group(&mut world, b, 0, 0), 0);
}

#[test]
fn sessions() {
    let mut world = World::new();
    let init = world.init;
    let leader = world.child(init);
    assert_eq!(world.ask(leader, Verb::SetSession, 0), Ok(leader.pid as usize));
    let ids = world.ids(init, leader.pid).unwrap();
    assert_eq!((ids.session, ids.group), (leader.pid, leader.pid));
    assert_eq!(errno(world.ask(leader, Verb::SetSession, 0)), EPERM);
    assert_eq!(set_group(&mut world, leader, 0, 0), EPERM);
    // Nobody moves between sessions.
    let member = world.child(leader);
    let stranger = world.child(init);
    set_group(&mut world, stranger, 0, 0);
    assert_eq!(set_group(&mut world, member, 0, stranger.pid), EPERM);
    assert_eq!(set_group(&mut world, init, leader.pid, 0), EPERM);
    // The leader of a group stays while somebody is in it, even when it has gone.
    assert_eq!(set_group(&mut world, member, 0, 0), 0);
    assert_eq!(errno(world.ask(member, Verb::SetSession, 0)), EPERM);
}

#[test]
fn children_are_born_into_groups() {
    let mut world = World::new();
    let init = world.init;
    let born = |bits, group| Birth { bits, group, ..Birth::default() };
    let a = world.bear(init, born(birth::GROUP, 0)).unwrap();
    let b = world.bear(init, born(birth::GROUP, a.pid)).unwrap();
    let c = world.bear(init, born(birth::SESSION | birth::GROUP, 0)).unwrap();
    let groups = [a, b, c].map(|process| world.ids(init, process.pid).unwrap());
    assert_eq!(groups.map(|ids| (ids.group, ids.session)), [(a.pid, 1), (a.pid, 1), (c.pid, c.pid)]);
    assert_eq!(errno(world.bear(init, born(birth::GROUP, 77))), EPERM);
    assert_eq!(errno(world.bear(init, born(birth::GROUP | birth::SESSION, a.pid))), EPERM);
    assert_eq!(errno(world.bear(init, born(1 << 20, 0))), EINVAL);
}

#[test]
fn signals_to_many() {
    let mut world = World::new();
    let init = world.init;
    let [a, b, c] = [0; 3].map(|_| world.child(init));
    for process in [a, b] {
        set_group(&mut world, init, process.pid, a.pid);
    }
    world.kill(init, -(a.pid as i32), 10).unwrap();
    assert_eq!([a, b, c].map(|process| world.signals(process).len()), [1, 1, 0]);
    world.kill(a, 0, 12).unwrap();
    assert_eq!([a, b, c].map(|process| world.signals(process).len()), [2, 2, 0]);
    // Everybody but the sender and the system's own.
    world.kill(a, -1, 15).unwrap();
    assert_eq!([a, b, c, init].map(|process| world.signals(process).len()), [2, 3, 1, 1]);
    assert_eq!(world.thread(b).signals[2].sender, a.pid.into());
    assert_eq!(errno(world.kill(init, -77, 15)), ESRCH);
    assert_eq!(errno(world.kill(init, 77, 15)), ESRCH);
    assert_eq!(errno(world.kill(init, 1, 9)), EPERM);
    assert_eq!(errno(world.kill(init, a.pid as i32, 65)), EINVAL);
    assert_eq!(errno(world.kill(init, i32::MIN, 0)), ESRCH);
    assert_eq!(world.kill(init, a.pid as i32, 0), Ok(0));
    assert_eq!(world.signals(a).len(), 2);
    // One that has ended gets none, and it is no error.
    world.exit(c, 0);
    assert_eq!(world.kill(init, c.pid as i32, 15), Ok(0));
}

#[test]
fn who_handles_no_signals_gets_the_default() {
    let mut world = World::new();
    let init = world.init;
    let child = world.child(init);
    world.change(child, |thread| thread.handles_signals = false);
    for number in [17, 18, 23, 28] {
        world.kill(init, child.pid as i32, number).unwrap();
    }
    // The signals of terminals stop nobody whom nobody could resume: all here are in one group, whose parents are in it too.
    world.kill(init, child.pid as i32, 20).unwrap();
    assert!(!world.is_stopped(child));
    set_group(&mut world, init, child.pid, child.pid);
    world.kill(init, child.pid as i32, 20).unwrap();
    assert!(world.is_stopped(child));
    assert_eq!(world.wait_now(init, wait::STOPPED), Ok(Some((child.pid, wait_status::stopped(20)))));
    world.kill(init, child.pid as i32, 15).unwrap();
    world.report(child);
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(Some((child.pid, 15))));
    // One that handles them itself asks for its own stop.
    let child = world.child(init);
    set_group(&mut world, init, child.pid, child.pid);
    assert_eq!(errno(world.ask(child, Verb::Stop, 15)), EINVAL);
    world.ask(child, Verb::Stop, 21).unwrap();
    assert!(world.is_stopped(child));
    // `SIGKILL` ends what stands still.
    world.kill(init, child.pid as i32, 9).unwrap();
    world.report(child);
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(Some((child.pid, 9))));
    assert_eq!(world.kernel.scheme.table().stopped, 0);
}

#[test]
fn a_group_that_loses_its_support_is_woken() {
    let mut world = World::new();
    let init = world.init;
    let shell = world.child(init);
    world.ask(shell, Verb::SetSession, 0).unwrap();
    let (running, stopped) = (world.child(shell), world.child(shell));
    for process in [running, stopped] {
        set_group(&mut world, shell, process.pid, process.pid);
    }
    assert_eq!(world.ids(init, stopped.pid).unwrap().orphaned, 0);
    world.kill(shell, stopped.pid as i32, 20).unwrap();
    // A program that handles signals asks for it.
    world.ask(stopped, Verb::Stop, 20).unwrap();
    assert!(world.is_stopped(stopped));
    world.exit(shell, 0);
    assert_eq!(world.ids(init, stopped.pid).unwrap().orphaned, 1);
    assert!(!world.is_stopped(stopped));
    assert_eq!(world.signals(stopped), [20, 1, 18]);
    assert_eq!(world.signals(running), [0; 0]);
}

#[test]
fn terminals_and_sessions() {
    let mut world = World::new();
    let init = world.init;
    let shell = world.child(init);
    world.ask(shell, Verb::SetSession, 0).unwrap();
    let job = world.child(shell);
    set_group(&mut world, shell, job.pid, job.pid);
    let mut set = |session, foreground, terminal| {
        let mut bytes = [0; Terminal::SIZE];
        Terminal { session, foreground, terminal }.write_to(&mut bytes).unwrap();
        errno(world.send(init, Verb::SetTerminal, 0, &bytes))
    };
    assert_eq!(set(shell.pid, shell.pid, 9), 0);
    assert_eq!(set(shell.pid, job.pid, 9), 0);
    assert_eq!(set(shell.pid, 77, 9), EPERM);
    assert_eq!(set(job.pid, 0, 9), ESRCH);
    assert_eq!(set(77, 0, 9), ESRCH);
    let asked = |world: &mut World, from: Process, pid: u32| {
        let answer = world.send(from, Verb::Terminal, pid.into(), &[0; Terminal::SIZE]);
        answer.map(|bytes| Terminal::from_bytes(&bytes).unwrap())
    };
    let terminal = asked(&mut world, job, 0).unwrap();
    assert_eq!((terminal.session, terminal.foreground, terminal.terminal), (shell.pid, job.pid, 9));
    assert_eq!(errno(asked(&mut world, init, 0)), ENXIO);
    // The leader goes, and with it the terminal: those in front hear of it.
    world.exit(shell, 0);
    assert_eq!(world.signals(job), [1, 18]);
    assert_eq!(errno(asked(&mut world, job, 0)), ENXIO);
    // Only who is user 0 sets one; taking it away is no error twice.
    let other = world.bear(init, Birth { bits: birth::IDS, uid: 5, gid: 5, ..Birth::default() }).unwrap();
    world.start(other);
    let mut bytes = [0; Terminal::SIZE];
    Terminal { session: 1, foreground: 0, terminal: NO_TERMINAL }.write_to(&mut bytes).unwrap();
    assert_eq!(errno(world.send(other, Verb::SetTerminal, 0, &bytes)), EPERM);
    assert_eq!(errno(world.send(init, Verb::SetTerminal, 0, &bytes)), 0);
}
