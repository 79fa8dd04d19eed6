//! `dlfcn.h`: programs here are linked statically, so there is one object, the program itself, and it has no table of
//! symbols. These functions say so.

use core::ffi::c_void;
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

use libc::{Dl_info, c_char, c_int};

use crate::rt::start;
use crate::rt::tcb::image;

/// What `dlopen` answers for the program itself.
static PROGRAM: u8 = 0;

/// What went wrong last, for `dlerror`. Of the whole process: it is always one of a few texts.
static PROBLEM: AtomicPtr<c_char> = AtomicPtr::new(null_mut());

fn fail<T>(text: &'static core::ffi::CStr) -> *mut T {
    PROBLEM.store(text.as_ptr().cast_mut(), Ordering::Relaxed);
    null_mut()
}

/// `dlopen`.
#[unsafe(no_mangle)]
pub extern "C" fn dlopen(path: *const c_char, _flags: c_int) -> *mut c_void {
    if path.is_null() {
        return (&raw const PROGRAM).cast_mut().cast();
    }
    fail(c"programs of this system are linked statically and load no objects")
}

/// `dlsym`.
#[unsafe(no_mangle)]
pub extern "C" fn dlsym(_object: *mut c_void, _name: *const c_char) -> *mut c_void {
    fail(c"the program is linked statically and has no table of symbols")
}

/// `dlclose`.
#[unsafe(no_mangle)]
pub extern "C" fn dlclose(object: *mut c_void) -> c_int {
    if object.cast_const() == (&raw const PROGRAM).cast() {
        return 0;
    }
    fail::<c_void>(c"this is no object that dlopen answered");
    -1
}

/// `dlerror`.
#[unsafe(no_mangle)]
pub extern "C" fn dlerror() -> *mut c_char {
    PROBLEM.swap(null_mut(), Ordering::Relaxed)
}

/// `dladdr`: knows the program, not its symbols.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dladdr(address: *const c_void, to: *mut Dl_info) -> c_int {
    let Some(aux) = start::aux() else { return 0 };
    // SAFETY: `aux` describes the program headers of this program.
    let (base, end) = unsafe { image(aux) };
    if !(base..end).contains(&(address as usize)) {
        return 0;
    }
    let info = Dl_info {
        dli_fname: start::program(),
        dli_fbase: base as *mut c_void,
        dli_sname: null(),
        dli_saddr: null_mut(),
    };
    // SAFETY: the caller demands a place for the answer.
    unsafe { to.write(info) };
    1
}
