//! Many windows, many terminals, and a client that does not behave, beside whatever else is on the screen of real devices. What came of it
//! is said on the kernel's console: `crowd: WHAT: all is well`.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::fs::File;
    use std::io::Write;
    use std::process::{Command, Stdio};

    use libredox::Fd;
    use libredox::errno::{EINVAL, EMFILE, ENOMEM};
    use libredox::flag::{O_CLOEXEC, O_NONBLOCK, O_RDONLY};
    use ochre_guest::{Accounts, Random};
    use orbclient::{Color, Renderer, Window, WindowFlag};

    /// Windows opened and closed in a round.
    const WINDOWS: i32 = 100;
    /// Terminals opened and closed in a round. Each is three programs.
    const TERMINALS: usize = 3;
    /// Random messages.
    const MESSAGES: usize = 5000;

    /// Says something where the test hears it.
    fn say(text: &str) {
        let mut console = File::options().write(true).open("/scheme/debug").expect("the kernel's console");
        console.write_all(format!("crowd: {text}\n").as_bytes()).expect("the kernel's console");
    }

    pub fn main() {
        std::panic::set_hook(Box::new(|panic| say(&panic.to_string())));
        let what = std::env::args().nth(1).unwrap_or_default();
        match what.as_str() {
            "windows" => Accounts::assert_steady(windows),
            "terminals" => Accounts::assert_steady(terminals),
            "hostile" => hostile(),
            other => panic!("windows, terminals or hostile, not {other:?}"),
        }
        say(&format!("{what}: all is well"));
    }

    fn windows() {
        for number in 0..WINDOWS {
            let flags = [WindowFlag::Async, WindowFlag::Resizable];
            let mut window = Window::new_flags(200 + number, 100 + number, 200, 120, "One of many", &flags).unwrap();
            window.set(Color::rgb(40, 120, 200));
            assert!(window.sync());
        }
    }

    fn terminals() {
        for _ in 0..TERMINALS {
            let mut command = Command::new("/scheme/initfs/bin/terminal");
            command.args(["-e", "/scheme/initfs/bin/console", "-c", "exit"]).stdin(Stdio::null());
            let status = command.status().expect("the terminal starts");
            assert!(status.success(), "the terminal: {status}");
        }
    }

    fn open(path: &str) -> libredox::error::Result<Fd> {
        Fd::open(&format!("/scheme/orbital/{path}"), O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0)
    }

    fn hostile() {
        let window = open("ar/300/300/50/50/Hostile").expect("a window");
        // It is seen, has the focus, and never reads an event.
        window.fsync().expect("the window is drawn");
        for wrong in ["", "Q", "Y,1,2", "S,0,5", "S,99999,5", "S,-1,-1", "P,x", "F,?,1", "M,Z,1", "D,Q", "N"] {
            assert_eq!(window.write(wrong.as_bytes()).map_err(|error| error.errno()), Err(EINVAL), "{wrong:?}");
        }
        assert_eq!(window.write(b"S,16384,16384").map_err(|error| error.errno()), Err(ENOMEM));
        for path in ["a/0/0/99999/1/x", "a/0/0/0/0/x", "a/x/y/z", "pixels"] {
            assert!(open(path).is_err(), "{path}");
        }
        let mut random = Random::new(11);
        for _ in 0..MESSAGES {
            let bytes: Vec<u8> = (0..random.below(40)).map(|_| random.word() as u8).collect();
            // Whatever it means, it means it for this window.
            let _ = window.write(&bytes);
            let text: String =
                (0..random.below(30)).map(|_| random.pick(b"YSPTFMDN,,,,0123456789-arm") as char).collect();
            let _ = window.write(text.as_bytes());
        }
        let mut many = Vec::new();
        let refused = loop {
            match open("a/0/0/8/8/Many") {
                Ok(window) => many.push(window),
                Err(error) => break error.errno(),
            }
            assert!(many.len() < 5000, "nobody says that it is enough");
        };
        assert!(refused == EMFILE && many.len() > 50, "{} windows, then error {refused}", many.len());
        many.iter().for_each(|window| assert!(window.fsync().is_ok()));
    }
}
