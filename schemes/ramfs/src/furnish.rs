//! What is in a file system from its beginning: folders and symbolic links, as the daemon's arguments name them. They are made
//! before anybody can see it, so that a daemon that was started again shows no moment without them.

use scheme_server::syscall::error::{EEXIST, ENOENT, Error, Result};
use scheme_server::syscall::flag::{O_CREAT, O_DIRECTORY, O_SYMLINK, O_WRONLY};

use crate::fs::{Clock, FileSystem};
use crate::inode::{InodeId, User};

/// The volume that is furnished.
const VOLUME: usize = 0;
/// Permissions of folders that only lie on the way.
const ON_THE_WAY: u16 = 0o755;

/// Something to be made. Paths begin at the root, without a slash in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A folder with these permissions.
    Folder(String, u16),
    /// A symbolic link, and where it leads.
    Link(String, String),
}

impl<C: Clock> FileSystem<C> {
    /// Makes the pieces in the first volume, with the folders that they lie in. The error comes with the path that could not be
    /// made.
    pub fn furnish<'a>(&mut self, pieces: impl IntoIterator<Item = &'a Piece>) -> Result<(), (String, Error)> {
        for piece in pieces {
            let (path, made) = match piece {
                Piece::Folder(path, permissions) => (path, self.make_folder(path, *permissions)),
                Piece::Link(path, target) => (path, self.make_link(path, target)),
            };
            made.map_err(|error| (path.clone(), error))?;
        }
        Ok(())
    }

    fn make_folder(&mut self, path: &str, permissions: u16) -> Result<()> {
        self.make_way(path)?;
        let id = self.make(path, O_DIRECTORY)?;
        // One that another piece needed on its way has other permissions.
        self.set_permissions(id, permissions, User::SUPER)
    }

    fn make_link(&mut self, path: &str, target: &str) -> Result<()> {
        self.make_way(path)?;
        let id = self.make(path, O_SYMLINK | O_WRONLY)?;
        self.write(id, 0, target.as_bytes(), false, User::SUPER).map(drop)
    }

    /// Makes the folders above a path that are not there.
    fn make_way(&mut self, path: &str) -> Result<()> {
        for (slash, _) in path.match_indices('/') {
            self.make(&path[..slash], O_DIRECTORY)?;
        }
        Ok(())
    }

    /// Makes something, or finds it if it is a folder; it is not open afterwards.
    fn make(&mut self, path: &str, kind: usize) -> Result<InodeId> {
        let root = self.volume(VOLUME)?.root;
        let opened = match self.open(VOLUME, root, path, kind, User::SUPER) {
            Err(error) if error.errno == ENOENT => {
                self.open(VOLUME, root, path, kind | O_CREAT | usize::from(ON_THE_WAY), User::SUPER)?
            }
            Ok(opened) if kind & O_DIRECTORY == 0 => {
                self.closed(opened.inode);
                return Err(Error::new(EEXIST));
            }
            other => other?,
        };
        self.closed(opened.inode);
        Ok(opened.inode)
    }
}
