//! Bytes that wait to be read, in the order they came.

/// Bytes that a ring has room for when it is first used.
const FIRST: usize = 4096;

/// A queue of bytes. It grows by doubling; how far is its user's affair.
#[derive(Default)]
pub struct Ring {
    /// Its length is zero or a power of two.
    memory: Box<[u8]>,
    start: usize,
    len: usize,
}

impl Ring {
    /// How many bytes wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that fit as it is.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.memory.len()
    }

    /// The capacity that it would need for so many bytes.
    pub fn capacity_for(len: usize) -> usize {
        len.next_power_of_two().max(FIRST)
    }

    /// Gets a larger capacity, one of [`Ring::capacity_for`]. `false` when there is no memory.
    #[cold]
    pub fn grow(&mut self, capacity: usize) -> bool {
        debug_assert!(capacity.is_power_of_two() && capacity > self.memory.len());
        let mut memory = Vec::new();
        if memory.try_reserve_exact(capacity).is_err() {
            return false;
        }
        memory.resize(capacity, 0);
        let (first, second) = self.parts(self.len);
        memory[..first.len()].copy_from_slice(first);
        memory[first.len()..][..second.len()].copy_from_slice(second);
        (self.memory, self.start) = (memory.into_boxed_slice(), 0);
        true
    }

    /// Puts bytes behind the others. There must be room.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.memory.len() - self.len);
        let mask = self.memory.len().wrapping_sub(1);
        let end = (self.start + self.len) & mask;
        let until_wrap = (self.memory.len() - end).min(bytes.len());
        let (first, second) = bytes.split_at(until_wrap);
        self.memory[end..][..first.len()].copy_from_slice(first);
        self.memory[..second.len()].copy_from_slice(second);
        self.len += bytes.len();
    }

    /// Copies the first bytes, as many as there are and fit; answers how many.
    #[inline]
    pub fn copy_to(&self, to: &mut [u8]) -> usize {
        let count = to.len().min(self.len);
        let (first, second) = self.parts(count);
        to[..first.len()].copy_from_slice(first);
        to[first.len()..count].copy_from_slice(second);
        count
    }

    /// Takes the first bytes away; there must be so many.
    #[inline]
    pub fn skip(&mut self, count: usize) {
        debug_assert!(count <= self.len);
        self.len -= count;
        // An empty ring starts anew, where its memory is warm.
        self.start = if self.len == 0 { 0 } else { (self.start + count) & (self.memory.len() - 1) };
    }

    /// The first `count` bytes, in the two pieces that they lie in.
    #[inline]
    fn parts(&self, count: usize) -> (&[u8], &[u8]) {
        let until_wrap = (self.memory.len() - self.start).min(count);
        (&self.memory[self.start..][..until_wrap], &self.memory[..count - until_wrap])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    #[test]
    fn a_ring_is_a_queue() {
        let (mut ring, mut model) = (Ring::default(), VecDeque::new());
        let mut random = 1_u32;
        let mut next = |limit: usize| {
            random = random.wrapping_mul(1_103_515_245).wrapping_add(12345);
            (random >> 8) as usize % limit
        };
        for step in 0..20_000_usize {
            if next(2) == 0 {
                let bytes: Vec<u8> = (0..next(900)).map(|at| (step + at) as u8).collect();
                if ring.len() + bytes.len() > ring.capacity() {
                    let capacity = Ring::capacity_for(ring.len() + bytes.len());
                    if capacity > 16384 {
                        continue;
                    }
                    assert!(ring.grow(capacity));
                }
                ring.push(&bytes);
                model.extend(bytes);
            } else {
                let mut to = vec![0; next(1000)];
                let count = ring.copy_to(&mut to);
                ring.skip(count);
                assert_eq!(to[..count], model.drain(..count).collect::<Vec<u8>>());
            }
            assert_eq!((ring.len(), ring.is_empty()), (model.len(), model.is_empty()));
        }
        assert_eq!(ring.capacity(), 16384);
    }

    #[test]
    fn nothing_needs_no_memory() {
        let mut ring = Ring::default();
        ring.push(&[]);
        ring.skip(0);
        assert_eq!((ring.copy_to(&mut [1]), ring.capacity()), (0, 0));
    }
}
