//! The measurements, and the order of them.

mod hand;
mod pixels;
mod quiet;
mod typing;

use std::fs;
use std::io::Result;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use hand::Hand;
use pixels::{Area, Screen};
use quiet::{Quiet, each, figure, system};
use typing::Typing;

/// A line of the panel, counted from the lower edge of the screen.
const PANEL: usize = 12;
/// How long an idle desktop is watched.
const IDLE: Duration = Duration::from_secs(10);
/// A service that lived for so long has recovered (docs/services.md).
const RECOVERY: Duration = Duration::from_secs(10);
/// Keys that are pressed, and steps of a drag.
const TIMES: usize = 12;
const STEPS: usize = 24;
/// The window that is dragged, and where its content is.
const SIZE: (u32, u32) = (640, 480);
const PLACE: (i32, i32) = (200, 120);
/// A place in its title bar, above the content.
const GRIP: (i32, i32) = (PLACE.0 + 200, PLACE.1 - 16);
/// How far it is dragged in a step.
const STEP: i32 = 8;
/// Directories that the live image fills.
const LIVE: [&str; 5] = ["/bin", "/etc", "/root", "/usr", "/var"];

/// Measures everything.
pub fn run() -> Result<()> {
    println!("bench begin ochre");
    println!("bench info clock_ns 1000000000\nbench info clock_ticks {}", figure("tsc_hz")?);
    boot()?;
    idle()?;
    keys()?;
    drag()?;
    restarts()
}

fn row(name: &str, unit: &str, mut costs: Vec<u64>) {
    costs.sort_unstable();
    match (costs.first(), costs.get(costs.len() / 2)) {
        (Some(min), Some(median)) => println!("bench row {name} {unit} {min} {median}"),
        _ => println!("bench skip {name} nothing was measured"),
    }
}

/// From the kernel's entry until the panel's pixels are on the screen, and until nothing is left to be done: the root directory is full.
fn boot() -> Result<()> {
    let screen = Screen::open()?;
    let height = screen.whole.y.1;
    let panel = Area { y: (height - PANEL, height - PANEL + 1), ..screen.whole };
    // What is seen there last is the panel; when it came is remembered.
    let (mut seen, mut painted) = (Vec::new(), Duration::ZERO);
    let quiet = Quiet::of(|_| true).meanwhile(|| {
        if !screen.shows(panel, &seen) || seen.is_empty() {
            seen = screen.picture(panel);
            painted = Duration::from_nanos(figure("uptime_ns")?);
        }
        Ok(())
    })?;
    row("boot_to_desktop", "ticks", vec![ticks(painted)?]);
    row("boot_to_quiet", "ticks", vec![ticks(quiet)?]);
    // Who has used how much by then.
    each(|name, time| println!("bench info used_by_{name} {}", time.as_nanos()))
}

/// A span of time in ticks of the counter.
fn ticks(time: Duration) -> Result<u64> {
    Ok((time.as_nanos() * u128::from(figure("tsc_hz")?) / 1_000_000_000) as u64)
}

/// What an idle desktop takes: interrupts a second, and memory beside the files of the live image.
fn idle() -> Result<()> {
    Quiet::of(|_| true).wait()?;
    let before = figure("interrupts")?;
    sleep(IDLE);
    row("desktop_wakeups", "times", vec![(figure("interrupts")? - before).div_ceil(IDLE.as_secs())]);
    // The archive of the system's programs is no memory that the kernel gives out, and taken all the same.
    let used = figure("frames_total")? - figure("frames_free")? + pages(Path::new("/scheme/initfs"));
    let files: u64 = LIVE.iter().map(|folder| pages(Path::new(folder))).sum();
    row("desktop_memory", "KiB", vec![(used.saturating_sub(files)) * 4]);
    Ok(())
}

/// Pages of the files below a directory.
fn pages(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => pages(&entry.path()),
            Ok(found) if found.is_file() => found.len().div_ceil(4096),
            _ => 0,
        })
        .sum()
}

/// What all others use from a key that is pressed in a terminal until the pixels of its letter are in the screen's memory.
fn keys() -> Result<()> {
    let mut typing = Typing::begin()?;
    let mut costs = Vec::new();
    for _ in 0..TIMES {
        let before = system(|_| true)?;
        typing.letter()?;
        costs.push(system(|_| true)?.time.saturating_sub(before.time).as_nanos() as u64);
        Quiet::of(|_| true).wait()?;
    }
    row("key_to_pixel", "ticks", costs);
    typing.end()
}

/// How long it is from the death of a daemon until a letter that is typed is on the screen again: in the terminal that was there, or,
/// without the daemon of terminals, in a new one.
fn restarts() -> Result<()> {
    let mut typing = Typing::begin()?;
    let mut measure = |name: &str, kill: &mut dyn FnMut(&mut Typing) -> Result<()>| -> Result<()> {
        row(name, "ticks", vec![ticks(typing.without(kill)?)?]);
        // The next death is not one in a row.
        sleep(RECOVERY);
        Quiet::of(|_| true).wait().map(drop)
    };
    measure("restart_vgad", &mut |typing| typing.screen().restart_driver())?;
    measure("restart_inputd", &mut |_| kill("inputd"))?;
    measure("restart_orbitald", &mut |_| kill("orbitald"))?;
    measure("restart_ptyd", &mut |typing| kill("ptyd").and_then(|()| typing.renew()))?;
    typing.end()
}

/// Has init kill a service, which it then starts again.
fn kill(service: &str) -> Result<()> {
    fs::write(format!("/scheme/init/{service}"), "kill")
}

/// What a step of a dragged window costs: a picture each.
fn drag() -> Result<()> {
    let mut window = orbclient::Window::new(PLACE.0, PLACE.1, SIZE.0, SIZE.1, "dragged")
        .ok_or_else(|| std::io::Error::other("no window"))?;
    orbclient::Renderer::set(&mut window, orbclient::Color::rgb(0x40, 0x60, 0x80));
    orbclient::Renderer::sync(&mut window);
    Quiet::of(|_| true).wait()?;
    let mut hand = Hand::new()?;
    hand.point(GRIP)?;
    hand.button(true)?;
    Quiet::of(|_| true).wait()?;
    let costs = (1..=STEPS as i32).map(|step| cost(|| hand.point((GRIP.0 + step * STEP, GRIP.1 + step * STEP / 2))));
    let costs = costs.collect::<Result<Vec<u64>>>()?;
    hand.button(false)?;
    row("drag_frame", "ticks", costs);
    Ok(())
}

/// What all others use more until everything is quiet again.
fn cost(act: impl FnOnce() -> Result<()>) -> Result<u64> {
    let before = system(|_| true)?;
    act()?;
    Quiet::of(|_| true).wait()?;
    Ok(system(|_| true)?.time.saturating_sub(before.time).as_nanos() as u64)
}
