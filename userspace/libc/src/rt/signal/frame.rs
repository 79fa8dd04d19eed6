//! What lies on the stack of a handler: the interrupted program's registers, in the form in which the handler may see and change
//! them (`ucontext_t`), what it is told (`siginfo_t`), and the extended state as the processor saves it.

use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, Ordering};

use libc::{siginfo_t, stack_t, ucontext_t};

use super::fault::Float;

/// Bytes of the largest extended state (the kernel's limit).
pub const MAX_AREA: usize = 4096;
/// Bytes of what FXSAVE saves, and of its part that the processor uses.
const LEGACY: usize = 512;
const LEGACY_USED: usize = 464;
/// Where the upper halves of the AVX registers are (Intel SDM volume 1, section 13.4.3), and the bit of their state.
const UPPER_HALVES: usize = 576;
const AVX: u64 = 1 << 2;

/// Bytes of the extended state by XSAVE; 0 when the processor has only FXSAVE. `entry` looks at it.
pub static XSAVE: AtomicU32 = AtomicU32::new(0);

/// Looks at the processor.
pub fn init() {
    use core::arch::x86_64::{__cpuid, __cpuid_count};
    /// CPUID leaf 1, ECX: the kernel has switched XSAVE on.
    const OSXSAVE: u32 = 1 << 27;
    if __cpuid(1).ecx & OSXSAVE != 0 {
        XSAVE.store(__cpuid_count(13, 0).ebx, Ordering::Relaxed);
    }
}

/// Bytes of an extended state here.
pub fn area_size() -> usize {
    match XSAVE.load(Ordering::Relaxed) {
        0 => LEGACY,
        size => (size as usize).min(MAX_AREA),
    }
}

/// The integer registers, in the order of `mcontext_t`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Registers {
    pub r15: usize,
    pub r14: usize,
    pub r13: usize,
    pub r12: usize,
    pub rbp: usize,
    pub rbx: usize,
    pub r11: usize,
    pub r10: usize,
    pub r9: usize,
    pub r8: usize,
    pub rax: usize,
    pub rcx: usize,
    pub rdx: usize,
    pub rsi: usize,
    pub rdi: usize,
    pub rflags: usize,
    pub rip: usize,
    pub rsp: usize,
}

/// An extended state.
#[repr(C, align(64))]
pub struct Area(pub [u8; MAX_AREA]);

impl Area {
    /// What tells of floating-point exceptions.
    pub fn float(&self) -> Float {
        let half = |at: usize| u16::from_le_bytes([self.0[at], self.0[at + 1]]);
        Float { control: half(0), status: half(2), mxcsr: u32::from(half(24)) | u32::from(half(26)) << 16 }
    }

    fn has_upper_halves(&self) -> bool {
        let mut header = [0; 8];
        header.copy_from_slice(&self.0[LEGACY..LEGACY + 8]);
        XSAVE.load(Ordering::Relaxed) as usize >= UPPER_HALVES + 256 && u64::from_le_bytes(header) & AVX != 0
    }
}

/// `ucontext_t`, with the fields that crate `libc` keeps to itself.
#[repr(C)]
pub struct Context {
    reserved: usize,
    link: usize,
    /// The alternate stack.
    pub stack: stack_t,
    /// What is blocked again when the handler returns.
    pub blocked: u64,
    value: u64,
    code: u32,
    signal: u32,
    upper_halves: [u8; 256],
    legacy: [u8; LEGACY_USED],
    /// Integer registers.
    pub registers: Registers,
}

const _: () = assert!(size_of::<Context>() == size_of::<ucontext_t>());
const _: () = assert!(offset_of!(Context, blocked) == offset_of!(ucontext_t, uc_sigmask));
const _: () = assert!(offset_of!(Context, upper_halves) == offset_of!(ucontext_t, uc_mcontext));
const _: () =
    assert!(offset_of!(Context, registers) == offset_of!(ucontext_t, uc_mcontext) + offset_of!(libc::mcontext_t, r15));

/// All of it; the extended state follows directly.
#[repr(C, align(64))]
pub struct Frame {
    /// The interrupted program.
    pub context: Context,
    /// What the handler is told.
    pub info: siginfo_t,
    /// The handler; 0 when there is none to run and the program just goes on.
    pub handler: usize,
    /// Its `SA_*` flags.
    pub flags: u32,
    /// An exception, not a signal that came from elsewhere.
    pub is_fault: bool,
}

impl Frame {
    /// Where a frame goes below this address.
    pub fn below(top: usize) -> *mut Frame {
        (top.wrapping_sub(size_of::<Frame>() + area_size()) & !63) as *mut Frame
    }

    /// Bytes from a frame to the end of its extended state.
    pub fn size() -> usize {
        size_of::<Frame>() + area_size()
    }

    /// Address of the extended state of a frame.
    pub fn area(this: *mut Frame) -> *mut u8 {
        this.wrapping_add(1).cast()
    }

    /// Shows the handler the floating-point registers as well.
    ///
    /// # Safety
    /// The frame is filled but for these.
    pub unsafe fn show_float(this: *mut Frame, area: &Area) {
        // SAFETY: as this function demands.
        unsafe {
            (*this).context.legacy.copy_from_slice(&area.0[..LEGACY_USED]);
            if area.has_upper_halves() {
                (*this).context.upper_halves.copy_from_slice(&area.0[UPPER_HALVES..UPPER_HALVES + 256]);
            } else {
                (*this).context.upper_halves.fill(0);
            }
        }
    }

    /// Takes over what the handler has changed of them.
    ///
    /// # Safety
    /// The frame is complete, and its floating-point registers were shown.
    pub unsafe fn take_float(this: *mut Frame) {
        // SAFETY: as this function demands; the area has these parts.
        unsafe {
            let area = Frame::area(this);
            core::ptr::copy_nonoverlapping((*this).context.legacy.as_ptr(), area, LEGACY_USED);
            // Reserved bits of MXCSR would raise an exception when it is loaded (SDM volume 1, section 10.5.1.2).
            *area.add(26) = 0;
            *area.add(27) = 0;
            if XSAVE.load(Ordering::Relaxed) != 0 {
                let header = area.add(LEGACY).cast::<u64>();
                header.write(header.read() | 0b11);
                if header.read() & AVX != 0 {
                    core::ptr::copy_nonoverlapping((*this).context.upper_halves.as_ptr(), area.add(UPPER_HALVES), 256);
                }
            }
        }
    }
}
