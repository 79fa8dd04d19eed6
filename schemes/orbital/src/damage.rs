//! What has to be painted again: a short list of rectangles.

use crate::geometry::Rect;

/// Most rectangles in the list. More are merged, those first that lose least by it.
const MOST: usize = 12;

/// Rectangles that changed. They may overlap: each is painted from the ground up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    rects: Vec<Rect>,
}

impl Damage {
    /// Nothing changed.
    pub const fn new() -> Self {
        Self { rects: Vec::new() }
    }

    /// Adds a rectangle.
    pub fn add(&mut self, rect: Rect) {
        if rect.is_empty() || self.rects.iter().any(|known| known.covers(&rect)) {
            return;
        }
        self.rects.retain(|known| !rect.covers(known));
        let mut rect = rect;
        // Two that nearly fill the rectangle around them are painted faster as one.
        while let Some(at) = self.rects.iter().position(|known| waste(known, &rect) * 4 <= known.area() + rect.area()) {
            rect = rect.union(&self.rects.swap_remove(at));
        }
        self.rects.push(rect);
        if self.rects.len() > MOST {
            self.merge_best();
        }
    }

    fn merge_best(&mut self) {
        let pairs = (0..self.rects.len()).flat_map(|right| (0..right).map(move |left| (left, right)));
        let best = pairs.min_by_key(|&(left, right)| waste(&self.rects[left], &self.rects[right]));
        if let Some((left, right)) = best {
            let merged = self.rects.swap_remove(right).union(&self.rects[left]);
            self.rects.swap_remove(left);
            self.add(merged);
        }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// The rectangles.
    pub fn rects(&self) -> &[Rect] {
        &self.rects
    }

    /// Takes all out.
    pub fn take(&mut self) -> Vec<Rect> {
        core::mem::take(&mut self.rects)
    }

    /// Forgets all, and keeps the memory.
    pub fn clear(&mut self) {
        self.rects.clear();
    }
}

/// Pixels that are painted for nothing when two rectangles are painted as one.
fn waste(one: &Rect, other: &Rect) -> i64 {
    one.union(other).area() - one.area() - other.area() + one.intersection(other).area()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_apart_stays_apart() {
        let mut damage = Damage::new();
        damage.add(Rect::new(0, 0, 10, 10));
        damage.add(Rect::new(500, 500, 10, 10));
        assert_eq!(damage.rects().len(), 2);
        damage.add(Rect::new(0, 10, 10, 10));
        assert!(damage.rects().contains(&Rect::new(0, 0, 10, 20)));
        damage.add(Rect::new(2, 2, 3, 3));
        damage.add(Rect::default());
        assert_eq!(damage.rects().len(), 2);
        damage.add(Rect::new(-10, -10, 1000, 1000));
        assert_eq!(damage.take(), [Rect::new(-10, -10, 1000, 1000)]);
        assert!(damage.is_empty());
    }

    #[test]
    fn the_list_stays_short_and_covers_all() {
        let mut damage = Damage::new();
        let mut random = crate::random::Random::new(5);
        let all: Vec<Rect> = (0..500)
            .map(|_| {
                let [x, y, w, h] = [1000, 1000, 60, 60].map(|most| random.below(most) as i32);
                Rect::new(x, y, w + 1, h + 1)
            })
            .collect();
        for (index, &rect) in all.iter().enumerate() {
            damage.add(rect);
            assert!(damage.rects().len() <= MOST);
            for known in &all[..=index] {
                let mut left = vec![*known];
                for cover in damage.rects() {
                    left = left.iter().flat_map(|piece| pieces(piece, cover)).collect();
                }
                assert_eq!(left, [], "{known:?} is lost");
            }
        }
    }

    fn pieces(rect: &Rect, cover: &Rect) -> Vec<Rect> {
        let mut pieces = Vec::new();
        rect.without(cover, |piece| pieces.push(piece));
        pieces
    }
}
