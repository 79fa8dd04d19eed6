//! Starting processes with exactly what they are given: descriptors, name space, credentials. What `bootstrap` and `init` start
//! daemons with, and what a sandbox is made of: nothing is inherited that is not named.
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! # #[cfg(target_os = "redox")] {
//! let program = ochre_spawn::Program::open("/scheme/initfs/bin/zerod")?;
//! let process = program.spawn("zerod").inherit(2, 2).namespace(7).start()?;
//! println!("{}", process.wait()?);
//! # }
//! # Ok(())
//! # }
//! ```

mod program;
mod request;
mod status;

#[cfg(target_os = "redox")]
mod process;

#[cfg(target_os = "redox")]
pub use process::Process;
pub use program::Program;
pub use request::Spawn;
pub use status::End;
