//! The battery-backed clock (Motorola MC146818 and its successors), read once at boot.

use super::port;

const INDEX: u16 = 0x70;
const DATA: u16 = 0x71;

const SECONDS: u8 = 0x00;
const MINUTES: u8 = 0x02;
const HOURS: u8 = 0x04;
const DAY: u8 = 0x07;
const MONTH: u8 = 0x08;
const YEAR: u8 = 0x09;
const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;

/// Status A: the registers are about to change.
const UPDATING: u8 = 1 << 7;
/// Status B: 24 hours; binary instead of BCD.
const HOURS_24: u8 = 1 << 1;
const BINARY: u8 = 1 << 2;
/// Hours in 12-hour mode: afternoon.
const AFTERNOON: u8 = 1 << 7;

/// An update takes less than 2 ms; each look at least a microsecond on real machines.
const PATIENCE: usize = 20_000;

fn read(register: u8) -> u8 {
    // SAFETY: the kernel reads these ports only here, before any other processor runs. Bit 7 of the index keeps NMIs on.
    unsafe {
        port::write_u8(INDEX, register);
        port::read_u8(DATA)
    }
}

/// Seconds since 1970 by the clock, taken as UTC. `century` is the CMOS index of the century, 0 = none. `None` when the clock
/// does not answer sensibly.
pub fn seconds(century: u8) -> Option<u64> {
    let century = if (0x0e..0x80).contains(&century) { century } else { 0 };
    let take = || -> Option<[u8; 7]> {
        if !(0..PATIENCE).any(|_| read(STATUS_A) & UPDATING == 0) {
            return None;
        }
        Some(
            [SECONDS, MINUTES, HOURS, DAY, MONTH, YEAR, century]
                .map(|register| if register == century && century == 0 { 0 } else { read(register) }),
        )
    };
    // Twice the same: no update came in between.
    let mut before = take()?;
    for _ in 0..10 {
        let now = take()?;
        if now == before {
            return convert(now, read(STATUS_B), century != 0);
        }
        before = now;
    }
    None
}

fn convert(raw: [u8; 7], status: u8, has_century: bool) -> Option<u64> {
    let number = |value: u8| {
        if status & BINARY != 0 { u64::from(value) } else { u64::from(value >> 4) * 10 + u64::from(value & 15) }
    };
    let mut hour = number(raw[2] & if status & HOURS_24 != 0 { 0xff } else { !AFTERNOON });
    if status & HOURS_24 == 0 {
        hour = hour % 12 + if raw[2] & AFTERNOON != 0 { 12 } else { 0 };
    }
    let (second, minute, day, month, year) =
        (number(raw[0]), number(raw[1]), number(raw[3]), number(raw[4]), number(raw[5]));
    let year = match number(raw[6]) {
        century @ 19..=21 if has_century => century * 100 + year,
        _ if year >= 70 => 1900 + year,
        _ => 2000 + year,
    };
    kernel_core::clock::unix_seconds(year, month, day, hour, minute, second)
}
