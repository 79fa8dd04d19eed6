//! The display server's list of windows, as its text says it (`docs/display.md`).

/// How a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// On the screen.
    Shown,
    /// On the screen, with the focus.
    Focused,
    /// Taken from the screen.
    Minimized,
}

/// A window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its number.
    pub id: u32,
    /// How it is.
    pub state: State,
    /// Its title.
    pub title: String,
}

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    /// Another number each time that the window key was pressed alone.
    pub menus: u64,
    /// The windows, as they were opened.
    pub list: Vec<Window>,
}

impl Windows {
    /// Reads the text. Lines that say nothing known are left out: a newer server may say more.
    pub fn parse(text: &str) -> Self {
        let menus = text.lines().find_map(|line| line.strip_prefix("menu ")?.parse().ok()).unwrap_or(0);
        Self { menus, list: text.lines().filter_map(window).collect() }
    }
}

fn window(line: &str) -> Option<Window> {
    let mut parts = line.splitn(3, ' ');
    let id = parts.next()?.parse().ok()?;
    let state = match parts.next()? {
        "shown" => State::Shown,
        "focused" => State::Focused,
        "minimized" => State::Minimized,
        _ => return None,
    };
    Some(Window { id, state, title: parts.next().unwrap_or_default().to_owned() })
}

/// What a panel wants of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// In front, with the focus.
    Raise(u32),
    /// From the screen.
    Minimize(u32),
    /// Closed.
    Close(u32),
}

impl Wish {
    /// As the display server reads it.
    pub fn text(self) -> String {
        match self {
            Self::Raise(id) => format!("raise {id}"),
            Self::Minimize(id) => format!("minimize {id}"),
            Self::Close(id) => format!("close {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_read() {
        let windows = Windows::parse("menu 3\n7 focused A title\n8 minimized \n9 shown\n10 floating X\nx shown y\n\n");
        let window = |id, state, title: &str| Window { id, state, title: title.to_owned() };
        assert_eq!(windows.menus, 3);
        assert_eq!(
            windows.list,
            [window(7, State::Focused, "A title"), window(8, State::Minimized, ""), window(9, State::Shown, "")]
        );
        assert_eq!(Windows::parse(""), Windows::default());
    }
}
