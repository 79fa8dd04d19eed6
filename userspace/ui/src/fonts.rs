//! The fonts of programs: Inter for text, JetBrains Mono where columns count, and icons. Found as files; shared by all windows of a
//! process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use iced_core::Font;
use iced_core::font::{Family, Weight};
use iced_graphics::text::cosmic_text::FontSystem;
use iced_graphics::text::cosmic_text::fontdb::{Database, Source};
use iced_graphics::text::font_system;

use crate::icon;

/// Text.
pub const TEXT: Font = Font::with_name("Inter");
/// Titles, and what matters in a sentence.
pub const STRONG: Font = Font { weight: Weight::Semibold, ..TEXT };
/// Code, and whatever needs columns.
pub const MONO: Font = Font::with_name("JetBrains Mono");
/// Size of text.
pub const SIZE: f32 = 13.0;
/// Size of titles.
pub const TITLE_SIZE: f32 = 16.0;
/// Size of what explains.
pub const SMALL_SIZE: f32 = 12.0;

/// Folders in which fonts may lie: in the system, then where Debian's packages put them on the machine that builds.
const FOLDERS: [&str; 5] = [
    "/scheme/initfs/fonts",
    "/usr/share/fonts/ochre",
    "/usr/share/fonts/opentype/inter",
    "/usr/share/fonts/truetype/jetbrains-mono",
    "/usr/share/fonts/truetype/dejavu",
];
/// The files, of which those that are there are used; the last has letters of many scripts.
const FILES: [&str; 4] = ["Inter-Regular.otf", "Inter-SemiBold.otf", "JetBrainsMono-Regular.ttf", "DejaVuSans.ttf"];

/// Sees to it that the fonts are there. Programs need not call it: whatever draws does.
pub fn load() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut fonts = Database::new();
        let mut add = |source| {
            fonts.load_font_source(source);
        };
        add(Source::Binary(Arc::new(icon::FONT_FILE)));
        FILES.iter().filter_map(|file| find(file)).for_each(|path| add(Source::File(path)));
        // iced has looked for fonts all over the system; here the same program has the same text everywhere. Only the marks of its
        // own widgets are kept.
        let Ok(mut system) = font_system().write() else { return };
        let marks: Vec<Source> = {
            let faces = system.raw().db().faces();
            let marks = faces.filter(|face| face.families.iter().any(|(name, _)| name == "Iced-Icons"));
            marks.map(|face| face.source.clone()).collect()
        };
        marks.into_iter().for_each(&mut add);
        for (family, set) in [
            (TEXT.family, Database::set_sans_serif_family as fn(&mut Database, &'static str)),
            (TEXT.family, Database::set_serif_family),
            (MONO.family, Database::set_monospace_family),
        ] {
            if let Family::Name(name) = family {
                set(&mut fonts, name);
            }
        }
        *system.raw() = FontSystem::new_with_locale_and_db(String::from("en-US"), fonts);
    });
}

fn find(file: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(file)).find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_families_are_there() {
        load();
        let mut system = font_system().write().unwrap();
        let has = |system: &mut FontSystem, name: &str| {
            system.db().faces().any(|face| face.families.iter().any(|(family, _)| family == name))
        };
        for name in ["Inter", "JetBrains Mono", "lucide", "Iced-Icons"] {
            assert!(has(system.raw(), name), "{name} is missing");
        }
    }
}
