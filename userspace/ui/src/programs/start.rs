//! Starting a program that lives on when this one ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where programs are looked for that are named without a path.
const FOLDERS: [&str; 3] = ["/usr/bin", "/bin", "/scheme/initfs/bin"];

/// Starts a program, its first word, with the others as arguments.
pub fn detached(words: &[String]) -> io::Result<()> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let path = find(program).ok_or_else(|| io::Error::other(format!("there is no program `{program}`")))?;
    let mut command = Command::new(path);
    command.args(arguments).stdin(Stdio::null()).setsid(true);
    let mut child = command.spawn()?;
    // Somebody has to hear of its end.
    std::thread::Builder::new().stack_size(16 << 10).spawn(move || child.wait())?;
    Ok(())
}

fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program));
    }
    FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_an_error() {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        assert!(detached(&words("no-such-program-of-ochre")).unwrap_err().to_string().contains("no-such-program"));
        assert!(detached(&words("/no/such/program")).is_err());
        assert!(detached(&[]).is_err());
        assert!(detached(&words("true --really")).is_ok());
    }
}
