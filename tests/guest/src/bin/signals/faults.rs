//! Faults: which signal they are, and ways back from them.

use std::arch::{asm, global_asm};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, sighandler_t, siginfo_t};

use super::*;

// A C program calls `sigsetjmp` itself; a Rust function must not return twice, so this calls the deed behind it.
global_asm!(
    ".globl attempt",
    "attempt:",
    "push rbx",
    "push rbp",
    "sub rsp, 8",
    "mov rbx, rsi",
    "mov rbp, rdx",
    "mov esi, 1",
    "call {sigsetjmp}",
    "test eax, eax",
    "jnz 2f",
    "mov rdi, rbp",
    "call rbx",
    "xor eax, eax",
    "2:",
    "add rsp, 8",
    "pop rbp",
    "pop rbx",
    "ret",
    sigsetjmp = sym sigsetjmp,
);

unsafe extern "C" {
    fn attempt(buffer: *mut usize, deed: extern "C" fn(usize), argument: usize) -> c_int;
    fn sigsetjmp(buffer: *mut usize, with_mask: c_int) -> c_int;
    fn siglongjmp(buffer: *const usize, value: c_int) -> !;
}

struct Buffer(UnsafeCell<[usize; 10]>);

// SAFETY: the tests are one thread.
unsafe impl Sync for Buffer {}

static BUFFER: Buffer = Buffer(UnsafeCell::new([0; 10]));
static CODE: AtomicUsize = AtomicUsize::new(0);
static ADDRESS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn jump_back(signal: c_int, info: *mut siginfo_t, _: *mut c_void) {
    // SAFETY: the handler's promise, and `attempt` has not returned.
    unsafe {
        CODE.store((*info).si_code as usize, Ordering::SeqCst);
        ADDRESS.store((*info).si_addr() as usize, Ordering::SeqCst);
        siglongjmp(BUFFER.0.get().cast(), signal);
    }
}

/// Does it; answers the signal, the code and the address.
fn try_it(deed: extern "C" fn(usize), argument: usize) -> (c_int, usize, usize) {
    // SAFETY: the deed leaves nothing behind that wants to be dropped.
    let signal = unsafe { attempt(BUFFER.0.get().cast(), deed, argument) };
    (signal, CODE.load(Ordering::SeqCst), ADDRESS.load(Ordering::SeqCst))
}

extern "C" fn read(address: usize) {
    // SAFETY: none: it is to fault.
    let _ = black_box(unsafe { (address as *const u8).read_volatile() });
}

extern "C" fn write(address: usize) {
    // SAFETY: as above.
    unsafe { (address as *mut u8).write_volatile(1) };
}

extern "C" fn call(address: usize) {
    // SAFETY: as above.
    unsafe { asm!("call {}", in(reg) address, clobber_abi("C")) };
}

extern "C" fn divide(_: usize) {
    // SAFETY: as above.
    unsafe { asm!("xor edx, edx", "div edx", inout("eax") 1 => _, out("edx") _) };
}

extern "C" fn no_instruction(_: usize) {
    // SAFETY: as above.
    unsafe { asm!("ud2") };
}

extern "C" fn breakpoint(_: usize) {
    // SAFETY: as above.
    unsafe { asm!("int3") };
}

extern "C" fn privileged(_: usize) {
    // SAFETY: as above.
    unsafe { asm!("cli") };
}

extern "C" fn float_division(_: usize) {
    let control: u16 = 0x37f & !(1 << 2);
    // SAFETY: as above.
    unsafe {
        asm!("fninit", "fldcw [{}]", "fld1", "fldz", "fdivp", "fwait", in(reg) &control, out("st(0)") _, out("st(1)") _)
    };
}

extern "C" fn nothing(_: usize) {}

/// A page for reading only.
fn page(prot: c_int) -> usize {
    // SAFETY: new memory.
    let page = unsafe { libc::mmap(null_mut(), 4096, prot, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) };
    assert_ne!(page, libc::MAP_FAILED);
    page as usize
}

pub fn recovered() {
    for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP] {
        set_action(signal, jump_back as *const () as sighandler_t, libc::SA_SIGINFO as c_int, 0);
    }
    let (maps, access) = (1, 2);
    let (closed, constant) = (page(libc::PROT_NONE), page(libc::PROT_READ));
    for _ in 0..3 {
        assert_eq!(try_it(read, 16), (SIGSEGV, maps, 16));
        assert_eq!(try_it(write, 0x6666_0000_0000), (SIGSEGV, maps, 0x6666_0000_0000));
        assert_eq!(try_it(read, closed + 7), (SIGSEGV, access, closed + 7));
        assert_eq!(try_it(write, constant), (SIGSEGV, access, constant));
        assert_eq!(try_it(call, 0), (SIGSEGV, maps, 0));
        assert_eq!(try_it(call, constant), (SIGSEGV, access, constant));
        let kernel = 0xffff_8000_0000_0000_usize;
        let (signal, _, address) = try_it(read, kernel);
        assert_eq!((signal, address), (SIGSEGV, kernel));
        assert_eq!(try_it(read, 0x8000_0000_0000_0000), (SIGSEGV, 0x80, 0));
        assert_eq!(try_it(privileged, 0), (SIGSEGV, 0x80, 0));
        let (signal, code, address) = try_it(divide, 0);
        assert_eq!((signal, code), (SIGFPE, 1));
        assert!(address.wrapping_sub(divide as *const () as usize) < 64);
        let (signal, code, address) = try_it(no_instruction, 0);
        assert_eq!((signal, code), (SIGILL, 2));
        assert!(address.wrapping_sub(no_instruction as *const () as usize) < 64);
        assert_eq!(try_it(breakpoint, 0).0, SIGTRAP);
        let (signal, code, _) = try_it(float_division, 0);
        assert_eq!((signal, code), (SIGFPE, 3));
        // SAFETY: only this thread's unit is put in order.
        unsafe { asm!("fninit") };
        assert_eq!(try_it(nothing, 0).0, 0);
    }
    assert_eq!(mask(libc::SIG_BLOCK, 0), 0, "the jump has restored the mask");
    // A handler that mends what was wrong lets the instruction succeed.
    set_action(SIGSEGV, mend as *const () as sighandler_t, libc::SA_SIGINFO as c_int, 0);
    write(constant + 5);
    // SAFETY: it is a page of ours.
    assert_eq!(unsafe { *((constant + 5) as *const u8) }, 1);
    // And one that changes registers lets the program go on elsewhere.
    set_action(SIGILL, step_over as *const () as sighandler_t, libc::SA_SIGINFO as c_int, 0);
    no_instruction(0);
    assert_eq!(counted(), 1);
}

extern "C" fn mend(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    // SAFETY: the page is of `recovered`.
    unsafe {
        let page = (*info).si_addr() as usize & !4095;
        assert_eq!(libc::mprotect(page as *mut _, 4096, libc::PROT_READ | libc::PROT_WRITE), 0);
    }
}

extern "C" fn step_over(_: c_int, _: *mut siginfo_t, context: *mut c_void) {
    COUNT.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the handler's promise; `ud2` is two bytes long.
    unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.rip += 2 };
}

extern "C" fn deep(depth: usize) {
    let room = black_box([depth as u8; 4096]);
    if depth != usize::MAX {
        deep(depth + 1);
    }
    black_box(room);
}

pub fn overflow() {
    let mut memory = vec![0_u8; 64 << 10];
    let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
    let disable = libc::stack_t { ss_flags: libc::SS_DISABLE, ..stack };
    let flags = libc::SA_SIGINFO as c_int | libc::SA_ONSTACK as c_int;
    set_action(SIGSEGV, jump_back as *const () as sighandler_t, flags, 0);
    // In a thread: its stack is small, and has a page below it that nobody may touch.
    let run = || {
        // SAFETY: the memory is a stack's meanwhile.
        assert_eq!(unsafe { libc::sigaltstack(&stack, null_mut()) }, 0);
        for _ in 0..3 {
            assert_eq!(try_it(deep, 0).0, SIGSEGV);
        }
        // SAFETY: nobody is on it any more.
        assert_eq!(unsafe { libc::sigaltstack(&disable, null_mut()) }, 0);
    };
    struct Shared<T>(T);
    // SAFETY: the stack is only the other thread's.
    unsafe impl<T> Send for Shared<T> {}
    let shared = Shared(run);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let shared = shared;
            (shared.0)()
        });
    });
    set_action(SIGSEGV, libc::SIG_DFL, 0, 0);
}

extern "C" fn look_at_float(_: c_int, _: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the handler's promise.
    unsafe {
        let context = &mut *context.cast::<libc::ucontext_t>();
        // XMM7 is at 160 + 7 * 16 of what FXSAVE saves.
        let place = &mut context.uc_mcontext.fxsave[(160 + 7 * 16) / 16][0];
        CODE.store(*place as usize, Ordering::SeqCst);
        *place = 0x77;
        let (mut mxcsr, mut control) = (0_u32, 0_u16);
        asm!("stmxcsr [{}]", "fnstcw [{}]", in(reg) &mut mxcsr, in(reg) &mut control);
        trace(u64::from(mxcsr) << 16 | u64::from(control));
    }
}

/// A handler begins with the environment that functions expect, sees the interrupted one, and may change it.
pub fn float() {
    set_action(libc::SIGUSR1, look_at_float as *const () as sighandler_t, libc::SA_SIGINFO as c_int, 0);
    let (round_down, truncate) = (0x3f80_u32, 0xf7f_u16);
    let (mut mxcsr, mut control, mut value) = (0_u32, 0_u16, 0x1234_u64);
    // SAFETY: the environment is put back; XMM7 is written by the handler right behind the call that sends the signal.
    unsafe {
        asm!("ldmxcsr [{}]", "fldcw [{}]", in(reg) &round_down, in(reg) &truncate);
        let words: [u64; 3] = [22, libc::SIGUSR1 as u64, 0];
        asm!(
            "movq xmm7, {value}",
            "syscall",
            "movq {value}, xmm7",
            value = inout(reg) value,
            inout("rax") syscall::SYS_CALL => _,
            in("rdi") ochre_abi::start_fd::THREAD, in("rsi") 0, in("rdx") 0, in("r10") words.len(), in("r8") words.as_ptr(),
            out("rcx") _, out("r11") _, out("xmm7") _,
        );
        asm!("stmxcsr [{}]", "fnstcw [{}]", in(reg) &mut mxcsr, in(reg) &mut control);
        asm!("ldmxcsr [{}]", "fldcw [{}]", in(reg) &0x1f80_u32, in(reg) &0x37f_u16);
    }
    assert_eq!((mxcsr & !0x3f, control), (round_down, truncate), "as it was");
    assert_eq!(traced(), 0x1f80_037f);
    assert_eq!((CODE.load(Ordering::SeqCst), value), (0x1234, 0x77));
}
