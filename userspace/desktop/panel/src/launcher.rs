//! The menu of programs: a field to search in, the programs that fit, and the ways to end all of it.

use ochre_ui::core::widget::Id;
use ochre_ui::keyboard::key::Named;
use ochre_ui::keyboard::{self, Key};
use ochre_ui::parts::List;
use ochre_ui::parts::list::{self, Outcome};
use ochre_ui::programs::Program;
use ochre_ui::widget::{button, container, rule, space, text, text_input};
use ochre_ui::{
    Alignment, Application, Color, Element, Event, Icon, Length, Options, Padding, Place, Size, Task, Theme, column,
    event, fonts, row, style, window,
};

use crate::bar;
use crate::power::Power;

/// Size of its window, and how low it is when there are few programs.
const SIZE: Size = Size::new(400.0, 520.0);
const LOWEST: f32 = 300.0;
/// Height of a program's row, and of all that is no row.
const ROW: f32 = 48.0;
const REST: f32 = 120.0;
const FIELD: Id = Id::new("search");

/// What happens to it.
#[derive(Clone, Debug)]
pub enum Message {
    /// It is shown, or no longer.
    Toggle,
    /// The programs that there are.
    Programs(Vec<Program>),
    /// What is looked for.
    Search(String),
    /// Something happens to the list.
    List(list::Input),
    /// The program at the cursor is started.
    Enter,
    /// It is no longer shown.
    Hide,
    /// Somebody else has the focus.
    Left,
    /// The machine shall be switched off or started again; first it is asked.
    Power(Option<Power>),
    /// It shall, indeed.
    Surely,
}

/// What the menu wants of others.
pub trait System {
    /// The programs that there are; asked for in a thread of its own.
    fn programs() -> Vec<Program>;
    /// Starts a program; the answer is what went wrong.
    fn start(&mut self, program: &Program) -> Result<(), String>;
    /// Ends all of it; the answer is what went wrong.
    fn power(&mut self, power: Power) -> Result<(), String>;
}

/// The menu.
pub struct Launcher<S> {
    system: S,
    programs: Vec<Program>,
    /// Programs that fit, by their places, the best first.
    found: Vec<usize>,
    search: String,
    list: List,
    shown: bool,
    /// The programs are being read.
    reading: bool,
    /// What the cursor is on shall be started as soon as the programs are known.
    eager: bool,
    asked: Option<Power>,
    wrong: Option<String>,
}

impl<S: System + 'static> Launcher<S> {
    /// A menu that is not shown, and what it does meanwhile.
    pub fn new(system: S) -> (Self, Task<Message>) {
        let mut launcher = Self {
            system,
            programs: Vec::new(),
            found: Vec::new(),
            search: String::new(),
            list: List::new(ROW, false),
            shown: false,
            reading: false,
            eager: false,
            asked: None,
            wrong: None,
        };
        let look = launcher.look();
        (launcher, look)
    }

    /// How its window is opened.
    pub fn options() -> Options {
        Options {
            size: SIZE,
            place: Place::LowerLeft { x: 8.0, y: bar::HEIGHT + 8.0 },
            resizable: false,
            framed: false,
            transparent: true,
            in_front: true,
            hidden: true,
        }
    }

    /// What it has of others.
    pub fn system(&self) -> &S {
        &self.system
    }

    /// Whether it is shown.
    pub fn is_shown(&self) -> bool {
        self.shown
    }

    fn show(&mut self) -> Task<Message> {
        self.shown = true;
        (self.asked, self.wrong, self.eager) = (None, None, false);
        self.search.clear();
        self.find();
        let top = self.list.reveal(0);
        self.look().and(Task::show(true)).and(Task::focus(FIELD)).and(top)
    }

    /// Reads the programs in a thread.
    fn look(&mut self) -> Task<Message> {
        self.reading = true;
        Task::perform(S::programs, Message::Programs)
    }

    /// The programs are known. Who was quicker than they gets what was asked for now.
    fn have_looked(&mut self, programs: Vec<Program>) -> Task<Message> {
        self.reading = false;
        let mut task = Task::none();
        if programs != self.programs {
            let rows = programs.len() as f32;
            task = Task::resize(Size::new(SIZE.width, (rows * ROW + REST).clamp(LOWEST, SIZE.height)));
            self.programs = programs;
            self.find();
        }
        if std::mem::take(&mut self.eager) { task.and(self.enter()) } else { task }
    }

    /// Starts what the cursor is on.
    fn enter(&mut self) -> Task<Message> {
        // What somebody looks for may be in the list that is just being read.
        self.eager = self.reading && self.found.is_empty();
        self.list.cursor().map_or_else(Task::none, |row| self.start(row))
    }

    fn hide(&mut self) -> Task<Message> {
        (self.shown, self.eager) = (false, false);
        Task::show(false)
    }

    fn find(&mut self) {
        let fits = |(place, program): (usize, &Program)| Some((program.fits(&self.search)?, place));
        let mut found: Vec<(u32, usize)> = self.programs.iter().enumerate().filter_map(fits).collect();
        found.sort_unstable();
        self.found = found.into_iter().map(|(_, place)| place).collect();
        self.list.clear();
        if !self.found.is_empty() {
            self.list.choose(0);
        }
    }

    fn start(&mut self, row: usize) -> Task<Message> {
        let Some(program) = self.found.get(row).and_then(|&place| self.programs.get(place)) else {
            return Task::none();
        };
        match self.system.start(program) {
            Ok(()) => self.hide(),
            Err(error) => {
                self.wrong = Some(format!("{} does not start: {error}", program.name));
                Task::none()
            }
        }
    }

    fn row(&self, row: usize) -> Element<'_, Message> {
        let Some(program) = self.found.get(row).and_then(|&place| self.programs.get(place)) else {
            return space().into();
        };
        let tile = |theme: &Theme| container::Style {
            text_color: Some(theme.colours().accent_ink),
            background: Some(Color { a: 0.12, ..theme.colours().accent }.into()),
            border: ochre_ui::core::border::rounded(8.0),
            ..container::Style::default()
        };
        let picture = container(program.picture().sized(18.0)).center(32).style(tile);
        let name = text(&program.name).wrapping(text::Wrapping::None);
        let about =
            text(&program.description).size(fonts::SMALL_SIZE).style(style::soft).wrapping(text::Wrapping::None);
        let texts = if program.description.is_empty() { column![name] } else { column![name, about].spacing(2) };
        row![picture, texts].spacing(12).align_y(Alignment::Center).into()
    }

    fn foot(&self) -> Element<'_, Message> {
        let foot = match self.asked {
            None => row![
                space().width(Length::Fill),
                ending(Icon::ROTATE_CCW, "Restart", Power::Restart),
                ending(Icon::POWER, "Shut down", Power::Off),
            ],
            Some(power) => {
                let (question, word) = match power {
                    Power::Off => ("Shut down now?", "Shut down"),
                    Power::Restart => ("Restart now?", "Restart"),
                };
                let no = button("Cancel").padding([6, 12]).on_press(Message::Power(None));
                let yes = button(text(word).font(fonts::STRONG)).padding([6, 12]).style(style::danger);
                // Where the first button was there is now the one that does nothing: two presses in a row are no answer.
                row![text(question).font(fonts::STRONG).width(Length::Fill), yes.on_press(Message::Surely), no]
            }
        };
        let foot = foot.spacing(6).align_y(Alignment::Center).height(48);
        column![rule::horizontal(1), container(foot).padding(Padding::ZERO.left(14).right(8))].into()
    }
}

fn ending<'a>(icon: Icon, word: &'a str, power: Power) -> Element<'a, Message> {
    ochre_ui::parts::tool_text(icon, word, Some(Message::Power(Some(power))))
}

impl<S: System + 'static> Application for Launcher<S> {
    type Message = Message;

    fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Toggle if self.shown => return self.hide(),
            Message::Toggle => return self.show(),
            Message::Programs(programs) => return self.have_looked(programs),
            Message::Search(search) => {
                self.search = search;
                (self.wrong, self.eager) = (None, false);
                self.find();
                return self.list.reveal(0);
            }
            Message::List(list::Input::Pressed(row)) => return self.start(row),
            Message::List(input) => {
                let (outcome, task) = self.list.update(input, self.found.len());
                return match outcome {
                    Outcome::Open(row) => self.start(row),
                    _ => task,
                };
            }
            Message::Enter => return self.enter(),
            Message::Left if self.shown => return self.hide(),
            Message::Left => {}
            Message::Hide if self.asked.is_some() => self.asked = None,
            Message::Hide => return self.hide(),
            Message::Power(power) => self.asked = power,
            Message::Surely => {
                if let Some(power) = self.asked.take()
                    && let Err(error) = self.system.power(power)
                {
                    self.wrong = Some(format!("That does not work: {error}"));
                }
            }
        }
        Task::none()
    }

    fn view(&self) -> Element<'_, Message> {
        let field = text_input("Search programs", &self.search).id(FIELD).padding([9, 4]).style(style::inner_field);
        let field = field.on_input(Message::Search).on_submit(Message::Enter);
        let search = row![Icon::SEARCH.view().style(style::soft), field].spacing(8).align_y(Alignment::Center);
        let search = container(search).padding(Padding::ZERO.horizontal(12)).style(field_style);
        let middle: Element<'_, Message> = if self.found.is_empty() {
            let nothing = if self.programs.is_empty() { "There are no programs" } else { "Nothing fits" };
            container(text(nothing).style(style::soft)).center(Length::Fill).into()
        } else {
            self.list.view(self.found.len(), |row, _| self.row(row), Message::List)
        };
        let mut page =
            column![container(search).padding(Padding::new(12.0).bottom(6)), container(middle).height(Length::Fill)];
        if let Some(wrong) = &self.wrong {
            page = page.push(container(text(wrong).size(fonts::SMALL_SIZE).style(style::wrong)).padding([8, 14]));
        }
        container(page.push(self.foot()))
            .width(Length::Fill)
            .height(Length::Fill)
            .padding(1)
            .style(style::raised)
            .into()
    }

    fn title(&self) -> String {
        String::from("Programs")
    }

    fn event(&self, event: &Event, _status: event::Status) -> Option<Message> {
        match event {
            Event::Window(window::Event::Unfocused) => Some(Message::Left),
            Event::Keyboard(keyboard::Event::KeyPressed { key: Key::Named(key), .. }) => match key {
                Named::Escape => Some(Message::Hide),
                // The field has the others.
                Named::ArrowUp | Named::ArrowDown | Named::PageUp | Named::PageDown => {
                    self.list.event(event).map(Message::List)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn closing(&self) -> Option<Message> {
        Some(Message::Hide)
    }

    fn background(&self, _theme: &Theme) -> Color {
        Color::TRANSPARENT
    }
}

fn field_style(theme: &Theme) -> container::Style {
    let colours = theme.colours();
    container::Style {
        background: Some(colours.field.into()),
        border: ochre_ui::core::border::rounded(8.0).width(1.0).color(colours.edge),
        ..container::Style::default()
    }
}

#[cfg(test)]
mod tests;
