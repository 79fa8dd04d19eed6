//! The schemes `null`, `zero` and `rand`: what is empty, what is all zeros, what nobody can guess.
//!
//! One scheme serves all three ([`devices`]); its roots tell them apart. [`random`] is the generator, [`entropy`] what it is
//! seeded with.
#![deny(unsafe_code)]

pub mod devices;
pub mod entropy;
pub mod random;
