//! A queue of records ([`ochre_abi::trace`]) of bounded size: what does not fit is counted, and told once there is room again.
//!
//! The bytes lie in pieces that the owner gets from wherever memory comes from, so that a long queue needs no long stretch of it.

use alloc::vec::Vec;

use ochre_abi::trace::{DATA_MAX, Kind, RECORD_MAX, Record, Target};

/// The queue.
pub struct Records {
    pieces: Vec<Vec<u8>>,
    piece: usize,
    /// Positions count all bytes that were ever put in.
    start: u64,
    end: u64,
    lost: u64,
}

impl Records {
    /// An empty queue in these pieces, which are equally long. None when that is too little for a record.
    pub fn new(pieces: Vec<Vec<u8>>) -> Option<Self> {
        let piece = pieces.first()?.len();
        let fits = piece * pieces.len() > 2 * RECORD_MAX && pieces.iter().all(|other| other.len() == piece);
        fits.then_some(Records { pieces, piece, start: 0, end: 0, lost: 0 })
    }

    /// Whether there is nothing to be taken.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Adds a record with its data, whose length the record is given. What is longer than [`DATA_MAX`] is cut.
    pub fn push(&mut self, mut record: Record, data: &[u8]) {
        let data = &data[..data.len().min(DATA_MAX)];
        record.len = data.len() as u16;
        // Room for the record that tells of lost ones is always kept.
        if self.room() < record.total() + Record::SIZE {
            self.lost += 1;
            return;
        }
        if self.lost != 0 {
            let words = [core::mem::take(&mut self.lost), 0, 0, 0, 0];
            self.put(&Record { kind: Kind::Lost, target: Target::None, len: 0, words, ..record }, &[]);
        }
        self.put(&record, data);
    }

    /// Takes the oldest record, if it is there and not longer than `most`; answers its bytes.
    pub fn take(&mut self, into: &mut [u8; RECORD_MAX], most: usize) -> Option<usize> {
        if self.is_empty() {
            return None;
        }
        let mut head = [0; Record::SIZE];
        self.copy_out(self.start, &mut head);
        let total = Record::from_bytes(&head)?.total();
        if total > most {
            return None;
        }
        self.copy_out(self.start, into.get_mut(..total)?);
        self.start += total as u64;
        Some(total)
    }

    fn room(&self) -> usize {
        self.piece * self.pieces.len() - (self.end - self.start) as usize
    }

    fn put(&mut self, record: &Record, data: &[u8]) {
        self.copy_in(&record.to_bytes());
        self.copy_in(data);
        let behind = record.total() - Record::SIZE - data.len();
        self.copy_in(&[0; 8][..behind]);
    }

    /// Piece and place in it.
    fn place(&self, position: u64) -> (usize, usize) {
        let at = (position % (self.piece * self.pieces.len()) as u64) as usize;
        (at / self.piece, at % self.piece)
    }

    fn copy_in(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (piece, at) = self.place(self.end);
            let (now, later) = bytes.split_at(bytes.len().min(self.piece - at));
            self.pieces[piece][at..at + now.len()].copy_from_slice(now);
            self.end += now.len() as u64;
            bytes = later;
        }
    }

    fn copy_out(&self, mut from: u64, mut into: &mut [u8]) {
        while !into.is_empty() {
            let (piece, at) = self.place(from);
            let (now, later) = into.split_at_mut(into.len().min(self.piece - at));
            now.copy_from_slice(&self.pieces[piece][at..at + now.len()]);
            from += now.len() as u64;
            into = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::vec;

    fn queue() -> Records {
        Records::new(vec![vec![0; 300]; 5]).unwrap()
    }

    fn record(call: u64) -> Record {
        Record {
            kind: Kind::Enter,
            target: Target::None,
            len: 0,
            thread: 1,
            time: 2,
            call,
            words: [0; 5],
            scheme: 0,
            number: 0,
        }
    }

    fn take(queue: &mut Records) -> Option<(Record, Vec<u8>)> {
        let mut bytes = [0; RECORD_MAX];
        let total = queue.take(&mut bytes, RECORD_MAX)?;
        let record = Record::from_bytes(&bytes)?;
        assert_eq!(total, record.total());
        Some((record, bytes[Record::SIZE..Record::SIZE + usize::from(record.len)].to_vec()))
    }

    #[test]
    fn records_come_out_as_they_went_in_and_losses_are_told() {
        let mut queue = queue();
        let mut wanted = VecDeque::new();
        let mut lost = 0;
        let mut told = 0;
        for call in 0..1000_u64 {
            let data = vec![call as u8; (call * 37 % 300) as usize];
            let before = queue.lost;
            queue.push(record(call), &data);
            if queue.lost > before {
                lost += 1;
            } else {
                wanted.push_back((call, data[..data.len().min(DATA_MAX)].to_vec()));
            }
            if call % 3 == 0 || call % 100 > 90 {
                for _ in 0..call % 5 {
                    match take(&mut queue) {
                        Some((record, _)) if record.kind == Kind::Lost => told += record.words[0],
                        Some((record, data)) => assert_eq!(wanted.pop_front(), Some((record.call, data))),
                        None => assert!(wanted.is_empty()),
                    }
                }
            }
        }
        while let Some((record, data)) = take(&mut queue) {
            match record.kind {
                Kind::Lost => told += record.words[0],
                _ => assert_eq!(wanted.pop_front(), Some((record.call, data))),
            }
        }
        assert!(wanted.is_empty() && lost > 100);
        assert_eq!(told + queue.lost, lost);
    }

    #[test]
    fn a_reader_with_little_room_gets_whole_records_or_none() {
        let mut queue = queue();
        queue.push(record(1), &[7; 9]);
        let mut bytes = [0; RECORD_MAX];
        assert_eq!(queue.take(&mut bytes, Record::SIZE + 15), None);
        assert_eq!(queue.take(&mut bytes, Record::SIZE + 16), Some(Record::SIZE + 16));
        assert!(queue.is_empty() && queue.take(&mut bytes, RECORD_MAX).is_none());
        assert!(Records::new(vec![vec![0; 300], vec![0; 299]]).is_none() && Records::new(Vec::new()).is_none());
    }
}
