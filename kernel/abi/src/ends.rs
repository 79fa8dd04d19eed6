//! What `poll` tells of a descriptor beside readiness: a `SYS_CALL` with the words [`QUESTION`] and no payload, which sockets, pipes
//! and terminals answer with these bits. Whatever else there is answers an error, which stands for none of them.

/// The words. They are a socket's `GetOption` and its option `STATE` (crate `ochre-socket`): libc asks before it knows what it asks.
pub const QUESTION: [u64; 2] = [0x736b_7403, 257];
/// What is written goes nowhere, or there is an error to be asked for.
pub const ERROR: u64 = 1;
/// The other side sends nothing more.
pub const READ_END: u64 = 2;
/// Nothing goes either way any more.
pub const HANG_UP: u64 = 4;
