//! The daemon of the schemes `pty` and `tty`: two names of one socket, a thread that knows when time is up, and one that
//! shows the console terminal on the kernel's console.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod alarm;
#[cfg(target_os = "redox")]
mod bridge;
#[cfg(target_os = "redox")]
mod machine;

#[cfg(target_os = "redox")]
fn main() {
    use libredox::Fd;
    use pty::scheme::{CLOCK, PTY, TTY, Terminals};
    use scheme_server::syscall::flag::{O_NONBLOCK, O_RDWR, O_WRONLY};
    use scheme_server::{Port, Server, notify_ready};

    let run = || {
        let port = Port::new()?;
        let own = |number, flags| port.socket().create_this_scheme_fd(0, number, flags, 0).map(Fd::new);
        let alarm = alarm::Alarm::start(own(CLOCK, O_WRONLY)?);
        let mut terminals = Terminals::new(machine::Machine::new(alarm));
        let console = terminals.console_master();
        bridge::start(own(console, O_RDWR | O_NONBLOCK)?);
        port.register("pty", PTY)?;
        port.register("tty", TTY)?;
        notify_ready();
        Server::new(port).run(&mut terminals)
    };
    if let Err(error) = run() {
        eprintln!("ptyd: {error}");
        std::process::exit(1);
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("ptyd runs in Ochre only");
    std::process::exit(1);
}
