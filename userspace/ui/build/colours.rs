//! The colours of windows' frames, as constants for programs: a window's content and its frame are of one look.

use std::fmt::Write as _;

/// Where they are.
pub const FILE: &str = "../../schemes/orbital/theme.toml";

/// A constant for each colour that is a single one.
pub fn constants(text: &str) -> Result<String, Box<dyn std::error::Error>> {
    let table: toml::Table = text.parse()?;
    let mut code = String::new();
    for (theme, colours) in &table {
        writeln!(code, "/// Of the {theme} look.\npub mod {theme} {{\n    use iced_core::Color;")?;
        for (name, value) in colours.as_table().into_iter().flatten() {
            if let Some(colour) = value.as_str() {
                let [r, g, b, a] =
                    channels(colour).ok_or_else(|| format!("{theme}.{name}: `{colour}` is no colour"))?;
                let (name, a) = (name.to_uppercase(), format!("{:?}_f32", f32::from(a) / 255.0));
                writeln!(
                    code,
                    "    /// The colour of this name.\n    pub const {name}: Color = Color::from_rgba8({r}, {g}, {b}, {a});"
                )?;
            }
        }
        writeln!(code, "}}")?;
    }
    Ok(code)
}

fn channels(text: &str) -> Option<[u8; 4]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.is_ascii())?;
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let alpha = if digits.len() == 6 { 255 } else { byte(6)? };
    Some([byte(0)?, byte(2)?, byte(4)?, alpha])
}
