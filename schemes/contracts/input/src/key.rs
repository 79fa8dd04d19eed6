//! Numbers of keys: those of the crate `orbclient`, which are the scan codes of the IBM PC where it had the key (set 1), and others
//! above. They name places on the keyboard, not what is printed there.

/// Escape.
pub const ESCAPE: u8 = 0x01;
/// Backspace.
pub const BACKSPACE: u8 = 0x0e;
/// Tab.
pub const TAB: u8 = 0x0f;
/// Enter.
pub const ENTER: u8 = 0x1c;
/// Left control.
pub const LEFT_CTRL: u8 = 0x1d;
/// Left shift.
pub const LEFT_SHIFT: u8 = 0x2a;
/// Right shift.
pub const RIGHT_SHIFT: u8 = 0x36;
/// Print screen.
pub const PRINT: u8 = 0x37;
/// Left alternate.
pub const LEFT_ALT: u8 = 0x38;
/// Space.
pub const SPACE: u8 = 0x39;
/// Caps lock.
pub const CAPS_LOCK: u8 = 0x3a;
/// Num lock.
pub const NUM_LOCK: u8 = 0x45;
/// Scroll lock.
pub const SCROLL_LOCK: u8 = 0x46;
/// Home.
pub const HOME: u8 = 0x47;
/// Up.
pub const UP: u8 = 0x48;
/// Page up.
pub const PAGE_UP: u8 = 0x49;
/// Left.
pub const LEFT: u8 = 0x4b;
/// Right.
pub const RIGHT: u8 = 0x4d;
/// End.
pub const END: u8 = 0x4f;
/// Down.
pub const DOWN: u8 = 0x50;
/// Page down.
pub const PAGE_DOWN: u8 = 0x51;
/// Insert.
pub const INSERT: u8 = 0x52;
/// Delete.
pub const DELETE: u8 = 0x53;
/// The key between left shift and Z on ISO keyboards.
pub const ISO: u8 = 0x56;
/// Left super.
pub const LEFT_SUPER: u8 = 0x5b;
/// Right super.
pub const RIGHT_SUPER: u8 = 0x5c;
/// Menu.
pub const MENU: u8 = 0x5d;
/// Power.
pub const POWER: u8 = 0x5e;
/// Sleep.
pub const SLEEP: u8 = 0x5f;
/// Pause.
pub const PAUSE: u8 = 0x60;
/// Right alternate.
pub const RIGHT_ALT: u8 = 0x64;
/// Right control, as devices say it. `orbclient` has no number of its own for it: the consumer is told [`LEFT_CTRL`].
pub const RIGHT_CTRL: u8 = 0x65;
/// Number pad, the digits from 0 on.
pub const PAD_0: u8 = 0x70;
/// Its digit 9.
pub const PAD_9: u8 = 0x79;
/// Its point.
pub const PAD_POINT: u8 = 0x7a;
/// Its minus.
pub const PAD_MINUS: u8 = 0x7b;
/// Its plus.
pub const PAD_PLUS: u8 = 0x7c;
/// Its asterisk.
pub const PAD_TIMES: u8 = 0x7d;
/// Its slash.
pub const PAD_SLASH: u8 = 0x7e;
/// Its enter.
pub const PAD_ENTER: u8 = 0x7f;
/// Previous track.
pub const PREVIOUS: u8 = 0x90;
/// Next track.
pub const NEXT: u8 = 0x99;
/// Mute.
pub const MUTE: u8 = 0xa0;
/// Play or pause.
pub const PLAY: u8 = 0xa2;
/// Stop.
pub const STOP: u8 = 0xa4;
/// Volume down.
pub const VOLUME_DOWN: u8 = 0xae;
/// Volume up.
pub const VOLUME_UP: u8 = 0xb0;

/// The key of a number of Linux' event devices (`linux/input-event-codes.h`), which virtio devices send too.
pub fn from_evdev(code: u16) -> Option<u8> {
    Some(match code {
        // Up to F10 both are the PC's scan codes; but for the asterisk, whose code `orbclient` gives to the print key.
        55 => PAD_TIMES,
        1..=70 | 86..=88 => code as u8,
        71..=73 => PAD_0 + 7 + (code - 71) as u8,
        74 => PAD_MINUS,
        75..=77 => PAD_0 + 4 + (code - 75) as u8,
        78 => PAD_PLUS,
        79..=81 => PAD_0 + 1 + (code - 79) as u8,
        82 => PAD_0,
        83 => PAD_POINT,
        96 => PAD_ENTER,
        97 => RIGHT_CTRL,
        98 => PAD_SLASH,
        99 => PRINT,
        100 => RIGHT_ALT,
        102 => HOME,
        103 => UP,
        104 => PAGE_UP,
        105 => LEFT,
        106 => RIGHT,
        107 => END,
        108 => DOWN,
        109 => PAGE_DOWN,
        110 => INSERT,
        111 => DELETE,
        113 => MUTE,
        114 => VOLUME_DOWN,
        115 => VOLUME_UP,
        116 => POWER,
        119 => PAUSE,
        125 => LEFT_SUPER,
        126 => RIGHT_SUPER,
        127 | 139 => MENU,
        142 => SLEEP,
        163 => NEXT,
        164 => PLAY,
        165 => PREVIOUS,
        166 => STOP,
        _ => return None,
    })
}

/// The key of a scan code of set 1 that comes behind the prefix 0xe0.
pub fn from_extended_scan(code: u8) -> Option<u8> {
    Some(match code {
        0x10 => PREVIOUS,
        0x19 => NEXT,
        0x1c => PAD_ENTER,
        0x1d => RIGHT_CTRL,
        0x20 => MUTE,
        0x22 => PLAY,
        0x24 => STOP,
        0x2e => VOLUME_DOWN,
        0x30 => VOLUME_UP,
        0x35 => PAD_SLASH,
        0x37 => PRINT,
        0x38 => RIGHT_ALT,
        0x46 => PAUSE,
        HOME..=PAGE_UP | LEFT | RIGHT | END..=DELETE | LEFT_SUPER..=SLEEP => code,
        _ => return None,
    })
}

/// The key of a scan code of set 1 without a prefix.
pub fn from_scan(code: u8) -> Option<u8> {
    Some(match code {
        0x01..=0x36 | 0x38..=0x46 | 0x56..=0x58 => code,
        0x37 => PAD_TIMES,
        0x47..=0x49 => PAD_0 + 7 + (code - 0x47),
        0x4a => PAD_MINUS,
        0x4b..=0x4d => PAD_0 + 4 + (code - 0x4b),
        0x4e => PAD_PLUS,
        0x4f..=0x51 => PAD_0 + 1 + (code - 0x4f),
        0x52 => PAD_0,
        0x53 => PAD_POINT,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables_name_the_same_keys() {
        let evdev: std::collections::BTreeSet<u8> = (0..512).filter_map(from_evdev).collect();
        let scan = (0..=255).flat_map(|code| [from_scan(code), from_extended_scan(code)]).flatten();
        let scan: std::collections::BTreeSet<u8> = scan.collect();
        assert_eq!(scan.symmetric_difference(&evdev).collect::<Vec<_>>(), [&0_u8; 0]);
        assert_eq!((from_evdev(75), from_scan(0x4b), from_extended_scan(0x4b)), (Some(0x74), Some(0x74), Some(LEFT)));
    }
}
