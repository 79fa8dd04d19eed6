//! PS/2 keyboard and mouse: what their bytes mean (IBM PS/2 Hardware Interface Technical Reference; Microsoft's additions for wheels
//! and more buttons). State machines: bytes in, events and bytes to send out.
#![forbid(unsafe_code)]

pub mod commands;
pub mod keyboard;
pub mod mouse;
