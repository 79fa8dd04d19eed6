//! Relocation of a static position-independent program by itself.
//!
//! It runs before any address in the program's data is right: no call through a table, no string, no panic.

use super::auxv::Aux;

const PT_DYNAMIC: u32 = 2;
/// Tags of the dynamic section (System V ABI, "Dynamic Section").
const DT_NULL: usize = 0;
const DT_RELA: usize = 7;
const DT_RELASZ: usize = 8;
/// The only kind of relocation in such a program (System V ABI AMD64, table 4.10): base plus addend.
const R_X86_64_RELATIVE: usize = 8;

/// Adds the load address to every word that holds an address.
///
/// # Safety
/// `aux` describes this program, which lies `base` bytes above the addresses it was linked for.
#[inline(never)]
pub unsafe fn relocate(aux: &Aux, base: usize) {
    // SAFETY: all that is read was made by the linker; what is written are the words that it lists.
    unsafe {
        let mut dynamic = core::ptr::null::<usize>();
        let mut index = 0;
        while index < aux.phnum {
            let header = (aux.phdr + index * aux.phent) as *const u32;
            if *header == PT_DYNAMIC {
                // `p_vaddr` is the third word of eight bytes.
                dynamic = (base + *header.cast::<usize>().add(2)) as *const usize;
            }
            index += 1;
        }
        if dynamic.is_null() {
            return;
        }
        let (mut table, mut size) = (0, 0);
        while *dynamic != DT_NULL {
            if *dynamic == DT_RELA {
                table = base + *dynamic.add(1);
            } else if *dynamic == DT_RELASZ {
                size = *dynamic.add(1);
            }
            dynamic = dynamic.add(2);
        }
        let (mut entry, end) = (table as *const usize, (table + size) as *const usize);
        while entry < end {
            if *entry.add(1) & 0xffff_ffff == R_X86_64_RELATIVE {
                *((base + *entry) as *mut usize) = base + *entry.add(2);
            }
            entry = entry.add(3);
        }
    }
}
