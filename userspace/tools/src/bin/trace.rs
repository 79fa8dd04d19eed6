//! `trace [-f] [-s BYTES] [-o FILE] PROGRAM [ARGUMENT]...` and `trace … -p PID`: the calls of a process, and with `-f` of those that it
//! starts, with their arguments and answers, and the messages of a scheme's daemon (docs/looking.md).
#![forbid(unsafe_code)]

#[cfg(target_os = "redox")]
fn main() -> std::process::ExitCode {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {
    eprintln!("trace runs in Ochre only");
}

#[cfg(target_os = "redox")]
mod inside {
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::io::{BufWriter, Error, Read, Result, Write, stderr};
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command, ExitCode};
    use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
    use std::thread;
    use std::time::Duration;

    use lexopt::prelude::*;
    use libredox::call::{getpid, kill};
    use ochre_abi::proc::AddrSpaceVerb;
    use ochre_abi::trace::{Kind, RECORD_MAX, Record, Target};
    use syscall::CallFlags;
    use syscall::number::SYS_CALL;
    use tools::calls::{SHOWN, Tracer};
    use tools::processes::{State, one};
    use tools::text::words;

    const USAGE: &str =
        "usage: trace [-f] [-s BYTES] [-o FILE] PROGRAM [ARGUMENT]...\n       trace [-f] [-s BYTES] [-o FILE] -p PID";
    /// The same program, as the one that is to be traced before it is: it stops, and becomes the other when it goes on.
    const STOPPED: &str = "--stopped";
    /// Bytes read at once.
    const CHUNK: usize = 64 << 10;
    /// After so long a silence calls that have not ended are shown.
    const SILENCE: Duration = Duration::from_millis(200);
    /// A shell's status for a program that cannot be started, and what it adds to a signal's number.
    const NOT_STARTED: u8 = 127;
    const SIGNALED: u8 = 128;
    // As POSIX has them.
    const SIGSTOP: u32 = 19;
    const SIGCONT: u32 = 18;

    struct Options {
        children: bool,
        bytes: usize,
        file: Option<String>,
        pid: Option<u32>,
        program: Vec<String>,
        stopped: bool,
    }

    pub fn main() -> ExitCode {
        let options = match options() {
            Ok(options) => options,
            Err(error) => {
                eprintln!("trace: {error}\n{USAGE}");
                return ExitCode::from(2);
            }
        };
        match run(&options) {
            Ok(status) => status.into(),
            Err(error) => {
                eprintln!("trace: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn options() -> std::result::Result<Options, lexopt::Error> {
        let mut options =
            Options { children: false, bytes: SHOWN, file: None, pid: None, program: Vec::new(), stopped: false };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Short('f') => options.children = true,
                Short('s') => options.bytes = arguments.value()?.parse()?,
                Short('o') => options.file = Some(arguments.value()?.string()?),
                Short('p') => options.pid = Some(arguments.value()?.parse()?),
                Long("stopped") => options.stopped = true,
                Value(program) => {
                    options.program.push(program.string()?);
                    for argument in arguments.raw_args()? {
                        options.program.push(argument.string()?);
                    }
                }
                other => return Err(other.unexpected()),
            }
        }
        match (options.pid.is_some(), options.program.is_empty()) {
            (true, true) | (false, false) => Ok(options),
            (true, false) => Err("either a program or a process".into()),
            (false, true) => Err("what is to be traced?".into()),
        }
    }

    fn run(options: &Options) -> Result<u8> {
        if options.stopped {
            return become_program(&options.program);
        }
        let mut tracer = Tracer::new(schemes(), options.bytes);
        let mut out: Box<dyn Write> = match &options.file {
            Some(path) => Box::new(BufWriter::new(File::create(path)?)),
            None => Box::new(stderr()),
        };
        match options.pid {
            Some(pid) => {
                let records = watch(pid, options.children)?;
                follow(&records, &mut tracer, &mut out, || {
                    Ok((one(pid).is_none_or(|it| it.state == State::Ended)).then_some(0))
                })
            }
            None => {
                let mut child = start(&options.program)?;
                let records = from_start(watch(child.id(), options.children).inspect_err(|_| {
                    // It would wait for ever.
                    let _ = child.kill();
                })?);
                go_on(&child)?;
                follow(&records, &mut tracer, &mut out, || ended(&mut child))
            }
        }
    }

    /// In the child: waits to be watched, then becomes the program.
    fn become_program(program: &[String]) -> Result<u8> {
        kill(getpid()?, SIGSTOP)?;
        let error = Command::new(&program[0]).args(&program[1..]).exec();
        eprintln!("trace: {}: {error}", program[0]);
        Ok(NOT_STARTED)
    }

    /// Starts the child, and waits until it has stopped.
    fn start(program: &[String]) -> Result<Child> {
        let own = std::env::args().next().unwrap_or_else(|| "trace".into());
        let mut child = Command::new(own).arg(STOPPED).args(program).spawn()?;
        while one(child.id()).is_some_and(|process| process.state != State::Stopped) {
            if child.try_wait()?.is_some() {
                return Err(Error::other("it ended before it could be traced"));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(child)
    }

    fn go_on(child: &Child) -> Result<()> {
        Ok(kill(child.id() as usize, SIGCONT)?)
    }

    /// A shell's status for the child, once it has ended.
    fn ended(child: &mut Child) -> Result<Option<u8>> {
        Ok(child.try_wait()?.map(|end| match (end.code(), end.signal()) {
            (Some(code), _) => code as u8,
            (None, signal) => SIGNALED + signal.unwrap_or(0) as u8,
        }))
    }

    /// Names of schemes, by the numbers that the kernel gives them. One daemon may have several.
    fn schemes() -> BTreeMap<u64, String> {
        let listed = std::fs::read_dir("/scheme").into_iter().flatten();
        let mut names: Vec<String> = listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        let mut schemes: BTreeMap<u64, String> = BTreeMap::new();
        for name in names {
            if let Ok(root) = std::fs::metadata(format!("/scheme/{name}")) {
                schemes.entry(root.dev()).and_modify(|all| *all = format!("{all},{name}")).or_insert(name);
            }
        }
        schemes
    }

    type Records = Receiver<(Record, Vec<u8>)>;

    /// Watches a process from now on. A thread takes the records, since nobody waits for who is slow.
    fn watch(pid: u32, children: bool) -> Result<Records> {
        let path = format!("/scheme/sys/trace/{pid}{}", if children { "?children" } else { "" });
        let mut file =
            File::open(&path).map_err(|error| Error::new(error.kind(), format!("process {pid}: {error}")))?;
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut buffer = vec![0; CHUNK.max(RECORD_MAX)];
            while let Ok(count @ 1..) = file.read(&mut buffer) {
                let mut rest = &buffer[..count];
                while let Some(record) = Record::from_bytes(rest) {
                    let data = rest[Record::SIZE..Record::SIZE + usize::from(record.len)].to_vec();
                    if sender.send((record, data)).is_err() {
                        return;
                    }
                    rest = &rest[record.total()..];
                }
            }
        });
        Ok(receiver)
    }

    /// Without what the child does before it is the program: the calls of libc's `exec`.
    fn from_start(records: Records) -> Records {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut begun = false;
            for (record, data) in records {
                if !begun {
                    begun = is_entry(&record, &data);
                } else if sender.send((record, data)).is_err() {
                    return;
                }
            }
        });
        receiver
    }

    /// The call with which a new program begins.
    fn is_entry(record: &Record, data: &[u8]) -> bool {
        let consumes = record.words[3] as usize & CallFlags::CONSUME.bits() != 0;
        record.kind == Kind::Enter
            && record.target == Target::Kernel
            && record.call as usize == SYS_CALL
            && consumes
            && words(data) == Some([AddrSpaceVerb::Enter as u64])
    }

    /// Shows the records until the process and those that it has started have ended and there are no more.
    fn follow(
        records: &Records,
        tracer: &mut Tracer,
        out: &mut impl Write,
        mut ended: impl FnMut() -> Result<Option<u8>>,
    ) -> Result<u8> {
        let mut status = None;
        loop {
            let lines = match records.recv_timeout(SILENCE) {
                Ok((record, data)) => tracer.step(&record, &data),
                Err(RecvTimeoutError::Timeout) => {
                    let lines = tracer.idle();
                    status = status.or(ended()?);
                    if let Some(status) = status
                        && !tracer.children().any(|pid| one(pid).is_some_and(|child| child.state != State::Ended))
                    {
                        show(out, &lines)?;
                        out.flush()?;
                        return Ok(status);
                    }
                    lines
                }
                Err(RecvTimeoutError::Disconnected) => return Err(Error::other("the kernel tells nothing any more")),
            };
            show(out, &lines)?;
        }
    }

    fn show(out: &mut impl Write, lines: &[String]) -> Result<()> {
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}
