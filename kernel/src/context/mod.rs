//! Threads: what they are, which one runs, how they wait, and what they hold.
//!
//! | module | what |
//! |---|---|
//! | `thread` | a thread and the table of all threads |
//! | `sched` | run queues, switching, direct hand-over |
//! | `wait` | blocking, waking, wait queues |
//! | `timeout` | deadlines on the one-shot timer of each processor |
//! | `futex` | sleeping on a word of memory |
//! | `files` | descriptor tables |
//! | `signal` | leaving the kernel: end, stop, signals, exceptions |
//! | `post` | sending signals |
//!
//! The kernel knows nothing of processes: a thread has an address space, a descriptor table and credentials, each of which may
//! be shared, and the process manager makes processes of that.

pub mod files;
pub mod futex;
pub mod post;
pub mod sched;
pub mod signal;
pub mod thread;
pub mod timeout;
pub mod wait;

pub use thread::Thread;

/// Name of the current thread, for messages.
pub fn current_name() -> alloc::string::String {
    Thread::current().name()
}
