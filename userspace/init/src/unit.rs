//! What a service is: a small toml file, its unit. `docs/services.md` tells people how to write one.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Most bytes of a name.
const NAME_MAX: usize = 64;

/// A service, as its unit describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Name of the file, without its ending.
    #[serde(skip)]
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// Path of the program.
    pub program: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// More of its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// When it counts as ready.
    #[serde(default)]
    pub ready: Ready,
    /// Services that it is started behind, if they are there.
    #[serde(default)]
    pub after: Vec<String>,
    /// Services without which it is not started.
    #[serde(default)]
    pub needs: Vec<String>,
    /// When it is started again.
    #[serde(default)]
    pub restart: Restart,
    /// Schemes that it can name (`*` at the end stands for any rest); all if this is not given.
    pub schemes: Option<Vec<String>>,
    /// Whether it can make schemes.
    #[serde(default)]
    pub makes_schemes: bool,
    /// User and group.
    #[serde(default)]
    pub user: u32,
    /// See `user`.
    #[serde(default)]
    pub group: u32,
    /// Targets that it belongs to; all if there are none.
    #[serde(default)]
    pub targets: Vec<String>,
    /// All that is not base itself is started behind it.
    #[serde(default)]
    pub base: bool,
    /// It may take from the system's reserve of memory, when other programs have taken all else.
    #[serde(default)]
    pub reserve: bool,
    /// The system ends when it has ended: the program that a person sees, or the one that was to be run. It gets init's
    /// own arguments behind its own.
    #[serde(default)]
    pub last: bool,
}

/// When a service counts as ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ready {
    /// When it says so: a byte on the pipe whose number is in `INIT_NOTIFY`.
    #[default]
    Notify,
    /// When it is started.
    Started,
    /// When it has ended with status 0: it does something once.
    Ended,
}

/// When a service that has ended is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Restart {
    /// However it ended, unless somebody stopped it.
    #[default]
    Always,
    /// When it ended by a signal or with another status than 0.
    Failure,
    /// Never.
    Never,
}

impl Unit {
    /// Reads a unit. The error says what is wrong and where.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut unit: Self =
            toml::from_str(text).map_err(|error| format!("{name}: {}", error.to_string().trim_end()))?;
        if !is_name(name) {
            return Err(format!("{name}: a name has letters, digits, `-`, `_` and `.`, at most {NAME_MAX}"));
        }
        unit.name = name.into();
        if !unit.program.starts_with('/') {
            return Err(format!("{name}: program = {:?} is no path from /", unit.program));
        }
        if unit.ready == Ready::Ended && unit.restart == Restart::Always {
            // What does something once is not to be done for ever.
            unit.restart = Restart::Never;
        }
        let words = unit.arguments.iter().chain(unit.environment.keys()).chain(unit.environment.values());
        if words.chain([&unit.program]).any(|word| word.contains('\0')) {
            return Err(format!("{name}: no argument or variable can have a NUL in it"));
        }
        Ok(unit)
    }

    /// The unit of the one program that a boot was asked for: the system ends with it.
    pub fn of_program(path: &str) -> Self {
        let name = path.rsplit('/').next().filter(|name| is_name(name)).unwrap_or("program");
        Self {
            name: name.into(),
            description: "What this boot was asked for".into(),
            program: path.into(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            ready: Ready::Started,
            after: Vec::new(),
            needs: Vec::new(),
            restart: Restart::Never,
            schemes: None,
            makes_schemes: false,
            user: 0,
            group: 0,
            targets: Vec::new(),
            base: false,
            reserve: false,
            last: true,
        }
    }

    /// Whether it is started for a target.
    pub fn is_for(&self, target: &str) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|own| own == target)
    }

    /// All that it is started behind.
    pub fn before(&self) -> impl Iterator<Item = &str> {
        self.needs.iter().chain(&self.after).map(String::as_str)
    }
}

fn is_name(name: &str) -> bool {
    let ordinary = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
    !name.is_empty() && name.len() <= NAME_MAX && !name.starts_with('.') && name.chars().all(ordinary)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "description = 'a thing'\nprogram = '/bin/thing'";

    #[test]
    fn a_small_unit_has_sensible_defaults() {
        let unit = Unit::parse("thing", SMALL).unwrap();
        assert_eq!((unit.ready, unit.restart, unit.last, unit.user), (Ready::Notify, Restart::Always, false, 0));
        assert!(unit.schemes.is_none() && unit.is_for("anything"));
    }

    #[test]
    fn what_is_done_once_is_not_started_again() {
        let unit = Unit::parse("once", &format!("{SMALL}\nready = 'ended'")).unwrap();
        assert_eq!(unit.restart, Restart::Never);
        let unit = Unit::parse("once", &format!("{SMALL}\nready = 'ended'\nrestart = 'failure'")).unwrap();
        assert_eq!(unit.restart, Restart::Failure);
    }

    #[test]
    fn targets_choose() {
        let unit = Unit::parse("thing", &format!("{SMALL}\ntargets = ['desktop']")).unwrap();
        assert!(unit.is_for("desktop") && !unit.is_for("console"));
    }

    #[test]
    fn mistakes_are_told() {
        for (name, text, says) in [
            ("x", "description = 'a'", "program"),
            ("x", "description = 'a'\nprogram = 'thing'", "no path from /"),
            ("x", "description = 'a'\nprogram = '/t'\nprogramm = '/t'", "programm"),
            ("x", "description = 'a'\nprogram = '/t'\nready = 'soon'", "soon"),
            ("x", "description = 'a'\nprogram = '/t'\narguments = [\"a\\u0000\"]", "NUL"),
            ("x/y", SMALL, "a name has"),
            ("", SMALL, "a name has"),
            ("x", "description", "x: "),
        ] {
            let error = Unit::parse(name, text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
