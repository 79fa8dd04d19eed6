//! The supervisor, told all kinds of things.

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn unit(name: &str, more: &str) -> Unit {
    Unit::parse(name, &format!("description = ''\nprogram = '/bin/{name}'\n{more}")).unwrap()
}

fn supervisor(units: &[(&str, &str)]) -> Supervisor {
    Supervisor::new(units.iter().map(|(name, more)| unit(name, more)).collect())
}

/// What is started, stopped and killed; what is said is left out.
fn deeds(effects: Vec<Effect>) -> Vec<Effect> {
    effects.into_iter().filter(|effect| !matches!(effect, Effect::Say(_))).collect()
}

fn states(supervisor: &Supervisor) -> Vec<&'static str> {
    supervisor.services().iter().map(|service| service.state.name()).collect()
}

#[test]
fn each_is_started_when_those_before_it_are_ready() {
    let mut all = supervisor(&[("c", "needs = ['b']"), ("b", "after = ['a']"), ("a", ""), ("free", "")]);
    let names: Vec<_> = all.services().iter().map(|service| service.unit.name.clone()).collect();
    assert_eq!(names, ["a", "b", "c", "free"]);
    assert_eq!(all.step(ms(0), Event::Boot), [Effect::Start(0), Effect::Start(3)]);
    assert_eq!(all.step(ms(1), Event::Ready(0)), [Effect::Start(1)]);
    assert_eq!(all.step(ms(2), Event::Ready(3)), []);
    assert_eq!(all.step(ms(3), Event::Ready(1)), [Effect::Start(2)]);
    assert_eq!(states(&all), ["running", "running", "starting", "running"]);
}

#[test]
fn after_is_a_wish_and_needs_a_condition() {
    let mut all = supervisor(&[("a", "restart = 'never'"), ("b", "after = ['a', 'nobody']"), ("c", "needs = ['a']")]);
    all.step(ms(0), Event::Boot);
    let effects = all.step(ms(1), Event::Ended(0, End::Exited(1)));
    assert_eq!(deeds(effects), [Effect::Start(1)]);
    assert_eq!(states(&all), ["off", "starting", "waiting"]);
    assert_eq!(deeds(all.step(ms(2), Event::Command(0, Command::Start))), [Effect::Start(0)]);
    assert_eq!(deeds(all.step(ms(3), Event::Ready(0))), [Effect::Start(2)]);
}

#[test]
fn one_that_does_something_once_is_done() {
    let mut all = supervisor(&[("once", "ready = 'ended'"), ("then", "needs = ['once']")]);
    assert_eq!(all.step(ms(0), Event::Boot), [Effect::Start(0)]);
    assert_eq!(all.deadline(), None);
    assert_eq!(all.step(ms(9), Event::Ended(0, End::Exited(0))), [Effect::Start(1)]);
    assert_eq!(states(&all), ["done", "starting"]);
}

#[test]
fn what_was_done_once_is_done_again_on_what_it_needs() {
    let mut all =
        supervisor(&[("files", ""), ("fill", "ready = 'ended'\nneeds = ['files']"), ("use", "after = ['fill']")]);
    all.step(ms(0), Event::Boot);
    assert_eq!(all.step(ms(1), Event::Ready(0)), [Effect::Start(1)]);
    assert_eq!(all.step(ms(2), Event::Ended(1, End::Exited(0))), [Effect::Start(2)]);
    assert_eq!(deeds(all.step(ms(3), Event::Ended(0, End::Signaled(9)))), [Effect::Start(0)]);
    assert_eq!(states(&all), ["starting", "waiting", "starting"]);
    assert_eq!(all.step(ms(4), Event::Ready(0)), [Effect::Start(1)]);
    assert_eq!(deeds(all.step(ms(5), Event::Ended(1, End::Exited(0)))), []);
    assert_eq!(states(&all), ["running", "done", "starting"]);
}

#[test]
fn all_else_is_started_behind_the_base() {
    let mut all = supervisor(&[("a", ""), ("z1", "base = true"), ("z2", "base = true\nafter = ['z1']")]);
    assert_eq!(all.step(ms(0), Event::Boot), [Effect::Start(0)]);
    assert_eq!(all.step(ms(1), Event::Ready(0)), [Effect::Start(1)]);
    assert_eq!(all.step(ms(2), Event::Ready(1)), [Effect::Start(2)]);
    // And it ends before it.
    assert_eq!(all.step(ms(3), Event::ShutDown(0)), [Effect::Terminate(2)]);
}

#[test]
fn the_program_that_a_boot_is_for_comes_last_and_ends_it() {
    let base = unit("zero", "base = true");
    let mut all = Supervisor::new(vec![Unit::of_program("/scheme/initfs/bin/work"), base]);
    assert_eq!(all.step(ms(0), Event::Boot), [Effect::Start(0)]);
    assert_eq!(all.step(ms(1), Event::Ready(0)), [Effect::Start(1)]);
    assert_eq!(all.services()[1].unit.name, "work");
    assert_eq!(deeds(all.step(ms(2), Event::Ended(1, End::Exited(3)))), [Effect::Terminate(0)]);
    assert_eq!(all.step(ms(3), Event::Ended(0, End::Signaled(9))), [Effect::Leave(3)]);
    assert_eq!(Unit::of_program("/a b").name, "program");
}

#[test]
fn the_dead_are_started_again_at_once_then_with_pauses_then_not_any_more() {
    let mut all = supervisor(&[("a", "")]);
    all.step(ms(0), Event::Boot);
    let mut now = ms(0);
    let mut pauses = Vec::new();
    loop {
        all.step(now, Event::Ready(0));
        let effects = all.step(now, Event::Ended(0, End::Signaled(9)));
        if all.services()[0].state == State::Off {
            let Some(Effect::Say(text)) = effects.first() else { panic!("{effects:?}") };
            assert!(text.contains("8 times in a row") && text.contains("service start a"), "{text}");
            break;
        }
        if deeds(effects).is_empty() {
            let at = all.deadline().unwrap();
            pauses.push((at - now).as_millis());
            assert_eq!(all.step(at - ms(1), Event::Tick), []);
            assert_eq!(all.step(at, Event::Tick), [Effect::Start(0)]);
            now = at;
        } else {
            pauses.push(0);
        }
    }
    assert_eq!(pauses, [0, 100, 200, 400, 800, 1600, 3200]);
    assert_eq!(all.step(now, Event::Command(0, Command::Start)), [Effect::Start(0)]);
}

#[test]
fn a_long_life_makes_failures_forgotten() {
    let mut all = supervisor(&[("a", "")]);
    all.step(ms(0), Event::Boot);
    for round in 1..50 {
        let now = ms(10_000 * round);
        all.step(now - ms(9_000), Event::Ready(0));
        assert_eq!(deeds(all.step(now, Event::Ended(0, End::Exited(0)))), [Effect::Start(0)]);
    }
}

#[test]
fn followers_of_one_that_died_go_on() {
    let mut all = supervisor(&[("a", ""), ("b", "needs = ['a']")]);
    all.step(ms(0), Event::Boot);
    all.step(ms(1), Event::Ready(0));
    all.step(ms(2), Event::Ready(1));
    assert_eq!(deeds(all.step(ms(3), Event::Ended(0, End::Signaled(11)))), [Effect::Start(0)]);
    assert_eq!(states(&all), ["starting", "running"]);
}

#[test]
fn one_that_never_becomes_ready_is_killed() {
    let mut all = supervisor(&[("a", "")]);
    all.step(ms(5), Event::Boot);
    assert_eq!(all.deadline(), Some(ms(30_005)));
    assert_eq!(deeds(all.step(ms(30_005), Event::Tick)), [Effect::Kill(0)]);
    assert_eq!(all.deadline(), None);
    assert_eq!(deeds(all.step(ms(30_006), Event::Ended(0, End::Signaled(9)))), [Effect::Start(0)]);
}

#[test]
fn stop_asks_then_kills() {
    let mut all = supervisor(&[("a", "")]);
    all.step(ms(0), Event::Boot);
    all.step(ms(1), Event::Ready(0));
    assert_eq!(all.step(ms(2), Event::Command(0, Command::Stop)), [Effect::Terminate(0)]);
    assert_eq!(all.step(ms(3), Event::Command(0, Command::Stop)), []);
    assert_eq!(all.step(ms(3_002), Event::Tick), [Effect::Kill(0)]);
    assert_eq!(all.step(ms(3_003), Event::Tick), []);
    assert_eq!(all.step(ms(3_004), Event::Ended(0, End::Signaled(9))), []);
    assert_eq!(states(&all), ["off"]);
}

#[test]
fn restart_stops_and_starts() {
    let mut all = supervisor(&[("a", "")]);
    all.step(ms(0), Event::Boot);
    all.step(ms(1), Event::Ready(0));
    assert_eq!(all.step(ms(2), Event::Command(0, Command::Restart)), [Effect::Terminate(0)]);
    assert_eq!(all.step(ms(3), Event::Ended(0, End::Exited(0))), [Effect::Start(0)]);
    assert_eq!(all.step(ms(4), Event::Command(0, Command::Kill)), [Effect::Kill(0)]);
    assert_eq!(deeds(all.step(ms(5), Event::Ended(0, End::Signaled(9)))), [Effect::Start(0)]);
}

#[test]
fn the_end_goes_backwards_and_takes_the_status_of_the_last() {
    let mut all =
        supervisor(&[("a", ""), ("b", "after = ['a']"), ("shell", "after = ['b']\nready = 'started'\nlast = true")]);
    all.step(ms(0), Event::Boot);
    all.step(ms(1), Event::Ready(0));
    assert_eq!(all.step(ms(2), Event::Ready(1)), [Effect::Start(2)]);
    assert_eq!(deeds(all.step(ms(3), Event::Ended(2, End::Exited(7)))), [Effect::Terminate(1)]);
    assert_eq!(all.step(ms(4), Event::Ended(1, End::Exited(0))), [Effect::Terminate(0)]);
    assert_eq!(all.step(ms(3_004), Event::Tick), [Effect::Kill(0)]);
    assert_eq!(all.step(ms(3_005), Event::Ended(0, End::Signaled(9))), [Effect::Leave(7)]);
}

#[test]
fn without_the_last_there_is_nothing_to_go_on_for() {
    let mut all = supervisor(&[("shell", "ready = 'started'\nlast = true")]);
    all.step(ms(0), Event::Boot);
    let effects = all.step(ms(1), Event::Failed(0, "no such file".into()));
    assert!(effects.contains(&Effect::Leave(1)), "{effects:?}");
}

#[test]
fn what_cannot_be_is_told_and_left_out() {
    let mut all = supervisor(&[
        ("a", "after = ['b']"),
        ("b", "after = ['a']"),
        ("c", "needs = ['nobody']"),
        ("d", "needs = ['c']"),
        ("e", ""),
        ("e", ""),
    ]);
    let effects = all.step(ms(0), Event::Boot);
    let said: Vec<_> =
        effects.iter().filter_map(|effect| if let Effect::Say(text) = effect { Some(text) } else { None }).collect();
    assert_eq!(said.len(), 5, "{said:?}");
    assert_eq!(deeds(effects.clone()), [Effect::Start(0)]);
    assert_eq!(all.services()[0].unit.name, "e");
}

/// Whatever comes in whatever order, what is to be done makes sense.
#[test]
fn random_events_make_no_nonsense() {
    let mut random = 1_u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) % below
    };
    for _ in 0..300 {
        let mut all = supervisor(&[
            ("a", ""),
            ("b", "needs = ['a']"),
            ("c", "after = ['a', 'b']\nready = 'started'"),
            ("d", "ready = 'ended'"),
        ]);
        let (mut now, mut alive) = (0, [false; 4]);
        let mut event = Event::Boot;
        let mut left = false;
        for _ in 0..200 {
            for effect in all.step(ms(now), event) {
                match effect {
                    Effect::Start(id) => assert!(!std::mem::replace(&mut alive[id], true), "started twice"),
                    Effect::Terminate(id) | Effect::Kill(id) => assert!(alive[id], "there is nothing to stop"),
                    Effect::Leave(_) => {
                        assert_eq!(alive, [false; 4]);
                        left = true;
                    }
                    Effect::Say(_) => {}
                }
            }
            if left {
                break;
            }
            now += next(4_000);
            let id = next(4) as usize;
            event = match next(12) {
                0..=3 if alive[id] => Event::Ready(id),
                4 | 5 if alive[id] => {
                    alive[id] = false;
                    Event::Ended(id, if next(2) == 0 { End::Exited(0) } else { End::Signaled(9) })
                }
                6 => Event::Command(
                    id,
                    [Command::Start, Command::Stop, Command::Restart, Command::Kill][next(4) as usize],
                ),
                7 if next(40) == 0 => Event::ShutDown(0),
                _ => Event::Tick,
            };
        }
    }
}
