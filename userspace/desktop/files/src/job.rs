//! What takes long: copying, moving and deleting. It runs in a thread of its own, tells how far it is, and can be stopped. It
//! never replaces a file: what is in the way stays, and what comes gets another name.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{names, times};

/// Bytes that are copied at once.
const PIECE: usize = 256 * 1024;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// These files, with all that is in them, into a folder.
    Copy(Vec<PathBuf>, PathBuf),
    /// The same, and they are not where they were any more.
    Move(Vec<PathBuf>, PathBuf),
    /// These files, with all that is in them, are gone.
    Delete(Vec<PathBuf>),
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files that are done, of all.
    pub files: u64,
    /// All of them.
    pub files_in_all: u64,
    /// Bytes that are done, of all.
    pub bytes: u64,
    /// All of them.
    pub bytes_in_all: u64,
}

impl Progress {
    /// How much of it is done, from 0 to 1.
    pub fn share(&self) -> f32 {
        // A file without content counts too.
        let weight = |bytes: u64, files: u64| bytes as f32 + files as f32 * 4096.0;
        let all = weight(self.bytes_in_all, self.files_in_all);
        if all > 0.0 { (weight(self.bytes, self.files) / all).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Files that were made, those at the top only.
    pub made: Vec<PathBuf>,
    /// What could not be done, and why.
    pub failures: Vec<(PathBuf, String)>,
    /// It was stopped.
    pub stopped: bool,
}

/// A job that runs.
struct Job<'a> {
    stop: &'a AtomicBool,
    tell: &'a mut dyn FnMut(&Progress),
    progress: Progress,
    outcome: Outcome,
    piece: Vec<u8>,
}

/// Does it, telling how far it is after every file and every piece of one.
pub fn run(task: &Task, stop: &AtomicBool, tell: &mut dyn FnMut(&Progress)) -> Outcome {
    let (Task::Copy(sources, _) | Task::Move(sources, _) | Task::Delete(sources)) = task;
    let mut job = Job { stop, tell, progress: Progress::default(), outcome: Outcome::default(), piece: Vec::new() };
    // Moving is mostly a matter of names; what has to be copied is counted when that turns out.
    if !matches!(task, Task::Move(..)) {
        sources.iter().for_each(|source| job.count(source));
    }
    for source in sources {
        if job.is_stopped() {
            break;
        }
        match task {
            Task::Copy(_, into) => job.bring(source, into, Job::copy),
            Task::Move(_, into) => job.bring(source, into, Job::carry),
            Task::Delete(_) => {
                job.delete(source);
            }
        }
    }
    job.outcome.stopped = job.is_stopped();
    job.outcome
}

fn stopped() -> Error {
    ErrorKind::Interrupted.into()
}

impl Job<'_> {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn fail(&mut self, path: &Path, error: &Error) {
        if !self.is_stopped() {
            self.outcome.failures.push((path.into(), describe(error)));
        }
    }

    fn count(&mut self, path: &Path) {
        let Ok(metadata) = fs::symlink_metadata(path) else { return };
        self.progress.files_in_all += 1;
        if metadata.is_file() {
            self.progress.bytes_in_all += metadata.len();
        }
        if metadata.is_dir() && !self.is_stopped() {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.for_each(|entry| self.count(&entry.path()));
        }
    }

    fn done(&mut self) {
        self.progress.files += 1;
        (self.tell)(&self.progress);
    }

    /// One of the files at the top into the folder.
    fn bring(&mut self, source: &Path, into: &Path, how: fn(&mut Self, &Path, &Path) -> bool) {
        let name = source.file_name().unwrap_or(OsStr::new("root"));
        if is_within(into, source) {
            let error = Error::other("a folder cannot be put into itself");
            return self.fail(source, &error);
        }
        let target = names::free_path(into, name);
        if how(self, source, &target) {
            self.outcome.made.push(target);
        }
    }

    /// Moves by giving another name, or where that does not work by copying and deleting.
    fn carry(&mut self, source: &Path, target: &Path) -> bool {
        match fs::rename(source, target) {
            Ok(()) => {
                self.progress.files_in_all += 1;
                self.done();
                true
            }
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                self.count(source);
                // What could not be copied completely stays where it was.
                let failures = self.outcome.failures.len();
                let copied = self.copy(source, target);
                if copied && self.outcome.failures.len() == failures && !self.is_stopped() {
                    self.delete(source);
                }
                copied
            }
            Err(error) => {
                self.fail(source, &error);
                false
            }
        }
    }

    /// Copies a file, a link or a folder with all that is in it; answers whether there is something now.
    fn copy(&mut self, source: &Path, target: &Path) -> bool {
        let result = fs::symlink_metadata(source).and_then(|metadata| {
            let kind = metadata.file_type();
            if kind.is_dir() {
                self.copy_folder(source, target, &metadata)
            } else if kind.is_symlink() {
                copy_link(source, target)
            } else if kind.is_file() {
                self.copy_file(source, target, &metadata)
            } else {
                Err(Error::other("devices, pipes and sockets cannot be copied"))
            }
        });
        match result {
            Ok(()) => self.done(),
            Err(ref error) => self.fail(source, error),
        }
        result.is_ok()
    }

    fn copy_folder(&mut self, source: &Path, target: &Path, metadata: &Metadata) -> Result<()> {
        // All names first: what is read while it grows would not end.
        let entries: Vec<_> = fs::read_dir(source)?.collect::<Result<_>>()?;
        fs::create_dir(target)?;
        for entry in entries {
            if self.is_stopped() {
                break;
            }
            self.copy(&entry.path(), &target.join(entry.file_name()));
        }
        // Last, because a folder may forbid that something is put into it.
        fs::set_permissions(target, metadata.permissions())
    }

    fn copy_file(&mut self, source: &Path, target: &Path, metadata: &Metadata) -> Result<()> {
        let from = File::open(source)?;
        let to = File::options().write(true).create_new(true).open(target)?;
        let result = self.pump(from, &to).and_then(|()| {
            fs::set_permissions(target, metadata.permissions())?;
            // Not every file system keeps times.
            let _ = times::keep(&to, metadata);
            Ok(())
        });
        // Half a file is worse than none.
        result.inspect_err(|_| drop(fs::remove_file(target)))
    }

    fn pump(&mut self, mut from: File, mut to: &File) -> Result<()> {
        self.piece.resize(PIECE, 0);
        loop {
            if self.is_stopped() {
                return Err(stopped());
            }
            let count = match from.read(&mut self.piece) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            to.write_all(&self.piece[..count])?;
            self.progress.bytes += count as u64;
            (self.tell)(&self.progress);
        }
    }

    /// Deletes a file, or a folder with all that is in it; links are not followed. Answers whether it is gone.
    fn delete(&mut self, path: &Path) -> bool {
        if self.is_stopped() {
            return false;
        }
        let result = fs::symlink_metadata(path).and_then(|metadata| match metadata.is_dir() {
            true => self.delete_folder(path),
            false => {
                self.progress.bytes += if metadata.is_file() { metadata.len() } else { 0 };
                fs::remove_file(path).map(|()| true)
            }
        });
        match result {
            Ok(gone) => {
                self.done();
                gone
            }
            Err(error) => {
                self.fail(path, &error);
                false
            }
        }
    }

    fn delete_folder(&mut self, path: &Path) -> Result<bool> {
        let entries: Vec<_> = fs::read_dir(path)?.collect::<Result<_>>()?;
        let mut empty = true;
        for entry in entries {
            empty &= self.delete(&entry.path());
        }
        // What is left in it has been complained about.
        if empty { fs::remove_dir(path).map(|()| true) } else { Ok(false) }
    }
}

fn copy_link(source: &Path, target: &Path) -> Result<()> {
    std::os::unix::fs::symlink(fs::read_link(source)?, target)
}

/// Whether a path is a folder, or lies in it.
fn is_within(path: &Path, folder: &Path) -> bool {
    // A link that is moved into what it leads to is only a link.
    if !fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir()) {
        return false;
    }
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => path.starts_with(folder),
    }
}

/// An error in words, without numbers.
pub fn describe(error: &Error) -> String {
    let text = match error.kind() {
        ErrorKind::NotFound => "it is not there".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        ErrorKind::AlreadyExists => "there is already a file with this name".into(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "there is no space left".into(),
        ErrorKind::ReadOnlyFilesystem => "it cannot be changed here".into(),
        ErrorKind::NotADirectory => "it is not a folder".into(),
        ErrorKind::DirectoryNotEmpty => "the folder is not empty".into(),
        ErrorKind::ResourceBusy => "it is in use".into(),
        _ => error.to_string(),
    };
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
