//! Processes, as `/scheme/proc/PID` and `/scheme/sys/context` tell of them (docs/processes.md, docs/kernel-schemes.md).

use std::collections::BTreeMap;
use std::io::Result;
use std::path::Path;

/// The process manager's texts.
const PROCESSES: &str = "/scheme/proc";
/// The kernel's threads.
const THREADS: &str = "/scheme/sys/context";
/// Accounts, for the names of users.
const ACCOUNTS: &str = "/etc/passwd";

/// What a process is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// A thread of it runs, or waits for a processor.
    Running,
    /// All its threads wait for something.
    #[default]
    Waiting,
    /// A signal has stopped it.
    Stopped,
    /// It has ended, and nobody has asked how.
    Ended,
}

impl State {
    /// One letter, as everywhere in this family of systems.
    pub const fn letter(self) -> char {
        match self {
            State::Running => 'R',
            State::Waiting => 'S',
            State::Stopped => 'T',
            State::Ended => 'Z',
        }
    }
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// Its effective user.
    pub user: u32,
    /// What it is doing.
    pub state: State,
    /// How many threads it has.
    pub threads: u64,
    /// Processor time of all of them, in nanoseconds.
    pub time_ns: u64,
    /// Bytes of its address space.
    pub mapped: u64,
    /// Bytes of it that are in memory.
    pub resident: u64,
    /// What it is called.
    pub name: String,
}

impl Process {
    /// From the manager's text; none when that makes no sense.
    pub fn parse(text: &str) -> Option<Self> {
        let mut process = Process::default();
        for line in text.lines() {
            let (name, value) = line.split_once(' ')?;
            let word = |index: usize| value.split(' ').nth(index);
            match name {
                "pid" => process.pid = value.parse().ok()?,
                "ppid" => process.parent = value.parse().ok()?,
                "uid" => process.user = word(1)?.parse().ok()?,
                "state" => {
                    process.state = match word(0)? {
                        "stopped" => State::Stopped,
                        "ended" => State::Ended,
                        _ => State::Waiting,
                    };
                }
                "threads" => process.threads = value.parse().ok()?,
                "time_ns" => process.time_ns = value.parse().ok()?,
                "mapped_bytes" => process.mapped = value.parse().ok()?,
                "resident_bytes" => process.resident = value.parse().ok()?,
                "name" => process.name = value.into(),
                _ => {}
            }
        }
        (process.pid != 0).then_some(process)
    }
}

/// What the manager does not know of a process: what its threads do.
pub fn add_threads(processes: &mut [Process], context: &str) {
    let mut running = BTreeMap::new();
    for line in context.lines().skip(1) {
        let mut words = line.split(' ');
        let pid: Option<u32> = words.nth(1).and_then(|word| word.parse().ok());
        if let (Some(pid), Some("runnable")) = (pid, words.nth(2)) {
            running.insert(pid, ());
        }
    }
    for process in processes.iter_mut().filter(|process| process.state == State::Waiting) {
        if running.contains_key(&process.pid) {
            process.state = State::Running;
        }
    }
}

/// All processes, in the order of their ids. One that ends meanwhile is left out.
pub fn all() -> Result<Vec<Process>> {
    let mut processes: Vec<Process> = std::fs::read_dir(PROCESSES)?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(one)
        .collect();
    processes.sort_by_key(|process| process.pid);
    add_threads(&mut processes, &std::fs::read_to_string(THREADS)?);
    Ok(processes)
}

/// The process with an id, if there is one.
pub fn one(pid: u32) -> Option<Process> {
    Process::parse(&std::fs::read_to_string(Path::new(PROCESSES).join(pid.to_string())).ok()?)
}

/// Names of users.
#[derive(Clone, Debug, Default)]
pub struct Users(BTreeMap<u32, String>);

impl Users {
    /// Those of this system. Without accounts there are only numbers.
    pub fn of_system() -> Self {
        Self::parse(&std::fs::read_to_string(ACCOUNTS).unwrap_or_default())
    }

    /// From a text as in passwd(5).
    pub fn parse(text: &str) -> Self {
        let account = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| !name.is_empty())?;
            Some((fields.nth(1)?.parse().ok()?, name.to_string()))
        };
        // The first name of a number is the one that it is known by.
        Users(text.lines().rev().filter_map(account).collect())
    }

    /// What a user is called.
    pub fn name(&self, user: u32) -> String {
        self.0.get(&user).cloned().unwrap_or_else(|| user.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "pid 12\nppid 1\npgid 12\nsid 3\nuid 5 6 7\ngid 0 0 0\nnice 0\nstate running\nthreads 3\n\
                        time_ns 1500000000\nmapped_bytes 8192\nresident_bytes 4096\nterminal 1 foreground 12\nname a name of three words\n";

    #[test]
    fn texts_are_read() {
        let process = Process::parse(TEXT).unwrap();
        let wanted = Process {
            pid: 12,
            parent: 1,
            user: 6,
            state: State::Waiting,
            threads: 3,
            time_ns: 1_500_000_000,
            mapped: 8192,
            resident: 4096,
            name: "a name of three words".into(),
        };
        assert_eq!(process, wanted);
        let state = |text: &str| Process::parse(&TEXT.replace("state running", text)).unwrap().state;
        assert_eq!((state("state stopped 19"), state("state ended 256")), (State::Stopped, State::Ended));
        for wrong in ["", "pid x", "name only\n", "pid 1\nuid 5"] {
            assert_eq!(Process::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_process_runs_when_a_thread_of_it_does() {
        let context = "thread pid uid gid state cpu level cpu_time_ns call name\n\
                       1 12 0 0 blocked 0 4 5 0x0 a name\n2 12 0 0 runnable 0 4 5 0x0 a name\n3 13 0 0 blocked 0 4 5 0x0 b\n";
        let with = |pid, state| Process { pid, state, ..Process::default() };
        let mut all = [with(12, State::Waiting), with(13, State::Waiting), with(12, State::Stopped)];
        add_threads(&mut all, context);
        assert_eq!(all.map(|process| process.state.letter()), ['R', 'S', 'T']);
    }

    #[test]
    fn users_have_names_or_numbers() {
        let users = Users::parse("root:x:0:0::/root:/bin/sh\nbroken\ntoor:x:0:0::/:\nada:x:1000:1000::/:\n:x:5:5:::\n");
        assert_eq!((users.name(0), users.name(1000), users.name(5)), ("root".into(), "ada".into(), "5".into()));
    }
}
