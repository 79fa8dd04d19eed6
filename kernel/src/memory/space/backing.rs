//! What mappings are made of: what backs one, where it goes, and its protection.

use alloc::sync::Arc;

use kernel_core::vma::{self, Prot};
use syscall::MapFlags;
use syscall::error::{EINVAL, Error, Result};

use crate::memory::pager::{Pager, SharedMemory};
use crate::memory::{PAGE_SIZE, page_round_up};

/// What backs a mapping.
#[derive(Clone)]
pub enum Backing {
    /// Private memory, zero when first touched.
    Anonymous,
    /// Pages of an object, from page `page` on.
    Object {
        /// The object.
        pager: Arc<dyn Pager>,
        /// Its page at the mapping's begin.
        page: usize,
        /// Writes stay private.
        private: bool,
        /// Whether shared writes are allowed.
        writable: bool,
    },
}

impl Backing {
    /// Whether a mapping of this may allow stores: always when they stay private, else if the object lets them through.
    #[inline]
    pub(super) fn allows_stores(&self) -> bool {
        match self {
            Backing::Anonymous => true,
            Backing::Object { private, writable, .. } => *private || *writable,
        }
    }

    /// Whether user code may give it another protection or place, cut it, and give it to others: not what the kernel has placed.
    #[inline]
    pub(super) fn is_user_owned(&self) -> bool {
        !matches!(self, Backing::Object { pager, .. } if !pager.is_user_owned())
    }
}

impl vma::Backing for Backing {
    fn advance(&self, bytes: usize) -> Self {
        match self {
            Backing::Anonymous => Backing::Anonymous,
            Backing::Object { pager, page, private, writable } => Backing::Object {
                pager: pager.clone(),
                page: page + bytes / PAGE_SIZE,
                private: *private,
                writable: *writable,
            },
        }
    }

    fn joins(&self, _len: usize, next: &Self) -> bool {
        matches!((self, next), (Backing::Anonymous, Backing::Anonymous))
    }
}

/// Where a mapping is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Here if it is free (0: no wish), else anywhere.
    Hint(usize),
    /// Here, whatever is there is unmapped first.
    Replace(usize),
    /// Here, or `EEXIST`.
    Exact(usize),
}

impl Place {
    /// From the flags of a mapping call.
    pub fn from_flags(address: usize, flags: MapFlags) -> Self {
        if flags.contains(MapFlags::MAP_FIXED_NOREPLACE) {
            Place::Exact(address)
        } else if flags.contains(MapFlags::MAP_FIXED) {
            Place::Replace(address)
        } else {
            Place::Hint(address)
        }
    }
}

/// Protection bits of a mapping call.
pub fn prot(flags: MapFlags) -> Prot {
    Prot {
        read: flags.contains(MapFlags::PROT_READ),
        write: flags.contains(MapFlags::PROT_WRITE),
        exec: flags.contains(MapFlags::PROT_EXEC),
    }
}

/// Private zero pages, or shared memory.
pub fn anonymous(shared: bool, len: usize) -> Result<Backing> {
    if shared {
        let pages = page_round_up(len).ok_or(Error::new(EINVAL))? / PAGE_SIZE;
        return Ok(Backing::Object { pager: SharedMemory::new(pages)?, page: 0, private: false, writable: true });
    }
    Ok(Backing::Anonymous)
}
