//! `netdb.h`: names of hosts, services and protocols. Without a network only this machine and `/etc/hosts` are known; every other
//! name cannot be looked up, and that is said (`EAI_FAIL`).

mod interfaces;
mod lookup;
mod tables;

use core::mem::zeroed;
use core::net::IpAddr;
use core::ptr::null_mut;

use libc::{
    AF_INET, AF_INET6, AI_CANONNAME, EAI_FAMILY, EAI_MEMORY, EAI_NONAME, EAI_OVERFLOW, addrinfo, c_char, c_int,
    in_addr, in6_addr, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, socklen_t,
};

use crate::rt::names;
use crate::stdlib;
use crate::string::{bytes, copy_text};
use lookup::{Endpoint, Question};

/// Flags of `getnameinfo`.
const NI_NUMERICHOST: c_int = 1;
const NI_NUMERICSERV: c_int = 2;
const NI_NAMEREQD: c_int = 8;
const NI_DGRAM: c_int = 16;

/// An address of one family or the other.
#[repr(C)]
union Address {
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

/// One entry of an answer, in one piece of the heap.
#[repr(C)]
struct Entry {
    info: addrinfo,
    address: Address,
}

fn address(ip: IpAddr, port: u16) -> (Address, usize, c_int) {
    // SAFETY: zeros are an address.
    let mut address: Address = unsafe { zeroed() };
    match ip {
        IpAddr::V4(ip) => {
            let s_addr = u32::from_ne_bytes(ip.octets());
            address.v4 = sockaddr_in {
                sin_family: AF_INET as sa_family_t,
                sin_port: port.to_be(),
                sin_addr: in_addr { s_addr },
                sin_zero: [0; 8],
            };
            (address, size_of::<sockaddr_in>(), AF_INET)
        }
        IpAddr::V6(ip) => {
            // SAFETY: zeros are an address.
            let mut v6: sockaddr_in6 = unsafe { zeroed() };
            (v6.sin6_family, v6.sin6_port) = (AF_INET6 as sa_family_t, port.to_be());
            v6.sin6_addr = in6_addr { s6_addr: ip.octets() };
            address.v6 = v6;
            (address, size_of::<sockaddr_in6>(), AF_INET6)
        }
    }
}

/// An entry on the heap.
fn entry(endpoint: &Endpoint, name: Option<&[u8]>) -> Result<*mut addrinfo, c_int> {
    let (address, len, family) = address(endpoint.address, endpoint.port);
    let entry: *mut Entry = stdlib::malloc(size_of::<Entry>()).cast();
    if entry.is_null() {
        return Err(EAI_MEMORY);
    }
    let mut canonical = null_mut();
    if let Some(name) = name {
        canonical = stdlib::malloc(name.len() + 1).cast::<c_char>();
        if canonical.is_null() {
            // SAFETY: it is new and nobody has it.
            unsafe { stdlib::free(entry.cast()) };
            return Err(EAI_MEMORY);
        }
        // SAFETY: there is room for the name and its end.
        unsafe { copy_text(name, canonical, name.len() + 1) };
    }
    // SAFETY: the entry is new and has room for all of this.
    unsafe {
        let info = addrinfo {
            ai_flags: 0,
            ai_family: family,
            ai_socktype: endpoint.kind,
            ai_protocol: endpoint.protocol,
            ai_addrlen: len,
            ai_canonname: canonical,
            ai_addr: (&raw mut (*entry).address).cast(),
            ai_next: null_mut(),
        };
        entry.write(Entry { info, address });
        Ok(&raw mut (*entry).info)
    }
}

/// `getaddrinfo`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    answer: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: POSIX demands null or C strings and hints, and a place for the answer.
    unsafe {
        *answer = null_mut();
        let node = if node.is_null() { None } else { bytes(node).ok() };
        let service = if service.is_null() { None } else { bytes(service).ok() };
        let question = match Question::new(node, service, hints.as_ref()) {
            Ok(question) => question,
            Err(code) => return code,
        };
        let mut last = answer;
        let result = question.answer(|endpoint| {
            let first = last == answer;
            let wants_name = first && question.flags & AI_CANONNAME != 0;
            let new = entry(endpoint, node.filter(|_| wants_name))?;
            *last = new;
            last = &raw mut (*new).ai_next;
            Ok(())
        });
        match result {
            Ok(()) if (*answer).is_null() => EAI_NONAME,
            Ok(()) => 0,
            Err(code) => {
                freeaddrinfo(*answer);
                *answer = null_mut();
                code
            }
        }
    }
}

/// `freeaddrinfo`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn freeaddrinfo(mut list: *mut addrinfo) {
    while !list.is_null() {
        // SAFETY: the caller has the list from `getaddrinfo`; each entry is one piece of the heap, and begins with this.
        unsafe {
            let next = (*list).ai_next;
            stdlib::free((*list).ai_canonname.cast());
            stdlib::free(list.cast());
            list = next;
        }
    }
}

/// The address and port that a program has.
unsafe fn read_address(from: *const sockaddr, len: socklen_t) -> Option<(IpAddr, u16)> {
    let len = len as usize;
    if from.is_null() || len < size_of::<sa_family_t>() {
        return None;
    }
    // SAFETY: the caller has so many bytes there.
    unsafe {
        match c_int::from(from.cast::<sa_family_t>().read_unaligned()) {
            AF_INET if len >= size_of::<sockaddr_in>() => {
                let address = from.cast::<sockaddr_in>().read_unaligned();
                Some((IpAddr::from(address.sin_addr.s_addr.to_ne_bytes()), u16::from_be(address.sin_port)))
            }
            AF_INET6 if len >= size_of::<sockaddr_in6>() => {
                let address = from.cast::<sockaddr_in6>().read_unaligned();
                Some((IpAddr::from(address.sin6_addr.s6_addr), u16::from_be(address.sin6_port)))
            }
            _ => None,
        }
    }
}

/// Text in a small buffer.
struct Text {
    bytes: [u8; 64],
    len: usize,
}

impl core::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(core::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

/// What a number looks like.
fn digits(value: impl core::fmt::Display) -> Text {
    let mut text = Text { bytes: [0; 64], len: 0 };
    // An address has at most 39 characters.
    let _ = core::fmt::write(&mut text, format_args!("{value}"));
    text
}

/// `getnameinfo`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getnameinfo(
    from: *const sockaddr,
    from_len: socklen_t,
    host: *mut c_char,
    host_len: socklen_t,
    service: *mut c_char,
    service_len: socklen_t,
    flags: c_int,
) -> c_int {
    // SAFETY: POSIX demands an address of this length.
    let Some((ip, port)) = (unsafe { read_address(from, from_len) }) else { return EAI_FAMILY };
    if !host.is_null() && host_len > 0 {
        let mut memory = [0; lookup::HOSTS];
        let known =
            if flags & NI_NUMERICHOST == 0 { names::name_in_hosts(lookup::hosts(&mut memory), ip) } else { None };
        let local = names::LOOPBACK.contains(&ip) && flags & NI_NUMERICHOST == 0;
        let number = digits(ip);
        let name = match known {
            Some(name) => name,
            None if local => b"localhost",
            None if flags & NI_NAMEREQD != 0 => return EAI_NONAME,
            None => &number.bytes[..number.len],
        };
        // SAFETY: POSIX demands the room.
        if !unsafe { copy_text(name, host, host_len as usize) } {
            return EAI_OVERFLOW;
        }
    }
    if !service.is_null() && service_len > 0 {
        let udp = flags & NI_DGRAM != 0;
        let known = if flags & NI_NUMERICSERV == 0 { names::service_by_port(port, !udp, udp) } else { None };
        let number = digits(port);
        let name = known.map_or(&number.bytes[..number.len], |known| known.name.to_bytes());
        // SAFETY: POSIX demands the room.
        if !unsafe { copy_text(name, service, service_len as usize) } {
            return EAI_OVERFLOW;
        }
    }
    0
}

/// `gai_strerror`.
#[unsafe(no_mangle)]
pub extern "C" fn gai_strerror(code: c_int) -> *const c_char {
    let text = match code {
        libc::EAI_BADFLAGS => c"Invalid flags",
        libc::EAI_NONAME => c"Unknown host or service",
        libc::EAI_AGAIN => c"Try again later",
        libc::EAI_FAIL => c"Host names cannot be looked up",
        libc::EAI_NODATA => c"The host has no address",
        libc::EAI_FAMILY => c"Address family is not supported",
        libc::EAI_ADDRFAMILY => c"The host has no address of this family",
        libc::EAI_SOCKTYPE => c"Socket type is not supported",
        libc::EAI_SERVICE => c"Service is not available for this socket type",
        libc::EAI_MEMORY => c"Out of memory",
        libc::EAI_SYSTEM => c"System error",
        libc::EAI_OVERFLOW => c"Buffer is too small",
        _ => c"Unknown error",
    };
    text.as_ptr()
}
