//! Services and protocols by name and by number. What is answered lives as long as the program and is never changed.

use core::ffi::CStr;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

use libc::{c_char, c_int, protoent, servent};

use crate::rt::names::{SERVICES, Service, service_by_name, service_by_port};
use crate::string::bytes;

/// A list of other names: there are none.
struct Names([*mut c_char; 1]);

// SAFETY: nothing is ever written to it.
unsafe impl Sync for Names {}

static NO_NAMES: Names = Names([null_mut()]);

fn no_names() -> *mut *mut c_char {
    NO_NAMES.0.as_ptr().cast_mut()
}

/// Protocols that programs ask for by name (IANA's registry).
const PROTOCOLS: [(&CStr, c_int); 5] = [(c"ip", 0), (c"icmp", 1), (c"tcp", 6), (c"udp", 17), (c"ipv6-icmp", 58)];

/// An answer on the heap: POSIX lets the next call overwrite it, which this does not.
fn keep<T>(value: T) -> *mut T {
    let place: *mut T = crate::stdlib::malloc(size_of::<T>()).cast();
    if !place.is_null() {
        // SAFETY: there is room.
        unsafe { place.write(value) };
    }
    place
}

/// The place of an answer that was given before, so that asking again takes no more memory.
fn once<T>(slot: &AtomicUsize, make: impl FnOnce() -> T) -> *mut T {
    let known = slot.load(Ordering::Acquire);
    if known != 0 {
        return known as *mut T;
    }
    let new = keep(make());
    // Two threads at once: one of the two answers stays.
    match slot.compare_exchange(0, new as usize, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => new,
        Err(known) => {
            // SAFETY: nobody has it.
            unsafe { crate::stdlib::free(new.cast()) };
            known as *mut T
        }
    }
}

/// Answers that were given: of each service over TCP and over UDP, and of each protocol.
static SERVENTS: [[AtomicUsize; 2]; SERVICES.len()] = [const { [const { AtomicUsize::new(0) }; 2] }; SERVICES.len()];
static PROTOENTS: [AtomicUsize; PROTOCOLS.len()] = [const { AtomicUsize::new(0) }; PROTOCOLS.len()];
/// Where `getservent` goes on: twice the place in the table, and which protocol.
static NEXT: AtomicUsize = AtomicUsize::new(0);

fn servent(service: &'static Service, tcp: bool) -> *mut servent {
    let Some(index) = SERVICES.iter().position(|known| core::ptr::eq(known, service)) else { return null_mut() };
    let protocol = if tcp { c"tcp" } else { c"udp" };
    once(&SERVENTS[index][usize::from(tcp)], || servent {
        s_name: service.name.as_ptr().cast_mut(),
        s_aliases: no_names(),
        s_port: c_int::from(service.port.to_be()),
        s_proto: protocol.as_ptr().cast_mut(),
    })
}

/// Which protocols a program means by a name; any when it gives none.
unsafe fn protocols(name: *const c_char) -> (bool, bool) {
    // SAFETY: POSIX demands null or a C string.
    let name = if name.is_null() { None } else { unsafe { bytes(name).ok() } };
    name.map_or((true, true), |name| (name == b"tcp", name == b"udp"))
}

/// `getservbyname`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getservbyname(name: *const c_char, protocol: *const c_char) -> *mut servent {
    // SAFETY: POSIX demands a C string, and null or a C string.
    let (name, (tcp, udp)) = unsafe { (bytes(name), protocols(protocol)) };
    let known = name.ok().and_then(|name| service_by_name(name, tcp, udp));
    known.map_or(null_mut(), |known| servent(known, tcp && known.tcp))
}

/// `getservbyport`. The port is in the order of the network.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getservbyport(port: c_int, protocol: *const c_char) -> *mut servent {
    // SAFETY: POSIX demands null or a C string.
    let (tcp, udp) = unsafe { protocols(protocol) };
    let known = service_by_port(u16::from_be(port as u16), tcp, udp);
    known.map_or(null_mut(), |known| servent(known, tcp && known.tcp))
}

/// `getservent`.
#[unsafe(no_mangle)]
pub extern "C" fn getservent() -> *mut servent {
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let Some(known) = SERVICES.get(next / 2) else { return null_mut() };
        let tcp = next.is_multiple_of(2);
        if (tcp && known.tcp) || (!tcp && known.udp) {
            return servent(known, tcp);
        }
    }
}

/// `setservent`.
#[unsafe(no_mangle)]
pub extern "C" fn setservent(_stay_open: c_int) {
    NEXT.store(0, Ordering::Relaxed);
}

/// `endservent`.
#[unsafe(no_mangle)]
pub extern "C" fn endservent() {
    NEXT.store(0, Ordering::Relaxed);
}

fn protoent(index: Option<usize>) -> *mut protoent {
    let Some((index, (name, number))) = index.and_then(|index| Some((index, *PROTOCOLS.get(index)?))) else {
        return null_mut();
    };
    once(&PROTOENTS[index], || protoent { p_name: name.as_ptr().cast_mut(), p_aliases: no_names(), p_proto: number })
}

/// `getprotobyname`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getprotobyname(name: *const c_char) -> *mut protoent {
    // SAFETY: POSIX demands a C string.
    let name = unsafe { bytes(name) };
    protoent(name.ok().and_then(|name| PROTOCOLS.iter().position(|(known, _)| known.to_bytes() == name)))
}

/// `getprotobynumber`.
#[unsafe(no_mangle)]
pub extern "C" fn getprotobynumber(number: c_int) -> *mut protoent {
    protoent(PROTOCOLS.iter().position(|&(_, known)| known == number))
}
