//! Containment: a program that does what a program must not do dies alone, with a line on the console, and its starter learns why.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::arch::asm;
    use std::hint::black_box;
    use std::time::Duration;

    use ochre_abi::USER_END;
    use ochre_guest::{Accounts, child, role, run};
    use ochre_spawn::End;

    /// Exception vectors (Intel SDM volume 3, table 6-1).
    const DIVIDE: u8 = 0;
    const BREAKPOINT: u8 = 3;
    const OPCODE: u8 = 6;
    const PROTECTION: u8 = 13;
    const PAGE: u8 = 14;
    const FLOAT: u8 = 16;

    /// A name, the deed, the exception, the address of a page fault.
    type Crime = (&'static str, fn(), u8, Option<usize>);

    /// What children do, and how that must end: vector and, for a page fault whose address is certain, the address.
    const CRIMES: [Crime; 17] = [
        ("read-null", || read(8), PAGE, Some(8)),
        ("write-null", || write(16), PAGE, Some(16)),
        ("read-unmapped", || read(0x6666_0000_0000), PAGE, Some(0x6666_0000_0000)),
        ("read-kernel", || read(0xffff_8000_0000_0000), PAGE, Some(0xffff_8000_0000_0000)),
        ("write-kernel", || write(0xffff_ffff_8010_0000), PAGE, Some(0xffff_ffff_8010_0000)),
        ("read-last-page", || read(USER_END), PAGE, Some(USER_END)),
        ("read-not-canonical", || read(0x8000_0000_0000_0000), PROTECTION, None),
        ("write-text", || write(write as *const () as usize), PAGE, None),
        ("run-data", run_data, PAGE, None),
        ("jump-to-kernel", || jump(0xffff_8000_0000_0000), PAGE, Some(0xffff_8000_0000_0000)),
        ("jump-to-null", || jump(0), PAGE, Some(0)),
        ("divide-by-zero", divide, DIVIDE, None),
        ("bad-opcode", opcode, OPCODE, None),
        ("breakpoint", breakpoint, BREAKPOINT, None),
        ("privileged", privileged, PROTECTION, None),
        ("port", port, PROTECTION, None),
        ("float", float, FLOAT, None),
    ];

    fn read(address: usize) {
        // SAFETY: none: the child must die of it, and of nothing else.
        let _ = black_box(unsafe { (address as *const u8).read_volatile() });
    }

    fn write(address: usize) {
        // SAFETY: as above.
        unsafe { (address as *mut u8).write_volatile(1) };
    }

    fn jump(address: usize) {
        // SAFETY: as above.
        unsafe { asm!("jmp {}", in(reg) address, options(noreturn)) }
    }

    fn run_data() {
        static mut CODE: [u8; 16] = [0xc3; 16];
        jump((&raw const CODE) as usize);
    }

    fn divide() {
        // SAFETY: as above.
        unsafe { asm!("xor edx, edx", "div edx", inout("eax") 1 => _, out("edx") _) };
    }

    fn opcode() {
        // SAFETY: as above.
        unsafe { asm!("ud2") };
    }

    fn breakpoint() {
        // SAFETY: as above.
        unsafe { asm!("int3") };
    }

    fn privileged() {
        // SAFETY: as above.
        unsafe { asm!("cli") };
    }

    fn port() {
        // SAFETY: as above.
        unsafe { asm!("out 0x80, al", in("al") 0_u8) };
    }

    /// A division by zero with its exception not masked (Intel SDM volume 1, section 8.1.5). Emulators leave out the same for SSE.
    fn float() {
        let control: u16 = 0x37f & !(1 << 2);
        // SAFETY: as above.
        unsafe {
            asm!("fldcw [{}]", "fld1", "fldz", "fdivp", "fwait", in(reg) &control, out("st(0)") _, out("st(1)") _)
        };
    }

    fn overflow(depth: usize) -> usize {
        let room = black_box([depth as u8; 4096]);
        if depth == usize::MAX { 0 } else { overflow(depth + 1) + room[depth % 4096] as usize }
    }

    pub fn main() {
        if let Some(role) = role() {
            commit(&role[0]);
            println!("{} did no harm", role[0]);
            std::process::exit(99);
        }
        run(&[
            ("every crime is punished", crimes),
            ("a stack that overflows", stack),
            ("other threads go too", threads),
            ("nothing leaks", leaks),
        ]);
    }

    fn commit(name: &str) {
        if name == "stack" {
            println!("{}", overflow(0));
        } else if let Some(name) = name.strip_prefix("threaded-") {
            let name = name.to_owned();
            let thread = std::thread::spawn(move || commit(&name));
            std::thread::sleep(Duration::from_secs(600));
            drop(thread);
        } else {
            let crime = CRIMES.iter().find(|crime| crime.0 == name).expect("a known crime");
            crime.1();
        }
    }

    fn end_of(name: &str) -> End {
        child(&[name]).start().expect("a child").wait().expect("its end")
    }

    fn crimes() {
        for (name, _, expected, place) in CRIMES {
            match end_of(name) {
                End::Exception { vector, address, ip } => {
                    assert_eq!(vector, expected, "{name}");
                    if let Some(place) = place {
                        assert_eq!(address, place, "{name}");
                    }
                    assert!(ip < USER_END || name == "jump-to-kernel", "{name}");
                }
                end => panic!("{name}: {end}"),
            }
        }
    }

    fn stack() {
        let end = end_of("stack");
        assert!(matches!(end, End::Exception { vector: PAGE, .. }), "{end}");
    }

    fn threads() {
        let end = end_of("threaded-divide-by-zero");
        assert!(matches!(end, End::Exception { vector: DIVIDE, .. }), "{end}");
    }

    fn leaks() {
        Accounts::assert_steady(|| {
            for _ in 0..20 {
                end_of("write-null");
                end_of("threaded-bad-opcode");
            }
        });
    }
}
