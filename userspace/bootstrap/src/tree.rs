//! The initfs as a tree: the archive's entries, with the directories above them.

use std::collections::BTreeMap;

use kernel_core::cpio::{self, Damaged};

/// Number of the root directory.
pub const ROOT: usize = 0;
/// Longest chain of directories.
const DEPTH: usize = 64;

/// File types of stat(2).
const S_IFMT: u32 = 0o170_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Names and numbers of what is in it.
    Directory(BTreeMap<&'a str, usize>),
    /// Contents.
    File(&'a [u8]),
    /// Where it leads.
    Link(&'a str),
}

/// A file, a directory or a symbolic link.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// Number of the directory that it is in; the root's is its own.
    pub parent: usize,
    /// Its name there.
    pub name: &'a str,
    /// Permission bits.
    pub permissions: u16,
    /// What it is.
    pub kind: Kind<'a>,
}

/// All of an archive; nodes are known by their number.
#[derive(Debug)]
pub struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

impl<'a> Tree<'a> {
    /// Reads an archive. Of two entries with the same path the first counts; what is neither file, directory nor link, and
    /// names that are not UTF-8, are left out.
    pub fn new(archive: &'a [u8]) -> Result<Self, Damaged> {
        let root = Node { parent: ROOT, name: "", permissions: 0o755, kind: Kind::Directory(BTreeMap::new()) };
        let mut tree = Tree { nodes: vec![root] };
        for entry in cpio::entries(archive) {
            let entry = entry?;
            let Ok(path) = str::from_utf8(entry.name) else { continue };
            let kind = match entry.mode & S_IFMT {
                S_IFDIR => Kind::Directory(BTreeMap::new()),
                S_IFREG => Kind::File(entry.data),
                S_IFLNK => match str::from_utf8(entry.data) {
                    Ok(target) => Kind::Link(target),
                    Err(_) => continue,
                },
                _ => continue,
            };
            tree.add(path, (entry.mode & 0o7777) as u16, kind);
        }
        Ok(tree)
    }

    fn add(&mut self, path: &'a str, permissions: u16, kind: Kind<'a>) {
        let mut parts = path.split('/').filter(|part| !matches!(*part, "" | ".")).peekable();
        let mut at = ROOT;
        let mut depth = 0;
        while let Some(name) = parts.next() {
            depth += 1;
            if name == ".." || depth > DEPTH {
                return;
            }
            let last = parts.peek().is_none();
            let number = self.nodes.len();
            // A path that leads through a file is left out.
            let Kind::Directory(entries) = &mut self.nodes[at].kind else {
                return;
            };
            let known = *entries.entry(name).or_insert(number);
            if known == number {
                // Directories that are not listed themselves are readable by all.
                let (permissions, kind) =
                    if last { (permissions, kind.clone()) } else { (0o755, Kind::Directory(BTreeMap::new())) };
                self.nodes.push(Node { parent: at, name, permissions, kind });
            } else if last && matches!((&self.nodes[known].kind, &kind), (Kind::Directory(_), Kind::Directory(_))) {
                self.nodes[known].permissions = permissions;
            }
            at = known;
        }
    }

    /// Takes a file out of its directory and answers what was in it. Who has it open finds it empty from now on.
    pub fn remove(&mut self, number: usize) -> Option<&'a [u8]> {
        let node = self.nodes.get_mut(number)?;
        let Kind::File(contents) = &mut node.kind else { return None };
        let contents = std::mem::take(contents);
        let (parent, name) = (node.parent, node.name);
        if let Some(Kind::Directory(entries)) = self.nodes.get_mut(parent).map(|node| &mut node.kind) {
            entries.remove(name);
        }
        Some(contents)
    }

    /// The node with this number.
    pub fn node(&self, number: usize) -> Option<&Node<'a>> {
        self.nodes.get(number)
    }

    /// Follows a path of plain names from a directory; answers how far it led: the node, and what is left of the path
    /// when the node is a symbolic link or a file.
    pub fn walk<'p>(&self, from: usize, path: &'p str) -> Option<(usize, &'p str)> {
        let (mut at, mut rest) = (from, path.trim_matches('/'));
        while !rest.is_empty() {
            let Kind::Directory(entries) = &self.nodes.get(at)?.kind else {
                break;
            };
            let (name, more) = rest.split_once('/').unwrap_or((rest, ""));
            if !matches!(name, "" | ".") {
                at = *entries.get(name)?;
            }
            rest = more.trim_start_matches('/');
        }
        Some((at, rest))
    }

    /// Path of a node from the root, without a slash at the beginning.
    pub fn path(&self, mut number: usize) -> String {
        let mut names = Vec::new();
        while let Some(node) = self.nodes.get(number).filter(|_| number != ROOT) {
            names.push(node.name);
            number = node.parent;
        }
        names.reverse();
        names.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, mode, data) in entries.iter().chain(&[("TRAILER!!!", 0, &b""[..])]) {
            let zeros = "00000000".repeat(4);
            let header =
                format!("07070100000000{mode:08X}{zeros}{:08X}{zeros}{:08X}00000000", data.len(), name.len() + 1);
            assert_eq!(header.len(), 110);
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes.extend_from_slice(data);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn files_directories_and_links_have_their_places() {
        let bytes = archive(&[
            ("bin", 0o040_700, b""),
            ("bin/init", 0o100_755, b"ELF"),
            ("etc/deep/down", 0o100_644, b"text"),
            ("sh", 0o120_777, b"bin/init"),
        ]);
        let tree = Tree::new(&bytes).unwrap();
        let (bin, _) = tree.walk(ROOT, "bin").unwrap();
        assert_eq!(tree.node(bin).unwrap().permissions, 0o700);
        let (init, rest) = tree.walk(bin, "init").unwrap();
        assert_eq!((&tree.node(init).unwrap().kind, rest), (&Kind::File(b"ELF"), ""));
        assert_eq!(tree.path(init), "bin/init");
        let (down, _) = tree.walk(ROOT, "/etc//./deep/down/").unwrap();
        assert_eq!(tree.node(down).unwrap().permissions, 0o644);
        let (link, rest) = tree.walk(ROOT, "sh/more").unwrap();
        assert_eq!((&tree.node(link).unwrap().kind, rest), (&Kind::Link("bin/init"), "more"));
        assert_eq!(tree.walk(ROOT, "bin/none"), None);
        assert_eq!(tree.path(ROOT), "");
    }

    #[test]
    fn a_file_that_is_removed_is_gone_and_empty() {
        let bytes = archive(&[("a/file", 0o100_644, b"text"), ("a/other", 0o100_644, b"")]);
        let mut tree = Tree::new(&bytes).unwrap();
        let (file, _) = tree.walk(ROOT, "a/file").unwrap();
        assert_eq!(tree.remove(ROOT), None);
        assert_eq!(tree.remove(99), None);
        assert_eq!(tree.remove(file), Some(&b"text"[..]));
        assert_eq!(tree.walk(ROOT, "a/file"), None);
        assert_eq!(tree.node(file).unwrap().kind, Kind::File(b""));
        assert!(tree.walk(ROOT, "a/other").is_some());
    }

    #[test]
    fn strange_archives_do_no_harm() {
        let deep = "d/".repeat(DEPTH + 1) + "file";
        let bytes = archive(&[
            ("../up", 0o100_644, b"x"),
            ("file", 0o100_644, b"1"),
            ("file", 0o100_644, b"2"),
            ("file/under", 0o100_644, b"x"),
            ("device", 0o020_644, b""),
            (&deep, 0o100_644, b"x"),
        ]);
        let tree = Tree::new(&bytes).unwrap();
        assert_eq!(tree.walk(ROOT, "up"), None);
        let (file, rest) = tree.walk(ROOT, "file/under").unwrap();
        assert_eq!((&tree.node(file).unwrap().kind, rest), (&Kind::File(b"1"), "under"));
        assert_eq!(tree.walk(ROOT, "device"), None);
        assert_eq!(tree.walk(ROOT, &deep), None);
        assert!(Tree::new(&bytes[..bytes.len() - 150]).is_err());
    }
}
