//! The scheme daemon of the `scheme_*` rows: one endless file, read by copying from the daemon's own memory.

use std::io::{Error, Result};

use redox_scheme::scheme::{SchemeState, SchemeSync, register_sync_scheme};
use redox_scheme::{CallerCtx, OpenResult, RequestKind, SignalBehavior, Socket};
use syscall::error::{Error as SysError, Result as SysResult};
use syscall::schemev2::NewFdFlags;
use syscall::{EBADF, ENOENT, MODE_FILE, Stat};

use super::Fd;

/// Longest read that is answered whole.
const DATA: usize = 128 << 10;
const ROOT: usize = 0;
const FILE: usize = 1;

/// Registers the scheme `name`, says so with a byte on `ready`, and answers requests until the kernel closes the socket.
pub fn serve(name: &str, ready: &Fd) -> Result<()> {
    let socket = Socket::create().map_err(error)?;
    let mut server = Server { data: vec![b'o'; DATA] };
    let mut state = SchemeState::new();
    register_sync_scheme(&socket, name, &mut server).map_err(error)?;
    ready.write(&[0])?;
    let mut next = socket.next_request(SignalBehavior::Restart).map_err(error)?;
    while let Some(request) = next {
        next = match request.kind() {
            RequestKind::Call(call) => {
                let response = call.handle_sync(&mut server, &mut state);
                socket.write_response_and_await_next_request(SignalBehavior::Restart, response).map_err(error)?.1
            }
            _ => socket.next_request(SignalBehavior::Restart).map_err(error)?,
        };
    }
    Ok(())
}

struct Server {
    data: Vec<u8>,
}

impl SchemeSync for Server {
    fn scheme_root(&mut self) -> SysResult<usize> {
        Ok(ROOT)
    }

    fn openat(&mut self, dir: usize, path: &str, _: usize, _: u32, _: &CallerCtx) -> SysResult<OpenResult> {
        if dir != ROOT || path.trim_start_matches('/') != "file" {
            return Err(SysError::new(ENOENT));
        }
        Ok(OpenResult::ThisScheme { number: FILE, flags: NewFdFlags::empty() })
    }

    fn dup(&mut self, id: usize, _: &[u8], _: &CallerCtx) -> SysResult<OpenResult> {
        Ok(OpenResult::ThisScheme { number: id, flags: NewFdFlags::empty() })
    }

    fn read(&mut self, id: usize, buf: &mut [u8], _: u64, _: u32, _: &CallerCtx) -> SysResult<usize> {
        if id != FILE {
            return Err(SysError::new(EBADF));
        }
        let length = buf.len().min(DATA);
        buf[..length].copy_from_slice(&self.data[..length]);
        Ok(length)
    }

    fn fstat(&mut self, _: usize, stat: &mut Stat, _: &CallerCtx) -> SysResult<()> {
        *stat = Stat { st_mode: MODE_FILE | 0o644, st_size: 1 << 40, st_blksize: 4096, st_nlink: 1, ..Stat::default() };
        Ok(())
    }
}

fn error(error: SysError) -> Error {
    Error::from_raw_os_error(error.errno)
}
