//! Where the machine's screen and serial line go: a window where there is a display, else VNC; this terminal where there is one, else a
//! port.

use std::net::TcpListener;
use std::process::Command;

/// First port of VNC; the display `:1` is the next one.
const VNC: u16 = 5900;
/// First port that is tried for the serial line.
const SERIAL: u16 = 4555;
/// So many ports are tried.
const TRIES: u16 = 90;
/// Kinds of windows, best first.
const WINDOWS: [&str; 2] = ["gtk", "sdl"];

/// Where the screen is to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// A window of this kind.
    Window(&'static str),
    /// A VNC server at this port.
    Vnc(u16),
}

/// Where the serial line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serial {
    /// This terminal.
    Terminal,
    /// This port.
    Port(u16),
}

/// What is known of the host.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// There is a display server.
    pub display: bool,
    /// Kinds of windows that its QEMU can make.
    pub windows: Vec<String>,
    /// Standard input and output are a terminal.
    pub terminal: bool,
}

impl Host {
    /// This one.
    pub fn this() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        use std::io::IsTerminal;
        Host {
            display: set("DISPLAY") || set("WAYLAND_DISPLAY"),
            windows: windows(),
            terminal: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
        }
    }

    /// Where things go; `free` tells whether a port is.
    pub fn places(&self, free: impl Fn(u16) -> bool) -> Result<(Screen, Serial), String> {
        let port = |first: u16| {
            let found = (first..first + TRIES).find(|port| free(*port));
            found.ok_or_else(|| format!("no port from {first} on is free"))
        };
        let window = WINDOWS.into_iter().find(|kind| self.display && self.windows.iter().any(|own| own == kind));
        let screen = match window {
            Some(kind) => Screen::Window(kind),
            None => Screen::Vnc(port(VNC)?),
        };
        let serial = if self.terminal { Serial::Terminal } else { Serial::Port(port(SERIAL)?) };
        Ok((screen, serial))
    }
}

/// Whether nobody listens at a port of this machine.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// The kinds of windows that QEMU can make: the words that `-display help` lists.
fn windows() -> Vec<String> {
    let output = Command::new("qemu-system-x86_64").args(["-display", "help"]).output();
    let text = output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).into());
    text.lines().map(|line| line.trim().into()).collect()
}

impl Screen {
    /// QEMU's arguments.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            // The host's pointer would lie over the guest's.
            Screen::Window(kind) => vec!["-display".into(), format!("{kind},show-cursor=off")],
            Screen::Vnc(port) => vec!["-vnc".into(), format!("127.0.0.1:{}", port - VNC)],
        }
    }

    /// Where to look.
    pub fn says(&self) -> String {
        match self {
            Screen::Window(_) => "screen: its window (Ctrl+Alt+G lets the pointer go)".into(),
            Screen::Vnc(port) => {
                format!("screen: VNC at 127.0.0.1:{port}, for example `vncviewer 127.0.0.1:{}`", port - VNC)
            }
        }
    }
}

impl Serial {
    /// QEMU's arguments.
    pub fn arguments(self) -> Vec<String> {
        match self {
            Serial::Terminal => vec!["-serial".into(), "mon:stdio".into()],
            Serial::Port(port) => vec!["-serial".into(), format!("tcp:127.0.0.1:{port},server=on,wait=off")],
        }
    }

    /// Where to look.
    pub fn says(self) -> String {
        match self {
            Serial::Terminal => "serial console: this terminal (Ctrl-A, then X ends the machine)".into(),
            Serial::Port(port) => format!("serial console: 127.0.0.1:{port}, for example `nc 127.0.0.1 {port}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_where_there_is_a_display() {
        let mut host = Host { display: true, windows: vec!["none".into(), "sdl".into()], terminal: true };
        let places = |host: &Host| host.places(|_| true).unwrap();
        assert_eq!(places(&host), (Screen::Window("sdl"), Serial::Terminal));
        host.windows.push("gtk".into());
        assert_eq!(places(&host).0, Screen::Window("gtk"));
        host.display = false;
        assert_eq!(places(&host).0, Screen::Vnc(5900));
        assert_eq!(places(&Host::default()), (Screen::Vnc(5900), Serial::Port(4555)));
    }

    #[test]
    fn ports_that_are_taken_are_passed_over() {
        let (screen, serial) = Host::default().places(|port| ![5900, 5901, 4555].contains(&port)).unwrap();
        assert_eq!((&screen, serial), (&Screen::Vnc(5902), Serial::Port(4556)));
        assert_eq!(screen.arguments(), ["-vnc", "127.0.0.1:2"]);
        assert!(screen.says().contains("127.0.0.1:5902"));
        assert!(Host::default().places(|_| false).is_err());
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        assert!(!is_free(taken.local_addr().unwrap().port()));
    }
}
