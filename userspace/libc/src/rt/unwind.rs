//! Where the tables for unwinding are, for crate `unwinding`, which provides the `_Unwind_*` functions.
//!
//! A program is one static image: its `PT_GNU_EH_FRAME` header leads to `.eh_frame_hdr` (Linux Standard Base, "Exception
//! Frames"), and its text is what the executable `PT_LOAD` covers.

use unwinding::custom_eh_frame_finder::{EhFrameFinder, FrameInfo, FrameInfoKind, set_custom_eh_frame_finder};

use super::start::aux;
use super::tcb::load_base;

const PT_LOAD: u32 = 1;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const PF_X: u32 = 1;

struct Image;

static IMAGE: Image = Image;

// SAFETY: what is answered comes from the program's own headers, and stays as long as the program.
unsafe impl EhFrameFinder for Image {
    fn find(&self, pc: usize) -> Option<FrameInfo> {
        let aux = aux()?;
        // SAFETY: the headers were there at the start, and nobody unmaps them.
        let base = unsafe { load_base(aux) };
        let (mut text, mut tables) = (None, None);
        for index in 0..aux.phnum {
            let header = (aux.phdr + index * aux.phent) as *const u32;
            // SAFETY: as above; fields as in the ELF format: type, flags, then words of eight bytes.
            let (kind, flags, address, size) = unsafe {
                let words = header.cast::<usize>();
                (*header, *header.add(1), base + *words.add(2), *words.add(5))
            };
            match kind {
                PT_LOAD if flags & PF_X != 0 && (address..address + size).contains(&pc) => text = Some(address),
                PT_GNU_EH_FRAME => tables = Some(address),
                _ => {}
            }
        }
        Some(FrameInfo { text_base: Some(text?), kind: FrameInfoKind::EhFrameHdr(tables?) })
    }
}

/// Tells the unwinder.
pub fn init() {
    // It can only be set once, and this is the one place.
    let _ = set_custom_eh_frame_finder(&IMAGE);
}
