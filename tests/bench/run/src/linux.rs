//! Makes a Linux guest out of Debian's kernel package and the benchmark program.
//!
//! The kernel is started like Ochre's, through PVH, so it is taken out of its compressed wrapper first: neither system pays
//! for decompression, and the way to the kernel's entry is the same for both.

use std::fs;
use std::path::{Path, PathBuf};

use ochre_installer::initfs::{self, Archive};

/// What turns Linux's extras off and leaves it at its best.
pub const OPTIONS: &str = "console=ttyS0 quiet mitigations=off nokaslr norandmaps init_on_alloc=0 psi=0 lsm= audit=0 \
    randomize_kstack_offset=off cryptomgr.notests tsc=reliable panic=-1";

/// A kernel of the distribution and the module behind `/dev/fuse`.
#[derive(Debug)]
pub struct Package {
    /// Boot image.
    pub image: PathBuf,
    /// `fuse.ko`.
    pub fuse: PathBuf,
}

impl Package {
    /// Finds the newest cloud kernel below `root`, which is `/` or where a package was unpacked.
    pub fn find(root: &Path) -> Result<Self, String> {
        let boot = root.join("boot");
        let mut names: Vec<String> = fs::read_dir(&boot)
            .map_err(|error| format!("{}: {error}", boot.display()))?
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.starts_with("vmlinuz-") && name.ends_with("cloud-amd64"))
            .collect();
        names.sort_by_key(|name| version_key(name));
        let name = names.pop().ok_or_else(|| format!("no linux-image-cloud-amd64 below {}", root.display()))?;
        let release = name.trim_start_matches("vmlinuz-");
        let modules = ["lib/modules", "usr/lib/modules"].map(|dir| root.join(dir).join(release));
        let fuse = modules
            .iter()
            .map(|dir| dir.join("kernel/fs/fuse/fuse.ko"))
            .find(|path| path.is_file())
            .ok_or_else(|| format!("no fuse.ko for {release} below {}", root.display()))?;
        Ok(Self { image: boot.join(name), fuse })
    }

    /// Release of the kernel, as `uname -r` would tell.
    pub fn release(&self) -> String {
        let name = self.image.file_name().unwrap_or_default().to_string_lossy();
        name.trim_start_matches("vmlinuz-").to_owned()
    }
}

/// Numbers inside a name count as numbers: 6.1.0-9 comes before 6.1.0-56.
fn version_key(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

/// The first root file system: the program as `/init`, the small program it executes, the one with another heap, the module.
pub fn initramfs(bench: Vec<u8>, small: Vec<u8>, heap: Vec<u8>, fuse: Vec<u8>) -> Result<Vec<u8>, initfs::Error> {
    let mut archive = Archive::new();
    for dir in ["dev", "proc", "tmp"] {
        archive.directory(dir)?;
    }
    archive.character_device("dev/console", 5, 1)?;
    archive.file("init", bench)?;
    archive.file("true", small)?;
    archive.file("heap", heap)?;
    archive.file("fuse.ko", fuse)?;
    Ok(archive.to_bytes())
}

/// The ELF file inside a boot image (Linux `Documentation/x86/boot.rst`: `setup_sects` at 0x1f1, `payload_offset` at 0x248,
/// `payload_length` at 0x24c, relative to the protected-mode code).
pub fn unwrap_kernel(image: &[u8]) -> Result<Vec<u8>, String> {
    if image.get(0x202..0x206) != Some(b"HdrS") {
        return Err("not a boot image: no HdrS".into());
    }
    let sectors = match image[0x1f1] {
        0 => 4,
        n => usize::from(n),
    };
    let start = (sectors + 1) * 512 + u32_at(image, 0x248)? as usize;
    let length = u32_at(image, 0x24c)? as usize;
    let payload = image.get(start..start + length).ok_or("the payload ends beyond the boot image")?;
    // The build appends the unpacked size to the payload.
    let size = u32_at(payload, payload.len().saturating_sub(4))? as usize;
    let kernel = unlz4(&payload[..payload.len() - 4], size)?;
    if kernel.starts_with(b"\x7fELF") { Ok(kernel) } else { Err("the payload is not an ELF file".into()) }
}

/// Unpacks the LZ4 "legacy" frame: a magic number, then blocks of 8 MiB, each behind its packed size.
fn unlz4(mut packed: &[u8], size: usize) -> Result<Vec<u8>, String> {
    const MAGIC: u32 = 0x184c_2102;
    const BLOCK: usize = 8 << 20;
    if u32_at(packed, 0)? != MAGIC {
        return Err("the kernel is not packed with LZ4".into());
    }
    packed = &packed[4..];
    let mut kernel = Vec::with_capacity(size);
    while packed.len() > 4 {
        let length = u32_at(packed, 0)? as usize;
        let block = packed.get(4..4 + length).ok_or("an LZ4 block ends beyond the payload")?;
        kernel.extend(lz4_flex::block::decompress(block, BLOCK).map_err(|error| error.to_string())?);
        packed = &packed[4 + length..];
    }
    if kernel.len() == size { Ok(kernel) } else { Err(format!("unpacked {} bytes of {size}", kernel.len())) }
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, String> {
    let field = bytes.get(at..at + 4).ok_or("the boot image is too short")?;
    Ok(u32::from_le_bytes([field[0], field[1], field[2], field[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_sort_as_numbers() {
        assert!(version_key("vmlinuz-6.1.0-9-cloud-amd64") < version_key("vmlinuz-6.1.0-56-cloud-amd64"));
    }

    #[test]
    fn what_is_no_boot_image_is_refused() {
        assert!(unwrap_kernel(&[]).is_err());
        assert!(unwrap_kernel(&[0; 4096]).is_err());
    }

    #[test]
    fn a_boot_image_is_unwrapped() {
        let kernel: Vec<u8> = b"\x7fELF".iter().copied().chain((0..5000).map(|n| (n % 7) as u8)).collect();
        let block = lz4_flex::block::compress(&kernel);
        let mut payload = 0x184c_2102_u32.to_le_bytes().to_vec();
        payload.extend((block.len() as u32).to_le_bytes());
        payload.extend(block);
        payload.extend((kernel.len() as u32).to_le_bytes());
        let mut image = vec![0; 1024];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        image.extend(payload);
        assert_eq!(unwrap_kernel(&image), Ok(kernel));
    }
}
