//! The first serial line (COM1, a 16550): the console of tests and of panics.
//!
//! Registers: National Semiconductor PC16550D data sheet, section 8. Nothing here takes a lock; [`crate::log`] does.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::port;

/// First port of COM1.
const BASE: u16 = 0x3f8;
/// Its legacy interrupt line.
pub const LINE: u32 = 4;

/// Data; with the divisor latch open its low byte.
const DATA: u16 = BASE;
/// Interrupt enable; with the latch open the divisor's high byte.
const INTERRUPTS: u16 = BASE + 1;
const FIFO: u16 = BASE + 2;
const LINE_CONTROL: u16 = BASE + 3;
const MODEM_CONTROL: u16 = BASE + 4;
const STATUS: u16 = BASE + 5;
const SCRATCH: u16 = BASE + 7;

const STATUS_DATA_READY: u8 = 1;
const STATUS_TRANSMITTER_EMPTY: u8 = 1 << 5;
/// Bytes that fit into the transmitter's FIFO once it is empty.
const FIFO_BYTES: usize = 16;
/// Looks at the status before the line is given up: longer than sixteen bytes take at 9600 baud.
const PATIENCE: usize = 1_000_000;

static PRESENT: AtomicBool = AtomicBool::new(false);

/// Sets the line to 115,200 baud, 8 bits, no parity, if there is one.
pub fn init() {
    // SAFETY: COM1's ports, which nothing else uses, belong to the kernel.
    unsafe {
        port::write_u8(SCRATCH, 0x5a);
        if port::read_u8(SCRATCH) != 0x5a {
            return;
        }
        port::write_u8(INTERRUPTS, 0);
        // Divisor latch open; 115,200 / 1; closed with 8 data bits, 1 stop bit.
        port::write_u8(LINE_CONTROL, 0x80);
        port::write_u8(DATA, 1);
        port::write_u8(INTERRUPTS, 0);
        port::write_u8(LINE_CONTROL, 0x03);
        // FIFOs on and empty, interrupt at the first byte received.
        port::write_u8(FIFO, 0x07);
        // DTR, RTS, and OUT2, which lets the interrupt through.
        port::write_u8(MODEM_CONTROL, 0x0b);
    }
    PRESENT.store(true, Relaxed);
}

/// Whether there is a line.
pub fn is_present() -> bool {
    PRESENT.load(Relaxed)
}

/// Sends bytes; each newline as carriage return and newline.
pub fn write(bytes: &[u8]) {
    if !is_present() {
        return;
    }
    let mut room = 0;
    for byte in bytes {
        if *byte == b'\n' {
            send(b'\r', &mut room);
        }
        send(*byte, &mut room);
    }
}

fn send(byte: u8, room: &mut usize) {
    // SAFETY: as in `init`.
    unsafe {
        if *room == 0 {
            let ready = (0..PATIENCE).any(|_| port::read_u8(STATUS) & STATUS_TRANSMITTER_EMPTY != 0);
            if !ready {
                // A line that never drains must not stop the machine.
                PRESENT.store(false, Relaxed);
                return;
            }
            *room = FIFO_BYTES;
        }
        port::write_u8(DATA, byte);
    }
    *room -= 1;
}

/// A byte that has been received, if there is one.
pub fn read() -> Option<u8> {
    if !is_present() {
        return None;
    }
    // SAFETY: as in `init`.
    unsafe { (port::read_u8(STATUS) & STATUS_DATA_READY != 0).then(|| port::read_u8(DATA)) }
}

/// Lets the line interrupt when a byte has been received.
pub fn enable_receive_interrupt() {
    if is_present() {
        // SAFETY: as in `init`. Bit 0: received data available.
        unsafe { port::write_u8(INTERRUPTS, 1) }
    }
}
