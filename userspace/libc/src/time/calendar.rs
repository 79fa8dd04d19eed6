//! The calendar: seconds since 1970 to years, months and days, and back. All of it is UTC; offsets come from `zone`.

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// A moment taken apart, as `struct tm` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Broken {
    /// Seconds, up to 60.
    pub sec: i32,
    /// Minutes.
    pub min: i32,
    /// Hours.
    pub hour: i32,
    /// Day of the month, from 1.
    pub mday: i32,
    /// Month, from 0.
    pub mon: i32,
    /// Years since 1900.
    pub year: i32,
    /// Day of the week, Sunday is 0.
    pub wday: i32,
    /// Day of the year, from 0.
    pub yday: i32,
    /// Whether daylight saving time is in force; negative: not known.
    pub isdst: i32,
    /// Seconds east of Greenwich.
    pub gmtoff: i64,
}

/// Whether a year (of our era) has 366 days.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month (from 0).
pub fn month_days(year: i64, month: usize) -> i64 {
    const DAYS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    DAYS[month] + i64::from(month == 1 && is_leap(year))
}

/// Days from 1 January 1970 to the first of a month (from 0) of a year, by years that begin in March: then the day that
/// is sometimes missing is the last.
pub fn days_before(year: i64, month: i64) -> i64 {
    let (year, month) = (year + month.div_euclid(12), month.rem_euclid(12));
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    // From March on, months of 31 and 30 days repeat with a period of five.
    let day = (153 * month + 2) / 5;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day - 719_468
}

/// Takes a moment apart. `None` when the year does not fit.
pub fn breakdown(moment: i64, offset: i64) -> Option<Broken> {
    let local = moment.checked_add(offset)?;
    let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let in_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let in_year = day - (365 * in_era + in_era / 4 - in_era / 100);
    let march = (5 * in_year + 2) / 153;
    let mday = in_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 2 } else { march - 10 };
    let year = era * 400 + in_era + i64::from(month < 2);
    Some(Broken {
        sec: (second % 60) as i32,
        min: (second / 60 % 60) as i32,
        hour: (second / 3600) as i32,
        mday: mday as i32,
        mon: month as i32,
        year: i32::try_from(year - 1900).ok()?,
        wday: (days + 4).rem_euclid(7) as i32,
        yday: (days - days_before(year, 0)) as i32,
        isdst: 0,
        gmtoff: offset,
    })
}

/// The moment of fields that may be out of their ranges, taken as UTC. Days of week and year do not count.
pub fn moment(time: &Broken) -> i64 {
    let days = days_before(i64::from(time.year) + 1900, time.mon.into()) + i64::from(time.mday) - 1;
    days * DAY + i64::from(time.hour) * 3600 + i64::from(time.min) * 60 + i64::from(time.sec)
}

/// Number of the week (ISO 8601) and the year that it belongs to.
pub fn iso_week(time: &Broken) -> (i64, i64) {
    let year = i64::from(time.year) + 1900;
    // The Thursday of the same week decides.
    let weekday = i64::from(time.wday + 6) % 7;
    let thursday = i64::from(time.yday) - weekday + 3;
    let days = |year| 365 + i64::from(is_leap(year));
    if thursday < 0 {
        return ((thursday + days(year - 1)) / 7 + 1, year - 1);
    }
    if thursday >= days(year) {
        return (1, year + 1);
    }
    (thursday / 7 + 1, year)
}
