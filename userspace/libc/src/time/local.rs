//! The functions of `time.h` that take moments apart, and the time zone that they do it for: `TZ`, or `/etc/localtime`.

use core::cell::UnsafeCell;
use core::ptr::{null, null_mut};

use libc::{EOVERFLOW, c_char, c_double, c_int, c_long, size_t, time_t, tm};

use super::calendar::{Broken, breakdown, moment};
use super::rule::{Name, Rule};
use super::zone::{File, Zone};
use super::{format, parse};
use crate::errno;
use crate::rt::load::Bytes;
use crate::rt::lock::Lock;
use crate::string::{bytes, strlen};

/// Where zones lie.
const ZONES: &[u8] = b"/usr/share/zoneinfo/";
/// The zone of those who do not choose.
const LOCAL: &[u8] = b"/etc/localtime";
/// Largest file of a zone (the largest there are have 4 KiB).
const FILE_MAX: usize = 65_536;
/// Abbreviations that are kept for programs to look at.
const NAMES: usize = 128;

/// The zone in force, and what of it programs hold.
struct State {
    /// The value of `TZ` that it comes from; `None` before the first look.
    value: Option<[u8; 128]>,
    zone: Zone<'static>,
    /// The bytes of its file.
    file: Option<Bytes>,
    /// Abbreviations that were given out.
    names: [[u8; super::rule::LETTERS + 1]; NAMES],
}

static STATE: Lock<Option<State>> = Lock::new(None);

/// Names of the zone's two times.
#[unsafe(no_mangle)]
pub static mut tzname: [*mut c_char; 2] = [c"UTC".as_ptr().cast_mut(); 2];
/// Seconds west of Greenwich.
#[unsafe(no_mangle)]
pub static mut timezone: c_long = 0;
/// Whether the zone ever has daylight saving time.
#[unsafe(no_mangle)]
pub static mut daylight: c_int = 0;

impl State {
    fn new() -> Self {
        State {
            value: None,
            zone: Zone::Rule(Rule::utc(b"UTC")),
            file: None,
            names: [[0; super::rule::LETTERS + 1]; NAMES],
        }
    }

    /// A C string with this abbreviation that stays.
    fn intern(&mut self, name: &Name) -> *const c_char {
        let name = name.as_bytes();
        for place in &mut self.names {
            if place[0] == 0 {
                place[..name.len()].copy_from_slice(name);
            }
            if place.starts_with(name) && place.get(name.len()) == Some(&0) {
                return place.as_ptr().cast();
            }
        }
        c"???".as_ptr()
    }

    /// Makes sure that the zone is that of the environment.
    fn refresh(&mut self) {
        // SAFETY: the name is a C string; the answer, if any, too.
        let value = unsafe {
            let value = crate::stdlib::getenv(c"TZ".as_ptr());
            if value.is_null() { None } else { bytes(value).ok() }
        };
        let mut kept = [0xff; 128];
        if let Some(value) = value {
            let len = value.len().min(kept.len() - 1);
            kept[..len].copy_from_slice(&value[..len]);
            kept[len] = 0;
        }
        if self.value == Some(kept) {
            return;
        }
        self.value = Some(kept);
        self.zone = Zone::Rule(Rule::utc(b"UTC"));
        self.file = None;
        match value {
            None => self.read(LOCAL),
            Some(b"" | b":") => {}
            Some(value) => match Rule::parse(value) {
                Some(rule) => self.zone = Zone::Rule(rule),
                None => self.find(value.strip_prefix(b":").unwrap_or(value)),
            },
        }
        self.publish();
    }

    /// A zone by the name of its file. Names do not lead out of the folder.
    fn find(&mut self, name: &[u8]) {
        if name.starts_with(b"/") {
            return self.read(name);
        }
        let mut path = [0; 256];
        let len = ZONES.len() + name.len();
        if len > path.len() || name.split(|&byte| byte == b'/').any(|part| part == b"..") {
            return;
        }
        path[..ZONES.len()].copy_from_slice(ZONES);
        path[ZONES.len()..len].copy_from_slice(name);
        self.read(&path[..len]);
    }

    /// A zone from a file; what is none leaves UTC.
    fn read(&mut self, path: &[u8]) {
        let Ok(file) = Bytes::read(path, FILE_MAX) else { return };
        // SAFETY: the bytes stay where they are, and live until the zone is replaced.
        let bytes = unsafe { core::slice::from_raw_parts(file.as_slice().as_ptr(), file.as_slice().len()) };
        if let Some(zone) = File::parse(bytes) {
            (self.zone, self.file) = (Zone::File(zone), Some(file));
        }
    }

    /// Tells the variables of `time.h`.
    fn publish(&mut self) {
        let [standard, other] = self.zone.names();
        let names =
            [standard, other.or(standard)].map(|local| local.map_or(c"UTC".as_ptr(), |it| self.intern(&it.name)));
        // SAFETY: programs that look at these while another thread changes the zone get what POSIX promises: nothing.
        unsafe {
            tzname = names.map(<*const c_char>::cast_mut);
            timezone = -standard.map_or(0, |local| local.offset);
            daylight = c_int::from(other.is_some());
        }
    }
}

/// Does something with the zone in force.
fn with_zone<T>(action: impl FnOnce(&mut State) -> T) -> T {
    let mut state = STATE.lock();
    let state = state.get_or_insert_with(State::new);
    state.refresh();
    action(state)
}

/// `tzset`.
#[unsafe(no_mangle)]
pub extern "C" fn tzset() {
    with_zone(|_| ());
}

fn from_c(from: &tm) -> Broken {
    Broken {
        sec: from.tm_sec,
        min: from.tm_min,
        hour: from.tm_hour,
        mday: from.tm_mday,
        mon: from.tm_mon,
        year: from.tm_year,
        wday: from.tm_wday,
        yday: from.tm_yday,
        isdst: from.tm_isdst,
        gmtoff: from.tm_gmtoff,
    }
}

fn to_c(from: &Broken, zone: *const c_char) -> tm {
    tm {
        tm_sec: from.sec,
        tm_min: from.min,
        tm_hour: from.hour,
        tm_mday: from.mday,
        tm_mon: from.mon,
        tm_year: from.year,
        tm_wday: from.wday,
        tm_yday: from.yday,
        tm_isdst: from.isdst,
        tm_gmtoff: from.gmtoff,
        tm_zone: zone,
    }
}

/// Writes an answer; null and `EOVERFLOW` for years that do not fit.
unsafe fn answer(time: Option<tm>, to: *mut tm) -> *mut tm {
    match time {
        Some(time) => {
            // SAFETY: C demands a place for the answer.
            unsafe { to.write(time) };
            to
        }
        None => {
            errno::set(EOVERFLOW);
            null_mut()
        }
    }
}

/// `gmtime_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gmtime_r(time: *const time_t, to: *mut tm) -> *mut tm {
    // SAFETY: C demands a time and a place for the answer.
    unsafe { answer(breakdown(*time, 0).map(|time| to_c(&time, c"UTC".as_ptr())), to) }
}

fn local(time: time_t) -> Option<tm> {
    with_zone(|state| {
        let local = state.zone.at(time);
        let mut broken = breakdown(time, local.offset)?;
        broken.isdst = i32::from(local.daylight);
        Some(to_c(&broken, state.intern(&local.name)))
    })
}

/// `localtime_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn localtime_r(time: *const time_t, to: *mut tm) -> *mut tm {
    // SAFETY: C demands a time and a place for the answer.
    unsafe { answer(local(*time), to) }
}

/// Where the functions without a place of their own leave their answers.
struct Shared<T>(UnsafeCell<T>);

// SAFETY: C says that such calls must not run side by side.
unsafe impl<T> Sync for Shared<T> {}

static BROKEN: Shared<tm> = Shared(UnsafeCell::new(tm {
    tm_sec: 0,
    tm_min: 0,
    tm_hour: 0,
    tm_mday: 1,
    tm_mon: 0,
    tm_year: 70,
    tm_wday: 4,
    tm_yday: 0,
    tm_isdst: 0,
    tm_gmtoff: 0,
    tm_zone: null(),
}));
static TEXT: Shared<[u8; 40]> = Shared(UnsafeCell::new([0; 40]));

/// `gmtime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gmtime(time: *const time_t) -> *mut tm {
    // SAFETY: as for `gmtime_r`.
    unsafe { gmtime_r(time, BROKEN.0.get()) }
}

/// `localtime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn localtime(time: *const time_t) -> *mut tm {
    // SAFETY: as for `localtime_r`.
    unsafe { localtime_r(time, BROKEN.0.get()) }
}

/// `timegm`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timegm(time: *mut tm) -> time_t {
    // SAFETY: C demands a time.
    unsafe {
        let seconds = moment(&from_c(&*time));
        if gmtime_r(&raw const seconds, time).is_null() { -1 } else { seconds }
    }
}

/// `mktime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mktime(time: *mut tm) -> time_t {
    // SAFETY: C demands a time.
    unsafe {
        let wanted = from_c(&*time);
        let seconds = with_zone(|state| state.zone.moment(moment(&wanted), wanted.isdst));
        if answer(local(seconds), time).is_null() { -1 } else { seconds }
    }
}

/// `timelocal`: an old name of `mktime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timelocal(time: *mut tm) -> time_t {
    // SAFETY: as for `mktime`.
    unsafe { mktime(time) }
}

/// `difftime`.
#[unsafe(no_mangle)]
pub extern "C" fn difftime(end: time_t, start: time_t) -> c_double {
    (i128::from(end) - i128::from(start)) as c_double
}

/// `strftime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strftime(to: *mut c_char, size: size_t, format: *const c_char, time: *const tm) -> size_t {
    // SAFETY: C demands the room, a C string and a time; its zone is null or a C string.
    unsafe {
        let Some(room) = size.checked_sub(1) else { return 0 };
        let zone = (*time).tm_zone;
        let zone = if zone.is_null() { b"" } else { bytes(zone).unwrap_or(b"") };
        let mut output = format::Output::new(core::slice::from_raw_parts_mut(to.cast(), room));
        let format = core::slice::from_raw_parts(format.cast::<u8>(), strlen(format));
        format::format(&mut output, format, &from_c(&*time), zone);
        let Some(len) = output.len() else { return 0 };
        *to.add(len) = 0;
        len
    }
}

/// `strptime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strptime(text: *const c_char, format: *const c_char, time: *mut tm) -> *mut c_char {
    // SAFETY: POSIX demands C strings and a time.
    unsafe {
        let mut broken = from_c(&*time);
        let (Ok(all), Ok(format)) = (bytes(text), bytes(format)) else { return null_mut() };
        let Some(used) = parse::parse(all, format, &mut broken) else { return null_mut() };
        let zone = (*time).tm_zone;
        time.write(to_c(&broken, zone));
        text.add(used).cast_mut()
    }
}

/// `asctime_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn asctime_r(time: *const tm, to: *mut c_char) -> *mut c_char {
    // SAFETY: C demands a time and 26 bytes, which years of four digits need.
    let len = unsafe { strftime(to, 26, c"%a %b %e %H:%M:%S %Y\n".as_ptr(), time) };
    if len == 0 {
        errno::set(EOVERFLOW);
        return null_mut();
    }
    to
}

/// `asctime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn asctime(time: *const tm) -> *mut c_char {
    // SAFETY: as for `asctime_r`.
    unsafe { asctime_r(time, TEXT.0.get().cast()) }
}

/// `ctime_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ctime_r(time: *const time_t, to: *mut c_char) -> *mut c_char {
    // SAFETY: C demands a time and 26 bytes.
    unsafe {
        let Some(broken) = local(*time) else {
            errno::set(EOVERFLOW);
            return null_mut();
        };
        asctime_r(&raw const broken, to)
    }
}

/// `ctime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ctime(time: *const time_t) -> *mut c_char {
    // SAFETY: as for `ctime_r`.
    unsafe { ctime_r(time, TEXT.0.get().cast()) }
}
