//! Where the instructions of one row go: runs it under the plugin and names what ran between the program's marks.

use std::collections::HashMap;
use std::fs;
use std::io::Write;

use crate::options::Options;
use crate::qemu::{MEMORY_MIB, Mode};
use crate::report::thousands;
use crate::symbols::{Map, Place, Symbols};
use crate::systems::System;

/// A block of guest code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Block {
    address: u64,
    code: Vec<u8>,
    /// Bytes of each instruction and how often it ran.
    instructions: Vec<(u64, u64)>,
}

impl Block {
    /// From the words `ADDRESS CODE LENGTH:COUNT,…` of the plugin.
    fn parse(words: &[&str]) -> Option<Self> {
        let [address, code, instructions] = words else {
            return None;
        };
        let byte = |at: usize| u8::from_str_radix(code.get(at..at + 2)?, 16).ok();
        let instruction = |text: &str| {
            let (length, count) = text.split_once(':')?;
            Some((length.parse().ok()?, count.parse().ok()?))
        };
        Some(Self {
            address: u64::from_str_radix(address, 16).ok()?,
            code: (0..code.len()).step_by(2).map(byte).collect::<Option<_>>()?,
            instructions: instructions.split(',').map(instruction).collect::<Option<_>>()?,
        })
    }
}

/// What the plugin wrote.
#[derive(Debug, Default, PartialEq, Eq)]
struct Recording {
    blocks: Vec<Block>,
    codes: Vec<Block>,
    steps: Vec<usize>,
}

impl Recording {
    fn parse(text: &str) -> Self {
        let mut recording = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["block", rest @ ..] => recording.blocks.extend(Block::parse(rest)),
                // Their numbers ascend from zero; one that could not be read still keeps its place.
                ["code", _, rest @ ..] => recording.codes.push(Block::parse(rest).unwrap_or_default()),
                ["step", number] => recording.steps.extend(number.parse::<usize>()),
                _ => {}
            }
        }
        recording
    }
}

/// Instructions by place.
type Counts = HashMap<Place, u64>;

/// Profiles the row of `options` in `system`; false when nothing was recorded.
pub fn run(options: &Options, system: &System) -> Result<bool, String> {
    if options.rows.is_empty() || options.rows.contains(',') {
        return Err("profile needs --rows with one row".into());
    }
    let file = options.work.join(format!("{}-profile.txt", system.name));
    // The file of an earlier run must not pass for this one's.
    let _ = fs::remove_file(&file);
    let plugin = fs::canonicalize(&options.plugin).map_err(|error| format!("{}: {error}", options.plugin.display()))?;
    let extra = ["-plugin".into(), format!("{},out={}", plugin.display(), file.display())];
    let arguments = format!("--profile --rows {} --memory-kib {}", options.rows, MEMORY_MIB << 10);
    let serial = system.boot(options, Mode::Icount, &arguments, &extra)?;
    let serial = String::from_utf8_lossy(&serial);
    let Some((iterations, ticks)) = profiled(&serial) else {
        return Err(format!("{} did not measure {}", system.name, options.rows));
    };
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let recording = Recording::parse(&text);
    let symbols = Symbols::load(
        Map::from_guest(&serial),
        options.kernel_symbols.as_deref().unwrap_or(&system.symbols),
        &options.symbols,
    )?;

    let counts = count(&recording, &symbols);
    let total: u64 = counts.values().sum();
    let each = |count: u64| thousands(count as f64 / iterations as f64);
    print(&format!("{} in {}: {iterations} times\n", options.rows, system.name));
    print(&format!("{:>12} instructions a round by the counter of time\n", each(ticks)));
    print(&format!("{:>12} instructions a round seen to run\n\n", each(total)));
    let list = |title: &str, name: &dyn Fn(&Place) -> String| {
        print(&table(title, &counts, options.top, iterations, name));
    };
    list("program", &|place| place.program.clone());
    list("function, with what was inlined into it", &|place| format!("{:<12} {}", place.program, place.function));
    list("function as written", &|place| format!("{:<12} {}", place.program, place.inlined));
    if counts.keys().any(|place| !place.line.is_empty()) {
        list("line", &|place| format!("{:<12} {}", place.program, place.line));
    }
    if options.trace {
        print(&trace(&recording, &symbols));
    }
    Ok(total > 0)
}

/// Prints to a reader that may stop early (`| head`).
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Iterations and ticks from the program's line `bench profiled ITERATIONS TICKS`.
fn profiled(serial: &str) -> Option<(u64, u64)> {
    let line = serial.lines().find_map(|line| line.split_once("bench profiled ").map(|parts| parts.1))?;
    let (iterations, ticks) = line.trim().split_once(' ')?;
    Some((iterations.parse().ok()?, ticks.parse().ok()?))
}

fn count(recording: &Recording, symbols: &Symbols) -> Counts {
    let mut counts = Counts::new();
    for block in &recording.blocks {
        let place = symbols.block(block.address, &block.code);
        let mut address = block.address;
        for &(length, count) in &block.instructions {
            if count > 0 {
                *counts.entry(place(address)).or_default() += count;
            }
            address += length;
        }
    }
    counts
}

/// The places summed up by `name`, the dearest first.
fn table(title: &str, counts: &Counts, top: usize, iterations: u64, name: impl Fn(&Place) -> String) -> String {
    let line = |count: u64, total: u64, name: &str| {
        let percent = count as f64 * 100.0 / total as f64;
        format!("{:>12} {percent:>5.1}%  {name}\n", thousands(count as f64 / iterations as f64))
    };
    let mut sums: HashMap<String, u64> = HashMap::new();
    for (place, count) in counts {
        *sums.entry(name(place)).or_default() += count;
    }
    let total: u64 = sums.values().sum();
    let mut list: Vec<(String, u64)> = sums.into_iter().collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut text = format!("{:>12} {:>6}  by {title}\n", "a round", "");
    for (name, count) in list.iter().take(top) {
        text += &line(*count, total, name);
    }
    let rest: u64 = list.iter().skip(top).map(|entry| entry.1).sum();
    if rest > 0 {
        text += &line(rest, total, &format!("{} more", list.len() - top));
    }
    text + "\n"
}

/// The recorded round in order: for each stretch in one function its instructions, and how many came before it.
fn trace(recording: &Recording, symbols: &Symbols) -> String {
    let mut text = format!(
        "{:>8} {:>8}  the single round in order (a block that a fault cut short counts whole)\n",
        "before", "here"
    );
    // The places of each block's instructions, found once.
    let places: Vec<Vec<Place>> = recording
        .codes
        .iter()
        .map(|block| {
            let place = symbols.block(block.address, &block.code);
            let mut address = block.address;
            let step = |(length, _): &(u64, u64)| {
                let here = address;
                address += length;
                place(here)
            };
            block.instructions.iter().map(step).collect()
        })
        .collect();
    let mut stretches: Vec<(&Place, usize)> = Vec::new();
    for place in recording.steps.iter().filter_map(|&step| places.get(step)).flatten() {
        match stretches.last_mut() {
            Some((last, here)) if last.same_function(place) => *here += 1,
            _ => stretches.push((place, 1)),
        }
    }
    let mut before = 0;
    for (place, here) in stretches {
        let Place { program, function, inlined, .. } = place;
        let whole = if inlined.starts_with(short_name(function)) { String::new() } else { format!("  in {function}") };
        text += &format!("{before:>8} {here:>8}  {program:<12} {inlined}{whole}\n");
        before += here;
    }
    text
}

/// A function's name without the path before it.
fn short_name(function: &str) -> &str {
    function.rsplit("::").next().unwrap_or(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_read() {
        let recording = Recording::parse("block 1000 90c3 1:5,1:4\ncode 0 2000 cc 1:0\nstep 0\nstep 0\nblock x\n");
        let block = Block { address: 0x1000, code: vec![0x90, 0xc3], instructions: vec![(1, 5), (1, 4)] };
        assert_eq!(recording.blocks, [block]);
        assert_eq!(recording.codes[0].address, 0x2000);
        assert_eq!(recording.steps, [0, 0]);
    }

    #[test]
    fn the_program_tells_how_often() {
        assert_eq!(profiled("x\r\nbench profiled 100 2500\r\n"), Some((100, 2500)));
        assert_eq!(profiled("bench row"), None);
    }
}
