//! Which rectangles of a layer changed.
//!
//! iced compares them one by one, so that a cursor that goes makes all behind it look changed. Here what is the same at the beginning and at
//! the end of both lists is left out first.

use iced_core::renderer::Quad;
use iced_core::{Background, Rectangle};

/// What has to be painted, within the layer, when one list became the other.
pub fn changed(
    before: &[(Quad, Background)],
    now: &[(Quad, Background)],
    layer: Rectangle,
    areas: &mut Vec<Rectangle>,
) {
    let start = before.iter().zip(now).take_while(|(a, b)| a == b).count();
    let (before, now) = (&before[start..], &now[start..]);
    let end = before.iter().rev().zip(now.iter().rev()).take_while(|(a, b)| a == b).count();
    let (before, now) = (&before[..before.len() - end], &now[..now.len() - end]);
    let same_number = before.len() == now.len();
    let different = |list: &[(Quad, Background)], other: &[(Quad, Background)], areas: &mut Vec<Rectangle>| {
        for (at, quad) in list.iter().enumerate() {
            if !same_number || other.get(at) != Some(quad) {
                areas.extend(quad.0.bounds.expand(1.0).intersection(&layer));
            }
        }
    };
    different(before, now, areas);
    different(now, before, areas);
}

#[cfg(test)]
mod tests {
    use iced_core::{Color, Point, Size};

    use super::*;

    fn quad(x: f32) -> (Quad, Background) {
        let bounds = Rectangle::new(Point::new(x, 10.0), Size::new(8.0, 8.0));
        (Quad { bounds, ..Quad::default() }, Background::Color(Color::BLACK))
    }

    #[test]
    fn only_what_comes_or_goes() {
        let layer = Rectangle::with_size(Size::new(100.0, 100.0));
        let lists = |before: &[f32], now: &[f32]| {
            let [before, now] = [before, now].map(|list| list.iter().map(|&x| quad(x)).collect::<Vec<_>>());
            let mut areas = Vec::new();
            changed(&before, &now, layer, &mut areas);
            areas.iter().map(|area| area.x + 1.0).collect::<Vec<_>>()
        };
        assert_eq!(lists(&[10.0, 20.0, 30.0], &[10.0, 20.0, 30.0]), []);
        assert_eq!(lists(&[10.0, 20.0, 30.0], &[10.0, 30.0]), [20.0]);
        assert_eq!(lists(&[10.0, 30.0], &[10.0, 20.0, 30.0]), [20.0]);
        assert_eq!(lists(&[10.0, 20.0, 30.0, 40.0], &[11.0, 20.0, 30.0, 41.0]), [10.0, 40.0, 11.0, 41.0]);
        assert_eq!(lists(&[], &[50.0]), [50.0]);
        // One of two that are the same.
        assert_eq!(lists(&[10.0, 10.0], &[10.0]), [10.0]);
    }
}
