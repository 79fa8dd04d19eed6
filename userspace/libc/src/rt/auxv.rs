//! What a process finds on its stack when it starts (System V ABI AMD64, section 3.4.1), and the auxiliary vector in it.

use core::ffi::{c_char, c_int};

use ochre_abi::auxv;

/// Kinds of entries that every ELF system has (System V ABI AMD64, table 3.11).
const AT_NULL: usize = 0;
const AT_PHDR: usize = 3;
const AT_PHENT: usize = 4;
const AT_PHNUM: usize = 5;

/// The start of the stack, taken apart.
#[derive(Clone, Copy)]
pub struct Start {
    /// Number of arguments.
    pub argc: c_int,
    /// The arguments, ended by a null pointer.
    pub argv: *mut *mut c_char,
    /// The environment, ended by a null pointer.
    pub envp: *mut *mut c_char,
    /// The auxiliary vector.
    pub aux: Aux,
    /// Where it begins: pairs of kind and value, ended by a kind of 0.
    pub vector: *const usize,
}

/// The entries of the auxiliary vector that libc uses.
#[derive(Clone, Copy, Default)]
pub struct Aux {
    /// Address, entry size and number of the program headers.
    pub phdr: usize,
    /// Bytes of a program header.
    pub phent: usize,
    /// Number of program headers.
    pub phnum: usize,
    /// Descriptor of the first thread.
    pub thread: Option<usize>,
    /// Descriptor of the descriptor table.
    pub filetable: Option<usize>,
    /// Descriptor of the process at the process manager.
    pub process: Option<usize>,
    /// Descriptor of the name space.
    pub namespace: Option<usize>,
    /// Address and length of the current directory's path.
    pub cwd: (usize, usize),
    /// File mode creation mask.
    pub umask: Option<usize>,
    /// Signals that are blocked, and those that are ignored.
    pub signals: (usize, usize),
    /// Limits of files and of the next program's stack, if they are not the usual ones.
    pub file_size: Option<usize>,
    /// See `file_size`.
    pub stack: Option<usize>,
    /// The process is `bootstrap`, started by the kernel.
    pub bootstrap: bool,
}

impl Start {
    /// Takes the stack apart.
    ///
    /// # Safety
    /// `stack` is the stack pointer at the entry of the process.
    #[inline(always)]
    pub unsafe fn parse(stack: *mut usize) -> Self {
        // SAFETY: the layout is what the ABI promises, each list with its end.
        unsafe {
            let argc = *stack;
            let argv = stack.add(1);
            let envp = argv.add(argc + 1);
            let mut at = envp;
            while *at != 0 {
                at = at.add(1);
            }
            at = at.add(1);
            let vector = at;
            let mut aux = Aux::default();
            while *at != AT_NULL {
                aux.take(*at, *at.add(1));
                at = at.add(2);
            }
            Start { argc: argc as c_int, argv: argv.cast(), envp: envp.cast(), aux, vector }
        }
    }
}

impl Aux {
    // Written without a `match`: this runs before relocation, when a jump table of absolute addresses does not work yet.
    #[inline(always)]
    fn take(&mut self, kind: usize, value: usize) {
        if kind == AT_PHDR {
            self.phdr = value;
        } else if kind == AT_PHENT {
            self.phent = value;
        } else if kind == AT_PHNUM {
            self.phnum = value;
        } else if kind == auxv::THR_FD {
            self.thread = Some(value);
        } else if kind == auxv::FILETABLE_FD {
            self.filetable = Some(value);
        } else if kind == auxv::PROC_FD {
            self.process = Some(value);
        } else if kind == auxv::NS_FD {
            self.namespace = Some(value);
        } else if kind == auxv::CWD_PTR {
            self.cwd.0 = value;
        } else if kind == auxv::CWD_LEN {
            self.cwd.1 = value;
        } else if kind == auxv::UMASK {
            self.umask = Some(value);
        } else if kind == auxv::SIGPROC_MASK {
            self.signals.0 = value;
        } else if kind == auxv::SIGIGN_MASK {
            self.signals.1 = value;
        } else if kind == auxv::FILE_SIZE_LIMIT {
            self.file_size = Some(value);
        } else if kind == auxv::STACK_LIMIT {
            self.stack = Some(value);
        } else if kind == auxv::INITFS_PTR {
            self.bootstrap = true;
        }
    }
}
