//! The PCI bus (PCI Local Bus 3.0, PCI Express Base 3.0): what can be known of it without touching hardware, so that the tests
//! reach it with made-up buses, also hostile ones.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | the way to configuration space: memory-mapped or by two ports |
//! | [`acpi`] | where the firmware says that the memory-mapped one is |
//! | [`scan`] | which functions there are, behind which bridges |
//! | [`function`] | what a function says of itself: ids, regions, capabilities |
//! | [`signal`] | message-signalled interrupts |
//! | [`control`] | letting a function work, and making it quiet |
//! | [`manifest`] | drivers' toml files |
//! | [`plan`] | what a driver is given |
//! | [`backoff`] | when a driver that died is started again |
//! | [`scheme`] | the scheme `pci` |
#![forbid(unsafe_code)]

pub mod acpi;
pub mod backoff;
pub mod config;
pub mod control;
pub mod function;
pub mod manifest;
pub mod plan;
pub mod scan;
pub mod scheme;
pub mod signal;

#[cfg(test)]
mod fake;
