//! What a scheme can be asked beyond `SchemeSync`.

use redox_scheme::scheme::SchemeSync;
use redox_scheme::{CallerCtx, Id, SendFdRequest};
use syscall::error::{EOPNOTSUPP, Error, Result};
use syscall::{EventFlags, Stat};

use crate::Link;
use crate::locks::Lockable;

/// Most descriptors that are taken in one message; the kernel's own limit.
const MAX_FDS: usize = 64;

/// A scheme, as [`Server`](crate::Server) serves it. Every method has a default that fits a scheme which never waits.
///
/// A request waits when its operation answers `EWOULDBLOCK` and the client did not ask for that with `O_NONBLOCK`. It is
/// tried again when [`Scheme::next_ready`] names the number it was made on.
#[allow(unused_variables)]
pub trait Scheme: SchemeSync {
    /// What has become ready since it was asked last. Asked after each request until there is nothing more.
    #[inline]
    fn next_ready(&mut self) -> Option<(usize, EventFlags)> {
        None
    }

    /// The attributes of what has a path, without opening it (see [`std_fs::STAT_AT`](crate::std_fs::STAT_AT)). `EOPNOTSUPP`:
    /// clients have to open it.
    fn stat_at(&mut self, dir: usize, path: &str, flags: usize, stat: &mut Stat, ctx: &CallerCtx) -> Result<()> {
        Err(Error::new(EOPNOTSUPP))
    }

    /// The file that locks on an open number are about. `EOPNOTSUPP`: there are no locks here.
    fn lockable(&mut self, id: usize) -> Result<Lockable> {
        Err(Error::new(EOPNOTSUPP))
    }

    /// A process has closed a descriptor of this number, after a lock was answered to it there. The locks themselves are
    /// already gone.
    fn on_detach(&mut self, id: usize, pid: usize) {}

    /// A request that waits on an open number is cancelled. What is answered here is its answer, for one of which a part was
    /// done; otherwise its client learns that it was interrupted.
    fn on_cancel(&mut self, id: usize, request: Id) -> Option<usize> {
        None
    }

    /// A client sends descriptors. What is not taken stays with the client's message and is closed with it.
    fn on_descriptors(&mut self, id: usize, offer: &mut Offer<'_>, ctx: &CallerCtx) -> Result<usize> {
        Err(Error::new(EOPNOTSUPP))
    }

    /// A client asks for `count` descriptors; `words` are its own. The numbers answered are the client's from then on.
    fn give_descriptors(&mut self, id: usize, count: usize, words: [u64; 2], ctx: &CallerCtx) -> Result<Vec<usize>> {
        Err(Error::new(EOPNOTSUPP))
    }
}

/// Descriptors that a client sends.
pub struct Offer<'a> {
    pub(crate) link: &'a mut dyn Link,
    pub(crate) request: &'a SendFdRequest,
}

impl Offer<'_> {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.request.num_fds()
    }

    /// The word that the client sends along.
    pub fn word(&self) -> u64 {
        self.request.arg()
    }

    /// Takes them, all at once. The numbers answered are the scheme's to close. `EINVAL` for more than 64.
    pub fn take(&mut self) -> Result<Vec<usize>> {
        let count = self.count();
        if count == 0 || count > MAX_FDS {
            return Err(Error::new(syscall::error::EINVAL));
        }
        // The place of each is chosen by libc.
        let mut fds = vec![usize::MAX; count];
        self.link.obtain(self.request, &mut fds)?;
        Ok(fds)
    }
}
