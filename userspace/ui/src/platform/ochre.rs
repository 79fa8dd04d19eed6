//! A window of the display server, by crate `orbclient`.
//!
//! One event queue waits for all there is: the window's events, the settings (theme), a timer, and a second timer that other threads
//! write to and so wake the program. A program that has nothing to do sleeps in it.

mod place;
mod queue;

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use iced_core::Size;
use orbclient::{Color, MediaKind, Renderer as _, WindowDragKind, WindowFlag, WindowFlags};

use self::place::Display;
use self::queue::{Clock, Queue};
use super::Error;
use crate::app::{Options, Place};
use crate::canvas::{Canvas, Rect};
use crate::input::{Input, Translator};
use crate::runtime::{Platform, Woken};
use crate::task::{Action, Clip, Waker};
use crate::theme::Theme;

/// What the queue says of each descriptor.
const WINDOW: usize = 0;
const SETTINGS: usize = 1;
const TIMER: usize = 2;
const WAKER: usize = 3;
/// The shortest time that is waited.
const LEAST: Duration = Duration::from_millis(1);

/// The window.
pub struct Window {
    window: orbclient::Window,
    options: Options,
    scale: f32,
    translator: Translator,
    settings: Option<File>,
    theme: Theme,
    timer: Clock,
    waker: Arc<Clock>,
    queue: Queue,
    /// The window has been closed by others.
    lost: bool,
}

impl Window {
    /// Opens a window.
    pub fn open(options: Options) -> Result<Self, Error> {
        let display = Display::look().ok_or(Error::NoWindow)?;
        let (x, y, w, h) = display.place(&options);
        let window = orbclient::Window::new_flags(x, y, w, h, "", flags(&options)).ok_or(Error::NoWindow)?;
        let settings = File::open(format!("{}/settings", place::scheme())).ok();
        let (timer, waker) = (Clock::new()?, Arc::new(Clock::new()?));
        let queue = Queue::new()?;
        queue.watch(window.as_raw_fd() as usize, WINDOW)?;
        queue.watch(timer.descriptor(), TIMER)?;
        queue.watch(waker.descriptor(), WAKER)?;
        if let Some(settings) = &settings {
            queue.watch(settings.as_raw_fd() as usize, SETTINGS)?;
        }
        let scale = display.scale;
        let (translator, theme) = (Translator::default(), Theme::Light);
        let mut window = Self { window, options, scale, translator, settings, theme, timer, waker, queue, lost: false };
        window.theme = window.read_theme();
        Ok(window)
    }

    /// The theme that is set.
    pub fn theme(&self) -> Theme {
        self.theme
    }

    fn read_theme(&mut self) -> Theme {
        let mut text = String::new();
        if let Some(settings) = &mut self.settings {
            // What cannot be read says nothing.
            let _ = settings.rewind();
            let _ = settings.read_to_string(&mut text);
        }
        text.lines().find_map(|line| line.strip_prefix("theme=")).map_or(Theme::Light, Theme::named)
    }

    /// Reads all events of the window.
    fn hear(&mut self, woken: &mut Woken) {
        let before = woken.inputs.len();
        let mut any = false;
        for event in self.window.events() {
            any = true;
            self.translator.translate(event, self.scale, &mut woken.inputs);
        }
        self.translator.pause(&mut woken.inputs);
        // Nothing to be read although something was said: the window is gone with the keeper, or somebody was quicker.
        if !any && libredox::call::fpath(self.window.as_raw_fd() as usize, &mut [0; 256]).is_err() {
            self.lost = true;
        }
        for at in before..woken.inputs.len() {
            match woken.inputs[at] {
                Input::Scale(scale) if scale != self.scale => self.rescale(scale),
                Input::Screen(..) => self.replace(),
                _ => {}
            }
        }
    }

    /// The same size of the design, in other pixels.
    fn rescale(&mut self, scale: f32) {
        let pixels = |side: u32| (side as f32 * scale / self.scale).round() as u32;
        let (w, h) = (pixels(self.window.width()), pixels(self.window.height()));
        self.scale = scale;
        self.window.set_size(w, h);
        self.replace();
    }

    /// The screen is another one: what has its place at an edge goes there.
    fn replace(&mut self) {
        if matches!(self.options.place, Place::LowerEdge | Place::LowerLeft { .. })
            && let Some(display) = Display::look()
        {
            let (x, y, w, h) = display.place(&self.options);
            if (w, h) != (self.window.width(), self.window.height()) {
                self.window.set_size(w, h);
            }
            self.window.set_pos(x, y);
        }
    }
}

impl Platform for Window {
    fn wait(&mut self, until: Option<Instant>) -> Woken {
        let mut woken = Woken::default();
        // What is late already waits a moment all the same, in which it is heard what has happened.
        if let Some(until) = until.map(|until| until.max(Instant::now() + LEAST))
            && !self.timer.arm(until)
        {
            return woken;
        }
        match self.queue.next() {
            Ok(WINDOW) => self.hear(&mut woken),
            Ok(SETTINGS) => {
                let theme = self.read_theme();
                if theme != self.theme {
                    self.theme = theme;
                    woken.theme = Some(theme);
                }
            }
            Ok(TIMER) => self.timer.woken(),
            Ok(_) => self.waker.rest(),
            Err(error) => {
                log::error!("no more events: {error}");
                self.lost = true;
            }
        }
        woken.end = self.lost;
        woken
    }

    fn waker(&self) -> Waker {
        let clock = Arc::clone(&self.waker);
        Arc::new(move || clock.wake())
    }

    fn size(&self) -> Size<u32> {
        Size::new(self.window.width(), self.window.height())
    }

    fn scale(&self) -> f32 {
        self.scale
    }

    fn show(&mut self, canvas: &Canvas, rects: &[Rect]) {
        let (size, transparent) = (canvas.size(), self.options.transparent);
        if size != self.size() {
            return;
        }
        let to = self.window.data_mut();
        for rect in rects {
            for y in rect.y..rect.y + rect.h {
                let start = y as usize * size.width as usize + rect.x as usize;
                let range = start..start + rect.w as usize;
                if let (Some(to), Some(from)) = (to.get_mut(range.clone()), canvas.pixels().get(range)) {
                    copy(to, from, transparent);
                }
            }
        }
        let rects: Vec<_> = rects.iter().map(|rect| (rect.x as i32, rect.y as i32, rect.w, rect.h)).collect();
        self.window.update_rects(&rects);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Title(title) => self.window.set_title(&title),
            Action::Resize(size) => {
                self.options.size = size;
                let pixels = |side: f32| (side * self.scale).round().max(1.0) as u32;
                self.window.set_size(pixels(size.width), pixels(size.height));
                self.replace();
            }
            Action::Show(shown) => self.window.set_flag(WindowFlag::Hidden, !shown),
            Action::FullScreen(full) => self.window.set_flag(WindowFlag::Fullscreen, full),
            Action::Drag => self.window.set_window_drag(WindowDragKind::Move),
            Action::Copy(clip) => {
                let (kind, text) = match clip {
                    Clip::Text(text) => (MediaKind::Text, text),
                    Clip::Files(paths) => {
                        let paths: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
                        (MediaKind::File, paths.join("\n"))
                    }
                };
                self.window.set_clipboard(&text, kind);
            }
        }
    }

    fn paste(&self) -> Option<Clip> {
        match self.window.clipboard()? {
            (MediaKind::File, text) => Some(Clip::Files(text.lines().map(Into::into).collect())),
            (_, text) => Some(Clip::Text(text)),
        }
    }
}

/// Copies a row. The display server wants alpha straight, and programs' pixels have their channels multiplied by it.
fn copy(to: &mut [Color], from: &[u32], transparent: bool) {
    if !transparent {
        to.iter_mut().zip(from).for_each(|(to, from)| to.data = from | 0xff00_0000);
        return;
    }
    for (to, from) in to.iter_mut().zip(from) {
        let alpha = from >> 24;
        to.data = match alpha {
            0 | 255 => *from,
            _ => {
                let channel = |shift: u32| ((((from >> shift) & 255) * 255 + alpha / 2) / alpha).min(255) << shift;
                alpha << 24 | channel(16) | channel(8) | channel(0)
            }
        };
    }
}

fn flags(options: &Options) -> WindowFlags {
    let mut flags = WindowFlags::new(&[WindowFlag::Async]);
    for (flag, set) in [
        (WindowFlag::Resizable, options.resizable),
        (WindowFlag::Borderless, !options.framed),
        (WindowFlag::Transparent, options.transparent),
        (WindowFlag::Front, options.in_front),
        (WindowFlag::Hidden, options.hidden),
        (WindowFlag::Unclosable, matches!(options.place, Place::LowerEdge)),
    ] {
        if set {
            flags.push(flag);
        }
    }
    flags
}
