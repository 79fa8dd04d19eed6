//! Pictures that are drawn from paths, at whatever scale: the buttons of frames and the cursors.

use std::collections::BTreeMap;

use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

use super::canvas::{Mask, Sprite};
use crate::desk::frame::Button;
use crate::desk::pointer::Shape;

/// Side of a button's picture, in pixels of the design.
const SIDE: i32 = 12;
/// Side of a cursor's picture, in pixels of the design.
const CURSOR: i32 = 28;

/// The pictures at one scale.
#[derive(Debug, Default)]
pub struct Icons {
    buttons: [Mask; 4],
    cursors: BTreeMap<Shape, Sprite>,
}

impl Icons {
    /// Draws them.
    pub fn new(scale: i32) -> Self {
        let buttons = [minimize(), maximize(), restore(), close()].map(|path| mask(path, scale));
        let shapes = [
            Shape::Arrow,
            Shape::Move,
            Shape::Horizontal,
            Shape::Vertical,
            Shape::Falling,
            Shape::Rising,
            Shape::Carry,
            Shape::Refuse,
        ];
        Self { buttons, cursors: shapes.into_iter().map(|shape| (shape, cursor(shape, scale))).collect() }
    }

    /// A button's picture.
    pub fn button(&self, button: Button, maximized: bool) -> &Mask {
        match button {
            Button::Minimize => &self.buttons[0],
            Button::Maximize if maximized => &self.buttons[2],
            Button::Maximize => &self.buttons[1],
            Button::Close => &self.buttons[3],
        }
    }

    /// A cursor; nothing when it is hidden.
    pub fn cursor(&self, shape: Shape) -> Option<&Sprite> {
        self.cursors.get(&shape)
    }
}

fn path(build: impl FnOnce(&mut PathBuilder)) -> Option<Path> {
    let mut builder = PathBuilder::new();
    build(&mut builder);
    builder.finish()
}

fn lines(points: &[&[(f32, f32)]]) -> Option<Path> {
    path(|builder| {
        for line in points {
            for (index, &(x, y)) in line.iter().enumerate() {
                if index == 0 { builder.move_to(x, y) } else { builder.line_to(x, y) }
            }
        }
    })
}

fn minimize() -> Option<Path> {
    lines(&[&[(1.0, 6.5), (11.0, 6.5)]])
}

fn maximize() -> Option<Path> {
    lines(&[&[(1.5, 1.5), (10.5, 1.5), (10.5, 10.5), (1.5, 10.5), (1.5, 1.5)]])
}

fn restore() -> Option<Path> {
    lines(&[&[(1.5, 3.5), (8.5, 3.5), (8.5, 10.5), (1.5, 10.5), (1.5, 3.5)], &[(4.0, 1.5), (10.5, 1.5), (10.5, 8.0)]])
}

fn close() -> Option<Path> {
    lines(&[&[(1.75, 1.75), (10.25, 10.25)], &[(10.25, 1.75), (1.75, 10.25)]])
}

fn stroke(width: f32) -> Stroke {
    Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() }
}

fn paint(colour: Color) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(colour);
    paint
}

fn mask(path: Option<Path>, scale: i32) -> Mask {
    let side = SIDE * scale;
    let (Some(path), Some(mut pixmap)) = (path, Pixmap::new(side as u32, side as u32)) else { return Mask::default() };
    let transform = Transform::from_scale(scale as f32, scale as f32);
    pixmap.stroke_path(&path, &paint(Color::WHITE), &stroke(1.25), transform, None);
    Mask { w: side, h: side, coverage: pixmap.pixels().iter().map(|pixel| pixel.alpha()).collect() }
}

/// A cursor: its outline, and the point of it that points.
fn outline(shape: Shape) -> (Option<Path>, (f32, f32)) {
    const MIDDLE: (f32, f32) = (14.0, 14.0);
    let arrows = |directions: &[f32]| {
        let paths = directions.iter().filter_map(|&degrees| {
            let head = lines(&[&[
                (14.0, 3.0),
                (18.5, 8.0),
                (15.25, 8.0),
                (15.25, 14.0),
                (12.75, 14.0),
                (12.75, 8.0),
                (9.5, 8.0),
                (14.0, 3.0),
            ]])?;
            head.transform(Transform::from_rotate_at(degrees, MIDDLE.0, MIDDLE.1))
        });
        path(|builder| paths.for_each(|path| builder.push_path(&path)))
    };
    let arrow: &[(f32, f32)] =
        &[(5.0, 3.0), (5.0, 20.2), (9.1, 16.4), (11.7, 22.4), (14.6, 21.1), (12.0, 15.3), (17.4, 14.9), (5.0, 3.0)];
    let badge = |sign: &[&[(f32, f32)]]| {
        let arrow = lines(&[arrow]);
        path(|builder| {
            arrow.into_iter().for_each(|path| builder.push_path(&path));
            sign.iter().for_each(|points| {
                lines(&[points]).into_iter().for_each(|path| builder.push_path(&path));
            });
        })
    };
    match shape {
        Shape::Arrow | Shape::Hidden => (lines(&[arrow]), (5.0, 3.0)),
        Shape::Move => (arrows(&[0.0, 90.0, 180.0, 270.0]), MIDDLE),
        Shape::Horizontal => (arrows(&[90.0, 270.0]), MIDDLE),
        Shape::Vertical => (arrows(&[0.0, 180.0]), MIDDLE),
        Shape::Falling => (arrows(&[135.0, 315.0]), MIDDLE),
        Shape::Rising => (arrows(&[45.0, 225.0]), MIDDLE),
        Shape::Carry => (
            badge(&[
                &[(19.5, 16.0), (21.5, 16.0), (21.5, 25.0), (19.5, 25.0), (19.5, 16.0)],
                &[(16.0, 19.5), (25.0, 19.5), (25.0, 21.5), (16.0, 21.5), (16.0, 19.5)],
            ]),
            (5.0, 3.0),
        ),
        Shape::Refuse => {
            (badge(&[&[(16.0, 19.5), (25.0, 19.5), (25.0, 21.5), (16.0, 21.5), (16.0, 19.5)]]), (5.0, 3.0))
        }
    }
}

fn cursor(shape: Shape, scale: i32) -> Sprite {
    let side = CURSOR * scale;
    let (path, (x, y)) = outline(shape);
    let (Some(path), Some(mut pixmap)) = (path, Pixmap::new(side as u32, side as u32)) else {
        return Sprite::default();
    };
    let factor = scale as f32;
    let transform = Transform::from_scale(factor, factor);
    // A soft edge, a bright rim and a dark body: seen on every ground.
    pixmap.stroke_path(
        &path,
        &paint(Color::from_rgba8(0, 0, 0, 40)),
        &stroke(4.0),
        transform.post_translate(0.0, factor),
        None,
    );
    pixmap.stroke_path(&path, &paint(Color::WHITE), &stroke(2.5), transform, None);
    pixmap.fill_path(&path, &paint(Color::from_rgba8(24, 20, 18, 255)), FillRule::Winding, transform, None);
    let pixels = pixmap.pixels().iter().map(|pixel| {
        u32::from(pixel.alpha()) << 24
            | u32::from(pixel.red()) << 16
            | u32::from(pixel.green()) << 8
            | u32::from(pixel.blue())
    });
    let hot = ((x * factor) as i32, (y * factor) as i32);
    Sprite { w: side, h: side, hot, pixels: pixels.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_shows_something_and_grows_with_the_scale() {
        for scale in [1, 2] {
            let icons = Icons::new(scale);
            for mask in &icons.buttons {
                assert!(mask.w == SIDE * scale && mask.coverage.iter().any(|&coverage| coverage > 200));
            }
            assert_eq!(icons.cursors.len(), 8);
            for sprite in icons.cursors.values() {
                assert!(sprite.w == CURSOR * scale && sprite.pixels.iter().any(|&pixel| pixel >> 24 == 255));
                assert!((0..sprite.w).contains(&sprite.hot.0) && (0..sprite.h).contains(&sprite.hot.1));
            }
        }
        assert!(Icons::new(1).cursor(Shape::Hidden).is_none());
    }
}
