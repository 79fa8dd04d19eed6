//! A line of the console, taken apart.

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Nothing.
    Nothing,
    /// What there is to ask for.
    Help,
    /// The end.
    Exit,
    /// The names in a directory.
    List(&'a str),
    /// The contents of files.
    Show(Vec<&'a str>),
    /// What one `read` of a file gives.
    Read(&'a str),
    /// So many seconds pass.
    Sleep(u64),
    /// A line of text, to the console or to what has a path.
    Write(String, Option<&'a str>),
    /// A program, with its arguments.
    Run(String, Vec<&'a str>),
    /// A daemon, with its arguments: started, awaited until it is ready, and started again when it dies.
    Serve(String, Vec<&'a str>),
    /// The end of a daemon's process, by the daemon's name.
    Kill(&'a str),
}

impl<'a> Command<'a> {
    /// Takes a line apart at its spaces.
    pub fn parse(line: &'a str) -> Self {
        let mut words = line.split_whitespace();
        let rest: fn(std::str::SplitWhitespace<'a>) -> Vec<&'a str> = Iterator::collect;
        match words.next() {
            None => Command::Nothing,
            Some("help" | "?") => Command::Help,
            Some("exit") => Command::Exit,
            Some("ls") => Command::List(words.next().unwrap_or("/")),
            Some("cat") => Command::Show(rest(words)),
            Some("read") => words.next().map_or(Command::Nothing, Command::Read),
            Some("sleep") => Command::Sleep(words.next().and_then(|word| word.parse().ok()).unwrap_or(1)),
            Some("free") => Command::Show(vec!["/scheme/sys/stat"]),
            Some("echo") => match rest(words).as_slice() {
                [text @ .., ">", path] => Command::Write(text.join(" "), Some(path)),
                text => Command::Write(text.join(" "), None),
            },
            Some("serve") => words.next().map_or(Command::Nothing, |name| Command::Serve(path_of(name), rest(words))),
            Some("kill") => words.next().map_or(Command::Nothing, Command::Kill),
            Some(name) => Command::Run(path_of(name), rest(words)),
        }
    }
}

/// The path of a program: names without a slash are looked for where programs lie.
fn path_of(name: &str) -> String {
    if name.contains('/') { name.into() } else { format!("/scheme/initfs/bin/{name}") }
}

/// What a key has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The line goes on.
    More,
    /// It is complete.
    Line,
    /// There will be no more lines.
    End,
}

/// A line while it is typed: erasing of the last character, and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    line: Vec<u8>,
    echo: Vec<u8>,
}

/// Keys (ASCII): end of transmission, backspace, delete.
const EOT: u8 = 4;
const BS: u8 = 8;
const DEL: u8 = 0x7f;

impl Editor {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a byte from the keyboard.
    pub fn take(&mut self, byte: u8) -> Key {
        match byte {
            b'\r' | b'\n' => {
                self.echo.push(b'\n');
                return Key::Line;
            }
            EOT if self.line.is_empty() => return Key::End,
            BS | DEL => {
                // A character of UTF-8 goes with all its bytes.
                while let Some(last) = self.line.pop() {
                    if last & 0xc0 != 0x80 {
                        self.echo.extend([BS, b' ', BS]);
                        break;
                    }
                }
            }
            0..b' ' => {}
            _ => {
                self.line.push(byte);
                self.echo.push(byte);
            }
        }
        Key::More
    }

    /// What is to be shown for what was taken.
    pub fn take_echo(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.echo)
    }

    /// The line.
    pub fn into_line(self) -> String {
        String::from_utf8_lossy(&self.line).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_typed_and_mended() {
        let mut editor = Editor::new();
        assert_eq!(editor.take(EOT), Key::End);
        for byte in "lsü\u{8}x\u{7f}\u{1}".bytes() {
            assert_eq!(editor.take(byte), Key::More);
        }
        assert_eq!((editor.take(EOT), editor.take(b'\r')), (Key::More, Key::Line));
        assert_eq!(editor.take_echo(), "lsü\u{8} \u{8}x\u{8} \u{8}\n".as_bytes());
        assert_eq!(editor.into_line(), "ls");
    }

    #[test]
    fn words_and_their_meaning() {
        assert_eq!(Command::parse("  \t"), Command::Nothing);
        assert_eq!(Command::parse("ls"), Command::List("/"));
        assert_eq!(Command::parse(" ls  /tmp "), Command::List("/tmp"));
        assert_eq!(Command::parse("cat a b"), Command::Show(vec!["a", "b"]));
        assert_eq!(Command::parse("contain -v"), Command::Run("/scheme/initfs/bin/contain".into(), vec!["-v"]));
        assert_eq!(Command::parse("/tmp/x"), Command::Run("/tmp/x".into(), vec![]));
        assert_eq!(Command::parse("serve /tmp/x y"), Command::Serve("/tmp/x".into(), vec!["y"]));
        assert_eq!(Command::parse("serve"), Command::Nothing);
        assert_eq!(Command::parse("sleep 3"), Command::Sleep(3));
        assert_eq!(Command::parse("read x"), Command::Read("x"));
        assert_eq!(Command::parse("kill x"), Command::Kill("x"));
        assert_eq!(Command::parse("echo a  b"), Command::Write("a b".into(), None));
        assert_eq!(Command::parse("echo a b > /tmp/x"), Command::Write("a b".into(), Some("/tmp/x")));
    }
}
