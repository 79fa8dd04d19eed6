//! Rectangles on the screen, in pixels.
//!
//! Everything that comes from outside is bounded before it becomes a [`Rect`] (see [`Rect::bounded`]), so that sums of
//! coordinates never overflow.

use serde::{Deserialize, Serialize};

/// Largest distance of a coordinate from the origin, and largest width or height.
pub const LIMIT: i32 = 1 << 20;

/// A rectangle. Empty when width or height is not positive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
}

impl Rect {
    /// A rectangle of bounded values.
    pub const fn new(x: i32, y: i32, w: i32, h: i32) -> Self {
        Self { x, y, w, h }
    }

    /// A rectangle of any values: what lies beyond the limits is cut off.
    pub fn bounded(x: i64, y: i64, w: i64, h: i64) -> Self {
        let limit = i64::from(LIMIT);
        let [left, right] = [x, x.saturating_add(w.max(0))].map(|value| value.clamp(-limit, limit) as i32);
        let [top, bottom] = [y, y.saturating_add(h.max(0))].map(|value| value.clamp(-limit, limit) as i32);
        Self::from_edges(left, top, right, bottom)
    }

    /// A rectangle between edges.
    pub const fn from_edges(left: i32, top: i32, right: i32, bottom: i32) -> Self {
        Self { x: left, y: top, w: right - left, h: bottom - top }
    }

    /// The column behind the last one.
    pub const fn right(&self) -> i32 {
        self.x + self.w
    }

    /// The row behind the last one.
    pub const fn bottom(&self) -> i32 {
        self.y + self.h
    }

    /// Whether no pixel lies in it.
    pub const fn is_empty(&self) -> bool {
        self.w <= 0 || self.h <= 0
    }

    /// Number of pixels.
    pub const fn area(&self) -> i64 {
        if self.is_empty() { 0 } else { self.w as i64 * self.h as i64 }
    }

    /// Whether a point lies in it.
    pub const fn contains(&self, x: i32, y: i32) -> bool {
        x >= self.x && y >= self.y && x < self.right() && y < self.bottom()
    }

    /// Whether all of another one lies in it.
    pub fn covers(&self, other: &Self) -> bool {
        other.is_empty()
            || (other.x >= self.x
                && other.y >= self.y
                && other.right() <= self.right()
                && other.bottom() <= self.bottom())
    }

    /// What both have in common; empty when that is nothing.
    pub fn intersection(&self, other: &Self) -> Self {
        let (left, top) = (self.x.max(other.x), self.y.max(other.y));
        let (right, bottom) = (self.right().min(other.right()), self.bottom().min(other.bottom()));
        if right <= left || bottom <= top { Self::default() } else { Self::from_edges(left, top, right, bottom) }
    }

    /// Whether they have a pixel in common.
    pub fn meets(&self, other: &Self) -> bool {
        !self.intersection(other).is_empty()
    }

    /// The smallest rectangle that covers both.
    pub fn union(&self, other: &Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => *other,
            (_, true) => *self,
            _ => Self::from_edges(
                self.x.min(other.x),
                self.y.min(other.y),
                self.right().max(other.right()),
                self.bottom().max(other.bottom()),
            ),
        }
    }

    /// The same elsewhere.
    pub const fn moved(&self, dx: i32, dy: i32) -> Self {
        Self { x: self.x + dx, y: self.y + dy, w: self.w, h: self.h }
    }

    /// Larger by so many pixels on each side.
    pub const fn grown(&self, by: i32) -> Self {
        Self { x: self.x - by, y: self.y - by, w: self.w + 2 * by, h: self.h + 2 * by }
    }

    /// Each pixel made a square of `factor` times `factor`, about the origin.
    pub const fn magnified(&self, factor: i32) -> Self {
        Self { x: self.x * factor, y: self.y * factor, w: self.w * factor, h: self.h * factor }
    }

    /// Calls back with the up to four pieces of this one that the other does not cover.
    pub fn without(&self, other: &Self, mut piece: impl FnMut(Self)) {
        let common = self.intersection(other);
        if common.is_empty() {
            return piece(*self);
        }
        let pieces = [
            Self::from_edges(self.x, self.y, self.right(), common.y),
            Self::from_edges(self.x, common.y, common.x, common.bottom()),
            Self::from_edges(common.right(), common.y, self.right(), common.bottom()),
            Self::from_edges(self.x, common.bottom(), self.right(), self.bottom()),
        ];
        pieces.into_iter().filter(|rect| !rect.is_empty()).for_each(&mut piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_comes_in_is_bounded() {
        for rect in [
            Rect::bounded(i64::MIN, i64::MIN, i64::MAX, i64::MAX),
            Rect::bounded(i64::MAX, 0, i64::MAX, 5),
            Rect::bounded(5, 5, -7, i64::MIN),
        ] {
            assert!(rect.x.abs() <= LIMIT && rect.right().abs() <= LIMIT && rect.w >= 0 && rect.h >= 0, "{rect:?}");
        }
        assert_eq!(Rect::bounded(1, 2, 3, 4), Rect::new(1, 2, 3, 4));
    }

    #[test]
    fn what_is_taken_away_and_what_is_left_are_the_whole() {
        let whole = Rect::new(0, 0, 10, 8);
        for hole in [
            Rect::new(2, 2, 3, 3),
            Rect::new(-5, -5, 8, 8),
            Rect::new(0, 3, 10, 1),
            Rect::new(20, 0, 5, 5),
            Rect::new(-1, -1, 30, 30),
        ] {
            let mut seen = vec![0; 80];
            whole.without(&hole, |piece| {
                for y in piece.y..piece.bottom() {
                    (piece.x..piece.right()).for_each(|x| seen[(y * 10 + x) as usize] += 1);
                }
            });
            for (index, &count) in seen.iter().enumerate() {
                let inside = hole.contains(index as i32 % 10, index as i32 / 10);
                assert_eq!(count, i32::from(!inside), "{hole:?} at {index}");
            }
        }
    }

    #[test]
    fn covering_and_meeting() {
        let rect = Rect::new(0, 0, 4, 4);
        assert!(rect.covers(&Rect::new(1, 1, 3, 3)) && !rect.covers(&Rect::new(1, 1, 4, 3)));
        assert!(rect.covers(&Rect::default()));
        assert!(rect.meets(&Rect::new(3, 3, 5, 5)) && !rect.meets(&Rect::new(4, 0, 5, 5)));
        assert_eq!(rect.union(&Rect::new(6, 6, 1, 1)), Rect::new(0, 0, 7, 7));
    }
}
