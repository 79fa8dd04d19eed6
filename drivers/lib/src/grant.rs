//! What a driver was given, as its starter wrote it into the environment: words `name=descriptor:bytes:offset`.
//!
//! | name | gives |
//! |---|---|
//! | `device` | not a descriptor but the device's name, as in `/scheme/pci` |
//! | `config` | nor this: the first 256 bytes of the function's configuration space |
//! | `signal` | nor this: how it interrupts, `none`, `line`, `msi` or `msix` |
//! | `bar0` to `bar5` | that region of memory, to be mapped |
//! | `port0` to `port5` | that region of ports |
//! | `irq0`, `irq1`, … | interrupts |
//! | `dma`, `translation` | memory for the device, and its physical addresses |
//! | `scheme` | the socket of the scheme that the driver serves |
//! | `events` | an event queue |
//! | `leash` | a pipe that ends when the driver's starter does |
//! | others | what the toml file opened by name |

use std::collections::BTreeMap;
use std::fmt::Write;

/// Environment variable that the grant is in.
pub const VARIABLE: &str = "OCHRE_GRANT";
/// Bytes of configuration space that a driver is told.
pub const CONFIG: usize = 256;

/// One descriptor of a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// The descriptor.
    pub fd: usize,
    /// Bytes, for what has a length.
    pub len: usize,
    /// Where they begin in the first page, for what is mapped.
    pub offset: usize,
}

/// How the device interrupts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signal {
    /// Not at all.
    #[default]
    None,
    /// By its line, which it must be told to quiet.
    Line,
    /// By one message.
    Msi,
    /// By messages of which each of its sources has its own choice.
    Msix,
}

impl Signal {
    const NAMES: [(Signal, &'static str); 4] =
        [(Signal::None, "none"), (Signal::Line, "line"), (Signal::Msi, "msi"), (Signal::Msix, "msix")];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(signal, _)| *signal == self).map_or("none", |(_, name)| name)
    }

    fn named(name: &str) -> Self {
        Self::NAMES.iter().find(|(_, known)| *known == name).map_or(Signal::None, |(signal, _)| *signal)
    }
}

/// All that a driver was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    device: String,
    /// How the device interrupts.
    pub signal: Signal,
    /// The function's configuration space, as it was when the driver was started.
    pub config: Option<Box<[u8; CONFIG]>>,
    granted: BTreeMap<String, Granted>,
}

impl Grant {
    /// Nothing, for this device.
    pub fn new(device: &str) -> Self {
        Self { device: device.into(), ..Self::default() }
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
            match name {
                "device" => grant.device = value.into(),
                "signal" => grant.signal = Signal::named(value),
                "config" => grant.config = bytes(value),
                _ => grant.granted.extend(granted(value).map(|granted| (name.into(), granted))),
            }
        }
        grant
    }

    /// The grant as text for the environment.
    pub fn text(&self) -> String {
        let mut text = format!("device={} signal={}", self.device, self.signal.name());
        for (name, Granted { fd, len, offset }) in &self.granted {
            // Writing to a string cannot fail.
            let _ = write!(text, " {name}={fd}:{len}:{offset}");
        }
        if let Some(config) = &self.config {
            text.push_str(" config=");
            for byte in config.iter() {
                let _ = write!(text, "{byte:02x}");
            }
        }
        text
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

fn granted(value: &str) -> Option<Granted> {
    let mut numbers = value.split(':').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Granted { fd: next()?, len: next()?, offset: next()? })
}

fn bytes(hex: &str) -> Option<Box<[u8; CONFIG]>> {
    let mut bytes = Box::new([0; CONFIG]);
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_read_back() {
        let mut grant = Grant::new("00-02.0");
        let fd = |fd| Granted { fd, ..Granted::default() };
        grant.add("bar4", Granted { fd: 7, len: 16384, offset: 256 });
        for (name, number) in [("irq0", 8), ("irq1", 9), ("irq3", 10)] {
            grant.add(name, fd(number));
        }
        grant.signal = Signal::Msix;
        grant.config = Some(Box::new(std::array::from_fn(|place| place as u8)));
        let read = Grant::parse(&grant.text());
        assert_eq!(read, grant);
        assert_eq!(read.device(), "00-02.0");
        assert_eq!(read.get("bar4"), Some(Granted { fd: 7, len: 16384, offset: 256 }));
        assert_eq!(read.interrupts().map(|it| it.fd).collect::<Vec<_>>(), [8, 9]);
    }

    #[test]
    fn nonsense_is_left_out() {
        let grant = Grant::parse("a b=c x=1:y e=1:2 signal=drums config=00ff =5:0:0");
        assert_eq!(grant.granted.keys().collect::<Vec<_>>(), [""]);
        assert_eq!((grant.signal, grant.config), (Signal::None, None));
    }
}
