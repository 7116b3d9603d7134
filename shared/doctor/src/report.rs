use std::fmt::Write;

use serde::Serialize;

use crate::{
    checks::{Check, Checks, Verdict},
    diagnosis::Diagnosis,
};

/// What was found of one service.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Which service, and where more than one of it runs, which of them.
    pub service: String,
    /// Its checks, in their order.
    pub checks: Vec<Check>,
}

impl Report {
    /// All sections of a service.
    pub fn of(service: impl Into<String>, sections: impl IntoIterator<Item = Checks>) -> Self {
        Self {
            service: service.into(),
            checks: sections.into_iter().flat_map(Checks::all).collect(),
        }
    }

    /// How many checks ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.verdict == verdict).count()
    }
}

/// For people: one line a check, and a block below it where something does not fit.
pub(crate) fn text(reports: &[Report], coloured: bool) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = reports.iter().try_for_each(|report| write_report(&mut text, report, coloured));
    let count = |verdict| reports.iter().map(|report| report.count(verdict)).sum::<usize>();
    let counts = [Verdict::Ok, Verdict::Warn, Verdict::Fail, Verdict::Skip].map(count);
    let [ok, warn, fail, skip] = counts;
    let _ = write!(text, "{ok} ok, {warn} warn, {fail} FAIL, {skip} not looked at");
    text
}

fn write_report(text: &mut String, report: &Report, coloured: bool) -> std::fmt::Result {
    writeln!(text, "{}", report.service)?;
    let width =
        report.checks.iter().map(|check| check.check.chars().count()).max().unwrap_or_default();
    for Check { check, verdict, message, diagnosis } in &report.checks {
        writeln!(text, "  {}  {check:<width$}  {message}", word(*verdict, coloured))?;
        diagnosis.iter().try_for_each(|diagnosis| write_diagnosis(text, diagnosis))?;
    }
    writeln!(text)
}

fn write_diagnosis(text: &mut String, diagnosis: &Diagnosis) -> std::fmt::Result {
    let Diagnosis { compared, expected, found, change } = diagnosis;
    for (name, value) in [("compared", compared), ("expected", expected), ("found", found)] {
        writeln!(text, "          {name:<8}  {value}")?;
    }
    match (&change.setting, &change.environment) {
        (Some(setting), Some(environment)) => {
            writeln!(text, "          change    {setting}: {} ({environment})", change.advice)
        }
        _ => writeln!(text, "          change    {}", change.advice),
    }
}

/// All words are equally long, so that the lines stand below one another.
fn word(verdict: Verdict, coloured: bool) -> String {
    let (word, colour) = match verdict {
        Verdict::Ok => ("ok  ", "32"),
        Verdict::Warn => ("warn", "33"),
        Verdict::Fail => ("FAIL", "1;31"),
        Verdict::Skip => ("skip", "2"),
    };
    if coloured { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Change;

    fn reports() -> Vec<Report> {
        let mut checks = Checks::default();
        checks.ok("settings", "they can be used");
        let change = Change::of("service-a", "issuer", "write it to the byte");
        checks.fail(
            "issuer",
            "it is another",
            Diagnosis::new("two names", "http://c", "http://c/", change),
        );
        vec![Report::of("service-a", [checks])]
    }

    #[test]
    fn a_check_is_a_line_and_a_finding_a_block_below_it() {
        let expected = "service-a\n\
            \x20 ok    settings  they can be used\n\
            \x20 FAIL  issuer    it is another\n\
            \x20         compared  two names\n\
            \x20         expected  http://c\n\
            \x20         found     http://c/\n\
            \x20         change    issuer: write it to the byte (GATEPASS__SERVICE_A__ISSUER)\n\n\
            1 ok, 0 warn, 1 FAIL, 0 not looked at";
        assert_eq!(text(&reports(), false), expected);
    }

    #[test]
    fn a_terminal_gets_colours_and_a_pipe_none() {
        assert!(
            text(&reports(), true).contains("\u{1b}[1;31mFAIL\u{1b}[0m")
                && !text(&reports(), false).contains('\u{1b}')
        );
    }
}
