//! Tests of the list.

use super::*;
use crate::kind;

fn entry(name: &str) -> Entry {
    Entry { name: name.into(), kind: kind::OTHER, size: 1, modified: None, link: false }
}

fn list(names: &[&str]) -> List {
    let mut list = List::default();
    list.fill(names.iter().map(|name| entry(name)).collect());
    list
}

fn selection(list: &List) -> Vec<String> {
    list.selection().map(|entry| entry.title().into_owned()).collect()
}

#[test]
fn clicks_select() {
    let mut list = list(&["a", "b", "c", "d", "e"]);
    assert_eq!((list.cursor(), list.selected()), (None, 0));
    list.grip(1, Grip::Only);
    list.grip(3, Grip::Extend);
    assert_eq!(selection(&list), ["b", "c", "d"]);
    list.grip(0, Grip::Extend);
    assert_eq!(selection(&list), ["a", "b"]);
    list.grip(4, Grip::Toggle);
    assert_eq!(selection(&list), ["a", "b", "e"]);
    list.grip(0, Grip::Toggle);
    assert_eq!(selection(&list), ["b", "e"]);
    list.point(4);
    assert_eq!((selection(&list), list.cursor()), (vec!["b".into(), "e".into()], Some(4)));
    list.point(2);
    assert_eq!(selection(&list), ["c"]);
    list.grip(9, Grip::Only);
    assert_eq!(selection(&list), ["c"]);
}

#[test]
fn keys_move_the_cursor() {
    let mut list = list(&["a", "b", "c", "d"]);
    list.step(Step::By(1), Grip::Only);
    assert_eq!(list.cursor(), Some(0));
    list.step(Step::By(2), Grip::Only);
    list.step(Step::By(9), Grip::Extend);
    assert_eq!((selection(&list), list.cursor()), (vec!["c".into(), "d".into()], Some(3)));
    list.step(Step::First, Grip::Toggle);
    assert_eq!((list.cursor(), list.selected()), (Some(0), 2));
    list.toggle_at_cursor();
    assert_eq!(selection(&list), ["a", "c", "d"]);
    list.step(Step::By(-5), Grip::Only);
    assert_eq!(selection(&list), ["a"]);
    let mut empty = List::default();
    empty.step(Step::Last, Grip::Only);
    empty.toggle_at_cursor();
    assert_eq!(empty.cursor(), None);
}

#[test]
fn a_folder_that_changes_keeps_selection_and_cursor() {
    let mut list = list(&["a", "b", "c"]);
    list.grip(1, Grip::Only);
    list.grip(2, Grip::Toggle);
    list.fill(["0", "a", "b", "c"].map(entry).into());
    assert_eq!((selection(&list), list.cursor()), (vec!["b".into(), "c".into()], Some(3)));
    list.fill(["0", "b"].map(entry).into());
    assert_eq!((selection(&list), list.cursor()), (vec!["b".into()], Some(1)));
    list.fill(Vec::new());
    assert_eq!((list.selected(), list.cursor()), (0, None));
}

#[test]
fn hidden_files_are_shown_on_demand_and_never_selected_unseen() {
    let mut list = list(&[".a", "b"]);
    assert_eq!((list.len(), list.hidden()), (1, 1));
    list.toggle_hidden();
    list.select_all();
    assert_eq!((list.len(), list.selected()), (2, 2));
    list.toggle_hidden();
    assert_eq!(selection(&list), ["b"]);
    list.clear();
    assert!(list.is_empty() && !list.shows_hidden());
}

#[test]
fn ordering_keeps_the_cursor_on_its_file() {
    let mut list = list(&["a", "b", "c"]);
    list.grip(0, Grip::Only);
    list.press_column(Column::Name);
    assert_eq!((list.cursor(), selection(&list)), (Some(2), vec!["a".into()]));
}

#[test]
fn typing_jumps() {
    let mut list = list(&["alpha", "beta", "bravo", "Bristol", "zeta"]);
    let at = Duration::from_millis;
    list.type_ahead("b", at(0));
    assert_eq!(list.cursor(), Some(1));
    list.type_ahead("r", at(100));
    assert_eq!(list.at_cursor().unwrap().title(), "bravo");
    list.type_ahead("i", at(200));
    assert_eq!(list.at_cursor().unwrap().title(), "Bristol");
    // After a pause another word begins.
    list.type_ahead("b", at(2000));
    assert_eq!(list.at_cursor().unwrap().title(), "beta");
    list.type_ahead("b", at(2100));
    assert_eq!(list.at_cursor().unwrap().title(), "bravo");
    list.type_ahead("x", at(9000));
    assert_eq!(list.at_cursor().unwrap().title(), "bravo");
    List::default().type_ahead("x", at(0));
}

#[test]
fn made_files_are_selected_by_name() {
    let mut list = list(&["a", "b", "c"]);
    list.select_names(&["c".into(), "b".into(), "missing".into()]);
    assert_eq!((selection(&list), list.cursor()), (vec!["b".into(), "c".into()], Some(1)));
}

#[test]
fn ten_thousand_files_are_no_burden() {
    let names: Vec<String> = (0..10_000).map(|number| format!("file {number}")).collect();
    let entries: Vec<Entry> = names.iter().map(|name| entry(name)).collect();
    let mut list = List::default();
    list.fill(entries.clone());
    list.select_all();
    list.fill(entries);
    assert_eq!((list.len(), list.selected()), (10_000, 10_000));
    assert_eq!(list.row(9_999).unwrap().title(), "file 9999");
}
