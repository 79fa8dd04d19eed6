//! The table for people and the list for programs.

use serde_json::{Value, json};

use crate::output::{Figure, Report};
use crate::qemu::Mode;
use crate::targets::{self, Target};

/// Both systems in one mode.
#[derive(Debug)]
pub struct Comparison {
    /// How time was measured.
    pub mode: Mode,
    /// Ochre, where it ran.
    pub ochre: Option<Report>,
    /// Linux, where it ran.
    pub linux: Option<Report>,
}

impl Comparison {
    /// Turns ticks into the unit of the mode. Under icount a tick is an instruction already. Otherwise both guests read the
    /// host's counter, so one factor serves both: Linux's, whose clock is the judge, or Ochre's own where it is alone.
    pub fn convert(&mut self) {
        if self.mode == Mode::Icount {
            return;
        }
        let ns_per_tick = [&self.linux, &self.ochre].into_iter().flatten().find_map(Report::ns_per_tick);
        for report in [&mut self.linux, &mut self.ochre].into_iter().flatten() {
            report.scale(ns_per_tick.unwrap_or(1.0));
        }
    }

    fn figures(&self, name: &str) -> (Option<Figure>, Option<Figure>) {
        let find = |report: &Option<Report>| report.as_ref().and_then(|report| report.rows.get(name).copied());
        (find(&self.ochre), find(&self.linux))
    }

    fn reason(&self, name: &str) -> Option<String> {
        let skipped = |system: &str, report: &Option<Report>| {
            let reason = report.as_ref()?.skipped.get(name)?;
            Some(format!("{system}: {reason}"))
        };
        let reasons: Vec<String> =
            [skipped("Ochre", &self.ochre), skipped("Linux", &self.linux)].into_iter().flatten().collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// Rows that at least one system has something to say about.
    fn rows(&self) -> impl Iterator<Item = &'static Target> + '_ {
        targets::ALL.iter().filter(|row| {
            let (ochre, linux) = self.figures(row.name);
            ochre.is_some() || linux.is_some() || self.reason(row.name).is_some()
        })
    }

    fn unit(&self, name: &str) -> &'static str {
        match self.figures(name) {
            _ if name == "desktop_wakeups" => "per second",
            (Some(figure), _) | (None, Some(figure)) if !figure.ticks => "KiB",
            _ => self.mode.unit(),
        }
    }

    /// The entries of `build/bench.json`.
    pub fn json(&self) -> Vec<Value> {
        let number = |figure: Option<Figure>| figure.map_or(Value::Null, |figure| json!(round(figure.min)));
        self.rows()
            .map(|row| {
                let (ochre, linux) = self.figures(row.name);
                json!({
                    "name": row.name,
                    "unit": self.unit(row.name),
                    "mode": self.mode.name(),
                    "ochre": number(ochre),
                    "linux": number(linux),
                    "ratio": ratio(ochre, linux).map_or(Value::Null, |ratio| json!((ratio * 1000.0).round() / 1000.0)),
                })
            })
            .collect()
    }

    /// The table: cheapest batch, median in brackets where it differs, ratio of the two systems, the figures to reach.
    pub fn table(&self) -> String {
        let mut text = match self.mode {
            Mode::Icount => String::from("\nicount, 1 CPU: guest instructions (memory in KiB)\n\n"),
            Mode::Tcg => {
                String::from("\nplain tcg, 2 CPUs: nanoseconds of wall time; only the ratio means something\n\n")
            }
        };
        text += &format!("{:<26}{:>24}{:>24}{:>10}{:>15}{:>15}\n", "row", "Ochre", "Linux", "ratio", "reach", "aim");
        for row in self.rows() {
            let (ochre, linux) = self.figures(row.name);
            let (mut reach, mut aim, mut verdict) = (String::new(), String::new(), String::new());
            // The figures to reach are instructions.
            if self.mode == Mode::Icount {
                let goal = |goal: Option<u64>| goal.map_or(String::from("-"), |goal| thousands(goal as f64));
                (reach, aim) = (goal(row.reach), goal(row.aim));
                verdict = ochre.map_or(String::new(), |figure| verdict_of(row, figure.min).into());
            }
            let of_linux = ratio(ochre, linux);
            if let (Mode::Tcg, Some((most, better))) = (self.mode, row.ratio) {
                (reach, aim) = (format!("{most:.1} x"), format!("{better:.1} x"));
                verdict = of_linux.map_or(String::new(), |ratio| verdict_of_ratio(ratio, most, better).into());
            }
            if let Some(reason) = self.reason(row.name) {
                verdict += &format!("  {reason}");
            }
            let ratio = of_linux.map_or(String::from("-"), |ratio| format!("{ratio:.3}"));
            let line = format!(
                "{:<26}{:>24}{:>24}{ratio:>10}{reach:>15}{aim:>15}  {verdict}",
                row.name,
                cell(ochre),
                cell(linux)
            );
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

fn verdict_of(row: &Target, value: f64) -> &'static str {
    let within = |goal: Option<u64>| goal.is_some_and(|goal| value <= goal as f64);
    if row.reach.is_none() {
        ""
    } else if within(row.aim) {
        "aim"
    } else if within(row.reach) {
        "reached"
    } else {
        "MISSED"
    }
}

fn verdict_of_ratio(ratio: f64, reach: f64, aim: f64) -> &'static str {
    match ratio {
        ratio if ratio <= aim => "aim",
        ratio if ratio <= reach => "reached",
        _ => "MISSED",
    }
}

fn ratio(ochre: Option<Figure>, linux: Option<Figure>) -> Option<f64> {
    let (ochre, linux) = (ochre?, linux?);
    (linux.min > 0.0).then(|| ochre.min / linux.min)
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn cell(figure: Option<Figure>) -> String {
    let Some(figure) = figure else { return "n/a".into() };
    if (figure.median - figure.min).abs() < figure.min * 0.01 {
        return thousands(figure.min);
    }
    format!("{} ({})", thousands(figure.min), thousands(figure.median))
}

/// A number with commas; one decimal below a hundred.
pub fn thousands(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &str, min: f64) -> Report {
        let mut report = Report::default();
        report.rows.insert(name.into(), Figure { ticks: true, min, median: min });
        report
    }

    #[test]
    fn json_has_the_agreed_fields() {
        let both = Comparison {
            mode: Mode::Icount,
            ochre: Some(report("scheme_read_1", 1500.04)),
            linux: Some(report("scheme_read_1", 15000.0)),
        };
        let expected = json!({
            "name": "scheme_read_1", "unit": "instructions", "mode": "icount",
            "ochre": 1500.0, "linux": 15000.0, "ratio": 0.1
        });
        assert_eq!(both.json(), [expected]);
    }

    #[test]
    fn what_is_missing_is_null() {
        let mut ochre = Report::default();
        ochre.skipped.insert("spawn_wait".into(), "no fork yet".into());
        let one = Comparison { mode: Mode::Tcg, ochre: Some(ochre), linux: None };
        assert_eq!(one.json()[0]["ratio"], Value::Null);
        assert!(one.table().contains("no fork yet"));
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(thousands(100.0), "100");
        assert_eq!(thousands(12.34), "12.3");
    }

    #[test]
    fn the_way_to_the_desktop_is_judged_by_its_ratio() {
        let table = |ochre, linux| {
            let (ochre, linux) = (Some(report("boot_to_desktop", ochre)), Some(report("boot_to_desktop", linux)));
            Comparison { mode: Mode::Tcg, ochre, linux }.table()
        };
        assert!(table(140.0, 100.0).contains("1.5 x  aim"));
        assert!(table(290.0, 100.0).contains("1.5 x  reached"));
        assert!(table(310.0, 100.0).contains("1.5 x  MISSED"));
    }

    #[test]
    fn verdicts() {
        let row = targets::ALL.iter().find(|row| row.name == "scheme_read_1").unwrap();
        assert_eq!(verdict_of(row, 800.0), "aim");
        assert_eq!(verdict_of(row, 2000.0), "reached");
        assert_eq!(verdict_of(row, 2000.1), "MISSED");
    }
}
