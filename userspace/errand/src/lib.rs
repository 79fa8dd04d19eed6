//! What the runner on the build machine (`tests/run`) and the program `errand` in the guest agree on: [`order`] says what is
//! to be run, [`wire`] how its input and output share the console with the kernel's messages, [`files`] what it finds.
#![forbid(unsafe_code)]

pub mod files;
pub mod order;
pub mod wire;
