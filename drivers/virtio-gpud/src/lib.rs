//! The virtio graphics device (Virtual I/O Device specification 1.2, section 5.7), its flat side: pictures in memory that the device
//! copies to the screen when it is told which parts.
//!
//! [`command`] knows the bytes, [`slots`] what is on its way, [`gpu`] what is done when. Nothing waits: what does not go out at
//! once goes out when something comes back.
#![forbid(unsafe_code)]

pub mod command;
pub mod gpu;
pub mod slots;
