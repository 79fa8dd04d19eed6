//! Where the eye is: how large the picture is shown and which part of it, as numbers. Pixels here are those of the screen.

use files::picture::Turn;

/// The smallest and the largest scale.
const SMALLEST: f64 = 0.01;
const LARGEST: f64 = 32.0;
/// Steps that are stopped at.
const STEPS: [f64; 17] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0, 16.0, 24.0, 32.0];

/// How large the picture is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Zoom {
    /// As large as it fits, but not larger than it is.
    #[default]
    Fit,
    /// So many pixels of the screen for one of the picture.
    Times(f64),
}

/// The camera over a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Camera {
    /// The picture's size, not turned.
    picture: (u32, u32),
    /// The window's size.
    window: (u32, u32),
    zoom: Zoom,
    /// How the picture is laid.
    turn: Turn,
    /// The point of the (turned) picture that is in the middle of the window, in its pixels.
    middle: (f64, f64),
}

/// Where the picture is shown: its corner in the window and its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// From the left.
    pub x: f64,
    /// From above.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Camera {
    /// Over a picture of this size, which is shown as a whole.
    pub fn over(picture: (u32, u32), turn: Turn, window: (u32, u32)) -> Self {
        let mut camera = Self { picture, window, turn, ..Self::default() };
        camera.center();
        camera
    }

    /// The picture's size as it is laid.
    pub fn laid(&self) -> (f64, f64) {
        let (width, height) = (f64::from(self.picture.0), f64::from(self.picture.1));
        if self.turn.is_sideways() { (height, width) } else { (width, height) }
    }

    /// How the picture is laid.
    pub fn turn(&self) -> Turn {
        self.turn
    }

    /// The window's size.
    pub fn window(&self) -> (u32, u32) {
        self.window
    }

    fn view(&self) -> (f64, f64) {
        (f64::from(self.window.0), f64::from(self.window.1))
    }

    /// The scale at which all of the picture is seen.
    fn fitting(&self) -> f64 {
        let ((width, height), (view_width, view_height)) = (self.laid(), self.view());
        (view_width / width.max(1.0)).min(view_height / height.max(1.0)).clamp(SMALLEST, 1.0)
    }

    /// Pixels of the screen for one of the picture.
    pub fn scale(&self) -> f64 {
        match self.zoom {
            Zoom::Fit => self.fitting(),
            Zoom::Times(times) => times,
        }
    }

    /// Whether it follows the window's size.
    pub fn is_fit(&self) -> bool {
        self.zoom == Zoom::Fit
    }

    /// Whether there is something to be moved to.
    pub fn can_move(&self) -> bool {
        let place = self.place();
        place.width > self.view().0 + 0.5 || place.height > self.view().1 + 0.5
    }

    /// Where the picture is.
    pub fn place(&self) -> Place {
        let scale = self.scale();
        let ((width, height), (view_width, view_height)) = (self.laid(), self.view());
        // On whole pixels, so that nothing is blurred at full size.
        let x = (view_width / 2.0 - self.middle.0 * scale).round();
        let y = (view_height / 2.0 - self.middle.1 * scale).round();
        Place { x, y, width: width * scale, height: height * scale }
    }

    fn center(&mut self) {
        let (width, height) = self.laid();
        self.middle = (width / 2.0, height / 2.0);
    }

    /// Keeps the picture in the window: what is smaller is in the middle, what is larger leaves no gap.
    fn settle(&mut self) {
        let scale = self.scale();
        let keep = |middle: f64, picture: f64, view: f64| {
            let half = view / scale / 2.0;
            if picture <= 2.0 * half { picture / 2.0 } else { middle.clamp(half, picture - half) }
        };
        let ((width, height), (view_width, view_height)) = (self.laid(), self.view());
        self.middle = (keep(self.middle.0, width, view_width), keep(self.middle.1, height, view_height));
    }

    /// The window has another size.
    pub fn resize(&mut self, window: (u32, u32)) {
        self.window = window;
        self.settle();
    }

    /// Shows all of it.
    pub fn fit(&mut self) {
        self.zoom = Zoom::Fit;
        self.settle();
    }

    /// One pixel for one, around the middle of the window.
    pub fn full_size(&mut self) {
        self.set_scale(1.0, None);
    }

    /// A scale; the point of the window that stays where it is, or its middle.
    fn set_scale(&mut self, scale: f64, around: Option<(f64, f64)>) {
        let (view_width, view_height) = self.view();
        let (x, y) = around.unwrap_or((view_width / 2.0, view_height / 2.0));
        let (x, y) = (x - view_width / 2.0, y - view_height / 2.0);
        let before = self.scale();
        let after = scale.clamp(SMALLEST, LARGEST);
        self.middle.0 += x / before - x / after;
        self.middle.1 += y / before - y / after;
        self.zoom = Zoom::Times(after);
        self.settle();
    }

    /// The next larger or smaller step, around a point of the window.
    pub fn step(&mut self, larger: bool, around: Option<(f64, f64)>) {
        let now = self.scale();
        let next = match larger {
            true => STEPS.into_iter().find(|step| *step > now * 1.01),
            false => STEPS.into_iter().rev().find(|step| *step < now * 0.99),
        };
        if let Some(next) = next {
            self.set_scale(next, around);
        }
    }

    /// Moves the picture by so many pixels of the screen.
    pub fn pan(&mut self, x: f64, y: f64) {
        let scale = self.scale();
        self.middle.0 -= x / scale;
        self.middle.1 -= y / scale;
        self.settle();
    }

    /// Turns the picture; what was in the middle stays there.
    pub fn rotate(&mut self, clockwise: bool) {
        let (width, height) = self.laid();
        let (x, y) = self.middle;
        self.middle = if clockwise { (height - y, x) } else { (y, width - x) };
        self.turn = self.turn.turned(clockwise);
        self.settle();
    }

    /// The scale in words.
    pub fn percent(&self) -> String {
        let percent = self.scale() * 100.0;
        if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(picture: (u32, u32), window: (u32, u32)) -> Camera {
        Camera::over(picture, Turn::default(), window)
    }

    #[test]
    fn pictures_fit_and_are_not_made_larger() {
        let place = camera((2000, 1000), (500, 500)).place();
        assert_eq!(place, Place { x: 0.0, y: 125.0, width: 500.0, height: 250.0 });
        let small = camera((10, 20), (100, 100));
        assert_eq!((small.place().x, small.scale(), small.can_move()), (45.0, 1.0, false));
        assert_eq!(small.percent(), "100 %");
        let sideways = Camera::over((2000, 1000), Turn::default().turned(true), (500, 500));
        assert_eq!(sideways.place(), Place { x: 125.0, y: 0.0, width: 250.0, height: 500.0 });
    }

    #[test]
    fn the_point_under_the_pointer_stays() {
        let mut camera = camera((4000, 3000), (800, 600));
        for larger in [true, true, true, true, true, false, true] {
            let point = (200.0, 150.0);
            let before = camera.place();
            let spot = |place: Place| ((point.0 - place.x) / place.width, (point.1 - place.y) / place.height);
            camera.step(larger, Some(point));
            let (one, other) = (spot(before), spot(camera.place()));
            assert!((one.0 - other.0).abs() < 0.003 && (one.1 - other.1).abs() < 0.003, "{one:?} {other:?}");
        }
        assert!(!camera.is_fit() && camera.can_move());
    }

    #[test]
    fn steps_have_ends_and_meet_full_size() {
        let mut camera = camera((4000, 3000), (800, 600));
        let mut scales = vec![camera.scale()];
        (0..20).for_each(|_| {
            camera.step(true, None);
            scales.push(camera.scale());
        });
        assert!(scales.contains(&1.0) && scales.is_sorted() && camera.scale() == LARGEST);
        (0..40).for_each(|_| camera.step(false, None));
        assert_eq!((camera.scale(), camera.percent().as_str()), (SMALLEST, "1.0 %"));
    }

    #[test]
    fn moving_ends_at_the_edges() {
        let mut camera = camera((1000, 1000), (500, 400));
        camera.full_size();
        camera.pan(1e9, -1e9);
        assert_eq!(camera.place(), Place { x: 0.0, y: -600.0, width: 1000.0, height: 1000.0 });
        // A larger window shows more, and leaves no gap.
        camera.resize((900, 900));
        assert_eq!((camera.place().x, camera.place().y), (0.0, -100.0));
        camera.resize((2000, 2000));
        assert_eq!((camera.place().x, camera.place().y), (500.0, 500.0));
    }

    #[test]
    fn turning_keeps_the_middle() {
        let mut camera = camera((1000, 800), (100, 100));
        camera.full_size();
        camera.pan(300.0, 200.0);
        let before = camera.clone();
        camera.rotate(true);
        // What was left of the middle is now above it.
        assert_eq!(camera.middle, (800.0 - before.middle.1, before.middle.0));
        camera.rotate(false);
        assert_eq!(camera, before);
    }

    #[test]
    fn nothing_breaks_without_room() {
        for (picture, window) in [((1, 1), (0, 0)), ((32_768, 1), (1, 1)), ((1, 32_768), (0, 50))] {
            let mut camera = camera(picture, window);
            camera.step(true, Some((0.0, 0.0)));
            camera.rotate(true);
            camera.pan(5.0, 5.0);
            camera.fit();
            let place = camera.place();
            assert!([place.x, place.y, place.width, place.height].iter().all(|value| value.is_finite()));
        }
    }
}
