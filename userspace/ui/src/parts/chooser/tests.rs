//! The dialog over a folder made for it.

use std::fs;

use super::*;

/// A folder with `a/` (and `a/deep.txt`), `B.txt`, `.hidden`.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ochre-chooser-{name}-{}", std::process::id()));
    fs::create_dir_all(folder.join("a")).unwrap();
    for file in ["a/deep.txt", "B.txt", ".hidden"] {
        fs::write(folder.join(file), file).unwrap();
    }
    folder
}

fn show(chooser: &mut Chooser, folder: &Path) {
    let _ = chooser.update(Input::Listed(folder.to_owned(), folder::read(folder)));
}

#[test]
fn a_file_is_opened_through_folders() {
    let folder = folder("open");
    let (mut chooser, _) = Chooser::new(Purpose::Open, &folder, "");
    show(&mut chooser, &folder);
    let names: Vec<&str> = chooser.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["a", "B.txt"]);
    assert_eq!(chooser.update(Input::Accept).0, Outcome::Open, "nothing is chosen");
    assert_eq!(chooser.update(Input::List(list::Input::Opened(0))).0, Outcome::Open);
    show(&mut chooser, &folder.join("a"));
    let _ = chooser.update(Input::List(list::Input::Step(1)));
    assert_eq!(chooser.update(Input::Accept).0, Outcome::Chosen(folder.join("a/deep.txt")));
    assert_eq!(chooser.update(Input::Cancel).0, Outcome::Cancelled);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_there_is_replaced_only_on_purpose() {
    let folder = folder("save");
    let (mut chooser, _) = Chooser::new(Purpose::Save, &folder, "");
    show(&mut chooser, &folder);
    assert_eq!(chooser.update(Input::Accept).0, Outcome::Open, "it has no name");
    let _ = chooser.update(Input::List(list::Input::Pressed(1)));
    assert_eq!(chooser.name, "B.txt");
    assert_eq!(chooser.update(Input::Accept).0, Outcome::Open);
    assert_eq!(chooser.update(Input::Accept).0, Outcome::Chosen(folder.join("B.txt")));
    let _ = chooser.update(Input::Name("B.txt".into()));
    assert_eq!(chooser.update(Input::Accept).0, Outcome::Open, "another name is asked for anew");
    let _ = chooser.update(Input::Name("new.txt".into()));
    assert_eq!(chooser.update(Input::Accept).0, Outcome::Chosen(folder.join("new.txt")));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_folder_that_cannot_be_read_says_why() {
    let (mut chooser, _) = Chooser::new(Purpose::Open, Path::new("/"), "");
    let missing = Path::new("/no/such/folder");
    show(&mut chooser, missing);
    assert!(chooser.wrong.as_ref().is_some_and(|wrong| wrong.starts_with("/no/such/folder: ")));
    assert_eq!(chooser.folder, Path::new("/"));
}
