//! Colours.

/// A colour: red, green, blue.
pub type Rgb = [u8; 3];

/// The colours of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Text.
    pub foreground: Rgb,
    /// What is behind it.
    pub background: Rgb,
    /// The cursor.
    pub cursor: Rgb,
    /// What is behind selected text.
    pub selection: Rgb,
    /// The sixteen colours that programs know by number.
    pub ansi: [Rgb; 16],
}

const fn rgb(value: u32) -> Rgb {
    [(value >> 16) as u8, (value >> 8) as u8, value as u8]
}

/// For dark rooms.
pub const DARK: Theme = Theme {
    foreground: rgb(0xdc_d7cc),
    background: rgb(0x1c_1b1a),
    cursor: rgb(0xd8_9b48),
    selection: rgb(0x4a_4337),
    ansi: [
        rgb(0x3a_3835),
        rgb(0xdb_6a5f),
        rgb(0x93_b15f),
        rgb(0xd8_a84e),
        rgb(0x72_9fd6),
        rgb(0xba_8bc9),
        rgb(0x67_b3ab),
        rgb(0xc8_c2b6),
        rgb(0x7d_776d),
        rgb(0xf0_8a7f),
        rgb(0xaf_cf7a),
        rgb(0xf0_c772),
        rgb(0x94_bcee),
        rgb(0xd3_a8e0),
        rgb(0x88_d0c7),
        rgb(0xf5_f1e8),
    ],
};

/// For light ones.
pub const LIGHT: Theme = Theme {
    foreground: rgb(0x33_2f29),
    background: rgb(0xfb_f8f2),
    cursor: rgb(0xb5_7420),
    selection: rgb(0xe9_dcc4),
    ansi: [
        rgb(0x33_2f29),
        rgb(0xb1_3f36),
        rgb(0x4f_7521),
        rgb(0x97_6500),
        rgb(0x2c_65ab),
        rgb(0x87_4d99),
        rgb(0x1f_7a72),
        rgb(0x6b_655b),
        rgb(0x85_7e72),
        rgb(0xc9_5146),
        rgb(0x55_8024),
        rgb(0x9e_6d08),
        rgb(0x3f_7bc6),
        rgb(0x9c_60ae),
        rgb(0x26_837a),
        rgb(0x4a_453d),
    ],
};

impl Theme {
    /// The colour with a number from the 256 that programs know.
    pub fn indexed(&self, index: u8) -> Rgb {
        match index {
            0..16 => self.ansi[usize::from(index)],
            16..232 => {
                let index = index - 16;
                [index / 36, index / 6 % 6, index % 6].map(|part| if part == 0 { 0 } else { 55 + 40 * part })
            }
            _ => [8 + 10 * (index - 232); 3],
        }
    }
}

/// A colour with two thirds of its strength.
pub fn dim(color: Rgb, behind: Rgb) -> Rgb {
    let mut mixed = color;
    for (part, &other) in mixed.iter_mut().zip(&behind) {
        *part = ((u16::from(*part) * 2 + u16::from(other)) / 3) as u8;
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast of two colours (WCAG 2.2).
    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let luminance = |color: Rgb| {
            let [red, green, blue] = color.map(|part| {
                let part = f64::from(part) / 255.0;
                if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn everything_can_be_read() {
        for (name, theme) in [("dark", DARK), ("light", LIGHT)] {
            assert!(contrast(theme.foreground, theme.background) >= 10.0, "{name}");
            assert!(contrast(theme.foreground, theme.selection) >= 5.0, "{name}: selection");
            assert!(contrast(theme.cursor, theme.background) >= 3.0, "{name}: cursor");
            // The first is what text on colours is written in; grey is for what matters less.
            for (index, &color) in theme.ansi.iter().enumerate().skip(1) {
                let least = if index == 8 { 3.5 } else { 3.9 };
                let found = contrast(color, theme.background);
                assert!(found >= least, "{name}: colour {index} has {found:.2}");
            }
        }
    }

    #[test]
    fn the_256_colours() {
        assert_eq!((DARK.indexed(1), DARK.indexed(16), DARK.indexed(231)), (DARK.ansi[1], [0; 3], [255; 3]));
        assert_eq!((DARK.indexed(196), DARK.indexed(232), DARK.indexed(255)), ([255, 0, 0], [8; 3], [238; 3]));
        assert_eq!(dim([255, 0, 90], [0, 0, 0]), [170, 0, 60]);
    }
}
