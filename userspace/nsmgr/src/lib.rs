//! Name spaces: which schemes a process can name.
//!
//! A name space is an open number of this daemon; whoever has a descriptor of it can open the schemes that are in it and
//! nothing else. [`space`] holds name spaces and the rules for making one from another, [`request`] takes apart what clients
//! ask for, [`manager`] is the scheme. Nothing here touches a descriptor but through [`Descriptor`], so all of it is tested
//! on the host.
//!
//! ## From one name space to another
//! A *fork* shows some names of the name space that it was made of, for as long as both exist: a scheme that comes back
//! under its old name after its daemon was restarted, or a new one that fits a pattern, is there too. What is registered in
//! a fork stays in it. A fork cannot make schemes, unless it is granted [`request::CREATION`] by name.
//!
//! ## Who calls whom
//! The manager never waits for a daemon: one that does not answer, or that waits for the manager itself, would stop
//! everybody. Clients get a scheme's root here and open the rest there.
#![forbid(unsafe_code)]

pub mod manager;
pub mod request;
pub mod space;
#[cfg(test)]
mod tests;

/// A descriptor that the manager keeps: a scheme's root, or the right to make schemes. Closed when it is dropped.
pub trait Descriptor: Sized {
    /// Takes over the descriptor with this number.
    fn adopt(fd: usize) -> Self;

    /// The number of one more descriptor of the same, to be given away.
    fn duplicate(&self) -> scheme_server::syscall::error::Result<usize>;

    /// Whether the daemon behind it still exists, or may exist. Must not wait until it answers.
    fn is_alive(&self) -> bool;
}
