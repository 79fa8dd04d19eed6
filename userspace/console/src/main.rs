//! A console, on which one can look around and run programs, as long as there is no shell. `console -c LINE` obeys one line and
//! ends with its status.

#[cfg(target_os = "redox")]
mod console;
#[cfg(any(target_os = "redox", test))]
mod line;
#[cfg(target_os = "redox")]
mod service;

#[cfg(target_os = "redox")]
fn main() -> std::process::ExitCode {
    let mut console = console::Console::default();
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => {
            console.run();
            0.into()
        }
        [option, line @ ..] if option == "-c" => console.obey(&line.join(" ")).into(),
        _ => {
            eprintln!("console [-c LINE]");
            2.into()
        }
    }
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("the console runs in Ochre only");
}
