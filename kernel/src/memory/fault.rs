//! Page faults of user code and of the kernel's copies to and from it.

use crate::context::Thread;

/// What was tried.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// A store (else a load).
    pub write: bool,
    /// An instruction fetch.
    pub exec: bool,
}

/// Makes the page at `address` of the current thread's space accessible, if its mapping allows the access and memory is left.
#[inline]
pub fn resolve(address: usize, access: Access) -> bool {
    Thread::current().with_space(|space| space.fault(address, access.write, access.exec)).unwrap_or(false)
}
