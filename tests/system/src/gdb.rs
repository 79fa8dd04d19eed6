//! Client of QEMU's debugger stub, as far as the tests need it: a breakpoint, a register, memory.
//!
//! Protocol: GDB manual, appendix "Remote Serial Protocol". A packet is `$text#sum`, the sum being that of the text's bytes
//! modulo 256 as two hexadecimal digits; the receiver answers `+`.

use std::io::{Read, Write};
use std::time::Duration;

/// RAX in the order of the protocol for x86-64.
pub const RAX: usize = 0;
/// RBX in the order of the protocol for x86-64.
pub const RBX: usize = 1;

/// A connection to the stub. `S` is a socket, or a fake.
#[derive(Debug)]
pub struct Gdb<S> {
    stream: S,
}

impl<S: Read + Write> Gdb<S> {
    /// Speaks through this stream.
    pub fn new(stream: S) -> Self {
        Gdb { stream }
    }

    /// Lets the guest run until it is about to execute the instruction at `address`.
    pub fn run_to(&mut self, address: u64) -> Result<(), String> {
        self.expect_ok(&format!("Z0,{address:x},1"))?;
        self.go("c").map_err(|error| format!("the guest did not come to {address:#x}: {error}"))?;
        self.expect_ok(&format!("z0,{address:x},1"))
    }

    /// Lets the guest execute one instruction.
    pub fn step(&mut self) -> Result<(), String> {
        self.go("s")
    }

    fn go(&mut self, packet: &str) -> Result<(), String> {
        self.send(packet)?;
        let stop = self.receive()?;
        if stop.starts_with(['T', 'S']) { Ok(()) } else { Err(stop) }
    }

    /// One of the general registers.
    pub fn register(&mut self, number: usize) -> Result<u64, String> {
        // All of them come at once, the general ones first, 64 bits each.
        let bytes = self.ask_bytes("g")?;
        let bytes = bytes.get(number * 8..number * 8 + 8).ok_or("the stub has not that many registers")?;
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// `len` bytes of memory.
    pub fn read(&mut self, address: u64, len: usize) -> Result<Vec<u8>, String> {
        let bytes = self.ask_bytes(&format!("m{address:x},{len:x}"))?;
        if bytes.len() == len { Ok(bytes) } else { Err(format!("only {} of {len} bytes at {address:#x}", bytes.len())) }
    }

    /// Changes memory.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), String> {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.expect_ok(&format!("M{address:x},{:x}:{digits}", bytes.len()))
    }

    /// Lets the guest run, and leaves.
    pub fn detach(mut self) -> Result<(), String> {
        self.expect_ok("D")
    }

    fn expect_ok(&mut self, packet: &str) -> Result<(), String> {
        self.send(packet)?;
        match self.receive()?.as_str() {
            "OK" => Ok(()),
            other => Err(format!("{packet}: {other}")),
        }
    }

    fn ask_bytes(&mut self, packet: &str) -> Result<Vec<u8>, String> {
        self.send(packet)?;
        let answer = self.receive()?;
        let bytes = answer.as_bytes().chunks(2).map(|pair| {
            let digits = std::str::from_utf8(pair).ok().filter(|digits| digits.len() == 2)?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.collect::<Option<_>>().ok_or_else(|| format!("{packet}: {answer}"))
    }

    fn send(&mut self, packet: &str) -> Result<(), String> {
        let line = format!("${packet}#{:02x}", sum(packet.as_bytes()));
        self.stream.write_all(line.as_bytes()).map_err(|error| format!("debugger stub: {error}"))
    }

    fn receive(&mut self) -> Result<String, String> {
        // Before a packet there is at most the `+` for ours.
        while self.byte()? != b'$' {}
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                b'#' => break,
                byte => text.push(byte),
            }
        }
        let digits = [self.byte()?, self.byte()?];
        let digits = String::from_utf8_lossy(&digits).into_owned();
        if u8::from_str_radix(&digits, 16) != Ok(sum(&text)) {
            return Err("debugger stub: a packet was damaged".into());
        }
        self.stream.write_all(b"+").map_err(|error| format!("debugger stub: {error}"))?;
        String::from_utf8(text).map_err(|_| "debugger stub: a packet is no text".into())
    }

    fn byte(&mut self) -> Result<u8, String> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).map_err(|error| format!("debugger stub: {error}"))?;
        Ok(byte[0])
    }
}

/// Connects to the stub at `socket`, which QEMU is about to make; the guest may run for `patience` before it stops.
pub fn connect(socket: &std::path::Path, patience: Duration) -> Result<Gdb<std::os::unix::net::UnixStream>, String> {
    let stream = ochre_vm::qmp::connect(socket, patience)?;
    let limit = patience.max(Duration::from_millis(1));
    stream.set_read_timeout(Some(limit)).map_err(|error| error.to_string())?;
    Ok(Gdb::new(stream))
}

fn sum(text: &[u8]) -> u8 {
    text.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A stub that says what was written down, whatever it is told.
    struct Fake {
        says: Cursor<Vec<u8>>,
        told: Vec<u8>,
    }

    impl Read for Fake {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.says.read(buffer)
        }
    }

    impl Write for Fake {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.told.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn gdb(says: &str) -> Gdb<Fake> {
        Gdb::new(Fake { says: Cursor::new(says.into()), told: Vec::new() })
    }

    #[test]
    fn memory_and_registers() {
        let mut gdb = gdb("+$0180ff#95+$OK#9a+$00000000000000003412000000000000#0a");
        assert_eq!(gdb.read(0x1000, 3), Ok(vec![1, 0x80, 0xff]));
        assert_eq!(gdb.write(0x10, &[0xab, 1]), Ok(()));
        assert_eq!(gdb.register(RBX), Ok(0x1234));
        assert_eq!(String::from_utf8_lossy(&gdb.stream.told), "$m1000,3#8d+$M10,2:ab01#6a+$g#67+");
    }

    #[test]
    fn a_breakpoint() {
        let mut good = gdb("+$OK#9a+$T05thread:01;#07+$OK#9a");
        assert_eq!(good.run_to(0x100051), Ok(()));
        assert!(good.stream.told.starts_with(b"$Z0,100051,1#"));
        assert!(gdb("+$OK#9a+$W00#b7").run_to(0x100051).unwrap_err().contains("W00"));
    }

    #[test]
    fn refusals_and_rubbish() {
        assert_eq!(gdb("+$E14#aa").read(0, 1), Err("m0,1: E14".into()));
        assert_eq!(gdb("+$00#60").read(0, 2), Err("only 1 of 2 bytes at 0x0".into()));
        assert!(gdb("+$OK#00").write(0, &[1]).unwrap_err().contains("damaged"));
        assert!(gdb("+$O").write(0, &[1]).is_err());
        assert!(gdb("").detach().is_err());
    }
}
