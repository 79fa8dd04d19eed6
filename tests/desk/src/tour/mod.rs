//! The tour: a table of stops ([`stops`]) that is driven ([`driver`]) by keyboard and mouse, as a person would, and looked at. A new stop
//! is a new entry of the table.

pub mod driver;
pub mod stops;

/// A place on the screen in pixels; negative numbers count from the right or the lower edge.
pub type Place = (i32, i32);

/// One thing that is done.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Presses keys together, by QEMU's names for them.
    Keys(&'static [&'static str]),
    /// Types a text.
    Type(&'static str),
    /// Puts the pointer there.
    Point(Place),
    /// Clicks there with the left button.
    Click(Place),
    /// Clicks there twice.
    DoubleClick(Place),
    /// Clicks there with the right button.
    Menu(Place),
    /// Drags from one place to another with the left button.
    Drag(Place, Place),
    /// The same, but the button stays down until [`Step::Release`].
    Pull(Place, Place),
    /// Lets the left button go.
    Release,
    /// Waits until so many pixels are others than before the last step, and the picture is still. What does not come is an error.
    Appears(usize),
    /// Waits until two places have clearly different colours, and the picture is still: a panel has come, a window has gone.
    Differ(Place, Place),
    /// Waits until the picture is still.
    Still,
    /// Gives the machine's screen another size.
    Resize(u16, u16),
    /// Keeps a picture under this name.
    Shot(&'static str),
}

/// A part of the tour.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// What it shows.
    pub name: &'static str,
    /// What is done.
    pub steps: &'static [Step],
}
