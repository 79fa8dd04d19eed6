//! What a new process is given.

use ochre_abi::spawn::{Bytes, Inherit, NONE, Request};

/// File mode creation mask of a process that is not given another.
const UMASK: usize = 0o022;

/// A process to be started. A NUL in an argument or in the environment ends it there, as everywhere in C.
#[derive(Clone, Debug)]
pub struct Spawn<'a> {
    image: &'a [u8],
    file: Place,
    args: Vec<u8>,
    env: Vec<u8>,
    descriptors: Vec<Inherit>,
    namespace: usize,
    directory: String,
    credentials: u64,
    reserve: bool,
}

/// Where a program file lies that is mapped, not copied.
#[derive(Clone, Copy, Debug)]
struct Place {
    fd: usize,
    offset: usize,
    len: usize,
}

impl<'a> Spawn<'a> {
    /// A process that runs `image`, a static ELF, under this name (its first argument). It has no descriptors, no name
    /// space and no environment, and is user 0. The new process has a copy of the image: where there is a file,
    /// [`crate::Program`] shares its pages.
    pub fn new(image: &'a [u8], name: &str) -> Self {
        Self::from(image, Place { fd: NONE, offset: 0, len: image.len() }, name)
    }

    /// As [`Spawn::new`], with the pages of the program mapped from a descriptor in which its file, `len` bytes with this front,
    /// begins at `offset`, a multiple of the page size.
    pub fn mapped(front: &'a [u8], (fd, offset): (usize, usize), len: usize, name: &str) -> Self {
        Self::from(front, Place { fd, offset, len }, name)
    }

    fn from(image: &'a [u8], file: Place, name: &str) -> Self {
        let mut spawn = Spawn {
            image,
            file,
            args: Vec::new(),
            env: Vec::new(),
            descriptors: Vec::new(),
            namespace: NONE,
            directory: String::from("/"),
            credentials: 0,
            reserve: false,
        };
        push(&mut spawn.args, &[name]);
        spawn
    }

    /// One more argument.
    pub fn arg(mut self, arg: &str) -> Self {
        push(&mut self.args, &[arg]);
        self
    }

    /// One more entry of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        push(&mut self.env, &[name, "=", value]);
        self
    }

    /// Gives it this process's descriptor `from` as `to`.
    pub fn inherit(mut self, from: usize, to: usize) -> Self {
        self.descriptors.push(Inherit { from, to });
        self
    }

    /// Gives it a name space: a descriptor of this process.
    pub fn namespace(mut self, namespace: usize) -> Self {
        self.namespace = namespace;
        self
    }

    /// Its current directory.
    pub fn directory(mut self, path: &str) -> Self {
        self.directory = path.into();
        self
    }

    /// Its user and group.
    pub fn credentials(mut self, uid: u32, gid: u32) -> Self {
        self.credentials = u64::from(uid) | u64::from(gid) << 32;
        self
    }

    /// It may take from the system's reserve of memory, when other programs have taken all else. Only who may so itself can start such a
    /// program.
    pub fn reserve(mut self, reserve: bool) -> Self {
        self.reserve = reserve;
        self
    }

    /// The request as libc takes it, valid while `self` lives and does not change.
    #[cfg_attr(not(target_os = "redox"), allow(dead_code))]
    pub(crate) fn request(&self) -> Request {
        fn bytes(bytes: &[u8]) -> Bytes {
            Bytes { address: bytes.as_ptr() as usize, len: bytes.len() }
        }
        Request {
            image: bytes(self.image),
            file: self.file.fd,
            file_offset: self.file.offset,
            file_len: self.file.len,
            args: bytes(&self.args),
            env: bytes(&self.env),
            descriptors: Bytes { address: self.descriptors.as_ptr() as usize, len: self.descriptors.len() },
            namespace: self.namespace,
            directory: bytes(self.directory.as_bytes()),
            umask: UMASK,
            credentials: self.credentials,
            reserve: self.reserve.into(),
        }
    }
}

/// Adds the parts as one string, up to the first NUL, and ends it.
fn push(list: &mut Vec<u8>, parts: &[&str]) {
    let bytes = parts.iter().flat_map(|part| part.bytes());
    list.extend(bytes.take_while(|&byte| byte != 0));
    list.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_ended_and_cut_at_a_nul() {
        let spawn = Spawn::new(b"", "sh").arg("-c").arg("a\0b").arg("").env("HOME", "/root");
        assert_eq!(spawn.args, b"sh\0-c\0a\0\0");
        assert_eq!(spawn.env, b"HOME=/root\0");
        assert_eq!(spawn.request().args.len, 9);
    }

    #[test]
    fn nothing_is_given_unasked() {
        let request = Spawn::new(b"", "x").request();
        assert_eq!((request.descriptors.len, request.env.len, request.namespace), (0, 0, NONE));
        assert_eq!((request.file, request.file_len, request.reserve), (NONE, 0, 0));
        let request = Spawn::new(b"", "x").credentials(5, 6).request();
        assert_eq!(request.credentials, 6 << 32 | 5);
    }
}
