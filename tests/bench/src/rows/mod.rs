//! The rows of the table: what is measured, once for both systems.

mod calls;
mod files;
pub mod helper;
mod machine;
mod memory;
mod process;
mod server;
mod terminal;
mod wake;

use std::io::{ErrorKind, Result};

use crate::measure::{Bench, Purpose, Sample};
use crate::options::Options;
use crate::sys;
pub use machine::Arrival;

/// One row.
struct Row {
    /// Its name, which is also its name in `build/bench.json`.
    name: &'static str,
    /// What is measured.
    run: fn(&Context) -> Result<Sample>,
    /// Whether the figure is in ticks of the time-stamp counter; KiB otherwise.
    ticks: bool,
}

/// What a row gets.
struct Context {
    bench: Bench,
    arrival: Arrival,
    memory_kib: u64,
}

const fn row(name: &'static str, run: fn(&Context) -> Result<Sample>) -> Row {
    Row { name, run, ticks: true }
}

/// All rows in the order they run. A fork copies what the process has mapped, so those rows come before threads and buffers;
/// what disturbs the rows after it (hundreds of threads) comes last.
const ALL: &[Row] = &[
    row("boot_to_first_program", machine::boot_to_first_program),
    Row { name: "memory_at_first_program", run: machine::memory_at_first_program, ticks: false },
    row("fork_exit_wait", process::fork_exit_wait),
    row("fork_exec_wait", process::fork_exec_wait),
    row("spawn_wait", process::spawn_wait),
    row("null_call", calls::null_call),
    row("clock", calls::clock),
    row("yield", calls::yield_alone),
    row("switch_threads", wake::switch_threads),
    row("switch_processes", wake::switch_processes),
    row("scheme_read_1", server::read_1),
    row("scheme_read_4k", server::read_4k),
    row("scheme_read_4k_unaligned", server::read_4k_unaligned),
    row("scheme_read_64k", server::read_64k),
    row("scheme_open_close", server::open_close),
    row("scheme_fstat", server::fstat),
    row("ramfs_pread_4k", files::pread_4k),
    row("ramfs_open_close", files::open_close),
    row("ramfs_stat", files::stat),
    row("ramfs_create_write_close", files::create_write_close),
    row("ramfs_unlink", files::unlink),
    row("pipe_rtt_1", wake::pipe_round_trip),
    row("uds_rtt_1", wake::socket_round_trip),
    row("pty_write_4k", terminal::pty_write_4k),
    row("futex_rtt", wake::futex_round_trip),
    row("event_rtt", wake::event_round_trip),
    row("fault_anon", memory::fault_anonymous),
    row("fault_cow", memory::fault_copy),
    row("map_touch_unmap", memory::map_touch_unmap),
    row("malloc_free", memory::malloc_free),
    row("thread_create_join", process::thread_create_join),
    row("thread_create_join_10k", process::thread_create_join_10k),
    row("scheme_read_1_loaded", server::read_1_loaded),
];

/// Runs the rows that are asked for and prints a line for each, and at the end what the clock and the counter say of the time
/// that took. Answers the exit status: how many rows failed, 0 when every
/// one was measured or is not there yet.
pub fn run(options: &Options, arrival: Arrival) -> i32 {
    let bench = Bench::new(options.purpose, options.scale);
    let context = Context { bench, arrival, memory_kib: options.memory_kib };
    let (ns, ticks) = (sys::clock_ns(), sys::tsc());
    let mut failed = 0;
    for row in ALL.iter().filter(|row| options.wants(row.name)) {
        let unit = if row.ticks { "ticks" } else { "KiB" };
        match (row.run)(&context) {
            Ok(sample) => println!("bench row {} {unit} {:.1} {:.1}", row.name, sample.min, sample.median),
            Err(error) => {
                println!("bench skip {} {error}", row.name);
                failed += i32::from(error.kind() != ErrorKind::Unsupported);
            }
        }
    }
    if options.purpose == Purpose::Profile
        && let Err(error) = sys::print_symbols()
    {
        println!("bench failed symbols: {error}");
    }
    println!("bench info clock_ns {}", sys::clock_ns() - ns);
    println!("bench info clock_ticks {}", sys::tsc() - ticks);
    failed
}
