//! A file system in RAM, with the semantics of POSIX: the file system of the live system, and of `/tmp`.
//!
//! | module | what |
//! |---|---|
//! | [`memory`], [`contents`] | pages, the limit, and the contents of files made of them |
//! | [`inode`], [`directory`], [`walk`] | files and names, and finding one by the other |
//! | [`fs`], [`access`], [`data`] | what can be done with names, who may do it, and what is in files |
//! | [`scheme`] | what clients have open |
//! | [`furnish`], [`options`] | what is there from the beginning, and what else the daemon is started with |
//!
//! Nothing here waits but at named pipes ([`fifo`]), and nothing but the clock, the system's memory and the groups of processes is outside.
#![forbid(unsafe_code)]

pub mod access;
pub mod contents;
pub mod data;
pub mod directory;
pub mod fifo;
pub mod fs;
pub mod furnish;
pub mod inode;
pub mod memory;
pub mod options;
pub mod scheme;
pub mod walk;
