use std::fmt;

use crate::duel::Duel;

pub const HEADINGS: &str = "\
| measure | ours | limit | ratio | must | verdict |
|---|---|---|---|---|---|";

/// One line of the table.
pub struct Row {
    measure: &'static str,
    ours: String,
    limit: String,
    ratio: String,
    must: String,
    verdict: &'static str,
}

impl Row {
    /// Ours must reach this share of the limit.
    pub fn at_least(measure: &'static str, duel: &Duel, unit: &str, must: f64) -> Self {
        Self::of_duel(measure, duel, unit, format!("at least {must:.2}"), duel.ratio >= must)
    }

    /// Ours may take so many times the limit.
    pub fn at_most_times(measure: &'static str, duel: &Duel, unit: &str, must: f64) -> Self {
        Self::of_duel(measure, duel, unit, format!("at most {must:.2}"), duel.ratio <= must)
    }

    /// Ours beside the limit, with no share of it to be reached.
    pub fn beside(measure: &'static str, duel: &Duel, unit: &str) -> Self {
        Self { verdict: "no bound", ..Self::of_duel(measure, duel, unit, "-".to_owned(), true) }
    }

    /// A figure that is compared with a fixed one.
    pub fn at_most(measure: &'static str, ours: f64, unit: &str, must: f64, also: &str) -> Self {
        Self {
            measure,
            ours: format!("{ours:.1} {unit}{also}"),
            limit: "-".to_owned(),
            ratio: "-".to_owned(),
            must: format!("at most {must} {unit}"),
            verdict: verdict(ours <= must),
        }
    }

    pub fn not_measured(measure: &'static str, why: String) -> Self {
        let nothing = || "-".to_owned();
        Self {
            measure,
            ours: why,
            limit: nothing(),
            ratio: nothing(),
            must: nothing(),
            verdict: "not measured",
        }
    }

    fn of_duel(measure: &'static str, duel: &Duel, unit: &str, must: String, is_met: bool) -> Self {
        let shown = |figure: f64| {
            if figure < 1_000.0 {
                format!("{figure:.1} {unit}")
            } else {
                format!("{figure:.0} {unit}")
            }
        };
        Self {
            measure,
            ours: shown(duel.ours),
            limit: shown(duel.limit),
            ratio: format!("{:.3}", duel.ratio),
            must,
            verdict: verdict(is_met),
        }
    }
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "reached" } else { "SHORTFALL" }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { measure, ours, limit, ratio, must, verdict } = self;
        write!(f, "| {measure} | {ours} | {limit} | {ratio} | {must} | {verdict} |")
    }
}
