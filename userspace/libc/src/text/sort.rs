//! `qsort` and `bsearch` over elements of any size: a heap sort, which needs no memory and has no bad cases, with an
//! insertion sort below a dozen elements.

use core::cmp::Ordering;

/// Up to so many elements are sorted by insertion.
const FEW: usize = 12;

/// Elements of one size that lie side by side.
pub struct Elements {
    base: *mut u8,
    size: usize,
}

impl Elements {
    /// Elements at `base`.
    ///
    /// # Safety
    /// The indexes given later lie within memory that is the caller's to be changed.
    pub unsafe fn new(base: *mut u8, size: usize) -> Self {
        Elements { base, size }
    }

    /// Address of an element.
    pub fn at(&self, index: usize) -> *mut u8 {
        self.base.wrapping_add(index * self.size)
    }

    fn swap(&self, a: usize, b: usize) {
        // SAFETY: as `new` demands; two elements do not overlap, and one with itself is left out.
        unsafe {
            if a != b {
                core::ptr::swap_nonoverlapping(self.at(a), self.at(b), self.size);
            }
        }
    }

    /// Sorts elements 0 to `count`.
    pub fn sort(&self, count: usize, mut order: impl FnMut(*const u8, *const u8) -> Ordering) {
        if count <= FEW {
            return self.insertion(count, &mut order);
        }
        for root in (0..count / 2).rev() {
            self.sink(root, count, &mut order);
        }
        for end in (1..count).rev() {
            self.swap(0, end);
            self.sink(0, end, &mut order);
        }
    }

    fn insertion(&self, count: usize, order: &mut impl FnMut(*const u8, *const u8) -> Ordering) {
        for next in 1..count {
            let mut at = next;
            while at > 0 && order(self.at(at - 1), self.at(at)).is_gt() {
                self.swap(at - 1, at);
                at -= 1;
            }
        }
    }

    /// Brings the element at `root` of a heap down: first along the larger children to the bottom, then up again to its
    /// place. It comes from the bottom, so the way up is short.
    fn sink(&self, root: usize, count: usize, order: &mut impl FnMut(*const u8, *const u8) -> Ordering) {
        let mut at = root;
        while 2 * at + 1 < count {
            let left = 2 * at + 1;
            let larger = left + usize::from(left + 1 < count && order(self.at(left), self.at(left + 1)).is_lt());
            self.swap(at, larger);
            at = larger;
        }
        while at > root {
            let parent = (at - 1) / 2;
            if order(self.at(parent), self.at(at)).is_ge() {
                break;
            }
            self.swap(parent, at);
            at = parent;
        }
    }

    /// Index of an element that is as `order` seeks, among `count` sorted ones.
    pub fn search(&self, count: usize, mut order: impl FnMut(*const u8) -> Ordering) -> Option<usize> {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            match order(self.at(middle)) {
                Ordering::Equal => return Some(middle),
                Ordering::Less => high = middle,
                Ordering::Greater => low = middle + 1,
            }
        }
        None
    }
}
