//! `pthread_atfork`: what a program wants done around a `fork`.

use libc::{ENOMEM, c_int};

use crate::rt::lock::Lock;

/// Handlers that can be registered.
const MOST: usize = 64;

type Handler = Option<unsafe extern "C" fn()>;

#[derive(Clone, Copy)]
struct Handlers {
    prepare: Handler,
    parent: Handler,
    child: Handler,
}

struct Registered {
    list: [Handlers; MOST],
    count: usize,
}

static REGISTERED: Lock<Registered> =
    Lock::new(Registered { list: [Handlers { prepare: None, parent: None, child: None }; MOST], count: 0 });

/// `pthread_atfork`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int {
    let mut registered = REGISTERED.lock();
    let count = registered.count;
    let Some(slot) = registered.list.get_mut(count) else { return ENOMEM };
    *slot = Handlers { prepare, parent, child };
    registered.count += 1;
    0
}

/// The handlers so far, in the order of their registration.
fn all() -> ([Handlers; MOST], usize) {
    let registered = REGISTERED.lock();
    (registered.list, registered.count)
}

fn call(handler: Handler) {
    if let Some(handler) = handler {
        // SAFETY: whoever registered it promised that.
        unsafe { handler() };
    }
}

/// Whether there are any: a look, for the most frequent case.
fn none() -> bool {
    REGISTERED.lock().count == 0
}

/// Before a `fork`: the newest first.
pub fn prepare() {
    if !none() {
        let (list, count) = all();
        list[..count].iter().rev().for_each(|handlers| call(handlers.prepare));
    }
}

/// Behind it, in the parent: the oldest first.
pub fn parent() {
    if !none() {
        let (list, count) = all();
        list[..count].iter().for_each(|handlers| call(handlers.parent));
    }
}

/// The same in the child.
pub fn child() {
    if !none() {
        let (list, count) = all();
        list[..count].iter().for_each(|handlers| call(handlers.child));
    }
}
