//! Unix sockets: streams, datagrams, sequenced packets, and the descriptors that go through them.
//!
//! | module | what |
//! |---|---|
//! | [`ring`], [`channel`] | what waits to be received |
//! | [`socket`] | one socket |
//! | [`ipc`] | all of them: making, closing, names, waiting |
//! | [`connect`], [`transfer`], [`rights`] | what is done with them |
//! | [`accounts`] | what each user may have |
//! | [`scheme`] | requests of clients, taken apart |
//!
//! Nothing outside is known but through [`ipc::System`], so that all of it runs in tests on another system.
#![forbid(unsafe_code)]

pub mod accounts;
pub mod channel;
pub mod connect;
pub mod ipc;
pub mod rights;
pub mod ring;
pub mod scheme;
pub mod socket;
pub mod transfer;
