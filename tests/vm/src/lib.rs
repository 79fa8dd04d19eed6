//! A virtual machine that is driven by a program: what the whole-system tests and the runner have in common.
//!
//! [`qemu`] is the child process and what its guest says, [`qmp`] QEMU's control connection, [`screen`] what is to be seen, [`vnc`] a
//! window that changes its size; [`processors`] tells where those of a machine that hangs are.
#![forbid(unsafe_code)]

pub mod processors;
pub mod qemu;
pub mod qmp;
pub mod screen;
pub mod vnc;
