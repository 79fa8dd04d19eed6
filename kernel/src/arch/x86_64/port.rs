//! I/O ports: Intel SDM volume 1, chapter 19.

use core::arch::asm;

/// Reads a byte.
///
/// # Safety
/// Reading a port may change the state of its device: the caller owns it.
#[inline]
pub unsafe fn read_u8(port: u16) -> u8 {
    let value;
    // SAFETY: the caller's.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags)) }
    value
}

/// Writes a byte.
///
/// # Safety
/// The caller owns the device behind the port.
#[inline]
pub unsafe fn write_u8(port: u16, value: u8) {
    // SAFETY: the caller's.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags)) }
}

/// Reads two bytes.
///
/// # Safety
/// As for [`read_u8`].
#[inline]
pub unsafe fn read_u16(port: u16) -> u16 {
    let value;
    // SAFETY: the caller's.
    unsafe { asm!("in ax, dx", in("dx") port, out("ax") value, options(nomem, nostack, preserves_flags)) }
    value
}

/// Writes two bytes.
///
/// # Safety
/// As for [`write_u8`].
#[inline]
pub unsafe fn write_u16(port: u16, value: u16) {
    // SAFETY: the caller's.
    unsafe { asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack, preserves_flags)) }
}

/// Reads four bytes.
///
/// # Safety
/// As for [`read_u8`].
#[inline]
pub unsafe fn read_u32(port: u16) -> u32 {
    let value;
    // SAFETY: the caller's.
    unsafe { asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack, preserves_flags)) }
    value
}

/// Writes four bytes.
///
/// # Safety
/// As for [`write_u8`].
#[inline]
pub unsafe fn write_u32(port: u16, value: u32) {
    // SAFETY: the caller's.
    unsafe { asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags)) }
}

/// Reads 1, 2 or 4 bytes for the user who was given the port and answers for the device behind it.
pub fn read_for_user(port: u16, len: usize) -> u32 {
    // SAFETY: an access to a port touches no memory of the kernel's; the device is the user's affair.
    unsafe {
        match len {
            1 => u32::from(read_u8(port)),
            2 => u32::from(read_u16(port)),
            _ => read_u32(port),
        }
    }
}

/// Writes 1, 2 or 4 bytes for such a user.
pub fn write_for_user(port: u16, len: usize, value: u32) {
    // SAFETY: as in `read_for_user`.
    unsafe {
        match len {
            1 => write_u8(port, value as u8),
            2 => write_u16(port, value as u16),
            _ => write_u32(port, value),
        }
    }
}

/// Writes to QEMU's `isa-debug-exit` device, which ends the virtual machine with status `code * 2 + 1`. Nothing happens where
/// there is no such device.
pub fn debug_exit(code: u32) {
    const EXIT_PORT: u16 = 0xf4;
    // SAFETY: the port is the test device's or nobody's.
    unsafe { write_u32(EXIT_PORT, code) }
}
