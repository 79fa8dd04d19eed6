//! The legacy interrupt controllers (8259A), which are only silenced: the I/O APIC does their work.

use super::port;

const MASTER: u16 = 0x20;
const SLAVE: u16 = 0xa0;
/// Where their interrupts would arrive: away from the exceptions, should one be on its way already.
const MASTER_VECTOR: u8 = 0x20;
const SLAVE_VECTOR: u8 = 0x28;

/// Moves both away from the exception vectors and masks every line (Intel 8259A data sheet: ICW1 to ICW4, OCW1).
pub fn disable() {
    // SAFETY: nothing else uses these ports.
    unsafe {
        for (base, vector, wiring) in [(MASTER, MASTER_VECTOR, 1 << 2), (SLAVE, SLAVE_VECTOR, 2)] {
            port::write_u8(base, 0x11);
            port::write_u8(base + 1, vector);
            port::write_u8(base + 1, wiring);
            port::write_u8(base + 1, 0x01);
            port::write_u8(base + 1, 0xff);
        }
    }
}
