//! Pictures of the editor, to be looked at: `cargo run -p editor --example editor-pictures -- FOLDER`. With `cost 100` a hundred letters are
//! typed, to be counted by `valgrind --tool=callgrind`.

use std::path::PathBuf;
use std::{env, io};

use editor::{Editor, Message};
use ochre_ui::{Harness, Options, Theme};

/// Types so many letters into a line in the middle of a window full of text.
fn cost_of_typing(times: usize) {
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/find.rs"));
    let size = Options::sized(760.0, 540.0).size;
    let mut editor = Harness::new(size, 1.0, Theme::Light, |_| Editor::new(Some(file)));
    editor.settle();
    editor.click(60.0, 200.0);
    editor.text("x");
    editor.painted();
    for _ in 0..times {
        editor.text("x");
    }
    println!("{} pixels painted", editor.painted());
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [cost, times] = arguments.as_slice()
        && cost == "cost"
    {
        cost_of_typing(times.parse().unwrap_or(1));
        return Ok(());
    }
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
