//! What a `[…]` conversion of `scanf` matches: a set of bytes.

/// A set of bytes.
pub struct Set {
    bits: [u64; 4],
}

impl Set {
    /// Reads a set from a format, behind its `[`. Answers the rest of the format; `None` when it does not close.
    pub fn parse(format: &[u8]) -> Option<(Self, &[u8])> {
        let negated = format.first() == Some(&b'^');
        let first = usize::from(negated);
        let mut set = Set { bits: [0; 4] };
        let mut index = first;
        loop {
            let low = *format.get(index)?;
            if low == b']' && index > first {
                break;
            }
            let range = match format.get(index + 1..index + 3) {
                Some([b'-', high]) if *high != b']' => Some(*high),
                _ => None,
            };
            (low..=range.unwrap_or(low)).for_each(|byte| set.insert(byte));
            index += if range.is_some() { 3 } else { 1 };
        }
        if negated {
            set.bits = set.bits.map(|word| !word);
        }
        Some((set, &format[index + 1..]))
    }

    fn insert(&mut self, byte: u8) {
        self.bits[usize::from(byte / 64)] |= 1 << (byte % 64);
    }

    /// Whether a byte is in the set.
    pub fn has(&self, byte: u8) -> bool {
        self.bits[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }
}
