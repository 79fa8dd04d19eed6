//! A window in memory, which hears what it is given and shows nobody anything.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use iced_core::Size;

use crate::canvas::{Canvas, Rect};
use crate::input::Input;
use crate::runtime::{Platform, Woken};
use crate::task::{Action, Clip, Waker};
use crate::theme::Theme;

/// How long a picture that is to be painted soon is waited for; what comes later is not.
const SOON: Duration = Duration::from_millis(40);

/// The window.
pub struct Window {
    size: Size<u32>,
    scale: f32,
    inputs: VecDeque<Input>,
    theme: Option<Theme>,
    clipboard: Option<Clip>,
    woken: Arc<(Mutex<bool>, Condvar)>,
    /// When threads of the program were heard of last, while that is waited for.
    heard: Option<Instant>,
    /// What the program wanted of its window.
    pub actions: Vec<Action>,
    /// Pixels that were painted, in all.
    pub painted: u64,
    /// How long threads of the program may be quiet before it counts as quiet.
    pub patience: Duration,
}

impl Window {
    /// A window of a size of the design, at a scale.
    pub fn new(size: Size, scale: f32) -> Self {
        let pixels = |side: f32| (side * scale).round() as u32;
        Self {
            size: Size::new(pixels(size.width), pixels(size.height)),
            scale,
            inputs: VecDeque::new(),
            theme: None,
            clipboard: None,
            woken: Arc::default(),
            heard: None,
            actions: Vec::new(),
            painted: 0,
            patience: Duration::ZERO,
        }
    }

    /// Something happens.
    pub fn tell(&mut self, input: Input) {
        self.inputs.push_back(input);
    }

    /// The theme is another one.
    pub fn set_theme(&mut self, theme: Theme) {
        self.theme = Some(theme);
    }

    /// The window gets another size of the design.
    pub fn resize(&mut self, size: Size) {
        self.size = Self::new(size, self.scale).size;
    }

    /// The clipboard.
    pub fn clipboard(&mut self) -> &mut Option<Clip> {
        &mut self.clipboard
    }

    /// Waits to be woken; answers whether it was.
    fn sleep(&self, time: Duration) -> bool {
        let (woken, condition) = &*self.woken;
        let Ok(guard) = woken.lock() else { return false };
        match condition.wait_timeout_while(guard, time, |woken| !*woken) {
            Ok((mut woken, _)) => std::mem::take(&mut *woken),
            Err(_) => false,
        }
    }
}

impl Platform for Window {
    fn wait(&mut self, until: Option<Instant>) -> Woken {
        let now = Instant::now();
        let theme = self.theme.take();
        if theme.is_some() || !self.inputs.is_empty() {
            return Woken { inputs: self.inputs.drain(..).collect(), theme, end: false };
        }
        let left = until.map(|until| until.saturating_duration_since(now));
        if let Some(left) = left.filter(|left| *left <= SOON) {
            self.sleep(left);
            return Woken::default();
        }
        // What a program does by itself now and then, such as a cursor that blinks, is as good as nothing.
        let quiet = now.duration_since(*self.heard.get_or_insert(now));
        if let Some(rest) = self.patience.checked_sub(quiet).filter(|rest| !rest.is_zero()) {
            if self.sleep(left.map_or(rest, |left| left.min(rest))) {
                self.heard = None;
            }
            return Woken::default();
        }
        self.heard = None;
        // A message may have come without a wait for it.
        Woken { end: !self.sleep(Duration::ZERO), ..Woken::default() }
    }

    fn waker(&self) -> Waker {
        let shared = Arc::clone(&self.woken);
        Arc::new(move || {
            if let Ok(mut woken) = shared.0.lock() {
                *woken = true;
                shared.1.notify_one();
            }
        })
    }

    fn size(&self) -> Size<u32> {
        self.size
    }

    fn scale(&self) -> f32 {
        self.scale
    }

    fn show(&mut self, _canvas: &Canvas, rects: &[Rect]) {
        self.painted += rects.iter().map(|rect| u64::from(rect.w) * u64::from(rect.h)).sum::<u64>();
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Copy(clip) => self.clipboard = Some(clip),
            Action::Resize(size) => self.resize(size),
            action => self.actions.push(action),
        }
    }

    fn paste(&self) -> Option<Clip> {
        self.clipboard.clone()
    }
}
