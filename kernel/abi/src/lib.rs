//! The private contract between the Ochre kernel, the user-space managers and libc.
//!
//! The public contract (call numbers, flags, `Sqe`, `Cqe`, `Stat`, …) is the crate `redox_syscall`; this crate holds only
//! what that one leaves to the system: the state the first program starts with, and the verbs of the kernel scheme
//! `kernel.proc`. Both ends compile this file, so they cannot disagree.
//!
//! A verb is sent with `SYS_CALL`: the descriptor names the object, `metadata[0]` the verb, `metadata[1..]` its scalar
//! arguments and the payload its structure. An unknown verb answers `EINVAL`, a verb on the wrong kind of object `EBADF`.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod clock;
pub mod elf;
pub mod ends;
pub mod list;
pub mod process;
pub mod signal;
pub mod terminal;
pub mod trace;
pub mod wait_status;

/// First address above user space (canonical lower half of 4-level paging). The last page below it is never mapped, so
/// that a `syscall` instruction can never sit at the very end and return to a non-canonical address.
pub const USER_END: usize = 0x0000_7fff_ffff_f000;
/// Lowest address a mapping may have: page zero and its neighbours stay empty, so a null pointer always faults.
pub const USER_BASE: usize = 0x1_0000;
/// Top of the stack of the first thread of a process. The stack grows down from here.
pub const STACK_TOP: usize = USER_END;
/// Bytes of stack the first thread of a process gets (demand-paged).
pub const STACK_SIZE: usize = 8 << 20;
/// Where a position-independent program is loaded.
pub const PIE_BASE: usize = 0x0000_5555_0000_0000;

/// Tag of the upper half of a descriptor table (`redox_syscall::UPPER_FDTBL_TAG`).
pub const UPPER: usize = 1 << 62;

/// First word of a `SYS_CALL` on a scheme's socket, beside those of `SchemeSocketCall`: answers the scheme's own number
/// behind the daemon's descriptor in the second word, `EXDEV` when that leads elsewhere.
pub const SOCKET_IDENTIFY: u64 = 2;

/// Descriptors the first program (`bootstrap`) starts with.
///
/// 0, 1 and 2 are the `debug` scheme (the kernel's console). The root of each kernel scheme is at
/// `UPPER | (GlobalSchemes as usize)`; schemes that this machine does not have are absent. The rest is named here.
pub mod boot_fd {
    use super::UPPER;
    /// Capability that `dup`s into a new scheme socket with `"create-scheme"`.
    pub const SCHEME_CREATION_CAP: usize = UPPER | 0x20;
    /// Handle of the first thread.
    pub const THREAD: usize = UPPER | 0x21;
}

/// Auxiliary vector entries of a new process, beside the standard `AT_PHDR` (3), `AT_PHENT` (4), `AT_PHNUM` (5),
/// `AT_BASE` (7) and `AT_ENTRY` (9).
pub mod auxv {
    /// Address of the current working directory's path.
    pub const CWD_PTR: usize = 32;
    /// Length of that path in bytes.
    pub const CWD_LEN: usize = 33;
    /// Signals ignored at start.
    pub const SIGIGN_MASK: usize = 34;
    /// Signals blocked at start.
    pub const SIGPROC_MASK: usize = 36;
    /// File mode creation mask.
    pub const UMASK: usize = 40;
    /// Descriptor of the process at the process manager.
    pub const PROC_FD: usize = 41;
    /// Descriptor of the first thread (`kernel.proc`, without authority).
    pub const THR_FD: usize = 42;
    /// Descriptor of the name space.
    pub const NS_FD: usize = 43;
    /// Descriptor of the current working directory.
    pub const CWD_FD: usize = 44;
    /// Descriptor of the descriptor table (`kernel.proc`).
    pub const FILETABLE_FD: usize = 45;
    /// Largest size of files that the process makes, if there is one (`RLIMIT_FSIZE`).
    pub const FILE_SIZE_LIMIT: usize = 46;
    /// Bytes of stack that the program after this one gets, if not the usual (`RLIMIT_STACK`).
    pub const STACK_LIMIT: usize = 47;
    /// Only for `bootstrap`: address of the initfs archive (cpio, newc), mapped read-only.
    pub const INITFS_PTR: usize = 0x1000;
    /// Only for `bootstrap`: bytes in the initfs archive.
    pub const INITFS_LEN: usize = 0x1001;
    /// Only for `bootstrap`: address of the kernel command line (UTF-8, not terminated).
    pub const CMDLINE_PTR: usize = 0x1002;
    /// Only for `bootstrap`: bytes in the kernel command line.
    pub const CMDLINE_LEN: usize = 0x1003;
}

/// Descriptors that every process but the first starts with, beside those its starter gives it: named by the auxiliary
/// vector, at these numbers.
pub mod start_fd {
    use super::UPPER;
    /// Handle of the first thread.
    pub const THREAD: usize = super::boot_fd::THREAD;
    /// Handle of the descriptor table.
    pub const FILETABLE: usize = UPPER | 0x40;
    /// Name space, unless the process has none.
    pub const NAMESPACE: usize = UPPER | 0x41;
    /// The process itself at the process manager, unless it was started before there was one.
    pub const PROCESS: usize = UPPER | 0x42;
}

/// Descriptors that the process manager starts with, beside those of every process and the root of `kernel.proc` at its usual number.
pub mod procmgr_fd {
    use super::UPPER;
    /// Thread of the first program, with authority.
    pub const FIRST: usize = UPPER | 0x22;
    /// Thread of the name space manager, with authority.
    pub const NAME_SPACES: usize = UPPER | 0x23;
}

/// Starting a process with exactly what it is given: the request of libc's `ochre_spawn_v1`, which the crate `ochre-spawn`
/// wraps. The answer is a descriptor of the first thread (`kernel.proc`, with authority), or a negated error number.
pub mod spawn {
    /// No name space: the process can reach nothing but its descriptors.
    pub const NONE: usize = usize::MAX;

    /// One descriptor of the caller, and the number that it has in the new process too.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(C)]
    pub struct Inherit {
        /// The caller's number.
        pub from: usize,
        /// The new process's number.
        pub to: usize,
    }

    /// Bytes somewhere in the caller's memory.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(C)]
    pub struct Bytes {
        /// Address; not looked at when there are none.
        pub address: usize,
        /// How many.
        pub len: usize,
    }

    /// What `ochre_spawn_v1` is asked.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(C)]
    pub struct Request {
        /// The program file: a static ELF; or only its front, when `file` names it.
        pub image: Bytes,
        /// Descriptor of what the program is mapped from, or [`NONE`] when all of it is in `image`.
        pub file: usize,
        /// Where in that the program file begins: a multiple of the page size.
        pub file_offset: usize,
        /// Bytes of the program file.
        pub file_len: usize,
        /// Arguments, each ended by a NUL.
        pub args: Bytes,
        /// Environment, each entry ended by a NUL.
        pub env: Bytes,
        /// List of [`Inherit`] (the length counts entries).
        pub descriptors: Bytes,
        /// Descriptor of its name space, or [`NONE`].
        pub namespace: usize,
        /// Path of its current directory.
        pub directory: Bytes,
        /// File mode creation mask.
        pub umask: usize,
        /// User id in the lower half, group id in the upper.
        pub credentials: u64,
        /// 1 for a program of the system, which may take from its reserve of memory (`EPERM` unless the caller may), else 0.
        pub reserve: u64,
    }
}

/// The kernel scheme `memory`: what a descriptor of `initfs` answers to `SYS_CALL`.
pub mod memory {
    /// Verb: the pages that hold only the contents of the file whose path is the payload are free from now on. Mappings that have
    /// touched such a page keep it; others have none there. Answers how many pages. User 0 only.
    pub const GIVE_BACK: u64 = 1;
}

/// The kernel scheme `irq`: what a descriptor of `msi` answers to `SYS_CALL`.
pub mod irq {
    /// Verb: the payload becomes the [`Message`] that raises the interrupt.
    pub const MESSAGE: u64 = 1;

    /// A message-signalled interrupt: whoever stores `data` at `address` raises it (PCI 3.0, section 6.8.1).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[repr(C)]
    pub struct Message {
        /// Physical address.
        pub address: u64,
        /// What is stored there.
        pub data: u32,
        /// Zero.
        pub reserved: u32,
    }
}

/// The kernel scheme `kernel.proc`: threads, address spaces and descriptor tables.
///
/// | from | call | gives |
/// |---|---|---|
/// | scheme root | `openat("thread")` | new thread, not started, with empty address space and descriptor table, with authority |
/// | scheme root | `openat("system-thread")` | the same, for a program that may take from the system's reserve of memory, as the caller may |
/// | scheme root | `openat("self")` | the calling thread, with authority |
/// | thread | `dup("")` | the same handle again |
/// | thread | `dup("plain")` | the same thread without authority |
/// | thread | `dup("sibling")` | new thread, not started, sharing address space, descriptor table and credentials |
/// | thread | `dup("addrspace")` | its address space |
/// | thread | `dup("filetable")` | its descriptor table |
/// | address space | `dup("empty")`, `dup("clone")` | a new empty one; a copy-on-write copy |
/// | descriptor table | `dup("empty")`, `dup("copy")` | a new empty one; a copy that shares the descriptions |
///
/// Authority is what lets a handle write credentials. `sibling` inherits it. A thread that has not been started is freed
/// when its last handle closes. `EVENT_READ` on a thread handle is raised when it dies or stops. An exception that nobody handles ends
/// every thread of the address space: its memory can no longer be trusted.
pub mod proc {
    /// Verbs of a thread handle.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(u64)]
    pub enum ThreadVerb {
        /// Makes a new thread runnable. `EBUSY` when it was started before. With `metadata[1..3]`, its table gets a handle of the
        /// thread, without authority, and one of the table itself at these two numbers.
        Start = 1,
        /// Ends the calling thread. `metadata[1..3]` = address and length of its stack, unmapped on the way (0 = none).
        /// `metadata[3]` = exit status, read back by [`ThreadVerb::GetStatus`]. Only on the caller's own handle.
        Exit = 2,
        /// Ends the thread wherever it is. Other threads of its address space go on; see [`ThreadVerb::EndSpace`].
        Kill = 3,
        /// Takes the thread off the processors until [`ThreadVerb::Resume`].
        Stop = 4,
        /// Ends a stop.
        Resume = 5,
        /// Interrupts a blocking call with `EINTR` and makes the thread look at its signals.
        Interrupt = 6,
        /// Reads `IntRegisters` of a thread that is stopped or not started (`EBUSY` otherwise).
        GetRegs = 7,
        /// Writes them. Segments, I/O privilege and reserved flags are forced to user values.
        SetRegs = 8,
        /// Reads `FloatRegisters`.
        GetFloat = 9,
        /// Writes them.
        SetFloat = 10,
        /// Reads `EnvRegisters`. Allowed on the caller's own handle.
        GetEnv = 11,
        /// Writes them. Allowed on the caller's own handle; takes effect at once. `EINVAL` for a non-canonical base.
        SetEnv = 12,
        /// Reads `ProcSchemeAttrs`.
        GetAttrs = 13,
        /// Writes them; needs authority. `prio` is 0 (highest) to 39 (lowest); 20 is the ordinary one.
        SetAttrs = 14,
        /// Reads a [`ThreadStatus`](super::proc::ThreadStatus).
        GetStatus = 15,
        /// Writes `SetSighandlerData`. Allowed on the caller's own handle.
        SetSighandler = 16,
        /// Gives the thread another address space: `metadata[1]` = its descriptor. On a thread not started that is all. On the caller's
        /// own handle the call also sets the stack pointer to `metadata[2]` and continues at `metadata[3]` in the new space.
        SetAddrSpace = 17,
        /// Gives the thread another descriptor table: `metadata[1]` = its descriptor.
        SetFileTable = 18,
        /// Sets the mask of allowed CPUs to `metadata[1]`. `EINVAL` when no CPU that exists is in it.
        SetAffinity = 19,
        /// Lets the thread use I/O ports (`metadata[1]` = 1) or no longer (0). Needs authority.
        SetIoPrivilege = 20,
        /// Ends every thread in the thread's address space, and none can be started in it from then on. `metadata[1]` = exit
        /// status of all of them. When a thread of the space does it, their state becomes [`state::EXITED`], else
        /// [`state::KILLED`]. Whoever comes second changes nothing. With `metadata[2..6]` = exception vector, error code, address and
        /// instruction pointer, a thread of the space says that this is what ended it ([`state::EXCEPTION`]).
        EndSpace = 21,
        /// Sends the signal `metadata[1]` (1 to 64) to the thread (`metadata[2]` = 0) or to its process (1): it becomes pending in the memory that
        /// [`ThreadVerb::SetSighandler`] named, and a thread that allows it is interrupted. `metadata[3]` = process id of the sender, user
        /// id in the upper half, `metadata[4]` = value, `metadata[5]` = `si_code`; what is left out is 0. `EOPNOTSUPP` when the thread
        /// has no signal handling, `EAGAIN` when a queue is full, `EFAULT` when the memory is not there. Signal 0 sends nothing: a
        /// thread that allows what is pending for the process is made to look.
        Signal = 22,
        /// Takes every thread of the thread's address space off the processors, those too that are started from then on, until
        /// [`ThreadVerb::ResumeSpace`].
        StopSpace = 23,
        /// Ends that.
        ResumeSpace = 24,
        /// As [`ThreadVerb::SetAttrs`], for every thread of the thread's address space; needs authority.
        SetSpaceAttrs = 25,
        /// Limits the thread's address space to `metadata[1]` bytes of mappings, and its descriptor table to numbers below `metadata[2]`
        /// (`u64::MAX`: no limit). Spaces and tables that are made of these have the same limits. Needs authority.
        SetLimits = 26,
        /// Reads a [`SpaceUsage`](super::proc::SpaceUsage).
        GetUsage = 27,
        /// Ends every thread of the caller's address space but the caller. Only on the caller's own handle. They may take a moment; until
        /// [`SpaceUsage::threads`](super::proc::SpaceUsage) is 1 more can be started.
        EndOthers = 28,
    }

    impl ThreadVerb {
        /// The verb with this number, if there is one.
        pub const fn from_raw(raw: u64) -> Option<Self> {
            use ThreadVerb::*;
            const ALL: [ThreadVerb; 22] = [
                Start,
                Exit,
                Kill,
                Stop,
                Resume,
                Interrupt,
                GetRegs,
                SetRegs,
                GetFloat,
                SetFloat,
                GetEnv,
                SetEnv,
                GetAttrs,
                SetAttrs,
                GetStatus,
                SetSighandler,
                SetAddrSpace,
                SetFileTable,
                SetAffinity,
                SetIoPrivilege,
                EndSpace,
                Signal,
            ];
            match raw {
                1..=22 => Some(ALL[raw as usize - 1]),
                23 => Some(StopSpace),
                24 => Some(ResumeSpace),
                25 => Some(SetSpaceAttrs),
                26 => Some(SetLimits),
                27 => Some(GetUsage),
                28 => Some(EndOthers),
                _ => None,
            }
        }
    }

    /// Verbs of an address-space handle. Reading and writing the handle at an offset (`lseek`) reads and writes memory.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(u64)]
    pub enum AddrSpaceVerb {
        /// Maps into the space. Payload: [`RemoteMap`]; answers the address.
        Mmap = 1,
        /// Unmaps `metadata[1]` (address), `metadata[2]` (length).
        Munmap = 2,
        /// Changes the protection of `metadata[1]` (address), `metadata[2]` (length) to `metadata[3]` (`MapFlags` bits).
        Mprotect = 3,
        /// Reads the list of mappings: as many `GrantDesc` as fit; answers the number of all.
        Grants = 4,
        /// The calling thread goes on in this space, at `metadata[2]` with the stack pointer `metadata[1]`, as with
        /// [`ThreadVerb::SetAddrSpace`]. With `CallFlags::CONSUME` the handle is gone from its table then.
        Enter = 5,
    }

    impl AddrSpaceVerb {
        /// The verb with this number, if there is one.
        pub const fn from_raw(raw: u64) -> Option<Self> {
            use AddrSpaceVerb::*;
            match raw {
                1 => Some(Mmap),
                2 => Some(Munmap),
                3 => Some(Mprotect),
                4 => Some(Grants),
                5 => Some(Enter),
                _ => None,
            }
        }
    }

    /// Verbs of a descriptor-table handle.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(u64)]
    pub enum FileTableVerb {
        /// Puts the caller's descriptor `metadata[1]` at slot `metadata[2]` of the table as well. `EEXIST` when it is taken.
        Insert = 1,
        /// Closes each slot of the payload (`u64` each); slots that are empty are skipped. Answers how many were closed.
        Close = 2,
        /// Reads the slots in use into the payload (`u64` each, ascending), as many as fit; answers the number of all.
        List = 3,
        /// Puts what the caller's own table holds at the same numbers of this one, which no thread runs with, where nothing is yet, but for
        /// handles of threads, spaces and tables: for the table of another process.
        Inherit = 4,
    }

    impl FileTableVerb {
        /// The verb with this number, if there is one.
        pub const fn from_raw(raw: u64) -> Option<Self> {
            match raw {
                1 => Some(FileTableVerb::Insert),
                2 => Some(FileTableVerb::Close),
                3 => Some(FileTableVerb::List),
                4 => Some(FileTableVerb::Inherit),
                _ => None,
            }
        }
    }

    /// Payload of [`AddrSpaceVerb::Mmap`].
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[repr(C)]
    pub struct RemoteMap {
        /// Descriptor to map, or [`ANONYMOUS`].
        pub fd: usize,
        /// Offset in the object, page-aligned.
        pub offset: usize,
        /// Bytes, rounded up to pages.
        pub size: usize,
        /// `MapFlags` bits.
        pub flags: usize,
        /// Address, or 0 to let the kernel choose.
        pub address: usize,
    }

    /// `fd` of a mapping of fresh zero pages (also accepted by `SYS_FMAP`).
    pub const ANONYMOUS: usize = usize::MAX;

    /// What a thread is doing, or how it ended.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[repr(C)]
    pub struct ThreadStatus {
        /// One of the constants of [`state`].
        pub state: usize,
        /// Exit status given to [`ThreadVerb::Exit`] or [`ThreadVerb::EndSpace`]; libc gives a [`wait_status`](crate::wait_status).
        pub exit_status: usize,
        /// Processor exception vector (Intel SDM volume 3, table 6-1) when `state` is [`state::EXCEPTION`].
        pub exception: usize,
        /// Error code of that exception.
        pub exception_code: usize,
        /// Faulting address (CR2) of that exception.
        pub exception_address: usize,
        /// Instruction pointer where it happened.
        pub exception_ip: usize,
        /// Processor time used, in nanoseconds.
        pub cpu_time_ns: u64,
    }

    /// What an address space and the threads in it have used.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[repr(C)]
    pub struct SpaceUsage {
        /// Threads that run in it.
        pub threads: u64,
        /// Processor time of all threads that ran in it, in nanoseconds.
        pub cpu_time_ns: u64,
        /// Bytes mapped.
        pub mapped_bytes: u64,
        /// Bytes of them that are there: pages that were touched. What others have as well counts whole.
        pub resident_bytes: u64,
    }

    /// Values of [`ThreadStatus::state`].
    pub mod state {
        /// Created, not yet started.
        pub const NEW: usize = 0;
        /// Running or waiting for a processor.
        pub const RUNNABLE: usize = 1;
        /// Waiting in a call.
        pub const BLOCKED: usize = 2;
        /// Stopped by a handle.
        pub const STOPPED: usize = 3;
        /// Ended by itself.
        pub const EXITED: usize = 4;
        /// Ended by a handle.
        pub const KILLED: usize = 5;
        /// Ended by a processor exception that nobody handled.
        pub const EXCEPTION: usize = 6;
    }
}
