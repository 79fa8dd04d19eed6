//! Makes what Ochre boots from. [`initfs`] writes the archive that the loader hands to the kernel, [`live`] the packed root directory
//! in it, [`symbols`] the table with which a kernel panic names addresses, [`iso`] the image that boots from a CD or a USB stick.
//!
//! The binary `ochre-image` is these on the command line.
#![forbid(unsafe_code)]

pub mod initfs;
pub mod iso;
pub mod live;
pub mod symbols;
