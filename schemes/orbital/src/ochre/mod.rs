//! The display server in Ochre: its waiting, and its ends of the boundaries.

mod headless;
mod link;
mod queue;
mod timer;

pub use headless::run as run_headless;
