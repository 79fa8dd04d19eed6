//! What a driver was given, as its starter wrote it into the environment: words `name=descriptor` or `name=descriptor:bytes`.
//!
//! | name | gives |
//! |---|---|
//! | `device` | not a descriptor but the device's name, as in `/scheme/pci` |
//! | `config` | the function's configuration space, to be read |
//! | `bar0` to `bar5` | that region, to be mapped; with its length |
//! | `port0` to `port5` | that region of ports |
//! | `irq0`, `irq1`, … | interrupts |
//! | `dma`, `translation` | memory for the device, and its physical addresses |
//! | `scheme` | the socket of the scheme that the driver serves |
//! | `events` | an event queue |
//! | `leash` | a pipe that ends when the driver's starter does |
//! | others | what the toml file opened by name |

use std::collections::BTreeMap;

/// Environment variable that the grant is in.
pub const VARIABLE: &str = "OCHRE_GRANT";

/// One descriptor of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The descriptor.
    pub fd: usize,
    /// Its length, for what has one.
    pub len: usize,
}

/// All that a driver was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    device: String,
    granted: BTreeMap<String, Granted>,
}

impl Grant {
    /// Nothing, for this device.
    pub fn new(device: &str) -> Self {
        Self { device: device.into(), granted: BTreeMap::new() }
    }

    /// The grant of this process; an empty one when it was not started as a driver.
    pub fn take() -> Self {
        Self::parse(&std::env::var(VARIABLE).unwrap_or_default())
    }

    /// Adds a descriptor.
    pub fn add(&mut self, name: &str, granted: Granted) {
        self.granted.insert(name.into(), granted);
    }

    /// Reads what [`Grant::text`] wrote; words that are none are left out.
    pub fn parse(text: &str) -> Self {
        let mut grant = Self::default();
        for (name, value) in text.split_ascii_whitespace().filter_map(|word| word.split_once('=')) {
            if name == "device" {
                grant.device = value.into();
                continue;
            }
            let (fd, len) = value.split_once(':').unwrap_or((value, "0"));
            if let (Ok(fd), Ok(len)) = (fd.parse(), len.parse()) {
                grant.add(name, Granted { fd, len });
            }
        }
        grant
    }

    /// The grant as text for the environment.
    pub fn text(&self) -> String {
        let words = self.granted.iter().map(|(name, Granted { fd, len })| format!(" {name}={fd}:{len}"));
        format!("device={}{}", self.device, words.collect::<String>())
    }

    /// The device's name.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The descriptor of this name.
    pub fn get(&self, name: &str) -> Option<Granted> {
        self.granted.get(name).copied()
    }

    /// The interrupts, in their order.
    pub fn interrupts(&self) -> impl Iterator<Item = Granted> {
        (0..).map_while(|number| self.get(&format!("irq{number}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_read_back() {
        let mut grant = Grant::new("00-02.0");
        grant.add("bar4", Granted { fd: 7, len: 16384 });
        grant.add("irq0", Granted { fd: 8, len: 0 });
        grant.add("irq1", Granted { fd: 9, len: 0 });
        grant.add("irq3", Granted { fd: 10, len: 0 });
        let read = Grant::parse(&grant.text());
        assert_eq!(read, grant);
        assert_eq!((read.device(), read.get("bar4")), ("00-02.0", Some(Granted { fd: 7, len: 16384 })));
        assert_eq!(read.interrupts().map(|it| it.fd).collect::<Vec<_>>(), [8, 9]);
    }

    #[test]
    fn nonsense_is_left_out() {
        assert_eq!(
            Grant::parse("a b=c =5 x=1:y"),
            Grant { device: String::new(), granted: [(String::new(), Granted { fd: 5, len: 0 })].into() }
        );
    }
}
