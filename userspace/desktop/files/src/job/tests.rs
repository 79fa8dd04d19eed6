//! Tests of jobs, with real files.

use super::*;
use crate::testing::Scratch;
use std::os::unix::fs::PermissionsExt;

fn go(task: Task) -> Outcome {
    run(&task, &AtomicBool::new(false), &mut |_| ())
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_folder_is_copied_with_all_that_is_in_it() {
    let scratch = Scratch::new("job-copy");
    scratch.file("from/a.txt", b"alpha");
    let program = scratch.file("from/sub/run", b"program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o750)).unwrap();
    scratch.link("from/link", "a.txt");
    let into = scratch.folder("to");
    let mut seen = Vec::new();
    let task = Task::Copy(vec![scratch.path().join("from")], into.clone());
    let outcome = run(&task, &AtomicBool::new(false), &mut |progress| seen.push(progress.clone()));
    assert_eq!(outcome, Outcome { made: vec![into.join("from")], ..Outcome::default() });
    assert_eq!(scratch.read("to/from/a.txt"), "alpha");
    assert_eq!(fs::read_link(into.join("from/link")).unwrap(), Path::new("a.txt"));
    assert_eq!(fs::metadata(into.join("from/sub/run")).unwrap().permissions().mode() & 0o777, 0o750);
    let before = fs::metadata(&program).unwrap().modified().unwrap();
    assert_eq!(fs::metadata(into.join("from/sub/run")).unwrap().modified().unwrap(), before);
    let last = seen.last().unwrap();
    assert_eq!((last.files, last.files_in_all, last.bytes, last.bytes_in_all), (5, 5, 12, 12));
    assert_eq!(last.share(), 1.0);
    assert!(seen.is_sorted_by(|one, other| one.share() <= other.share()));
}

#[test]
fn nothing_is_ever_replaced() {
    let scratch = Scratch::new("job-names");
    let file = scratch.file("a.txt", b"one");
    let other = scratch.file("other/a.txt", b"two");
    let here = scratch.path().to_owned();
    assert_eq!(names(&go(Task::Copy(vec![file.clone()], here.clone())).made), ["a 2.txt"]);
    assert_eq!(names(&go(Task::Copy(vec![other.clone(), file], here.clone())).made), ["a 3.txt", "a 4.txt"]);
    assert_eq!(names(&go(Task::Move(vec![other], here)).made), ["a 5.txt"]);
    assert_eq!([scratch.read("a.txt"), scratch.read("a 3.txt"), scratch.read("a 5.txt")], ["one", "two", "two"]);
    assert!(!scratch.has("other/a.txt"));
}

#[test]
fn a_folder_is_not_put_into_itself() {
    let scratch = Scratch::new("job-self");
    scratch.file("a/b/c", b"");
    scratch.link("a/b/link", "..");
    let (a, b) = (scratch.path().join("a"), scratch.path().join("a/b"));
    for task in
        [Task::Copy(vec![a.clone()], b.clone()), Task::Move(vec![a.clone()], b.clone()), Task::Copy(vec![a.clone()], a)]
    {
        let outcome = go(task);
        assert!(outcome.made.is_empty() && outcome.failures.len() == 1, "{outcome:?}");
    }
    // A link to it is a small thing.
    assert_eq!(names(&go(Task::Copy(vec![b.join("link")], b)).made), ["link 2"]);
}

#[test]
fn deleting_does_not_follow_links() {
    let scratch = Scratch::new("job-delete");
    scratch.file("keep/precious", b"1");
    scratch.file("gone/a/b", b"2");
    scratch.link("gone/link", "../keep");
    let outcome = go(Task::Delete(vec![scratch.path().join("gone"), scratch.path().join("missing")]));
    assert!(scratch.has("keep/precious") && !scratch.has("gone"));
    assert_eq!(names(&[outcome.failures[0].0.clone()]), ["missing"]);
    assert_eq!(outcome.failures.len(), 1);
}

#[test]
fn what_fails_is_told_and_the_rest_is_done() {
    let scratch = Scratch::new("job-fail");
    let file = scratch.file("a", b"1");
    let into = scratch.folder("to");
    let outcome = go(Task::Copy(vec![scratch.path().join("missing"), file], into.clone()));
    assert_eq!(names(&outcome.made), ["a"]);
    assert_eq!(outcome.failures, [(scratch.path().join("missing"), "it is not there".into())]);
    assert!(go(Task::Copy(vec![into.join("a")], into.join("nowhere"))).made.is_empty());
}

#[test]
fn a_stop_leaves_no_half_files() {
    let scratch = Scratch::new("job-stop");
    let big = scratch.file("big", &vec![7; 3 * PIECE]);
    let next = scratch.file("next", b"1");
    let into = scratch.folder("to");
    let stop = AtomicBool::new(false);
    let task = Task::Copy(vec![big, next], into);
    let outcome = run(&task, &stop, &mut |_| stop.store(true, Ordering::Relaxed));
    assert_eq!(outcome, Outcome { stopped: true, ..Outcome::default() });
    assert!(!scratch.has("to/big") && !scratch.has("to/next") && scratch.has("big"));
}

#[test]
fn errors_are_words() {
    assert_eq!(describe(&Error::from_raw_os_error(28)), "there is no space left");
    assert!(!describe(&Error::from_raw_os_error(40)).contains("os error"));
}
