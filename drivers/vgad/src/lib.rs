//! Frame buffers: that of the boot loader ([`loader`]), whatever hardware is behind it, and the standard VGA of QEMU and Bochs, whose
//! mode can be set ([`bochs`]).
#![forbid(unsafe_code)]

pub mod bochs;
pub mod loader;
