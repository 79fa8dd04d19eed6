//! Files in `/tmp` as POSIX wants them, through `std` and what crate `libc` adds to it: names that outlive each other, files
//! without names, holes, shared mappings, and many at work at once.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::ffi::CString;
    use std::fs::{self, File, OpenOptions};
    use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
    use std::path::{Path, PathBuf};
    use std::thread;

    use ochre_guest::run;

    const PAGE: usize = 4096;

    pub fn main() {
        run(&[
            ("a rename replaces, and what was open stays", rename_over),
            ("a rename that cannot be is refused and changes nothing", rename_refused),
            ("an unlinked file lives as long as it is open", unlink_open),
            ("hard links are one file", hard_links),
            ("symbolic links lead on, also around", symbolic_links),
            ("holes are zero and take no room", sparse),
            ("shared mappings are the file", shared_mapping),
            ("private mappings are not", private_mapping),
            ("appending writes never overwrite", append),
            ("permissions, times and lengths", attributes),
            ("directories list what is in them", listing),
            ("paths with dots, slashes and long names", paths),
            ("stat tells the same as fstat", stats),
            ("many threads rename onto one name", rename_race),
        ]);
    }

    /// A folder of its own, removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = Path::new("/tmp").join(format!("files-{name}"));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            fs::write(self.at(name), text).unwrap();
            self.at(name)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
        result.err().expect("this must not succeed").kind()
    }

    fn both() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options
    }

    fn read(file: &mut File) -> String {
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    }

    fn rename_over() {
        let folder = Folder::new("rename");
        let (a, b) = (folder.write("a", "new"), folder.write("b", "old"));
        let (mut new, mut old) = (File::open(&a).unwrap(), File::open(&b).unwrap());
        fs::rename(&a, &b).unwrap();
        assert_eq!(fs::read_to_string(&b).unwrap(), "new");
        assert_eq!(kind(fs::metadata(&a)), ErrorKind::NotFound);
        assert_eq!((read(&mut old), read(&mut new)), ("old".into(), "new".into()));
        assert_eq!((old.metadata().unwrap().nlink(), new.metadata().unwrap().nlink()), (0, 1));
        fs::rename(&b, &b).unwrap();
        fs::create_dir(folder.at("d")).unwrap();
        fs::create_dir(folder.at("e")).unwrap();
        fs::rename(folder.at("d"), folder.at("e")).unwrap();
        fs::rename(&b, folder.at("e/inner")).unwrap();
        assert_eq!(fs::read_to_string(folder.at("e/inner")).unwrap(), "new");
    }

    fn rename_refused() {
        let folder = Folder::new("refused");
        let file = folder.write("file", "text");
        fs::create_dir_all(folder.at("d/e")).unwrap();
        folder.write("d/e/f", "deep");
        let errno =
            |from: &str, to: &str| fs::rename(folder.at(from), folder.at(to)).unwrap_err().raw_os_error().unwrap();
        assert_eq!(errno("file", "d"), libc::EISDIR);
        assert_eq!(errno("d", "file"), libc::ENOTDIR);
        assert_eq!(errno("d", "d/e/x"), libc::EINVAL);
        assert_eq!(errno("nothing", "x"), libc::ENOENT);
        fs::create_dir(folder.at("g")).unwrap();
        assert_eq!(errno("g", "d"), libc::ENOTEMPTY);
        assert_eq!(fs::read_to_string(file).unwrap(), "text");
        assert_eq!(fs::read_to_string(folder.at("d/e/f")).unwrap(), "deep");
    }

    fn unlink_open() {
        let folder = Folder::new("unlink");
        let path = folder.write("file", "still here");
        let mut file = both().open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(file.metadata().unwrap().nlink(), 0);
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b", and more").unwrap();
        assert_eq!(read(&mut file), "still here, and more");
        // The name is free for another.
        folder.write("file", "second");
        assert_eq!(read(&mut file), "still here, and more");
        assert_eq!(kind(fs::remove_dir(folder.at("file"))), ErrorKind::NotADirectory);
        assert_eq!(kind(fs::remove_file(folder.at("nothing"))), ErrorKind::NotFound);
    }

    fn hard_links() {
        let folder = Folder::new("hard");
        let (a, b) = (folder.write("a", "one"), folder.at("b"));
        fs::hard_link(&a, &b).unwrap();
        let (first, second) = (fs::metadata(&a).unwrap(), fs::metadata(&b).unwrap());
        assert_eq!((first.ino(), first.dev(), first.nlink()), (second.ino(), second.dev(), 2));
        fs::write(&b, "two").unwrap();
        assert_eq!(fs::read_to_string(&a).unwrap(), "two");
        fs::remove_file(&a).unwrap();
        assert_eq!((fs::read_to_string(&b).unwrap(), fs::metadata(&b).unwrap().nlink()), ("two".into(), 1));
        folder.write("c", "");
        assert_eq!(kind(fs::hard_link(&b, folder.at("c"))), ErrorKind::AlreadyExists);
        assert!(fs::hard_link(&folder.0, folder.at("d")).is_err());
    }

    fn symbolic_links() {
        let folder = Folder::new("symbolic");
        folder.write("file", "target");
        symlink("file", folder.at("link")).unwrap();
        symlink("link", folder.at("second")).unwrap();
        symlink("round", folder.at("round")).unwrap();
        symlink("/scheme/null", folder.at("null")).unwrap();
        symlink("nothing", folder.at("dangling")).unwrap();
        assert_eq!(fs::read_to_string(folder.at("second")).unwrap(), "target");
        assert_eq!(fs::read_link(folder.at("second")).unwrap(), Path::new("link"));
        assert!(fs::symlink_metadata(folder.at("second")).unwrap().is_symlink());
        assert!(fs::metadata(folder.at("second")).unwrap().is_file());
        assert_eq!(fs::metadata(folder.at("round")).unwrap_err().raw_os_error(), Some(libc::ELOOP));
        assert_eq!(fs::read(folder.at("null")).unwrap(), b"");
        assert_eq!(kind(fs::metadata(folder.at("dangling"))), ErrorKind::NotFound);
        // Writing through a link that leads to nothing makes what it names.
        fs::write(folder.at("dangling"), "made").unwrap();
        assert_eq!(fs::read_to_string(folder.at("nothing")).unwrap(), "made");
        assert_eq!(kind(both().create_new(true).open(folder.at("link"))), ErrorKind::AlreadyExists);
        fs::rename(folder.at("link"), folder.at("moved")).unwrap();
        assert!(fs::symlink_metadata(folder.at("moved")).unwrap().is_symlink());
        fs::remove_file(folder.at("moved")).unwrap();
        assert!(fs::metadata(folder.at("file")).unwrap().is_file());
        fs::create_dir(folder.at("sub")).unwrap();
        symlink("sub", folder.at("way")).unwrap();
        folder.write("way/in", "inside");
        assert_eq!(fs::read_to_string(folder.at("sub/in")).unwrap(), "inside");
        assert_eq!(fs::canonicalize(folder.at("way/in")).unwrap(), folder.at("sub/in"));
    }

    fn sparse() {
        let folder = Folder::new("sparse");
        let mut file = both().create(true).truncate(true).open(folder.at("hole")).unwrap();
        let far = 3 << 30;
        file.write_all_at(b"end", far).unwrap();
        file.write_all_at(b"mid", 1 << 20).unwrap();
        let meta = file.metadata().unwrap();
        assert_eq!(meta.len(), far + 3);
        assert!(meta.blocks() * 512 <= 64 << 10, "a hole takes {} blocks", meta.blocks());
        let mut buffer = [1; 64];
        file.read_exact_at(&mut buffer, (1 << 20) - 32).unwrap();
        assert_eq!((&buffer[..32], &buffer[32..35], &buffer[35..]), (&[0; 32][..], &b"mid"[..], &[0; 29][..]));
        // What was cut off is gone for good.
        file.set_len((1 << 20) + 1).unwrap();
        file.set_len(2 << 20).unwrap();
        file.read_exact_at(&mut buffer[..3], 1 << 20).unwrap();
        assert_eq!(&buffer[..3], b"m\0\0");
        file.set_len(0).unwrap();
        assert_eq!(file.metadata().unwrap().blocks(), 0);
        file.seek(SeekFrom::Start(10)).unwrap();
        assert_eq!(file.read(&mut buffer).unwrap(), 0);
    }

    /// A mapping of a file.
    struct Mapping(*mut u8, usize);

    impl Mapping {
        fn new(file: &File, len: usize, flags: i32) -> Self {
            let prot = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: the kernel chooses an unused address.
            let at = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, file.as_raw_fd(), 0) };
            assert_ne!(at, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
            Mapping(at.cast(), len)
        }

        fn bytes(&mut self) -> &mut [u8] {
            // SAFETY: the mapping has this length.
            unsafe { std::slice::from_raw_parts_mut(self.0, self.1) }
        }
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            // SAFETY: nobody uses the memory any more.
            assert_eq!(unsafe { libc::munmap(self.0.cast(), self.1) }, 0);
        }
    }

    fn shared_mapping() {
        let folder = Folder::new("shared");
        let path = folder.write("file", &"a".repeat(3 * PAGE));
        let file = both().open(&path).unwrap();
        let (mut one, mut two) = (
            Mapping::new(&file, 3 * PAGE, libc::MAP_SHARED),
            Mapping::new(&both().open(&path).unwrap(), 3 * PAGE, libc::MAP_SHARED),
        );
        one.bytes()[PAGE] = b'X';
        assert_eq!(two.bytes()[PAGE], b'X');
        assert_eq!(fs::read(&path).unwrap()[PAGE], b'X');
        file.write_all_at(b"YZ", 2 * PAGE as u64 - 1).unwrap();
        assert_eq!((one.bytes()[2 * PAGE - 1], two.bytes()[2 * PAGE]), (b'Y', b'Z'));
        // The mapping lives on without name and descriptor.
        drop(file);
        fs::remove_file(&path).unwrap();
        one.bytes()[0] = b'Q';
        assert_eq!(two.bytes()[0], b'Q');
    }

    fn private_mapping() {
        let folder = Folder::new("private");
        let path = folder.write("file", &"a".repeat(PAGE));
        let mut mapping = Mapping::new(&both().open(&path).unwrap(), PAGE, libc::MAP_PRIVATE);
        mapping.bytes()[7] = b'X';
        assert_eq!(mapping.bytes()[6..9], *b"aXa");
        assert_eq!(fs::read(&path).unwrap()[7], b'a');
    }

    fn append() {
        let folder = Folder::new("append");
        let path = folder.at("log");
        thread::scope(|scope| {
            for number in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
                    for _ in 0..200 {
                        file.write_all(format!("{number}:line of text\n").as_bytes()).unwrap();
                    }
                });
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 800);
        assert!(text.lines().all(|line| line.len() == 14 && line.ends_with(":line of text")));
    }

    fn attributes() {
        let folder = Folder::new("attributes");
        let path = folder.at("file");
        let file = both().create(true).truncate(true).mode(0o640).open(&path).unwrap();
        let meta = file.metadata().unwrap();
        assert_eq!((meta.permissions().mode() & 0o7777, meta.len(), meta.is_file()), (0o640, 0, true));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o400);
        let (before, changed) = (meta.mtime_nsec(), meta.mtime());
        file.set_len(5).unwrap();
        let meta = file.metadata().unwrap();
        assert!((meta.mtime(), meta.mtime_nsec()) > (changed, before));
        let times = [1, 2].map(|second| libc::timespec { tv_sec: second, tv_nsec: 500 });
        // SAFETY: two times, as the function demands.
        assert_eq!(unsafe { libc::futimens(file.as_raw_fd(), times.as_ptr()) }, 0);
        let meta = file.metadata().unwrap();
        assert_eq!((meta.atime(), meta.mtime(), meta.mtime_nsec()), (1, 2, 500));
        assert_eq!(kind(fs::create_dir(&path)), ErrorKind::AlreadyExists);
        assert_eq!(kind(File::open(path.join("x"))), ErrorKind::NotADirectory);
        assert!(both().open(&folder.0).is_err());
    }

    fn listing() {
        let folder = Folder::new("listing");
        let names: Vec<String> = (0..500).map(|number| format!("entry-{number:04}")).collect();
        names.iter().for_each(|name| drop(folder.write(name, "")));
        let list = || {
            let mut found: Vec<String> = fs::read_dir(&folder.0)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            found
        };
        assert_eq!(list(), names);
        // Removing while reading neither repeats nor hides what stays.
        let mut seen = Vec::new();
        for entry in fs::read_dir(&folder.0).unwrap() {
            let entry = entry.unwrap();
            seen.push(entry.file_name().into_string().unwrap());
            fs::remove_file(entry.path()).unwrap();
        }
        seen.sort();
        assert_eq!(seen, names);
        assert!(list().is_empty());
        fs::create_dir_all(folder.at("a/b/c")).unwrap();
        assert_eq!(fs::remove_dir(folder.at("a")).unwrap_err().raw_os_error(), Some(libc::ENOTEMPTY));
        fs::remove_dir_all(folder.at("a")).unwrap();
    }

    fn paths() {
        let folder = Folder::new("paths");
        fs::create_dir(folder.at("sub")).unwrap();
        folder.write("file", "text");
        for path in ["file", "./file", "sub/../file", "sub//..//./file", "sub/./.././file"] {
            assert_eq!(fs::read_to_string(folder.at(path)).unwrap(), "text", "{path}");
        }
        let cwd = std::env::current_dir().unwrap();
        std::env::set_current_dir(folder.at("sub")).unwrap();
        assert_eq!(fs::read_to_string("../file").unwrap(), "text");
        assert_eq!(std::env::current_dir().unwrap(), folder.at("sub"));
        std::env::set_current_dir(cwd).unwrap();
        let longest = "n".repeat(255);
        folder.write(&longest, "long");
        assert_eq!(fs::read_to_string(folder.at(&longest)).unwrap(), "long");
        let errno = |path: PathBuf| fs::metadata(path).unwrap_err().raw_os_error();
        assert_eq!(errno(folder.at(&"n".repeat(256))), Some(libc::ENAMETOOLONG));
        assert_eq!(errno(folder.at(&"d/".repeat(3000))), Some(libc::ENAMETOOLONG));
        assert_eq!(errno(folder.at("file/")), Some(libc::ENOTDIR));
        assert_eq!(errno(PathBuf::new()), Some(libc::ENOENT));
    }

    /// `stat` goes another way than `fstat`: both must say the same, of whatever scheme.
    fn stats() {
        let folder = Folder::new("stats");
        folder.write("file", "text");
        symlink("file", folder.at("link")).unwrap();
        let same = |path: &Path| {
            let (by_path, by_file) = (fs::metadata(path).unwrap(), File::open(path).unwrap().metadata().unwrap());
            let all = |meta: &fs::Metadata| {
                let times = (meta.mtime(), meta.mtime_nsec(), meta.ctime());
                (meta.dev(), meta.ino(), meta.mode(), meta.nlink(), meta.size(), meta.uid(), meta.blocks(), times)
            };
            assert_eq!(all(&by_path), all(&by_file), "{path:?}");
        };
        let (file, link) = (folder.at("file"), folder.at("link"));
        for path in [&folder.0, &file, &link, Path::new("/"), Path::new("/tmp"), Path::new("/scheme/zero")] {
            same(path);
        }
        assert_eq!(fs::metadata("/tmp").unwrap().dev(), fs::metadata(folder.at("file")).unwrap().dev());
        let name = CString::new("/tmp/files-stats/link").unwrap();
        // SAFETY: a C string and a place that is ours.
        unsafe {
            let mut stat = std::mem::zeroed();
            assert_eq!(libc::lstat(name.as_ptr(), &raw mut stat), 0);
            assert_eq!(stat.st_mode & libc::S_IFMT, libc::S_IFLNK);
        }
    }

    fn rename_race() {
        let folder = Folder::new("race");
        folder.write("name", "0000");
        thread::scope(|scope| {
            for number in 0..4 {
                let folder = &folder;
                scope.spawn(move || {
                    for _ in 0..100 {
                        let mine = folder.write(&format!("mine-{number}"), &number.to_string().repeat(4));
                        fs::rename(mine, folder.at("name")).unwrap();
                        // The name is always there, and always whole.
                        let text = fs::read_to_string(folder.at("name")).unwrap();
                        assert!(text.len() == 4 && text.bytes().all(|byte| byte == text.as_bytes()[0]));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }
}
