//! A file system in user space for Linux, as small as one can be: the server that `scheme_*` rows are compared with.
//!
//! Speaks the kernel's FUSE protocol 7.31 straight over `/dev/fuse` (structures and numbers: `include/uapi/linux/fuse.h`).
//! It has one directory and one endless file in it. Files are opened with `FOPEN_DIRECT_IO`, so that each read reaches the
//! server, and the kernel copies the answer straight from the server's memory, where the data lies behind its header. Names and
//! attributes are not cached by the kernel: Ochre asks its server each time as well.

use std::ffi::{CStr, c_void};
use std::io::Result;

use super::{Fd, check};

/// Longest read that is answered whole.
const DATA: usize = 128 << 10;
/// Room for one request: its headers and the largest write the kernel was told it may send, which is a page.
const REQUEST: usize = 16 << 10;

/// Bytes of `fuse_out_header`.
const HEADER: usize = 16;

const ROOT_NODE: u64 = 1;
const FILE_NODE: u64 = 2;

mod opcode {
    pub const LOOKUP: u32 = 1;
    pub const FORGET: u32 = 2;
    pub const GETATTR: u32 = 3;
    pub const OPEN: u32 = 14;
    pub const READ: u32 = 15;
    pub const RELEASE: u32 = 18;
    pub const INIT: u32 = 26;
    pub const OPENDIR: u32 = 27;
    pub const RELEASEDIR: u32 = 29;
    pub const INTERRUPT: u32 = 36;
    pub const DESTROY: u32 = 38;
    pub const BATCH_FORGET: u32 = 42;
}

/// `FOPEN_DIRECT_IO`: the page cache stays out of it.
const FOPEN_DIRECT_IO: u32 = 1;
/// `FOPEN_NOFLUSH`: closing needs no FLUSH request.
const FOPEN_NOFLUSH: u32 = 1 << 5;

/// Opens `/dev/fuse` and mounts it on `dir`, which exists.
pub fn mount(dir: &CStr) -> Result<Fd> {
    let device = Fd::open(c"/dev/fuse", libc::O_RDWR, 0)?;
    let mut options = format!("fd={},rootmode=40000,user_id=0,group_id=0,max_read={DATA}", device.raw()).into_bytes();
    options.push(0);
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOATIME;
    // SAFETY: all strings are terminated and live through the call.
    check(unsafe {
        libc::mount(c"bench".as_ptr(), dir.as_ptr(), c"fuse".as_ptr(), flags, options.as_ptr().cast::<c_void>())
    } as isize)?;
    Ok(device)
}

/// Answers requests until the file system is unmounted or the connection aborted.
pub fn serve(device: &Fd) {
    let mut request = vec![0_u8; REQUEST];
    // The data lies where the header of a read's answer ends, so that one `write` sends both.
    let mut answer = vec![b'o'; HEADER + DATA];
    loop {
        let Ok(length) = device.read(&mut request) else { return };
        let Some(reply) = Reply::to(&request[..length]) else {
            continue;
        };
        let _ = if reply.data_length == 0 {
            device.write(&reply.head[..reply.head_length])
        } else {
            answer[..HEADER].copy_from_slice(&reply.head[..HEADER]);
            device.write(&answer[..HEADER + reply.data_length])
        };
    }
}

/// An answer: its headers, and how much of the file's data follows them.
struct Reply {
    head: [u8; 160],
    head_length: usize,
    data_length: usize,
}

impl Reply {
    /// Decodes one request (`fuse_in_header` and body) and answers it; `None` where the kernel expects no answer.
    fn to(request: &[u8]) -> Option<Self> {
        let opcode = u32_at(request, 4)?;
        let unique = u64_at(request, 8)?;
        let node = u64_at(request, 16)?;
        let mut reply = Self { head: [0; 160], head_length: HEADER, data_length: 0 };
        let mut error = 0;
        match opcode {
            opcode::FORGET | opcode::BATCH_FORGET | opcode::INTERRUPT | opcode::DESTROY => return None,
            opcode::INIT => {
                // fuse_init_out: major, minor, max_readahead, flags, backgrounds, max_write, time_gran, …
                for word in [7, 31, 0, 0, 0x000c_0010, 4096, 1] {
                    reply.u32(word);
                }
                reply.head_length = HEADER + 64;
            }
            opcode::LOOKUP => {
                // fuse_entry_out: nodeid, generation, entry_valid, attr_valid, their nanoseconds, attr
                for word in [FILE_NODE, 0, 0, 0, 0] {
                    reply.u64(word);
                }
                reply.attr(FILE_NODE);
            }
            opcode::GETATTR => {
                // fuse_attr_out: attr_valid, its nanoseconds and padding, attr
                reply.u64(0);
                reply.u64(0);
                reply.attr(node);
            }
            opcode::OPEN | opcode::OPENDIR => {
                reply.u64(0);
                reply.u32(FOPEN_DIRECT_IO | FOPEN_NOFLUSH);
                reply.u32(0);
            }
            // fuse_read_in: fh, offset, size
            opcode::READ => reply.data_length = (u32_at(request, 40 + 16)? as usize).min(DATA),
            opcode::RELEASE | opcode::RELEASEDIR => {}
            _ => error = -libc::ENOSYS,
        }
        let total = (reply.head_length + reply.data_length) as u32;
        reply.head[..4].copy_from_slice(&total.to_le_bytes());
        reply.head[4..8].copy_from_slice(&error.to_le_bytes());
        reply.head[8..16].copy_from_slice(&unique.to_le_bytes());
        Some(reply)
    }

    /// Appends `fuse_attr` of a node.
    fn attr(&mut self, node: u64) {
        let (mode, size) = if node == ROOT_NODE { (0o40755, 0) } else { (0o100_644, 1 << 40) };
        for word in [node, size, 0, 0, 0, 0] {
            self.u64(word);
        }
        // three times nanoseconds, mode, nlink, uid, gid, rdev, blksize, flags
        for word in [0, 0, 0, mode, 1, 0, 0, 0, 4096, 0] {
            self.u32(word);
        }
    }

    fn u32(&mut self, word: u32) {
        self.head[self.head_length..self.head_length + 4].copy_from_slice(&word.to_le_bytes());
        self.head_length += 4;
    }

    fn u64(&mut self, word: u64) {
        self.head[self.head_length..self.head_length + 8].copy_from_slice(&word.to_le_bytes());
        self.head_length += 8;
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(opcode: u32, node: u64, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 40];
        bytes[4..8].copy_from_slice(&opcode.to_le_bytes());
        bytes[8..16].copy_from_slice(&77_u64.to_le_bytes());
        bytes[16..24].copy_from_slice(&node.to_le_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn lengths_are_those_of_the_protocol() {
        for (opcode, length) in
            [(opcode::INIT, 80), (opcode::LOOKUP, 144), (opcode::GETATTR, 120), (opcode::OPEN, 32), (99, 16)]
        {
            let reply = Reply::to(&request(opcode, ROOT_NODE, &[])).unwrap();
            assert_eq!(reply.head_length, length, "opcode {opcode}");
            assert_eq!(u32_at(&reply.head, 0), Some(length as u32));
            assert_eq!(u64_at(&reply.head, 8), Some(77));
        }
    }

    #[test]
    fn a_read_gives_what_was_asked() {
        let mut body = [0; 40];
        body[16..20].copy_from_slice(&4096_u32.to_le_bytes());
        let reply = Reply::to(&request(opcode::READ, FILE_NODE, &body)).unwrap();
        assert_eq!((reply.head_length, reply.data_length), (16, 4096));
        assert_eq!(u32_at(&reply.head, 0), Some(16 + 4096));
    }

    #[test]
    fn what_needs_no_answer_gets_none() {
        assert!(Reply::to(&request(opcode::FORGET, FILE_NODE, &[])).is_none());
        assert!(Reply::to(&[1, 2, 3]).is_none());
    }
}
