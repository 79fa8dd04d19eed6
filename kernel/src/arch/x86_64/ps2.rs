//! The keyboard controller (8042): bytes from and to the keyboard and the mouse. Ports, status bits and commands: IBM PS/2
//! Hardware Interface Technical Reference (1988), "Keyboard and Auxiliary Device Controller".

use super::port;

/// Data, both ways.
const DATA: u16 = 0x60;
/// Status when read, command when written.
const CONTROL: u16 = 0x64;

/// A byte is there to be read.
const OUTPUT_FULL: u8 = 1;
/// The last byte written has not been taken yet.
const INPUT_FULL: u8 = 1 << 1;
/// The byte that is there is the mouse's.
const FROM_MOUSE: u8 = 1 << 5;
/// What the status reads as where there is no controller.
const NOTHING: u8 = 0xff;
/// Command: the next byte goes to the mouse.
const TO_MOUSE: u8 = 0xd4;

/// A byte that has arrived, and whether it is the mouse's.
pub fn read() -> Option<(bool, u8)> {
    // SAFETY: the controller's data belongs to whoever the `serio` scheme gives it to; the kernel reads it for them.
    unsafe {
        let status = port::read_u8(CONTROL);
        (status != NOTHING && status & OUTPUT_FULL != 0).then(|| (status & FROM_MOUSE != 0, port::read_u8(DATA)))
    }
}

/// Whether the controller takes a byte now.
pub fn takes_byte() -> bool {
    // SAFETY: reading the status has no effect.
    unsafe { port::read_u8(CONTROL) & INPUT_FULL == 0 }
}

/// Tells the controller that the next byte is for the mouse. [`takes_byte`] must hold.
pub fn address_mouse() {
    // SAFETY: as in `read`.
    unsafe { port::write_u8(CONTROL, TO_MOUSE) }
}

/// Sends a byte to the keyboard, or to the mouse after [`address_mouse`]. [`takes_byte`] must hold.
pub fn send(byte: u8) {
    // SAFETY: as in `read`.
    unsafe { port::write_u8(DATA, byte) }
}
