//! Values of a thread's own: keys, and the destructors of both keys and compiler-made thread-local values.

use core::ffi::c_void;
use core::ptr::null_mut;

use libc::{EAGAIN, EINVAL, ENOMEM, c_int, pthread_key_t};

use crate::rt::alloc;
use crate::rt::lock::{Lock, RawLock};
use crate::rt::tcb::{KEYS, Tcb, current};

type Destructor = unsafe extern "C" fn(*mut c_void);

/// Rounds in which destructors may set new values (`PTHREAD_DESTRUCTOR_ITERATIONS`).
const ROUNDS: usize = 4;

/// A key: in use when its generation is odd. A value belongs to the key only if it has the same generation.
#[derive(Clone, Copy)]
struct Key {
    generation: u32,
    destructor: Option<Destructor>,
}

static TABLE: Lock<[Key; KEYS]> = Lock::new([Key { generation: 0, destructor: None }; KEYS]);

/// The lock of this module, for `fork`.
pub fn lock() -> &'static RawLock {
    TABLE.raw()
}

fn in_use(key: Key) -> bool {
    key.generation % 2 == 1
}

/// `pthread_key_create`. Keys start at 1: some libraries take 0 for "none".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_key_create(answer: *mut pthread_key_t, destructor: Option<Destructor>) -> c_int {
    let mut table = TABLE.lock();
    let Some(index) = table.iter().position(|&key| !in_use(key)) else {
        return EAGAIN;
    };
    table[index].generation = table[index].generation.wrapping_add(1);
    table[index].destructor = destructor;
    // SAFETY: POSIX demands a place for the answer.
    unsafe { *answer = index + 1 };
    0
}

/// `pthread_key_delete`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_key_delete(key: pthread_key_t) -> c_int {
    let mut table = TABLE.lock();
    match table.get_mut(key.wrapping_sub(1)) {
        Some(key) if in_use(*key) => {
            key.generation = key.generation.wrapping_add(1);
            key.destructor = None;
            0
        }
        _ => EINVAL,
    }
}

/// `pthread_setspecific`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_setspecific(key: pthread_key_t, value: *const c_void) -> c_int {
    let index = key.wrapping_sub(1);
    let Some(found) = TABLE.lock().get(index).copied().filter(|&key| in_use(key)) else {
        return EINVAL;
    };
    // SAFETY: the calling thread's own block; the index is within it.
    unsafe {
        let tcb = current();
        (*tcb).specific[index] = (found.generation, value.cast_mut());
        (*tcb).any_specific = true;
    }
    0
}

/// `pthread_getspecific`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_getspecific(key: pthread_key_t) -> *mut c_void {
    let index = key.wrapping_sub(1);
    let Some(found) = TABLE.lock().get(index).copied() else {
        return null_mut();
    };
    // SAFETY: the calling thread's own block; the index is within it.
    let (generation, value) = unsafe { (*current()).specific[index] };
    if generation == found.generation && in_use(found) { value } else { null_mut() }
}

/// A destructor that waits for the end of its thread.
struct Waiting {
    destructor: Destructor,
    object: *mut c_void,
    next: *mut Waiting,
}

/// `__cxa_thread_atexit_impl`: runs `destructor(object)` when the calling thread ends. Programs are static, so `dso` does
/// not matter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __cxa_thread_atexit_impl(
    destructor: Destructor,
    object: *mut c_void,
    _dso: *mut c_void,
) -> c_int {
    let waiting = alloc::allocate(size_of::<Waiting>()).cast::<Waiting>();
    if waiting.is_null() {
        return ENOMEM;
    }
    // SAFETY: the block is new and large enough; the list is the calling thread's own.
    unsafe {
        let tcb = current();
        waiting.write(Waiting { destructor, object, next: (*tcb).destructors.cast() });
        (*tcb).destructors = waiting.cast();
    }
    0
}

/// Runs what the calling thread has to run at its end, and leaves its values empty.
pub fn run_destructors() {
    let tcb = current();
    // SAFETY: the calling thread's own block; whoever registered a destructor promised that it can be called.
    unsafe {
        for _ in 0..ROUNDS {
            run_waiting(tcb);
            if !(*tcb).any_specific {
                break;
            }
            (*tcb).any_specific = false;
            for index in 0..KEYS {
                let (generation, value) = (*tcb).specific[index];
                (*tcb).specific[index] = (0, null_mut());
                let key = TABLE.lock()[index];
                if let (false, Some(destructor)) = (value.is_null() || generation != key.generation, key.destructor) {
                    destructor(value);
                }
            }
        }
        run_waiting(tcb);
        (*tcb).specific.fill((0, null_mut()));
    }
}

/// Runs the waiting destructors, newest first, also those that come in meanwhile.
unsafe fn run_waiting(tcb: *mut Tcb) {
    // SAFETY: the list is the calling thread's own.
    unsafe {
        while !(*tcb).destructors.is_null() {
            let first = (*tcb).destructors.cast::<Waiting>();
            let Waiting { destructor, object, next } = first.read();
            (*tcb).destructors = next.cast();
            alloc::release(first.cast());
            destructor(object);
        }
    }
}
