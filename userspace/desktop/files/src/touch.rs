//! What is done with files that are shown, by the pointer: what rows and tiles have in common.

use ochre_ui::core::Shell;
use ochre_ui::{Event, Point, mouse};

/// What somebody does with files that are shown, by their places in the list. Without a place it is the room below them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Touch {
    /// Pressed.
    Press(Option<usize>),
    /// Pressed twice.
    Open(usize),
    /// Pressed with the button for menus, at this place of the content.
    Menu(Option<usize>, Point),
    /// So many files lie side by side now.
    Across(usize),
}

/// What a widget knows between two events.
#[derive(Default)]
pub struct State {
    /// The file under the pointer.
    pub hovered: Option<usize>,
    click: Option<mouse::Click>,
    /// How many it has told to lie side by side.
    pub across: usize,
}

impl State {
    /// An event, with the pointer's place if it is over the widget, and the file there.
    pub fn update<Message>(
        &mut self,
        event: &Event,
        position: Option<Point>,
        file: Option<usize>,
        shell: &mut Shell<'_, Message>,
        touch: fn(Touch) -> Message,
    ) {
        if matches!(event, Event::Mouse(_)) && self.hovered != file {
            self.hovered = file;
            shell.request_redraw();
        }
        let Some(position) = position else { return };
        match event {
            Event::Mouse(mouse::Event::ButtonPressed(mouse::Button::Left)) => {
                let click = mouse::Click::new(position, mouse::Button::Left, self.click);
                self.click = Some(click);
                let done = match file {
                    Some(file) if click.kind() == mouse::click::Kind::Double => Touch::Open(file),
                    file => Touch::Press(file),
                };
                shell.publish(touch(done));
                shell.capture_event();
            }
            Event::Mouse(mouse::Event::ButtonPressed(mouse::Button::Right)) => {
                shell.publish(touch(Touch::Menu(file, position)));
                shell.capture_event();
            }
            _ => {}
        }
    }
}
