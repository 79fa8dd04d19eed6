//! Pictures of the editor, to be looked at: `cargo run -p editor --example editor-pictures -- FOLDER`.

use std::path::PathBuf;
use std::{env, io};

use editor::{Editor, Message};
use ochre_ui::{Harness, Options, Theme};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| String::from(".")));
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/find.rs"));
    let size = Options::sized(760.0, 540.0).size;
    for (name, theme) in [("light", Theme::Light), ("dark", Theme::Dark)] {
        for scale in [1, 2] {
            let path = |what: &str| folder.join(format!("editor-{name}-{scale}{what}.png"));
            let mut editor = Harness::new(size, scale as f32, theme, |_| Editor::new(Some(file.clone())));
            editor.settle();
            editor.save(path(""))?;
            editor.control('f');
            editor.text("wanted");
            editor.save(path("-search"))?;
            editor.text("x");
            editor.message(Message::SearchEnd);
            editor.text("y");
            editor.close();
            editor.save(path("-close"))?;
            editor.message(Message::Discard);
            let mut editor = Harness::new(size, scale as f32, theme, |_| Editor::new(Some(file.clone())));
            editor.settle();
            editor.message(Message::Open);
            editor.settle();
            editor.click(380.0, 200.0);
            editor.save(path("-open"))?;
            editor.message(Message::Chooser(ochre_ui::parts::chooser::Input::Cancel));
            editor.message(Message::SaveAs);
            editor.settle();
            editor.save(path("-save"))?;
        }
    }
    Ok(())
}
