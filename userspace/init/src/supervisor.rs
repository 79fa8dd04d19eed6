//! The state machine: told what happened, it says what is to be done. It does nothing itself and knows the time only as it is told.

mod plan;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ochre_spawn::End;

use crate::unit::{Ready, Restart, Unit};
pub use plan::order;

/// Number of a service: its place in the list that the supervisor was made with.
pub type Id = usize;

/// A service that lived so long has recovered: its failures do not count any more.
const RECOVERED: Duration = Duration::from_secs(10);
/// Wait before the second start in a row; it doubles with each one after.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest wait between starts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// So many failures in a row switch a service off.
const PATIENCE: u32 = 8;
/// A service must be ready so long after its start.
const TIME_TO_BE_READY: Duration = Duration::from_secs(30);
/// A service that was asked to stop is killed after this.
const TIME_TO_STOP: Duration = Duration::from_secs(3);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The system is up: start what belongs to it.
    Boot,
    /// A service says that it is ready.
    Ready(Id),
    /// A service's process has ended.
    Ended(Id, End),
    /// A service could not be started.
    Failed(Id, String),
    /// Time has passed.
    Tick,
    /// Somebody commands.
    Command(Id, Command),
    /// The system is to end, with this status.
    ShutDown(u8),
}

/// What a person can command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start it, also when it was switched off.
    Start,
    /// Stop it, and do not start it again.
    Stop,
    /// Stop it and start it.
    Restart,
    /// Kill it, in the middle of whatever it does; what then happens is what happens when it dies.
    Kill,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start this service's process.
    Start(Id),
    /// Ask this service's process to end.
    Terminate(Id),
    /// Kill it.
    Kill(Id),
    /// Tell people.
    Say(String),
    /// All have ended: leave with this status.
    Leave(u8),
}

/// What a service is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not started, and not to be.
    Off,
    /// It is to be started when others are ready.
    Waiting,
    /// Started, not ready yet.
    Starting,
    /// Ready.
    Running,
    /// It did what it was to do, once.
    Done,
    /// It died, and is started again at this time.
    Pausing(Duration),
    /// It was told to stop, and is killed at this time.
    Stopping(Duration),
}

impl State {
    /// One word.
    pub const fn name(self) -> &'static str {
        match self {
            State::Off => "off",
            State::Waiting => "waiting",
            State::Starting => "starting",
            State::Running => "running",
            State::Done => "done",
            State::Pausing(_) => "pausing",
            State::Stopping(_) => "stopping",
        }
    }

    /// Whether it has a process.
    const fn lives(self) -> bool {
        matches!(self, State::Starting | State::Running | State::Stopping(_))
    }

    /// Whether those that wait for it need not wait any longer.
    const fn is_ready(self) -> bool {
        matches!(self, State::Running | State::Done)
    }
}

/// A service and what is known of it.
#[derive(Debug)]
pub struct Service {
    /// What it is.
    pub unit: Unit,
    /// What it is doing.
    pub state: State,
    /// When it was started last.
    pub since: Duration,
    /// How often it was started.
    pub starts: u32,
    /// How it ended last.
    pub last_end: Option<String>,
    /// How often in a row it did not live long.
    failures: u32,
    /// Start it again once it has stopped.
    again: bool,
    /// It was ready at least once: those behind it were started, and a death later does not hold them back.
    was_ready: bool,
    before: Vec<Id>,
    needs: Vec<Id>,
}

/// All services.
#[derive(Debug)]
pub struct Supervisor {
    services: Vec<Service>,
    /// Status to leave with, once the end has begun.
    leaving: Option<u8>,
    effects: Vec<Effect>,
}

impl Supervisor {
    /// A supervisor of these services. Names that no unit has are said and forgotten in `after`, and make a service impossible in
    /// `needs`; services that wait for each other in a circle are left out.
    pub fn new(units: Vec<Unit>) -> Self {
        let (units, complaints) = order(units);
        let id = |name: &str| units.iter().position(|unit| unit.name == name);
        let ids = |names: &mut dyn Iterator<Item = &str>| names.filter_map(id).collect::<Vec<_>>();
        let links: Vec<_> = units
            .iter()
            .map(|unit| (ids(&mut unit.before()), ids(&mut unit.needs.iter().map(String::as_str))))
            .collect();
        let services = units.into_iter().zip(links).map(|(unit, (before, needs))| Service {
            unit,
            state: State::Off,
            since: Duration::ZERO,
            starts: 0,
            last_end: None,
            failures: 0,
            again: false,
            was_ready: false,
            before,
            needs,
        });
        let services = services.collect();
        Self { services, leaving: None, effects: complaints.into_iter().map(Effect::Say).collect() }
    }

    /// The services, in the order in which they are started.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service of this name.
    pub fn find(&self, name: &str) -> Option<Id> {
        self.services.iter().position(|service| service.unit.name == name)
    }

    /// When something is to be done next, if nothing else happens: a [`Event::Tick`] is due then.
    pub fn deadline(&self) -> Option<Duration> {
        self.services.iter().filter_map(Service::deadline).min()
    }

    /// What is to be done about something that happened.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Effect> {
        match event {
            Event::Boot => self.services.iter_mut().for_each(|service| service.state = State::Waiting),
            Event::Ready(id) => self.ready(id),
            Event::Ended(id, end) => self.ended(now, id, end),
            Event::Failed(id, why) => self.died(now, id, why),
            Event::Tick => self.tick(now),
            Event::Command(id, command) => self.command(now, id, command),
            Event::ShutDown(status) => self.shut_down(status),
        }
        self.move_on(now);
        std::mem::take(&mut self.effects)
    }

    fn say(&mut self, text: String) {
        self.effects.push(Effect::Say(text));
    }

    fn ready(&mut self, id: Id) {
        let service = &mut self.services[id];
        if service.state == State::Starting {
            service.state = State::Running;
            service.was_ready = true;
        }
    }

    fn ended(&mut self, now: Duration, id: Id, end: End) {
        let service = &mut self.services[id];
        service.last_end = Some(end.to_string());
        let (name, success) = (service.unit.name.clone(), end == End::Exited(0));
        if let State::Stopping(_) = service.state {
            service.state = if std::mem::take(&mut service.again) { State::Waiting } else { State::Off };
            return;
        }
        if service.unit.last {
            service.state = State::Done;
            if !success {
                self.say(format!("{name}: {end}"));
            }
            return self.shut_down(end.code());
        }
        if self.leaving.is_some() {
            service.state = State::Off;
            return;
        }
        let again = match service.unit.restart {
            Restart::Always => true,
            Restart::Failure => !success,
            Restart::Never => false,
        };
        if again {
            return self.died(now, id, end.to_string());
        }
        if success {
            (service.state, service.was_ready) = (State::Done, true);
        } else {
            service.state = State::Off;
            self.say(format!("{name}: {end}"));
        }
    }

    /// It is not there any more, and is started again if there is hope.
    fn died(&mut self, now: Duration, id: Id, why: String) {
        let service = &mut self.services[id];
        let name = service.unit.name.clone();
        service.last_end = Some(why.clone());
        if service.unit.last {
            // What the system is there for cannot even be started.
            service.state = State::Off;
            self.say(format!("{name}: {why}"));
            return self.shut_down(1);
        }
        if now.saturating_sub(service.since) >= RECOVERED {
            service.failures = 0;
        }
        service.failures += 1;
        if service.failures >= PATIENCE || service.unit.restart == Restart::Never {
            service.state = State::Off;
            let failures = service.failures;
            self.say(match failures {
                1 => format!("{name}: {why}"),
                _ => format!("{name}: {why}, {failures} times in a row; it is switched off (`service start {name}`)"),
            });
            return;
        }
        let pause = match service.failures {
            1 => Duration::ZERO,
            failures => (PAUSE * 2_u32.pow(failures - 2)).min(LONGEST_PAUSE),
        };
        service.state = State::Pausing(now + pause);
        self.say(format!("{name}: {why}; it is started again"));
    }

    fn tick(&mut self, now: Duration) {
        for id in 0..self.services.len() {
            let service = &mut self.services[id];
            match service.state {
                State::Stopping(at) if at <= now => {
                    // Once: the end of the process comes as an event of its own.
                    service.state = State::Stopping(Duration::MAX);
                    self.effects.push(Effect::Kill(id));
                }
                State::Starting if service.deadline().is_some_and(|at| at <= now) => {
                    let text = format!("{}: not ready after {TIME_TO_BE_READY:?}; it is killed", service.unit.name);
                    // Its end then counts as a failure.
                    service.since = Duration::MAX;
                    self.say(text);
                    self.effects.push(Effect::Kill(id));
                }
                _ => {}
            }
        }
    }

    fn command(&mut self, now: Duration, id: Id, command: Command) {
        let service = &mut self.services[id];
        match (command, service.state) {
            (Command::Start, State::Off | State::Done | State::Pausing(_)) => {
                service.failures = 0;
                service.state = State::Waiting;
            }
            (Command::Start, State::Stopping(_)) => service.again = true,
            (Command::Start, _) => {}
            (Command::Stop | Command::Restart, state) => {
                let again = command == Command::Restart;
                if state.lives() {
                    service.again = again;
                    if !matches!(state, State::Stopping(_)) {
                        service.state = State::Stopping(now + TIME_TO_STOP);
                        self.effects.push(Effect::Terminate(id));
                    }
                } else {
                    service.failures = 0;
                    service.state = if again { State::Waiting } else { State::Off };
                }
            }
            (Command::Kill, state) if state.lives() => self.effects.push(Effect::Kill(id)),
            (Command::Kill, _) => {}
        }
    }

    fn shut_down(&mut self, status: u8) {
        if self.leaving.is_none() {
            self.leaving = Some(status);
        }
    }

    /// Starts what can be started now; while the end has begun, stops what can be stopped now.
    fn move_on(&mut self, now: Duration) {
        if let Some(status) = self.leaving {
            return self.wind_down(now, status);
        }
        for id in 0..self.services.len() {
            let due = match self.services[id].state {
                State::Waiting => self.may_start(id),
                State::Pausing(at) => at <= now,
                _ => false,
            };
            if due {
                self.start(now, id);
            }
        }
    }

    fn start(&mut self, now: Duration, id: Id) {
        let service = &mut self.services[id];
        service.since = now;
        service.starts += 1;
        service.state = State::Starting;
        self.effects.push(Effect::Start(id));
        let again = service.starts > 1;
        if service.unit.ready == Ready::Started {
            self.ready(id);
        }
        if again {
            self.do_again(id);
        }
    }

    /// What was done once on a service that is started again has gone with it, and is done once more.
    fn do_again(&mut self, id: Id) {
        for service in self.services.iter_mut().filter(|service| service.needs.contains(&id)) {
            if service.unit.ready == Ready::Ended && service.state == State::Done {
                service.state = State::Waiting;
            }
        }
    }

    /// Whether all that a service is started behind have been ready, or never will be; and those it needs are.
    fn may_start(&self, id: Id) -> bool {
        let service = &self.services[id];
        let needed = service.needs.iter().all(|&other| self.services[other].state.is_ready());
        let settled = |other: Id| {
            let other = &self.services[other];
            other.was_ready || other.state.is_ready() || other.state == State::Off
        };
        needed && service.before.iter().all(|&other| settled(other))
    }

    /// Stops services, each when all that were started behind it have ended.
    fn wind_down(&mut self, now: Duration, status: u8) {
        for id in (0..self.services.len()).rev() {
            let followers = |other: &Service| other.before.contains(&id) && other.state.lives();
            if self.services.iter().any(followers) {
                continue;
            }
            match self.services[id].state {
                State::Starting | State::Running => {
                    let service = &mut self.services[id];
                    service.again = false;
                    service.state = State::Stopping(now + TIME_TO_STOP);
                    self.effects.push(Effect::Terminate(id));
                }
                State::Stopping(_) => self.services[id].again = false,
                State::Waiting | State::Pausing(_) => self.services[id].state = State::Off,
                State::Off | State::Done => {}
            }
        }
        if !self.services.iter().any(|service| service.state.lives()) {
            self.effects.push(Effect::Leave(status));
        }
    }
}

impl Service {
    /// When something is to be done about it.
    fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Pausing(at) | State::Stopping(at) => Some(at).filter(|&at| at != Duration::MAX),
            // What does something once may take as long as it takes.
            State::Starting if self.unit.ready == Ready::Notify => self.since.checked_add(TIME_TO_BE_READY),
            _ => None,
        }
    }
}
