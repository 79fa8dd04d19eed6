//! What `top` shows: told what there is and what was typed, it draws. It knows neither a clock nor a terminal.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::listing::{cut, duration, size};
use crate::processes::{Process, State, Users};

/// Lines above the processes: two of the system, one that is empty, the heading.
const ABOVE: usize = 4;
/// Heading of the table.
const HEADING: &str = "  PID  PPID USER     S THR  MAPPED  MEMORY      TIME   CPU NAME";

/// What the list is sorted by; the largest come first, but for ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Share of a processor.
    #[default]
    Cpu,
    /// Bytes in memory.
    Memory,
    /// Processor time.
    Time,
    /// Process id.
    Pid,
}

/// What was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// Towards the first process.
    Up,
    /// Towards the last.
    Down,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
}

/// What the keys in some bytes from a terminal are. Sequences that are not known are left out.
pub fn keys(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != 0x1b {
            keys.push(Key::Char(char::from(*first)));
            continue;
        }
        let Some(body) = behind.strip_prefix(b"[") else { continue };
        let end = body.iter().position(|byte| (0x40..0x7f).contains(byte)).map_or(body.len(), |at| at + 1);
        let (sequence, behind) = body.split_at(end);
        rest = behind;
        match sequence {
            b"A" => keys.push(Key::Up),
            b"B" => keys.push(Key::Down),
            b"5~" => keys.push(Key::PageUp),
            b"6~" => keys.push(Key::PageDown),
            _ => {}
        }
    }
    keys
}

/// The system as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// Nanoseconds since it was started.
    pub uptime_ns: u64,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of it that nobody uses.
    pub free: u64,
    /// Processors.
    pub processors: u64,
}

impl System {
    /// From `/scheme/sys/stat`. What is missing there is 0.
    pub fn parse(text: &str) -> Self {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        let frame = value("frame_bytes");
        System {
            uptime_ns: value("uptime_ns"),
            memory: value("frames_total") * frame,
            free: value("frames_free") * frame,
            processors: value("processors"),
        }
    }
}

/// The list of processes on a terminal.
#[derive(Debug, Default)]
pub struct View {
    rows: usize,
    columns: usize,
    sort: Sort,
    /// How many processes are above the screen.
    from: usize,
    system: System,
    /// With the share of one processor that each has had since the last sample, in thousandths.
    processes: Vec<(Process, u64)>,
}

impl View {
    /// The terminal has this size.
    pub fn resize(&mut self, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        self.scroll(0);
    }

    /// There is something new to be shown.
    pub fn sample(&mut self, system: System, processes: Vec<Process>) {
        let passed = system.uptime_ns.saturating_sub(self.system.uptime_ns).max(1);
        let before: BTreeMap<u32, u64> =
            self.processes.iter().map(|(process, _)| (process.pid, process.time_ns)).collect();
        let share = |process: &Process| {
            // A process that was not there has had all its time since; an id may also be used anew.
            let spent = process.time_ns.checked_sub(before.get(&process.pid).copied().unwrap_or(0));
            let thousandths = u128::from(spent.unwrap_or(process.time_ns)) * 1000 / u128::from(passed);
            thousandths.min(u128::from(system.processors.max(1)) * 1000) as u64
        };
        self.processes = processes.into_iter().map(|process| (share(&process), process)).map(|(a, b)| (b, a)).collect();
        self.system = system;
        self.order();
        self.scroll(0);
    }

    /// Something was typed; whether that means the end.
    pub fn key(&mut self, key: Key) -> bool {
        let page = self.room() as isize;
        match key {
            Key::Char('q' | 'Q' | '\x03' | '\x04') => return true,
            Key::Char('c' | 'C' | 'P') => self.sort = Sort::Cpu,
            Key::Char('m' | 'M') => self.sort = Sort::Memory,
            Key::Char('t' | 'T') => self.sort = Sort::Time,
            Key::Char('p' | 'N') => self.sort = Sort::Pid,
            Key::Char('k') | Key::Up => self.scroll(-1),
            Key::Char('j') | Key::Down => self.scroll(1),
            Key::PageUp => self.scroll(-page),
            Key::Char(' ') | Key::PageDown => self.scroll(page),
            Key::Char(_) => {}
        }
        self.order();
        false
    }

    fn order(&mut self) {
        let sort = self.sort;
        // Ids decide where the rest is equal, so that nothing jumps about.
        self.processes.sort_by_key(|(process, share)| {
            let large = match sort {
                Sort::Cpu => *share,
                Sort::Memory => process.resident,
                Sort::Time => process.time_ns,
                Sort::Pid => 0,
            };
            (std::cmp::Reverse(large), process.pid)
        });
    }

    fn scroll(&mut self, by: isize) {
        let most = self.processes.len().saturating_sub(self.room());
        self.from = self.from.saturating_add_signed(by).min(most);
    }

    /// Processes that fit on the screen.
    fn room(&self) -> usize {
        self.rows.saturating_sub(ABOVE).max(1)
    }

    /// The whole screen, from its first line on.
    pub fn draw(&self, users: &Users) -> String {
        let mut lines: Vec<String> = self.summary().map(|line| cut(&line, self.columns).into()).into();
        lines.push(String::new());
        lines.push(format!("\x1b[7m{:<1$}\x1b[m", cut(HEADING, self.columns), self.columns));
        for (process, share) in self.processes.iter().skip(self.from).take(self.room()) {
            lines.push(cut(&row(process, *share, users), self.columns).into());
        }
        // Home; each line with its rest cleared; then all that was below.
        let mut screen = String::from("\x1b[H");
        let last = lines.len().min(self.rows.max(1)) - 1;
        for (index, line) in lines.into_iter().take(last + 1).enumerate() {
            let end = if index == last { "\x1b[K" } else { "\x1b[K\r\n" };
            let _ = write!(screen, "{line}{end}");
        }
        screen + "\x1b[J"
    }

    /// The same as plain lines, for what is no terminal.
    pub fn lines(&self, users: &Users) -> String {
        let mut text = self.summary().join("\n") + "\n\n" + HEADING + "\n";
        for (process, share) in &self.processes {
            text += &(row(process, *share, users) + "\n");
        }
        text
    }

    fn summary(&self) -> [String; 2] {
        let System { uptime_ns, memory, free, processors } = self.system;
        let count = |state| self.processes.iter().filter(|(process, _)| process.state == state).count();
        let share: u64 = self.processes.iter().map(|(_, share)| share).sum();
        [
            format!(
                "{} processes: {} running, {} waiting, {} stopped, {} ended    up {}",
                self.processes.len(),
                count(State::Running),
                count(State::Waiting),
                count(State::Stopped),
                count(State::Ended),
                duration(uptime_ns)
            ),
            format!(
                "memory {} of {} used    processors {}.{}% of {processors} used    sorted by {}",
                size(memory.saturating_sub(free)),
                size(memory),
                share / 10,
                share % 10,
                match self.sort {
                    Sort::Cpu => "CPU (also: m t p, q leaves)",
                    Sort::Memory => "memory (also: c t p, q leaves)",
                    Sort::Time => "time (also: c m p, q leaves)",
                    Sort::Pid => "id (also: c m t, q leaves)",
                }
            ),
        ]
    }
}

fn row(process: &Process, share: u64, users: &Users) -> String {
    let Process { pid, parent, user, state, threads, time_ns, mapped, resident, name } = process;
    let (user, mapped, memory, time) = (users.name(*user), size(*mapped), size(*resident), duration(*time_ns));
    let (user, cpu, state) = (cut(&user, 8), format!("{}.{}", share / 10, share % 10), state.letter());
    format!("{pid:>5} {parent:>5} {user:<8} {state} {threads:>3} {mapped:>7} {memory:>7} {time:>9} {cpu:>5} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, time_ms: u64, resident: u64) -> Process {
        let name = format!("p{pid}");
        Process { pid, threads: 1, time_ns: time_ms * 1_000_000, mapped: 8 << 20, resident, name, ..Process::default() }
    }

    fn system(ms: u64) -> System {
        System { uptime_ns: ms * 1_000_000, memory: 64 << 20, free: 16 << 20, processors: 2 }
    }

    fn names(view: &View) -> Vec<&str> {
        view.processes.iter().map(|(process, _)| process.name.as_str()).collect()
    }

    /// What stands on a screen, without the control sequences.
    fn plain(screen: &str) -> Vec<String> {
        let text = ["\x1b[H", "\x1b[K", "\x1b[J", "\x1b[7m", "\x1b[m"]
            .iter()
            .fold(screen.to_string(), |text, part| text.replace(part, ""));
        text.split("\r\n").map(|line| line.trim_end().into()).collect()
    }

    #[test]
    fn shares_are_of_the_time_between_two_samples() {
        let mut view = View::default();
        view.resize(24, 80);
        view.sample(system(1000), vec![process(1, 900, 0), process(2, 100, 0)]);
        view.sample(
            system(3000),
            vec![process(1, 900, 0), process(2, 600, 0), process(3, 1000, 0), process(4, 99_999, 0)],
        );
        let shares: Vec<_> = view.processes.iter().map(|(process, share)| (process.pid, *share)).collect();
        assert_eq!(shares, [(4, 2000), (3, 500), (2, 250), (1, 0)]);
        // Its id was given to another process.
        view.sample(system(4000), vec![process(1, 100, 0)]);
        assert_eq!(view.processes[0].1, 100);
    }

    #[test]
    fn keys_sort_and_scroll_and_leave() {
        let mut view = View::default();
        view.resize(ABOVE + 2, 80);
        view.sample(system(1000), vec![process(1, 5, 30), process(2, 9, 10), process(3, 7, 20), process(4, 0, 5)]);
        assert_eq!(names(&view), ["p2", "p3", "p1", "p4"]);
        assert!(!view.key(Key::Char('m')));
        assert_eq!(names(&view), ["p1", "p3", "p2", "p4"]);
        view.key(Key::Char('p'));
        assert_eq!(names(&view), ["p1", "p2", "p3", "p4"]);
        let shown = |view: &View| plain(&view.draw(&Users::default()))[ABOVE..].join(" ");
        assert!(shown(&view).contains("p1") && !shown(&view).contains("p3"));
        for (key, from) in [
            (Key::Up, 0),
            (Key::Down, 1),
            (Key::PageDown, 2),
            (Key::PageDown, 2),
            (Key::Char('k'), 1),
            (Key::PageUp, 0),
            (Key::Char('?'), 0),
        ] {
            assert!(!view.key(key));
            assert_eq!(view.from, from, "{key:?}");
        }
        view.key(Key::PageDown);
        view.sample(system(2000), vec![process(1, 5, 30)]);
        assert_eq!(view.from, 0);
        assert!(view.key(Key::Char('q')) && view.key(Key::Char('\x03')));
    }

    #[test]
    fn the_screen_is_never_left() {
        let mut view = View::default();
        let many = || (1..100).map(|pid| Process { name: "x".repeat(300), ..process(pid, 1, 1) }).collect();
        for (rows, columns) in [(24, 80), (5, 20), (4, 10), (1, 1), (0, 0)] {
            view.resize(rows, columns);
            view.sample(system(1), many());
            let screen = plain(&view.draw(&Users::default()));
            assert!(screen.len() <= rows.max(1), "{rows}: {}", screen.len());
            assert!(screen.iter().all(|line| line.chars().count() <= columns), "{columns}");
        }
        view.resize(24, 80);
        view.sample(system(60_000), vec![process(1, 1, 1 << 20)]);
        let screen = plain(&view.draw(&Users::default()));
        assert!(screen[0].starts_with("1 processes: 0 running, 1 waiting") && screen[0].ends_with("up 1:00.00"));
        assert!(screen[1].starts_with("memory 48M of 64M used"), "{}", screen[1]);
        assert_eq!(screen[4], "    1     0 0        S   1      8M      1M   0:00.00   0.0 p1");
        assert_eq!(view.lines(&Users::default()).lines().count(), ABOVE + 1);
    }

    #[test]
    fn what_a_terminal_sends_is_read() {
        let read = keys(b"q\x1b[A\x1b[B\x1b[5~\x1b[6~\x1b[1;5Cx\x1b");
        assert_eq!(read, [Key::Char('q'), Key::Up, Key::Down, Key::PageUp, Key::PageDown, Key::Char('x')]);
    }

    #[test]
    fn the_system_is_read() {
        let text = "frame_bytes 4096\nframes_total 100\nframes_free 40\nprocessors 4\nuptime_ns 5\n";
        assert_eq!(System::parse(text), System { uptime_ns: 5, memory: 409_600, free: 163_840, processors: 4 });
        assert_eq!(System::parse("nothing"), System::default());
    }
}
