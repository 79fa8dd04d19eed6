//! The start of a process: from the kernel's first instruction to `main`.

use core::arch::naked_asm;
use core::ffi::{c_char, c_int, c_ulong};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::auxv::{Aux, Start};
use super::tcb::load_base;
use super::{files, mem, process, resolve, roots, thread, unwind};

unsafe extern "C" {
    fn main(argc: c_int, argv: *mut *mut c_char, envp: *mut *mut c_char) -> c_int;
    // The linker's bounds of the lists of constructors (System V ABI, "Initialization and Termination Functions").
    static __preinit_array_start: [Option<Constructor>; 0];
    static __preinit_array_end: [Option<Constructor>; 0];
    static __init_array_start: [Option<Constructor>; 0];
    static __init_array_end: [Option<Constructor>; 0];
}

type Constructor = unsafe extern "C" fn(c_int, *mut *mut c_char, *mut *mut c_char);

/// The first instruction of a program. The stack holds the arguments and need not be aligned.
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "xor ebp, ebp",
        "mov rdi, rsp",
        "and rsp, -16",
        // Floating-point control as the System V ABI wants it at the start (section 3.4.1): round to nearest, all masked.
        "push 0x1f80",
        "ldmxcsr [rsp]",
        "mov word ptr [rsp], 0x37f",
        "fldcw [rsp]",
        "pop rax",
        "call {start}",
        "ud2",
        start = sym start,
    )
}

unsafe extern "C" fn start(stack: *mut usize) -> ! {
    // SAFETY: `stack` is what the process was started with. Relocation comes first, thread-local storage second.
    unsafe {
        let start = Start::parse(stack);
        let base = load_base(&start.aux);
        if base != 0 {
            super::relocate::relocate(&start.aux, base);
        }
        AUX.store((&raw const start.aux).cast_mut(), Ordering::Relaxed);
        VECTOR.store(start.vector.cast_mut(), Ordering::Relaxed);
        NAME.store(if start.argc > 0 { *start.argv } else { core::ptr::null_mut() }, Ordering::Relaxed);
        mem::init();
        let handle = match thread::init(&start.aux, base) {
            Ok(handle) => handle,
            // Without memory for the first thread there is nobody to tell.
            Err(_) => core::arch::asm!("ud2", options(noreturn)),
        };
        files::init(&start.aux, handle);
        roots::init(&start.aux);
        process::init(&start.aux);
        super::signal::init(start.aux.signals.1 as u64);
        super::limits::init(&start.aux);
        resolve::init(&start.aux);
        unwind::init();
        crate::stdlib::environ = start.envp;
        ARGUMENTS.store(start.argv, Ordering::Relaxed);
        let arguments = (start.argc, start.argv, start.envp);
        construct((&raw const __preinit_array_start).cast(), (&raw const __preinit_array_end).cast(), arguments);
        construct((&raw const __init_array_start).cast(), (&raw const __init_array_end).cast(), arguments);
        crate::stdlib::exit(main(start.argc, start.argv, start.envp))
    }
}

/// Calls a list of constructors.
unsafe fn construct(
    mut at: *const Option<Constructor>,
    end: *const Option<Constructor>,
    (argc, argv, envp): (c_int, *mut *mut c_char, *mut *mut c_char),
) {
    // SAFETY: the linker made the list, and says where it ends.
    unsafe {
        while at < end {
            if let Some(constructor) = *at {
                constructor(argc, argv, envp);
            }
            at = at.add(1);
        }
    }
}

static AUX: AtomicPtr<Aux> = AtomicPtr::new(core::ptr::null_mut());
/// The first argument.
static NAME: AtomicPtr<c_char> = AtomicPtr::new(core::ptr::null_mut());
static VECTOR: AtomicPtr<usize> = AtomicPtr::new(core::ptr::null_mut());
static ARGUMENTS: AtomicPtr<*mut c_char> = AtomicPtr::new(core::ptr::null_mut());

/// The name under which the program was started; an empty one when it was not told.
pub fn program() -> *const c_char {
    let arguments = ARGUMENTS.load(Ordering::Relaxed);
    // SAFETY: the list stays for the life of the process, and ends with a null pointer.
    let first = if arguments.is_null() { arguments.cast() } else { unsafe { *arguments } };
    if first.is_null() { c"".as_ptr() } else { first }
}

/// `getauxval` (GNU): the value of an entry of the auxiliary vector, or 0 and `ENOENT`.
#[unsafe(no_mangle)]
pub extern "C" fn getauxval(kind: c_ulong) -> c_ulong {
    let mut at = VECTOR.load(Ordering::Relaxed).cast_const();
    // SAFETY: the vector lies on the first stack, above everything that runs, and ends with a kind of 0.
    unsafe {
        while !at.is_null() && *at != 0 {
            if *at as c_ulong == kind {
                return *at.add(1) as c_ulong;
            }
            at = at.add(2);
        }
    }
    crate::errno::set(libc::ENOENT);
    0
}

/// What the program was started as: its first argument.
pub fn name() -> Option<&'static [u8]> {
    // SAFETY: the argument lies on the first stack, above everything that runs.
    unsafe { crate::string::bytes(NAME.load(Ordering::Relaxed)).ok() }
}

/// What the process was started with. The structure lies on the first stack, below `main`.
pub fn aux() -> Option<&'static Aux> {
    // SAFETY: `start` never returns, so its frame stays.
    unsafe { AUX.load(Ordering::Relaxed).as_ref() }
}
