//! Every piece of the look in one window. In Ochre it opens; elsewhere `gallery FOLDER` makes pictures of it, to be looked at, and
//! `gallery cost text 100` does something a hundred times, to be counted by `valgrind --tool=callgrind` (`hover`, `scroll`, `nothing`).

use ochre_ui::parts::list::Outcome;
use ochre_ui::parts::{Dialog, Item, List, Menu, bar, dialog, list, menu, tabs};
use ochre_ui::widget::{
    button, center_y, checkbox, container, pick_list, progress_bar, radio, rule, slider, space, text, text_input,
    toggler,
};
use ochre_ui::{Application, Element, Event, Icon, Length, Options, Point, Task, column, event, fonts, row, style};

#[derive(Clone, Debug)]
enum Message {
    Nothing,
    Number(f32),
    Text(String),
    Switch(bool),
    Tab(usize),
    List(list::Input),
    Menu(menu::Input),
    Ask,
    Answer,
}

struct Gallery {
    number: f32,
    text: String,
    on: bool,
    tab: usize,
    list: List,
    menu: Option<Menu<Message>>,
    dialog: Option<Dialog<Message>>,
}

impl Gallery {
    fn new() -> Self {
        let mut list = List::new(28.0, true);
        list.choose(2);
        Self { number: 60.0, text: String::from("Iron oxide"), on: true, tab: 0, list, menu: None, dialog: None }
    }

    fn open_menu(&mut self, at: Point) {
        self.menu = Some(Menu::new(
            at,
            vec![
                Item::new(Icon::COPY, "Copy", "Ctrl+C", Some(Message::Nothing)),
                Item::new(Icon::SCISSORS, "Cut", "Ctrl+X", Some(Message::Nothing)),
                Item::new(Icon::CLIPBOARD_PASTE, "Paste", "Ctrl+V", None),
                Item::Line,
                Item::new(Icon::TRASH_2, "Delete", "Del", Some(Message::Ask)),
            ],
        ));
    }
}

impl Application for Gallery {
    type Message = Message;

    fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Nothing => {}
            Message::Number(number) => self.number = number,
            Message::Text(text) => self.text = text,
            Message::Switch(on) => self.on = on,
            Message::Tab(tab) => self.tab = tab,
            Message::List(input) => {
                let (outcome, task) = self.list.update(input, 1000);
                if outcome == Outcome::Menu {
                    self.open_menu(Point::new(420.0, 300.0));
                }
                return task;
            }
            Message::Menu(input) => match self.menu.as_mut().map(|menu| menu.update(input)) {
                Some(menu::Outcome::Chosen(message)) => {
                    self.menu = None;
                    return self.update(message);
                }
                Some(menu::Outcome::Closed) => self.menu = None,
                _ => {}
            },
            Message::Ask => {
                let text = "The file “ochre.txt” is deleted for good. This cannot be undone.";
                let dialog = Dialog::new("Delete the file?", text).icon(Icon::TRIANGLE_ALERT);
                self.dialog = Some(dialog.cancel("Keep it", Message::Answer).danger("Delete", Message::Answer));
            }
            Message::Answer => self.dialog = None,
        }
        Task::none()
    }

    fn view(&self) -> Element<'_, Message> {
        let tools = bar::tool_bar([
            bar::tool(Icon::ARROW_LEFT, "Back", Some(Message::Nothing)),
            bar::tool(Icon::ARROW_RIGHT, "Forward", None),
            bar::separator(),
            bar::tool_text(Icon::PLUS, "New", Some(Message::Nothing)),
            space().width(Length::Fill).into(),
            bar::tool_if(Icon::LAYOUT_GRID, "Grid", true, Some(Message::Nothing)),
            bar::tool(Icon::SEARCH, "Search", Some(Message::Nothing)),
            bar::tool(Icon::ELLIPSIS, "More", Some(Message::Ask)),
        ]);
        let titles = ["Widgets", "Notes", "A longer title"].map(String::from);
        let tabs = tabs::tabs(titles, self.tab, Message::Tab, Some(&|_| Message::Nothing));
        let names = ["Everyday", "By candle", "In rain"];
        let form = column![
            dialog::heading("Widgets", "What a form is made of"),
            text_input("Name", &self.text).on_input(Message::Text).padding([7, 10]),
            row![
                button(text("Save").font(fonts::STRONG))
                    .style(style::primary)
                    .padding([7, 16])
                    .on_press(Message::Nothing),
                button("Revert").padding([7, 16]).on_press(Message::Nothing),
                button("Off").padding([7, 16]),
            ]
            .spacing(8),
            row![
                checkbox(self.on).label("Hidden files").on_toggle(Message::Switch).size(16).spacing(8),
                toggler(self.on).label("Dark").on_toggle(Message::Switch).size(20).spacing(8),
            ]
            .spacing(24),
            row![
                radio("List", 1, Some(1), |_| Message::Nothing).size(16).spacing(8),
                radio("Grid", 2, Some(1), |_| Message::Nothing).size(16).spacing(8),
            ]
            .spacing(24),
            pick_list(names, Some(names[0]), |_| Message::Nothing).padding([7, 10]).width(200),
            slider(0.0..=100.0, self.number, Message::Number),
            progress_bar(0.0..=100.0, self.number).girth(6),
            text("What explains other text is softer.").style(style::soft),
            text("Something went wrong: no space is left.").style(style::wrong),
        ]
        .spacing(16)
        .padding(16)
        .width(320);
        let item = |number: usize, _chosen| {
            let icon = [Icon::FOLDER, Icon::FILE_TEXT, Icon::FILE_IMAGE][number % 3];
            let size = text(format!("{} KiB", number * 37 % 900)).size(fonts::SMALL_SIZE).style(style::soft);
            let name = text(format!("Entry {number}")).width(Length::Fill);
            row![icon.view(), name, size].spacing(10).align_y(ochre_ui::Alignment::Center).into()
        };
        let list = container(self.list.view(1000, item, Message::List)).style(style::surface).height(Length::Fill);
        let middle = row![center_y(form).height(Length::Shrink), rule::vertical(1), list].height(Length::Fill);
        let foot = bar::status_bar(
            text("1,000 entries").size(fonts::SMALL_SIZE),
            text("1.2 GiB free").size(fonts::SMALL_SIZE),
        );
        let page = column![tools, tabs, middle, foot];
        let page = menu::over(page, self.menu.as_ref(), Message::Menu);
        dialog::over(page, self.dialog.as_ref().map(Dialog::view), None)
    }

    fn title(&self) -> String {
        String::from("Gallery")
    }

    fn event(&self, event: &Event, status: event::Status) -> Option<Message> {
        if let Some(dialog) = &self.dialog {
            return dialog.event(event);
        }
        if let Some(menu) = &self.menu {
            return menu.event(event).map(Message::Menu);
        }
        self.list.event(event).filter(|_| status == event::Status::Ignored).map(Message::List)
    }
}

#[cfg(target_os = "redox")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(ochre_ui::run(Options::sized(760.0, 560.0), |_| (Gallery::new(), Task::none()))?)
}

/// Does something so often, in a window that has been painted.
#[cfg(not(target_os = "redox"))]
fn cost_of(what: &str, times: u32) {
    use ochre_ui::{Harness, Theme};

    let size = Options::sized(900.0, 600.0).size;
    let mut gallery = Harness::new(size, 1.0, Theme::Light, |_| (Gallery::new(), Task::none()));
    gallery.click(250.0, 168.0);
    for time in 0..times {
        match what {
            "text" => gallery.text("x"),
            "hover" => gallery.point(690.0 + (time % 2) as f32 * 37.0, 20.0),
            "scroll" => {
                gallery.point(600.0, 300.0);
                gallery.scroll(if time % 20 < 10 { -1.0 } else { 1.0 });
            }
            _ => {}
        }
    }
    println!("{} pixels painted", gallery.painted());
}

#[cfg(not(target_os = "redox"))]
fn main() -> std::io::Result<()> {
    use ochre_ui::{Harness, Theme};

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [cost, what, times] = arguments.as_slice()
        && cost == "cost"
    {
        cost_of(what, times.parse().unwrap_or(1));
        return Ok(());
    }
    let folder = std::path::PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| String::from(".")));
    let size = Options::sized(760.0, 560.0).size;
    for (name, theme) in [("light", Theme::Light), ("dark", Theme::Dark)] {
        for scale in [1, 2] {
            let mut gallery = Harness::new(size, scale as f32, theme, |_| (Gallery::new(), Task::none()));
            gallery.point(450.0, 200.0);
            gallery.save(folder.join(format!("gallery-{name}-{scale}.png")))?;
            gallery.click_with(ochre_ui::mouse::Button::Right, 450.0, 260.0);
            gallery.point(480.0, 360.0);
            gallery.save(folder.join(format!("gallery-{name}-{scale}-menu.png")))?;
            gallery.press(ochre_ui::keyboard::key::Named::Escape);
            gallery.message(Message::Ask);
            gallery.save(folder.join(format!("gallery-{name}-{scale}-dialog.png")))?;
        }
    }
    Ok(())
}
