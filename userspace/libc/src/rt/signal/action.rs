//! What the process wants done with each signal: `RawAction`s of `redox_syscall::sigabi`, where the kernel sees which are ignored.
//!
//! The two words of an action are read and replaced in one piece, so that no lock is needed: a signal's handler may call
//! `sigaction`, and so may every thread at any time.

use core::arch::asm;

use ochre_abi::signal::IGNORED;
use syscall::RawAction;

use super::set::{self, Default};

/// `SIG_DFL`.
pub const DEFAULT: usize = 0;
/// `SIG_IGN`.
pub const IGNORE: usize = 1;

/// `SA_NOCLDWAIT`.
pub const NO_CHILD_WAIT: u32 = 0x0000_0002;
/// `SA_SIGINFO`.
pub const WITH_INFO: u32 = 0x0200_0000;
/// `SA_ONSTACK`.
pub const ON_STACK: u32 = 0x0400_0000;
/// `SA_RESTART`.
pub const RESTART: u32 = 0x0800_0000;
/// `SA_NODEFER`.
pub const NO_DEFER: u32 = 0x1000_0000;
/// `SA_RESETHAND`.
pub const RESET: u32 = 0x2000_0000;
/// `SA_NOCLDSTOP`.
pub const NO_CHILD_STOP: u32 = 0x4000_0000;

/// Where the six flags from [`WITH_INFO`] on, and [`NO_CHILD_WAIT`], lie in the first word above the handler.
const FLAGS_SHIFT: u32 = 48;
const FLAGS_FROM: u32 = WITH_INFO.trailing_zeros();
const FLAGS: u64 = 0x3f;
const NO_CHILD_WAIT_BIT: u64 = 1 << 54;
/// The kernel's second bit: stops are not told (`SIGCHLD`).
const SPECIAL: u64 = 1 << 62;
/// Bits of a handler's address.
const HANDLER: u64 = (1 << FLAGS_SHIFT) - 1;

/// What is to be done with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// Address of the handler, [`DEFAULT`] or [`IGNORE`].
    pub handler: usize,
    /// `SA_*`.
    pub flags: u32,
    /// Signals blocked while the handler runs.
    pub mask: u64,
}

impl Action {
    /// What a process begins with.
    pub const INITIAL: Action = Action { handler: DEFAULT, flags: 0, mask: 0 };

    /// Whether it means that nothing is done.
    pub const fn ignores(&self, signal: u32) -> bool {
        let default = matches!(set::default_of(signal), Default::Ignore | Default::Continue);
        self.handler == IGNORE || self.handler == DEFAULT && default
    }

    const fn to_words(self, signal: u32) -> [u64; 2] {
        let mut first = self.handler as u64 & HANDLER | ((self.flags >> FLAGS_FROM) as u64 & FLAGS) << FLAGS_SHIFT;
        if self.flags & NO_CHILD_WAIT != 0 {
            first |= NO_CHILD_WAIT_BIT;
        }
        if self.ignores(signal) {
            first |= IGNORED;
        }
        if signal == set::SIGCHLD && self.flags & NO_CHILD_STOP != 0 {
            first |= SPECIAL;
        }
        [first, self.mask]
    }

    const fn from_words([first, mask]: [u64; 2]) -> Self {
        let mut flags = (first >> FLAGS_SHIFT & FLAGS) as u32 * (1 << FLAGS_FROM);
        if first & NO_CHILD_WAIT_BIT != 0 {
            flags |= NO_CHILD_WAIT;
        }
        Action { handler: (first & HANDLER) as usize, flags, mask }
    }
}

/// The initial actions of all signals.
pub const fn initial() -> [RawAction; 64] {
    let mut all = [const { RawAction { first: word(0), user_data: word(0) } }; 64];
    let mut index = 0;
    while index < all.len() {
        let [first, user_data] = Action::INITIAL.to_words(index as u32 + 1);
        all[index] = RawAction { first: word(first), user_data: word(user_data) };
        index += 1;
    }
    all
}

const fn word(value: u64) -> core::sync::atomic::AtomicU64 {
    core::sync::atomic::AtomicU64::new(value)
}

/// Reads an action.
pub fn load(cell: &RawAction) -> Action {
    // An exchange of nothing for nothing reads.
    let (Ok(words) | Err(words)) = exchange(cell, [0; 2], [0; 2]);
    Action::from_words(words)
}

/// Replaces the action of `signal`; answers the one before.
pub fn replace(cell: &RawAction, signal: u32, new: Action) -> Action {
    let mut expected = [0; 2];
    loop {
        match exchange(cell, expected, new.to_words(signal)) {
            Ok(before) => return Action::from_words(before),
            Err(found) => expected = found,
        }
    }
}

/// Makes the action the default one if it is still `old`: for `SA_RESETHAND`. False when somebody has changed it meanwhile.
pub fn reset(cell: &RawAction, signal: u32, old: Action) -> bool {
    // The flags stay, as with other systems.
    let new = Action { handler: DEFAULT, ..old };
    exchange(cell, old.to_words(signal), new.to_words(signal)).is_ok()
}

/// Compares both words and exchanges them in one piece. Either way the answer is what was there.
fn exchange(cell: &RawAction, expected: [u64; 2], new: [u64; 2]) -> Result<[u64; 2], [u64; 2]> {
    let (mut low, mut high) = (expected[0], expected[1]);
    let same: u64;
    // SAFETY: the cell is 16 bytes, aligned to as many, and made of atomics. RBX, which the compiler keeps for itself, is put back.
    unsafe {
        asm!(
            "xchg rbx, rsi",
            "lock cmpxchg16b xmmword ptr [rdi]",
            "mov rbx, rsi",
            "sete sil",
            inout("rsi") new[0] => same,
            in("rdi") &raw const *cell,
            inout("rax") low,
            inout("rdx") high,
            in("rcx") new[1],
            options(nostack),
        );
    }
    if same as u8 != 0 { Ok([low, high]) } else { Err([low, high]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_come_back_as_they_were_set() {
        let table = initial();
        let cell = &table[9];
        let all = NO_CHILD_WAIT | WITH_INFO | ON_STACK | RESTART | NO_DEFER | RESET | NO_CHILD_STOP;
        for flags in [0, NO_CHILD_WAIT, WITH_INFO, ON_STACK, RESTART, NO_DEFER, RESET, NO_CHILD_STOP, all] {
            let action = Action { handler: 0x7fff_ffff_eff0, flags, mask: 0x8000_0000_0000_0001 };
            let before = load(cell);
            assert_eq!(replace(cell, 10, action), before);
            assert_eq!(load(cell), action);
        }
    }

    #[test]
    fn the_kernel_sees_what_is_ignored() {
        let ignored = |signal: u32, handler| Action { handler, ..Action::INITIAL }.to_words(signal)[0] & IGNORED != 0;
        assert!(ignored(17, DEFAULT) && ignored(15, IGNORE) && ignored(18, DEFAULT));
        assert!(!ignored(15, DEFAULT) && !ignored(17, 0x1000) && !ignored(20, DEFAULT));
        assert!(initial()[16].first.load(core::sync::atomic::Ordering::Relaxed) & IGNORED != 0);
    }

    #[test]
    fn a_handler_is_reset_once() {
        let table = initial();
        let action = Action { handler: 0x1234, flags: RESET, mask: 7 };
        replace(&table[0], 1, action);
        assert!(reset(&table[0], 1, action) && !reset(&table[0], 1, action));
        assert_eq!(load(&table[0]), Action { handler: DEFAULT, ..action });
    }

    #[test]
    fn threads_never_see_half_of_an_action() {
        let table = initial();
        let of = |n: u64| Action { handler: n as usize * 16, flags: 0, mask: n };
        std::thread::scope(|scope| {
            for start in [1, 1000] {
                let table = &table;
                scope.spawn(move || {
                    (start..start + 500).for_each(|n| {
                        replace(&table[4], 5, of(n));
                    })
                });
            }
            for _ in 0..5000 {
                let seen = load(&table[4]);
                assert_eq!(seen.handler as u64, seen.mask * 16);
            }
        });
    }
}
