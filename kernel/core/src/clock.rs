//! Calendar and clock arithmetic: dates to seconds, and counter ticks to nanoseconds without division.

pub use ochre_abi::clock::scale;

/// Seconds from 1970-01-01 00:00 UTC to a date of the Gregorian calendar. `None` for what is no date or before 1970.
pub fn unix_seconds(year: u64, month: u64, day: u64, hour: u64, minute: u64, second: u64) -> Option<u64> {
    let leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days_in = |month: u64| match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1970..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=days_in(month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let before = year - 1;
    // Leap days of all years before this one, less those before 1970 (477).
    let leap_days = before / 4 - before / 100 + before / 400 - 477;
    let days = (year - 1970) * 365 + leap_days + (1..month).map(days_in).sum::<u64>() + day - 1;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Factor for [`scale`] that turns ticks of a counter with `from` ticks into units of which there are `to` in the same time,
/// rounded to nearest. `None` when it does not fit or `from` is zero.
pub fn factor(from: u64, to: u64) -> Option<u64> {
    let wide = (u128::from(to) << 32).checked_add(u128::from(from) / 2)?.checked_div(u128::from(from))?;
    u64::try_from(wide).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(unix_seconds(1970, 1, 1, 0, 0, 0), Some(0));
        assert_eq!(unix_seconds(2000, 2, 29, 12, 0, 1), Some(951_825_601));
        assert_eq!(unix_seconds(2026, 11, 23, 8, 26, 0), Some(1_795_422_360));
        assert_eq!(unix_seconds(2100, 3, 1, 0, 0, 0), Some(4_107_542_400));
        assert_eq!(unix_seconds(2023, 2, 29, 0, 0, 0), None);
        assert_eq!(unix_seconds(2023, 13, 1, 0, 0, 0), None);
        assert_eq!(unix_seconds(2023, 0, 1, 0, 0, 0), None);
        assert_eq!(unix_seconds(1969, 12, 31, 0, 0, 0), None);
        assert_eq!(unix_seconds(165, 165, 165, 165, 165, 165), None);
    }

    #[test]
    fn scaling_keeps_its_precision() {
        for frequency in [1_000_000, 1_000_000_000, 2_994_375_000, 5_700_000_000u64] {
            let to_ns = factor(frequency, 1_000_000_000).unwrap();
            let back = factor(1_000_000_000, frequency).unwrap();
            // An hour, off by less than 3 microseconds (below 1 part in 10^9).
            let hour = scale(frequency * 3600, to_ns);
            assert!(hour.abs_diff(3600 * 1_000_000_000) < 3000, "{hour}");
            // Back, off by no more than the rounding of the factor: half of its last place.
            let ticks = frequency * 3600;
            assert!(scale(3600 * 1_000_000_000, back).abs_diff(ticks) <= ticks / (2 * back) + 1);
        }
        assert_eq!(factor(0, 5), None);
        assert_eq!(factor(1, u64::MAX), None);
    }
}
