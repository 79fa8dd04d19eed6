//! Pictures of the viewer, to be looked at: `cargo run -p viewer --example viewer-views -- FOLDER PICTURES`, where the second folder has
//! something to be shown, that of the live image for instance.

use std::path::PathBuf;

use ochre_ui::{Harness, Size, Theme};
use viewer::app::{self, Message};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let (Some(out), Some(pictures)) = (arguments.next(), arguments.next()) else {
        return Err("say where the pictures go, and where there are some to be shown".into());
    };
    std::fs::create_dir_all(&out)?;
    for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        for scale in [1.0, 2.0] {
            let mut viewer = Harness::new(Size::new(860.0, 620.0), scale, theme, app::start(&pictures));
            // Decoding takes its time without optimisation.
            (0..10).for_each(|_| viewer.settle());
            let picture = |what: &str| out.join(format!("viewer-{what}-{name}-{scale}x.png"));
            viewer.save(picture("fit"))?;
            viewer.message(Message::FullSize);
            viewer.save(picture("full-size"))?;
            viewer.message(Message::Rotate(true));
            viewer.message(Message::Fit);
            viewer.save(picture("turned"))?;
            let mut viewer =
                Harness::new(Size::new(640.0, 480.0), scale, theme, app::start(&pictures.join("none.png")));
            viewer.settle();
            viewer.save(picture("failed"))?;
        }
    }
    Ok(())
}
