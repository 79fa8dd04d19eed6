//! What the two systems do differently, behind one set of names; the only module with `unsafe` in it.
//!
//! [`posix`] is what both share through their C library. [`linux`] and [`ochre`] each provide the same items; a row is
//! written once against them. A row that a system cannot run yet answers an error of kind `Unsupported`.
#![allow(unsafe_code)]

#[cfg(target_os = "redox")]
#[path = "../churn.rs"]
mod churn;
mod posix;
pub use posix::*;

#[cfg(target_os = "linux")]
mod fuse;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;

#[cfg(target_os = "redox")]
mod ochre;
#[cfg(target_os = "redox")]
pub use ochre::*;
