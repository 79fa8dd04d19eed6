//! Whose a thread is: process id, credentials, name.

use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use super::Thread;
use crate::memory::AddressSpace;

impl Thread {
    /// Credentials in the form that schemes get: user id, group id in the upper half.
    #[inline]
    pub fn credentials(&self) -> u64 {
        self.credentials.load(Ordering::Relaxed)
    }

    /// Sets process id, credentials and name.
    pub fn set_identity(&self, pid: u32, euid: u32, egid: u32, name: &[u8; 32]) {
        self.store_ids(pid, euid, egid);
        self.shared.lock().name = *name;
    }

    /// As [`Thread::set_identity`], if the thread is in this space.
    pub fn set_identity_in(&self, space: &Arc<AddressSpace>, pid: u32, euid: u32, egid: u32, name: &[u8; 32]) {
        let mut shared = self.shared.lock();
        if shared.space.as_ref().is_some_and(|own| Arc::ptr_eq(own, space)) {
            self.store_ids(pid, euid, egid);
            shared.name = *name;
        }
    }

    fn store_ids(&self, pid: u32, euid: u32, egid: u32) {
        let before = self.pid.swap(pid, Ordering::SeqCst);
        self.euid.store(euid, Ordering::Relaxed);
        self.egid.store(egid, Ordering::Relaxed);
        self.credentials.store(u64::from(euid) | u64::from(egid) << 32, Ordering::Relaxed);
        if before != pid {
            crate::scheme::trace::adopt(self, pid);
        }
    }

    /// The name's bytes, zero-padded.
    pub fn name_bytes(&self) -> [u8; 32] {
        self.shared.lock().name
    }

    /// The name as text.
    pub fn name(&self) -> String {
        if self.kernel {
            return String::from("(kernel)");
        }
        let bytes = self.name_bytes();
        let len = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }
}
