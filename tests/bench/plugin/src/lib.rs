//! A QEMU plugin that watches the benchmark program from outside: how often each instruction ran between two marks, and in
//! which order the blocks of one round ran.
//!
//! The marks are long no-operations with a known displacement, which the program executes (`sys::mark`). Counting is done by
//! additions that QEMU puts into the translated code, so it is exact, page faults and repeated string instructions included.
//!
//! Loaded with `-plugin libochre_bench_plugin.so,out=FILE`. Lines of the file:
//! - `block ADDRESS CODE LENGTH:COUNT,…`: a block that ran; its guest address, its code, and for each instruction its bytes
//!   and how often it ran
//! - `code NUMBER ADDRESS CODE LENGTH:0,…`: a block of the recorded round
//! - `step NUMBER`: one block of that round, in order
//!
//! This talks to QEMU's C interface, so it is the one part of the benchmark's host side with `unsafe` in it. Everything runs
//! on the thread of the only virtual processor; the state is behind a lock all the same.

mod qemu;

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use qemu::{Insn, PluginId, Tb};

/// Code of a mark: `nop dword [rax+rax+imm32]`, whose immediate is this number with the kind of mark in the lowest byte.
const MARK_CODE: [u8; 4] = [0x0f, 0x1f, 0x84, 0x00];
const MARK_NUMBER: u32 = 0x4f43_4800;
/// Blocks recorded of one round at most.
const MAX_STEPS: usize = 4 << 20;

/// A translated block. It is never freed: QEMU's code adds to `counts` as long as it runs.
struct Block {
    address: u64,
    code: Vec<u8>,
    lengths: Vec<u8>,
    counts: Vec<AtomicU64>,
}

impl Block {
    /// Address, code and instructions with these counts, as they stand in a line.
    fn describe(&self, counts: &[u64]) -> String {
        let code: String = self.code.iter().map(|byte| format!("{byte:02x}")).collect();
        let instructions: Vec<String> =
            self.lengths.iter().zip(counts).map(|(length, count)| format!("{length}:{count}")).collect();
        format!("{:x} {code} {}", self.address, instructions.join(","))
    }

    /// What tells two blocks apart: programs may have different code at one address.
    fn key(&self) -> (u64, &[u8]) {
        (self.address, &self.code)
    }
}

#[derive(Default)]
struct State {
    blocks: Vec<&'static Block>,
    steps: Vec<&'static Block>,
    out: String,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);
static TRACING: AtomicBool = AtomicBool::new(false);

fn with_state(act: impl FnOnce(&mut State)) {
    // A panic must not cross into C; a lock that one left behind is as good as any.
    let mut guard = STATE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    act(guard.get_or_insert_default());
}

/// Version of QEMU's plugin interface this is written for (QEMU 7.2: `docs/devel/tcg-plugins.rst`).
// SAFETY: the symbol is the one QEMU looks up.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = 1;

/// Called by QEMU when it loads the plugin: takes the arguments `key=value` and asks to see each block that is translated.
///
/// # Safety
/// `argv` holds `argc` terminated strings.
// SAFETY: the symbol is the one QEMU looks up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: PluginId,
    _info: *const c_void,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    for index in 0..argc.max(0) as usize {
        // SAFETY: QEMU gives `argc` terminated strings.
        let argument = unsafe { CStr::from_ptr(*argv.add(index)) }.to_string_lossy().into_owned();
        match argument.split_once('=') {
            Some(("out", path)) => with_state(|state| state.out = path.to_owned()),
            _ => {
                eprintln!("ochre-bench-plugin: {argument}: not an argument");
                return -1;
            }
        }
    }
    // SAFETY: the function has the type QEMU calls.
    unsafe { qemu::qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
    0
}

/// A block was translated: gives each of its instructions a counter, and looks for marks.
extern "C" fn translated(_id: PluginId, tb: *mut Tb) {
    // SAFETY: QEMU's handles are valid during this call; the code of an instruction is as long as it says.
    unsafe {
        let instructions: Vec<*mut Insn> =
            (0..qemu::qemu_plugin_tb_n_insns(tb)).map(|index| qemu::qemu_plugin_tb_get_insn(tb, index)).collect();
        let (mut code, mut lengths) = (Vec::new(), Vec::new());
        for &instruction in &instructions {
            let length = qemu::qemu_plugin_insn_size(instruction);
            let bytes = std::slice::from_raw_parts(qemu::qemu_plugin_insn_data(instruction).cast::<u8>(), length);
            code.extend_from_slice(bytes);
            // An instruction has at most 15 bytes.
            lengths.push(length as u8);
            if let Some(kind) = mark_kind(bytes) {
                let kind = std::ptr::without_provenance_mut(kind as usize);
                qemu::qemu_plugin_register_vcpu_insn_exec_cb(instruction, marked, qemu::NO_REGS, kind);
            }
        }
        let block: &'static Block = Box::leak(Box::new(Block {
            address: qemu::qemu_plugin_tb_vaddr(tb),
            code,
            lengths,
            counts: instructions.iter().map(|_| AtomicU64::new(0)).collect(),
        }));
        for (&instruction, count) in instructions.iter().zip(&block.counts) {
            let count = count.as_ptr().cast::<c_void>();
            qemu::qemu_plugin_register_vcpu_insn_exec_inline(instruction, qemu::ADD_U64, count, 1);
        }
        let data = std::ptr::from_ref(block).cast_mut().cast::<c_void>();
        qemu::qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, qemu::NO_REGS, data);
        with_state(|state| state.blocks.push(block));
    }
}

/// The kind of mark these bytes are.
fn mark_kind(code: &[u8]) -> Option<u8> {
    let number = code.strip_prefix(&MARK_CODE)?;
    let number = u32::from_le_bytes(number.try_into().ok()?);
    (number & !0xff == MARK_NUMBER).then_some(number as u8)
}

/// A block begins to run.
extern "C" fn executed(_cpu: c_uint, data: *mut c_void) {
    if !TRACING.load(Ordering::Relaxed) {
        return;
    }
    // SAFETY: the pointer is the one registered, to a block that is never freed.
    let block: &'static Block = unsafe { &*data.cast::<Block>() };
    with_state(|state| {
        if state.steps.len() < MAX_STEPS {
            state.steps.push(block);
        }
    });
}

/// A mark runs.
extern "C" fn marked(_cpu: c_uint, kind: *mut c_void) {
    match kind.addr() {
        1 => with_state(|state| {
            for count in state.blocks.iter().flat_map(|block| &block.counts) {
                count.store(0, Ordering::Relaxed);
            }
        }),
        2 => with_state(|state| write(&state.out, &counts(&state.blocks), false)),
        3 => TRACING.store(true, Ordering::Relaxed),
        4 => {
            TRACING.store(false, Ordering::Relaxed);
            with_state(|state| write(&state.out, &steps(&state.steps), true));
        }
        _ => {}
    }
}

/// The lines of all blocks that ran; a block that was translated more than once has one line.
fn counts(blocks: &[&Block]) -> String {
    let mut sums = HashMap::new();
    for block in blocks {
        let counts: Vec<u64> = block.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        if counts.iter().all(|&count| count == 0) {
            continue;
        }
        let (_, sum) = sums.entry(block.key()).or_insert_with(|| (*block, vec![0_u64; counts.len()]));
        for (sum, count) in sum.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    let mut text = String::new();
    for (block, counts) in sums.values() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "block {}", block.describe(counts));
    }
    text
}

/// The lines of the recorded round.
fn steps(steps: &[&Block]) -> String {
    let (mut numbers, mut text) = (HashMap::new(), String::new());
    for block in steps {
        let next = numbers.len();
        let number = *numbers.entry(block.key()).or_insert_with(|| {
            let _ = writeln!(text, "code {next} {}", block.describe(&vec![0; block.lengths.len()]));
            next
        });
        let _ = writeln!(text, "step {number}");
    }
    text
}

fn write(path: &str, text: &str, append: bool) {
    let file = fs::OpenOptions::new().create(true).write(true).append(append).truncate(!append).open(path);
    if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
        eprintln!("ochre-bench-plugin: {path}: {error}");
    }
}
