//! Virtio input devices (Virtual I/O Device specification 1.2, section 5.8): their events are those of Linux' event devices.
//!
//! [`translate`] knows what events mean, [`device`] how they come and lights go.
#![forbid(unsafe_code)]

pub mod device;
pub mod translate;
