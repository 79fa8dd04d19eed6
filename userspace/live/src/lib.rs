//! Unpacking a live image: a cpio archive (`newc`) in an LZ4 frame. It is read as a stream, and no more than a block of it and a
//! piece of a file are in memory at once.
#![forbid(unsafe_code)]

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufReader, Error, ErrorKind, Read, Result, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use cpio::newc::{Entry, Reader};
use lz4_flex::frame::FrameDecoder;

/// File types of stat(2).
const S_IFMT: u32 = 0o170_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;
/// Permission to execute, for anybody.
const EXECUTE: u32 = 0o111;
/// A file is written in pieces of this size: so large that a call costs little beside the copying.
const PIECE: usize = 256 << 10;
/// The headers of the image's blocks are read from a buffer of this size.
const BUFFER: usize = 64 << 10;
/// Longest target of a link.
const TARGET_MAX: u32 = 4096;

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Files.
    pub files: usize,
    /// Bytes in them.
    pub bytes: u64,
}

/// Unpacks an image below `root`. Directories that are there stay as they are; files are replaced. An error names the path that could
/// not be made; what was made before it stays.
pub fn unpack(image: impl Read, root: &Path) -> Result<Count> {
    // The archive's many small fields come from a buffer of their own.
    let mut stream = BufReader::with_capacity(PIECE, FrameDecoder::new(BufReader::with_capacity(BUFFER, image)));
    let mut piece = vec![0; PIECE];
    let mut count = Count::default();
    loop {
        let mut reader = Reader::new(stream).map_err(damaged)?;
        if reader.entry().is_trailer() {
            stream = reader.finish().map_err(damaged)?;
            break;
        }
        let entry = reader.entry().clone();
        let path = place(root, entry.name())?;
        make(&entry, &path, &mut reader, &mut piece)
            .map_err(|error| Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        if entry.mode() & S_IFMT == S_IFREG {
            count.files += 1;
            count.bytes += u64::from(entry.file_size());
        }
        stream = reader.finish().map_err(damaged)?;
    }
    // The checksum of the whole is behind its last byte.
    io::copy(&mut stream, &mut io::sink()).map_err(damaged)?;
    Ok(count)
}

fn damaged(error: Error) -> Error {
    Error::new(ErrorKind::InvalidData, format!("the live image is damaged: {error}"))
}

/// Where an entry of this name belongs: below the root, always.
fn place(root: &Path, name: &str) -> Result<PathBuf> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!("the live image is damaged: {name:?} is no path in it"),
        ));
    }
    Ok(root.join(name))
}

fn make(entry: &Entry, path: &Path, data: &mut impl Read, piece: &mut [u8]) -> Result<()> {
    let permissions = entry.mode() & 0o7777;
    match entry.mode() & S_IFMT {
        S_IFDIR => match fs::create_dir(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            Ok(()) => fs::set_permissions(path, Permissions::from_mode(permissions)),
            failed => failed,
        },
        S_IFREG => {
            // Nobody executes a part of it.
            let mut file = create(path, permissions & !EXECUTE)?;
            let mut left = entry.file_size() as usize;
            while left != 0 {
                let len = left.min(piece.len());
                data.read_exact(&mut piece[..len])?;
                file.write_all(&piece[..len])?;
                left -= len;
            }
            if permissions & EXECUTE != 0 { file.set_permissions(Permissions::from_mode(permissions)) } else { Ok(()) }
        }
        S_IFLNK if entry.file_size() > TARGET_MAX => Err(Error::new(ErrorKind::InvalidData, "its target is too long")),
        S_IFLNK => {
            let mut target = String::new();
            data.read_to_string(&mut target)?;
            remove(path)?;
            symlink(target, path)
        }
        _ => Err(Error::new(ErrorKind::InvalidData, "neither file nor directory nor symbolic link")),
    }
}

/// A new file in the place of what is there: somebody may be running the old one.
fn create(path: &Path, permissions: u32) -> Result<File> {
    remove(path)?;
    OpenOptions::new().write(true).create_new(true).mode(permissions).open(path)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
