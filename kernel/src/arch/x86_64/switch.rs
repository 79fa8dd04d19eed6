//! The context switch: one thread's registers go to its stack and its [`ArchContext`], another's come back.

use core::arch::naked_asm;
use core::cell::Cell;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use syscall::{EnvRegisters, IntRegisters};

use super::{features, gdt, msr, percpu, xsave};
use crate::context::Thread;
use crate::memory::{OutOfMemory, kmap};

/// What a thread's processor state is while it does not run.
pub struct ArchContext {
    /// Stack pointer inside [`switch_stacks`].
    kernel_sp: Cell<usize>,
    /// Where its kernel stack begins, below the dispatcher's address; 0 for an idle thread that still runs on its boot stack.
    stack_top: Cell<usize>,
    /// Root of its page tables; 0 for threads that live in the kernel only.
    cr3: Cell<u64>,
    /// Area of its extended state; null for threads that live in the kernel only.
    fpu: Cell<*mut u8>,
    fs_base: Cell<u64>,
    gs_base: Cell<u64>,
    io_allowed: Cell<bool>,
}

// SAFETY: a thread's context is used by the processor that runs it, or by whoever has found it not running under the
// scheduler's locks; the scheduler hands it over with release and acquire.
unsafe impl Sync for ArchContext {}
// SAFETY: as above; the raw pointer is owned.
unsafe impl Send for ArchContext {}

/// Bytes on top of a kernel stack that hold the user's registers.
pub const FRAME: usize = size_of::<IntRegisters>();
/// Bytes above those, with the address of the function that the thread's calls go to ([`Dispatcher`]); the stack stays aligned.
const ABOVE: usize = 16;

/// What a thread's calls go to: arguments in order, the number last.
pub type Dispatcher = extern "C" fn(usize, usize, usize, usize, usize, usize) -> usize;

/// RFLAGS bits that a user may set: CF PF AF ZF SF TF DF OF AC ID (Intel SDM volume 1, section 3.4.3).
const USER_FLAGS: usize = 0x24_0dd5;
/// RFLAGS of a thread that runs user code: interrupts on, and the bit that is always 1.
const FIXED_FLAGS: usize = 0x202;

impl ArchContext {
    /// Of a thread that has no stack yet.
    pub const fn new() -> Self {
        ArchContext {
            kernel_sp: Cell::new(0),
            stack_top: Cell::new(0),
            cr3: Cell::new(0),
            fpu: Cell::new(core::ptr::null_mut()),
            fs_base: Cell::new(0),
            gs_base: Cell::new(0),
            io_allowed: Cell::new(false),
        }
    }

    /// Prepares a thread that is to start in user mode, with all registers at what a program starts with. Stack and area of an
    /// earlier thread in the same place serve again.
    pub fn make_ready(&self) -> Result<(), OutOfMemory> {
        if self.stack_top.get() == 0 {
            self.stack_top.set(kmap::alloc_stack()? - ABOVE);
        }
        if self.fpu.get().is_null() {
            self.fpu.set(xsave::Area::leaked());
        }
        let stack_top = self.stack_top.get();
        self.cr3.set(0);
        self.fs_base.set(0);
        self.gs_base.set(0);
        self.io_allowed.set(false);
        self.set_dispatch(crate::syscall::dispatch);
        // SAFETY: the area is valid and aligned; the stack is mapped, and nobody runs on it yet.
        unsafe {
            xsave::Area::init(self.fpu.get());
            let frame = (stack_top - FRAME) as *mut IntRegisters;
            frame.write(IntRegisters::default());
            (*frame).cs = gdt::USER_CODE as usize;
            (*frame).ss = gdt::USER_DATA as usize;
            (*frame).rflags = FIXED_FLAGS;
        }
        self.set_entry(stack_top - FRAME, start_user as *const () as usize);
        Ok(())
    }

    /// Says where the thread's calls go from now on. Of a thread that never ran user code nothing is changed.
    pub fn set_dispatch(&self, dispatch: Dispatcher) {
        if self.stack_top.get() != 0 {
            // SAFETY: the word above the stack's beginning is mapped as long as the slot lives, and only used as an atomic: the
            // entry code of another processor may be reading it.
            let place = unsafe { AtomicUsize::from_ptr(self.stack_top.get() as *mut usize) };
            place.store(dispatch as usize, Relaxed);
        }
    }

    /// Builds what [`switch_stacks`] pops: six registers and a return address.
    fn set_entry(&self, below: usize, entry: usize) {
        // `entry` is "returned" to, hence expects the stack as after a call: 8 below a multiple of 16. `start_user` takes it as is.
        let sp = below - 8 * 8;
        // SAFETY: inside the thread's own, mapped and unused stack.
        unsafe {
            let slots = sp as *mut usize;
            slots.write_bytes(0, 8);
            slots.add(6).write(entry);
        }
        self.kernel_sp.set(sp);
    }

    /// The page tables to run with.
    pub fn set_page_table(&self, root: u64) {
        self.cr3.set(root);
    }

    /// The page tables that it runs with.
    pub fn page_table(&self) -> u64 {
        self.cr3.get()
    }

    /// Frame pointer of a thread that does not run, as [`switch_stacks`] has stored it: the sixth word from its stack pointer.
    pub fn frame_pointer(&self) -> usize {
        match self.kernel_sp.get() {
            0 => 0,
            // SAFETY: its stack is mapped, and nobody runs on it.
            sp => unsafe { *(sp as *const usize).add(5) },
        }
    }

    /// User registers of a thread that is in the kernel, as its entry saved them.
    pub fn registers(&self) -> IntRegisters {
        // SAFETY: the frame lies at the top of the mapped stack; the thread does not run (or is the caller's own).
        unsafe { *((self.stack_top.get() - FRAME) as *const IntRegisters) }
    }

    /// Sets the user registers, with the parts that would raise privilege or fault the kernel forced to user values.
    pub fn set_registers(&self, regs: &IntRegisters) {
        let mut regs = *regs;
        regs.cs = gdt::USER_CODE as usize;
        regs.ss = gdt::USER_DATA as usize;
        regs.rflags = regs.rflags & USER_FLAGS | FIXED_FLAGS;
        if regs.rip >= ochre_abi::USER_END {
            regs.rip = 0;
        }
        // SAFETY: as in `registers`.
        unsafe { *((self.stack_top.get() - FRAME) as *mut IntRegisters) = regs }
    }

    /// FS and GS base. For the current thread the processor is asked.
    pub fn env(&self, is_current: bool) -> EnvRegisters {
        if is_current {
            self.save_bases();
        }
        EnvRegisters { fsbase: self.fs_base.get(), gsbase: self.gs_base.get() }
    }

    /// Sets FS and GS base; both must be below `USER_END`.
    pub fn set_env(&self, env: &EnvRegisters, is_current: bool) {
        self.fs_base.set(env.fsbase);
        self.gs_base.set(env.gsbase);
        if is_current {
            self.load_bases();
        }
    }

    /// The legacy part of the extended state (FXSAVE layout).
    pub fn float(&self, is_current: bool) -> [u8; 512] {
        let area = self.fpu.get();
        // SAFETY: the area is the thread's own and at least this long.
        unsafe {
            if is_current {
                xsave::save(area);
            }
            *area.cast::<[u8; 512]>()
        }
    }

    /// Sets it.
    pub fn set_float(&self, mut legacy: [u8; 512], is_current: bool) {
        xsave::sanitise(&mut legacy);
        let area = self.fpu.get();
        // SAFETY: as in `float`; the header at 512 marks x87 and SSE as present.
        unsafe {
            if is_current {
                xsave::save(area);
            }
            area.cast::<[u8; 512]>().write(legacy);
            if xsave::size() > 512 {
                let header = area.add(512).cast::<u64>();
                header.write(header.read() | 0b11);
            }
            if is_current {
                xsave::restore(area);
            }
        }
    }

    /// Allows or denies I/O ports.
    pub fn set_io_allowed(&self, allowed: bool, is_current: bool) {
        self.io_allowed.set(allowed);
        if is_current {
            gdt::set_io_allowed(percpu::this(), allowed);
        }
    }

    #[inline(always)]
    fn save_bases(&self) {
        // SAFETY: the instructions exist when CR4.FSGSBASE is on, else the MSRs are read (Intel SDM volume 3, section 5.8.8).
        // While in the kernel the user's GS base is in the shadow MSR; `swapgs` fetches it with nothing in between that uses GS.
        unsafe {
            if features::FSGSBASE.load(Relaxed) {
                let (fs, gs): (u64, u64);
                core::arch::asm!("rdfsbase {fs}", "swapgs", "rdgsbase {gs}", "swapgs", fs = out(reg) fs, gs = out(reg) gs, options(nostack, preserves_flags));
                self.fs_base.set(fs);
                self.gs_base.set(gs);
            } else {
                self.fs_base.set(msr::read(msr::FS_BASE));
                self.gs_base.set(msr::read(msr::KERNEL_GS_BASE));
            }
        }
    }

    #[inline(always)]
    fn load_bases(&self) {
        let (fs, gs) = (self.fs_base.get(), self.gs_base.get());
        // SAFETY: both bases are canonical: they came from the processor or through `set_env`.
        unsafe {
            if features::FSGSBASE.load(Relaxed) {
                core::arch::asm!("wrfsbase {fs}", "swapgs", "wrgsbase {gs}", "swapgs", fs = in(reg) fs, gs = in(reg) gs, options(nostack, preserves_flags));
            } else {
                msr::write(msr::FS_BASE, fs);
                msr::write(msr::KERNEL_GS_BASE, gs);
            }
        }
    }
}

/// Leaves `from` and goes on with `to`; returns when somebody switches back to `from`.
///
/// The caller has settled in the scheduler that `from` may be left and that nobody else runs or will run `to`.
#[inline]
pub fn switch(from: &'static Thread, to: &'static Thread) {
    let cpu = percpu::this();
    let (old, new) = (&from.arch, &to.arch);
    if !old.fpu.get().is_null() {
        // SAFETY: the area is the thread's own.
        unsafe { xsave::save(old.fpu.get()) };
        old.save_bases();
    }
    cpu.set_current(to);
    cpu.kernel_stack.set(new.stack_top.get());
    gdt::set_kernel_stack(cpu, new.stack_top.get());
    if old.io_allowed.get() != new.io_allowed.get() {
        gdt::set_io_allowed(cpu, new.io_allowed.get());
    }
    let root = new.cr3.get();
    if root != 0 && root != cpu.cr3.load(Relaxed) {
        super::tlb::load(cpu, root);
    }
    if !new.fpu.get().is_null() {
        // SAFETY: the area was saved or initialised.
        unsafe { xsave::restore(new.fpu.get()) };
        new.load_bases();
    }
    // SAFETY: `to`'s stack pointer was stored by this function or `set_entry`, and nobody runs on that stack.
    let left = unsafe { switch_stacks(old.kernel_sp.as_ptr(), new.kernel_sp.get(), from) };
    crate::context::sched::switched_from(left);
}

/// Stores the callee-saved registers and the stack pointer, loads the other's, and answers `from` there.
#[unsafe(naked)]
unsafe extern "C" fn switch_stacks(store: *mut usize, load: usize, from: &'static Thread) -> &'static Thread {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "mov rsp, rsi",
        "mov rax, rdx",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// First thing a user thread does: finish the switch that led here, then leave the kernel by its prepared registers.
#[unsafe(naked)]
unsafe extern "C" fn start_user() {
    naked_asm!(
        // rax = the thread that was left. One slot remains above the frame's end (see `set_entry`).
        "mov rdi, rax",
        "add rsp, 8",
        "call {started}",
        "jmp trap_return",
        started = sym crate::context::sched::user_thread_started,
    )
}
