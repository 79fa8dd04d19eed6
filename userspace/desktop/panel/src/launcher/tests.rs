//! The menu, by what it starts.

use ochre_ui::Harness;
use ochre_ui::task::Action;

use super::*;

#[derive(Default)]
struct Fake {
    started: Vec<String>,
    ended: Vec<Power>,
}

impl System for Fake {
    fn programs() -> Vec<Program> {
        let program = |name: &str, keyword: &str| {
            let exec = name.to_lowercase();
            let text = format!("name = \"{name}\"\nexec = \"{exec}\"\nkeywords = [\"{keyword}\"]");
            Program::parse(&exec, &text).unwrap()
        };
        vec![program("Files", "folders"), program("Settings", "theme"), program("Terminal", "shell")]
    }

    fn start(&mut self, program: &Program) -> Result<(), String> {
        if program.name == "Settings" {
            return Err(String::from("no room"));
        }
        self.started.push(program.name.clone());
        Ok(())
    }

    fn power(&mut self, power: Power) -> Result<(), String> {
        self.ended.push(power);
        Ok(())
    }
}

fn menu() -> Harness<Launcher<Fake>> {
    let mut menu = Harness::new(SIZE, 1.0, Theme::Light, |_| Launcher::new(Fake::default()));
    menu.message(Message::Toggle);
    menu.settle();
    menu
}

#[test]
fn what_is_typed_finds_a_program_and_enter_starts_it() {
    let mut menu = menu();
    menu.text("she");
    menu.press(Named::Enter);
    assert_eq!(menu.app().system().started, ["Terminal"]);
    assert!(!menu.app().is_shown() && menu.actions().contains(&Action::Show(false)));
    menu.message(Message::Toggle);
    assert!(menu.app().is_shown());
    assert_eq!((menu.app().search.as_str(), menu.app().found.len()), ("", 3), "it begins anew");
}

#[test]
fn who_is_quicker_than_the_programs_are_read_is_heard_all_the_same() {
    let (mut menu, _) = Launcher::new(Fake::default());
    for message in [Message::Toggle, Message::Search("she".into()), Message::Enter] {
        drop(menu.update(message));
    }
    assert!(menu.system().started.is_empty() && menu.is_shown());
    drop(menu.update(Message::Programs(Fake::programs())));
    assert_eq!(menu.system().started, ["Terminal"]);
    assert!(!menu.is_shown());
    // Who goes on typing, or has nothing that fits, starts nothing later.
    let (mut menu, _) = Launcher::new(Fake::default());
    for message in [Message::Toggle, Message::Enter, Message::Search("fil".into()), Message::Programs(Fake::programs())]
    {
        drop(menu.update(message));
    }
    assert!(menu.system().started.is_empty() && menu.is_shown());
}

#[test]
fn it_is_as_high_as_its_programs_need() {
    let mut menu = menu();
    let program = |number: usize| Program { name: number.to_string(), ..Program::default() };
    assert_eq!(menu.picture_size().height, LOWEST as u32);
    for (programs, height) in [(30, SIZE.height), (6, 6.0 * ROW + REST), (0, LOWEST)] {
        menu.message(Message::Programs((0..programs).map(program).collect()));
        assert_eq!(menu.picture_size().height, height as u32);
    }
}

#[test]
fn arrows_and_the_pointer_choose() {
    let mut menu = menu();
    menu.press(Named::ArrowDown);
    menu.press(Named::ArrowDown);
    menu.press(Named::Enter);
    menu.message(Message::Toggle);
    menu.click(150.0, 90.0);
    assert_eq!(menu.app().system().started, ["Terminal", "Files"]);
}

#[test]
fn what_does_not_start_says_why() {
    let mut menu = menu();
    menu.text("sett");
    menu.press(Named::Enter);
    assert!(menu.app().is_shown());
    assert_eq!(menu.app().wrong.as_deref(), Some("Settings does not start: no room"));
    menu.text("zzz");
    menu.press(Named::Enter);
    assert_eq!((menu.app().found.len(), menu.app().wrong.as_deref()), (0, None));
}

#[test]
fn it_goes_with_escape_and_with_the_focus() {
    let mut menu = menu();
    menu.press(Named::Escape);
    assert!(!menu.app().is_shown());
    menu.message(Message::Toggle);
    menu.events([Event::Window(window::Event::Unfocused)]);
    assert!(!menu.app().is_shown());
    menu.message(Message::Toggle);
    assert!(menu.app().is_shown());
}

#[test]
fn ending_is_asked_first() {
    let mut menu = menu();
    menu.message(Message::Surely);
    menu.message(Message::Power(Some(Power::Off)));
    menu.press(Named::Escape);
    menu.message(Message::Surely);
    assert!(menu.app().is_shown() && menu.app().system().ended.is_empty());
    menu.message(Message::Power(Some(Power::Restart)));
    menu.message(Message::Surely);
    assert_eq!(menu.app().system().ended, [Power::Restart]);
}
