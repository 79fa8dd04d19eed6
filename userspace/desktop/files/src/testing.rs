//! A folder for a test, gone with it.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of the test's own.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty folder; tests that run at once give different names.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ochre-files-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a file, and the folders that lead to it.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Makes a folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Makes a symbolic link.
    pub fn link(&self, name: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.0.join(name)).unwrap();
    }

    /// What a file holds.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Whether there is such a file.
    pub fn has(&self, name: &str) -> bool {
        self.0.join(name).symlink_metadata().is_ok()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
