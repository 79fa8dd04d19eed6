//! Where the processors of a machine that hangs are, from what QEMU's monitor tells of their registers.

use kernel_core::symbols::lookup;

/// A line for each processor in `registers` (the monitor's `info registers -a`): its instruction pointer, the kernel function
/// by the table `symbols`, and whether it waits.
pub fn places(registers: &str, symbols: &str) -> String {
    let mut text = String::new();
    let mut number = "?";
    for line in registers.lines() {
        if let Some((_, after)) = line.split_once("CPU#") {
            number = after.trim();
        }
        let Some(address) = line.strip_prefix("RIP=").and_then(|rest| rest.split(' ').next()) else {
            continue;
        };
        let user = line.contains("CPL=3");
        let address = u64::from_str_radix(address, 16).unwrap_or(0);
        let name = match lookup(symbols.as_bytes(), address) {
            Some((name, offset)) if !user => format!(" {name}+{offset:#x}"),
            _ => String::new(),
        };
        let state = match (user, line.contains("HLT=1")) {
            (true, _) => " in a program",
            (_, true) => " halted",
            _ => "",
        };
        text += &format!("processor {number} at {address:#018x}{name}{state}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_processor_is_placed() {
        let registers = "\nCPU#0\nRAX=0 RBX=0\nRIP=ffffffff80100123 RFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1\nES =0\n\
            \nCPU#1\nRAX=0\nRIP=0000555500001000 RFL=00000202 [-------] CPL=3 II=0 A20=1 SMM=0 HLT=0\n";
        let symbols = "ffffffff80100100 kernel::halt\n";
        assert_eq!(
            places(registers, symbols),
            "processor 0 at 0xffffffff80100123 kernel::halt+0x23 halted\n\
             processor 1 at 0x0000555500001000 in a program\n"
        );
        assert_eq!(places("", symbols), "");
    }
}
