//! What this program does when it is executed by itself.

use std::io::Read;

/// Plays a role.
pub fn play(role: &[String]) {
    let number = |index: usize| -> i32 { role[index].parse().expect("a number") };
    match role[0].as_str() {
        "exit" => std::process::exit(number(1)),
        // Writes what it was given and ends with their number.
        "words" => {
            role[1..].iter().for_each(|word| println!("{word}"));
            std::process::exit(role.len() as i32 - 1)
        }
        // Ends with 0 when a descriptor is open.
        "open" => {
            // SAFETY: takes numbers only.
            let flags = unsafe { libc::fcntl(number(1), libc::F_GETFL) };
            std::process::exit(i32::from(flags == -1))
        }
        // Ends with 0, or the error that reading a file has.
        "read" => {
            let error = std::fs::read(&role[1]).err().map_or(0, |error| error.raw_os_error().unwrap_or(98));
            std::process::exit(error)
        }
        // Writes so many bytes to a file at once and ends with how many were.
        "write" => {
            use std::io::Write;
            let mut file = std::fs::File::create(&role[1]).expect("a file");
            std::process::exit(file.write(&vec![1; number(2) as usize]).expect("some of it") as i32)
        }
        "dig" => std::process::exit(i32::from(crate::bounds::dig(number(1) as u32) != number(1) as u32)),
        // Executes itself for the role behind it.
        "then" => {
            let words: Vec<&str> = role[1..].iter().map(String::as_str).collect();
            std::process::exit(ochre_guest::posix::exec(&words))
        }
        "hog" => crate::hunger::hog(),
        "bomb" => crate::hunger::bomb(),
        "copy" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).expect("an input");
            print!("{text}");
        }
        "state" => {
            // SAFETY: takes a number only.
            let mask = unsafe { libc::umask(0) };
            let directory = std::env::current_dir().expect("a directory");
            println!("{} {mask:o} {}", directory.display(), std::env::var("COLOUR").unwrap_or_default());
        }
        "ids" => {
            // SAFETY: take nothing.
            let (real, effective) = unsafe { (libc::getuid(), libc::geteuid()) };
            println!("{real} {effective}");
        }
        // A script, of which this is the interpreter.
        path if path.starts_with('/') => {
            println!("{}", role.join(" "));
            std::process::exit(role.len() as i32)
        }
        other => panic!("no role {other}"),
    }
}
