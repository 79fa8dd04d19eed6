//! `errand`: the init program of a boot that was made for one program. It unpacks what was carried in, runs the program, and
//! carries its input and output over the console until it ends. See `docs/run.md`.
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
mod run;

#[cfg(target_os = "redox")]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("errand runs in Ochre only");
    std::process::exit(1);
}
