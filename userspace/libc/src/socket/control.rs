//! What goes with a message beside its bytes: descriptors (`SCM_RIGHTS`) and who sent it (`SCM_CREDENTIALS`).

use core::ptr::null_mut;

use libc::{EINVAL, SCM_RIGHTS, SOL_SOCKET, c_int, c_uchar, cmsghdr, msghdr, size_t, ucred};
use ochre_socket::{Credentials, Verb, word};
use syscall::error::Result;
use syscall::flag::CallFlags;

use crate::errno::error;
use crate::fcntl::descriptor;
use crate::rt::files;
use crate::rt::sys;
use crate::unistd::{getegid, geteuid, getpid};

/// `SCM_CREDENTIALS`, which crate `libc` does not have for us: the number of other systems.
pub const SCM_CREDENTIALS: c_int = 2;
/// Most descriptors of a message: the kernel's limit.
const MOST: usize = 64;
/// Bytes of a header with what fills it up.
const HEADER: usize = align(size_of::<cmsghdr>());

const fn align(len: usize) -> usize {
    len.next_multiple_of(align_of::<size_t>())
}

/// `CMSG_DATA`.
#[unsafe(no_mangle)]
pub extern "C" fn CMSG_DATA(header: *const cmsghdr) -> *mut c_uchar {
    header.cast::<u8>().wrapping_add(HEADER).cast_mut()
}

/// `CMSG_FIRSTHDR`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CMSG_FIRSTHDR(message: *const msghdr) -> *mut cmsghdr {
    // SAFETY: the caller has a message.
    unsafe { if (*message).msg_controllen < size_of::<cmsghdr>() { null_mut() } else { (*message).msg_control.cast() } }
}

/// `CMSG_NXTHDR`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CMSG_NXTHDR(message: *const msghdr, header: *const cmsghdr) -> *mut cmsghdr {
    if header.is_null() {
        // SAFETY: as for that function.
        return unsafe { CMSG_FIRSTHDR(message) };
    }
    // SAFETY: the caller has a message, and a header in it.
    unsafe {
        let end = (*message).msg_control as usize + (*message).msg_controllen;
        let next = (header as usize).checked_add(align((*header).cmsg_len));
        match next.and_then(|next| next.checked_add(size_of::<cmsghdr>()).map(|after| (next, after))) {
            Some((next, after)) if (*header).cmsg_len >= size_of::<cmsghdr>() && after <= end => next as *mut cmsghdr,
            _ => null_mut(),
        }
    }
}

/// Sends the descriptors of a message ahead of it; answers their ticket, 0 for none.
///
/// # Safety
/// The message is whole.
pub unsafe fn send_ahead(fd: usize, message: &msghdr) -> Result<u64> {
    let mut fds = [0_usize; MOST];
    let mut count = 0;
    // SAFETY: the message's control data is there; each header says how long it is, and is checked against the end.
    unsafe {
        let end = message.msg_control as usize + message.msg_controllen;
        let mut header = CMSG_FIRSTHDR(message);
        while !header.is_null() {
            let cmsghdr { cmsg_len, cmsg_level, cmsg_type } = *header;
            let fits = cmsg_len >= HEADER && (header as usize).checked_add(cmsg_len).is_some_and(|at| at <= end);
            if !fits || cmsg_level != SOL_SOCKET {
                return Err(error(EINVAL));
            }
            let data = core::slice::from_raw_parts(CMSG_DATA(header), cmsg_len - HEADER);
            match cmsg_type {
                SCM_RIGHTS => {
                    for bytes in data.as_chunks::<4>().0 {
                        *fds.get_mut(count).ok_or(error(EINVAL))? = descriptor(c_int::from_ne_bytes(*bytes))?;
                        count += 1;
                    }
                }
                SCM_CREDENTIALS => check_credentials(data)?,
                _ => return Err(error(EINVAL)),
            }
            header = CMSG_NXTHDR(message, header);
        }
    }
    if count == 0 {
        return Ok(0);
    }
    let flags = CallFlags::WRITE | CallFlags::FD | CallFlags::FD_CLONE;
    let fds = &mut fds[..count];
    // SAFETY: the payload is only read.
    let ticket = unsafe { sys::message(fd, fds.as_mut_ptr().cast(), size_of_val(fds), flags, &[0]) };
    ticket.map(|ticket| ticket as u64).map_err(|error| super::socket_error(fd, error))
}

/// The kernel says who sends; a program that says something else is told so.
fn check_credentials(data: &[u8]) -> Result<()> {
    let told = data.first_chunk::<{ Credentials::LEN }>().map(Credentials::decode).ok_or(error(EINVAL))?;
    let own = Credentials { pid: getpid() as u32, uid: geteuid() as u32, gid: getegid() as u32 };
    if told == own { Ok(()) } else { Err(error(libc::EPERM)) }
}

/// Takes back what was sent ahead of a message that did not follow.
pub fn take_back(fd: usize, ticket: u64) {
    if ticket != 0 {
        // SAFETY: there is no payload. An error means that it is gone already.
        let _ = unsafe { sys::message(fd, null_mut(), 0, CallFlags::empty(), &[word(Verb::Forget, 0), ticket]) };
    }
}

/// How many descriptors a program has room for.
pub fn room(message: &msghdr) -> usize {
    if message.msg_control.is_null() {
        return 0;
    }
    (message.msg_controllen.saturating_sub(HEADER) / size_of::<c_int>()).min(MOST)
}

/// Writes control data, piece after piece.
pub struct Writer<'m> {
    message: &'m mut msghdr,
    room: usize,
    used: usize,
    /// Something did not fit.
    pub cut: bool,
}

impl<'m> Writer<'m> {
    /// For a message that has room of `msg_controllen` bytes.
    pub fn new(message: &'m mut msghdr) -> Self {
        let room = if message.msg_control.is_null() { 0 } else { message.msg_controllen };
        Self { message, room, used: 0, cut: false }
    }

    /// Room for the data of one more piece.
    fn left(&self) -> usize {
        self.room.saturating_sub(self.used + HEADER)
    }

    fn put(&mut self, kind: c_int, data: &[u8]) {
        if self.left() < data.len() {
            self.cut = true;
            return;
        }
        let cmsg_len = HEADER + data.len();
        // SAFETY: the room is the program's, and was checked.
        unsafe {
            let at = self.message.msg_control.cast::<u8>().add(self.used);
            at.cast::<cmsghdr>().write_unaligned(cmsghdr { cmsg_len, cmsg_level: SOL_SOCKET, cmsg_type: kind });
            core::ptr::copy_nonoverlapping(data.as_ptr(), at.add(HEADER), data.len());
        }
        self.used = (self.used + align(cmsg_len)).min(self.room);
    }

    /// Who sent the message.
    pub fn credentials(&mut self, sender: Credentials) {
        const { assert!(size_of::<ucred>() == Credentials::LEN) };
        self.put(SCM_CREDENTIALS, &sender.encode());
    }

    /// Fetches the descriptors of a message.
    pub fn descriptors(&mut self, fd: usize, ticket: u64, count: usize, cloexec: bool) {
        let mut fds = [usize::MAX; MOST];
        let Some(fds) = fds.get_mut(..count).filter(|fds| !fds.is_empty()) else { return };
        let flags = CallFlags::READ | CallFlags::FD;
        let fetched = files::reserve(fds, false, cloexec).and_then(|()| {
            // SAFETY: the payload is ours.
            unsafe { sys::message(fd, fds.as_mut_ptr().cast(), size_of_val(fds), flags, &[ticket, 0]) }
                .inspect_err(|_| files::unreserve(fds))
        });
        if fetched.is_err() {
            self.cut = true;
            return;
        }
        let fit = (self.left() / size_of::<c_int>()).min(count);
        for &fd in &fds[fit..] {
            self.cut = true;
            let _ = files::close(fd);
        }
        let mut data = [0; MOST * size_of::<c_int>()];
        for (to, &fd) in data.as_chunks_mut::<4>().0.iter_mut().zip(&fds[..fit]) {
            *to = (fd as c_int).to_ne_bytes();
        }
        if fit > 0 {
            self.put(SCM_RIGHTS, &data[..fit * size_of::<c_int>()]);
        }
    }

    /// Tells the program how much was written.
    pub fn finish(self) -> bool {
        self.message.msg_controllen = self.used;
        self.cut
    }
}
