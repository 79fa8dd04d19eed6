//! The display server in Ochre: its waiting, and its ends of the boundaries.

mod desktop;
mod headless;
mod input;
mod link;
mod queue;
mod screen;
mod server;
mod timer;

pub use desktop::run as run_desktop;
pub use headless::run as run_headless;
