//! The process manager's program. The first program starts it with what `ochre_abi::procmgr_fd` names; it answers with a
//! descriptor of that program's own process, sent over the pipe that `INIT_NOTIFY` names.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod kernel;
#[cfg(target_os = "redox")]
mod start;

#[cfg(target_os = "redox")]
fn main() {
    if let Err(error) = start::run() {
        eprintln!("procmgr: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("procmgr runs in Ochre only");
    std::process::exit(1);
}
