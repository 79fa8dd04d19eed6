//! The keeper of windows: serves the scheme `orbital`.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
fn main() {
    use orbital::keeper::Keeper;
    use orbital::keeper::limits::Limits;

    let run = || -> std::io::Result<()> {
        let memory = libredox::Fd::open("/scheme/memory", libredox::flag::O_CLOEXEC, 0)?;
        let facts = memory.statvfs()?;
        let mut keeper = Keeper::new(Limits::of_memory(facts.f_bavail * facts.f_bsize));
        scheme_server::serve("orbital", &mut keeper).map_err(|error| std::io::Error::from_raw_os_error(error.errno))
    };
    if let Err(error) = run() {
        eprintln!("orbital-keeper: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("orbital-keeper runs in Ochre only");
    std::process::exit(1);
}
