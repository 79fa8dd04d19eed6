//! Pictures of the settings, to be looked at: `cargo run -p settings --example settings-views -- FOLDER`.

use std::fs;
use std::path::PathBuf;

use ochre_ui::{Harness, Size, Theme};
use settings::app::{self, Message, Section};
use settings::facts::Mode;
use settings::system::System;

fn main() -> std::io::Result<()> {
    let out = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "views".into()));
    fs::create_dir_all(&out)?;
    let root = std::env::temp_dir().join(format!("ochre-views-{}", std::process::id()));
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&root))?;
        fs::write(path, text)
    };
    write(
        "input/control",
        "keymap us\nrepeat 400 30\nhas keymap de German\nhas keymap fr French\nhas keymap us English (US)\n",
    )?;
    let modes = "has mode 800 600\nhas mode 1024 768\nhas mode 1280 800\nhas mode 1920 1080\n";
    write("display.00-02.0/info", &format!("mode 1024 768\npreferred 1280 800\nflags modes flush\n{modes}"))?;
    write("sys/uname", "Ochre\n\n0.1.0\nrelease build\nx86_64\n")?;
    write("sys/cpu", "CPUs: 2\nname: QEMU TCG CPU version 2.5+\n")?;
    write(
        "sys/stat",
        "frame_bytes 4096\nframes_total 262144\nframes_free 190000\nprocessors 2\nuptime_ns 3731000000000\n",
    )?;
    for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        write("orbital/settings", &format!("theme={name}\n"))?;
        for scale in [1.0, 2.0] {
            for section in Section::ALL {
                let start = app::start(System::new(&root), section);
                let mut settings = Harness::new(Size::new(720.0, 520.0), scale, theme, start);
                settings.settle();
                let picture = |what: &str| out.join(format!("settings-{what}-{name}-{scale}x.png"));
                settings.save(picture(&section.title().0.to_lowercase()))?;
                if section == Section::Display {
                    settings.message(Message::Resolution(Mode { width: 1920, height: 1080 }));
                    settings.save(picture("trial"))?;
                }
            }
        }
    }
    fs::remove_dir_all(root)
}
