//! Processes as a table.

use crate::processes::{Process, Users};

/// Heading of the table.
pub const HEADING: &str = "  PID  PPID USER     S THR  MAPPED  MEMORY      TIME NAME";

/// A line of the table.
pub fn line(process: &Process, users: &Users) -> String {
    let Process { pid, parent, user, state, threads, time_ns, mapped, resident, name } = process;
    let (user, mapped, memory, time) = (users.name(*user), size(*mapped), size(*resident), duration(*time_ns));
    let user = cut(&user, 8);
    format!("{pid:>5} {parent:>5} {user:<8} {} {threads:>3} {mapped:>7} {memory:>7} {time:>9} {name}", state.letter())
}

/// At most so many characters.
pub fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// Bytes, in the largest unit that leaves three digits.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value < 9.95 && value.fract() != 0.0 {
        format!("{value:.1}{}", UNITS[unit])
    } else {
        format!("{value:.0}{}", UNITS[unit])
    }
}

/// A time as minutes, seconds and hundredths; hours take the place of hundredths when there are some.
pub fn duration(ns: u64) -> String {
    let hundredths = ns / 10_000_000;
    let (seconds, minutes, hours) = (hundredths / 100 % 60, hundredths / 6_000 % 60, hundredths / 360_000);
    match hours {
        0 => format!("{minutes}:{seconds:02}.{:02}", hundredths % 100),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::State;

    #[test]
    fn columns_stand_below_their_headings() {
        let process = Process {
            pid: 12,
            parent: 1,
            user: 0,
            state: State::Running,
            threads: 3,
            time_ns: 61_230_000_000,
            mapped: 9 << 20,
            resident: 1536 << 10,
            name: "a program".into(),
        };
        let line = line(&process, &Users::parse("a_very_long_name:x:0:0:::"));
        assert_eq!(line, "   12     1 a_very_l R   3      9M    1.5M   1:01.23 a program");
        let end = |heading: &str| HEADING.find(heading).unwrap() + heading.len();
        for (heading, value) in
            [("  PID", "   12"), ("PPID", "1"), ("THR", "3"), ("MAPPED", "9M"), ("MEMORY", "1.5M"), ("TIME", "1.23")]
        {
            assert!(line[..end(heading)].ends_with(value), "{heading}");
        }
        assert_eq!(line.find("a program"), HEADING.find("NAME"));
    }

    #[test]
    fn sizes_and_times_are_short() {
        let sizes = [0, 512, 4096, 10 << 10, 1023 << 10, 1536 << 10, 5 << 40].map(size);
        assert_eq!(sizes, ["0K", "0.5K", "4K", "10K", "1.0M", "1.5M", "5T"]);
        let times = [0, 9_999_999, 59_990_000_000, 3_600_000_000_000, 86_399_000_000_000].map(duration);
        assert_eq!(times, ["0:00.00", "0:00.00", "0:59.99", "1:00:00", "23:59:59"]);
    }
}
