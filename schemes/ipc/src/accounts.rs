//! What each user has of the daemon: nobody can take what others need.

use std::collections::BTreeMap;

use scheme_server::syscall::error::{EMFILE, ENOBUFS, ETOOMANYREFS, Error, Result};

/// What one user may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sockets.
    pub sockets: usize,
    /// Bytes of memory for what waits to be received.
    pub memory: usize,
    /// Descriptors on their way.
    pub descriptors: usize,
}

/// Limits of the superuser: the machine's, not a person's.
pub const SUPERUSER: Limits = Limits { sockets: 32_768, memory: 64 << 20, descriptors: 8192 };
/// Limits of everybody else.
pub const USER: Limits = Limits { sockets: 4096, memory: 16 << 20, descriptors: 1024 };

/// What one user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Sockets.
    pub sockets: usize,
    /// Bytes of memory.
    pub memory: usize,
    /// Descriptors on their way.
    pub descriptors: usize,
}

/// All accounts, by user.
#[derive(Default)]
pub struct Accounts {
    used: BTreeMap<u32, Account>,
}

fn limits(uid: u32) -> Limits {
    if uid == 0 { SUPERUSER } else { USER }
}

impl Accounts {
    /// One socket more. `EMFILE` when the user has too many.
    pub fn add_socket(&mut self, uid: u32) -> Result<()> {
        let sockets = self.used.get(&uid).map_or(0, |account| account.sockets);
        if sockets >= limits(uid).sockets {
            return Err(Error::new(EMFILE));
        }
        self.used.entry(uid).or_default().sockets += 1;
        Ok(())
    }

    /// More memory. `ENOBUFS` when the user has too much.
    pub fn add_memory(&mut self, uid: u32, bytes: usize) -> Result<()> {
        let memory = self.used.get(&uid).map_or(0, |account| account.memory);
        if memory.saturating_add(bytes) > limits(uid).memory {
            return Err(Error::new(ENOBUFS));
        }
        self.used.entry(uid).or_default().memory += bytes;
        Ok(())
    }

    /// More descriptors on their way. `ETOOMANYREFS` when the user has too many.
    pub fn add_descriptors(&mut self, uid: u32, count: usize) -> Result<()> {
        let descriptors = self.used.get(&uid).map_or(0, |account| account.descriptors);
        if descriptors.saturating_add(count) > limits(uid).descriptors {
            return Err(Error::new(ETOOMANYREFS));
        }
        self.used.entry(uid).or_default().descriptors += count;
        Ok(())
    }

    /// Gives back.
    pub fn release(&mut self, uid: u32, what: Account) {
        let Some(account) = self.used.get_mut(&uid) else { return };
        debug_assert!(account.sockets >= what.sockets && account.memory >= what.memory);
        debug_assert!(account.descriptors >= what.descriptors);
        account.sockets = account.sockets.saturating_sub(what.sockets);
        account.memory = account.memory.saturating_sub(what.memory);
        account.descriptors = account.descriptors.saturating_sub(what.descriptors);
        if *account == Account::default() {
            self.used.remove(&uid);
        }
    }

    /// What a user has.
    pub fn of(&self, uid: u32) -> Account {
        self.used.get(&uid).copied().unwrap_or_default()
    }

    /// Whether nobody has anything.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_and_what_is_given_back_can_be_had_again() {
        let mut accounts = Accounts::default();
        for _ in 0..USER.sockets {
            accounts.add_socket(7).unwrap();
        }
        assert_eq!(accounts.add_socket(7).unwrap_err().errno, EMFILE);
        accounts.add_socket(8).unwrap();
        accounts.add_memory(7, USER.memory).unwrap();
        assert_eq!(accounts.add_memory(7, 1).unwrap_err().errno, ENOBUFS);
        assert_eq!(accounts.add_memory(8, usize::MAX).unwrap_err().errno, ENOBUFS);
        accounts.add_descriptors(7, USER.descriptors - 1).unwrap();
        assert_eq!(accounts.add_descriptors(7, 2).unwrap_err().errno, ETOOMANYREFS);
        accounts.release(7, Account { sockets: 1, ..Account::default() });
        accounts.add_socket(7).unwrap();
        accounts.release(7, accounts.of(7));
        accounts.release(8, accounts.of(8));
        assert!(accounts.is_empty());
    }
}
