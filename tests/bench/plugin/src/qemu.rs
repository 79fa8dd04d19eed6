//! The few functions of QEMU's plugin interface that are used, by the names and types that `qemu-plugin.h` of version 7.2
//! gives them. QEMU's program exports them; they are resolved when it loads the plugin.

use std::ffi::{c_int, c_uint, c_void};

/// What QEMU calls this plugin by.
pub type PluginId = u64;

/// `struct qemu_plugin_tb`: a block being translated.
#[repr(C)]
pub struct Tb {
    _private: [u8; 0],
}

/// `struct qemu_plugin_insn`: one of its instructions.
#[repr(C)]
pub struct Insn {
    _private: [u8; 0],
}

/// `QEMU_PLUGIN_CB_NO_REGS`: the function looks at no register.
pub const NO_REGS: c_int = 0;
/// `QEMU_PLUGIN_INLINE_ADD_U64`.
pub const ADD_U64: c_int = 0;

/// Called while a block is translated.
pub type TranslatedFn = extern "C" fn(id: PluginId, tb: *mut Tb);
/// Called while the guest runs.
pub type RunFn = extern "C" fn(cpu: c_uint, data: *mut c_void);

unsafe extern "C" {
    pub fn qemu_plugin_register_vcpu_tb_trans_cb(id: PluginId, function: TranslatedFn);
    pub fn qemu_plugin_register_vcpu_tb_exec_cb(tb: *mut Tb, function: RunFn, flags: c_int, data: *mut c_void);
    pub fn qemu_plugin_register_vcpu_insn_exec_cb(insn: *mut Insn, function: RunFn, flags: c_int, data: *mut c_void);
    pub fn qemu_plugin_register_vcpu_insn_exec_inline(insn: *mut Insn, op: c_int, value: *mut c_void, add: u64);
    pub fn qemu_plugin_tb_n_insns(tb: *const Tb) -> usize;
    pub fn qemu_plugin_tb_vaddr(tb: *const Tb) -> u64;
    pub fn qemu_plugin_tb_get_insn(tb: *const Tb, index: usize) -> *mut Insn;
    pub fn qemu_plugin_insn_data(insn: *const Insn) -> *const c_void;
    pub fn qemu_plugin_insn_size(insn: *const Insn) -> usize;
}
