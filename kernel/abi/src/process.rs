//! What libc and the process manager say to each other (docs/processes.md).
//!
//! A process holds a descriptor of itself at the manager; whoever has it speaks for the process. Requests are `SYS_CALL`s:
//! `metadata[0]` is a [`Verb`], `metadata[1]` its argument, the payload a structure of this file or nothing. Threads are asked for
//! with `dup`: a [`Birth`] makes a child and answers its first thread, [`SUCCESSOR`] a thread for the process itself. [`KEEP`] stands
//! for an id that is to stay as it is.

/// An id that is to stay as it is.
pub const KEEP: u32 = u32::MAX;
/// Most supplementary groups (`NGROUPS_MAX`).
pub const MAX_GROUPS: usize = 32;
/// Bytes of a process's name, padded with zeros: what the kernel keeps of it.
pub const NAME: usize = 32;
/// Numbers of the limits (`RLIMIT_*` of crate `libc`) begin with 0 and end below this.
pub const LIMITS: usize = 15;
/// A limit that limits nothing (`RLIM_INFINITY`).
pub const NO_LIMIT: u64 = u64::MAX;

/// What a process asks of the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Verb {
    /// Waits for children: a [`Wait`], answered in place. The answer is the child's id, or 0 with `WNOHANG`.
    Wait = 1,
    /// Reads the [`Ids`] of the process with the id `argument`; 0 is the process itself.
    Ids = 2,
    /// `setpgid`: `argument` is the process's id, and the group's in the upper half.
    SetGroup = 3,
    /// `setsid`. The answer is the session's id.
    SetSession = 4,
    /// Reads the [`Credentials`].
    Credentials = 5,
    /// Sets user ids ([`UserIds`]) when `argument` is 0, group ids when it is 1.
    SetIds = 6,
    /// Reads the supplementary groups, 4 bytes each, as many as fit. The answer is the number of all.
    Groups = 7,
    /// Sets them.
    SetGroups = 8,
    /// Sends a signal: `argument` is the addressee as for `kill`, and the signal's number in the upper half. A payload of 8
    /// bytes goes along as the value (`sigqueue`).
    Kill = 9,
    /// The process stops, as the default of the signal `argument` is.
    Stop = 10,
    /// The process runs another program from now on: its name, [`NAME`] bytes.
    Executed = 11,
    /// The lowest nice value of those that `argument` names (`PRIO_*`, the id in the upper half), plus 20.
    Priority = 12,
    /// Sets it: a [`SetPriority`].
    SetPriority = 13,
    /// Reads the [`Limit`] with the number `argument`.
    Limit = 14,
    /// Sets it.
    SetLimit = 15,
    /// The thread that was given for [`SUCCESSOR`] is the process's first from now on.
    Succeed = 16,
    /// What is done with children that stop or end: bits of [`child`].
    Children = 17,
    /// From now on orphans become children of this process, which waits for them. User 0.
    AdoptOrphans = 18,
    /// Reads what the process has used: a [`Usage`], of itself (`argument` 0) or of the children that it has waited for (1).
    Usage = 19,
    /// For daemons of terminals, user 0: tells which terminal controls a session, and its foreground group ([`Terminal`]).
    SetTerminal = 20,
    /// Reads the [`Terminal`] of the session of the process with the id `argument`; `ENXIO` when it has none.
    Terminal = 21,
    /// The child with the id `argument` was not started and will not be.
    Forget = 22,
}

impl Verb {
    /// The verb with this number, if there is one.
    pub const fn from_raw(raw: u64) -> Option<Self> {
        use Verb::*;
        const ALL: [Verb; 22] = [
            Wait,
            Ids,
            SetGroup,
            SetSession,
            Credentials,
            SetIds,
            Groups,
            SetGroups,
            Kill,
            Stop,
            Executed,
            Priority,
            SetPriority,
            Limit,
            SetLimit,
            Succeed,
            Children,
            AdoptOrphans,
            Usage,
            SetTerminal,
            Terminal,
            Forget,
        ];
        if raw >= 1 && raw <= ALL.len() as u64 { Some(ALL[raw as usize - 1]) } else { None }
    }
}

/// The argument of a `dup` that gives a thread which is to take the place of the first one of the process ([`Verb::Succeed`]).
pub const SUCCESSOR: &[u8] = b"successor";

/// Bits of [`Birth::bits`].
pub mod birth {
    /// Nobody waits for the child: it is gone when it ends, and its parent is not told.
    pub const DETACHED: u32 = 1;
    /// The thread's descriptor comes with authority. User 0.
    pub const AUTHORITY: u32 = 2;
    /// It runs a program of its own: [`Birth::name`](super::Birth) is its name.
    pub const NAMED: u32 = 4;
    /// In a session of its own.
    pub const SESSION: u32 = 8;
    /// In the group [`Birth::group`](super::Birth), 0 being one of its own.
    pub const GROUP: u32 = 16;
    /// All its ids are [`Birth::uid`](super::Birth) and [`Birth::gid`](super::Birth), and it has no supplementary groups.
    pub const IDS: u32 = 32;
    /// Its effective ids are its real ones.
    pub const RESET_IDS: u32 = 64;
    /// It may take from the system's reserve of memory, as its parent may (`EPERM`).
    pub const RESERVE: u32 = 128;
}

/// Bits of the argument of [`Verb::Children`].
pub mod child {
    /// No `SIGCHLD` when a child stops or continues (`SA_NOCLDSTOP`).
    pub const NO_STOPS: u64 = 1;
    /// Children that end are not waited for (`SA_NOCLDWAIT`, or `SIGCHLD` ignored).
    pub const NO_WAIT: u64 = 2;
}

/// Numbers in [`Wait::kind`] (`idtype_t` of POSIX).
pub mod wait {
    /// Any child.
    pub const ALL: u32 = 0;
    /// The one with this id.
    pub const PROCESS: u32 = 1;
    /// Those of this group.
    pub const GROUP: u32 = 2;
    /// `WNOHANG`.
    pub const NO_HANG: u32 = 1;
    /// `WUNTRACED`, `WSTOPPED`.
    pub const STOPPED: u32 = 2;
    /// `WEXITED`.
    pub const EXITED: u32 = 4;
    /// `WCONTINUED`.
    pub const CONTINUED: u32 = 8;
    /// `WNOWAIT`.
    pub const KEEP: u32 = 0x0100_0000;
}

/// A process's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Name(pub [u8; NAME]);

impl Name {
    /// From its bytes.
    pub const fn from_ne_bytes(bytes: [u8; NAME]) -> Self {
        Name(bytes)
    }

    /// Its bytes.
    pub const fn to_ne_bytes(self) -> [u8; NAME] {
        self.0
    }
}

/// Declares structures that travel as they lie in memory: no room between their fields, all numbers.
macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[repr(C)]
        pub struct $name { $($(#[$doc])* pub $field: $type,)* }

        impl $name {
            /// Bytes of a message.
            pub const SIZE: usize = 0 $(+ size_of::<$type>())*;

            /// From the bytes of a message; none when they are too few.
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                let mut at = bytes;
                $(let $field = { let (field, rest) = at.split_first_chunk()?; at = rest; <$type>::from_ne_bytes(*field) };)*
                let _ = at;
                Some($name { $($field,)* })
            }

            /// Writes it as a message; none when there is too little room.
            pub fn write_to(&self, to: &mut [u8]) -> Option<()> {
                let mut to = to.get_mut(..Self::SIZE)?;
                $(
                    let (field, rest) = to.split_first_chunk_mut()?;
                    *field = self.$field.to_ne_bytes();
                    to = rest;
                )*
                let _ = to;
                Some(())
            }
        }

        const _: () = assert!($name::SIZE == size_of::<$name>());
    )*};
}

messages! {
    /// What a child is to be; the argument of a `dup`. Errors are those of the calls that would make it so afterwards. It has its own
    /// descriptor at `start_fd::PROCESS` of its table.
    Birth {
        /// Bits of [`birth`].
        bits: u32,
        /// User.
        uid: u32,
        /// Group of its user.
        gid: u32,
        /// Group of processes.
        group: u32,
        /// Its name, padded with zeros.
        name: Name,
    }

    /// A wait, and what it found.
    Wait {
        /// Asked: which children ([`wait::ALL`], …).
        kind: u32,
        /// Asked: their id; 0 with [`wait::GROUP`] is the caller's own group. Answered: the child's id.
        id: u32,
        /// Asked: `W*` bits.
        options: u32,
        /// Answered: the child's real user.
        uid: u32,
        /// Answered: a [`wait_status`](crate::wait_status).
        status: u32,
        /// Answered: nothing.
        reserved: u32,
        /// Answered: processor time that it has used, with the children that it waited for, in nanoseconds.
        time_ns: u64,
    }

    /// Who is who.
    Ids {
        /// Its id.
        pid: u32,
        /// Its parent's.
        ppid: u32,
        /// Its group's.
        group: u32,
        /// Its session's.
        session: u32,
        /// Its real user.
        uid: u32,
        /// 1 when its group is orphaned (POSIX, 3.264).
        orphaned: u32,
    }

    /// Real, effective and saved ids of a user or a group.
    UserIds {
        /// Real.
        real: u32,
        /// Effective: what schemes see.
        effective: u32,
        /// Saved.
        saved: u32,
    }

    /// All ids of a process.
    Credentials {
        /// Real user.
        ruid: u32,
        /// Effective user.
        euid: u32,
        /// Saved user.
        suid: u32,
        /// Real group.
        rgid: u32,
        /// Effective group.
        egid: u32,
        /// Saved group.
        sgid: u32,
    }

    /// A nice value.
    SetPriority {
        /// `PRIO_PROCESS`, `PRIO_PGRP` or `PRIO_USER`.
        which: u32,
        /// Of which one; 0 is the caller's.
        who: u32,
        /// -20 to 19; others are taken for the nearest of these.
        nice: i32,
    }

    /// A limit of a resource.
    Limit {
        /// In force.
        soft: u64,
        /// How high the one in force can be set.
        hard: u64,
    }

    /// What was used.
    Usage {
        /// Processor time in nanoseconds.
        time_ns: u64,
        /// Bytes mapped.
        mapped: u64,
        /// Threads.
        threads: u64,
    }

    /// The terminal that controls a session.
    Terminal {
        /// The session.
        session: u32,
        /// Its foreground group; 0 when there is none.
        foreground: u32,
        /// What the terminal's daemon calls it; [`NO_TERMINAL`] takes it away.
        terminal: u64,
    }
}

/// The session has no terminal any more.
pub const NO_TERMINAL: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_as_they_went() {
        let wait = Wait { kind: 1, id: 2, options: 3, uid: 4, status: 5, reserved: 0, time_ns: 7 << 40 };
        let mut bytes = [0xff; Wait::SIZE + 1];
        assert_eq!(wait.write_to(&mut bytes), Some(()));
        assert_eq!(Wait::from_bytes(&bytes), Some(wait));
        assert_eq!(Wait::from_bytes(&bytes[..Wait::SIZE - 1]), None);
        assert_eq!(wait.write_to(&mut bytes[..Wait::SIZE - 1]), None);
    }

    #[test]
    fn numbers_and_verbs_agree() {
        for raw in 0..40 {
            assert!(Verb::from_raw(raw).is_none_or(|verb| verb as u64 == raw));
        }
        assert_eq!((Verb::from_raw(22), Verb::from_raw(23), Verb::from_raw(0)), (Some(Verb::Forget), None, None));
    }
}
