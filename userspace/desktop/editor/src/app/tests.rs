//! The editor, by its keys.

use std::fs;

use ochre_ui::{Clip, Harness, Options, Theme};

use super::*;

fn editor(path: Option<PathBuf>) -> Harness<Editor> {
    let mut editor = Harness::new(Options::sized(700.0, 480.0).size, 1.0, Theme::Light, |_| Editor::new(path));
    editor.settle();
    editor
}

/// A folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("ochre-edit-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_file_is_opened_edited_and_saved() {
    let folder = folder("save");
    let path = folder.join("a.txt");
    fs::write(&path, "one\n").unwrap();
    let mut editor = editor(Some(path.clone()));
    assert_eq!(editor.app().title(), "a.txt – Text Editor");
    editor.text("zero ");
    assert_eq!(editor.app().title(), "• a.txt – Text Editor");
    editor.control('s');
    editor.settle();
    assert_eq!(fs::read_to_string(&path).unwrap(), "zero one\n");
    assert!(!editor.app().document().is_changed());
    editor.control('z');
    assert_eq!(editor.app().document().text(), "one\n");
    editor.control('y');
    assert_eq!(editor.app().document().text(), "zero one\n");
    editor.close();
    assert!(editor.ended(), "nothing is lost");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn changes_are_not_lost_without_a_question() {
    let mut editor = editor(None);
    editor.text("x");
    editor.close();
    assert!(!editor.ended() && editor.app().dialog.is_some());
    editor.text("y");
    assert_eq!(editor.app().document().text(), "x", "the dialog has the keyboard");
    editor.press(Named::Escape);
    assert!(!editor.ended() && editor.app().dialog.is_none());
    editor.text("y");
    assert_eq!(editor.app().document().text(), "xy");
    editor.control('q');
    editor.message(Message::Discard);
    assert!(editor.ended());
}

#[test]
fn what_has_no_name_gets_one() {
    let folder = folder("name");
    let mut editor = editor(None);
    editor.text("text");
    editor.message(Message::Close);
    editor.press(Named::Enter);
    assert!(editor.app().chooser.is_some());
    editor.message(Message::Chooser(chooser::Input::Go(folder.clone())));
    editor.settle();
    editor.message(Message::Chooser(chooser::Input::Name("new.txt".into())));
    editor.message(Message::Chooser(chooser::Input::Accept));
    editor.settle();
    assert_eq!(fs::read_to_string(folder.join("new.txt")).unwrap(), "text");
    assert!(editor.ended(), "it was to be closed");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_cannot_be_saved_is_still_there() {
    let mut editor = editor(Some(PathBuf::from("/no/such/folder/a.txt")));
    editor.text("text");
    editor.control('s');
    editor.settle();
    assert!(editor.app().dialog.is_some() && editor.app().document().is_changed());
    editor.press(Named::Enter);
    assert!(editor.app().dialog.is_none());
}

#[test]
fn what_is_no_text_is_not_opened() {
    let folder = folder("binary");
    let path = folder.join("a.bin");
    fs::write(&path, [0xff, 0xfe, 0]).unwrap();
    let editor = editor(Some(path));
    assert!(editor.app().dialog.is_some() && editor.app().path.is_none());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn copying_pasting_and_searching() {
    let mut editor = editor(None);
    editor.text("one two one");
    editor.control('f');
    editor.text("one");
    assert_eq!(editor.app().search.as_ref().map(|search| search.count), Some(2));
    editor.press(Named::Enter);
    editor.press(Named::Escape);
    assert!(editor.app().search.is_none());
    editor.control('c');
    assert_eq!(*editor.clipboard(), Some(Clip::Text("one".into())));
    editor.press(Named::End);
    editor.control('v');
    editor.press(Named::Tab);
    assert_eq!(editor.app().document().text(), "one two oneone\t");
}

#[test]
fn a_large_file_is_edited_without_looking_at_all_of_it() {
    let folder = folder("large");
    let path = folder.join("large.txt");
    fs::write(&path, "a line of a large file, which is long enough\n".repeat(6_000)).unwrap();
    let mut editor = editor(Some(path));
    assert_eq!(editor.app().document().content().line_count(), 6_001);
    editor.press(Named::PageDown);
    editor.painted();
    let start = std::time::Instant::now();
    editor.text("0123456789");
    // A line, not the window; and a small part of a second for each letter even where nothing is optimised.
    assert!(editor.painted() < 10 * 700 * 60);
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    editor.control('z');
    assert_eq!(editor.app().document().content().line_count(), 6_001);
    fs::remove_dir_all(folder).unwrap();
}
