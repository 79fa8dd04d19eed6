//! The clock: nanoseconds since boot by the time stamp counter, and the time of day.
//!
//! The counter's rate comes from CPUID where that tells it exactly, else it is measured against the best other timer: HPET, the
//! ACPI timer or the PIT. Reading the clock is one multiplication, without a lock or a division.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel_core::acpi::Machine;
use kernel_core::clock;
use ochre_abi::clock::ClockPage;

use crate::arch::cpuid;
pub use crate::arch::cpuid::tsc;
use crate::arch::{reference, rtc};
use crate::log::Level;
use crate::memory::kmap::IMAGE_BASE;

/// The clock itself, which user code may see.
static PAGE: ClockPage = ClockPage::new();
/// Factor by [`clock::scale`]: nanoseconds to ticks.
static TO_TICKS: AtomicU64 = AtomicU64::new(0);
static FREQUENCY: AtomicU64 = AtomicU64::new(0);

const SECOND: u64 = 1_000_000_000;
/// Taken when nothing tells the rate: too fast a guess makes time-outs too long rather than too short.
const GUESS: u64 = 4_000_000_000;

/// Finds the counter's rate and sets the clock. Before this, [`now_ns`] is zero.
pub fn init(machine: &Machine) {
    let (frequency, source) = from_cpuid().or_else(|| reference::measure(machine)).unwrap_or_else(|| {
        crate::klog!(Level::Error, "nothing tells the rate of the time stamp counter; the clock is a guess");
        (GUESS, "a guess")
    });
    let (Some(to_ns), Some(to_ticks)) = (clock::factor(frequency, SECOND), clock::factor(SECOND, frequency)) else {
        crate::panic::die(format_args!("the time stamp counter runs at {frequency} Hz"));
    };
    FREQUENCY.store(frequency, Relaxed);
    TO_TICKS.store(to_ticks, Relaxed);
    PAGE.start(tsc(), to_ns);
    match rtc::seconds(machine.century) {
        Some(seconds) => set_realtime(seconds * SECOND),
        None => crate::klog!(Level::Warn, "the battery-backed clock does not answer; the date is wrong"),
    }
    if !cpuid::has_invariant_tsc() && !cpuid::has_hypervisor() {
        crate::klog!(Level::Warn, "the time stamp counter may change its rate; the clock may be wrong");
    }
    let mhz = frequency / 1000;
    crate::klog!(Level::Info, "time stamp counter: {}.{:03} MHz by {source}", mhz / 1000, mhz % 1000);
}

/// Nanoseconds since [`init`].
#[inline(always)]
pub fn now_ns() -> u64 {
    tsc_to_ns(tsc())
}

/// Nanoseconds since 1970, UTC.
#[inline]
pub fn realtime_ns() -> u64 {
    PAGE.realtime(tsc())
}

/// Sets the time of day.
pub fn set_realtime(ns: u64) {
    PAGE.set_epoch(ns.wrapping_sub(now_ns()));
}

/// The clock's value when the counter stands at `tsc`.
#[inline(always)]
pub fn tsc_to_ns(tsc: u64) -> u64 {
    PAGE.monotonic(tsc)
}

/// The counter's value when the clock stands at `ns`.
#[inline]
pub fn ns_to_tsc(ns: u64) -> u64 {
    PAGE.base().saturating_add(ns_to_ticks(ns))
}

/// A span of counter ticks in nanoseconds.
#[inline]
pub fn ticks_to_ns(ticks: u64) -> u64 {
    PAGE.ticks_to_ns(ticks)
}

/// A span of nanoseconds in counter ticks; at most about a century.
#[inline]
pub fn ns_to_ticks(ns: u64) -> u64 {
    clock::scale(ns.min(u64::MAX >> 3), TO_TICKS.load(Relaxed))
}

/// Physical address of the clock's page.
pub fn page() -> u64 {
    ((&raw const PAGE).addr() - IMAGE_BASE) as u64
}

/// Ticks of the counter in a second.
pub fn frequency() -> u64 {
    FREQUENCY.load(Relaxed)
}

/// Waits without doing anything else.
pub fn spin_ns(ns: u64) {
    let end = now_ns().saturating_add(ns);
    while now_ns() < end {
        core::hint::spin_loop();
    }
}

/// The rate as the processor or the hypervisor tells it.
fn from_cpuid() -> Option<(u64, &'static str)> {
    // Leaf 0x15: TSC = crystal * EBX / EAX; exact when the crystal's rate is given (Intel SDM volume 2, CPUID).
    let ratio = cpuid::leaf(0x15, 0);
    if ratio.eax != 0 && ratio.ebx != 0 && ratio.ecx != 0 {
        return Some((u64::from(ratio.ecx) * u64::from(ratio.ebx) / u64::from(ratio.eax), "CPUID"));
    }
    // Leaf 0x40000010, EAX: TSC in kHz, where the hypervisor has it (VMware's interface, which KVM and others offer too).
    if cpuid::has_hypervisor() && cpuid::cpuid(0x4000_0000, 0).eax >= 0x4000_0010 {
        let khz = cpuid::cpuid(0x4000_0010, 0).eax;
        if khz > 100_000 {
            return Some((u64::from(khz) * 1000, "the hypervisor"));
        }
    }
    None
}
