//! The init program: the last one that `bootstrap` starts. There are no services to start yet; it is a console, on which one
//! can look around and run programs.

mod line;

#[cfg(target_os = "redox")]
mod console;

#[cfg(target_os = "redox")]
fn main() {
    console::run()
}

#[cfg(not(target_os = "redox"))]
fn main() {
    println!("{}", line::HELP);
}
