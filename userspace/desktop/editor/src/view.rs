//! What the editor looks like.

use std::ops::Range;

use ochre_ui::core::Font;
use ochre_ui::core::text::Wrapping;
use ochre_ui::core::text::editor::Motion;
use ochre_ui::core::text::highlighter::{Format, Highlighter};
use ochre_ui::keyboard::Key;
use ochre_ui::keyboard::key::Named;
use ochre_ui::parts::bar;
use ochre_ui::widget::text_editor::{self, Binding, KeyPress};
use ochre_ui::widget::{container, row, rule, space, text, text_input};
use ochre_ui::{Alignment, Element, Icon, Length, Padding, Theme, column, fonts, style};

use crate::app::{Editor, Message, SEARCH, Search, TEXT};
use crate::find;

/// Size of the text.
const SIZE: f32 = 14.0;

impl Editor {
    /// All of the window but dialogs.
    pub(crate) fn page(&self) -> Element<'_, Message> {
        let editor = text_editor::TextEditor::new(self.document.content())
            .id(TEXT)
            .font(fonts::MONO)
            .size(SIZE)
            .line_height(1.5)
            .padding(Padding::from([10, 16]))
            .height(Length::Fill)
            .wrapping(Wrapping::WordOrGlyph)
            .style(style::page)
            .key_binding(binding)
            .highlight_with::<Matches>(self.search.as_ref().map(|search| search.wanted.to_lowercase()), look)
            .on_action(Message::Action);
        let mut page = column![self.tools()];
        if let Some(search) = &self.search {
            page = page.push(search_bar(search));
        }
        page.push(editor).push(self.foot()).into()
    }

    fn tools(&self) -> Element<'_, Message> {
        let (undo, redo) = self.document.can();
        bar::tool_bar([
            bar::tool(Icon::FILE_PLUS, "New (Ctrl+N)", Some(Message::New)),
            bar::tool(Icon::FOLDER_OPEN, "Open (Ctrl+O)", Some(Message::Open)),
            bar::tool(Icon::SAVE, "Save (Ctrl+S)", Some(Message::Save)),
            bar::separator(),
            bar::tool(Icon::UNDO_2, "Undo (Ctrl+Z)", undo.then_some(Message::Undo)),
            bar::tool(Icon::REDO_2, "Redo (Ctrl+Y)", redo.then_some(Message::Redo)),
            space().width(Length::Fill).into(),
            bar::tool_if(
                Icon::SEARCH,
                "Find (Ctrl+F)",
                self.search.is_some(),
                Some(match self.search {
                    Some(_) => Message::SearchEnd,
                    None => Message::Search,
                }),
            ),
        ])
    }

    fn foot(&self) -> Element<'_, Message> {
        let small = |words: String| text(words).size(fonts::SMALL_SIZE).style(style::soft);
        let path = self.path.as_ref().map_or_else(|| String::from("Not saved yet"), |path| path.display().to_string());
        let position = self.document.cursor().position;
        let line = self.document.content().line(position.line).map(|line| line.text.into_owned()).unwrap_or_default();
        let column = line.get(..position.column).unwrap_or_default().chars().count() + 1;
        let facts = row![
            small(format!("Line {}, column {column}", position.line + 1)),
            small(match self.document.content().line_count() {
                1 => String::from("1 line"),
                count => format!("{count} lines"),
            }),
            small(String::from(self.ending.name())),
        ];
        bar::status_bar(small(path).wrapping(Wrapping::None), facts.spacing(20))
    }
}

fn search_bar(search: &Search) -> Element<'_, Message> {
    let field = text_input("Find", &search.wanted).id(SEARCH).padding([5, 10]).width(260).on_input(Message::SearchFor);
    let count = match (search.wanted.is_empty(), search.count) {
        (true, _) => String::new(),
        (false, 0) => String::from("Not found"),
        (false, 1) => String::from("1 place"),
        (false, count) => format!("{count} places"),
    };
    let style = if search.count == 0 { style::wrong } else { style::soft };
    let can = search.count > 0;
    let line = row![
        field.on_submit(Message::SearchOn(true)),
        bar::tool(Icon::CHEVRON_UP, "Before (Shift+F3)", can.then_some(Message::SearchOn(false))),
        bar::tool(Icon::CHEVRON_DOWN, "Next (F3)", can.then_some(Message::SearchOn(true))),
        text(count).size(fonts::SMALL_SIZE).style(style),
        space().width(Length::Fill),
        bar::tool(Icon::X, "Close (Esc)", Some(Message::SearchEnd)),
    ];
    let line = line.spacing(4).align_y(Alignment::Center).height(43);
    column![container(line).padding(Padding::ZERO.left(12).right(8)).style(style::chrome), rule::horizontal(1)].into()
}

/// Keys in the text, beside those that every editor has.
fn binding(press: KeyPress) -> Option<Binding<Message>> {
    let focused = matches!(press.status, text_editor::Status::Focused { .. });
    let control = press.modifiers.control();
    match press.key {
        Key::Named(Named::Tab) if focused => Some(Binding::Custom(Message::Tab(press.modifiers.shift()))),
        Key::Named(Named::Backspace) if focused && control => {
            Some(Binding::Sequence(vec![Binding::Select(Motion::WordLeft), Binding::Backspace]))
        }
        Key::Named(Named::Delete) if focused && control => {
            Some(Binding::Sequence(vec![Binding::Select(Motion::WordRight), Binding::Delete]))
        }
        // It closes the search, and leaves the text its keyboard.
        Key::Named(Named::Escape) => None,
        _ => Binding::from_key_press(press),
    }
}

/// Where what is searched for stands, in another colour: what is selected is shown only while the text has the keyboard.
struct Matches {
    wanted: Option<String>,
    line: usize,
}

impl Highlighter for Matches {
    type Settings = Option<String>;
    type Highlight = ();
    type Iterator<'a> = std::vec::IntoIter<(Range<usize>, ())>;

    fn new(wanted: &Option<String>) -> Self {
        Self { wanted: wanted.clone(), line: 0 }
    }

    fn update(&mut self, wanted: &Option<String>) {
        *self = Self::new(wanted);
    }

    fn change_line(&mut self, line: usize) {
        self.line = self.line.min(line);
    }

    fn highlight_line(&mut self, line: &str) -> Self::Iterator<'_> {
        self.line += 1;
        let wanted = self.wanted.as_deref().filter(|wanted| !wanted.is_empty());
        let found = wanted.map(|wanted| find::matches(line, wanted)).unwrap_or_default();
        found.into_iter().map(|(start, end)| (start..end, ())).collect::<Vec<_>>().into_iter()
    }

    fn current_line(&self) -> usize {
        self.line
    }
}

fn look(_: &(), theme: &Theme) -> Format<Font> {
    Format { color: Some(theme.colours().accent_ink), font: None }
}
