//! The display server: windows of crate `orbclient`, unmodified, on a screen in memory. Their pixels are seen, their events come, and
//! a server that is killed is missed by nobody.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::cell::RefCell;
    use std::thread;

    use libredox::Fd;
    use ochre_guest::{Accounts, Pipe, namespace, run};
    use ochre_spawn::{Process, Spawn};
    use orbclient::{Color, Event, EventOption, K_A, MediaKind, Renderer, Window, WindowFlag};

    const RED: Color = Color::rgb(200, 40, 30);
    const GREEN: Color = Color::rgb(30, 160, 60);
    /// Descriptor, in a daemon, of the pipe on which it says that it is ready.
    const NOTIFY: usize = 3;

    /// Starts a daemon and waits until it is ready; what it reads and says goes over these descriptors.
    fn start(name: &str, arguments: &[&str], input: usize, output: usize) -> Process {
        let path = format!("/scheme/initfs/bin/{name}");
        let image = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let Pipe { read, write } = Pipe::new().expect("a pipe");
        let spawn =
            arguments.iter().fold(Spawn::new(&image, name).namespace(namespace()), |spawn, word| spawn.arg(word));
        let spawn = spawn.env("INIT_NOTIFY", &NOTIFY.to_string()).inherit(write.raw(), NOTIFY);
        let process = spawn.inherit(input, 0).inherit(output, 1).inherit(2, 2).start().expect("a process");
        drop(write);
        assert_eq!(read.read(&mut [0]).expect("the pipe"), 1, "{name} ended before it was ready");
        process
    }

    /// A display server, and the ends of what it reads and says.
    struct Server {
        process: Process,
        script: Fd,
        answers: Fd,
    }

    impl Server {
        fn start() -> Self {
            let (script, answers) = (Pipe::new().expect("a pipe"), Pipe::new().expect("a pipe"));
            let process = start("orbitald", &["--headless", "800x600"], script.read.raw(), answers.write.raw());
            Self { process, script: script.write, answers: answers.read }
        }

        fn say(&self, line: &str) {
            self.script.write(format!("{line}\n").as_bytes()).expect("the script");
        }

        fn ask(&self, line: &str) -> String {
            self.say(line);
            let mut answer = Vec::new();
            let mut byte = [0];
            while self.answers.read(&mut byte).expect("an answer") == 1 && byte != *b"\n" {
                answer.push(byte[0]);
            }
            String::from_utf8(answer).expect("text")
        }
    }

    thread_local! {
        static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
    }

    fn say(line: &str) {
        SERVER.with_borrow(|server| server.as_ref().expect("a server").say(line));
    }

    fn ask(line: &str) -> String {
        SERVER.with_borrow(|server| server.as_ref().expect("a server").ask(line))
    }

    fn pixel(x: i32, y: i32) -> Color {
        let answer = ask(&format!("pixel {x} {y}"));
        Color { data: 0xff00_0000 | u32::from_str_radix(&answer, 16).unwrap_or_else(|_| panic!("{answer}")) }
    }

    fn window(x: i32, title: &str) -> Window {
        let mut window =
            Window::new_flags(x, 100, 200, 120, title, &[WindowFlag::Async, WindowFlag::Resizable]).expect("a window");
        fill(&mut window, RED);
        window
    }

    fn fill(window: &mut Window, colour: Color) {
        window.set(colour);
        assert!(window.sync());
    }

    /// All events that wait, after everything said so far is done.
    fn events(window: &mut Window) -> Vec<EventOption> {
        ask("window 0");
        window.events().map(Event::to_option).collect()
    }

    pub fn main() {
        start("orbital-keeper", &[], 0, 1);
        SERVER.set(Some(Server::start()));
        run(&[
            ("a window is seen where it is", seen),
            ("what devices say comes to the window with the focus", events_come),
            ("a client that waits is woken", waits),
            ("a window is resized by its corner", resized),
            ("a window is moved by its title bar", moved),
            ("what is copied is pasted", pasted),
            ("the display server is killed and nobody loses anything", killed),
            ("who asks for too much harms nobody else", greedy),
            ("a hundred windows leave nothing behind", nothing_left),
        ]);
    }

    fn seen() {
        assert_eq!(orbclient::get_display_size(), Ok((800, 600)));
        let mut first = window(100, "First");
        assert_eq!(
            (first.x(), first.y(), first.width(), first.height(), first.title()),
            (100, 100, 200, 120, "First".into())
        );
        assert_eq!(pixel(150, 150), RED);
        assert_ne!(pixel(600, 500), RED);
        first.rect(10, 10, 20, 20, GREEN);
        first.update_rects(&[(10, 10, 20, 20)]);
        assert_eq!((pixel(115, 115), pixel(140, 140)), (GREEN, RED));
        first.set_pos(300, 200);
        assert_eq!((pixel(320, 215), first.x(), first.y()), (GREEN, 300, 200));
        let mut glass =
            Window::new_flags(350, 250, 50, 50, "Glass", &[WindowFlag::Transparent, WindowFlag::Borderless]).unwrap();
        glass.mode().set(orbclient::Mode::Overwrite);
        glass.set(Color::rgba(0, 0, 255, 128));
        glass.sync();
        // Half of each, rounded.
        assert_eq!(pixel(375, 275).data, 0xff64_148f);
        assert_eq!(ask("window 0"), "350 250 50 50 Glass");
        drop(glass);
        assert_eq!((pixel(375, 275), ask("window 0")), (RED, "300 200 200 120 First".into()));
    }

    fn events_come() {
        let mut window = window(100, "Events");
        events(&mut window);
        say("at 150 160");
        say("buttons 100");
        say("buttons 000");
        say(&format!("key {K_A} 1 a"));
        say("text a");
        say(&format!("key {K_A} 0 a"));
        let seen = events(&mut window);
        let has = |wanted: fn(&EventOption) -> bool| seen.iter().any(wanted);
        assert!(has(|event| matches!(event, EventOption::Mouse(mouse) if (mouse.x, mouse.y) == (50, 60))), "{seen:?}");
        assert!(has(|event| matches!(event, EventOption::Button(button) if button.left)), "{seen:?}");
        assert!(has(|event| matches!(event, EventOption::TextInput(text) if text.character == 'a')), "{seen:?}");
        assert!(has(|event| matches!(event, EventOption::Key(key) if key.scancode == K_A && key.pressed)), "{seen:?}");
        assert!(has(|event| matches!(event, EventOption::Key(key) if key.scancode == K_A && !key.pressed)), "{seen:?}");
    }

    fn waits() {
        let (told, heard) = std::sync::mpsc::channel();
        let client = thread::spawn(move || {
            let mut window = Window::new(400, 100, 100, 100, "Waits").expect("a window");
            fill(&mut window, GREEN);
            told.send(()).expect("the test listens");
            loop {
                for event in window.events() {
                    if let EventOption::Key(key) = event.to_option() {
                        return key.scancode;
                    }
                }
            }
        });
        heard.recv().expect("the client");
        assert_eq!(pixel(450, 150), GREEN);
        say(&format!("key {K_A} 1 a"));
        assert_eq!(client.join().expect("the client"), K_A);
    }

    fn resized() {
        let mut window = window(100, "Size");
        assert_eq!(pixel(150, 150), RED);
        // A corner of the band around it.
        say("at 302 222");
        say("buttons 100");
        say("at 352 252");
        let seen = events(&mut window);
        assert!(
            seen.iter()
                .any(|event| matches!(event, EventOption::Resize(size) if (size.width, size.height) == (250, 150)))
        );
        assert_eq!((window.width(), window.height()), (250, 150));
        fill(&mut window, GREEN);
        assert_eq!((pixel(340, 240), ask("window 0")), (GREEN, "100 100 250 150 Size".into()));
        say("buttons 000");
    }

    fn moved() {
        let mut window = window(100, "Place");
        assert_eq!(pixel(150, 150), RED);
        say("at 120 80");
        say("buttons 100");
        say("at 320 180");
        say("buttons 000");
        assert_eq!(pixel(310, 210), RED);
        window.sync_path();
        assert_eq!((window.x(), window.y()), (300, 200));
    }

    fn pasted() {
        let (mut one, two) = (window(100, "One"), window(400, "Two"));
        let text = "ä text of some length ".repeat(2000);
        assert!(one.set_clipboard(&text, MediaKind::Text));
        let (kind, pasted) = two.clipboard().expect("something");
        assert!(matches!(kind, MediaKind::Text) && pasted == text);
    }

    fn killed() {
        let mut window = window(100, "Stays");
        assert_eq!(pixel(150, 150), RED);
        let old = SERVER.take().expect("a server");
        old.process.kill().expect("the process");
        // Nobody serves now; the client goes on.
        window.set_title("Still here");
        fill(&mut window, GREEN);
        window.events();
        old.process.wait().expect("an end");
        drop(old);
        SERVER.set(Some(Server::start()));
        assert_eq!((pixel(150, 150), ask("window 0")), (GREEN, "100 100 200 120 Still here".into()));
        say(&format!("key {K_A} 1 a"));
        assert!(events(&mut window).iter().any(|event| matches!(event, EventOption::Key(_))), "events come again");
    }

    fn greedy() {
        let mut other = window(100, "Other");
        assert!(Window::new(0, 0, 16384, 16384, "Large").is_none());
        assert!(Window::new(0, 0, 99999, 5, "Wide").is_none());
        let many: Vec<Window> = std::iter::from_fn(|| Window::new(0, 0, 8, 8, "Many")).take(5000).collect();
        assert!(many.len() < 200, "{} windows", many.len());
        drop(many);
        fill(&mut other, GREEN);
        assert_eq!(pixel(150, 150), GREEN);
    }

    fn nothing_left() {
        Accounts::assert_steady(|| {
            for number in 0..100 {
                let mut window = window(number, "One of many");
                assert!(window.sync());
            }
            assert_eq!(ask("window 0"), "none");
        });
    }
}
