//! Where a virtio device has its registers (section 4.1.4): told by vendor capabilities in its configuration space.

/// Offsets in the configuration space (PCI 3.0, section 6.1), and bits.
const STATUS: usize = 0x06;
const HAS_LIST: u16 = 1 << 4;
const LIST: usize = 0x34;
const VENDOR: u8 = 0x09;
/// First place where a capability can be, and how many there can be at most.
const FIRST: usize = 0x40;
const MOST: usize = 48;

/// Kinds of structure (`cfg_type`).
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const ISR: u8 = 3;
const DEVICE: u8 = 4;

/// Registers in one of the device's regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the region.
    pub bar: u8,
    /// First byte in it.
    pub offset: u32,
    /// Bytes.
    pub len: u32,
}

/// Where everything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// What all devices have.
    pub common: Place,
    /// Notifications.
    pub notify: Place,
    /// Bytes from one queue's notification to the next one's.
    pub multiplier: u32,
    /// Why the device interrupts, when it does so by a line.
    pub isr: Place,
    /// What is this kind of device's own; some have nothing.
    pub device: Option<Place>,
}

impl Capabilities {
    /// Reads them from a configuration space of 256 bytes; none when something is missing or makes no sense.
    pub fn parse(config: &[u8; 256]) -> Option<Self> {
        let word = |at: usize| u16::from_le_bytes([config[at], config[at + 1]]);
        if word(STATUS) & HAS_LIST == 0 {
            return None;
        }
        let (mut common, mut notify, mut isr, mut device) = (None, None, None, None);
        let mut at = usize::from(config[LIST] & !3);
        for _ in 0..MOST {
            if at < FIRST {
                break;
            }
            if config[at] == VENDOR
                && let Some((kind, place, extra)) = structure(config, at)
            {
                // The first of a kind is the one that the device prefers.
                match kind {
                    COMMON => common = common.or(Some(place)),
                    NOTIFY => notify = notify.or(Some((place, extra?))),
                    ISR => isr = isr.or(Some(place)),
                    DEVICE => device = device.or(Some(place)),
                    _ => {}
                }
            }
            at = usize::from(config[at + 1] & !3);
        }
        let (notify, multiplier) = notify?;
        Some(Self { common: common?, notify, multiplier, isr: isr?, device })
    }
}

/// Kind and place of the structure at `at`, and the number behind it if it is long enough.
fn structure(config: &[u8; 256], at: usize) -> Option<(u8, Place, Option<u32>)> {
    let bytes = config.get(at..at + usize::from(config[at + 2]))?;
    let number = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let place = Place { bar: *bytes.get(4)?, offset: number(8)?, len: number(12)? };
    (place.bar < 6).then_some((bytes[3], place, number(16)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capability(config: &mut [u8; 256], at: usize, next: u8, kind: u8, place: Place, extra: Option<u32>) {
        let len = if extra.is_some() { 20 } else { 16 };
        config[at..at + 5].copy_from_slice(&[VENDOR, next, len, kind, place.bar]);
        config[at + 8..at + 12].copy_from_slice(&place.offset.to_le_bytes());
        config[at + 12..at + 16].copy_from_slice(&place.len.to_le_bytes());
        if let Some(extra) = extra {
            config[at + 16..at + 20].copy_from_slice(&extra.to_le_bytes());
        }
    }

    fn device() -> ([u8; 256], Place) {
        let place = Place { bar: 4, offset: 0x1000, len: 0x100 };
        let mut config = [0; 256];
        config[STATUS] = HAS_LIST as u8;
        config[LIST] = 0x40;
        capability(&mut config, 0x40, 0x50, COMMON, place, None);
        capability(&mut config, 0x50, 0x60, ISR, place, None);
        capability(&mut config, 0x60, 0x80, NOTIFY, place, Some(4));
        capability(&mut config, 0x80, 0, DEVICE, place, None);
        (config, place)
    }

    #[test]
    fn all_four_are_found() {
        let (config, place) = device();
        let all = Capabilities { common: place, notify: place, multiplier: 4, isr: place, device: Some(place) };
        assert_eq!(Capabilities::parse(&config), Some(all));
    }

    #[test]
    fn what_is_missing_or_senseless_is_no_device() {
        let change = |act: fn(&mut [u8; 256])| {
            let (mut config, _) = device();
            act(&mut config);
            Capabilities::parse(&config)
        };
        assert_eq!(change(|config| config[STATUS] = 0), None);
        assert_eq!(change(|config| config[0x44] = 6), None);
        assert_eq!(change(|config| config[0x62] = 16), None);
        assert_eq!(change(|config| config[0x62] = 255), None);
        assert_eq!(change(|config| config[0x51] = 0), None);
        assert_eq!(change(|config| *config = [0xff; 256]), None);
        // A circle ends, and what is in it counts.
        assert!(change(|config| config[0x81] = 0x40).is_some());
        assert_eq!(change(|config| config[0x51] = 0x50), None);
    }

    #[test]
    fn random_bytes_do_no_harm() {
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut config = [0; 256];
            for byte in &mut config {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (state >> 56) as u8;
            }
            config[STATUS] |= HAS_LIST as u8;
            let _ = Capabilities::parse(&config);
        }
    }
}
