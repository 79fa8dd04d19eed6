//! The other process of rows that need two: it plays one of these roles over a descriptor to read and one to write.

use std::str::FromStr;

use crate::sys::{self, Fd};

/// What a helper does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends back each byte it reads.
    Echo,
    /// Reads a count (`u32`, native order), yields so often, and answers with a byte.
    Yield,
}

impl Role {
    /// Name of the role on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Role::Echo => "echo",
            Role::Yield => "yield",
        }
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Role::Echo, Role::Yield].into_iter().find(|role| role.name() == name).ok_or(())
    }
}

/// Plays the role until the other end closes.
pub fn play(role: Role, input: &Fd, output: &Fd) {
    match role {
        Role::Echo => {
            let mut byte = [0];
            while input.read(&mut byte).is_ok_and(|n| n == 1) {
                if output.write(&byte).is_err() {
                    return;
                }
            }
        }
        Role::Yield => {
            sys::pin();
            let mut count = [0; 4];
            while input.read(&mut count).is_ok_and(|n| n == count.len()) {
                for _ in 0..u32::from_ne_bytes(count) {
                    sys::yield_now();
                }
                if output.write(&[0]).is_err() {
                    return;
                }
            }
        }
    }
}

/// Number of the descriptor that a helper started with arguments reads.
pub const INPUT: i32 = 3;
/// Number of the one it writes.
pub const OUTPUT: i32 = 4;

/// Plays the part that `--helper ROLE` or `--serve NAME` on the command line asks for; false when neither is there. This is how a
/// system without `fork` starts the other process.
pub fn play_if_asked() -> bool {
    let mut args = std::env::args().skip(1);
    match (args.next().as_deref(), args.next()) {
        (Some("--helper"), Some(name)) => {
            if let Ok(role) = name.parse() {
                play(role, &Fd::from_raw(INPUT), &Fd::from_raw(OUTPUT));
            }
            true
        }
        (Some("--serve"), Some(name)) => {
            if let Err(error) = sys::serve(&name, &Fd::from_raw(OUTPUT)) {
                println!("bench failed serve {name}: {error}");
            }
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_roles_agree() {
        assert_eq!("echo".parse(), Ok(Role::Echo));
        assert_eq!("yield".parse(), Ok(Role::Yield));
        assert_eq!("".parse::<Role>(), Err(()));
    }
}
