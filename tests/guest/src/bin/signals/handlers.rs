//! Handlers: when they run, with what, and what they leave behind.

use std::arch::asm;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;

use libc::{SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, SIGCHLD, SIGTERM, SIGUSR1, SIGUSR2, sighandler_t, siginfo_t};

use super::*;

/// Every register that a program has is as it was, wherever a signal has met it; and so is what lies below its stack pointer.
pub fn registers() {
    handle(SIGUSR1, scribble, 0);
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: every thread has a name.
            send.send(unsafe { libc::pthread_self() } as usize).expect("somebody listens");
            assert_eq!(spin(&GO_ON), 0, "differences");
        });
        let thread = receive.recv().expect("a thread");
        for round in 1..=200 {
            // SAFETY: the thread spins.
            assert_eq!(unsafe { libc::pthread_kill(thread as libc::pthread_t, SIGUSR1) }, 0);
            while COUNT.load(Ordering::SeqCst) < round {
                thread::yield_now();
            }
        }
        GO_ON.store(1, Ordering::SeqCst);
    });
    assert_eq!(counted(), 200);
}

static GO_ON: AtomicI32 = AtomicI32::new(0);

/// Waits for a word that is not 0 with a value in each register, and answers the bits in which one differs afterwards.
fn spin(word: &AtomicI32) -> u64 {
    let differences;
    // SAFETY: what is changed is declared, or put back.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "mov rax, 0x1111",
            "mov rbx, 0x2222",
            "mov rcx, 0x3333",
            "mov rdx, 0x4444",
            "mov rsi, 0x5555",
            "mov rbp, 0x6666",
            "mov r8, 0x7777",
            "mov r9, 0x8888",
            "mov r10, 0x9999",
            "mov r11, 0xaaaa",
            "mov r12, 0xbbbb",
            "mov r13, 0xcccc",
            "mov r14, 0xdddd",
            "mov r15, 0xeeee",
            "movq xmm0, rax",
            "movq xmm1, rbx",
            "movq xmm2, rcx",
            "movq xmm3, rdx",
            "movq xmm4, rsi",
            "movq xmm5, rbp",
            "movq xmm6, r8",
            "movq xmm7, r9",
            "movq xmm8, r10",
            "movq xmm9, r11",
            "movq xmm10, r12",
            "movq xmm11, r13",
            "movq xmm12, r14",
            "movq xmm13, r15",
            "movq xmm14, rax",
            "movq xmm15, rbx",
            "mov [rsp - 128], r15",
            "std",
            "2:",
            "cmp dword ptr [rdi], 0",
            "je 2b",
            "cld",
            "xor r15, [rsp - 128]",
            "xor r15, 0xeeee",
            "xor rax, 0x1111",
            "xor rbx, 0x2222",
            "or rax, rbx",
            "xor rcx, 0x3333",
            "or rax, rcx",
            "xor rdx, 0x4444",
            "or rax, rdx",
            "xor rsi, 0x5555",
            "or rax, rsi",
            "xor rbp, 0x6666",
            "or rax, rbp",
            "xor r8, 0x7777",
            "or rax, r8",
            "xor r9, 0x8888",
            "or rax, r9",
            "xor r10, 0x9999",
            "or rax, r10",
            "xor r11, 0xaaaa",
            "or rax, r11",
            "xor r12, 0xbbbb",
            "or rax, r12",
            "xor r13, 0xcccc",
            "or rax, r13",
            "xor r14, 0xdddd",
            "or rax, r14",
            "xor r15, 0xeeee",
            "or rax, r15",
            "movq rbx, xmm0",
            "xor rbx, 0x1111",
            "or rax, rbx",
            "movq rbx, xmm1",
            "xor rbx, 0x2222",
            "or rax, rbx",
            "movq rbx, xmm2",
            "xor rbx, 0x3333",
            "or rax, rbx",
            "movq rbx, xmm3",
            "xor rbx, 0x4444",
            "or rax, rbx",
            "movq rbx, xmm4",
            "xor rbx, 0x5555",
            "or rax, rbx",
            "movq rbx, xmm5",
            "xor rbx, 0x6666",
            "or rax, rbx",
            "movq rbx, xmm6",
            "xor rbx, 0x7777",
            "or rax, rbx",
            "movq rbx, xmm7",
            "xor rbx, 0x8888",
            "or rax, rbx",
            "movq rbx, xmm8",
            "xor rbx, 0x9999",
            "or rax, rbx",
            "movq rbx, xmm9",
            "xor rbx, 0xaaaa",
            "or rax, rbx",
            "movq rbx, xmm10",
            "xor rbx, 0xbbbb",
            "or rax, rbx",
            "movq rbx, xmm11",
            "xor rbx, 0xcccc",
            "or rax, rbx",
            "movq rbx, xmm12",
            "xor rbx, 0xdddd",
            "or rax, rbx",
            "movq rbx, xmm13",
            "xor rbx, 0xeeee",
            "or rax, rbx",
            "movq rbx, xmm14",
            "xor rbx, 0x1111",
            "or rax, rbx",
            "movq rbx, xmm15",
            "xor rbx, 0x2222",
            "or rax, rbx",
            "pop rbp",
            "pop rbx",
            in("rdi") word.as_ptr(),
            out("rax") differences,
            out("rcx") _, out("rdx") _, out("rsi") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r12") _,
            out("r13") _, out("r14") _, out("r15") _, out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _,
            out("xmm5") _, out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
            out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
        );
    }
    differences
}

extern "C" fn scribble(_: c_int) {
    COUNT.fetch_add(1, Ordering::SeqCst);
    // SAFETY: all that is changed is declared.
    unsafe {
        asm!(
            "xor r8d, r8d", "xor r9d, r9d", "xor eax, eax", "xorps xmm0, xmm0", "xorps xmm7, xmm7", "xorps xmm15, xmm15",
            "mov qword ptr [rsp - 128], 0",
            out("r8") _, out("r9") _, out("rax") _, out("xmm0") _, out("xmm7") _, out("xmm15") _,
        )
    };
}

pub fn masks() {
    handle(SIGUSR1, count, 0);
    handle(SIGUSR2, count, 0);
    let before = mask(SIG_BLOCK, bit(SIGUSR1) | bit(libc::SIGKILL) | bit(libc::SIGSTOP));
    assert_eq!(mask(SIG_BLOCK, 0), before | bit(SIGUSR1), "kill and stop are never blocked");
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR2);
    assert_eq!((counted(), pending() & bit(SIGUSR1)), (1, bit(SIGUSR1)));
    mask(SIG_UNBLOCK, bit(SIGUSR1));
    assert_eq!((counted(), pending()), (1, 0), "twice sent, once pending");
    // SAFETY: the pointers are null or masks.
    unsafe {
        assert_eq!(libc::pthread_sigmask(77, &0, null_mut()), libc::EINVAL);
        assert_eq!(
            errno(libc::sigaction(libc::SIGKILL, &set_action(SIGUSR2, libc::SIG_DFL, 0, 0), no_action()) as isize),
            libc::EINVAL
        );
        assert_eq!(errno(libc::sigaction(65, std::ptr::null(), no_action()) as isize), libc::EINVAL);
        assert_eq!(errno(libc::raise(65) as isize), libc::EINVAL);
    }
    // What is ignored is not kept, and ignoring forgets what is.
    set_action(SIGUSR1, libc::SIG_IGN, 0, 0);
    raise(SIGUSR1);
    handle(SIGUSR1, count, 0);
    mask(SIG_BLOCK, bit(SIGUSR1));
    raise(SIGUSR1);
    set_action(SIGUSR1, libc::SIG_IGN, 0, 0);
    assert_eq!(pending() & bit(SIGUSR1), 0);
    mask(SIG_SETMASK, before);
    handle(SIGUSR1, count, 0);
    assert_eq!(counted(), 0);
    // By default nothing comes of these.
    raise(SIGCHLD);
    raise(libc::SIGURG);
    raise(libc::SIGWINCH);
}

extern "C" fn inner(_: c_int) {
    trace(0xa);
    raise(SIGTERM);
    trace(0xb);
}

extern "C" fn last(_: c_int) {
    trace(0xe);
}

pub fn nesting() {
    // SIGTERM waits for the end of the inner handler.
    set_action(SIGUSR2, inner as *const () as sighandler_t, 0, bit(SIGTERM));
    handle(SIGTERM, last, 0);
    raise(SIGUSR2);
    assert_eq!(traced(), 0xabe);
    handle(SIGUSR1, nested_once, 0);
    raise(SIGUSR1);
    assert_eq!(traced(), 0x1abe21abe2, "the second runs when the first has ended");
    // With SA_NODEFER it comes at once.
    handle(SIGUSR1, nested_once, libc::SA_NODEFER as c_int);
    raise(SIGUSR1);
    assert_eq!(traced(), 0x1abe1abe22);
}

static DEPTH: AtomicUsize = AtomicUsize::new(0);

/// Sends itself the signal once more, the first time.
extern "C" fn nested_once(signal: c_int) {
    trace(1);
    raise(SIGUSR2);
    if DEPTH.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
        raise(signal);
    }
    trace(2);
}

pub fn flags() {
    // Reset, and found so by the next to look.
    set_action(SIGUSR1, count as *const () as sighandler_t, libc::SA_RESETHAND as c_int, 0);
    raise(SIGUSR1);
    let now = set_action(SIGUSR1, libc::SIG_IGN, 0, 0);
    assert_eq!((counted(), now.sa_sigaction), (1, libc::SIG_DFL));
    // All flags come back.
    let all = libc::SA_NOCLDSTOP
        | libc::SA_NOCLDWAIT
        | libc::SA_SIGINFO
        | libc::SA_ONSTACK
        | libc::SA_RESTART
        | libc::SA_NODEFER;
    let all = all as c_int;
    set_action(SIGCHLD, count as *const () as sighandler_t, all, 0x1234);
    let back = set_action(SIGCHLD, libc::SIG_DFL, 0, 0);
    assert_eq!((back.sa_sigaction, back.sa_flags, back.sa_mask), (count as *const () as sighandler_t, all, 0x1234));
    // `signal` restarts calls.
    // SAFETY: the handler takes the number.
    unsafe {
        assert_eq!(libc::signal(SIGUSR1, count as *const () as sighandler_t), libc::SIG_IGN);
        assert_eq!(libc::signal(0, libc::SIG_IGN), libc::SIG_ERR);
    }
    assert_eq!(set_action(SIGUSR1, libc::SIG_IGN, 0, 0).sa_flags, libc::SA_RESTART as c_int);
}

extern "C" fn digits(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel's and libc's promise to a handler with SA_SIGINFO.
    unsafe { trace((*info).si_value().sival_ptr as u64) };
}

/// As many of one signal as were sent, in their order; lower signals first; `EAGAIN` when there are too many.
pub fn queues() {
    for signal in [QUEUED, QUEUED + 1] {
        set_action(signal, digits as *const () as sighandler_t, libc::SA_SIGINFO as c_int, !0);
    }
    let blocked = Blocked::new(bit(QUEUED) | bit(QUEUED + 1));
    for (signal, value) in [(QUEUED + 1, 7), (QUEUED, 1), (QUEUED, 2), (QUEUED + 1, 8), (QUEUED, 3)] {
        assert_eq!(queue(signal, value), 0);
    }
    assert_eq!(pending(), bit(QUEUED) | bit(QUEUED + 1));
    drop(blocked);
    assert_eq!((traced(), pending()), (0x12378, 0));
    handle(QUEUED, count, 0);
    let blocked = Blocked::new(bit(QUEUED));
    let sent = (0..1000).take_while(|_| queue(QUEUED, 0) == 0).count();
    assert!((32..1000).contains(&sent), "{sent}");
    assert_eq!(queue(QUEUED, 0), libc::EAGAIN);
    // Signals that are not queued need no room.
    handle(SIGUSR1, count, 0);
    raise(SIGUSR1);
    assert_eq!(counted(), 1);
    drop(blocked);
    assert_eq!(counted(), sent);
}

static SEEN: [AtomicUsize; 6] = [const { AtomicUsize::new(0) }; 6];

extern "C" fn look(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: as in `digits`.
    unsafe {
        let (info, context) = (&*info, &*context.cast::<libc::ucontext_t>());
        let values = [
            signal as usize,
            info.si_signo as usize,
            info.si_code as isize as usize,
            info.si_pid() as usize,
            info.si_value().sival_ptr as usize,
            context.uc_sigmask as usize,
        ];
        SEEN.iter().zip(values).for_each(|(place, value)| place.store(value, Ordering::SeqCst));
    }
}

pub fn information() {
    set_action(SIGUSR1, look as *const () as sighandler_t, libc::SA_SIGINFO as c_int, 0);
    let seen = || SEEN.each_ref().map(|place| place.load(Ordering::SeqCst));
    // SAFETY: it always succeeds.
    let pid = unsafe { libc::getpid() };
    let usr1 = SIGUSR1 as usize;
    let blocked = Blocked::new(bit(SIGUSR2));
    raise(SIGUSR1);
    assert_eq!(seen(), [usr1, usr1, 0, pid as usize, 0, bit(SIGUSR2) as usize]);
    queue(SIGUSR1, 0x1234_5678_9abc);
    assert_eq!(seen(), [usr1, usr1, usize::MAX, pid as usize, 0x1234_5678_9abc, bit(SIGUSR2) as usize]);
    drop(blocked);
    // SAFETY: the process is this one.
    assert_eq!(unsafe { libc::kill(pid, SIGUSR1) }, 0);
    assert_eq!(seen(), [usr1, usr1, 0, pid as usize, 0, 0]);
    // SAFETY: as above; nothing is sent.
    assert_eq!(unsafe { libc::kill(pid, 0) }, 0);
}

static STACK_POINTER: AtomicUsize = AtomicUsize::new(0);

extern "C" fn where_am_i(_: c_int) {
    let here = 0_u8;
    STACK_POINTER.store((&raw const here) as usize, Ordering::SeqCst);
    let mut old = libc::stack_t { ss_sp: null_mut(), ss_flags: 0, ss_size: 0 };
    let disable = libc::stack_t { ss_sp: null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
    // SAFETY: both are stacks.
    unsafe {
        assert_eq!(libc::sigaltstack(std::ptr::null(), &mut old), 0);
        trace(old.ss_flags as u64);
        if old.ss_flags & libc::SS_ONSTACK != 0 {
            assert_eq!(errno(libc::sigaltstack(&disable, null_mut()) as isize), libc::EPERM);
        }
    }
}

pub fn alternate() {
    let mut memory = vec![0_u8; 64 << 10];
    let range = memory.as_ptr() as usize..memory.as_ptr() as usize + memory.len();
    let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
    let small = libc::stack_t { ss_size: 100, ..stack };
    let mut old = stack;
    // SAFETY: the memory is a stack's until it is taken back.
    unsafe {
        assert_eq!(errno(libc::sigaltstack(&small, null_mut()) as isize), libc::ENOMEM);
        assert_eq!(libc::sigaltstack(&stack, &mut old), 0);
        assert_eq!(old.ss_flags, libc::SS_DISABLE);
    }
    handle(SIGUSR1, where_am_i, libc::SA_ONSTACK as c_int);
    handle(SIGUSR2, where_am_i, 0);
    raise(SIGUSR1);
    assert!(range.contains(&STACK_POINTER.load(Ordering::SeqCst)));
    assert_eq!(traced(), libc::SS_ONSTACK as u64);
    raise(SIGUSR2);
    assert!(!range.contains(&STACK_POINTER.load(Ordering::SeqCst)));
    assert_eq!(traced(), 0);
    let disable = libc::stack_t { ss_flags: libc::SS_DISABLE, ..stack };
    // SAFETY: nobody is on it.
    assert_eq!(unsafe { libc::sigaltstack(&disable, &mut old) }, 0);
    assert_eq!((old.ss_sp as usize, old.ss_size), (range.start, range.len()));
    raise(SIGUSR1);
    assert!(!range.contains(&STACK_POINTER.load(Ordering::SeqCst)));
    assert_eq!(traced(), libc::SS_DISABLE as u64);
}

static WHO: AtomicUsize = AtomicUsize::new(0);

extern "C" fn who(_: c_int) {
    // SAFETY: every thread has a name.
    WHO.store(unsafe { libc::pthread_self() } as usize, Ordering::SeqCst);
    COUNT.fetch_add(1, Ordering::SeqCst);
}

/// A signal to a thread reaches that thread, one to the process a thread that allows it.
pub fn threads() {
    handle(SIGUSR1, who, 0);
    let (send, receive) = mpsc::channel();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            // SAFETY: every thread has a name.
            send.send(unsafe { libc::pthread_self() } as usize).expect("somebody listens");
            barrier.wait();
        });
        let other = receive.recv().expect("a thread");
        for round in 1..=100 {
            // SAFETY: the thread waits at the barrier.
            assert_eq!(unsafe { libc::pthread_kill(other as libc::pthread_t, SIGUSR1) }, 0);
            while COUNT.load(Ordering::SeqCst) < round {
                thread::yield_now();
            }
            assert_eq!(WHO.load(Ordering::SeqCst), other);
        }
        counted();
        let blocked = Blocked::new(bit(SIGUSR1));
        // SAFETY: the process is this one.
        unsafe { libc::kill(libc::getpid(), SIGUSR1) };
        while COUNT.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        assert_eq!((WHO.load(Ordering::SeqCst), pending()), (other, 0));
        drop(blocked);
        barrier.wait();
        // The end of the scope alone does not mean that the thread takes no signals any more.
        waiter.join().expect("a thread that ends");
    });
    counted();
    // It waits for the first that allows it.
    let blocked = Blocked::new(bit(SIGUSR1));
    // SAFETY: the process is this one.
    unsafe { libc::kill(libc::getpid(), SIGUSR1) };
    assert_eq!((counted(), pending()), (0, bit(SIGUSR1)));
    thread::spawn(|| {
        assert_eq!(counted(), 0);
        mask(SIG_UNBLOCK, bit(SIGUSR1));
        assert_eq!(counted(), 1);
    })
    .join()
    .expect("a thread that ends");
    drop(blocked);
    assert_eq!(counted(), 0);
}

/// A thread blocks what its maker did, has nothing pending and no alternate stack.
pub fn inheritance() {
    let blocked = Blocked::new(bit(SIGUSR1) | bit(QUEUED));
    raise(SIGUSR1);
    let seen = thread::spawn(|| (mask(SIG_BLOCK, 0), pending())).join().expect("a thread that ends");
    assert_eq!(seen, (bit(SIGUSR1) | bit(QUEUED), 0));
    handle(SIGUSR1, count, 0);
    drop(blocked);
    assert_eq!(counted(), 1);
}
