//! A file system in RAM, with the semantics of POSIX: the file system of the live system, and of `/tmp`.
//!
//! | module | what |
//! |---|---|
//! | [`memory`], [`contents`] | pages, the limit, and the contents of files made of them |
//! | [`inode`], [`directory`], [`walk`] | files and names, and finding one by the other |
//! | [`fs`] | what can be done with them |
//! | [`scheme`] | what clients have open |
//! | [`furnish`], [`options`] | what is there from the beginning, and what else the daemon is started with |
//!
//! Nothing here waits but at named pipes ([`fifo`]), and nothing but the clock and the system's memory is outside.
#![forbid(unsafe_code)]

pub mod contents;
pub mod directory;
pub mod fifo;
pub mod fs;
pub mod furnish;
pub mod inode;
pub mod memory;
pub mod options;
pub mod scheme;
pub mod walk;
