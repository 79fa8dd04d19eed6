//! Pieces of programs that iced lacks: tool bars, lists, menus, dialogs, tabs, undoing.
//!
//! Each is a state machine that hears events and a function that shows it; a program keeps the state and decides what comes of it.

pub mod bar;
pub mod chooser;
pub mod dialog;
pub mod history;
pub mod lift;
pub mod list;
pub mod menu;
pub mod tabs;

pub use bar::{separator, status_bar, tool, tool_bar, tool_text};
pub use chooser::Chooser;
pub use dialog::Dialog;
pub use history::History;
pub use lift::lifted;
pub use list::List;
pub use menu::{Item, Menu};
