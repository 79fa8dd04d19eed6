//! Keeping the translation caches of all processors true to the page tables.
//!
//! A processor that takes access away flushes its own cache and asks each other one that runs the same address space; it waits until they
//! have answered, so that the frames may then be used for something else. The asked ones answer by interrupt, or from a
//! lock's spin loop, or from their own waiting here, so that two that ask each other do not hang.

use core::sync::atomic::Ordering;

use super::{apic, percpu, percpu::PerCpu};

/// Above this many pages the whole cache is dropped instead.
const MANY: usize = 32;

/// Switches this processor to other page tables.
pub(super) fn load(cpu: &PerCpu, root: u64) {
    cpu.cr3.store(root, Ordering::Relaxed);
    // SAFETY: `root` is the root of a live address space: its thread runs here now. The instruction serialises, so whoever
    // changes these tables later finds the store above, and whoever changed them before is seen.
    unsafe { core::arch::asm!("mov cr3, {}", in(reg) root, options(nostack, preserves_flags)) }
}

/// Leaves user space: only the kernel's own mappings stay. For a thread that ends.
pub fn leave_user_space() {
    load(percpu::this(), super::paging::kernel_root());
}

/// Switches the current thread to `root` at once.
pub fn enter(root: u64) {
    load(percpu::this(), root);
}

/// Forgets one page here.
#[inline]
pub fn flush_page(address: usize) {
    // SAFETY: forgetting a translation is always allowed.
    unsafe { core::arch::asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) }
}

fn flush_local(start: usize, pages: usize) {
    if pages > MANY {
        flush_user();
    } else {
        (0..pages).for_each(|page| flush_page(start + page * 4096));
    }
}

fn flush_user() {
    // SAFETY: reloading CR3 with its own value drops all translations that are not global.
    unsafe {
        core::arch::asm!("mov {t}, cr3", "mov cr3, {t}", t = out(reg) _, options(nostack, preserves_flags));
    }
}

/// Forgets `pages` pages from `start` of the address space with this root on every processor where it is loaded.
pub fn flush(root: u64, start: usize, pages: usize) {
    let me = percpu::this();
    if me.cr3.load(Ordering::Relaxed) == root {
        flush_local(start, pages);
    }
    if percpu::count() > 1 {
        ask_others(|cpu| cpu.cr3.load(Ordering::Relaxed) == root);
    }
}

/// Makes sure that no processor has this root loaded any more; its threads are all gone.
pub fn retire(root: u64) {
    let me = percpu::this();
    if me.cr3.load(Ordering::Relaxed) == root {
        leave_user_space();
    }
    if percpu::count() > 1 {
        ask_others(|cpu| cpu.cr3.load(Ordering::Relaxed) == root);
    }
}

fn ask_others(concerned: impl Fn(&PerCpu) -> bool) {
    // The page tables were changed before this point; a processor that loads the root after this fence sees the change.
    core::sync::atomic::fence(Ordering::SeqCst);
    let me = percpu::this().index;
    let mut tickets = [0u64; percpu::MAX_CPUS];
    for cpu in percpu::all().filter(|cpu| cpu.index != me && concerned(cpu)) {
        tickets[cpu.index] = cpu.flush_asked.fetch_add(1, Ordering::SeqCst) + 1;
        apic::send_ipi(cpu.apic_id(), apic::VECTOR_SHOOTDOWN as u8);
    }
    for (index, &ticket) in tickets.iter().enumerate().filter(|(_, ticket)| **ticket != 0) {
        while percpu::get(index).is_some_and(|cpu| cpu.flush_done.load(Ordering::Acquire) < ticket) {
            serve();
            core::hint::spin_loop();
        }
    }
}

/// Answers the requests of other processors, if there are any.
#[inline]
pub fn serve() {
    if percpu::count() <= 1 {
        return;
    }
    let me = percpu::this();
    let asked = me.flush_asked.load(Ordering::SeqCst);
    if asked != me.flush_done.load(Ordering::Relaxed) {
        if percpu::current().is_kernel_thread() {
            // It needs no user mappings, and the space may be about to go.
            leave_user_space();
        } else {
            flush_user();
        }
        me.flush_done.store(asked, Ordering::Release);
    }
}
