//! The calendar, zones, `strftime` and `strptime` against the build host's own.

use std::ffi::{CStr, CString};
use std::mem::zeroed;
use std::path::Path;

use super::calendar::{Broken, breakdown, days_before, moment};
use super::format::{Output, format};
use super::parse::parse;
use super::rule::Rule;
use super::zone::{File, Zone};
use crate::text::tests::Random;

/// Seconds of the years 1583 to 2600.
fn any_moment(random: &mut Random) -> i64 {
    (random.next() % 32_000_000_000) as i64 - 12_200_000_000
}

fn from_c(tm: &libc::tm) -> Broken {
    Broken {
        sec: tm.tm_sec,
        min: tm.tm_min,
        hour: tm.tm_hour,
        mday: tm.tm_mday,
        mon: tm.tm_mon,
        year: tm.tm_year,
        wday: tm.tm_wday,
        yday: tm.tm_yday,
        isdst: tm.tm_isdst,
        gmtoff: tm.tm_gmtoff,
    }
}

fn to_c(time: &Broken) -> libc::tm {
    // SAFETY: integers and a pointer that may be null.
    let mut tm: libc::tm = unsafe { zeroed() };
    (tm.tm_sec, tm.tm_min, tm.tm_hour) = (time.sec, time.min, time.hour);
    (tm.tm_mday, tm.tm_mon, tm.tm_year) = (time.mday, time.mon, time.year);
    (tm.tm_wday, tm.tm_yday, tm.tm_isdst) = (time.wday, time.yday, time.isdst);
    tm.tm_gmtoff = time.gmtoff;
    tm.tm_zone = c"XYZ".as_ptr();
    tm
}

#[test]
fn days_are_those_of_the_host() {
    let mut random = Random(21);
    for _ in 0..50_000 {
        let time = any_moment(&mut random);
        // SAFETY: the place is ours.
        let expected = unsafe {
            let mut tm = zeroed();
            libc::gmtime_r(&raw const time, &raw mut tm);
            from_c(&tm)
        };
        assert_eq!(breakdown(time, 0), Some(expected), "{time}");
        assert_eq!(moment(&expected), time);
    }
    assert_eq!(days_before(1970, 0), 0);
    assert_eq!(days_before(1970, -12), -365);
    assert_eq!(breakdown(i64::MAX, 0), None);
    assert_eq!(breakdown(i64::MAX, 1), None);
}

/// All that concerns `TZ`, which the process has only once.
#[test]
fn zones_are_those_of_the_host() {
    let rules = [
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "EST5EDT,M3.2.0,M11.1.0",
        "AEST-10AEDT,M10.1.0,M4.1.0/3",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
        "XXX3:30YYY2:30,J60/2,300/4",
        "UTC0",
        "<+0530>-5:30",
    ];
    for rule in rules {
        compare(Zone::Rule(Rule::parse(rule.as_bytes()).unwrap()), rule);
    }
    for name in [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "Europe/Dublin",
        "Pacific/Apia",
        "UTC",
    ] {
        let path = Path::new("/usr/share/zoneinfo").join(name);
        // A host without zones still tests the rules above.
        if let Ok(bytes) = std::fs::read(path) {
            compare(Zone::File(File::parse(&bytes).unwrap()), name);
        }
    }
}

fn compare(zone: Zone<'_>, value: &str) {
    unsafe extern "C" {
        fn tzset();
    }
    // SAFETY: no other test looks at the environment, and the host's time functions are only used after this.
    unsafe {
        std::env::set_var("TZ", value);
        tzset();
    }
    let mut random = Random(22);
    for round in 0..20_000 {
        // Moments near to now, where zones change often, and any others.
        let time =
            if round % 4 == 0 { any_moment(&mut random) } else { (random.next() % 3_500_000_000) as i64 - 500_000_000 };
        // The host takes rules from 1970 on only.
        let time = if matches!(zone, Zone::Rule(_)) { time.abs() + 40_000_000 } else { time };
        // SAFETY: the places are ours; the name is a C string of the host's.
        let (expected, name) = unsafe {
            let mut tm = zeroed();
            libc::localtime_r(&raw const time, &raw mut tm);
            (tm, CStr::from_ptr(tm.tm_zone).to_bytes())
        };
        let local = zone.at(time);
        assert_eq!(
            (local.offset, i32::from(local.daylight)),
            (expected.tm_gmtoff, expected.tm_isdst),
            "{value} {time}"
        );
        assert_eq!(local.name.as_bytes(), name, "{value} {time}");
        // Back again: the host knows which of two is meant, and so must we.
        let wall = moment(&from_c(&expected));
        assert_eq!(zone.moment(wall, expected.tm_isdst), time, "{value} {time}");
        assert_eq!(zone.at(zone.moment(wall, -1)).offset + zone.moment(wall, -1), wall, "{value} {time}");
    }
}

#[test]
fn what_is_no_zone_is_refused() {
    for bad in [
        "",
        "X",
        "CET",
        "CET-",
        "CET-1CEST,",
        "CET-1CEST,M13.1.0,M10.1.0",
        "CET-1CEST,M3.5.0",
        "<CET-1",
        "CET-25",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "CET-1CEST,J0,1",
    ] {
        assert_eq!(Rule::parse(bad.as_bytes()), None, "{bad}");
    }
    let Ok(good) = std::fs::read("/usr/share/zoneinfo/Europe/Berlin") else { return };
    let mut random = Random(23);
    for len in 0..good.len().min(4000) {
        // A shorter file is refused or has lost its rule only.
        let _ = File::parse(&good[..len]);
        let mut damaged = good.clone();
        for _ in 0..4 {
            let at = random.below(damaged.len());
            damaged[at] = random.next() as u8;
        }
        if let Some(file) = File::parse(&damaged) {
            for _ in 0..4 {
                Zone::File(file).at(any_moment(&mut random));
            }
            Zone::File(file).names();
        }
    }
}

#[test]
fn moments_are_written_as_the_host_writes_them() {
    let mut random = Random(24);
    let letters = b"aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%";
    for _ in 0..40_000 {
        let mut time = breakdown(any_moment(&mut random), 0).unwrap();
        time.gmtoff = random.pick(&[0, 3600, -12_600, 20_700]);
        let letter = random.pick(letters) as char;
        let flag = if letter.is_ascii_uppercase() || "cnpt%rshxz".contains(letter) {
            ""
        } else {
            random.pick(&["", "-", "_", "0"])
        };
        let pattern = CString::new(format!("<%{flag}{letter}>")).unwrap();
        let (mut ours, mut theirs) = ([0; 100], [0_u8; 100]);
        let mut output = Output::new(&mut ours);
        format(&mut output, pattern.as_bytes(), &time, b"XYZ");
        let len = output.len().unwrap();
        let tm = to_c(&time);
        // `%s` of the host knows the zone of the process.
        if letter == 's' {
            continue;
        }
        // SAFETY: the buffer has this size.
        let count =
            unsafe { libc::strftime(theirs.as_mut_ptr().cast(), theirs.len(), pattern.as_ptr(), &raw const tm) };
        assert_eq!(
            String::from_utf8_lossy(&ours[..len]),
            String::from_utf8_lossy(&theirs[..count]),
            "{pattern:?} {time:?}"
        );
    }
    let mut small = [0; 3];
    let mut output = Output::new(&mut small);
    format(&mut output, b"%Y", &breakdown(0, 0).unwrap(), b"");
    assert_eq!(output.len(), None);
}

#[test]
fn moments_are_read_as_the_host_reads_them() {
    let mut random = Random(25);
    let patterns = [
        "%Y-%m-%d %H:%M:%S",
        "%d.%m.%y %I:%M:%S %p",
        "%a %b %e %H:%M:%S %Y",
        "%A, %d %B %Y",
        "%j %Y",
        "%D %R",
        "%F %T",
        "%c",
        "%C %y %m %d",
    ];
    for round in 0..40_000 {
        let pattern = CString::new(random.pick(&patterns)).unwrap();
        let time = breakdown((random.next() % 2_900_000_000) as i64, 0).unwrap();
        let mut text = [0; 100];
        let mut output = Output::new(&mut text);
        format(&mut output, pattern.as_bytes(), &time, b"");
        let len = output.len().unwrap();
        let mut text = text[..len].to_vec();
        if round % 3 == 0 {
            let at = random.below(len);
            text[at] = random.pick(b"0123459 xJAM-:");
        }
        let mut ours = Broken::default();
        let used = parse(&text, pattern.as_bytes(), &mut ours);
        let text = CString::new(text).unwrap();
        // SAFETY: C strings and a place that is ours.
        let (expected, end) = unsafe {
            let mut tm = zeroed();
            let end = libc::strptime(text.as_ptr(), pattern.as_ptr(), &raw mut tm);
            (from_c(&tm), end)
        };
        let expected_used = (!end.is_null()).then(|| end as usize - text.as_ptr() as usize);
        assert_eq!(used, expected_used, "{text:?} {pattern:?}");
        if used.is_some() && round % 3 != 0 {
            assert_eq!(ours, expected, "{text:?} {pattern:?}");
        }
    }
    let mut time = Broken::default();
    assert_eq!(parse(b"1700000000 +01:30", b"%s %z", &mut time), Some(17));
    assert_eq!((time.year, time.hour, time.gmtoff), (123, 22, 5400));
}
