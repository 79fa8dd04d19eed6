//! Before the crate is built: a font of only the icons that programs use, with a name for each, and the colours that programs share with
//! the frames of windows.
#![allow(missing_docs)]

mod colours;
mod icons;

use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for file in ["icons.txt", colours::FILE, "build"] {
        println!("cargo::rerun-if-changed={file}");
    }
    let icons = icons::read(&fs::read_to_string("icons.txt")?)?;
    fs::write(out.join("icons.ttf"), icons::font(lucide_icons::LUCIDE_FONT_BYTES, &icons)?)?;
    fs::write(out.join("icons.rs"), icons::names(&icons))?;
    fs::write(out.join("colours.rs"), colours::constants(&fs::read_to_string(colours::FILE)?)?)?;
    Ok(())
}
