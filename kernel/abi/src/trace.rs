//! What `/scheme/sys/trace/PID` gives: a record for each beginning and each end of a call that a thread of the process makes.
//!
//! A record is a [`Record`], `len` bytes of data, and zeros up to the next multiple of 8. Reads give whole records.

/// Most bytes of data in a record.
pub const DATA_MAX: usize = 256;
/// Bytes of the metadata words in front of the data of `SYS_CALL`: [`METADATA`] words, zeros behind those that there are.
pub const METADATA_SIZE: usize = METADATA * 8;
/// Words of metadata that are kept.
pub const METADATA: usize = 3;
/// Longest record.
pub const RECORD_MAX: usize = Record::SIZE + DATA_MAX;

/// What a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A call begins: [`Record::words`] are its arguments, the data is what it sends.
    Enter = 1,
    /// It ends: the first word is the answer, the data what it has brought.
    Leave = 2,
    /// There was no room for as many records as the first word says.
    Lost = 3,
    /// A process that is watched has started another one, whose id the first word is; this is its first thread. The second word is 1 when
    /// its calls are told too, 0 when there is no room for that or somebody else watches it.
    Born = 4,
}

/// What the first argument of a call leads to, as a descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Target {
    /// Nothing, or it is no descriptor.
    #[default]
    None = 0,
    /// An object of a kernel scheme.
    Kernel = 1,
    /// A number at a user scheme: the call is a message to its daemon.
    User = 2,
    /// The socket of a scheme: what is read are messages (`Sqe`), what is written answers (`Cqe`).
    Socket = 3,
}

/// What stands in front of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it tells.
    pub kind: Kind,
    /// What the descriptor leads to.
    pub target: Target,
    /// Bytes of data behind it.
    pub len: u16,
    /// The thread's number.
    pub thread: u32,
    /// When, in nanoseconds of the monotonic clock.
    pub time: u64,
    /// The call's number.
    pub call: u64,
    /// See [`Kind`].
    pub words: [u64; 5],
    /// Number of the scheme that the descriptor leads to.
    pub scheme: u64,
    /// Number of what it leads to there, which only its daemon understands.
    pub number: u64,
}

impl Record {
    /// Bytes of it.
    pub const SIZE: usize = 80;

    /// As it stands in front of its data.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let head =
            self.kind as u64 | (self.target as u64) << 8 | u64::from(self.len) << 16 | u64::from(self.thread) << 32;
        let [a, b, c, d, e] = self.words;
        let words = [head, self.time, self.call, a, b, c, d, e, self.scheme, self.number];
        let mut bytes = [0; Self::SIZE];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Reads the front of `bytes`; none when there is no record.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut words = [0; Self::SIZE / 8];
        for (word, chunk) in words.iter_mut().zip(bytes.get(..Self::SIZE)?.chunks_exact(8)) {
            *word = u64::from_le_bytes(chunk.try_into().ok()?);
        }
        let [head, time, call, a, b, c, d, e, scheme, number] = words;
        Some(Record {
            kind: match head as u8 {
                1 => Kind::Enter,
                2 => Kind::Leave,
                3 => Kind::Lost,
                4 => Kind::Born,
                _ => return None,
            },
            target: match (head >> 8) as u8 {
                0 => Target::None,
                1 => Target::Kernel,
                2 => Target::User,
                3 => Target::Socket,
                _ => return None,
            },
            len: Some((head >> 16) as u16).filter(|&len| usize::from(len) <= DATA_MAX)?,
            thread: (head >> 32) as u32,
            time,
            call,
            words: [a, b, c, d, e],
            scheme,
            number,
        })
    }

    /// Bytes of the record with its data and the zeros behind it.
    pub const fn total(&self) -> usize {
        Self::SIZE + (self.len as usize).next_multiple_of(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back() {
        let record = Record {
            kind: Kind::Leave,
            target: Target::Socket,
            len: 255,
            thread: u32::MAX,
            time: 7,
            call: 8,
            words: [1, 2, 3, 4, u64::MAX],
            scheme: 9,
            number: 10,
        };
        assert_eq!(Record::from_bytes(&record.to_bytes()), Some(record));
        assert_eq!(record.total(), Record::SIZE + 256);
        for (at, wrong) in [(0, 0), (0, 5), (1, 4), (3, 2)] {
            let mut bytes = record.to_bytes();
            bytes[at] = wrong;
            assert_eq!(Record::from_bytes(&bytes), None, "{at}");
        }
        assert_eq!(Record::from_bytes(&record.to_bytes()[1..]), None);
    }
}
