//! Schemes: what a descriptor can lead to.
//!
//! A [`Description`] is what descriptors share: an offset, flags, and a [`Target`]. The target is either an object of a kernel
//! scheme ([`Object`]) or a number at a user scheme (`user`), whose daemon is asked over its socket.
//!
//! | scheme | module | objects |
//! |---|---|---|
//! | `debug` | `debug` | the console |
//! | `event` | `event` | event queues |
//! | `memory` | `memory` | anonymous, physical and contiguous memory |
//! | | `ports` | ranges of I/O ports |
//! | `pipe` | `pipe` | pipe ends |
//! | `irq` | `irq` | interrupt lines |
//! | `time` | `time` | clocks |
//! | `sys` | `sys`, `trace` | texts about the system; the calls of a process |
//! | `kernel.proc` | `proc` | threads, address spaces, descriptor tables |
//! | `kernel.acpi` | `acpi` | the firmware's tables |
//! | `serio` | `serio` | bytes of the PS/2 ports |

pub mod acpi;
pub mod debug;
pub mod description;
pub mod event;
pub mod input;
pub mod irq;
pub mod memory;
pub mod object;
pub mod pipe;
pub mod ports;
pub mod proc;
pub mod serio;
pub mod sys;
pub mod time;
pub mod trace;
pub mod user;

pub use description::{Description, Target};
pub use object::{Holder, Io, MapSource, Object, Opened};
