//! A font with some of another's glyphs: the numbers of glyphs stay, and with them all tables that go by number; the outlines of the
//! others become empty.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use lucide_icons::Icon;
use ttf_parser::{Face, GlyphId};

type Error = Box<dyn std::error::Error>;

/// Tables that a font of icons needs; names of glyphs and ligatures are left out.
const TABLES: [&[u8; 4]; 9] = [b"OS/2", b"cmap", b"glyf", b"head", b"hhea", b"hmtx", b"loca", b"maxp", b"name"];

/// The icons of a list, one name a line.
pub fn read(text: &str) -> Result<Vec<(String, char)>, Error> {
    let icon = |name: &str| match Icon::try_from(name) {
        Ok(icon) => Ok((name.to_owned(), char::from(icon))),
        Err(_) => Err(format!("icons.txt: there is no icon `{name}`").into()),
    };
    text.lines().filter(|line| !line.is_empty()).map(icon).collect()
}

/// A constant for each icon, and a table of their names, in order.
pub fn names(icons: &[(String, char)]) -> String {
    let mut code = String::from("impl Icon {\n");
    for (name, character) in icons {
        let constant = name.to_uppercase().replace('-', "_");
        let _ = writeln!(
            code,
            "    /// `{name}`.\n    pub const {constant}: Self = Self('\\u{{{:x}}}');",
            *character as u32
        );
    }
    code.push_str("}\n\n/// Names and characters.\npub(super) const NAMES: &[(&str, Icon)] = &[\n");
    for (name, character) in icons {
        let _ = writeln!(code, "    (\"{name}\", Icon('\\u{{{:x}}}')),", *character as u32);
    }
    code.push_str("];\n");
    code
}

/// The font with only these icons.
pub fn font(font: &[u8], icons: &[(String, char)]) -> Result<Vec<u8>, Error> {
    let face = Face::parse(font, 0)?;
    let mut kept = BTreeSet::from([0]);
    for (name, character) in icons {
        let GlyphId(glyph) =
            face.glyph_index(*character).ok_or_else(|| format!("the font has no glyph for `{name}`"))?;
        kept.insert(usize::from(glyph));
    }
    let table = |tag: &[u8; 4]| face.raw_face().table(ttf_parser::Tag::from_bytes(tag)).ok_or("a table is missing");
    let (glyf, loca, head) = (table(b"glyf")?, table(b"loca")?, table(b"head")?);
    let long = head.get(51) == Some(&1);
    let offsets: Vec<usize> = if long {
        loca.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes) as usize).collect()
    } else {
        loca.as_chunks::<2>().0.iter().map(|bytes| usize::from(u16::from_be_bytes(*bytes)) * 2).collect()
    };
    let (mut outlines, mut places) = (Vec::new(), Vec::new());
    for (glyph, range) in offsets.windows(2).enumerate() {
        places.extend((outlines.len() as u32).to_be_bytes());
        let outline = glyf.get(range[0]..range[1]).ok_or("a glyph lies outside")?;
        if kept.contains(&glyph) {
            if outline.first().is_some_and(|byte| byte & 0x80 != 0) {
                return Err("an icon is made of other glyphs".into());
            }
            outlines.extend(outline);
            outlines.resize(outlines.len().next_multiple_of(4), 0);
        }
    }
    places.extend((outlines.len() as u32).to_be_bytes());
    let mut head = head.to_vec();
    head[51] = 1;
    let tables = TABLES.iter().map(|tag| {
        Ok((
            **tag,
            match *tag {
                b"glyf" => outlines.clone(),
                b"loca" => places.clone(),
                b"head" => head.clone(),
                tag => table(tag)?.to_vec(),
            },
        ))
    });
    Ok(file(&tables.collect::<Result<Vec<_>, Error>>()?))
}

/// A font file of tables.
fn file(tables: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let count = tables.len() as u16;
    let power = 1 << count.ilog2();
    let mut bytes = vec![0, 1, 0, 0];
    for number in [count, power * 16, count.ilog2() as u16, (count - power) * 16] {
        bytes.extend(number.to_be_bytes());
    }
    let mut at = 12 + 16 * tables.len();
    for (tag, table) in tables {
        bytes.extend(tag);
        for number in [checksum(table), at as u32, table.len() as u32] {
            bytes.extend(number.to_be_bytes());
        }
        at = (at + table.len()).next_multiple_of(4);
    }
    for (_, table) in tables {
        bytes.extend(table);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn checksum(table: &[u8]) -> u32 {
    let (words, rest) = table.as_chunks::<4>();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().chain([&last]).fold(0, |sum, word| u32::wrapping_add(sum, u32::from_be_bytes(*word)))
}
