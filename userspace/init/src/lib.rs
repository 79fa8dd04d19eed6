//! Services: what is started when the system comes up, what is started again when it dies, and in which order all of it ends.
//!
//! [`unit`] reads what a service is; [`supervisor`] is the state machine that decides, told what happened and asked what to do;
//! [`control`] is the scheme `init`, through which people look and command. None of them does anything itself: `main.rs` starts
//! processes, waits for events, and carries out what the supervisor says.
#![forbid(unsafe_code)]

pub mod control;
pub mod supervisor;
pub mod unit;
