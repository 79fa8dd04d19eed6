//! Processes: fork, exec, spawn, wait, groups, sessions, users, limits; what is hostile or too much; and that nothing is left of
//! them. Argument: how many times fork, exec and wait are done in a row (default 10000).

#[cfg(target_os = "redox")]
#[path = "../process/bad.rs"]
mod bad;
#[cfg(target_os = "redox")]
#[path = "../process/bounds.rs"]
mod bounds;
#[cfg(target_os = "redox")]
#[path = "../process/hunger.rs"]
mod hunger;
#[cfg(target_os = "redox")]
#[path = "../process/life.rs"]
mod life;
#[cfg(target_os = "redox")]
#[path = "../process/many.rs"]
mod many;
#[cfg(target_os = "redox")]
#[path = "../process/programs.rs"]
mod programs;
#[cfg(target_os = "redox")]
#[path = "../process/roles.rs"]
mod roles;
#[cfg(target_os = "redox")]
#[path = "../process/who.rs"]
mod who;

#[cfg(target_os = "redox")]
fn main() {
    if let Some(role) = ochre_guest::role() {
        return roles::play(&role);
    }
    ochre_guest::run(&[
        ("a child ends and is waited for", life::fork_exit_wait),
        ("a child has copies", life::inherits),
        ("a child has what its parent has of a file", life::inherits_mapped_files),
        ("waits with every option", life::waits),
        ("orphans", life::orphans),
        ("how a child ends", life::ends),
        ("a process whose first thread has left", life::first_thread_leaves),
        ("another program", programs::executes),
        ("what another program keeps", programs::keeps),
        ("scripts", programs::scripts),
        ("spawned with actions", programs::spawned),
        ("commands of std", programs::commands),
        ("another program out of a second thread", programs::from_a_thread),
        ("fork among threads", programs::fork_among_threads),
        ("groups and sessions", who::groups),
        ("stopped and continued", who::stops),
        ("users", who::users),
        ("supplementary groups", who::more_groups),
        ("priorities", who::priorities),
        ("what everybody can read", who::texts),
        ("memory that is there", who::resident_memory),
        // From here on the kernel keeps room for so many threads.
        ("500 processes at once", many::at_once),
        ("200 threads in one process", many::threads),
        ("limits", bad::limits),
        ("limits of processor time", bounds::processor_time),
        ("limits of files", bounds::files),
        ("limits of stacks", bounds::stacks),
        ("arguments that are too long", bad::arguments),
        ("hostile programs", bad::hostile),
        ("no descriptors left", bad::descriptors),
        ("no memory left", bad::memory),
        ("no memory left, and the system goes on", hunger::system_goes_on),
        ("many in a row", many::in_a_row),
    ])
}

#[cfg(not(target_os = "redox"))]
fn main() {}
