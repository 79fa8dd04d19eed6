//! `sys/mman.h`: mapping memory.

use core::ffi::c_void;

use libc::{
    EINVAL, ENOMEM, MAP_ANONYMOUS, MAP_FAILED, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE,
    c_int, off_t, size_t,
};
use ochre_abi::proc::ANONYMOUS;
use syscall::data::Map;
use syscall::error::Result;
use syscall::flag::MapFlags;

use crate::errno::{self, error};
use crate::fcntl::descriptor;
use crate::rt::{sys, tcb::PAGE};

/// `MAP_FIXED_NOREPLACE`, which crate `libc` does not have for us: the kernel's bits without those of `MAP_FIXED`.
const NOREPLACE: c_int = 0x0008;

fn protection(prot: c_int) -> MapFlags {
    let bit = |from, to| if prot & from != 0 { to } else { MapFlags::empty() };
    bit(PROT_READ, MapFlags::PROT_READ) | bit(PROT_WRITE, MapFlags::PROT_WRITE) | bit(PROT_EXEC, MapFlags::PROT_EXEC)
}

/// `mmap`, for C and for `libredox`. `fd` is looked at only without `MAP_ANONYMOUS`.
///
/// # Safety
/// With `MAP_FIXED`, what was at the address is not used any more.
pub unsafe fn map(
    address: usize,
    len: usize,
    prot: c_int,
    flags: c_int,
    fd: Result<usize>,
    offset: u64,
) -> Result<usize> {
    if len == 0 || !(offset as usize).is_multiple_of(PAGE) {
        return Err(error(EINVAL));
    }
    let size = len.checked_next_multiple_of(PAGE).ok_or(error(ENOMEM))?;
    let mut map = protection(prot);
    map |= match flags & (MAP_SHARED | MAP_PRIVATE) {
        MAP_SHARED => MapFlags::MAP_SHARED,
        MAP_PRIVATE => MapFlags::MAP_PRIVATE,
        _ => return Err(error(EINVAL)),
    };
    if flags & MAP_FIXED != 0 {
        map |= MapFlags::MAP_FIXED;
        map |= MapFlags::from_bits_retain((flags & NOREPLACE) as usize);
    }
    let fd = if flags & MAP_ANONYMOUS != 0 { ANONYMOUS } else { fd? };
    // SAFETY: as this function demands.
    unsafe { sys::fmap(fd, &Map { offset: offset as usize, size, flags: map, address }) }
}

/// `mmap`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap(
    address: *mut c_void,
    len: size_t,
    prot: c_int,
    flags: c_int,
    fd: c_int,
    offset: off_t,
) -> *mut c_void {
    // SAFETY: as for `map`.
    match unsafe { map(address as usize, len, prot, flags, descriptor(fd), offset as u64) } {
        Ok(address) => address as *mut c_void,
        Err(error) => {
            errno::set(error.errno);
            MAP_FAILED
        }
    }
}

/// `munmap`, for C and for `libredox`.
///
/// # Safety
/// The memory is not used any more.
pub unsafe fn unmap(address: usize, len: usize) -> Result<usize> {
    if len == 0 {
        return Err(error(EINVAL));
    }
    let size = len.checked_next_multiple_of(PAGE).ok_or(error(EINVAL))?;
    // SAFETY: as this function demands.
    unsafe { sys::funmap(address, size) }
}

/// `munmap`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn munmap(address: *mut c_void, len: size_t) -> c_int {
    // SAFETY: POSIX demands that nobody uses the memory.
    errno::zero(unsafe { unmap(address as usize, len) })
}

/// `mprotect`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mprotect(address: *mut c_void, len: size_t, prot: c_int) -> c_int {
    let Some(size) = len.checked_next_multiple_of(PAGE) else {
        return errno::fail(ENOMEM);
    };
    if size == 0 {
        return 0;
    }
    // SAFETY: the program knows what it uses.
    errno::zero(unsafe { sys::mprotect(address as usize, size, protection(prot)) })
}

/// `madvise`: advice that changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn madvise(_address: *mut c_void, _len: size_t, _advice: c_int) -> c_int {
    0
}

/// `msync`: mappings of a scheme's memory are the scheme's memory.
#[unsafe(no_mangle)]
pub extern "C" fn msync(_address: *mut c_void, _len: size_t, _flags: c_int) -> c_int {
    0
}

/// `mlock`: there is no swap.
#[unsafe(no_mangle)]
pub extern "C" fn mlock(_address: *const c_void, _len: size_t) -> c_int {
    0
}

/// `munlock`.
#[unsafe(no_mangle)]
pub extern "C" fn munlock(_address: *const c_void, _len: size_t) -> c_int {
    0
}

/// `mlockall`: there is no swap, so all memory that is touched stays.
#[unsafe(no_mangle)]
pub extern "C" fn mlockall(flags: c_int) -> c_int {
    /// `MCL_CURRENT`, `MCL_FUTURE` and `MCL_ONFAULT`.
    const KNOWN: c_int = 7;
    if flags == 0 || flags & !KNOWN != 0 { errno::fail(EINVAL) } else { 0 }
}

/// `munlockall`.
#[unsafe(no_mangle)]
pub extern "C" fn munlockall() -> c_int {
    0
}

/// `posix_madvise`: advice that changes nothing. Answers the error number itself.
#[unsafe(no_mangle)]
pub extern "C" fn posix_madvise(_address: *mut c_void, _len: size_t, _advice: c_int) -> c_int {
    0
}
