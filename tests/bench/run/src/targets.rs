//! The rows in the order of the table, with the figures Ochre has to reach and aims for.

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name.
    pub name: &'static str,
    /// At most this, in guest instructions (KiB for memory).
    pub reach: Option<u64>,
    /// Better this.
    pub aim: Option<u64>,
    /// By the wall's clock: at most so many times Linux's figure, better so many times.
    pub ratio: Option<(f64, f64)>,
}

const fn target(name: &'static str, reach: u64, aim: u64) -> Target {
    Target { name, reach: Some(reach), aim: Some(aim), ratio: None }
}

/// All of them.
pub const ALL: &[Target] = &[
    target("null_call", 150, 90),
    target("clock", 150, 70),
    target("yield", 400, 250),
    target("switch_threads", 900, 500),
    target("switch_processes", 900, 500),
    target("scheme_read_1", 2_000, 800),
    target("scheme_read_1_loaded", 2_000, 800),
    target("scheme_read_4k", 3_500, 2_200),
    target("scheme_read_4k_unaligned", 3_500, 2_200),
    target("scheme_read_64k", 20_000, 12_000),
    target("scheme_open_close", 6_000, 4_000),
    target("scheme_fstat", 2_200, 1_400),
    target("ramfs_pread_4k", 3_500, 1_757),
    target("ramfs_open_close", 5_479, 4_000),
    target("ramfs_stat", 3_417, 2_500),
    target("ramfs_create_write_close", 14_312, 9_000),
    target("ramfs_unlink", 8_880, 6_000),
    target("pipe_rtt_1", 4_000, 2_500),
    target("uds_rtt_1", 8_000, 5_000),
    target("futex_rtt", 3_000, 2_000),
    target("event_rtt", 5_000, 3_000),
    target("fault_anon", 1_500, 900),
    target("fault_cow", 2_500, 1_500),
    target("map_touch_unmap", 5_000, 3_000),
    target("malloc_free", 150, 60),
    target("fork_exit_wait", 151_000, 80_000),
    target("fork_exec_wait", 250_000, 150_000),
    target("spawn_wait", 199_000, 120_000),
    target("thread_create_join", 20_000, 10_000),
    target("thread_create_join_10k", 20_000, 10_000),
    target("boot_to_first_program", 60_000_000, 25_000_000),
    target("memory_at_first_program", 16 << 10, 8 << 10),
    Target { name: "boot_to_desktop", reach: None, aim: None, ratio: Some((3.0, 1.5)) },
    Target { name: "boot_to_quiet", reach: None, aim: None, ratio: None },
    target("key_to_pixel", 3_000_000, 1_000_000),
    Target { name: "drag_frame", reach: None, aim: None, ratio: None },
    target("desktop_memory", 128 << 10, 64 << 10),
    target("desktop_wakeups", 20, 5),
    target("restart_vgad", 2_000_000_000, 500_000_000),
    target("restart_inputd", 2_000_000_000, 500_000_000),
    target("restart_orbitald", 2_000_000_000, 500_000_000),
    target("restart_ptyd", 2_000_000_000, 500_000_000),
];
