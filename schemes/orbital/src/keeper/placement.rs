//! Where a window goes that does not say where.

use crate::geometry::Rect;
use crate::wire::Screen;

/// Steps of the cascade before it begins again.
const STEPS: i32 = 8;

/// Place of the content of the `count`th window: in the middle, a step down and right of the one before, the title bar never
/// above the upper edge.
pub fn place(screen: &Screen, size: (u32, u32), count: usize) -> (i32, i32) {
    let Rect { x, y, w, h } = screen.work;
    let title = screen.title as i32;
    let step = title * (count as i32 % STEPS);
    let (free_w, free_h) = (w - size.0 as i32, h - title - size.1 as i32);
    // The first is a little above the middle, so that the cascade has room.
    let left = (free_w / 2 + step - title * 2).clamp(0, free_w.max(0));
    let top = (free_h / 2 + step - title * 2).clamp(0, free_h.max(0));
    (x + left, y + title + top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_lie_on_the_screen_and_not_on_each_other() {
        let screen = Screen { work: Rect::new(0, 30, 1024, 738), ..Screen::default() };
        let places: Vec<(i32, i32)> = (0..STEPS as usize).map(|count| place(&screen, (400, 300), count)).collect();
        for (index, &(x, y)) in places.iter().enumerate() {
            assert!(x >= 0 && y >= 30 + 32 && x + 400 <= 1024 && y + 300 <= 768);
            assert!(!places[..index].contains(&(x, y)));
        }
        assert_eq!(place(&screen, (4000, 4000), 5), (0, 62));
    }
}
