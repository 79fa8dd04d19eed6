//! What GRUB's menu says.

use super::Error;

/// Modes of the screen that are tried for the kernel, best first.
const MODES: &str = "1280x800x32,1024x768x32,auto";
/// A menu with a look of its own, on the screen and, as text, on the serial line. Without the fonts GRUB's own look is shown.
const LOOK: &str = "\
insmod gfxterm
insmod gfxmenu
insmod tga
loadfont $prefix/ochre/title.pf2
loadfont $prefix/ochre/text.pf2
loadfont $prefix/ochre/mono.pf2
set gfxmode=1280x800,1024x768,auto
set theme=$prefix/ochre/theme.txt
terminal_output gfxterm
if serial --unit=0 --speed=115200; then
    terminal_input console serial
    terminal_output gfxterm serial
fi
";

/// What is seen while the system is loaded, which from a CD takes its time: the menu's background and a line. Without it there is a black
/// box on the menu.
const LOADING: &str = "    background_image $prefix/ochre/background.tga
    clear
    echo 'Loading Ochre ...'
";

/// An entry: its title, and words for the kernel before those of all entries.
struct Entry {
    title: &'static str,
    words: &'static str,
    /// Whatever mode the firmware has set.
    any_mode: bool,
}

const DESKTOP: [Entry; 3] = [
    Entry { title: "Ochre", words: "quiet target=desktop", any_mode: false },
    Entry { title: "Ochre, text console", words: "target=console", any_mode: false },
    Entry { title: "Ochre, safe graphics", words: "target=desktop graphics=loader smp=1", any_mode: true },
];
const SYSTEM: [Entry; 2] = [
    Entry { title: "Ochre", words: "", any_mode: false },
    Entry { title: "Ochre, safe: one processor, any screen mode", words: "smp=1", any_mode: true },
];

/// The menu's text. `append` is for the kernel in all entries.
pub fn text(append: &str, timeout: u32, desktop: bool) -> Result<String, Error> {
    // Quotes, variables and line ends would be GRUB's and not the kernel's.
    let odd = |c: &char| !c.is_ascii() || c.is_ascii_control() || "'\"\\$`;&|<>{}#".contains(*c);
    if let Some(odd) = append.chars().find(odd) {
        return Err(Error::BadCommandLine(odd));
    }
    let look = if desktop { LOOK } else { "" };
    let mut text = format!("set timeout={timeout}\nset default=0\ninsmod all_video\ninsmod gzio\n{look}\n");
    let entries: &[Entry] = if desktop { &DESKTOP } else { &SYSTEM };
    let said = if desktop { LOADING } else { "" };
    entries.iter().for_each(|entry| text += &entry.text(append, said));
    text += "menuentry 'Restart' {\n    reboot\n}\n";
    if desktop {
        text += "menuentry 'Switch off' {\n    halt\n}\n";
    }
    Ok(text)
}

impl Entry {
    /// The screen's mode is set behind `multiboot2`, which sets it anew from the kernel's header.
    fn text(&self, append: &str, said: &str) -> String {
        let words = [self.words, append].map(str::trim).join(" ");
        let separator = if words.trim().is_empty() { "" } else { " " };
        let (title, words, mode) = (self.title, words.trim(), if self.any_mode { "auto" } else { MODES });
        format!(
            "\
menuentry '{title}' {{
{said}    multiboot2 /boot/kernel{separator}{words}
    set gfxpayload={mode}
    module2 /boot/initfs initfs
    boot
}}
"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_menu_carries_the_command_line() {
        let text = text(" init=/scheme/initfs/bin/x console=serial -- a b ", 3, false).unwrap();
        assert!(text.contains("    multiboot2 /boot/kernel init=/scheme/initfs/bin/x console=serial -- a b\n"));
        assert!(text.contains("    multiboot2 /boot/kernel smp=1 init=/scheme/initfs/bin/x console=serial -- a b\n"));
        assert!(text.starts_with("set timeout=3\n"));
        assert!(super::text("", 0, false).unwrap().contains("    multiboot2 /boot/kernel\n"));
    }

    #[test]
    fn the_desktop_can_be_had_in_three_ways() {
        let text = text("", 5, true).unwrap();
        for words in ["quiet target=desktop", "target=console", "target=desktop graphics=loader smp=1"] {
            assert!(text.contains(&format!("multiboot2 /boot/kernel {words}\n")), "{words}");
        }
        assert!(text.contains("ochre/theme.txt"));
        // Each says that it is being loaded, before that takes its time.
        assert_eq!(text.matches(&format!("{{\n{LOADING}    multiboot2")).count(), DESKTOP.len());
    }

    #[test]
    fn what_grub_would_read_otherwise_is_refused() {
        for odd in ["a'b", "a\nb", "$x", "a;b", "a\\", "{", "é"] {
            assert!(matches!(text(odd, 0, false), Err(Error::BadCommandLine(_))), "{odd:?}");
        }
    }
}
