//! Processor identification: Intel SDM volume 2, CPUID.

/// What CPUID answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leaf {
    /// EAX.
    pub eax: u32,
    /// EBX.
    pub ebx: u32,
    /// ECX.
    pub ecx: u32,
    /// EDX.
    pub edx: u32,
}

/// Asks for a leaf and sub-leaf. A leaf beyond the greatest gives nonsense: see [`leaf`].
pub fn cpuid(leaf: u32, sub: u32) -> Leaf {
    let answer = core::arch::x86_64::__cpuid_count(leaf, sub);
    Leaf { eax: answer.eax, ebx: answer.ebx, ecx: answer.ecx, edx: answer.edx }
}

/// Asks for a leaf; zeros when the processor does not have it.
pub fn leaf(number: u32, sub: u32) -> Leaf {
    if cpuid(number & 0xffff_0000, 0).eax >= number { cpuid(number, sub) } else { Leaf::default() }
}

/// Whether a hypervisor runs underneath (leaf 1, ECX bit 31).
pub fn has_hypervisor() -> bool {
    cpuid(1, 0).ecx & 1 << 31 != 0
}

/// Whether the TSC counts at one rate, whatever the processor does (leaf 0x80000007, EDX bit 8).
pub fn has_invariant_tsc() -> bool {
    leaf(0x8000_0007, 0).edx & 1 << 8 != 0
}

/// The local APIC id of this processor: 32 bits from leaf 0x0b where there is one.
pub fn apic_id() -> u32 {
    let topology = leaf(0x0b, 0);
    if topology.ebx != 0 { topology.edx } else { cpuid(1, 0).ebx >> 24 }
}

/// The processor's name (leaves 0x80000002 to 0x80000004), padded with NULs.
pub fn brand() -> [u8; 48] {
    let mut name = [0; 48];
    for (place, number) in name.chunks_exact_mut(16).zip(0x8000_0002..) {
        let part = leaf(number, 0);
        for (bytes, register) in place.chunks_exact_mut(4).zip([part.eax, part.ebx, part.ecx, part.edx]) {
            bytes.copy_from_slice(&register.to_le_bytes());
        }
    }
    name
}

/// The time stamp counter.
#[inline(always)]
pub fn tsc() -> u64 {
    // SAFETY: every 64-bit processor has the counter, and the kernel may always read it.
    unsafe { core::arch::x86_64::_rdtsc() }
}
