//! What a new program finds on its stack (System V ABI AMD64, section 3.4.1).

use core::ptr::copy_nonoverlapping;

use ochre_abi::{STACK_TOP, auxv};
use syscall::error::{E2BIG, Error, Result};

use super::space::Space;
use super::strings::Strings;
use super::tcb::PAGE;
use super::{limits, sys};

const WORD: usize = size_of::<usize>();

/// The contents of the stack.
pub struct Stack<'a> {
    /// Arguments.
    pub args: Strings<'a>,
    /// Environment.
    pub env: Strings<'a>,
    /// Current directory.
    pub directory: &'a [u8],
    /// The auxiliary vector without the directory; entries of kind 0 are left out.
    pub auxiliary: &'a [(usize, usize)],
}

impl Stack<'_> {
    /// Maps and fills the stack of a new space; answers the stack pointer. `E2BIG`.
    pub fn build(&self, space: &Space) -> Result<usize> {
        let ((args, arg_bytes), (env, env_bytes)) = (self.args.measure(), self.env.measure());
        let strings = arg_bytes + env_bytes + self.directory.len();
        // The count, both lists with their ends, the auxiliary vector with its end and the two entries of the directory.
        let words = 1 + args + 1 + env + 1 + 2 * (self.auxiliary.len() + 3);
        let size = strings + words * WORD + 32;
        if size > limits::arguments() {
            return Err(Error::new(E2BIG));
        }
        let size = size.next_multiple_of(PAGE);
        space.map(STACK_TOP - limits::stack()..STACK_TOP)?;
        let local = sys::map_anonymous(size)?;
        let block = Block { local, bottom: STACK_TOP - size };
        // SAFETY: the fresh mapping has room for all that was counted, and is given back afterwards.
        let result = unsafe {
            let sp = self.fill(&block, STACK_TOP - strings, words, args);
            let used = core::slice::from_raw_parts(block.of(sp) as *const u8, STACK_TOP - sp);
            space.write(sp, used).map(|()| sp)
        };
        // SAFETY: the slice is gone.
        let _ = unsafe { sys::funmap(local, size) };
        result
    }

    /// # Safety
    /// The block has room for `words` words, the strings from `text` on, and 16 bytes for alignment.
    unsafe fn fill(&self, block: &Block, text: usize, words: usize, args: usize) -> usize {
        let sp = (text - words * WORD) & !15;
        let (mut at, mut address) = (sp, text);
        let mut push = |word: usize| {
            // SAFETY: within the block: `words` were counted.
            unsafe { (block.of(at) as *mut usize).write(word) };
            at += WORD;
        };
        push(args);
        for list in [&self.args, &self.env] {
            list.each(|text| {
                push(address);
                // SAFETY: within the block: the strings were counted. Their ends are zero already.
                unsafe { copy_nonoverlapping(text.as_ptr(), block.of(address) as *mut u8, text.len()) };
                address += text.len() + 1;
            });
            push(0);
        }
        // SAFETY: as above.
        unsafe { copy_nonoverlapping(self.directory.as_ptr(), block.of(address) as *mut u8, self.directory.len()) };
        let directory = [(auxv::CWD_PTR, address), (auxv::CWD_LEN, self.directory.len())];
        for &(kind, value) in self.auxiliary.iter().chain(&directory).filter(|(kind, _)| *kind != 0) {
            push(kind);
            push(value);
        }
        push(0);
        push(0);
        sp
    }
}

/// Memory here that becomes the top of the stack there.
struct Block {
    local: usize,
    bottom: usize,
}

impl Block {
    /// Where an address of the new stack is now.
    fn of(&self, address: usize) -> usize {
        address - self.bottom + self.local
    }
}
