//! The benchmark program. The same source is the first program of a Linux machine and of an Ochre machine; the host driver
//! (`run/`) boots both in the same QEMU, reads what is printed here and makes the table of it.
//!
//! Output, one line each: `bench begin SYSTEM`, `bench info KEY VALUE`, `bench row NAME UNIT MIN MEDIAN`,
//! `bench skip NAME REASON`, `bench end`. Rows are listed in [`rows::ALL`]; `docs/performance.md` tells what each measures.
#![deny(unsafe_code)]

mod measure;
mod options;
mod rows;
mod sys;

use options::Options;

fn main() {
    let arrival = rows::Arrival { ticks: sys::tsc(), free_kib: sys::free_kib() };
    if rows::helper::play_if_asked() {
        return;
    }
    let options = Options::parse(std::env::args().skip(1));
    println!("bench begin {}", sys::SYSTEM);
    let status = match sys::start() {
        Ok(()) => rows::run(&options, arrival),
        Err(error) => {
            println!("bench failed start: {error}");
            1
        }
    };
    println!("bench end");
    sys::finish(status);
}
