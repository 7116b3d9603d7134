use std::fmt::Write;

use serde::Serialize;
use service_kit::cli::{pad, translated, width};

use crate::{
    checks::{Check, Checks, Verdict},
    diagnosis::Diagnosis,
};

/// The columns of the label of a verdict.
const LABEL_COLUMNS: usize = 4;
/// The columns of the name of a part of a diagnosis.
const PART_COLUMNS: usize = 8;

/// The checks of one server.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The name of the server, with a distinction if there are several.
    pub service: String,
    /// Its checks in order.
    pub checks: Vec<Check>,
}

impl Report {
    /// Joins the sections of a server.
    pub fn of(service: impl Into<String>, sections: impl IntoIterator<Item = Checks>) -> Self {
        Self {
            service: service.into(),
            checks: sections.into_iter().flat_map(Checks::all).collect(),
        }
    }

    /// Returns the number of checks with this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.verdict == verdict).count()
    }
}

/// Formats reports as text: one line a check, followed by its diagnosis.
pub(crate) fn text(reports: &[Report], colored: bool) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = reports.iter().try_for_each(|report| write_report(&mut text, report, colored));
    let count = |verdict| reports.iter().map(|report| report.count(verdict)).sum::<usize>();
    let counts = [Verdict::Ok, Verdict::Warn, Verdict::Fail, Verdict::Skip].map(count);
    let [ok, warn, fail, skip] = counts;
    let summary = format!("{ok} ok, {warn} warn, {fail} FAIL, {skip} skipped");
    text + &translated(&summary)
}

fn write_report(text: &mut String, report: &Report, colored: bool) -> std::fmt::Result {
    writeln!(text, "{}", translated(&report.service))?;
    let names: Vec<_> = report.checks.iter().map(|check| translated(&check.check)).collect();
    let columns = names.iter().map(|name| width(name)).max().unwrap_or_default();
    for (Check { verdict, message, diagnosis, .. }, name) in report.checks.iter().zip(names) {
        let (label, name) = (label(*verdict, colored), pad(&name, columns));
        writeln!(text, "  {label}  {name}  {}", translated(message))?;
        diagnosis.iter().try_for_each(|diagnosis| write_diagnosis(text, diagnosis))?;
    }
    writeln!(text)
}

fn write_diagnosis(text: &mut String, diagnosis: &Diagnosis) -> std::fmt::Result {
    let Diagnosis { compared, expected, found, change } = diagnosis;
    for (name, value) in [("compared", compared), ("expected", expected), ("found", found)] {
        write_part(text, name, &translated(value))?;
    }
    let advice = translated(&change.advice);
    match (&change.setting, &change.environment) {
        (Some(setting), Some(environment)) => {
            write_part(text, "change", &format!("{setting}: {advice} ({environment})"))
        }
        _ => write_part(text, "change", &advice),
    }
}

fn write_part(text: &mut String, name: &str, value: &str) -> std::fmt::Result {
    writeln!(text, "          {}  {value}", pad(&translated(name), PART_COLUMNS))
}

/// Returns the label of a verdict. All labels have the same width, which aligns the lines.
fn label(verdict: Verdict, colored: bool) -> String {
    let (label, color) = match verdict {
        Verdict::Ok => ("ok", "32"),
        Verdict::Warn => ("warn", "33"),
        Verdict::Fail => ("FAIL", "1;31"),
        Verdict::Skip => ("skip", "2"),
    };
    let label = pad(&translated(label), LABEL_COLUMNS);
    if colored { format!("\u{1b}[{color}m{label}\u{1b}[0m") } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Change;

    fn reports() -> Vec<Report> {
        let mut checks = Checks::default();
        checks.ok("settings", "valid");
        let change = Change::of("service-a", "issuer", "use the exact identifier");
        checks.fail(
            "issuer",
            "the issuers differ",
            Diagnosis::new("two names", "http://c", "http://c/", change),
        );
        vec![Report::of("service-a", [checks])]
    }

    #[test]
    fn diagnosis_follows_the_line_of_its_check() {
        let expected = "service-a\n\
            \x20 ok    settings  valid\n\
            \x20 FAIL  issuer    the issuers differ\n\
            \x20         compared  two names\n\
            \x20         expected  http://c\n\
            \x20         found     http://c/\n\
            \x20         change    issuer: use the exact identifier (GATEPASS__SERVICE_A__ISSUER)\n\n\
            1 ok, 0 warn, 1 FAIL, 0 skipped";
        assert_eq!(text(&reports(), false), expected);
    }

    #[test]
    fn colors_are_used_only_if_enabled() {
        assert!(
            text(&reports(), true).contains("\u{1b}[1;31mFAIL\u{1b}[0m")
                && !text(&reports(), false).contains('\u{1b}')
        );
    }
}
