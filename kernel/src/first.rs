//! The first program: `bin/bootstrap` of the initfs, loaded by the kernel itself. When its first thread ends, everything does.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::cpio;
use kernel_core::vma::Prot;
use ochre_abi::elf::{self, Segment};
use ochre_abi::{UPPER, auxv, boot_fd};
use syscall::{GlobalSchemes, O_RDWR};

use crate::arch::boot;
use crate::context::files::FileTable;
use crate::context::{Thread, signal, thread as threads};
use crate::memory::archive::{self, Archive};
use crate::memory::space::{Backing, Place};
use crate::memory::{AddressSpace, PAGE_SIZE};
use crate::scheme::proc::ThreadHandle;
use crate::scheme::user::socket::CreationCapability;
use crate::scheme::{self, Description, Object};

/// Its path in the initfs.
const PATH: &str = "bin/bootstrap";

const READ: Prot = Prot { read: true, write: false, exec: false };
const READ_WRITE: Prot = Prot { read: true, write: true, exec: false };

/// Slot of its first thread, which no other thread can have after it.
static THREAD: AtomicU32 = AtomicU32::new(u32::MAX);

/// Whether this is its first thread.
pub fn is_first(thread: &Thread) -> bool {
    thread.slot() == THREAD.load(Ordering::Relaxed)
}

/// Loads and starts it. An error is a sentence for whoever sees the screen.
pub fn start() -> Result<(), String> {
    let (range, archive) = match (crate::initfs_range(), boot::initfs()) {
        (Some(range), Some(archive)) => (range, archive),
        _ => return Err("the loader gave no initfs".to_string()),
    };
    if !range.0.is_multiple_of(PAGE_SIZE as u64) {
        return Err(format!("the initfs is not page-aligned but at {:#x}", range.0));
    }
    if let Some(Err(damaged)) = cpio::entries(archive).find(|entry| entry.is_err()) {
        return Err(format!("the initfs is no cpio archive (newc), or damaged: {damaged:?}"));
    }
    let file = cpio::find(archive, PATH).ok_or_else(|| format!("the initfs has no {PATH}"))?;
    load(file, range).map_err(|why| format!("{PATH}: {why}"))
}

fn load(file: &[u8], initfs: (u64, u64)) -> Result<(), String> {
    let user = ochre_abi::USER_BASE as u64..ochre_abi::STACK_TOP as u64 - ochre_abi::STACK_SIZE as u64;
    let program = elf::parse(file, user, ochre_abi::PIE_BASE as u64).map_err(|error| error.to_string())?;
    let error = |error: syscall::Error| error.to_string();
    let space = AddressSpace::with_reserve().map_err(error)?;
    let archive_len = (initfs.1 - initfs.0) as usize;
    archive::init(initfs.0, initfs.1).map_err(|_| "no memory is left".to_string())?;
    let pager = archive::get().map_err(error)?;
    for segment in program.segments.iter() {
        load_segment(&space, segment, file, &pager).map_err(error)?;
    }
    let backing = Backing::Object { pager, page: 0, private: false, writable: false };
    let archive = space.map(Place::Hint(0), archive_len, READ, backing).map_err(error)?;
    let cmdline = boot::info().map_or("", |info| info.cmdline.as_str());
    let text = space.map(Place::Hint(0), cmdline.len().max(1), READ, Backing::Anonymous).map_err(error)?;
    space.fill(text, cmdline.as_bytes()).map_err(error)?;

    let stack = ochre_abi::STACK_TOP - ochre_abi::STACK_SIZE;
    space.map(Place::Exact(stack), ochre_abi::STACK_SIZE, READ_WRITE, Backing::Anonymous).map_err(error)?;
    let name = b"bootstrap\0";
    let name_at = ochre_abi::STACK_TOP - 16;
    space.fill(name_at, name).map_err(error)?;
    let words: Vec<usize> = vec![
        1,
        name_at,
        0, // argc, argv
        0, // envp
        3,
        program.headers as usize,
        4,
        program.header_size,
        5,
        program.header_count,
        7,
        0,
        9,
        program.entry as usize,
        auxv::THR_FD,
        boot_fd::THREAD,
        auxv::INITFS_PTR,
        archive,
        auxv::INITFS_LEN,
        archive_len,
        auxv::CMDLINE_PTR,
        text,
        auxv::CMDLINE_LEN,
        cmdline.len(),
        0,
        0,
    ];
    let sp = (name_at - words.len() * 8) & !15;
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    space.fill(sp, &bytes).map_err(error)?;

    let thread = threads::create().map_err(error)?;
    let handle = Arc::new(ThreadHandle::adopt(thread, true));
    let mut title = [0u8; 32];
    title[..9].copy_from_slice(&name[..9]);
    thread.set_identity(1, 0, 0, &title);
    thread.set_space(Some(space)).map_err(error)?;
    thread.set_files(Some(descriptors(handle).map_err(error)?)).map_err(error)?;
    let mut regs = thread.arch.registers();
    regs.rip = program.entry as usize;
    regs.rsp = sp;
    thread.arch.set_registers(&regs);
    THREAD.store(thread.slot(), Ordering::Relaxed);
    signal::start(thread, || Ok(())).map_err(error)
}

/// Maps a segment. What is only read is the archive's own memory if the file begins at a page there; else it is copied.
fn load_segment(space: &AddressSpace, segment: &Segment, file: &[u8], pager: &Arc<Archive>) -> syscall::Result<()> {
    let pages = segment.pages();
    let (start, len) = (pages.start as usize, (pages.end - pages.start) as usize);
    let prot = Prot { read: true, write: segment.write, exec: segment.exec };
    if !segment.write
        && segment.memory_len == segment.file_len
        && let Some(offset) = pager.offset(file)
    {
        let page = (offset + segment.file_offset as usize) / PAGE_SIZE;
        let backing = Backing::Object { pager: pager.clone(), page, private: true, writable: false };
        return space.map(Place::Exact(start), len, prot, backing).map(drop);
    }
    space.map(Place::Exact(start), len, prot, Backing::Anonymous)?;
    space.fill(segment.address as usize, &file[segment.file_offset as usize..][..segment.file_len as usize])
}

/// The descriptors it starts with (`ochre_abi::boot_fd`).
fn descriptors(thread: Arc<dyn Object>) -> syscall::Result<Arc<FileTable>> {
    let files = FileTable::new();
    let console = scheme::debug::Root.openat("", O_RDWR)?;
    let console = Description::kernel(console, O_RDWR);
    for fd in 0..3 {
        files.insert(fd, console.clone())?;
    }
    let roots: [(GlobalSchemes, Arc<dyn Object>); 10] = [
        (GlobalSchemes::Debug, Arc::new(scheme::debug::Root)),
        (GlobalSchemes::Event, Arc::new(scheme::event::Root)),
        (GlobalSchemes::Memory, Arc::new(scheme::memory::Root)),
        (GlobalSchemes::Pipe, Arc::new(scheme::pipe::Root)),
        (GlobalSchemes::Serio, Arc::new(scheme::serio::Root)),
        (GlobalSchemes::Irq, Arc::new(scheme::irq::Root)),
        (GlobalSchemes::Time, Arc::new(scheme::time::Root)),
        (GlobalSchemes::Sys, Arc::new(scheme::sys::Root)),
        (GlobalSchemes::Proc, Arc::new(scheme::proc::Root)),
        (GlobalSchemes::Acpi, Arc::new(scheme::acpi::Root)),
    ];
    for (scheme, root) in roots {
        files.insert(UPPER | scheme as usize, Description::kernel(root, O_RDWR))?;
    }
    files.insert(boot_fd::SCHEME_CREATION_CAP, Description::kernel(Arc::new(CreationCapability), O_RDWR))?;
    files.insert(boot_fd::THREAD, Description::kernel(thread, O_RDWR))?;
    Ok(files)
}
