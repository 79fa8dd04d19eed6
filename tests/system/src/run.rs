//! Runs cases: makes a case's files, boots it, drives it and judges it; light cases two at a time, heavy ones alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ochre_vm::processors;
use ochre_vm::qemu::{Ended, Machine};

use crate::case::{Case, End, Outcome, judge};
use crate::gdb;
use crate::handover::Handover;
use crate::image::{self, Kernel};
use crate::machine::{self, Files};
use crate::options::Options;

/// Machines at once.
const AT_ONCE: usize = 2;
/// Lines of a log that are shown.
const LAST_LINES: usize = 30;

/// What all cases share.
#[derive(Debug)]
pub struct Bench {
    kernel: Kernel,
    test_kernel: Kernel,
    programs: PathBuf,
    desktop: PathBuf,
    work: PathBuf,
    patience: f64,
}

/// How many passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// These passed.
    pub passed: usize,
    /// These did not.
    pub failed: usize,
}

impl Bench {
    /// Looks at the kernels and makes the folder for logs.
    pub fn new(options: &Options) -> Result<Self, String> {
        fs::create_dir_all(&options.work).map_err(|error| format!("{}: {error}", options.work.display()))?;
        Ok(Bench {
            kernel: Kernel::load(&options.kernel)?,
            test_kernel: Kernel::load(&options.test_kernel)?,
            programs: options.programs.clone(),
            desktop: options.desktop.clone(),
            work: options.work.clone(),
            patience: options.patience,
        })
    }

    /// Runs all of them and prints a line for each.
    pub fn run(&self, cases: Vec<Case>) -> Tally {
        let tally = Mutex::new(Tally::default());
        let (heavy, light): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|case| case.heavy);
        let work_off = |queue: Mutex<std::vec::IntoIter<Case>>, workers: usize| {
            let worker = || {
                loop {
                    let next = queue.lock().expect("nobody panics with the lock").next();
                    let Some(case) = next else { break };
                    let report = self.one(case);
                    let mut tally = tally.lock().expect("nobody panics with the lock");
                    tally.passed += usize::from(report.passed);
                    tally.failed += usize::from(!report.passed);
                    // Under the lock, so that reports do not mix.
                    println!("{}", report.text);
                }
            };
            std::thread::scope(|scope| {
                for _ in 0..workers {
                    scope.spawn(worker);
                }
            });
        };
        work_off(Mutex::new(light.into_iter()), AT_ONCE);
        work_off(Mutex::new(heavy.into_iter()), 1);
        tally.into_inner().expect("nobody panics with the lock")
    }

    fn one(&self, mut case: Case) -> Report {
        case.limit = case.limit.mul_f64(self.patience);
        let log = self.work.join(format!("{}.log", file_name(&case.name)));
        // The log of an earlier run must not pass for this one's.
        let _ = fs::remove_file(&log);
        let started = Instant::now();
        let (wrong, text) = match self.boot(&case) {
            Ok((outcome, text)) => (judge(&case, &outcome), text),
            Err(error) => (vec![error], String::new()),
        };
        let kept = if wrong.is_empty() { Ok(()) } else { fs::write(&log, &text) };
        let mut report = report(&case.name, started.elapsed(), &wrong, &log, &text);
        if let Err(error) = kept {
            report.text += &format!("\n      the log could not be kept: {error}");
        }
        report
    }

    /// Boots a case; answers what came of it and the log for people.
    fn boot(&self, case: &Case) -> Result<(Outcome, String), String> {
        let kernel = if case.test_kernel { &self.test_kernel } else { &self.kernel };
        // Sockets have short names, so not in the work folder.
        let folder = tempfile::Builder::new()
            .prefix("ochre-")
            .tempdir()
            .map_err(|error| format!("no temporary folder: {error}"))?;
        let at = |name| folder.path().join(name);
        let (initfs, iso) = image::write(case, kernel, &self.programs, &self.desktop, folder.path())?;
        let files = Files { kernel: kernel.path.clone(), initfs, iso, qmp: at("qmp"), gdb: at("gdb") };
        let arguments = machine::arguments(case, &files)?;
        let mut machine = Machine::start(&arguments, &files.qmp, case.limit)?;
        let driven = drive(case, kernel, &files, &mut machine);
        let ended = match (&driven, case.end) {
            (Ok(()), End::Status(_)) => machine.wait()?,
            (Err(_), _) if machine.left().is_zero() => Ended::TimedOut,
            // All that was to be seen was seen; or driving failed, and there is nothing to wait for.
            _ => machine.look()?,
        };
        let hangs = ended == Ended::TimedOut || ended == Ended::Stayed && driven.is_err();
        let places = hangs.then(|| match machine.registers() {
            Ok(registers) => processors::places(&registers, &kernel.symbols),
            Err(error) => format!("where the processors are is not known: {error}\n"),
        });
        let (said, mut log) = machine.finish();
        log.insert_str(0, &format!("{}: QEMU {}\n", case.name, arguments.join(" ")));
        log += &places.unwrap_or_default();
        let trouble = driven.err();
        Ok((Outcome { ended, said, trouble }, log))
    }
}

/// Does with the machine what the case wants.
fn drive(case: &Case, kernel: &Kernel, files: &Files, machine: &mut Machine) -> Result<(), String> {
    if let Some(edit) = &case.edit {
        let mut gdb = gdb::connect(&files.gdb, machine.left())?;
        edit(&mut Handover::reach(&mut gdb, case.door, kernel.entries, &kernel.symbols)?)?;
        gdb.detach()?;
    }
    if let Some(drive) = &case.drive {
        drive(machine)?;
    }
    if case.end == End::Stays {
        machine.wait_for_all(&case.says)?;
    }
    Ok(())
}

/// What is printed about a case.
struct Report {
    passed: bool,
    text: String,
}

fn report(name: &str, time: Duration, wrong: &[String], log: &Path, text: &str) -> Report {
    let passed = wrong.is_empty();
    let mut lines = vec![format!("{} {:6.1} s  {name}", if passed { "ok  " } else { "FAIL" }, time.as_secs_f64())];
    if !passed {
        lines.extend(wrong.iter().map(|complaint| format!("      {complaint}")));
        if !text.is_empty() {
            lines.push(format!("      log: {}", log.display()));
            let all: Vec<&str> = text.lines().collect();
            let last = &all[all.len().saturating_sub(LAST_LINES)..];
            lines.extend(last.iter().map(|line| format!("      | {line}")));
        }
    }
    Report { passed, text: lines.join("\n") }
}

/// A name as a file name.
fn file_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }
    };
    let text: String = name.chars().map(plain).collect();
    let parts: Vec<&str> = text.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_logs() {
        assert_eq!(file_name("boot: ELF, a segment > 4 GiB"), "boot-elf-a-segment-4-gib");
    }

    #[test]
    fn a_failure_shows_its_reasons_and_the_end_of_its_log() {
        let log: String = (1..=40).map(|n| format!("line {n}\n")).collect();
        let report =
            |wrong: &[String]| super::report("x", Duration::from_millis(1240), wrong, Path::new("/w/x.log"), &log);
        let good = report(&[]);
        assert!(good.passed);
        assert_eq!(good.text, "ok      1.2 s  x");
        let bad = report(&["not said: a".into(), "said: b".into()]);
        assert!(!bad.passed);
        let lines: Vec<&str> = bad.text.lines().collect();
        assert_eq!(lines[..4], ["FAIL    1.2 s  x", "      not said: a", "      said: b", "      log: /w/x.log"]);
        assert_eq!((lines[4], lines.len()), ("      | line 11", 4 + LAST_LINES));
    }
}
