//! Birth, end, waiting, orphans.

use ochre_abi::proc::state;
use ochre_abi::process::{Birth, Name, SUCCESSOR, Verb, birth, child, wait};
use ochre_abi::wait_status;
use scheme_server::fake::Opened;
use scheme_server::syscall::error::{EAGAIN, EBADF, EBUSY, ECANCELED, ECHILD, EINVAL, ENOENT, EPERM, ESRCH};
use scheme_server::syscall::flag::O_RDONLY;

use super::world::{World, errno};
use crate::ThreadStatus;

#[test]
fn a_child_is_what_its_parent_is() {
    let mut world = World::new();
    let init = world.init;
    let child = world.child(init);
    let ids = world.ids(child, 0).unwrap();
    assert_eq!((ids.pid, ids.ppid, ids.group, ids.session), (child.pid, init.pid, 1, 1));
    let told = world.thread(child).attributes.unwrap();
    assert_eq!((told.pid, told.euid, told.priority, &told.name[..10]), (child.pid, 0, 20, &b"bootstrap\0"[..]));
    assert_eq!(world.thread(child).limits, None);
    assert!(!world.thread(child).dropped);
}

#[test]
fn an_end_is_waited_for_once() {
    let mut world = World::new();
    let init = world.init;
    assert_eq!(errno(world.wait_now(init, wait::EXITED)), ECHILD);
    let child = world.child(init);
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(None));
    world.exit(child, 7);
    assert!(world.thread(child).dropped);
    let ended = Ok(Some((child.pid, wait_status::exited(7))));
    assert_eq!(world.wait_now(init, wait::EXITED | wait::KEEP), ended);
    assert_eq!(world.wait_now(init, wait::STOPPED | wait::CONTINUED), Ok(None));
    assert_eq!(world.wait_now(init, wait::EXITED), ended);
    assert_eq!(errno(world.wait_now(init, wait::EXITED)), ECHILD);
    assert_eq!(errno(world.ids(init, child.pid)), ESRCH);
    // The descriptor of who is gone says so, also when the id comes again.
    assert_eq!(errno(world.ask(child, Verb::SetSession, 0)), EBADF);
    assert_eq!(world.signals(init), [17]);
    assert_eq!(world.thread(init).signals[0].value, wait_status::exited(7) as u64);
    assert_eq!(world.thread(init).signals[0].sender, child.pid.into());
}

#[test]
fn waits_last_until_there_is_something() {
    let mut world = World::new();
    let init = world.init;
    let (a, b) = (world.child(init), world.child(init));
    let any = world.begin_wait(init, wait::ALL, 0, wait::EXITED);
    let only_b = world.begin_wait(init, wait::PROCESS, b.pid, wait::EXITED);
    assert!(world.waited(any).is_none() && world.waited(only_b).is_none());
    world.exit(a, 1);
    assert_eq!(world.waited(any).unwrap().unwrap().id, a.pid);
    assert!(world.waited(only_b).is_none());
    world.exit(b, 2);
    let found = world.waited(only_b).unwrap().unwrap();
    assert_eq!((found.id, found.status as usize, found.time_ns), (b.pid, wait_status::exited(2), 100));
    // Two that wait for the same: one gets it, the other hears that there are no children any more.
    let c = world.child(init);
    let waits = [0, 1].map(|_| world.begin_wait(init, wait::ALL, 0, wait::EXITED));
    world.exit(c, 3);
    let results = waits.map(|tag| errno(world.waited(tag).unwrap()));
    assert!(results == [0, ECHILD] || results == [ECHILD, 0], "{results:?}");
}

#[test]
fn a_wait_can_be_given_up() {
    let mut world = World::new();
    let init = world.init;
    let child = world.child(init);
    let tag = world.begin_wait(init, wait::ALL, 0, wait::EXITED);
    world.kernel.cancel(tag);
    assert_eq!(errno(world.waited(tag).unwrap()), ECANCELED);
    world.exit(child, 0);
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(Some((child.pid, 0))));
}

#[test]
fn waits_choose_among_children() {
    let mut world = World::new();
    let init = world.init;
    let (a, b) = (world.child(init), world.child(init));
    world.ask(b, Verb::SetGroup, 0).unwrap();
    world.exit(a, 1);
    world.exit(b, 2);
    let mut found = |kind, id| {
        let tag = world.begin_wait(init, kind, id, wait::EXITED | wait::NO_HANG | wait::KEEP);
        world.waited(tag).unwrap().map(|wait| wait.id)
    };
    assert_eq!(found(wait::GROUP, 0), Ok(a.pid));
    assert_eq!(found(wait::GROUP, b.pid), Ok(b.pid));
    assert_eq!(found(wait::PROCESS, b.pid), Ok(b.pid));
    for (kind, id) in [(wait::GROUP, 77), (wait::PROCESS, 77), (wait::PROCESS, 1)] {
        assert_eq!(errno(found(kind, id)), ECHILD);
    }
    assert_eq!(errno(found(3, 0)), EINVAL);
    for options in [0, wait::NO_HANG, wait::EXITED | 1 << 20] {
        let tag = world.begin_wait(init, wait::ALL, 0, options);
        assert_eq!(errno(world.waited(tag).unwrap()), EINVAL);
    }
}

#[test]
fn stops_and_continuations_are_heard_once_each() {
    let mut world = World::new();
    let init = world.init;
    let child = world.child(init);
    world.kill(init, child.pid as i32, 19).unwrap();
    assert!(world.thread(child).stopped && world.is_stopped(child));
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(None));
    let stopped = Ok(Some((child.pid, wait_status::stopped(19))));
    assert_eq!(world.wait_now(init, wait::EXITED | wait::STOPPED), stopped);
    assert_eq!(world.wait_now(init, wait::EXITED | wait::STOPPED), Ok(None));
    let tag = world.begin_wait(init, wait::ALL, 0, wait::CONTINUED);
    world.kill(init, child.pid as i32, 18).unwrap();
    assert!(!world.thread(child).stopped && !world.is_stopped(child));
    assert_eq!(world.waited(tag).unwrap().unwrap().status as usize, wait_status::CONTINUED);
    assert_eq!(world.wait_now(init, wait::EXITED | wait::CONTINUED), Ok(None));
    assert_eq!(world.signals(init), [17, 17]);
    // Another `SIGCONT` to one that runs is only a signal.
    world.kill(init, child.pid as i32, 18).unwrap();
    assert_eq!((world.signals(child), world.signals(init).len()), (vec![18, 18], 2));
    world.ask(init, Verb::Children, child::NO_STOPS).unwrap();
    world.kill(init, child.pid as i32, 19).unwrap();
    assert_eq!(world.signals(init).len(), 2);
}

#[test]
fn who_does_not_want_to_wait_need_not() {
    let mut world = World::new();
    let init = world.init;
    world.ask(init, Verb::Children, child::NO_WAIT).unwrap();
    let (a, b) = (world.child(init), world.child(init));
    let tag = world.begin_wait(init, wait::ALL, 0, wait::EXITED);
    world.exit(a, 1);
    assert!(world.waited(tag).is_none());
    world.exit(b, 1);
    assert_eq!(errno(world.waited(tag).unwrap()), ECHILD);
    let before = world.kernel.scheme.table().len();
    world.ask(init, Verb::Children, 0).unwrap();
    let detached = world.bear(init, Birth { bits: birth::DETACHED, ..Birth::default() }).unwrap();
    world.start(detached);
    assert_eq!(errno(world.wait_now(init, wait::EXITED)), ECHILD);
    let heard = world.signals(init).len();
    world.exit(detached, 1);
    assert_eq!((world.kernel.scheme.table().len(), world.signals(init).len()), (before, heard));
}

#[test]
fn orphans_are_adopted() {
    let mut world = World::new();
    let init = world.init;
    let parent = world.child(init);
    let (alive, ended) = (world.child(parent), world.child(parent));
    let unborn = world.bear(parent, Birth::default()).unwrap();
    world.exit(ended, 3);
    world.exit(parent, 0);
    // Nobody has said that he wants them: they are children of the first, who waits for nobody.
    assert_eq!(world.ids(alive, 0).unwrap().ppid, 1);
    assert_eq!(errno(world.ids(alive, ended.pid)), ESRCH);
    assert_eq!(errno(world.ids(alive, unborn.pid)), ESRCH);
    assert!(world.thread(unborn).dropped);
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(Some((parent.pid, 0))));
    // From now on they are this one's.
    world.ask(init, Verb::AdoptOrphans, 0).unwrap();
    let parent = world.child(init);
    let (alive, ended) = (world.child(parent), world.child(parent));
    world.exit(ended, 3);
    let tag = world.begin_wait(init, wait::PROCESS, parent.pid, wait::EXITED);
    world.exit(parent, 0);
    assert_eq!(world.waited(tag).unwrap().unwrap().id, parent.pid);
    assert_eq!(world.ids(alive, 0).unwrap().ppid, init.pid);
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(Some((ended.pid, wait_status::exited(3)))));
    world.exit(alive, 4);
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(Some((alive.pid, wait_status::exited(4)))));
    // Not everybody may.
    let other = world.bear(init, Birth { bits: birth::IDS, uid: 5, gid: 5, ..Birth::default() }).unwrap();
    world.start(other);
    assert_eq!(errno(world.ask(other, Verb::AdoptOrphans, 0)), EPERM);
}

#[test]
fn what_is_never_started_is_forgotten() {
    let mut world = World::new();
    let init = world.init;
    let before = world.kernel.scheme.open_count();
    let unborn = world.bear(init, Birth::default()).unwrap();
    let other = world.child(init);
    let waits = world.begin_wait(init, wait::PROCESS, unborn.pid, wait::EXITED);
    assert_eq!(errno(world.ask(other, Verb::Forget, unborn.pid.into())), ESRCH);
    assert_eq!(errno(world.ask(init, Verb::Forget, other.pid.into())), EBUSY);
    world.ask(init, Verb::Forget, unborn.pid.into()).unwrap();
    assert_eq!(errno(world.waited(waits).unwrap()), ECHILD);
    assert!(world.thread(unborn).dropped);
    world.kernel.close(unborn.number);
    world.exit(other, 0);
    assert_eq!(world.kernel.scheme.open_count(), before);
    // No thread to be had: nothing has happened.
    world.machine.borrow_mut().full = true;
    let processes = world.kernel.scheme.table().len();
    assert_eq!(errno(world.bear(init, Birth::default())), EAGAIN);
    assert_eq!((world.kernel.scheme.open_count(), world.kernel.scheme.table().len()), (before, processes));
}

#[test]
fn how_a_process_ended() {
    let mut world = World::new();
    let init = world.init;
    let mut ends = |status: ThreadStatus| {
        let child = world.child(init);
        world.end_with(child, status);
        world.wait_now(init, wait::EXITED).unwrap().unwrap().1
    };
    let with = |state, exit_status, exception| ThreadStatus { state, exit_status, exception, ..Default::default() };
    assert_eq!(ends(with(state::EXITED, wait_status::exited(255), 0)), 0xff00);
    assert_eq!(ends(with(state::EXITED, wait_status::signaled(6) | wait_status::CORE, 0)), 0x86);
    // What a program makes up is no stop, and nothing that does not exist.
    assert_eq!(ends(with(state::EXITED, wait_status::stopped(19), 0)), 19 << 8);
    assert_eq!(ends(with(state::EXITED, usize::MAX, 0)), 0xff00);
    assert_eq!(ends(with(state::KILLED, 0, 0)), 9);
    assert_eq!(ends(with(state::KILLED, wait_status::signaled(15), 0)), 15);
    for (vector, signal) in [(0, 8), (1, 5), (3, 5), (6, 4), (13, 11), (14, 11), (16, 8), (17, 7), (19, 8)] {
        assert_eq!(ends(with(state::EXCEPTION, 0, vector)), signal, "vector {vector}");
    }
}

#[test]
fn a_process_gets_another_first_thread() {
    let mut world = World::new();
    let init = world.init;
    let child = world.child(init);
    assert_eq!(errno(world.ask(child, Verb::Succeed, 0)), EINVAL);
    let Opened::Descriptor(_) = world.kernel.dup(child.number, SUCCESSOR).unwrap() else { panic!("a descriptor") };
    let named = |world: &World| world.machine.borrow().threads.last().unwrap().attributes.unwrap().pid;
    assert_eq!(named(&world), child.pid);
    world.ask(child, Verb::Succeed, 0).unwrap();
    assert!(world.thread(child).dropped);
    // The end of the old one means nothing any more.
    world.machine.borrow_mut().threads.last_mut().unwrap().status.state = state::RUNNABLE;
    let control = world.kernel.scheme.control();
    world.kernel.call(control, &[], [child.pid.into(), 0]).result().unwrap();
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(None));
    world.machine.borrow_mut().threads.last_mut().unwrap().status.state = state::KILLED;
    world.kernel.call(control, &[], [child.pid.into(), 0]).result().unwrap();
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(Some((child.pid, 9))));
}

#[test]
fn anybody_can_read_what_there_is() {
    let mut world = World::new();
    let init = world.init;
    let mut name = [0; 32];
    name[..6].copy_from_slice(b"sh\x1b[1m");
    let child = world.bear(init, Birth { bits: birth::NAMED, name: Name(name), ..Birth::default() }).unwrap();
    world.start(child);
    let names: Vec<String> = world.kernel.getdents(0, 4096, 0).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["1", "2", "3"]);
    let file = world.kernel.openat(0, &child.pid.to_string(), O_RDONLY).unwrap().number();
    let text = String::from_utf8(world.kernel.read(file, 4096, 0).unwrap()).unwrap();
    for line in ["pid 3\n", "ppid 2\n", "uid 0 0 0\n", "state running\n", "threads 1\n", "name sh?[1m\n"] {
        assert!(text.contains(line), "{text}");
    }
    world.kernel.pid = child.pid as usize;
    let own = world.kernel.openat(0, "self", O_RDONLY).unwrap().number();
    assert_eq!(world.kernel.read(own, 6, 0).unwrap(), b"pid 3\n");
    for path in ["77", "x", "-1", "99999999999"] {
        assert_eq!(errno(world.kernel.openat(0, path, O_RDONLY)), ENOENT, "{path}");
    }
}

#[test]
fn nonsense_is_told_to_who_sends_it() {
    let mut world = World::new();
    let init = world.init;
    for verb in [0, 23, u64::MAX] {
        assert_eq!(errno(world.kernel.call(init.number, &[], [verb, 0]).result()), EINVAL);
    }
    // Payloads that are too short, and too long for nothing.
    for verb in (1..=22).filter_map(Verb::from_raw) {
        for len in [0, 1, 7, 200] {
            let _ = world.kernel.call(init.number, &vec![0xff; len], [verb as u64, u64::MAX]);
        }
    }
    assert_eq!(errno(world.kernel.dup(init.number, b"x")), EINVAL);
    assert_eq!(errno(world.kernel.dup(init.number, &[0xff; Birth::SIZE])), EINVAL);
    assert_eq!(errno(world.kernel.call(0, &[], [1, 0]).result()), EBADF);
    assert_eq!(errno(world.kernel.call(999, &[], [1, 0]).result()), EBADF);
    let child = world.child(init);
    world.exit(child, 0);
    assert_eq!(world.wait_now(init, wait::EXITED), Ok(Some((child.pid, 0))));
}
