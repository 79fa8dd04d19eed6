//! The benchmark of the desktop, inside it: a service that is started last (`desk.toml`), looks at what everything else does, and
//! presses keys and moves the pointer as a device would. It prints what the benchmark program prints (`main.rs`).
//!
//! Under `-icount shift=0` a nanosecond of a thread's time is one instruction: what an event costs is the sum over all threads of what
//! they have used more when everything is quiet again. Waiting, for the next picture for instance, costs nothing.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod inside;

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = inside::run() {
        println!("bench failed {error}");
    }
    println!("bench end");
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("this benchmark runs in Ochre only");
}
