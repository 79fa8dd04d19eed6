//! The order of services: each behind those that it is started behind.

use std::collections::BTreeSet;

use crate::unit::Unit;

/// Puts services in order, the first by name first where it does not matter. What is wrong is told: names that nobody has,
/// circles (those in one are left out), two services of one name.
pub fn order(mut units: Vec<Unit>) -> (Vec<Unit>, Vec<String>) {
    let mut complaints = Vec::new();
    units.sort_by(|a, b| a.name.cmp(&b.name));
    units.dedup_by(|b, a| {
        let same = a.name == b.name;
        if same {
            complaints.push(format!("{}: there are two of this name; one is used", a.name));
        }
        same
    });
    behind_base(&mut units);
    loop {
        let known: BTreeSet<String> = units.iter().map(|unit| unit.name.clone()).collect();
        let impossible = |unit: &Unit| unit.needs.iter().find(|name| !known.contains(*name)).cloned();
        let count = units.len();
        units.retain(|unit| match impossible(unit) {
            None => true,
            Some(name) => {
                complaints.push(format!("{}: it needs {name}, which is not there; it is left out", unit.name));
                false
            }
        });
        if units.len() == count {
            break;
        }
    }
    let (ordered, circle) = sort(units);
    for unit in &circle {
        complaints.push(format!("{}: it waits for itself, through {}; it is left out", unit.name, names(&circle)));
    }
    (ordered, complaints)
}

/// Puts all that is not base behind all that is.
fn behind_base(units: &mut [Unit]) {
    let base: Vec<String> = units.iter().filter(|unit| unit.base).map(|unit| unit.name.clone()).collect();
    for unit in units.iter_mut().filter(|unit| !unit.base) {
        let more: Vec<String> = base.iter().filter(|name| unit.before().all(|own| own != *name)).cloned().collect();
        unit.after.extend(more);
    }
}

fn names(units: &[Unit]) -> String {
    units.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Those that can be put in order, and those that cannot.
fn sort(mut left: Vec<Unit>) -> (Vec<Unit>, Vec<Unit>) {
    let mut ordered: Vec<Unit> = Vec::new();
    loop {
        let blocked = |unit: &Unit| unit.before().any(|name| left.iter().any(|other| other.name == name));
        match left.iter().position(|unit| !blocked(unit)) {
            Some(free) => ordered.push(left.remove(free)),
            None => return (ordered, left),
        }
    }
}
