//! Tests of the whole manager, through a stand-in for the kernel and its clients.

mod groups;
mod life;
mod users;
mod world;
