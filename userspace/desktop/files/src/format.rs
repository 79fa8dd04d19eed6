//! Sizes, dates and counts as people read them.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: i64 = 86_400;

/// A number of bytes: three digits that count, and a unit.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return if bytes == 1 { "1 byte".into() } else { format!("{bytes} bytes") };
    }
    let mut value = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        // What would be written as 1000 belongs to the next unit.
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// A moment: the time if it is today, the day if it is this year, else the date.
pub fn date(moment: Option<SystemTime>, now: SystemTime) -> String {
    let seconds = |time: SystemTime| match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs() as i64,
        Err(before) => -(before.duration().as_secs() as i64),
    };
    let Some(moment) = moment.map(seconds).filter(|moment| *moment > 0) else { return "—".into() };
    let now = seconds(now);
    let (days, rest) = (moment.div_euclid(DAY), moment.rem_euclid(DAY));
    let clock = format!("{:02}:{:02}", rest / 3600, rest / 60 % 60);
    let (year, month, day) = civil(days);
    match now.div_euclid(DAY) - days {
        0 => format!("Today {clock}"),
        1 => format!("Yesterday {clock}"),
        _ if civil(now.div_euclid(DAY)).0 == year => format!("{day} {} {clock}", MONTHS[month - 1]),
        _ => format!("{day} {} {year}", MONTHS[month - 1]),
    }
}

/// How many of something.
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// Year, month from 1 and day of a number of days since 1970 (Gregorian; the year is taken to begin in March, so that the day
/// that comes and goes is its last).
fn civil(days: i64) -> (i64, usize, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 KB"),
            (9_949, "9.9 KB"),
            (9_950, "10 KB"),
            (999_499, "999 KB"),
            (999_500, "1.0 MB"),
            (5_312_000_000, "5.3 GB"),
            (u64::MAX, "18 EB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn dates() {
        let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds);
        // 2026-11-26 07:40:48
        let now = at(1_795_678_848);
        let date = |seconds: u64| super::date(Some(at(seconds)), now);
        assert_eq!(date(1_795_678_800), "Today 07:40");
        assert_eq!(date(1_795_651_200 - 1), "Yesterday 23:59");
        assert_eq!(date(1_772_323_200), "1 Mar 00:00");
        assert_eq!(date(1_709_164_800), "29 Feb 2024");
        assert_eq!(date(0), "—");
        assert_eq!(super::date(None, now), "—");
    }

    #[test]
    fn counts() {
        assert_eq!(count(1, "item", "items"), "1 item");
        assert_eq!(count(0, "item", "items"), "0 items");
    }
}
