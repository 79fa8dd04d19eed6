//! Queues that are linked through their members: nothing is allocated, and a member is taken out wherever it stands, at once.

/// No member.
pub const NIL: u32 = u32::MAX;

/// Where the link words of a member are.
pub trait Links {
    /// The members before and behind `id`.
    fn neighbours(&self, id: u32) -> (u32, u32);
    /// Sets the one before.
    fn set_before(&self, id: u32, other: u32);
    /// Sets the one behind.
    fn set_behind(&self, id: u32, other: u32);
}

/// A queue. A member is in one at most.
pub struct Chain {
    first: u32,
    last: u32,
}

impl Chain {
    /// Of nobody.
    pub const fn new() -> Self {
        Chain { first: NIL, last: NIL }
    }

    /// The first member, or [`NIL`].
    pub fn first(&self) -> u32 {
        self.first
    }

    /// Puts `id`, which is in no chain, at the end.
    #[inline]
    pub fn push_back(&mut self, links: &impl Links, id: u32) {
        links.set_before(id, self.last);
        links.set_behind(id, NIL);
        match self.last {
            NIL => self.first = id,
            last => links.set_behind(last, id),
        }
        self.last = id;
    }

    /// Takes out `id`, which is in this chain.
    #[inline]
    pub fn remove(&mut self, links: &impl Links, id: u32) {
        self.remove_between(links, links.neighbours(id));
    }

    /// Takes out the member that stands between these two.
    #[inline]
    pub fn remove_between(&mut self, links: &impl Links, (before, behind): (u32, u32)) {
        match before {
            NIL => self.first = behind,
            before => links.set_behind(before, behind),
        }
        match behind {
            NIL => self.last = before,
            behind => links.set_before(behind, before),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use std::vec::Vec;

    use super::*;

    struct Words([Cell<(u32, u32)>; 16]);

    impl Links for Words {
        fn neighbours(&self, id: u32) -> (u32, u32) {
            self.0[id as usize].get()
        }

        fn set_before(&self, id: u32, other: u32) {
            let (_, behind) = self.0[id as usize].get();
            self.0[id as usize].set((other, behind));
        }

        fn set_behind(&self, id: u32, other: u32) {
            let (before, _) = self.0[id as usize].get();
            self.0[id as usize].set((before, other));
        }
    }

    fn members(chain: &Chain, words: &Words) -> Vec<u32> {
        let mut members = Vec::new();
        let mut at = chain.first();
        while at != NIL {
            members.push(at);
            at = words.neighbours(at).1;
        }
        assert_eq!(chain.last, members.last().copied().unwrap_or(NIL));
        members
    }

    #[test]
    fn members_stay_in_order_whoever_leaves() {
        let words = Words([const { Cell::new((NIL, NIL)) }; 16]);
        let mut chain = Chain::new();
        (0..5).for_each(|id| chain.push_back(&words, id));
        for (leaves, left) in [(2, &[0, 1, 3, 4][..]), (0, &[1, 3, 4]), (4, &[1, 3]), (1, &[3]), (3, &[])] {
            chain.remove(&words, leaves);
            assert_eq!(members(&chain, &words), left);
        }
        chain.push_back(&words, 2);
        assert_eq!(members(&chain, &words), [2]);
    }

    #[test]
    fn two_chains_agree_with_plain_lists() {
        let words = Words([const { Cell::new((NIL, NIL)) }; 16]);
        let mut chains = [Chain::new(), Chain::new()];
        let mut lists = [Vec::new(), Vec::new()];
        let mut seed = 5u64;
        for _ in 0..10_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (id, which) = ((seed >> 33) as u32 % 16, (seed >> 60) as usize % 2);
            match lists.iter().position(|list| list.contains(&id)) {
                Some(inside) => {
                    chains[inside].remove(&words, id);
                    lists[inside].retain(|&other| other != id);
                }
                None => {
                    chains[which].push_back(&words, id);
                    lists[which].push(id);
                }
            }
            assert!(chains.iter().zip(&lists).all(|(chain, list)| members(chain, &words) == *list));
        }
    }
}
