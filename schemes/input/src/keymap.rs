//! Key maps: which character is on which key, at four levels. Written as rows of characters (see `keymaps/us.toml`).

use std::collections::BTreeMap;

use serde::Deserialize;

/// The keys of each row from left to right, by their numbers.
const ROWS: [&[u8]; 4] = [
    &[0x29, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d],
    &[0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b],
    &[0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x2b],
    &[0x56, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35],
];

/// What is held while a key goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Plain,
    /// Shift.
    Shift,
    /// The right alternate key.
    AltGr,
    /// Both.
    ShiftAltGr,
}

/// What is on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The character.
    pub character: char,
    /// It is put on the next one.
    pub dead: bool,
}

/// A key map.
#[derive(Clone, Debug, Default)]
pub struct Keymap {
    /// What people call it.
    pub name: String,
    symbols: BTreeMap<(u8, Level), Symbol>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    plain: Vec<String>,
    shift: Vec<String>,
    #[serde(default)]
    altgr: Vec<String>,
    #[serde(default, rename = "shift-altgr")]
    shift_altgr: Vec<String>,
    #[serde(default)]
    dead: Dead,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Dead {
    plain: String,
    shift: String,
    altgr: String,
    #[serde(rename = "shift-altgr")]
    shift_altgr: String,
}

impl Keymap {
    /// Reads a file; an error is a sentence for whoever wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut map = Keymap { name: file.name, symbols: BTreeMap::new() };
        map.add(Level::Plain, &file.plain, &file.dead.plain)?;
        map.add(Level::Shift, &file.shift, &file.dead.shift)?;
        map.add(Level::AltGr, &file.altgr, &file.dead.altgr)?;
        map.add(Level::ShiftAltGr, &file.shift_altgr, &file.dead.shift_altgr)?;
        Ok(map)
    }

    fn add(&mut self, level: Level, rows: &[String], dead: &str) -> Result<(), String> {
        if rows.len() > ROWS.len() {
            return Err(format!("{level:?} has {} rows, the keyboard has {}", rows.len(), ROWS.len()));
        }
        for (row, keys) in rows.iter().zip(ROWS) {
            if row.chars().count() > keys.len() {
                return Err(format!("{row:?} has more characters than the row has keys ({})", keys.len()));
            }
            for (character, &key) in row.chars().zip(keys).filter(|(character, _)| *character != ' ') {
                self.symbols.insert((key, level), Symbol { character, dead: dead.contains(character) });
            }
        }
        match dead.chars().find(|dead| !rows.iter().any(|row| row.contains(*dead))) {
            Some(missing) => Err(format!("the dead {missing:?} is on no key at {level:?}")),
            None => Ok(()),
        }
    }

    /// What is on a key.
    pub fn symbol(&self, key: u8, level: Level) -> Option<Symbol> {
        self.symbols.get(&(key, level)).copied()
    }

    /// Whether caps lock works as shift does for a key: its two characters are the same letter.
    pub fn is_letter(&self, key: u8) -> bool {
        let plain = self.symbol(key, Level::Plain).map(|symbol| symbol.character);
        let shift = self.symbol(key, Level::Shift).map(|symbol| symbol.character);
        plain.zip(shift).is_some_and(|(plain, shift)| plain != shift && plain.to_uppercase().eq([shift]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(name: &str) -> Keymap {
        Keymap::parse(&std::fs::read_to_string(format!("keymaps/{name}.toml")).unwrap()).unwrap()
    }

    fn characters(map: &Keymap, level: Level, keys: &[u8]) -> String {
        keys.iter().filter_map(|key| map.symbol(*key, level)).map(|symbol| symbol.character).collect()
    }

    #[test]
    fn places_of_keys() {
        let keys = [0x15, 0x2c, 0x10, 0x1e];
        assert_eq!(characters(&map("us"), Level::Plain, &keys), "yzqa");
        assert_eq!(characters(&map("de"), Level::Plain, &keys), "zyqa");
        assert_eq!(characters(&map("fr"), Level::Plain, &keys), "ywaq");
        assert_eq!(
            characters(&map("de"), Level::AltGr, &[0x10, 0x12, 0x08, 0x0b, 0x0c, 0x1b, 0x56, 0x32]),
            "@€{}\\~|µ"
        );
        assert_eq!(characters(&map("fr"), Level::AltGr, &[0x0b, 0x12, 0x1b, 0x0d]), "@€¤}");
        assert_eq!(characters(&map("fr"), Level::Shift, &[2, 3, 0x33, 0x34]), "12./");
        assert_eq!(map("us").symbol(0x10, Level::AltGr), None);
    }

    #[test]
    fn every_map_can_write_what_programs_are_made_of() {
        for name in ["us", "de", "fr"] {
            let map = map(name);
            let all: std::collections::BTreeSet<char> = map.symbols.values().map(|symbol| symbol.character).collect();
            let missing: Vec<char> = ('!'..='~').filter(|character| !all.contains(character)).collect();
            assert_eq!(missing, [' '; 0], "{name}");
        }
    }

    #[test]
    fn dead_keys_and_letters() {
        let map = map("de");
        assert!(map.symbol(0x0d, Level::Plain).unwrap().dead && map.symbol(0x0d, Level::AltGr).is_none());
        assert!(map.is_letter(0x27) && map.is_letter(0x1e) && !map.is_letter(2) && !map.is_letter(0x0c));
        // In France digits are shifted, and that is not what caps lock is about.
        assert!(!self::map("fr").is_letter(3));
    }

    #[test]
    fn files_that_are_wrong_say_why() {
        let wrong = |text: &str| Keymap::parse(text).unwrap_err();
        let good = "name = \"x\"\nplain = [\"a\"]\nshift = []\n";
        assert!(Keymap::parse(good).is_ok());
        assert!(wrong(&good.replace("\"a\"", "\"12345678901234\"")).contains("more characters"));
        assert!(wrong(&good.replace("\"a\"", "\"\",\"\",\"\",\"\",\"\"")).contains("5 rows"));
        assert!(wrong(&format!("{good}[dead]\nplain = \"b\"")).contains("on no key"));
        assert!(wrong(&format!("{good}x = 1")).contains('x'));
    }
}
