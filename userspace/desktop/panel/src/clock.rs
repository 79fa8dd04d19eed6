//! The time, as the panel shows it.

use std::time::Duration;

use jiff::ZonedDateTime;

/// The time and the date.
pub fn texts(now: &ZonedDateTime) -> (String, String) {
    (now.strftime("%H:%M").to_string(), now.strftime("%a %-d %b").to_string())
}

/// How long this minute still is: the panel does not wake before.
pub fn rest_of_minute(now: &ZonedDateTime) -> Duration {
    let gone = u64::from(now.second().unsigned_abs()) * 1000 + u64::from(now.millisecond().unsigned_abs());
    // A little later than the minute, so that it is surely another one.
    Duration::from_millis(60_000_u64.saturating_sub(gone) + 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time() {
        let now: ZonedDateTime = "2026-11-05T09:03:58.5+01:00[+01:00]".parse().unwrap();
        assert_eq!(texts(&now), (String::from("09:03"), String::from("Thu 5 Nov")));
        assert_eq!(rest_of_minute(&now), Duration::from_millis(1_520));
    }
}
