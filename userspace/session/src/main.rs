//! Begins a session: the terminal becomes the one that controls it, so that ^C and job control work, and a program runs there. The
//! terminal program starts its shells by it, and so does init on the serial line.
#![forbid(unsafe_code)]

#[cfg(any(target_os = "redox", test))]
mod account;
#[cfg(any(target_os = "redox", test))]
mod options;
#[cfg(target_os = "redox")]
mod start;

#[cfg(target_os = "redox")]
fn main() -> std::process::ExitCode {
    let options = match options::Options::parse(lexopt::Parser::from_env()) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("session: {error}\n{}", options::USAGE);
            return 2.into();
        }
    };
    if options.help {
        print!("{}", options::USAGE);
        return 0.into();
    }
    // It only comes back when it has failed. 127 is what shells answer for a program that is not there.
    let error = start::start(&options);
    eprintln!("session: {error}");
    127.into()
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("session runs in Ochre only");
}
