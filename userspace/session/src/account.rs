//! Who somebody is, as `/etc/passwd` has it, and the shell that they get.

use std::path::{Path, PathBuf};

/// Where programs are found, if nobody has said otherwise.
pub const PATH: &str = "/bin:/usr/bin:/scheme/initfs/bin";

/// Shells that are looked for, when nobody has named one that is there. The last is init's console.
const SHELLS: [&str; 3] = ["/bin/sh", "/usr/bin/sh", "/scheme/initfs/bin/console"];

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's name.
    pub name: String,
    /// The home directory.
    pub home: PathBuf,
    /// The shell, if one is named.
    pub shell: Option<PathBuf>,
}

impl Account {
    /// The account of a user, from the text of `/etc/passwd`; where there is none, the superuser's is made up.
    pub fn find(passwd: &str, uid: u32) -> Option<Self> {
        let written = passwd.lines().filter_map(|line| Self::parse(line, uid)).next();
        let root = || Self { name: "root".into(), home: "/root".into(), shell: None };
        written.or_else(|| (uid == 0).then(root))
    }

    /// From `name:password:uid:gid:comment:home:shell`.
    fn parse(line: &str, uid: u32) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let &[name, _, number, _, _, home, ref rest @ ..] = fields.as_slice() else { return None };
        if name.is_empty() || number.parse() != Ok(uid) {
            return None;
        }
        let shell = rest.first().filter(|shell| !shell.is_empty()).map(PathBuf::from);
        Some(Self { name: name.into(), home: home.into(), shell })
    }
}

/// The shell: the first of those named that is there, or one of those that are always looked for.
pub fn shell(named: [Option<PathBuf>; 2], is_there: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let usual = SHELLS.into_iter().map(PathBuf::from);
    named.into_iter().flatten().chain(usual).find(|path| is_there(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_shells_find_the_same_programs() {
        let profile = include_str!("../../../installer/root/etc/profile");
        assert!(profile.lines().any(|line| line == format!("PATH={PATH}")));
    }

    const PASSWD: &str = "root:x:0:0:System:/root:/bin/zsh\nbroken\nann:x:1000:1000::/home/ann\n:x:5:5::/:/bin/x\n";

    #[test]
    fn accounts() {
        let root = Account::find(PASSWD, 0).unwrap();
        assert_eq!((root.home, root.shell), ("/root".into(), Some("/bin/zsh".into())));
        let ann = Account::find(PASSWD, 1000).unwrap();
        assert_eq!((ann.name.as_str(), ann.shell), ("ann", None));
        assert_eq!((Account::find(PASSWD, 5), Account::find("", 7)), (None, None));
        assert_eq!(Account::find("", 0).unwrap().name, "root");
    }

    #[test]
    fn the_first_shell_that_is_there() {
        let all = |_: &Path| true;
        let named = || [Some("/bin/a".into()), Some("/bin/b".into())];
        assert_eq!(shell(named(), all), Some("/bin/a".into()));
        assert_eq!(shell(named(), |path| path != Path::new("/bin/a")), Some("/bin/b".into()));
        assert_eq!(shell(named(), |path| path.starts_with("/scheme")), Some("/scheme/initfs/bin/console".into()));
        assert_eq!(shell([None, None], all), Some("/bin/sh".into()));
        assert_eq!(shell([None, None], |_| false), None);
    }
}
