//! What every scheme daemon shares: the loop that takes requests and gives answers, requests that wait until something is
//! ready, events, advisory locks, registration and the notice of readiness.
//!
//! A daemon implements [`SchemeSync`] of crate `redox-scheme` for its state, and [`Scheme`] beside it for what that trait
//! has no place for; then [`serve`] does the rest. [`Server`] is the loop itself, which knows the socket only as a [`Link`],
//! so that a test on another system can stand in for the kernel (module `fake`).
//!
//! Neighbours: below is crate `redox-scheme`, which decodes requests; above are the daemons in `schemes/` and `drivers/`.
#![deny(unsafe_code)]

#[cfg(any(test, feature = "fake"))]
pub mod fake;
mod handles;
mod link;
pub mod locks;
#[cfg(target_os = "redox")]
mod memory;
mod parked;
mod raw;
mod ready;
mod scheme;
mod server;
#[cfg(target_os = "redox")]
mod socket;
pub mod std_fs;
#[cfg(test)]
mod tests;

pub use handles::Handles;
pub use link::{Answer, Link};
#[cfg(target_os = "redox")]
pub use memory::Memory;
pub use ready::Ready;
pub use redox_scheme::scheme::SchemeSync;
pub use redox_scheme::{CallerCtx, Id, OpenResult};
pub use scheme::{Offer, Scheme};
pub use server::{After, Server};
#[cfg(target_os = "redox")]
pub use socket::{Identifier, Port, notify_ready, serve};
pub use syscall;
pub use syscall::schemev2::NewFdFlags;
