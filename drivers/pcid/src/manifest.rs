//! Drivers' toml files: which devices a driver is for and all that it may touch.
//!
//! ```toml
//! program = "virtio-gpud"         # in /scheme/initfs/bin
//! serves = "display.{device}"     # the scheme that it serves, if any
//! schemes = ["input"]             # the schemes that it can reach; none unless named
//!
//! [[match]]
//! pci = "1af4:1050"               # vendor and device
//! class = "03.80"                 # class and subclass, and the interface if that matters; all that is said must be so
//!
//! [grant]
//! bars = { 4 = "uc" }             # its regions and how they are cached: uc, wc or wb; ports have none
//! interrupts = 2                  # how many it can use
//! dma = true                      # it may read and write memory by itself
//! open = { screen = "/scheme/debug/screen" }  # descriptors besides, by the names under which it finds them
//! ```
//!
//! A driver of what is on no bus, the keyboard controller for instance, says `fixed = "NAME"` instead of `pci`: it is started where all
//! that it opens is there.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::function::Function;

/// A driver's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The program's name.
    pub program: String,
    /// The scheme that it serves; `{device}` stands for the device's name.
    pub serves: Option<String>,
    /// Schemes that it can reach.
    #[serde(default)]
    pub schemes: Vec<String>,
    /// Devices that it is for.
    #[serde(rename = "match")]
    matches: Vec<Match>,
    /// What it is given.
    #[serde(default)]
    pub grant: Wishes,
}

/// A device: all that is said of it must be so.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Match {
    pci: Option<String>,
    class: Option<String>,
    fixed: Option<String>,
}

/// What a driver is given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wishes {
    /// Regions, and how they are cached.
    bars: BTreeMap<String, Cache>,
    /// Interrupts that it can use.
    pub interrupts: u16,
    /// Whether it may read and write memory by itself.
    pub dma: bool,
    /// Descriptors besides.
    pub open: BTreeMap<String, String>,
}

/// How a region is cached.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Cache {
    /// Not.
    Uc,
    /// Stores are combined.
    Wc,
    /// As memory is.
    Wb,
}

impl Cache {
    /// Its name in the scheme `memory`.
    pub fn name(self) -> &'static str {
        match self {
            Cache::Uc => "uc",
            Cache::Wc => "wc",
            Cache::Wb => "wb",
        }
    }
}

/// Names that the program finds other things under.
const TAKEN: [&str; 6] = ["device", "config", "signal", "scheme", "events", "leash"];

impl Manifest {
    /// Reads a file; an error is a sentence for whoever wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let manifest: Manifest = toml::from_str(text).map_err(|error| error.to_string())?;
        let is_name = |name: &str| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "=/:".contains(c));
        if !is_name(&manifest.program) {
            return Err(format!("{:?} is no name of a program", manifest.program));
        }
        for found in &manifest.matches {
            found.check()?;
        }
        if let Some(wrong) = manifest.grant.bars.keys().find(|name| bar_number(name).is_none()) {
            return Err(format!("there is no region {wrong}: they are 0 to 5"));
        }
        let wrong = |name: &&String| !is_name(name) || TAKEN.contains(&name.as_str());
        if let Some(wrong) = manifest.grant.open.keys().find(wrong) {
            return Err(format!("{wrong:?} cannot be the name of a descriptor"));
        }
        Ok(manifest)
    }

    /// How well it fits a function: the more is said, the better; none when it does not fit.
    pub fn fits(&self, function: &Function) -> Option<usize> {
        self.matches.iter().filter_map(|found| found.fits(function)).max()
    }

    /// The name of the fixed device that it is for.
    pub fn fixed(&self) -> Option<&str> {
        self.matches.iter().find_map(|found| found.fixed.as_deref())
    }

    /// Whether it drives a screen on the bus: what `graphics=loader` leaves alone.
    pub fn is_for_screens(&self) -> bool {
        self.fixed().is_none() && self.serves.as_deref().is_some_and(|scheme| scheme.starts_with("display."))
    }

    /// The regions that it wants.
    pub fn bars(&self) -> impl Iterator<Item = (usize, Cache)> {
        self.grant.bars.iter().filter_map(|(name, cache)| Some((bar_number(name)?, *cache)))
    }

    /// The name of the scheme that it serves for a device.
    pub fn scheme_for(&self, device: &str) -> Option<String> {
        self.serves.as_ref().map(|name| name.replace("{device}", device))
    }
}

fn bar_number(name: &str) -> Option<usize> {
    name.parse().ok().filter(|number| *number < 6)
}

/// Hexadecimal numbers between `separator`, each of `digits` digits.
fn numbers(text: &str, separator: char, digits: usize) -> Option<Vec<u16>> {
    let number = |part: &str| (part.len() == digits).then(|| u16::from_str_radix(part, 16).ok()).flatten();
    text.split(separator).map(number).collect()
}

/// Vendor and device.
fn ids(text: &str) -> Option<[u16; 2]> {
    numbers(text, ':', 4)?.try_into().ok()
}

/// Class, and as much behind it as is said.
fn class(text: &str) -> Option<Vec<u16>> {
    numbers(text, '.', 2).filter(|parts| parts.len() <= 3)
}

impl Match {
    fn check(&self) -> Result<(), String> {
        let Match { pci, class, fixed } = self;
        let right = match fixed {
            Some(name) => pci.is_none() && class.is_none() && !name.is_empty() && !name.contains(char::is_whitespace),
            None => {
                let said = pci.is_some() || class.is_some();
                said && pci.as_deref().is_none_or(|text| ids(text).is_some())
                    && class.as_deref().is_none_or(|text| self::class(text).is_some())
            }
        };
        if right { Ok(()) } else { Err(format!("{self:?} names no device")) }
    }

    /// How many numbers of the function are said; none when one of them is another.
    fn fits(&self, function: &Function) -> Option<usize> {
        let mut said = 0;
        if let Some(text) = &self.pci {
            // Ids say more than any class.
            said += function.class.len() + 1;
            (ids(text)? == [function.id.0, function.id.1]).then_some(())?;
        }
        if let Some(text) = &self.class {
            let parts = class(text)?;
            parts.iter().zip(function.class).all(|(part, class)| *part == u16::from(class)).then_some(())?;
            said += parts.len();
        }
        (said != 0).then_some(said)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::Address;

    /// A function with nothing but ids.
    pub(crate) fn function(id: (u16, u16), class: [u8; 3]) -> Function {
        Function {
            address: Address { bus: 0, device: 2, function: 0 },
            id,
            subsystem: (0, 0),
            class,
            revision: 0,
            bridge: false,
            regions: [None; 6],
            line: None,
            msi: None,
            msix: None,
        }
    }

    const GPU: &str = r#"
        program = "virtio-gpud"
        serves = "display.{device}"
        schemes = ["input"]
        [[match]]
        pci = "1af4:1050"
        [[match]]
        class = "03.00"
        [grant]
        bars = { 4 = "uc", 0 = "wc" }
        interrupts = 2
        dma = true
        open = { screen = "/scheme/debug/screen" }
    "#;

    #[test]
    fn a_file() {
        let manifest = Manifest::parse(GPU).unwrap();
        assert_eq!(manifest.scheme_for("00-02.0").as_deref(), Some("display.00-02.0"));
        assert_eq!(manifest.bars().collect::<Vec<_>>(), [(0, Cache::Wc), (4, Cache::Uc)]);
        assert!(manifest.grant.dma && manifest.grant.interrupts == 2 && manifest.fixed().is_none());
        assert_eq!(manifest.fits(&function((0x1af4, 0x1050), [3, 0, 0])), Some(4));
        assert_eq!(manifest.fits(&function((0x1234, 0x1111), [3, 0, 0])), Some(2));
        assert_eq!(manifest.fits(&function((0x1af4, 0x1051), [3, 1, 0])), None);
    }

    #[test]
    fn screens_on_the_bus_and_others() {
        assert!(Manifest::parse(GPU).unwrap().is_for_screens());
        for text in ["[[match]]\npci = \"1af4:1052\"", "serves = \"display.{device}\"\n[[match]]\nfixed = \"loader\""] {
            assert!(!Manifest::parse(&format!("program = \"x\"\n{text}")).unwrap().is_for_screens(), "{text}");
        }
    }

    #[test]
    fn all_that_is_said_must_be_so() {
        let text = "program = \"x\"\n[[match]]\npci = \"1af4:1050\"\nclass = \"03.80\"";
        let manifest = Manifest::parse(text).unwrap();
        assert_eq!(manifest.fits(&function((0x1af4, 0x1050), [3, 0x80, 9])), Some(6));
        assert_eq!(manifest.fits(&function((0x1af4, 0x1050), [3, 0, 0])), None);
        assert_eq!(manifest.fits(&function((0x1af4, 0x1051), [3, 0x80, 0])), None);
    }

    #[test]
    fn nothing_is_given_unasked() {
        let manifest = Manifest::parse("program = \"x\"\n[[match]]\nfixed = \"ps2\"").unwrap();
        assert_eq!((manifest.fixed(), manifest.bars().count(), manifest.schemes.len()), (Some("ps2"), 0, 0));
        assert!(!manifest.grant.dma && manifest.grant.interrupts == 0 && manifest.grant.open.is_empty());
    }

    #[test]
    fn files_that_are_wrong_say_why() {
        let wrong = |from: &str, to: &str| Manifest::parse(&GPU.replace(from, to)).unwrap_err();
        assert!(wrong("virtio-gpud", "../x").contains("no name"));
        assert!(wrong("1af4:1050", "1af4").contains("names no device"));
        assert!(wrong("03.00", "3.0").contains("names no device"));
        assert!(wrong("class = \"03.00\"", "").contains("names no device"));
        assert!(wrong("class = \"03.00\"", "class = \"03\"\nfixed = \"x\"").contains("names no device"));
        assert!(wrong("4 =", "6 =").contains("no region 6"));
        assert!(wrong("screen =", "leash =").contains("leash"));
        assert!(wrong("dma =", "dmaa =").contains("dmaa"));
        assert!(wrong("\"uc\"", "\"ux\"").contains("ux"));
        assert!(!wrong("program", "programm").is_empty());
        assert!(!wrong("pci", "usb").is_empty());
    }
}
