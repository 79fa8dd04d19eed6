//! The display server: `orbitald --headless WIDTHxHEIGHT`.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
fn main() {
    use orbital::theme::Themes;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size = match &arguments[..] {
        [option, size] if option == "--headless" => size.split_once('x'),
        _ => None,
    };
    let side = |text: &str| text.parse().ok().filter(|side| (1..=16384).contains(side));
    let Some((Some(w), Some(h))) = size.map(|(w, h)| (side(w), side(h))) else {
        eprintln!("orbitald: say `orbitald --headless WIDTHxHEIGHT`");
        std::process::exit(2);
    };
    let result = Themes::built_in()
        .and_then(|themes| orbital::ochre::run_headless(w, h, themes).map_err(|error| error.to_string()));
    if let Err(error) = result {
        eprintln!("orbitald: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("orbitald runs in Ochre only");
    std::process::exit(1);
}
