//! `top [-d SECONDS] [-n ROUNDS] [-b]`: the processes, again and again, those that use most in front. Without a terminal, and with
//! `-b`, plain text.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
fn main() -> std::process::ExitCode {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("top runs in Ochre only");
}

#[cfg(target_os = "redox")]
mod inside {
    use std::io::{Result, Write, stdout};
    use std::process::ExitCode;
    use std::time::{Duration, Instant};

    use lexopt::prelude::*;
    use tools::processes::{Users, all};
    use tools::terminal::{Raw, is_shown, window};
    use tools::view::{System, View, keys};

    const USAGE: &str = "usage: top [-d SECONDS] [-n ROUNDS] [-b]";
    /// The whole system in numbers.
    const SYSTEM: &str = "/scheme/sys/stat";
    /// Size of a terminal that does not tell.
    const SIZE: (usize, usize) = (24, 80);
    /// A screen of its own without a cursor, and back.
    const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
    const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";

    struct Options {
        pause: Duration,
        rounds: Option<u32>,
        plain: bool,
    }

    pub fn main() -> ExitCode {
        let options = match options() {
            Ok(options) => options,
            Err(error) => {
                eprintln!("top: {error}\n{USAGE}");
                return ExitCode::from(2);
            }
        };
        let done = match Raw::new(tenths(options.pause)) {
            Ok(terminal) if !options.plain && is_shown() => on_terminal(&options, &terminal),
            _ => plain(&options),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("top: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn options() -> std::result::Result<Options, lexopt::Error> {
        let mut options = Options { pause: Duration::from_secs(2), rounds: None, plain: false };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Short('d') => {
                    let seconds: f64 = arguments.value()?.parse()?;
                    let known = Duration::try_from_secs_f64(seconds).ok().filter(|pause| pause.as_millis() >= 100);
                    options.pause = known.ok_or("a pause takes at least 0.1 seconds")?;
                }
                Short('n') => options.rounds = Some(arguments.value()?.parse()?),
                Short('b') => options.plain = true,
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }

    /// How long a read of the terminal waits.
    fn tenths(pause: Duration) -> u8 {
        u8::try_from(pause.as_millis() / 100).unwrap_or(u8::MAX)
    }

    fn sample(view: &mut View) -> Result<()> {
        let processes = all()?;
        view.sample(System::parse(&std::fs::read_to_string(SYSTEM)?), processes);
        Ok(())
    }

    fn plain(options: &Options) -> Result<()> {
        let (users, mut view) = (Users::of_system(), View::default());
        for round in 0..options.rounds.unwrap_or(1) {
            if round != 0 {
                std::thread::sleep(options.pause);
                println!();
            }
            sample(&mut view)?;
            print!("{}", view.lines(&users));
        }
        Ok(())
    }

    fn on_terminal(options: &Options, terminal: &Raw) -> Result<()> {
        let mut out = stdout().lock();
        out.write_all(ENTER)?;
        let done = refresh(options, terminal, &mut out);
        out.write_all(LEAVE)?;
        out.flush()?;
        done
    }

    fn refresh(options: &Options, terminal: &Raw, out: &mut impl Write) -> Result<()> {
        let (users, mut view) = (Users::of_system(), View::default());
        let mut typed = [0; 64];
        for _ in 0..options.rounds.unwrap_or(u32::MAX) {
            sample(&mut view)?;
            let next = Instant::now() + options.pause;
            loop {
                let (rows, columns) = window().unwrap_or(SIZE);
                view.resize(rows, columns);
                out.write_all(view.draw(&users).as_bytes())?;
                out.flush()?;
                // A key is answered at once; what is shown of the system waits for its time.
                if keys(terminal.read(&mut typed)?).into_iter().any(|key| view.key(key)) {
                    return Ok(());
                }
                if Instant::now() >= next {
                    break;
                }
            }
        }
        Ok(())
    }
}
