//! Measuring the time stamp counter against another timer.
//!
//! The other timer is read between two readings of the counter; the closer these are, the better is known when it was read.
//! Measuring goes on until what is not known is small enough against the time that has passed, or until patience ends.

use kernel_core::acpi::{Machine, Register};

use super::cpuid::tsc;
use super::mmio::DeviceMemory;
use super::port;

const FEMTOSECONDS: u128 = 1_000_000_000_000_000;

/// Good enough: one part in so many.
const PRECISION: u64 = 50_000;
/// A precise timer is believed after this many nanoseconds at least, and asked no longer than the other.
const SHORTEST_NS: u64 = 200_000;
const LONGEST_NS: u64 = 4_000_000;
/// Coarse timers need more: the ACPI timer ticks every 279 ns, the PIT every 838 ns.
const LONGEST_COARSE_NS: u64 = 30_000_000;

/// A timer that counts up.
struct Timer<'a> {
    name: &'static str,
    /// Femtoseconds in a tick.
    period: u64,
    /// Bits that count; it wraps beyond.
    mask: u64,
    longest_ns: u64,
    read: &'a dyn Fn() -> u64,
}

/// The counter's rate and which timer told it.
pub fn measure(machine: &Machine) -> Option<(u64, &'static str)> {
    hpet(machine).or_else(|| acpi_timer(machine)).or_else(pit)
}

/// High Precision Event Timer (IA-PC HPET Specification 1.0a, section 2.3).
fn hpet(machine: &Machine) -> Option<(u64, &'static str)> {
    const CAPABILITIES: usize = 0x00;
    const CONFIGURATION: usize = 0x10;
    const COUNTER: usize = 0xf0;
    const ENABLE: u64 = 1;
    /// The specification's greatest period.
    const MAX_PERIOD: u64 = 100_000_000;
    let registers = DeviceMemory::registers(machine.hpet?, 1024);
    let period = registers.read_u64(CAPABILITIES) >> 32;
    if !(1..=MAX_PERIOD).contains(&period) {
        return None;
    }
    registers.write_u64(CONFIGURATION, registers.read_u64(CONFIGURATION) | ENABLE);
    // The lower half only: one access everywhere, also where the counter has 32 bits.
    let count = || u64::from(registers.read_u32(COUNTER));
    run(&Timer { name: "HPET", period, mask: u64::from(u32::MAX), longest_ns: LONGEST_NS, read: &count })
}

/// The ACPI power management timer (ACPI 6.5, section 4.8.3.3).
fn acpi_timer(machine: &Machine) -> Option<(u64, &'static str)> {
    let timer = machine.pm_timer?;
    let Register::Port(number) = timer.register else {
        return None;
    };
    // SAFETY: reading the timer's port has no effect.
    let count = || unsafe { u64::from(port::read_u32(number)) };
    let mask = if timer.wide { 0xffff_ffff } else { 0xff_ffff };
    let period = (FEMTOSECONDS / 3_579_545) as u64;
    run(&Timer { name: "the ACPI timer", period, mask, longest_ns: LONGEST_COARSE_NS, read: &count })
}

/// Channel 2 of the Programmable Interval Timer (Intel 8254 data sheet): counts down at 1.193182 MHz.
fn pit() -> Option<(u64, &'static str)> {
    const CHANNEL_2: u16 = 0x42;
    const COMMAND: u16 = 0x43;
    const GATE: u16 = 0x61;
    // SAFETY: the timer and its gate belong to the kernel.
    unsafe {
        // Gate on, speaker off; channel 2, both bytes, mode 2, binary; from 65,536.
        port::write_u8(GATE, port::read_u8(GATE) & !2 | 1);
        port::write_u8(COMMAND, 0b1011_0100);
        port::write_u8(CHANNEL_2, 0);
        port::write_u8(CHANNEL_2, 0);
    }
    let count = || {
        // SAFETY: as above. Latch, then low and high byte.
        unsafe {
            port::write_u8(COMMAND, 0b1000_0000);
            let low = port::read_u8(CHANNEL_2);
            !u64::from(u16::from_le_bytes([low, port::read_u8(CHANNEL_2)]))
        }
    };
    let period = (FEMTOSECONDS / 1_193_182) as u64;
    run(&Timer { name: "the PIT", period, mask: 0xffff, longest_ns: LONGEST_COARSE_NS, read: &count })
}

/// One reading: where the counter stood, in the middle and how far that may be off, and the timer.
struct Sample {
    tsc: u64,
    width: u64,
    count: u64,
}

/// Not inlined: so the first readings bring this code into the caches (or have it translated, under emulation) for all.
#[inline(never)]
fn read(timer: &Timer<'_>) -> Sample {
    let before = tsc();
    let count = (timer.read)();
    let width = tsc() - before;
    Sample { tsc: before + width / 2, width, count }
}

/// The closest of a few readings.
fn sample(timer: &Timer<'_>) -> Sample {
    let first = read(timer);
    (0..4).map(|_| read(timer)).fold(first, |best, next| if next.width <= best.width { next } else { best })
}

fn run(timer: &Timer<'_>) -> Option<(u64, &'static str)> {
    read(timer);
    let start = sample(timer);
    let mut same = 0;
    loop {
        let now = sample(timer);
        let count = now.count.wrapping_sub(start.count) & timer.mask;
        let passed = now.tsc - start.tsc;
        if count == 0 {
            // A timer that stands still is none.
            same += 1;
            if same > 100_000 {
                return None;
            }
            continue;
        }
        let ns = (u128::from(count) * u128::from(timer.period) / 1_000_000) as u64;
        if ns < SHORTEST_NS {
            continue;
        }
        // Readings as close as the first lie alike, so only what they differ by counts, and a tick, whose edge may be
        // anywhere within.
        let unknown = start.width.abs_diff(now.width) + start.width / 8 + passed / count;
        if unknown < passed / PRECISION || ns >= timer.longest_ns {
            let frequency = u128::from(passed) * FEMTOSECONDS / (u128::from(count) * u128::from(timer.period));
            return u64::try_from(frequency).ok().map(|frequency| (frequency, timer.name));
        }
    }
}
