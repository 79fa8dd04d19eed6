//! Tests of the ACPI tables' reader, with good, damaged and hostile tables.

use std::vec;
use std::vec::Vec;

use super::*;

struct Fake(Vec<u8>);

impl Memory for Fake {
    fn slice(&self, address: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(address).ok()?;
        self.0.get(start..start.checked_add(len)?)
    }
}

const RSDP: usize = 0xe_1230;
const XSDT: usize = 0x1000;
const MADT: usize = 0x2000;
const FADT: usize = 0x3000;
const HPET: usize = 0x4000;
const MCFG: usize = 0x5000;

fn seal(bytes: &mut [u8], checksum: usize) {
    bytes[checksum] = 0;
    let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    bytes[checksum] = sum.wrapping_neg();
}

fn put(memory: &mut [u8], at: usize, name: &[u8; 4], body: &[u8]) {
    let len = HEADER + body.len();
    memory[at..at + 4].copy_from_slice(name);
    memory[at + 4..at + 8].copy_from_slice(&(len as u32).to_le_bytes());
    memory[at + 8] = 6;
    memory[at + HEADER..at + len].copy_from_slice(body);
    seal(&mut memory[at..at + len], 9);
}

fn sample() -> Vec<u8> {
    let mut memory = vec![0u8; 0x10_0000];
    let mut madt = vec![0, 0, 0xe0, 0xfe, 1, 0, 0, 0];
    madt.extend([0, 8, 0, 0, 1, 0, 0, 0]);
    madt.extend([0, 8, 1, 4, 1, 0, 0, 0]);
    madt.extend([0, 8, 2, 6, 0, 0, 0, 0]);
    madt.extend([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
    madt.extend([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
    madt.extend([2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0]);
    madt.extend([4, 6, 0xff, 0, 0, 1]);
    madt.extend([9, 16, 0, 0, 0x00, 1, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0]);
    madt.extend([9, 16, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    put(&mut memory, MADT, b"APIC", &madt);
    let mut fadt = vec![0u8; 244];
    fadt[76..80].copy_from_slice(&0x608u32.to_le_bytes());
    fadt[108] = 0x32;
    fadt[109] = 2;
    fadt[112..116].copy_from_slice(&(1u32 << 8 | 1 << 10).to_le_bytes());
    fadt[116..128].copy_from_slice(&[1, 8, 0, 1, 0xf9, 0x0c, 0, 0, 0, 0, 0, 0]);
    fadt[128] = 6;
    put(&mut memory, FADT, b"FACP", &fadt[HEADER..]);
    put(&mut memory, HPET, b"HPET", &[1, 2, 3, 4, 0, 64, 0, 0, 0, 0, 0xd0, 0xfe, 0, 0, 0, 0, 0, 0x64, 0, 0]);
    let mut mcfg = vec![0; 8];
    mcfg.extend([0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0]);
    put(&mut memory, MCFG, b"MCFG", &mcfg);
    let addresses: Vec<u8> = [MADT, FADT, HPET, MCFG].iter().flat_map(|at| (*at as u64).to_le_bytes()).collect();
    put(&mut memory, XSDT, b"XSDT", &addresses);
    memory[RSDP..RSDP + 8].copy_from_slice(b"RSD PTR ");
    memory[RSDP + 15] = 2;
    memory[RSDP + 20] = 36;
    memory[RSDP + 24..RSDP + 32].copy_from_slice(&(XSDT as u64).to_le_bytes());
    seal(&mut memory[RSDP..RSDP + 20], 8);
    seal(&mut memory[RSDP..RSDP + 36], 32);
    memory
}

fn read(memory: Vec<u8>, rsdp: Option<Rsdp>) -> (Machine, Vec<Problem>) {
    let mut problems = Vec::new();
    let machine = Machine::read(&Fake(memory), rsdp, &mut |problem| problems.push(problem));
    (machine, problems)
}

#[test]
fn a_good_machine() {
    let (machine, problems) = read(sample(), Some(Rsdp::Address(RSDP as u64)));
    assert_eq!(problems, []);
    let ids: Vec<_> = machine.cpus.iter().map(|cpu| (cpu.apic_id, cpu.uid)).collect();
    assert_eq!(ids, [(0, 0), (4, 1), (256, 7)]);
    assert_eq!(machine.io_apics[..], [IoApic { address: 0xfec0_0000, gsi_base: 0 }]);
    assert_eq!(machine.wiring(0), (2, false, false));
    assert_eq!(machine.wiring(9), (9, true, true));
    assert_eq!(machine.wiring(4), (4, false, false));
    assert_eq!(machine.wiring(17), (17, true, true));
    assert_eq!(machine.local_nmis[..], [LocalNmi { uid: u32::MAX, pin: 1, low: false }]);
    assert_eq!(machine.hpet, Some(0xfed0_0000));
    assert_eq!(machine.pm_timer, Some(PmTimer { register: Register::Port(0x608), wide: true }));
    assert_eq!(machine.reset, Some(Reset { register: Register::Port(0xcf9), value: 6 }));
    assert_eq!((machine.century, machine.has_8042, machine.has_pic), (0x32, true, true));
    assert_eq!(machine.pci[0].address, 0xb000_0000);
    assert!(machine.table(b"HPET").is_some() && machine.table(b"SSDT").is_none());
}

#[test]
fn the_root_is_searched_when_the_loader_does_not_know_it() {
    assert_eq!(read(sample(), None).0.cpus.len(), 3);
    let (machine, problems) = read(sample(), Some(Rsdp::Address(0x7777)));
    assert_eq!((machine.cpus.len(), &problems[..]), (3, &[Problem::BadRoot][..]));
    let mut ebda = sample();
    let root: [u8; 36] = ebda[RSDP..RSDP + 36].try_into().unwrap();
    ebda[RSDP] = 0;
    ebda[0x40e..0x410].copy_from_slice(&0x9fc0u16.to_le_bytes());
    ebda[0x9_fc40..0x9_fc40 + 36].copy_from_slice(&root);
    assert_eq!(read(ebda, None).0.cpus.len(), 3);
    assert_eq!(read(vec![], None).1, [Problem::NoRoot]);
    let mut none = sample();
    none[RSDP + 1] = 0;
    assert_eq!(read(none, None).1, [Problem::NoRoot]);
    let (machine, _) = read(sample(), Some(Rsdp::Copy(root, 36)));
    assert_eq!(machine.cpus.len(), 3);
}

#[test]
fn a_table_with_a_wrong_checksum_is_named_and_skipped() {
    let mut memory = sample();
    memory[MADT + 50] ^= 1;
    memory[HPET + 45] ^= 1;
    let (machine, problems) = read(memory, None);
    assert_eq!(problems, [Problem::BadChecksum(*b"APIC", MADT as u64), Problem::BadChecksum(*b"HPET", HPET as u64)]);
    assert!(std::format!("{}", problems[0]).contains("APIC"));
    assert!(machine.cpus.is_empty() && machine.hpet.is_none() && machine.pm_timer.is_some());
    assert_eq!(machine.local_apic, 0xfee0_0000);
}

#[test]
fn a_damaged_root_table_leaves_the_defaults() {
    let mut memory = sample();
    memory[XSDT + 20] ^= 1;
    let (machine, problems) = read(memory, None);
    assert_eq!(problems, [Problem::BadChecksum(*b"XSDT", XSDT as u64)]);
    assert!(machine.tables.is_empty() && machine.root.is_none());
}

#[test]
fn entries_of_length_zero_and_addresses_beyond_memory_end() {
    let mut memory = sample();
    put(&mut memory, MADT, b"APIC", &[0, 0, 0xe0, 0xfe, 1, 0, 0, 0, 0, 8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    let (machine, problems) = read(memory, None);
    assert_eq!((machine.cpus.len(), &problems[..]), (1, &[Problem::Malformed(*b"APIC", MADT as u64)][..]));
    let mut memory = sample();
    put(&mut memory, XSDT, b"XSDT", &u64::MAX.to_le_bytes());
    assert_eq!(read(memory, None).1, [Problem::Unreadable(u64::MAX)]);
}

#[test]
fn every_damaged_byte_with_a_good_checksum_is_survived() {
    let sample = sample();
    for (table, len) in [(XSDT, 68), (MADT, 142), (FADT, 244), (HPET, 56), (MCFG, 60)] {
        for at in 0..len {
            for byte in [0, 1, 3, 0x7f, 0xff] {
                let mut memory = sample.clone();
                memory[table + at] = byte;
                if !(4..8).contains(&at) {
                    seal(&mut memory[table..table + len], 9);
                }
                read(memory, None);
            }
        }
    }
}
