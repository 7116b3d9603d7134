use std::fmt;

use crate::comparison::Comparison;

pub const HEADINGS: &str = "\
| measure | ours | limit | ratio | target | verdict |
|---|---|---|---|---|---|";

/// A row of the table.
pub struct BenchResult {
    measure: &'static str,
    ours: String,
    limit: String,
    ratio: String,
    target: String,
    verdict: &'static str,
}

impl BenchResult {
    /// Our figure must reach this share of the limit.
    pub fn at_least(
        measure: &'static str,
        comparison: &Comparison,
        unit: &str,
        target: f64,
    ) -> Self {
        Self::of_comparison(
            measure,
            comparison,
            unit,
            format!("at least {target:.2}"),
            comparison.ratio >= target,
        )
    }

    /// Our figure may be at most this many times the limit.
    pub fn at_most_times(
        measure: &'static str,
        comparison: &Comparison,
        unit: &str,
        target: f64,
    ) -> Self {
        Self::of_comparison(
            measure,
            comparison,
            unit,
            format!("at most {target:.2}"),
            comparison.ratio <= target,
        )
    }

    /// Our figure and the limit, without a target.
    pub fn without_target(measure: &'static str, comparison: &Comparison, unit: &str) -> Self {
        Self {
            verdict: "no target",
            ..Self::of_comparison(measure, comparison, unit, "-".to_owned(), true)
        }
    }

    /// A figure with a fixed target.
    pub fn at_most(measure: &'static str, ours: f64, unit: &str, target: f64, also: &str) -> Self {
        Self {
            measure,
            ours: format!("{ours:.1} {unit}{also}"),
            limit: "-".to_owned(),
            ratio: "-".to_owned(),
            target: format!("at most {target} {unit}"),
            verdict: verdict(ours <= target),
        }
    }

    /// A row that could not be measured.
    pub fn not_measured(measure: &'static str, reason: String) -> Self {
        let nothing = || "-".to_owned();
        Self {
            measure,
            ours: reason,
            limit: nothing(),
            ratio: nothing(),
            target: nothing(),
            verdict: "not measured",
        }
    }

    fn of_comparison(
        measure: &'static str,
        comparison: &Comparison,
        unit: &str,
        target: String,
        is_met: bool,
    ) -> Self {
        let format = |figure: f64| {
            if figure < 1_000.0 {
                format!("{figure:.1} {unit}")
            } else {
                format!("{figure:.0} {unit}")
            }
        };
        Self {
            measure,
            ours: format(comparison.ours),
            limit: format(comparison.limit),
            ratio: format!("{:.3}", comparison.ratio),
            target,
            verdict: verdict(is_met),
        }
    }
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "reached" } else { "**missed**" }
}

impl fmt::Display for BenchResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { measure, ours, limit, ratio, target, verdict } = self;
        write!(f, "| {measure} | {ours} | {limit} | {ratio} | {target} | {verdict} |")
    }
}
