//! What a case is: a machine, what is booted on it, what is done with it, and what must come of it.
//!
//! A [`Case`] is a value; [`crate::run`] makes a machine of it, and [`judge`] compares what came of it with what was expected.

use std::time::Duration;

use ochre_vm::qemu::{Ended, Machine};

use crate::handover::Handover;

/// Status that QEMU ends with when the guest writes `value` to the exit device: the system takes the low byte of what QEMU says.
pub const fn exit_status(value: i32) -> i32 {
    (value << 1 | 1) & 0xff
}
/// QEMU's status after the kernel gave up or panicked: it writes 0x7f.
pub const GAVE_UP: i32 = exit_status(0x7f);
/// QEMU's status after the first program ended with status 0.
pub const SUCCESS: i32 = exit_status(0);

/// Who starts the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS.
    Bios,
    /// OVMF.
    Uefi,
}

/// What the image is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A CD in a SATA drive.
    Cd,
    /// A SATA disk.
    Disk,
    /// A USB stick.
    Stick,
}

/// How the kernel is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// By QEMU itself.
    Pvh,
    /// By GRUB, from the hybrid image.
    Iso(Firmware, Medium),
}

/// Where a file of the initfs comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The guest program of this name.
    Program(String),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// What the kernel is given as initfs. The kernel's symbols are in each proper archive.
#[derive(Clone, Debug)]
pub enum Initfs {
    /// None at all.
    Missing,
    /// This and no archive.
    Raw(Vec<u8>),
    /// An archive with these files, cut after so many of a thousand parts.
    Cut(Vec<(String, Source)>, usize),
    /// The desktop's, as `make desktop` has made it; booted from a medium it is the image of `make iso`, with its own menu.
    Desktop,
    /// An archive with these files.
    Files(Vec<(String, Source)>),
}

/// How the machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// QEMU ends with this status.
    Status(i32),
    /// The guest stays as it is; the driver ends QEMU when all that is expected has been said and done.
    Stays,
}

/// Changes what the loader tells the kernel, or the kernel, at the moment when the loader hands over.
pub type Edit = Box<dyn Fn(&mut Handover<'_>) -> Result<(), String> + Send + Sync>;
/// Does something with the running machine.
pub type Drive = Box<dyn Fn(&mut Machine) -> Result<(), String> + Send + Sync>;
/// Looks at all that was said.
pub type Check = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// One whole-system test.
pub struct Case {
    /// Its name, which [`crate::options::Options::filter`] looks at.
    pub name: String,
    /// How the kernel is started.
    pub door: Door,
    /// Whether it is the kernel of the test build.
    pub test_kernel: bool,
    /// Processors.
    pub cpus: u32,
    /// MiB of memory.
    pub memory: u32,
    /// The kernel's command line.
    pub append: String,
    /// Seconds that GRUB's menu waits.
    pub menu: u32,
    /// Archive beside the kernel.
    pub initfs: Initfs,
    /// More arguments for QEMU.
    pub devices: Vec<String>,
    /// After this the machine is killed and the case has failed.
    pub limit: Duration,
    /// It wants both processors of the host for itself.
    pub heavy: bool,
    /// How the machine ends.
    pub end: End,
    /// What must be said, in this order.
    pub says: Vec<String>,
    /// What must not be said.
    pub never: Vec<String>,
    /// More about what is said.
    pub check: Option<Check>,
    /// Changes at the kernel's entry.
    pub edit: Option<Edit>,
    /// What is done while the machine runs.
    pub drive: Option<Drive>,
}

/// What no case wants to see unless it says so.
const PANIC: &str = "PANIC";

impl Case {
    /// A case that boots through PVH on one processor with 1 GiB of memory and ends with status 0 of the first program.
    pub fn new(name: impl Into<String>) -> Self {
        Case {
            name: name.into(),
            door: Door::Pvh,
            test_kernel: false,
            cpus: 1,
            memory: 1024,
            append: "exit=debug".into(),
            menu: 0,
            initfs: Initfs::Files(Vec::new()),
            devices: Vec::new(),
            limit: Duration::from_secs(60),
            heavy: false,
            end: End::Status(SUCCESS),
            says: Vec::new(),
            never: vec![PANIC.into()],
            check: None,
            edit: None,
            drive: None,
        }
    }

    /// Starts it another way. Firmware and GRUB take their time.
    pub fn door(mut self, door: Door) -> Self {
        self.door = door;
        if door != Door::Pvh {
            self.limit = self.limit.max(Duration::from_secs(120));
        }
        self
    }

    /// Gives it so many processors. More than the host has make it heavy.
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.cpus = cpus;
        self.heavy |= cpus > 2;
        self
    }

    /// Gives it so many MiB of memory.
    pub fn memory(mut self, mib: u32) -> Self {
        self.memory = mib;
        self
    }

    /// Adds words to the command line.
    pub fn append(mut self, words: &str) -> Self {
        self.append = format!("{} {words}", self.append).trim().into();
        self
    }

    /// Lets GRUB's menu wait so many seconds.
    pub fn menu(mut self, seconds: u32) -> Self {
        self.menu = seconds;
        self
    }

    /// Does not end the machine when the guest has ended: it stays.
    pub fn stays(mut self) -> Self {
        self.append = self.append.replace("exit=debug", "").trim().into();
        self.end = End::Stays;
        self
    }

    /// Gives it this initfs.
    pub fn initfs(mut self, initfs: Initfs) -> Self {
        self.initfs = initfs;
        self
    }

    /// Makes this the init program, with what follows it on the command line.
    pub fn init(mut self, program: &str) -> Self {
        let before = self.append.split("init=").next().unwrap_or_default().trim();
        self.append = format!("{before} init={program}");
        self
    }

    /// Adds files to its archive.
    pub fn files(mut self, more: impl IntoIterator<Item = (String, Source)>) -> Self {
        if let Initfs::Files(files) = &mut self.initfs {
            files.extend(more);
        }
        self
    }

    /// Takes a file out of its archive.
    pub fn without(mut self, path: &str) -> Self {
        if let Initfs::Files(files) = &mut self.initfs {
            files.retain(|(name, _)| name != path);
        }
        self
    }

    /// Adds arguments for QEMU.
    pub fn devices(mut self, arguments: &[&str]) -> Self {
        self.devices.extend(arguments.iter().map(|argument| argument.to_string()));
        self
    }

    /// Gives it so many seconds.
    pub fn seconds(mut self, seconds: u64) -> Self {
        self.limit = Duration::from_secs(seconds);
        self
    }

    /// Uses the kernel of the test build.
    pub fn test_kernel(mut self) -> Self {
        self.test_kernel = true;
        self
    }

    /// Expects QEMU to end with this status.
    pub fn ends(mut self, status: i32) -> Self {
        self.end = End::Status(status);
        self
    }

    /// Expects this to be said, after what was expected before.
    pub fn says(mut self, text: impl Into<String>) -> Self {
        self.says.push(text.into());
        self
    }

    /// Expects this not to be said.
    pub fn never(mut self, text: impl Into<String>) -> Self {
        self.never.push(text.into());
        self
    }

    /// Looks at all that was said.
    pub fn check(mut self, check: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.check = Some(Box::new(check));
        self
    }

    /// Changes what the loader tells the kernel, or the kernel.
    pub fn edit(mut self, edit: impl Fn(&mut Handover<'_>) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.edit = Some(Box::new(edit));
        self
    }

    /// Does this while the machine runs. What it waits for is said before it goes on.
    pub fn drive(mut self, drive: impl Fn(&mut Machine) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.drive = Some(Box::new(drive));
        self
    }
}

/// What came of a case.
#[derive(Debug)]
pub struct Outcome {
    /// How the machine ended.
    pub ended: Ended,
    /// All that the guest said.
    pub said: String,
    /// What went wrong while it was driven.
    pub trouble: Option<String>,
}

/// What is wrong with what came of a case; nothing when it passed.
pub fn judge(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut wrong: Vec<String> = outcome.trouble.iter().cloned().collect();
    match (case.end, outcome.ended) {
        (End::Status(wanted), Ended::Status(Some(status))) if status == wanted => {}
        (End::Stays, Ended::Stayed) => {}
        (_, Ended::TimedOut) => wrong.push(format!("not done after {} s", case.limit.as_secs())),
        (_, Ended::Status(Some(0))) => wrong.push("the machine was reset (triple fault) or switched off".into()),
        (End::Status(wanted), Ended::Status(Some(status))) => {
            wrong.push(format!("QEMU's exit status is {status} and not {wanted}"));
        }
        (End::Stays, Ended::Status(Some(status))) => wrong.push(format!("QEMU ended by itself with status {status}")),
        (_, Ended::Status(None)) => wrong.push("QEMU was killed by a signal".into()),
        (End::Status(_), Ended::Stayed) => wrong.push("the machine did not end by itself".into()),
    }
    let mut rest = outcome.said.as_str();
    for text in &case.says {
        match rest.split_once(text.as_str()) {
            Some((_, after)) => rest = after,
            None if outcome.said.contains(text.as_str()) => wrong.push(format!("said too early: {text}")),
            None => wrong.push(format!("not said: {text}")),
        }
    }
    for text in case.never.iter().filter(|text| outcome.said.contains(text.as_str())) {
        wrong.push(format!("said: {text}"));
    }
    if let Some(Err(complaint)) = case.check.as_ref().map(|check| check(&outcome.said)) {
        wrong.push(complaint);
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(ended: Ended, said: &str) -> Outcome {
        let said = said.into();
        Outcome { ended, said, trouble: None }
    }

    #[test]
    fn statuses_are_bytes() {
        assert_eq!((SUCCESS, GAVE_UP, exit_status(3), exit_status(132)), (1, 255, 7, 9));
    }

    #[test]
    fn all_as_expected() {
        let case = Case::new("x").says("one").says("two").never("three");
        assert_eq!(judge(&case, &outcome(Ended::Status(Some(1)), "one\r\ntwo")), [""; 0]);
        let case = Case::new("x").stays();
        assert_eq!(case.append, "");
        assert_eq!(judge(&case, &outcome(Ended::Stayed, "")), [""; 0]);
    }

    #[test]
    fn each_way_to_end_wrongly_is_seen() {
        let case = Case::new("x").seconds(7);
        let wrong = |ended| judge(&case, &outcome(ended, "")).join(", ");
        assert_eq!(wrong(Ended::Status(Some(3))), "QEMU's exit status is 3 and not 1");
        assert_eq!(wrong(Ended::Status(Some(0))), "the machine was reset (triple fault) or switched off");
        assert_eq!(wrong(Ended::Status(None)), "QEMU was killed by a signal");
        assert_eq!(wrong(Ended::TimedOut), "not done after 7 s");
        assert_eq!(wrong(Ended::Stayed), "the machine did not end by itself");
        let case = Case::new("x").stays();
        for ended in [Ended::Status(Some(0)), Ended::Status(Some(1)), Ended::Status(None), Ended::TimedOut] {
            assert_eq!(judge(&case, &outcome(ended, "")).len(), 1, "{ended:?}");
        }
    }

    #[test]
    fn what_is_said_counts_in_its_order() {
        let case = Case::new("x").says("one").says("two");
        let wrong = |said| judge(&case, &outcome(Ended::Status(Some(1)), said)).join(", ");
        assert_eq!(wrong("two one"), "said too early: two");
        assert_eq!(wrong("one"), "not said: two");
        assert_eq!(wrong(""), "not said: one, not said: two");
        // The same text twice must be said twice.
        let case = Case::new("x").says("one").says("one");
        assert_eq!(judge(&case, &outcome(Ended::Status(Some(1)), "one")).len(), 1);
    }

    #[test]
    fn panics_complaints_and_trouble_count() {
        let case = Case::new("x").never("leak").check(|said| if said.len() > 20 { Err("long".into()) } else { Ok(()) });
        let mut outcome = outcome(Ended::Status(Some(1)), "KERNEL PANIC: a leak...");
        outcome.trouble = Some("trouble".into());
        assert_eq!(judge(&case, &outcome), ["trouble", "said: PANIC", "said: leak", "long"]);
    }
}
