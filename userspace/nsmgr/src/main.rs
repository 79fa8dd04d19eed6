//! The name space manager's program. The first program starts it with the roots of the kernel's schemes and the right to
//! make schemes at the numbers of `ochre_abi::boot_fd`; it answers with a descriptor of the first name space, sent over the
//! pipe that `INIT_NOTIFY` names.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod start;

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = start::run() {
        eprintln!("nsmgr: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("nsmgr runs in Ochre only");
    std::process::exit(1);
}
