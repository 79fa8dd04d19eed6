//! Programs that nobody here wrote (`recipes/`), each doing real work over a tree of files whose contents are made up here, so that
//! what it must say is computed and not written down; and our own programs over other people's crates (`tests/ported`).

use std::collections::BTreeMap;

use super::programs::BASE;
use super::{bytes, programs};
use crate::case::{Case, Initfs};

/// Where the tree lies in the guest.
const TREE: &str = "/scheme/initfs/tree";
/// Words of the files.
const WORDS: [&str; 8] = ["ochre", "umber", "sienna", "needle", "pigment", "rust", "clay", "earth"];

/// Gives the tools their names; and runs a script after that.
const SETUP: &str = include_str!("scripts/setup.sh");
const RUN: &str = ". /scheme/initfs/tree/setup.sh\nexec sh /scheme/initfs/tree/script.sh\n";

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut list: Vec<Case> = [1, 4].map(ripgrep).into();
    list.extend([walkdir(), hexyl(), tokei(), hundred(), tools(), session(1), session(4), editor()]);
    list.push(ported("many", "many 4", 4, "rayon: 4 threads, "));
    list.push(ported("tokio", "tokio", 4, "tokio: timers, channels, pipes, blocking work"));
    list.push(ported("smol", "smol", 4, "smol: timers, channels, files"));
    list
}

/// A boot whose console obeys one line, with these programs and files.
fn line(name: &str, cpus: u32, program: &str, files: &BTreeMap<String, String>, line: &str) -> Case {
    let mut contents = programs(BASE.into_iter().chain(["console", program]));
    contents.extend(files.iter().map(|(path, text)| bytes(&format!("tree/{path}"), text.as_bytes())));
    Case::new(name)
        .cpus(cpus)
        .initfs(Initfs::Files(contents))
        .append(&format!("quiet init=/scheme/initfs/bin/console -- -c {line}"))
        .seconds(180)
}

/// Forty files of some hundred lines in folders; the same each time.
fn tree() -> BTreeMap<String, String> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut text = |lines: usize| {
        let words = |random: &mut fastrand::Rng| (0..8).map(|_| WORDS[random.usize(..WORDS.len())]).collect::<Vec<_>>();
        (0..lines).map(|_| words(&mut random).join(" ") + "\n").collect::<String>()
    };
    let kind = |n: usize| if n.is_multiple_of(3) { "txt" } else { "md" };
    (0..40).map(|n| (format!("folder{}/sub/file{n}.{}", n % 5, kind(n)), text(50 + n * 7))).collect()
}

/// The lines that a program has said about the tree, in their order.
fn said_of_tree(said: &str) -> Vec<&str> {
    said.lines().map(str::trim_end).filter(|line| line.starts_with(TREE)).collect()
}

fn same(mut said: Vec<&str>, mut wanted: Vec<String>) -> Result<(), String> {
    said.sort_unstable();
    wanted.sort_unstable();
    if said == wanted { Ok(()) } else { Err(format!("said {said:?} and not {wanted:?}")) }
}

fn ripgrep(cpus: u32) -> Case {
    let files = tree();
    let count = |text: &str| text.lines().filter(|line| line.contains("needle rust")).count();
    let wanted: Vec<String> = files
        .iter()
        .map(|(path, text)| (path, count(text)))
        .filter(|(_, count)| *count > 0)
        .map(|(path, count)| format!("{TREE}/{path}:{count}"))
        .collect();
    let command = format!("rg --threads {cpus} --count needle.rust {TREE}");
    line(&format!("package ripgrep, with {cpus} CPUs"), cpus, "rg", &files, &command)
        .check(move |said| same(said_of_tree(said), wanted.clone()))
}

fn walkdir() -> Case {
    let files = tree();
    let wanted: Vec<String> = files.iter().map(|(path, text)| format!("{TREE}/{path} {}", text.len())).collect();
    line("ported program walk", 2, "walk", &files, &format!("walk {TREE}"))
        .check(move |said| same(said_of_tree(said), wanted.clone()))
}

fn hexyl() -> Case {
    let text: String = (0..4).map(|n| format!("{:08}", n * 11)).collect();
    let row = |n: usize| {
        let bytes = &text.as_bytes()[n * 16..n * 16 + 16];
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
        format!("{:08x}  {}   {}", n * 16, hex(&bytes[..8]), hex(&bytes[8..]))
    };
    let files = BTreeMap::from([("bytes".into(), text.clone())]);
    let command = format!("hexyl --border none --color never --no-characters {TREE}/bytes");
    line("package hexyl", 1, "hexyl", &files, &command).says(row(0)).says(row(1))
}

/// Three small files of two languages, counted.
fn tokei() -> Case {
    let rust = |code: usize| "// A remark.\n\n".repeat(3) + &"let x = 1;\n".repeat(code);
    let files = BTreeMap::from([
        ("a.rs".into(), rust(10)),
        ("deep/b.rs".into(), rust(20)),
        ("c.py".into(), "# One.\nprint(1)\n".to_owned()),
    ]);
    let counts = |language: &'static str, numbers: [usize; 5]| {
        move |said: &str| {
            // Without its colours, which begin with an escape character and end with an `m`.
            let plain = |line: &str| {
                let mut parts = line.split('\u{1b}');
                let first = parts.next().unwrap_or_default().to_owned();
                parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
            };
            let words = |line: &str| plain(line).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let wanted: Vec<String> = [language.into()].into_iter().chain(numbers.map(|n| n.to_string())).collect();
            said.lines().any(|line| words(line) == wanted).then_some(()).ok_or(format!("no line says {wanted:?}"))
        }
    };
    let (rust, python) = (counts("Rust", [2, 42, 30, 6, 6]), counts("Python", [1, 2, 1, 1, 0]));
    line("package tokei", 2, "tokei", &files, &format!("tokei {TREE}"))
        .check(move |said| rust(said).and_then(|()| python(said)))
}

/// The shell and its tools on a terminal, where `typist` does what `steps` say.
fn typed(name: &str, steps: &str, script: &str, more: &[&str], arguments: &str) -> Case {
    let mut contents = programs(BASE.into_iter().chain(["typist", "yash3"]).chain(more.iter().copied()));
    let files = [("setup.sh", SETUP), ("run.sh", RUN), ("script.sh", script), ("steps", steps)];
    contents.extend(files.map(|(path, text)| bytes(&format!("tree/{path}"), text.as_bytes())));
    Case::new(name)
        .initfs(Initfs::Files(contents))
        .append(&format!("quiet init=/scheme/initfs/bin/typist -- {TREE}/steps /scheme/initfs/bin/yash3 {arguments}"))
        .seconds(300)
        .says("steps done")
}

/// A script of the shell, whose output begins with `==`, and what another system has printed for it.
fn script(name: &str, script: &str, wanted: &'static str, more: &[&str]) -> Case {
    let steps = "see ==\nexit 42\ntell\n";
    typed(name, steps, script, more, &format!("{TREE}/run.sh")).check(|said| {
        let begin = said.find("==").ok_or("the script has not begun")?;
        let wanted: Vec<&str> = wanted.lines().map(str::trim_end).collect();
        let said: Vec<&str> = said[begin..].lines().map(str::trim_end).take(wanted.len()).collect();
        match said.iter().zip(&wanted).find(|(said, wanted)| said != wanted) {
            None if said.len() == wanted.len() => Ok(()),
            None => Err(format!("{} lines and not {}", said.len(), wanted.len())),
            Some((said, wanted)) => Err(format!("{said:?} and not {wanted:?}")),
        }
    })
}

/// A hundred lines of shell.
fn hundred() -> Case {
    let (text, wanted) = (include_str!("scripts/hundred.sh"), include_str!("scripts/hundred.out"));
    script("package yash-cli: a script", text, wanted, &["coreutils"])
}

fn tools() -> Case {
    let (text, wanted) = (include_str!("scripts/tools.sh"), include_str!("scripts/tools.out"));
    script("packages findutils and sed", text, wanted, &["coreutils", "find", "xargs", "sed"])
}

/// Somebody at the keyboard: editing, history, completion, job control.
fn session(cpus: u32) -> Case {
    typed(&format!("package yash-cli: a session with {cpus} CPUs"), include_str!("scripts/session.type"), "", &[], "")
        .cpus(cpus)
}

fn editor() -> Case {
    typed("package kibi", include_str!("scripts/kibi.type"), "", &["coreutils", "kibi"], "")
}

fn ported(program: &str, command: &str, cpus: u32, says: &str) -> Case {
    line(&format!("ported program {program}"), cpus, program, &BTreeMap::new(), command).says(says)
}
