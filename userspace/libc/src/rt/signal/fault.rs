//! What signal a processor exception is (Intel SDM volume 3, table 6-1; POSIX, `signal.h`).

use super::set::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};

/// `SI_KERNEL`: there is no better word for it.
const SI_KERNEL: i32 = 0x80;
const ILL_ILLOPN: i32 = 2;
const TRAP_BRKPT: i32 = 1;
const TRAP_TRACE: i32 = 2;
const BUS_ADRALN: i32 = 1;
const BUS_ADRERR: i32 = 2;
const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;
const FPE_INTDIV: i32 = 1;
const FPE_FLTDIV: i32 = 3;
const FPE_FLTOVF: i32 = 4;
const FPE_FLTUND: i32 = 5;
const FPE_FLTRES: i32 = 6;
const FPE_FLTINV: i32 = 7;

/// Page fault error code: the page was there; it was a store; an instruction was fetched.
const PRESENT: usize = 1;
const WRITE: usize = 1 << 1;
const FETCH: usize = 1 << 4;

/// An exception, as the kernel tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Vector.
    pub vector: usize,
    /// Error code.
    pub code: usize,
    /// Address of a page fault.
    pub address: usize,
    /// Instruction pointer.
    pub ip: usize,
}

/// The signal that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number.
    pub signal: u32,
    /// `si_code`.
    pub code: i32,
    /// `si_addr`.
    pub address: usize,
}

/// What a mapping allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Loads.
    pub read: bool,
    /// Stores.
    pub write: bool,
    /// Instructions.
    pub exec: bool,
}

/// Floating-point words that tell what went wrong: control and status of the x87 unit, MXCSR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Float {
    /// x87 control word.
    pub control: u16,
    /// x87 status word.
    pub status: u16,
    /// Control and status of SSE.
    pub mxcsr: u32,
}

impl Exception {
    /// The signal. `mapping` tells what is mapped at an address, and is asked only when the error code does not say enough.
    pub fn fault(&self, float: &Float, mapping: impl FnOnce(usize) -> Option<Access>) -> Fault {
        let at = |signal, code, address| Fault { signal, code, address };
        match self.vector {
            0 => at(SIGFPE, FPE_INTDIV, self.ip),
            1 => at(SIGTRAP, TRAP_TRACE, self.ip),
            3 => at(SIGTRAP, TRAP_BRKPT, self.ip),
            6 => at(SIGILL, ILL_ILLOPN, self.ip),
            11 | 12 => at(SIGBUS, SI_KERNEL, 0),
            14 => self.page_fault(mapping),
            16 => at(SIGFPE, float_code(float.status & !float.control), self.ip),
            17 => at(SIGBUS, BUS_ADRALN, 0),
            19 => at(SIGFPE, float_code(float.mxcsr as u16 & !((float.mxcsr >> 7) as u16)), self.ip),
            _ => at(SIGSEGV, SI_KERNEL, 0),
        }
    }

    fn page_fault(&self, mapping: impl FnOnce(usize) -> Option<Access>) -> Fault {
        let (signal, code) = if self.code & PRESENT != 0 {
            (SIGSEGV, SEGV_ACCERR)
        } else {
            match mapping(self.address) {
                None => (SIGSEGV, SEGV_MAPERR),
                Some(access) if self.is_allowed(access) => (SIGBUS, BUS_ADRERR),
                Some(_) => (SIGSEGV, SEGV_ACCERR),
            }
        };
        Fault { signal, code, address: self.address }
    }

    fn is_allowed(&self, access: Access) -> bool {
        if self.code & WRITE != 0 {
            access.write
        } else if self.code & FETCH != 0 {
            access.exec
        } else {
            access.read || access.write || access.exec
        }
    }

    /// What was tried, for people.
    pub fn deed(&self) -> &'static str {
        match self.vector {
            0 => "division by zero",
            1 => "step",
            3 => "breakpoint",
            6 => "no instruction",
            13 => "not allowed to programs",
            14 if self.code & FETCH != 0 => "jump to",
            14 if self.code & WRITE != 0 => "write to",
            14 => "read of",
            16 | 19 => "floating-point error",
            17 => "not aligned",
            _ => "processor exception",
        }
    }
}

/// From the flags that are set and not masked (SDM volume 1, sections 8.1.3 and 10.2.3): the first that applies.
fn float_code(flags: u16) -> i32 {
    const INVALID: u16 = 1;
    const DENORMAL: u16 = 1 << 1;
    const DIVIDE: u16 = 1 << 2;
    const OVERFLOW: u16 = 1 << 3;
    const UNDERFLOW: u16 = 1 << 4;
    const PRECISION: u16 = 1 << 5;
    [
        (INVALID, FPE_FLTINV),
        (DIVIDE, FPE_FLTDIV),
        (OVERFLOW, FPE_FLTOVF),
        (UNDERFLOW | DENORMAL, FPE_FLTUND),
        (PRECISION, FPE_FLTRES),
    ]
    .into_iter()
    .find(|(flag, _)| flags & flag != 0)
    .map_or(SI_KERNEL, |(_, code)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ_ONLY: Access = Access { read: true, write: false, exec: false };

    fn page_fault(code: usize, mapped: Option<Access>) -> (u32, i32) {
        let exception = Exception { vector: 14, code: code | 4, address: 0x5000, ip: 0x1000 };
        let fault = exception.fault(&Float::default(), |address| {
            assert_eq!(address, 0x5000);
            mapped
        });
        assert_eq!(fault.address, 0x5000);
        (fault.signal, fault.code)
    }

    #[test]
    fn page_faults_tell_why() {
        assert_eq!(page_fault(0, None), (SIGSEGV, SEGV_MAPERR));
        assert_eq!(page_fault(WRITE, Some(READ_ONLY)), (SIGSEGV, SEGV_ACCERR));
        assert_eq!(page_fault(FETCH, Some(READ_ONLY)), (SIGSEGV, SEGV_ACCERR));
        assert_eq!(page_fault(0, Some(Access::default())), (SIGSEGV, SEGV_ACCERR));
        // All that is needed is allowed, and yet there is no page: the object has none, or memory is out.
        assert_eq!(page_fault(0, Some(READ_ONLY)), (SIGBUS, BUS_ADRERR));
        let present = Exception { vector: 14, code: PRESENT | WRITE, address: 1, ip: 2 };
        let fault = present.fault(&Float::default(), |_| unreachable!("the code says it"));
        assert_eq!((fault.signal, fault.code), (SIGSEGV, SEGV_ACCERR));
    }

    #[test]
    fn other_exceptions_have_their_signals() {
        let of = |vector, float: Float| {
            let fault = Exception { vector, code: 0, address: 0, ip: 0x77 }.fault(&float, |_| None);
            (fault.signal, fault.code, fault.address)
        };
        let none = Float::default();
        assert_eq!(of(0, none), (SIGFPE, FPE_INTDIV, 0x77));
        assert_eq!(of(3, none), (SIGTRAP, TRAP_BRKPT, 0x77));
        assert_eq!(of(6, none), (SIGILL, ILL_ILLOPN, 0x77));
        assert_eq!(of(13, none), (SIGSEGV, SI_KERNEL, 0));
        assert_eq!(of(17, none), (SIGBUS, BUS_ADRALN, 0));
        // Division by zero, not masked, beside an inexact result that is.
        let x87 = Float { control: 0x37f & !(1 << 2), status: 1 << 2 | 1 << 5, mxcsr: 0 };
        assert_eq!(of(16, x87), (SIGFPE, FPE_FLTDIV, 0x77));
        let sse = Float { control: 0x37f, status: 0, mxcsr: 0x1f80 & !(1 << 7) | 1 | 1 << 5 };
        assert_eq!(of(19, sse), (SIGFPE, FPE_FLTINV, 0x77));
    }
}
