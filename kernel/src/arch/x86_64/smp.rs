//! Starting the other processors: Intel SDM volume 3, section 8.4 (INIT, SIPI, SIPI).
//!
//! All of them are sent on their way together. Each runs the real-mode code of [`super::boot`], finds its slot by its local
//! APIC id, marks it and goes on with the stack in it. One that does not come in time has its slot taken away, so that it
//! cannot come later.

use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use kernel_core::acpi::Machine;
use kernel_core::boot::{BootInfo, Region, RegionKind};

use super::{apic, boot, cpuid, msr};
use crate::log::Level;
use crate::memory::PHYSMAP;
use crate::time;

/// Most processors that are started, the first one included.
pub const MAX_CPUS: usize = 16;

/// A processor's place. The assembly knows this layout.
#[repr(C)]
struct Slot {
    apic_id: AtomicU32,
    state: AtomicU32,
    stack: AtomicU64,
}

/// [`Slot::state`]: nobody is expected.
const EMPTY: u32 = 0;
/// The processor has been sent for.
const EXPECTED: u32 = 1;
/// It is here.
const ARRIVED: u32 = 2;

#[unsafe(export_name = "ap_slots")]
static SLOTS: [Slot; MAX_CPUS] =
    [const { Slot { apic_id: AtomicU32::new(u32::MAX), state: AtomicU32::new(EMPTY), stack: AtomicU64::new(0) } };
        MAX_CPUS];
#[unsafe(export_name = "ap_slot_count")]
static SLOT_COUNT: u32 = MAX_CPUS as u32;
#[unsafe(export_name = "ap_efer")]
static EFER: AtomicU64 = AtomicU64::new(0);
#[unsafe(export_name = "ap_cr0")]
static CR0: AtomicU64 = AtomicU64::new(0);
#[unsafe(export_name = "ap_cr3")]
static CR3: AtomicU64 = AtomicU64::new(0);
#[unsafe(export_name = "ap_cr4")]
static CR4: AtomicU64 = AtomicU64::new(0);
static ENTRY: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

unsafe extern "C" {
    static ap_start: u8;
    static ap_start_end: u8;
}

const PAGE: u64 = 4096;
/// End of the memory that real mode can use on every PC.
const LOW_END: u64 = 0xa_0000;
/// Nanoseconds between INIT and SIPI (Intel MultiProcessor Specification 1.4, section B.4). Virtual processors need no rest.
const INIT_REST_NS: u64 = 10_000_000;
/// Nanoseconds before the second SIPI.
const SIPI_REST_NS: u64 = 200_000;
/// Nanoseconds until a processor is given up.
const PATIENCE_NS: u64 = 1_000_000_000;

/// Starts the machine's other processors, as many as the option `smp` and [`MAX_CPUS`] allow, and answers how many run, this
/// one included. Each enters `entry(index)` with the page tables and settings of this one, on a stack of its own. The first
/// processor is number 0; the others are numbered in the tables' order.
pub fn start(machine: &Machine, entry: fn(usize) -> !) -> usize {
    let me = apic::id();
    let limit = boot::options().smp.unwrap_or(MAX_CPUS).min(MAX_CPUS);
    let others = machine.cpus.iter().filter(|cpu| cpu.apic_id != me && (apic::is_x2apic() || cpu.apic_id < 0xff));
    let found = others.clone().count() + 1;
    if boot::options().smp.is_none() && found > MAX_CPUS {
        crate::klog!(Level::Warn, "only {MAX_CPUS} of {found} processors are used");
    }
    SLOTS[0].apic_id.store(me, Ordering::Relaxed);
    SLOTS[0].state.store(ARRIVED, Ordering::Relaxed);
    let expected = found.min(limit) - 1;
    if expected == 0 {
        return 1;
    }
    let Some(page) = boot::info().and_then(find_page) else {
        crate::klog!(Level::Warn, "no memory below 1 MiB is free to start other processors from; one is used");
        return 1;
    };

    ENTRY.store(entry as *mut (), Ordering::Relaxed);
    // SAFETY: EFER exists.
    EFER.store(unsafe { msr::read(msr::EFER) }, Ordering::Relaxed);
    CR0.store(msr::read_cr0(), Ordering::Relaxed);
    CR3.store(msr::read_cr3() & !(PAGE - 1), Ordering::Relaxed);
    CR4.store(msr::read_cr4(), Ordering::Relaxed);
    // SAFETY: the page is free memory that is never given out, and the code between the symbols is shorter than it.
    unsafe {
        let (from, end) = (&raw const ap_start, &raw const ap_start_end);
        core::ptr::copy_nonoverlapping(from, (PHYSMAP + page as usize) as *mut u8, end as usize - from as usize);
    }
    for (cpu, slot) in others.take(expected).zip(&SLOTS[1..]) {
        slot.stack.store(crate::memory::kmap::alloc_kernel_stack() as u64, Ordering::Relaxed);
        slot.apic_id.store(cpu.apic_id, Ordering::Relaxed);
        slot.state.store(EXPECTED, Ordering::Release);
    }

    let waiting = || SLOTS.iter().filter(|slot| slot.state.load(Ordering::Acquire) == EXPECTED);
    let send = |signal: fn(u32)| waiting().for_each(|slot| signal(slot.apic_id.load(Ordering::Relaxed)));
    send(apic::send_init);
    time::spin_ns(if cpuid::has_hypervisor() { 0 } else { INIT_REST_NS });
    let vector = (page / PAGE) as u8;
    waiting().for_each(|slot| apic::send_startup(slot.apic_id.load(Ordering::Relaxed), vector));
    let until = |ns: u64| {
        let end = time::now_ns() + ns;
        while waiting().next().is_some() && time::now_ns() < end {
            core::hint::spin_loop();
        }
    };
    until(SIPI_REST_NS);
    waiting().for_each(|slot| apic::send_startup(slot.apic_id.load(Ordering::Relaxed), vector));
    until(PATIENCE_NS);

    let mut running = 1;
    for (index, slot) in SLOTS.iter().enumerate().skip(1) {
        if slot.state.load(Ordering::Acquire) == EMPTY {
            continue;
        }
        if slot.state.compare_exchange(EXPECTED, EMPTY, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            let id = slot.apic_id.load(Ordering::Relaxed);
            crate::klog!(Level::Warn, "processor {index} (APIC id {id}) does not start; going on without it");
        } else {
            running += 1;
        }
    }
    running
}

/// A free page below 640 KiB for the real-mode code: the highest, because firmware keeps its own things low.
fn find_page(info: &BootInfo) -> Option<u64> {
    let usable = |page: u64| {
        let inside =
            |region: &Region| region.kind == RegionKind::Usable && region.base <= page && page + PAGE <= region.end();
        info.memory.iter().any(inside)
    };
    let taken = |page: u64| info.modules.iter().any(|module| module.start < page + PAGE && module.end > page);
    (1..LOW_END / PAGE).rev().map(|number| number * PAGE).find(|page| usable(*page) && !taken(*page))
}

/// Where the assembly hands over: long mode, the kernel's page tables, a stack, interrupts off.
#[unsafe(no_mangle)]
extern "C" fn ap_entry(index: usize) -> ! {
    // SAFETY: `start` stored a function of exactly this type before it sent for any processor.
    let entry: fn(usize) -> ! = unsafe { core::mem::transmute(ENTRY.load(Ordering::Relaxed)) };
    entry(index)
}
