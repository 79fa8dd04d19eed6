//! The desktop in QEMU. [`machine`] is the virtual machine that it runs on, [`kvm`] finds out whether this host can run one fast,
//! [`show`] where it is to be seen; the binary `ochre-qemu` starts it for a person. [`tour`] drives it by keyboard and mouse and keeps
//! pictures: the binary `ochre-shots`.
#![forbid(unsafe_code)]

pub mod kvm;
pub mod machine;
pub mod show;
pub mod tour;
