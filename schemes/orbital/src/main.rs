//! The display server: `orbitald`, or with a screen in memory `orbitald --headless WIDTHxHEIGHT`.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
fn main() {
    use orbital::theme::Themes;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let side = |text: &str| text.parse().ok().filter(|side| (1..=16384).contains(side));
    let size = match &arguments[..] {
        [] => None,
        [option, size] if option == "--headless" => Some(size.split_once('x').map(|(w, h)| (side(w), side(h)))),
        _ => Some(None),
    };
    let result = Themes::built_in().and_then(|themes| {
        let served = match size {
            None => orbital::ochre::run_desktop(themes),
            Some(Some((Some(w), Some(h)))) => orbital::ochre::run_headless(w, h, themes),
            Some(_) => return Err(String::from("say `orbitald`, or `orbitald --headless WIDTHxHEIGHT`")),
        };
        served.map_err(|error| error.to_string())
    });
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
