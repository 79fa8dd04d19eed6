//! The window, and what the display server tells beside its events.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;

use libredox::call::fpath;
use orbclient::{Event, EventOption, MediaKind, Renderer, Window as Surface, WindowFlag};
use terminal::draw::Area;
use terminal::machine::Machine;
use terminal::theme::{DARK, LIGHT, Theme};

/// The scheme of the display server; a variable names another one.
fn scheme() -> String {
    std::env::var("ORBITAL_DISPLAY").unwrap_or_else(|_| "/scheme/orbital".into())
}

/// How many times the display magnifies, and its size.
pub fn display() -> Option<(usize, usize, usize)> {
    let display = File::open(format!("{}/99.0", scheme())).ok()?;
    let mut path = [0; 256];
    let count = fpath(display.as_raw_fd() as usize, &mut path).ok()?;
    // orbital:99.0/width/height/scale
    let mut numbers = str::from_utf8(&path[..count]).ok()?.split('/').skip(1).map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// What people have set for all programs.
pub struct Settings(Option<File>);

impl Settings {
    /// Opens them. Where there are none they have their defaults.
    pub fn open() -> Self {
        Self(File::open(format!("{}/settings", scheme())).ok())
    }

    /// Becomes ready when one of them changes.
    pub fn descriptor(&self) -> Option<usize> {
        self.0.as_ref().map(|file| file.as_raw_fd() as usize)
    }

    /// The colours that are wanted.
    pub fn theme(&mut self) -> Theme {
        let mut text = String::new();
        // What is not there was not set.
        if let Ok(mut file) = File::open(format!("{}/settings", scheme())) {
            let _ = file.read_to_string(&mut text);
        }
        if text.lines().any(|line| line == "theme=dark") { DARK } else { LIGHT }
    }
}

/// The window.
pub struct Window {
    surface: Surface,
    title: String,
    /// A title that is to be shown with the next picture.
    next: Option<String>,
}

impl Window {
    /// Opens one.
    pub fn open((width, height): (usize, usize), title: &str) -> Option<Self> {
        let flags = [WindowFlag::Async, WindowFlag::Resizable];
        let surface = Surface::new_flags(-1, -1, width as u32, height as u32, &plain(title), &flags)?;
        Some(Self { surface, title: title.into(), next: None })
    }

    /// Its descriptor, to be watched.
    pub fn descriptor(&self) -> usize {
        self.surface.as_raw_fd() as usize
    }

    /// Whether whoever keeps windows still has this one.
    pub fn is_there(&self) -> bool {
        fpath(self.descriptor(), &mut [0; 512]).is_ok()
    }

    /// What has happened to it.
    pub fn events(&mut self) -> Vec<EventOption> {
        self.surface.events().map(Event::to_option).collect()
    }

    /// Its size: crate `orbclient` follows what the display server asks for while events are read.
    pub fn size(&self) -> (usize, usize) {
        (self.surface.width() as usize, self.surface.height() as usize)
    }

    /// Asks for another size.
    pub fn set_size(&mut self, width: usize, height: usize) {
        self.surface.set_size(width as u32, height as u32);
    }

    /// Another title, from the next picture on.
    pub fn set_title(&mut self, title: String) {
        self.next = Some(title);
    }

    /// Draws what is different, if it is time.
    pub fn draw(&mut self, machine: &mut Machine, now: u64) {
        let width = self.surface.width() as usize;
        let areas = machine.frame(self.surface.data_mut(), width, now);
        if areas.is_empty() {
            return;
        }
        let rect = |area: &Area| (area.x as i32, area.y as i32, area.width as u32, area.height as u32);
        let rects: Vec<_> = areas.iter().map(rect).collect();
        // Without a keeper there is nobody to see it; the next events tell.
        self.surface.update_rects(&rects);
        if let Some(title) = self.next.take().filter(|title| *title != self.title) {
            self.surface.set_title(&title);
            self.title = title;
        }
    }

    /// Text for the clipboard.
    pub fn copy(&mut self, text: &str) {
        self.surface.set_clipboard(text, MediaKind::Text);
    }

    /// Text from the clipboard.
    pub fn clipboard(&self) -> Option<String> {
        let (kind, text) = self.surface.clipboard()?;
        matches!(kind, MediaKind::Text | MediaKind::Uri).then_some(text)
    }
}

/// A title as part of a path.
fn plain(title: &str) -> String {
    title.replace('/', " ")
}
