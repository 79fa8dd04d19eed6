//! The whole browser with real folders, pressed like one with a window.

use ochre_ui::core::keyboard::key::Named;
use ochre_ui::keyboard::Modifiers;
use ochre_ui::mouse::Button;
use ochre_ui::{Harness, Size, Theme};

use super::*;
use crate::testing::Scratch;

type Browser = Harness<Files>;

fn open(path: &Path) -> Browser {
    let mut browser = Harness::new(Size::new(860.0, 560.0), 1.0, Theme::Light, start(path, path));
    settle(&mut browser);
    browser
}

/// Until the folder is shown, and nothing is done any more: a busy machine may be quiet for longer than it looks.
fn settle(browser: &mut Browser) {
    for _ in 0..60 {
        browser.settle();
        if *browser.app().state() != State::Reading && browser.app().running.is_none() {
            return;
        }
    }
}

fn names(browser: &Browser) -> Vec<String> {
    let list = browser.app().list();
    (0..list.len()).filter_map(|row| list.row(row)).map(|entry| entry.title().into_owned()).collect()
}

fn selection(browser: &Browser) -> Vec<String> {
    browser.app().list().selection().map(|entry| entry.title().into_owned()).collect()
}

/// The middle of a row.
fn row(row: usize) -> (f32, f32) {
    (300.0, 45.0 + 29.0 + row as f32 * rows::HEIGHT + 14.0)
}

fn files(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.folder("folder");
    scratch.file("a.txt", b"alpha");
    scratch.file("b.txt", b"beta");
    scratch.file(".hidden", b"");
    scratch
}

#[test]
fn folders_are_walked_by_mouse_and_keys() {
    let scratch = files("app-walk");
    scratch.file("folder/inside", b"");
    let mut browser = open(scratch.path());
    assert_eq!(names(&browser), ["folder", "a.txt", "b.txt"]);
    let (x, y) = row(0);
    browser.click(x, y);
    assert_eq!(selection(&browser), ["folder"]);
    // Two clicks must come quickly one after the other, which a busy machine may not manage.
    browser.message(Message::Touch(Touch::Open(0)));
    settle(&mut browser);
    assert_eq!(
        (browser.app().folder(), names(&browser)),
        (scratch.path().join("folder").as_path(), vec!["inside".into()])
    );
    browser.press(Named::Backspace);
    settle(&mut browser);
    assert_eq!((browser.app().folder(), selection(&browser)), (scratch.path(), vec!["folder".into()]));
    browser.press(Named::Enter);
    settle(&mut browser);
    assert_eq!(names(&browser), ["inside"]);
    browser.modifiers(Modifiers::ALT);
    browser.press(Named::ArrowLeft);
    browser.modifiers(Modifiers::empty());
    settle(&mut browser);
    assert_eq!(browser.app().folder(), scratch.path());
}

#[test]
fn several_files_are_selected() {
    let scratch = files("app-select");
    let mut browser = open(scratch.path());
    let [(x, first), (_, last)] = [row(0), row(2)];
    browser.click(x, first);
    browser.modifiers(Modifiers::SHIFT);
    browser.click(x, last);
    assert_eq!(browser.app().list().selected(), 3);
    browser.modifiers(Modifiers::CTRL);
    browser.click(x, first);
    browser.modifiers(Modifiers::empty());
    assert_eq!(selection(&browser), ["a.txt", "b.txt"]);
    // Below the rows there is nothing.
    browser.click(x, 500.0);
    assert_eq!(selection(&browser), [""; 0]);
    browser.text("b");
    assert_eq!(selection(&browser), ["b.txt"]);
    browser.control('h');
    assert_eq!(names(&browser), ["folder", ".hidden", "a.txt", "b.txt"]);
    browser.control('a');
    assert_eq!(browser.app().list().selected(), 4);
}

#[test]
fn a_folder_is_made_and_gets_another_name() {
    let scratch = files("app-name");
    let mut browser = open(scratch.path());
    browser.message(Message::Command(Command::NewFolder));
    browser.text("a.txt");
    browser.press(Named::Enter);
    assert!(!browser.app().dialog.as_ref().unwrap().is_ready(), "a.txt is taken");
    browser.text("x");
    browser.press(Named::Enter);
    settle(&mut browser);
    assert!(scratch.path().join("a.txtx").is_dir());
    assert_eq!(selection(&browser), ["a.txtx"]);
    browser.press(Named::F2);
    browser.message(Message::Prompt("other".into()));
    browser.press(Named::Enter);
    settle(&mut browser);
    assert!(scratch.path().join("other").is_dir() && !scratch.has("a.txtx"));
    // What somebody else has made meanwhile is not replaced.
    browser.press(Named::F2);
    scratch.file("late", b"precious");
    browser.message(Message::Prompt("late".into()));
    browser.press(Named::Enter);
    settle(&mut browser);
    assert_eq!(scratch.read("late"), "precious");
    assert!(browser.app().dialog.is_some());
    browser.press(Named::Escape);
    assert!(browser.app().dialog.is_none());
}

#[test]
fn files_are_copied_moved_and_deleted() {
    let scratch = files("app-jobs");
    let mut browser = open(scratch.path());
    browser.text("a");
    browser.control('c');
    browser.control('v');
    settle(&mut browser);
    assert_eq!((selection(&browser), scratch.read("a 2.txt").as_str()), (vec!["a 2.txt".into()], "alpha"));
    browser.control('x');
    browser.message(Message::Go(scratch.path().join("folder")));
    settle(&mut browser);
    browser.control('v');
    settle(&mut browser);
    assert!(scratch.has("folder/a 2.txt") && !scratch.has("a 2.txt"));
    // What was cut is pasted once.
    browser.control('v');
    settle(&mut browser);
    assert!(browser.app().notice.is_some());
    browser.control('a');
    browser.press(Named::Delete);
    assert!(scratch.has("folder/a 2.txt"), "nothing happens before the answer");
    browser.message(Message::Confirm);
    settle(&mut browser);
    assert!(!scratch.has("folder/a 2.txt"));
    assert_eq!(names(&browser), [""; 0]);
}

#[test]
fn menus_are_about_what_they_were_opened_on() {
    let scratch = files("app-menu");
    let mut browser = open(scratch.path());
    let (x, y) = row(1);
    browser.click_with(Button::Right, x, y);
    assert!(browser.app().menu.is_some());
    assert_eq!(selection(&browser), ["a.txt"]);
    browser.press(Named::Escape);
    assert!(browser.app().menu.is_none());
    browser.click_with(Button::Right, x, 450.0);
    assert!(browser.app().menu.is_some());
    // A press elsewhere closes it.
    browser.click(x + 400.0, 520.0);
    assert!(browser.app().menu.is_none());
}

#[test]
fn paths_are_typed() {
    let scratch = files("app-path");
    let mut browser = open(scratch.path());
    browser.control('l');
    browser.text("folder");
    browser.press(Named::Enter);
    settle(&mut browser);
    assert_eq!(browser.app().folder(), scratch.path().join("folder"));
    browser.control('l');
    browser.text("../b.txt");
    browser.press(Named::Enter);
    settle(&mut browser);
    assert_eq!((browser.app().folder(), selection(&browser)), (scratch.path(), vec!["b.txt".into()]));
    browser.control('l');
    browser.text("nowhere");
    browser.press(Named::Enter);
    settle(&mut browser);
    assert_eq!(browser.app().state(), &State::Failed("it is not there".into()));
}

#[test]
fn changes_by_others_are_seen() {
    let scratch = files("app-watch");
    let mut browser = open(scratch.path());
    browser.text("b");
    std::thread::sleep(Duration::from_millis(20));
    scratch.file("new", b"");
    browser.message(Message::Look);
    settle(&mut browser);
    assert!(names(&browser).contains(&"new".into()));
    assert_eq!(selection(&browser), ["b.txt"]);
}

#[test]
fn a_file_as_argument_is_shown_in_its_folder() {
    let scratch = files("app-argument");
    let browser = open(&scratch.path().join("b.txt"));
    assert_eq!((browser.app().folder(), selection(&browser)), (scratch.path(), vec!["b.txt".into()]));
}

#[test]
fn ten_thousand_files_are_scrolled_to_the_end() {
    let scratch = Scratch::new("app-many");
    (0..10_000).for_each(|number| drop(scratch.file(&format!("file {number}"), b"")));
    let mut browser = open(scratch.path());
    assert_eq!(browser.app().list().len(), 10_000);
    browser.press(Named::End);
    assert_eq!(browser.app().list().at_cursor().unwrap().title(), "file 9999");
    let (from, seen) = browser.app().scrolled;
    assert!((from + seen - 10_000.0 * rows::HEIGHT).abs() < 1.0, "{from} {seen}");
    browser.press(Named::Home);
    assert_eq!(browser.app().scrolled.0, 0.0);
}

/// A picture of one colour.
fn png(side: u32) -> Vec<u8> {
    use image::ImageEncoder;
    let mut file = Vec::new();
    let pixels = [0x20, 0x90, 0x40].repeat((side * side) as usize);
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.write_image(&pixels, side, side, image::ExtendedColorType::Rgb8).unwrap();
    file
}

#[test]
fn tiles_show_pictures_and_are_walked_in_both_directions() {
    let scratch = Scratch::new("app-tiles");
    scratch.file("a.png", &png(300));
    scratch.file("b.png", b"no picture");
    for number in 0..12 {
        scratch.file(&format!("c{number:02}.txt"), b"");
    }
    let mut browser = open(scratch.path());
    browser.press(Named::ArrowRight);
    assert_eq!(selection(&browser), [""; 0], "in rows there is nothing beside");
    browser.message(Message::Command(Command::Show(Look::Tiles)));
    let entry = |browser: &Browser, at: usize| browser.app().list().row(at).unwrap().clone();
    for _ in 0..60 {
        browser.settle();
        if browser.app().thumbs.of(&entry(&browser, 0)).is_some() {
            break;
        }
    }
    let thumb = browser.app().thumbs.of(&entry(&browser, 0)).unwrap();
    assert_eq!(thumb.size(), Size::new(68.0, 68.0));
    assert!(browser.app().thumbs.of(&entry(&browser, 1)).is_none(), "what is no picture has its icon");
    let across = browser.app().across;
    assert!(across > 2, "{across}");
    browser.press(Named::Home);
    browser.press(Named::ArrowRight);
    assert_eq!(selection(&browser), ["b.png"]);
    browser.press(Named::ArrowDown);
    assert_eq!(browser.app().list().cursor(), Some(1 + across));
    browser.press(Named::ArrowUp);
    browser.press(Named::ArrowUp);
    assert_eq!(selection(&browser), ["b.png"], "above the first row there is nothing");
}
