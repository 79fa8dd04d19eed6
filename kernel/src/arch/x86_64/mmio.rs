//! Device memory behind a safe face: mapped once, checked at each access.

/// A piece of device memory that stays mapped.
#[derive(Clone, Copy)]
pub struct DeviceMemory {
    base: usize,
    len: usize,
}

impl DeviceMemory {
    /// Maps the registers of a device that belongs to the kernel, uncached.
    pub fn registers(physical: u64, len: usize) -> Self {
        DeviceMemory { base: crate::memory::map_mmio(physical, len) as usize, len }
    }

    /// Maps the memory of a screen: stores may be gathered.
    pub fn screen(physical: u64, len: usize) -> Self {
        DeviceMemory { base: crate::memory::kmap::map_framebuffer(physical, len) as usize, len }
    }

    /// The same memory as the linear map shows it, below 4 GiB; works before anything can be mapped.
    pub fn linear(physical: u64, len: usize) -> Option<Self> {
        let end = physical.checked_add(len as u64)?;
        (end <= 4 << 30).then(|| DeviceMemory { base: crate::memory::PHYSMAP + physical as usize, len })
    }

    fn at<T>(&self, offset: usize) -> *mut T {
        let fits = offset.checked_add(size_of::<T>()).is_some_and(|end| end <= self.len);
        assert!(fits && offset.is_multiple_of(align_of::<T>()), "device register {offset:#x}");
        (self.base + offset) as *mut T
    }

    /// Reads four bytes.
    pub fn read_u32(&self, offset: usize) -> u32 {
        // SAFETY: `at` has checked that the register is within the mapping.
        unsafe { self.at::<u32>(offset).read_volatile() }
    }

    /// Reads eight bytes.
    pub fn read_u64(&self, offset: usize) -> u64 {
        // SAFETY: as in `read_u32`.
        unsafe { self.at::<u64>(offset).read_volatile() }
    }

    /// Writes eight bytes.
    pub fn write_u64(&self, offset: usize, value: u64) {
        // SAFETY: as in `read_u32`.
        unsafe { self.at::<u64>(offset).write_volatile(value) }
    }

    /// Writes one byte.
    pub fn write_u8(&self, offset: usize, value: u8) {
        // SAFETY: as in `read_u32`.
        unsafe { self.at::<u8>(offset).write_volatile(value) }
    }

    /// Copies bytes to `offset`; what lies beyond the end is dropped. Only for memory, not for registers.
    pub fn copy_from(&self, offset: usize, bytes: &[u8]) {
        let len = bytes.len().min(self.len.saturating_sub(offset));
        // SAFETY: the range is within the mapping, and no reference to it exists.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), (self.base + offset) as *mut u8, len) }
    }
}
