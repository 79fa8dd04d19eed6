//! Sending and receiving.
//!
//! What has no flags, no address and nothing that goes along is a read or a write. Everything else is a message.

use core::ffi::c_void;

use libc::{
    MSG_CTRUNC, MSG_DONTROUTE, MSG_DONTWAIT, MSG_EOR, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, c_int, iovec, msghdr, size_t,
    sockaddr, socklen_t, ssize_t,
};
use ochre_socket::{Received, TOKEN, Verb, flags, word};
use syscall::error::{EOPNOTSUPP, Result};
use syscall::flag::{CallFlags, RwFlags};
use syscall::number::{SYS_READ2, SYS_WRITE2};

use super::address::Address;
use super::scratch::{self, Scratch};
use super::{control, socket_error, token_of};
use crate::errno::{self, error};
use crate::fcntl::descriptor;
use crate::rt::sys;
use crate::unistd::written;

/// `MSG_NOSIGNAL` and `MSG_CMSG_CLOEXEC`, which crate `libc` does not have for us: the numbers of other systems.
const MSG_NOSIGNAL: c_int = 0x4000;
const MSG_CMSG_CLOEXEC: c_int = 0x4000_0000;
/// Flags that change nothing between programs of one machine.
const NO_MATTER: c_int = MSG_NOSIGNAL | MSG_EOR | MSG_DONTROUTE;
/// Offset of what has no position.
const NO_OFFSET: usize = usize::MAX;

/// Sends with flags only.
fn send_plain(fd: usize, buf: *const u8, len: usize, flags: c_int) -> Result<usize> {
    match flags & !NO_MATTER {
        0 => sys::write_raw(fd, buf, len),
        MSG_DONTWAIT => {
            let flags = RwFlags::NONBLOCK.bits() as usize;
            // SAFETY: memory is only read, and the kernel checks that it is there.
            unsafe { sys::call(SYS_WRITE2, fd, buf as usize, len, NO_OFFSET, flags) }
                .map_err(|error| socket_error(fd, error))
        }
        _ => Err(error(EOPNOTSUPP)),
    }
}

/// Sends a message: to an address if one is given, with the descriptors of this ticket.
unsafe fn send_message(fd: usize, list: &[iovec], to: Option<Address>, ticket: u64, flags: c_int) -> Result<usize> {
    let flags = match flags & !NO_MATTER {
        0 => 0,
        MSG_DONTWAIT => flags::DONT_WAIT,
        _ => return Err(error(EOPNOTSUPP)),
    };
    let len = scratch::total(list)?.min(scratch::MOST);
    let mut memory = Scratch::new(TOKEN + len)?;
    let bytes = memory.bytes();
    if let Some(address) = to {
        bytes[..TOKEN].copy_from_slice(&token_of(&address)?);
    }
    // SAFETY: the caller has these buffers.
    unsafe { scratch::gather(list, &mut bytes[TOKEN..]) };
    let words = [word(Verb::Send, flags), ticket];
    // SAFETY: the payload is ours.
    unsafe { sys::message(fd, bytes.as_mut_ptr(), bytes.len(), CallFlags::WRITE, &words) }
        .map_err(|error| socket_error(fd, error))
}

/// What flags of receiving mean to the daemon.
fn receiving(flags: c_int) -> Result<u32> {
    let known = MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC | MSG_WAITALL | MSG_CMSG_CLOEXEC;
    if flags & !(known | NO_MATTER) != 0 {
        return Err(error(EOPNOTSUPP));
    }
    let bit = |from: c_int, to: u32| if flags & from != 0 { to } else { 0 };
    Ok(bit(MSG_DONTWAIT, flags::DONT_WAIT) | bit(MSG_PEEK, flags::PEEK) | bit(MSG_TRUNC, flags::CUT))
}

/// Receives a message to buffers; answers how many bytes were copied, and the rest.
unsafe fn receive_message(fd: usize, list: &[iovec], wanted: usize, flags: c_int) -> Result<(usize, Received)> {
    let flags = receiving(flags)?;
    let len = scratch::total(list)?.min(scratch::MOST);
    let mut memory = Scratch::new(Received::LEN + len)?;
    let bytes = memory.bytes();
    let words = [word(Verb::Receive, flags), wanted as u64];
    // SAFETY: the payload is ours.
    let count = unsafe { sys::message(fd, bytes.as_mut_ptr(), bytes.len(), CallFlags::READ, &words) }
        .map_err(|error| socket_error(fd, error))?;
    let (head, data) = bytes.split_first_chunk().ok_or(error(libc::EIO))?;
    let data = data.get(..count).ok_or(error(libc::EIO))?;
    // SAFETY: the caller has these buffers.
    unsafe { scratch::scatter(data, list) };
    Ok((count, Received::decode(head)))
}

/// Receives to one buffer; answers how many bytes, or with `MSG_TRUNC` how many there were.
unsafe fn receive_plain(fd: usize, buf: *mut u8, len: usize, flags: c_int) -> Result<usize> {
    // SAFETY: the caller has the buffer.
    unsafe {
        match flags & !NO_MATTER {
            0 => return sys::read_raw(fd, buf, len),
            MSG_DONTWAIT => {
                let flags = RwFlags::NONBLOCK.bits() as usize;
                let read = sys::call(SYS_READ2, fd, buf as usize, len, NO_OFFSET, flags);
                return read.map_err(|error| socket_error(fd, error));
            }
            MSG_WAITALL => return receive_all(fd, buf, len),
            _ => {}
        }
        let list = [iovec { iov_base: buf.cast(), iov_len: len }];
        let (count, received) = receive_message(fd, &list, 0, flags)?;
        Ok(if flags & MSG_TRUNC != 0 { received.length as usize } else { count })
    }
}

/// Receives until the buffer is full, or nothing more comes. A message that is shorter is all that there is of it.
unsafe fn receive_all(fd: usize, buf: *mut u8, len: usize) -> Result<usize> {
    let stream = super::tell(fd, Verb::GetOption, ochre_socket::option::KIND)? == libc::SOCK_STREAM as usize;
    let mut done = 0;
    loop {
        // SAFETY: the caller has the buffer.
        match unsafe { sys::read_raw(fd, buf.add(done), len - done) } {
            Ok(count) => done += count,
            Err(_) if done > 0 => return Ok(done),
            Err(error) => return Err(error),
        }
        if done == len || !stream || ended(fd, done)? {
            return Ok(done);
        }
    }
}

/// Whether the last read found the end: then the next would too, and what was read so far is the answer.
fn ended(fd: usize, _done: usize) -> Result<bool> {
    let state = super::tell(fd, Verb::GetOption, ochre_socket::option::STATE)? as u64;
    let pending = super::tell(fd, Verb::GetOption, ochre_socket::option::PENDING)?;
    Ok(state & ochre_socket::state::READ_END != 0 && pending == 0)
}

/// `send`.
#[unsafe(no_mangle)]
pub extern "C" fn send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t {
    sent(descriptor(fd).and_then(|fd| send_plain(fd, buf.cast(), len, flags)), flags)
}

/// The answer of a call that sends: who sends to nobody gets `SIGPIPE`, unless he does not want it.
fn sent(result: Result<usize>, flags: c_int) -> ssize_t {
    if flags & MSG_NOSIGNAL != 0 { errno::size(result) } else { written(result) }
}

/// `sendto`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendto(
    fd: c_int,
    buf: *const c_void,
    len: size_t,
    flags: c_int,
    to: *const sockaddr,
    to_len: socklen_t,
) -> ssize_t {
    if to.is_null() || to_len == 0 {
        return send(fd, buf, len, flags);
    }
    let list = [iovec { iov_base: buf.cast_mut(), iov_len: len }];
    // SAFETY: POSIX demands the buffer and an address of this length.
    let result =
        unsafe { descriptor(fd).and_then(|fd| send_message(fd, &list, Some(Address::read(to, to_len)?), 0, flags)) };
    sent(result, flags)
}

/// `sendmsg`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    // SAFETY: POSIX demands a message.
    sent(descriptor(fd).and_then(|fd| unsafe { send_whole(fd, &*message, flags) }), flags)
}

unsafe fn send_whole(fd: usize, message: &msghdr, flags: c_int) -> Result<usize> {
    // SAFETY: POSIX demands that all parts of the message are there.
    unsafe {
        let list = scratch::buffers(message.msg_iov, message.msg_iovlen)?;
        let to = if message.msg_name.is_null() || message.msg_namelen == 0 {
            None
        } else {
            Some(Address::read(message.msg_name.cast(), message.msg_namelen)?)
        };
        let has_control = !message.msg_control.is_null() && message.msg_controllen > 0;
        if let (None, false, [buffer]) = (&to, has_control, list) {
            return send_plain(fd, buffer.iov_base.cast(), buffer.iov_len, flags);
        }
        let ticket = if has_control { control::send_ahead(fd, message)? } else { 0 };
        let sent = send_message(fd, list, to, ticket, flags);
        // What a stream of no bytes took along goes nowhere.
        if !matches!(sent, Ok(1..)) {
            control::take_back(fd, ticket);
        }
        sent
    }
}

/// `recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn recv(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int) -> ssize_t {
    // SAFETY: POSIX demands the buffer.
    errno::size(descriptor(fd).and_then(|fd| unsafe { receive_plain(fd, buf.cast(), len, flags) }))
}

/// `recvfrom`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn recvfrom(
    fd: c_int,
    buf: *mut c_void,
    len: size_t,
    flags: c_int,
    from: *mut sockaddr,
    from_len: *mut socklen_t,
) -> ssize_t {
    if from.is_null() {
        // SAFETY: as for that function.
        return unsafe { recv(fd, buf, len, flags) };
    }
    let list = [iovec { iov_base: buf, iov_len: len }];
    // SAFETY: POSIX demands the buffer, room for an address, and its length.
    errno::size(descriptor(fd).and_then(|fd| unsafe {
        let (count, received) = receive_message(fd, &list, 0, flags & !MSG_WAITALL)?;
        sender(&received).write(from, from_len);
        Ok(if flags & MSG_TRUNC != 0 { received.length as usize } else { count })
    }))
}

fn sender(received: &Received) -> Address {
    Address::named(received.name.get(..received.name_len as usize).unwrap_or_default())
}

/// `recvmsg`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t {
    // SAFETY: POSIX demands a message.
    errno::size(descriptor(fd).and_then(|fd| unsafe { receive_whole(fd, &mut *message, flags) }))
}

unsafe fn receive_whole(fd: usize, message: &mut msghdr, flags: c_int) -> Result<usize> {
    // SAFETY: POSIX demands that all parts of the message are there.
    unsafe {
        let list = scratch::buffers(message.msg_iov, message.msg_iovlen)?;
        let (count, received) = receive_message(fd, list, control::room(message), flags)?;
        if message.msg_name.is_null() {
            message.msg_namelen = 0;
        } else {
            let name = message.msg_name.cast();
            sender(&received).write(name, &raw mut message.msg_namelen);
        }
        let cloexec = flags & MSG_CMSG_CLOEXEC != 0;
        let mut writer = control::Writer::new(message);
        if received.flags & flags::CREDENTIALS != 0 {
            writer.credentials(received.sender);
        }
        writer.descriptors(fd, received.ticket, received.descriptors as usize, cloexec);
        let cut = writer.finish();
        message.msg_flags = if cut || received.flags & flags::CONTROL_CUT != 0 { MSG_CTRUNC } else { 0 };
        if received.flags & flags::CUT != 0 {
            message.msg_flags |= MSG_TRUNC;
        }
        Ok(if flags & MSG_TRUNC != 0 { received.length as usize } else { count })
    }
}
