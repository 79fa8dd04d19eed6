//! The standard VGA of QEMU and Bochs (QEMU documentation, `docs/specs/standard-vga`): a frame buffer, and registers that set the mode.

use display_contract::{Info, Mode, Rectangle, flag};
use driver::Registers;
use driver::syscall::error::{EINVAL, ENODEV, Error, Result};
use graphics::{Adapter, Buffer, USUAL, edid};

/// Where things are in the second region: what the monitor says, VGA's ports from 0x3c0 on, the registers of the mode.
const EDID: usize = 0;
const VGA: usize = 0x400;
const DISPI: usize = 0x500;
/// VGA's attribute port: the bit that shows the picture.
const ATTRIBUTES: usize = VGA;
const SHOW: u8 = 0x20;

/// Registers of the mode, two bytes each.
mod register {
    pub const ID: usize = 0;
    pub const WIDTH: usize = 1;
    pub const HEIGHT: usize = 2;
    pub const DEPTH: usize = 3;
    pub const ENABLE: usize = 4;
    pub const VIRTUAL_WIDTH: usize = 6;
    pub const X: usize = 8;
    pub const Y: usize = 9;
}

/// Versions that know what is used here.
const IDS: std::ops::RangeInclusive<u16> = 0xb0c2..=0xb0cf;
const ENABLED: u16 = 1;
const LINEAR: u16 = 1 << 6;
const DEPTH: u16 = 32;
/// Widths are multiples of this.
const STEP: u32 = 8;

/// Contents of the mode's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    width: u16,
    height: u16,
    depth: u16,
    enable: u16,
    virtual_width: u16,
}

/// Gives a descriptor of the frame buffer, for a client.
pub type Open = Box<dyn Fn() -> Result<usize>>;

/// The device.
pub struct Bochs<R> {
    registers: R,
    /// Bytes of the frame buffer.
    memory: usize,
    open: Open,
    /// How it was found.
    found: State,
    mode: Mode,
    stride: u32,
    preferred: Mode,
}

impl<R: Registers> Bochs<R> {
    /// The device with these registers (its second region) and a frame buffer of so many bytes. `ENODEV` when it is none.
    pub fn new(registers: R, memory: usize, open: Open) -> Result<Self> {
        if !IDS.contains(&get(&registers, register::ID)) {
            return Err(Error::new(ENODEV));
        }
        let found = State {
            width: get(&registers, register::WIDTH),
            height: get(&registers, register::HEIGHT),
            depth: get(&registers, register::DEPTH),
            enable: get(&registers, register::ENABLE),
            virtual_width: get(&registers, register::VIRTUAL_WIDTH),
        };
        let block = std::array::from_fn(|at| registers.get8(EDID + at));
        let fits = |mode: &Mode| fits(*mode, memory);
        let preferred = edid::preferred(&block).filter(fits).unwrap_or(Mode { width: 1024, height: 768 });
        let mut device = Self { registers, memory, open, found, mode: preferred, stride: 0, preferred };
        let current = Mode { width: found.width.into(), height: found.height.into() };
        let usable = found.enable & ENABLED != 0 && found.depth == DEPTH && current.is_sane() && fits(&current);
        if usable {
            device.mode = current;
            device.stride = device.read_stride();
        } else {
            device.set(preferred)?;
        }
        Ok(device)
    }

    fn put(&self, register: usize, value: u16) {
        self.registers.put16(DISPI + 2 * register, value);
    }

    fn read_stride(&self) -> u32 {
        u32::from(get(&self.registers, register::VIRTUAL_WIDTH)).max(self.mode.width) * 4
    }

    fn write(&self, state: State) {
        self.put(register::ENABLE, 0);
        self.put(register::WIDTH, state.width);
        self.put(register::HEIGHT, state.height);
        self.put(register::DEPTH, state.depth);
        self.put(register::ENABLE, state.enable);
        self.put(register::VIRTUAL_WIDTH, state.virtual_width);
        self.put(register::X, 0);
        self.put(register::Y, 0);
        self.registers.put8(ATTRIBUTES, SHOW);
    }

    /// Sets a mode; when the device takes another one, what was before.
    fn set(&mut self, mode: Mode) -> Result<()> {
        let (Ok(width), Ok(height)) = (u16::try_from(mode.width), u16::try_from(mode.height)) else {
            return Err(Error::new(EINVAL));
        };
        self.write(State { width, height, depth: DEPTH, enable: ENABLED | LINEAR, virtual_width: width });
        let taken = (get(&self.registers, register::WIDTH), get(&self.registers, register::HEIGHT)) == (width, height);
        if !taken {
            let (width, height) = (self.mode.width as u16, self.mode.height as u16);
            self.write(State { width, height, depth: DEPTH, enable: ENABLED | LINEAR, virtual_width: width });
            return Err(Error::new(EINVAL));
        }
        self.mode = mode;
        self.stride = self.read_stride();
        Ok(())
    }
}

fn get(registers: &impl Registers, register: usize) -> u16 {
    registers.get16(DISPI + 2 * register)
}

fn fits(mode: Mode, memory: usize) -> bool {
    mode.width.is_multiple_of(STEP) && mode.width as usize * mode.height as usize * 4 <= memory
}

impl<R: Registers> Adapter for Bochs<R> {
    fn info(&self) -> Info {
        Info { mode: self.mode, stride: self.stride, flags: flag::MODES, preferred: self.preferred }
    }

    fn modes(&self) -> Vec<Mode> {
        let mut modes: Vec<Mode> =
            USUAL.into_iter().chain([self.preferred]).filter(|mode| fits(*mode, self.memory)).collect();
        modes.sort_unstable();
        modes.dedup();
        modes
    }

    fn set_mode(&mut self, mode: Mode) -> Result<()> {
        if fits(mode, self.memory) { self.set(mode) } else { Err(Error::new(EINVAL)) }
    }

    fn buffer(&mut self) -> Result<Buffer> {
        (self.open)().map(Buffer::Elsewhere)
    }

    fn flush(&mut self, _: &[Rectangle]) -> Result<()> {
        Ok(())
    }

    /// What was set last; when the screen was let go it was put back to what the loader had left.
    fn taken(&mut self) -> Result<()> {
        self.set(self.mode)
    }

    /// The console expects what the loader had set up.
    fn released(&mut self) {
        self.write(self.found);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use driver::fake::Answering;

    use super::*;

    type Written = Rc<RefCell<[u16; 11]>>;

    /// A device that takes widths up to 2560 and rounds them.
    fn device(memory: usize, id: u16) -> (Result<Bochs<impl Registers>>, Written) {
        let state: Written = Rc::new(RefCell::new([id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        let registers = state.clone();
        let answer = move |at: usize, _: usize, value: Option<u32>| {
            let mut registers = registers.borrow_mut();
            let Some(register) = at.checked_sub(DISPI).map(|at| at / 2).filter(|at| *at < 11) else { return 0 };
            if let Some(value) = value {
                registers[register] = match register {
                    register::WIDTH => (value as u16 & !7).min(2560),
                    _ => value as u16,
                };
            }
            registers[register].into()
        };
        (Bochs::new(Answering(0x1000, answer), memory, Box::new(|| Ok(7))), state)
    }

    #[test]
    fn a_mode_is_set_where_there_was_none() {
        let (device, registers) = device(16 << 20, 0xb0c5);
        let info = device.unwrap().info();
        assert_eq!((info.mode, info.stride), (Mode { width: 1024, height: 768 }, 4096));
        assert_eq!(registers.borrow()[1..5], [1024, 768, 32, 0x41]);
    }

    #[test]
    fn modes_that_fit() {
        let (device, registers) = device(4 << 20, 0xb0c5);
        let mut device = device.unwrap();
        assert!(device.modes().iter().all(|mode| fits(*mode, 4 << 20)) && device.modes().len() >= 4);
        let mode = |width, height| Mode { width, height };
        assert_eq!(device.set_mode(mode(1280, 720)), Ok(()));
        assert_eq!((device.info().stride, registers.borrow()[register::VIRTUAL_WIDTH]), (5120, 1280));
        for wrong in [mode(1366, 768), mode(1920, 1080), mode(16384, 16384), mode(2568, 100)] {
            assert!(device.set_mode(wrong).is_err(), "{wrong:?}");
            assert_eq!(device.info().mode, mode(1280, 720));
            assert_eq!(registers.borrow()[1..3], [1280, 720]);
        }
        assert!(matches!(device.buffer(), Ok(Buffer::Elsewhere(7))));
        device.released();
        assert_eq!(registers.borrow()[1..5], [0; 4], "as it was found");
        assert_eq!((device.taken(), device.info().mode), (Ok(()), mode(1280, 720)));
        assert_eq!(registers.borrow()[1..3], [1280, 720], "as it was set last");
    }

    #[test]
    fn other_devices_are_none() {
        for id in [0, 0xffff, 0xb0c1] {
            assert!(device(16 << 20, id).0.is_err());
        }
    }
}
