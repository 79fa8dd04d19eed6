//! The part of the window that the picture is in, as a widget: it draws what is seen, pixel by pixel, and tells how big it is and what is
//! done on it.

use ochre_ui::core::image::{FilterMethod, Handle, Image, Renderer as _};
use ochre_ui::core::layout::{self, Layout};
use ochre_ui::core::renderer::{Quad, Renderer as _, Style};
use ochre_ui::core::widget::tree::{self, Tree};
use ochre_ui::core::{Clipboard, Shell, Widget};
use ochre_ui::{Color, Element, Event, Length, Point, Rectangle, Renderer, Size, Theme, Vector, mouse, window};

/// Around the picture it is dark, whatever the theme is: nothing is brighter than the picture.
const AROUND: Color = Color::from_rgb8(0x1c, 0x1a, 0x19);
/// Added to places, in pixels of the screen, so that rounding down finds the right one.
const NUDGE: f32 = 0.125;

/// What is seen of a picture.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its pixels.
    pub handle: Handle,
    /// Where, in pixels of the screen.
    pub place: (u32, u32),
    /// How large, in pixels of the screen.
    pub size: (u32, u32),
    /// How many of them are one of the design.
    pub scale: f32,
}

/// What is done there. Places are in pixels of the design.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// So much room is there.
    Room(Size),
    /// The wheel turns: larger or smaller, at this place.
    Zoom(bool, Point),
    /// The picture is dragged.
    Drag(Vector),
    /// Pressed twice.
    Double,
}

/// The widget.
pub struct Stage<Message> {
    shown: Option<Shown>,
    movable: bool,
    act: fn(Act) -> Message,
}

#[derive(Default)]
struct State {
    /// The room that has been told of.
    room: Size,
    click: Option<mouse::Click>,
    /// Where the picture is held.
    held: Option<Point>,
}

impl<Message> Stage<Message> {
    /// The place of a picture, which may be missing, and may be moved or not.
    pub fn new(shown: Option<Shown>, movable: bool, act: fn(Act) -> Message) -> Self {
        Self { shown, movable, act }
    }
}

impl<Message> Widget<Message, Theme, Renderer> for Stage<Message> {
    fn size(&self) -> Size<Length> {
        Size::new(Length::Fill, Length::Fill)
    }

    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<State>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(State::default())
    }

    fn layout(&mut self, _tree: &mut Tree, _renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        layout::Node::new(limits.max())
    }

    fn draw(
        &self,
        _tree: &Tree,
        renderer: &mut Renderer,
        _theme: &Theme,
        _style: &Style,
        layout: Layout<'_>,
        _cursor: mouse::Cursor,
        _viewport: &Rectangle,
    ) {
        let bounds = layout.bounds();
        renderer.fill_quad(Quad { bounds, ..Quad::default() }, AROUND);
        let Some(shown) = self.shown.as_ref().filter(|shown| shown.size.0 > 0 && shown.size.1 > 0) else { return };
        let place = Vector::new(shown.place.0 as f32 + NUDGE, shown.place.1 as f32 + NUDGE) * (1.0 / shown.scale);
        let size = Size::new(shown.size.0 as f32 / shown.scale, shown.size.1 as f32 / shown.scale);
        let image = Image::new(shown.handle.clone()).filter_method(FilterMethod::Nearest);
        renderer.draw_image(image, Rectangle::new(bounds.position() + place, size), bounds);
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _renderer: &Renderer,
        _clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        _viewport: &Rectangle,
    ) {
        let state = tree.state.downcast_mut::<State>();
        let bounds = layout.bounds();
        let inside = cursor.position_in(bounds);
        match event {
            Event::Window(window::Event::RedrawRequested(_)) if state.room != bounds.size() => {
                state.room = bounds.size();
                shell.publish((self.act)(Act::Room(state.room)));
            }
            Event::Mouse(mouse::Event::WheelScrolled { delta }) => {
                let (mouse::ScrollDelta::Lines { y, .. } | mouse::ScrollDelta::Pixels { y, .. }) = *delta;
                if let Some(at) = inside.filter(|_| y != 0.0) {
                    shell.publish((self.act)(Act::Zoom(y > 0.0, at)));
                    shell.capture_event();
                }
            }
            Event::Mouse(mouse::Event::ButtonPressed(mouse::Button::Left)) => {
                let Some(at) = inside else { return };
                let click = mouse::Click::new(at, mouse::Button::Left, state.click);
                state.click = Some(click);
                state.held = self.movable.then_some(at);
                if click.kind() == mouse::click::Kind::Double {
                    shell.publish((self.act)(Act::Double));
                }
                shell.capture_event();
            }
            Event::Mouse(mouse::Event::ButtonReleased(mouse::Button::Left)) => state.held = None,
            Event::Mouse(mouse::Event::CursorMoved { .. }) => {
                // It is held beyond the edges too.
                let now = cursor.position().map(|at| Point::ORIGIN + (at - bounds.position()));
                if let (Some(held), Some(now)) = (state.held, now) {
                    state.held = Some(now);
                    shell.publish((self.act)(Act::Drag(now - held)));
                }
            }
            _ => {}
        }
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _viewport: &Rectangle,
        _renderer: &Renderer,
    ) -> mouse::Interaction {
        match tree.state.downcast_ref::<State>().held {
            Some(_) => mouse::Interaction::Grabbing,
            None if self.movable && cursor.is_over(layout.bounds()) => mouse::Interaction::Grab,
            None => mouse::Interaction::None,
        }
    }
}

impl<'a, Message: 'a> From<Stage<Message>> for Element<'a, Message> {
    fn from(stage: Stage<Message>) -> Self {
        Self::new(stage)
    }
}
