//! Messages between a scheme's daemon and the kernel in words: requests that its socket gives, answers that it takes
//! (docs/protocol.md).

use syscall::StdFsCallKind;
use syscall::schemev2::{CqeOpcode, Opcode, SqeFlags};

use crate::text::{answer, number, words};

/// Bytes of a request and of an answer.
const REQUEST: usize = 64;
const ANSWER: usize = 16;

/// The requests in what was read from a socket, at most `count`.
pub fn requests(bytes: &[u8], count: usize) -> Vec<String> {
    bytes.chunks_exact(REQUEST).take(count).filter_map(request).collect()
}

/// The answers in what was written to a socket, at most `count`.
pub fn answers(bytes: &[u8], count: usize) -> Vec<String> {
    bytes.chunks_exact(ANSWER).take(count).filter_map(answer_of).collect()
}

fn request(bytes: &[u8]) -> Option<String> {
    let [head, a, b, c, d, e, last, caller] = words::<8>(bytes)?;
    let (flags, tag) = (SqeFlags::from_bits_truncate((head >> 8) as u8), (head >> 32) as u32);
    let opcode = Opcode::try_from_raw(head as u8);
    let name = opcode.map_or_else(|| format!("request {}", head as u8), |opcode| format!("{opcode:?}"));
    let arguments = match opcode {
        Some(Opcode::Close | Opcode::CloseMsg | Opcode::Detach | Opcode::Fsync | Opcode::Fsize) => format!("#{a}"),
        Some(Opcode::OpenAt) => format!("#{a}, path of {c} bytes, flags {d:#x}"),
        Some(Opcode::UnlinkAt) => format!("#{a}, path of {c} bytes, flags {d:#x}"),
        Some(Opcode::Read | Opcode::Write) => format!("#{a}, {c} bytes at {}, flags {e:#x}", number(d)),
        Some(Opcode::Fpath | Opcode::Fstat | Opcode::Fstatvfs | Opcode::Dup) => format!("#{a}, {c} bytes"),
        Some(Opcode::Cancel) => format!("tag {a}"),
        Some(Opcode::StdFsCall) => {
            let kind = u8::try_from(d & 0xff).ok().and_then(StdFsCallKind::try_from_raw);
            let kind = kind.map_or_else(|| number(d), |kind| format!("{kind:?}"));
            format!("#{a}, {kind}, {c} bytes")
        }
        Some(Opcode::Call) => format!("#{a}, {c} bytes, words {} {}", number(d), number(e)),
        _ => [a, b, c, d, e].map(number).join(", "),
    };
    let one_way = if flags.contains(SqeFlags::ONEWAY) { ", no answer" } else { "" };
    let (user, group) = (last as u32, (last >> 32) as u32);
    let who = match opcode {
        // These have no credentials.
        Some(Opcode::Cancel | Opcode::CloseMsg | Opcode::Detach) => String::new(),
        _ => format!(" from process {caller}, user {user}, group {group}"),
    };
    Some(format!("request {tag}: {name}({arguments}){who}{one_way}"))
}

fn answer_of(bytes: &[u8]) -> Option<String> {
    let [head, result] = words::<2>(bytes)?;
    let (extra, tag) = ((head >> 8) as u32 & 0xff_ffff, (head >> 32) as u32);
    Some(match CqeOpcode::try_from_raw(head as u8 & 7) {
        Some(CqeOpcode::SendFevent) => format!("event: #{result} is ready for {tag:#x}"),
        Some(CqeOpcode::RespondWithFd) => format!("answer to {tag}: descriptor {result}"),
        Some(CqeOpcode::RespondWithMultipleFds) => format!("answer to {tag}: descriptors {extra}, {}", answer(result)),
        Some(CqeOpcode::ObtainFd) => format!("takes the descriptor of {tag}"),
        _ => format!("answer to {tag}: {}", answer(result)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn requests_in_words() {
        let who = 6 | 7 << 32;
        let read = [Opcode::Read as u64 | 9 << 32, 4, 0x1000, 100, u64::MAX, 0, who, 12];
        let cancel = [Opcode::Cancel as u64 | 1 << 8 | 9 << 32, 9, 0, 0, 0, 0, 0, 12];
        let all = bytes(&[read, cancel, read].concat());
        let told = requests(&all, 2);
        assert_eq!(
            told,
            [
                "request 9: Read(#4, 100 bytes at -1, flags 0x0) from process 12, user 6, group 7",
                "request 9: Cancel(tag 9), no answer"
            ]
        );
        assert_eq!(requests(&all[..100], 9).len(), 1);
        let odd = requests(&bytes(&[0xff, 1, 2, 3, 4, 5, 0, 0]), 1);
        assert_eq!(odd, ["request 0: request 255(1, 2, 3, 4, 5) from process 0, user 0, group 0"]);
    }

    #[test]
    fn answers_in_words() {
        let told = answers(&bytes(&[5 << 32, 100, 5 << 32, -2_i64 as u64, 2 | 1 << 32, 44, 1 | 8 << 32, 3]), 9);
        assert_eq!(
            told,
            [
                "answer to 5: 100",
                "answer to 5: error 2 (No such file or directory)",
                "event: #44 is ready for 0x1",
                "answer to 8: descriptor 3"
            ]
        );
    }
}
