//! A description: what descriptors share that were made from one another.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use syscall::O_FCNTL_MASK;
use syscall::error::Result;

use super::object::{Holder, Object};
use super::user::UserScheme;

/// What a description leads to.
pub enum Target {
    /// An object of a kernel scheme.
    Kernel(Arc<dyn Object>),
    /// A number at a user scheme.
    User {
        /// The scheme.
        scheme: Arc<UserScheme>,
        /// What its daemon calls this.
        number: usize,
    },
}

/// Shared by the descriptors that were made from one another.
pub struct Description {
    /// Where it leads.
    pub target: Target,
    /// Position of reads and writes.
    pub offset: AtomicU64,
    /// Access mode and status flags (`O_*`).
    flags: AtomicU32,
    /// Whether the kernel keeps the position for a user scheme (`NewFdFlags::POSITIONED`).
    pub positioned: bool,
    /// Whether the daemon asked to hear when a descriptor to this goes.
    notify_detach: AtomicBool,
}

impl Description {
    /// Of a kernel object.
    pub fn kernel(object: Arc<dyn Object>, flags: usize) -> Arc<Self> {
        Arc::new(Description {
            positioned: object.is_positioned(),
            target: Target::Kernel(object),
            offset: AtomicU64::new(0),
            flags: AtomicU32::new(flags as u32),
            notify_detach: AtomicBool::new(false),
        })
    }

    /// Of a user scheme's number, which is told when the last descriptor goes.
    pub fn user(scheme: Arc<UserScheme>, number: usize, flags: usize, positioned: bool, offset: u64) -> Arc<Self> {
        Arc::new(Description {
            target: Target::User { scheme, number },
            offset: AtomicU64::new(offset),
            flags: AtomicU32::new(flags as u32),
            positioned,
            notify_detach: AtomicBool::new(false),
        })
    }

    /// Asked before this is put into something that holds descriptions; `ELOOP` when that may not hold it.
    pub fn enter(&self, holder: Holder) -> Result<()> {
        match &self.target {
            Target::Kernel(object) => object.enter(holder),
            Target::User { .. } => Ok(()),
        }
    }

    /// Access mode and status flags.
    #[inline]
    pub fn flags(&self) -> usize {
        self.flags.load(Ordering::Relaxed) as usize
    }

    /// Replaces the status flags; the access mode stays.
    pub fn set_status_flags(&self, flags: usize) {
        let kept = self.flags() & !O_FCNTL_MASK;
        self.flags.store((kept | flags & O_FCNTL_MASK) as u32, Ordering::Relaxed);
    }

    /// Whether calls answer `EAGAIN` instead of waiting.
    #[inline]
    pub fn is_nonblocking(&self) -> bool {
        self.flags() & syscall::O_NONBLOCK != 0
    }

    /// Asks to tell the daemon when a descriptor to this is closed next.
    pub fn request_detach_notice(&self) {
        self.notify_detach.store(true, Ordering::Relaxed);
    }

    /// A descriptor to this is gone.
    #[inline]
    pub fn detach(self: Arc<Self>) {
        if self.notify_detach.load(Ordering::Relaxed)
            && self.notify_detach.swap(false, Ordering::Relaxed)
            && let Target::User { scheme, number } = &self.target
        {
            scheme.notify_detach(*number);
        }
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        if let Target::User { scheme, number } = &self.target {
            scheme.notify_close(*number);
        }
    }
}
