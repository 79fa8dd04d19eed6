//! From what was asked for to what the guest is given: its order, and what is carried in.

use std::path::{Path, PathBuf};
use std::{env, fs};

use errand::order::Order;

use crate::carry::{self, Carry};
use crate::options::{Kind, Options};

/// Where programs lie in the guest.
const PROGRAMS: &str = "/scheme/initfs/bin";
/// The console, which obeys lines.
const CONSOLE: &str = "console";
/// Variables that tell of this machine and nothing of the program.
const OF_THE_HOST: [&str; 22] = [
    "PATH",
    "HOME",
    "PWD",
    "OLDPWD",
    "SHELL",
    "SHLVL",
    "USER",
    "LOGNAME",
    "HOSTNAME",
    "MAIL",
    "DISPLAY",
    "TMPDIR",
    "TEMP",
    "TMP",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "BASH_ENV",
    "ENV",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "_",
];
/// The same by how they begin.
const OF_THE_HOST_PREFIXES: [&str; 7] = ["LD_", "XDG_", "SSH_", "DBUS_", "GPG_", "LC_", "OCHRE_"];

/// What the guest is given.
pub struct Plan {
    /// What it is to run.
    pub order: Order,
    /// With these files.
    pub carry: Carry,
}

/// What cargo, or whoever else has started this, has set up.
pub struct Surroundings {
    /// Current directory.
    pub directory: PathBuf,
    /// Environment.
    pub env: Vec<(String, String)>,
}

impl Surroundings {
    /// Of this process.
    pub fn of_process() -> Result<Self, String> {
        let directory = env::current_dir().map_err(|error| format!("no current directory: {error}"))?;
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Ok(Surroundings { directory, env: env::vars_os().filter_map(text).collect() })
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Makes a plan of what was asked for.
pub fn plan(options: &Options, here: &Surroundings) -> Result<Plan, String> {
    let mut carry = Carry::new();
    options.carry.iter().try_for_each(|path| carry.add(path))?;
    let (program, args) = match options.kind {
        Kind::Host => {
            let path = carry::absolute(&here.directory.join(&options.program))?;
            carry.add_program(&path)?;
            (text(&path)?, options.args.clone())
        }
        Kind::Guest if options.program.contains('/') => (options.program.clone(), options.args.clone()),
        Kind::Guest => (format!("{PROGRAMS}/{}", options.program), options.args.clone()),
        Kind::Line => {
            let line = std::iter::once(&options.program).chain(&options.args).cloned().collect::<Vec<_>>().join(" ");
            (format!("{PROGRAMS}/{CONSOLE}"), vec!["-c".into(), line])
        }
    };
    let mut order = Order { program, args, env: base_env(), directory: "/".into() };
    if options.cargo {
        for_cargo(&mut order, &mut carry, here)?;
    }
    if let Some(directory) = &options.directory {
        order.directory = directory.clone();
    }
    for (name, value) in &options.env {
        let value = value.as_deref().or_else(|| here.variable(name));
        set(&mut order.env, name, value.ok_or_else(|| format!("--env {name}: it is not set here"))?);
    }
    Ok(Plan { order, carry })
}

fn base_env() -> Vec<(String, String)> {
    [("PATH", PROGRAMS), ("HOME", "/"), ("RUST_BACKTRACE", "1")].map(|(name, value)| (name.into(), value.into())).into()
}

/// Adds what a program that cargo starts can count on: its package's files, the programs that were built beside a test, the
/// environment, and the current directory.
fn for_cargo(order: &mut Order, carry: &mut Carry, here: &Surroundings) -> Result<(), String> {
    if let Some(package) = here.variable("CARGO_MANIFEST_DIR") {
        carry.add(Path::new(package))?;
    }
    if here.directory.join("Cargo.toml").is_file() {
        carry.add(&here.directory)?;
    }
    let package = here.variable("CARGO_MANIFEST_DIR").map_or(here.directory.as_path(), Path::new);
    let folder = Path::new(&order.program).parent().unwrap_or(Path::new("/"));
    if folder.ends_with("deps")
        && let Some(above) = folder.parent()
    {
        let ours = carry::programs(above).into_iter().filter(|program| is_of(package, program));
        ours.into_iter().try_for_each(|program| carry.add_program(&program))?;
    }
    let theirs = |name: &str| {
        !OF_THE_HOST.contains(&name) && !OF_THE_HOST_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    };
    here.env.iter().filter(|(name, _)| theirs(name)).for_each(|(name, value)| set(&mut order.env, name, value));
    order.directory = text(&here.directory)?;
    Ok(())
}

/// Whether a program that lies in cargo's folder is one of this package: it is named in its manifest, or after a file of its own. The
/// folder may be shared with other packages.
fn is_of(package: &Path, program: &Path) -> bool {
    let Some(name) = program.file_name().and_then(|name| name.to_str()) else { return false };
    let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap_or_default();
    let sources = [format!("src/bin/{name}.rs"), format!("src/bin/{name}")];
    manifest.contains(&format!("\"{name}\"")) || sources.iter().any(|path| package.join(path).exists())
}

fn set(env: &mut Vec<(String, String)>, name: &str, value: &str) {
    env.retain(|(own, _)| own != name);
    env.push((name.into(), value.into()));
}

fn text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{}: the path is not UTF-8", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(directory: &Path, env: &[(&str, &str)]) -> Surroundings {
        let env = env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Surroundings { directory: directory.into(), env }
    }

    fn options(kind: Kind, program: &str) -> Options {
        Options { kind, program: program.into(), args: vec!["-a".into(), "b".into()], ..Options::default() }
    }

    #[test]
    fn programs_of_the_guest_and_lines() {
        let plan = |kind, program| plan(&options(kind, program), &here(Path::new("/"), &[])).unwrap().order;
        assert_eq!(plan(Kind::Guest, "ls").program, "/scheme/initfs/bin/ls");
        assert_eq!(plan(Kind::Guest, "/tmp/x").program, "/tmp/x");
        let line = plan(Kind::Line, "echo");
        assert_eq!(
            (line.program.as_str(), line.args),
            ("/scheme/initfs/bin/console", vec!["-c".into(), "echo -a b".into()])
        );
        assert_eq!(line.directory, "/");
    }

    #[test]
    fn cargo_has_its_files_programs_and_variables() {
        let host = tempfile::tempdir().unwrap();
        let at = |path: &str| host.path().join(path);
        fs::create_dir_all(at("target/deps")).unwrap();
        for (path, data) in [
            ("Cargo.toml", &b"[[bin]]\nname = \"tool\""[..]),
            ("data.txt", b"x"),
            ("target/CACHEDIR.TAG", b""),
            ("target/deps/test", b"\x7fELF"),
            ("target/tool", b"\x7fELF"),
            ("target/tool.d", b""),
            ("target/other", b"\x7fELF"),
        ] {
            fs::write(at(path), data).unwrap();
        }
        let env =
            [("CARGO_PKG_NAME", "p"), ("HOME", "/home/me"), ("LD_PRELOAD", "x"), ("FOO", "1"), ("RUST_BACKTRACE", "0")];
        let mut options = options(Kind::Host, "target/deps/test");
        options.cargo = true;
        options.env = vec![("FOO".into(), Some("2".into()))];
        let plan = plan(&options, &here(host.path(), &env)).unwrap();
        assert_eq!(plan.order.program, at("target/deps/test").to_str().unwrap());
        assert_eq!(plan.order.directory, host.path().to_str().unwrap());
        let value = |name| plan.order.env.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        assert_eq!((value("CARGO_PKG_NAME"), value("FOO"), value("RUST_BACKTRACE")), (Some("p"), Some("2"), Some("0")));
        assert_eq!((value("HOME"), value("LD_PRELOAD")), (Some("/"), None));
        let guest = tempfile::tempdir().unwrap();
        errand::files::unpack(&plan.carry.to_bytes().unwrap(), guest.path()).unwrap();
        let there = |path: &str| guest.path().join(at(path).strip_prefix("/").unwrap()).exists();
        assert!(there("data.txt") && there("target/deps/test") && there("target/tool"));
        assert!(!there("target/tool.d") && !there("target/other") && !there("target/CACHEDIR.TAG"));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let failed = |options: &Options| plan(options, &here(Path::new("/"), &[])).err().unwrap();
        assert!(failed(&options(Kind::Host, "no/such/program")).contains("no/such/program"));
        let unset = Options { env: vec![("NOBODY".into(), None)], ..options(Kind::Guest, "x") };
        assert!(failed(&unset).contains("NOBODY"));
    }
}
