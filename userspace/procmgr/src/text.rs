//! What everybody may read of a process: lines of a name and a value.

use std::fmt::Write;

use ochre_abi::process::NAME;
use scheme_server::syscall::error::Result;

use crate::Machine;
use crate::table::{State, Table};

/// The text; `ESRCH`.
pub fn describe<M: Machine>(table: &Table<M::Thread>, machine: &mut M, pid: u32) -> Result<Vec<u8>> {
    let process = table.get(pid)?;
    let (state, detail) = match &process.state {
        State::Running(_) => ("running", None),
        State::Stopped(_, signal) => ("stopped", Some(usize::from(*signal))),
        State::Ended(status) => ("ended", Some(*status)),
    };
    // A thread that is about to end has no space any more.
    let used = process.thread().and_then(|thread| machine.usage(thread).ok()).unwrap_or_default();
    let time_ns = if process.is_alive() { used.cpu_time_ns } else { process.time_ns };
    let ids = process.ids;
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // A string takes everything.
        let _ = writeln!(text, "{name} {value}");
    };
    line("pid", &pid);
    line("ppid", &process.parent);
    line("pgid", &process.group);
    line("sid", &process.session);
    line("uid", &format_args!("{} {} {}", ids.ruid, ids.euid, ids.suid));
    line("gid", &format_args!("{} {} {}", ids.rgid, ids.egid, ids.sgid));
    let groups: Vec<String> = process.groups.iter().map(u32::to_string).collect();
    line("groups", &groups.join(" "));
    line("nice", &process.nice);
    match detail {
        Some(detail) => line("state", &format_args!("{state} {detail}")),
        None => line("state", &state),
    }
    line("threads", &used.threads);
    line("time_ns", &time_ns);
    line("mapped_bytes", &used.mapped_bytes);
    line("resident_bytes", &used.resident_bytes);
    if let Some(terminal) = table.terminals.get(&process.session) {
        line("terminal", &format_args!("{} foreground {}", terminal.terminal, terminal.foreground));
    }
    line("name", &printable(&process.name));
    Ok(text.into_bytes())
}

/// A name as it can be shown: programs give themselves any.
fn printable(name: &[u8; NAME]) -> String {
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(NAME);
    String::from_utf8_lossy(&name[..end]).replace(char::is_control, "?")
}
