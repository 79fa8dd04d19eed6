//! Users, groups of users, priorities, limits.

use ochre_abi::process::{Birth, Credentials, KEEP, Limit, NAME, NO_LIMIT, SetPriority, UserIds, Verb, birth};
use ochre_abi::wait_status;
use scheme_server::syscall::error::{EACCES, EAGAIN, EINVAL, EPERM, ESRCH};

use super::world::{Process, World, errno};
use crate::limits;

fn set_ids(world: &mut World, me: Process, of_group: u64, [real, effective, saved]: [u32; 3]) -> i32 {
    let mut bytes = [0; UserIds::SIZE];
    UserIds { real, effective, saved }.write_to(&mut bytes).unwrap();
    errno(world.send(me, Verb::SetIds, of_group, &bytes))
}

fn credentials(world: &mut World, me: Process) -> Credentials {
    let bytes = world.send(me, Verb::Credentials, 0, &[0; Credentials::SIZE]).unwrap();
    Credentials::from_bytes(&bytes).unwrap()
}

/// A child of `init` that is this user.
fn user(world: &mut World, uid: u32) -> Process {
    let init = world.init;
    let child = world.bear(init, Birth { bits: birth::IDS, uid, gid: uid, ..Birth::default() }).unwrap();
    world.start(child);
    child
}

#[test]
fn ids_are_exchanged_for_own_ones() {
    let mut world = World::new();
    let me = user(&mut world, 10);
    assert_eq!(world.thread(me).attributes.map(|told| (told.euid, told.egid)), Some((10, 10)));
    assert_eq!(set_ids(&mut world, me, 0, [KEEP, 0, KEEP]), EPERM);
    assert_eq!(set_ids(&mut world, me, 1, [KEEP, 0, KEEP]), EPERM);
    let init = world.init;
    let me = world.child(init);
    assert_eq!(set_ids(&mut world, me, 1, [20, 21, 22]), 0);
    assert_eq!(set_ids(&mut world, me, 0, [10, 11, 12]), 0);
    let own = credentials(&mut world, me);
    assert_eq!((own.ruid, own.euid, own.suid, own.rgid, own.egid, own.sgid), (10, 11, 12, 20, 21, 22));
    assert_eq!(world.thread(me).attributes.map(|told| (told.euid, told.egid)), Some((11, 21)));
    assert_eq!(set_ids(&mut world, me, 0, [12, 10, KEEP]), 0);
    assert_eq!(set_ids(&mut world, me, 0, [KEEP, 11, KEEP]), EPERM);
    assert_eq!(credentials(&mut world, me).euid, 10);
    let child = world.bear(me, Birth { bits: birth::RESET_IDS, ..Birth::default() }).unwrap();
    let own = credentials(&mut world, child);
    assert_eq!((own.ruid, own.euid, own.suid, own.egid), (12, 12, 12, 20));
}

#[test]
fn children_have_other_ids_only_by_user_0() {
    let mut world = World::new();
    let me = user(&mut world, 10);
    let born = |uid| Birth { bits: birth::IDS, uid, gid: uid, ..Birth::default() };
    assert_eq!(errno(world.bear(me, born(0))), EPERM);
    assert_eq!(errno(world.bear(me, born(10))), 0);
    assert_eq!(errno(world.bear(me, Birth { bits: birth::AUTHORITY, ..Birth::default() })), EPERM);
}

#[test]
fn the_reserve_of_memory_is_given_on_by_who_has_it_and_only_when_asked() {
    let mut world = World::new();
    let asks = Birth { bits: birth::RESERVE, ..Birth::default() };
    // `init` was made without it.
    let init = world.init;
    assert!(!world.thread(init).reserve);
    assert_eq!(errno(world.bear(init, asks)), EPERM);
    let first = world.first;
    let trusted = world.bear(first, asks).unwrap();
    assert!(world.thread(trusted).reserve);
    let plain = world.bear(trusted, Birth::default()).unwrap();
    assert!(!world.thread(plain).reserve);
    assert_eq!(errno(world.bear(plain, asks)), EPERM);
    assert_eq!(errno(world.bear(trusted, asks)), 0);
    // Another program has lost it.
    assert!(world.send(trusted, Verb::Executed, 0, &[0; NAME]).is_ok());
    assert_eq!(errno(world.bear(trusted, asks)), EPERM);
}

#[test]
fn processor_time_runs_out() {
    const SECOND: u64 = 1_000_000_000;
    let mut world = World::new();
    let me = user(&mut world, 10);
    let control = world.kernel.scheme.control();
    let limit = |world: &mut World, process, soft, hard| {
        let mut bytes = [0; Limit::SIZE];
        Limit { soft, hard }.write_to(&mut bytes).unwrap();
        world.send(process, Verb::SetLimit, limits::CPU as u64, &bytes).map(drop)
    };
    let look = |world: &mut World| {
        world.machine.borrow_mut().wake_in = None;
        world.kernel.call(control, &[], [0, 0]).result().unwrap();
        world.machine.borrow().wake_in
    };
    assert_eq!(look(&mut world), None);
    limit(&mut world, me, 2, 4).unwrap();
    assert_eq!(world.machine.borrow().wake_in, Some(1000));
    let child = world.child(me);
    let spend = |world: &mut World, ns| world.change(me, |thread| thread.used_ns = ns);
    spend(&mut world, 2 * SECOND - 300_000_000);
    assert_eq!((look(&mut world), world.signals(me)), (Some(299), vec![]));
    spend(&mut world, 2 * SECOND);
    assert_eq!((look(&mut world), world.signals(me)), (Some(999), vec![24]));
    // Once a second, and the child, which has used nothing, never.
    look(&mut world);
    spend(&mut world, 3 * SECOND);
    look(&mut world);
    assert_eq!((world.signals(me), world.signals(child)), (vec![24, 24], vec![]));
    spend(&mut world, 4 * SECOND);
    look(&mut world);
    assert_eq!(world.thread(me).status.exit_status, wait_status::signaled(9));
    // The child has its parent's limit.
    world.change(child, |thread| thread.used_ns = 2 * SECOND);
    look(&mut world);
    assert_eq!(world.signals(child), [24]);
}

#[test]
fn supplementary_groups() {
    let mut world = World::new();
    let init = world.init;
    let list: Vec<u8> = [3_u32, 4].iter().flat_map(|group| group.to_ne_bytes()).collect();
    world.send(init, Verb::SetGroups, 0, &list).unwrap();
    let child = world.child(init);
    assert_eq!(world.ask(child, Verb::Groups, 0), Ok(2));
    assert_eq!(world.send(child, Verb::Groups, 0, &[0; 8]).unwrap(), list);
    assert_eq!(errno(world.send(init, Verb::SetGroups, 0, &[0; 4 * 33])), EINVAL);
    let other = user(&mut world, 10);
    assert_eq!(world.ask(other, Verb::Groups, 0), Ok(0));
    assert_eq!(errno(world.send(other, Verb::SetGroups, 0, &list)), EPERM);
}

#[test]
fn signals_between_users() {
    let mut world = World::new();
    let (a, b, other) = (user(&mut world, 10), user(&mut world, 10), user(&mut world, 11));
    assert_eq!(errno(world.kill(a, b.pid as i32, 15)), 0);
    assert_eq!(errno(world.kill(a, other.pid as i32, 15)), EPERM);
    // `SIGCONT` within a session.
    assert_eq!(errno(world.kill(a, other.pid as i32, 18)), 0);
    world.ask(other, Verb::SetSession, 0).unwrap();
    assert_eq!(errno(world.kill(a, other.pid as i32, 18)), EPERM);
    // The real and the saved id of the target count, not the effective one.
    let init = world.init;
    let disguised = world.child(init);
    set_ids(&mut world, disguised, 0, [10, 0, 0]);
    assert_eq!(errno(world.kill(a, disguised.pid as i32, 15)), 0);
    set_ids(&mut world, disguised, 0, [12, 10, 12]);
    assert_eq!(errno(world.kill(a, disguised.pid as i32, 15)), EPERM);
    // To many: those that may be reached are.
    assert_eq!(errno(world.kill(a, -1, 10)), 0);
    assert_eq!((world.signals(b), world.signals(other)), (vec![15, 10], vec![18]));
}

fn set_priority(world: &mut World, me: Process, which: u32, who: u32, nice: i32) -> i32 {
    let mut bytes = [0; SetPriority::SIZE];
    SetPriority { which, who, nice }.write_to(&mut bytes).unwrap();
    errno(world.send(me, Verb::SetPriority, 0, &bytes))
}

#[test]
fn priorities() {
    let mut world = World::new();
    let init = world.init;
    let (me, other) = (user(&mut world, 10), user(&mut world, 11));
    assert_eq!(world.ask(me, Verb::Priority, 0), Ok(20));
    assert_eq!(set_priority(&mut world, me, 0, 0, 5), 0);
    assert_eq!(world.thread(me).attributes.map(|told| told.priority), Some(25));
    assert_eq!(set_priority(&mut world, me, 0, 0, 4), EACCES);
    assert_eq!(set_priority(&mut world, me, 0, other.pid, 5), EPERM);
    assert_eq!(set_priority(&mut world, me, 0, 77, 5), ESRCH);
    assert_eq!(set_priority(&mut world, me, 3, 0, 5), EINVAL);
    assert_eq!(set_priority(&mut world, init, 0, me.pid, -99), 0);
    assert_eq!(world.thread(me).attributes.map(|told| told.priority), Some(0));
    assert_eq!(set_priority(&mut world, init, 2, 10, 99), 0);
    assert_eq!(world.ask(init, Verb::Priority, 2 | 10 << 32), Ok(39));
    // Of a group, the lowest.
    assert_eq!(world.ask(init, Verb::Priority, 1), Ok(20));
    let child = world.child(me);
    assert_eq!(world.thread(child).attributes.map(|told| told.priority), Some(39));
}

fn set_limit(world: &mut World, me: Process, number: usize, soft: u64, hard: u64) -> i32 {
    let mut bytes = [0; Limit::SIZE];
    Limit { soft, hard }.write_to(&mut bytes).unwrap();
    errno(world.send(me, Verb::SetLimit, number as u64, &bytes))
}

fn limit(world: &mut World, me: Process, number: usize) -> Limit {
    let bytes = world.send(me, Verb::Limit, number as u64, &[0; Limit::SIZE]).unwrap();
    Limit::from_bytes(&bytes).unwrap()
}

#[test]
fn limits_are_enforced_and_inherited() {
    let mut world = World::new();
    let me = user(&mut world, 10);
    assert_eq!(limit(&mut world, me, limits::DESCRIPTORS), Limit { soft: 65_536, hard: 65_536 });
    assert_eq!(set_limit(&mut world, me, limits::ADDRESS_SPACE, 1 << 20, 1 << 30), 0);
    assert_eq!(world.thread(me).limits, Some((1 << 20, 65_536)));
    assert_eq!(set_limit(&mut world, me, limits::DESCRIPTORS, 20, 30), 0);
    assert_eq!(world.thread(me).limits, Some((1 << 20, 20)));
    let child = world.child(me);
    assert_eq!(world.thread(child).limits, Some((1 << 20, 20)));
    // Back up to the hard one, and no further but by user 0.
    assert_eq!(set_limit(&mut world, me, limits::DESCRIPTORS, 30, 30), 0);
    assert_eq!(set_limit(&mut world, me, limits::DESCRIPTORS, 31, 31), EPERM);
    assert_eq!(set_limit(&mut world, me, limits::DESCRIPTORS, 31, 30), EINVAL);
    assert_eq!(set_limit(&mut world, me, 15, 0, 0), EINVAL);
    assert_eq!(errno(world.send(me, Verb::Limit, u64::MAX, &[0; Limit::SIZE])), EINVAL);
    let init = world.init;
    assert_eq!(set_limit(&mut world, init, limits::DESCRIPTORS, 9, 9), 0);
    assert_eq!(set_limit(&mut world, init, limits::DESCRIPTORS, NO_LIMIT, NO_LIMIT), 0);
    assert_eq!(limit(&mut world, init, limits::DESCRIPTORS).hard, 65_536);
}

#[test]
fn processes_of_a_user_are_counted() {
    let mut world = World::new();
    let me = user(&mut world, 10);
    assert_eq!(set_limit(&mut world, me, limits::PROCESSES, 3, 3), 0);
    let children = [0, 1].map(|_| world.child(me));
    assert_eq!(errno(world.bear(me, Birth::default())), EAGAIN);
    assert_eq!(errno(world.bear(children[0], Birth::default())), EAGAIN);
    // Those that nobody has waited for count.
    world.exit(children[0], 0);
    assert_eq!(errno(world.bear(me, Birth::default())), EAGAIN);
    world.wait_now(me, ochre_abi::process::wait::EXITED).unwrap();
    assert_eq!(errno(world.bear(me, Birth::default())), 0);
    // User 0 is not limited.
    let init = world.init;
    assert_eq!(set_limit(&mut world, init, limits::PROCESSES, 1, 1), 0);
    world.child(init);
}
