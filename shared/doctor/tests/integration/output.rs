//! What the doctor has told, to be asked for by name.

use doctor::{Check, Checks, Diagnosis, Verdict};

pub struct Output(Vec<Check>);

impl Output {
    pub fn of(checks: Checks) -> Self {
        Self(checks.all())
    }

    /// Nothing but lines that say ok.
    pub fn all_ok(&self) {
        let other = self.0.iter().find(|check| check.verdict != Verdict::Ok);
        assert!(other.is_none() && !self.0.is_empty(), "{:?}", self.0);
    }

    pub fn ok(&self, check: &str) {
        assert!(self.named(check).iter().all(|check| check.verdict == Verdict::Ok), "{:?}", self.0);
    }

    /// The one finding of the check of that name.
    pub fn failed(&self, check: &str) -> &Diagnosis {
        self.found(check, Verdict::Fail)
    }

    pub fn warned(&self, check: &str) -> &Diagnosis {
        self.found(check, Verdict::Warn)
    }

    pub fn skipped(&self, check: &str) {
        assert!(
            self.named(check).iter().any(|check| check.verdict == Verdict::Skip),
            "{:?}",
            self.0
        );
    }

    fn found(&self, check: &str, verdict: Verdict) -> &Diagnosis {
        let named = self.named(check);
        let found = named.into_iter().find(|check| check.verdict == verdict);
        found
            .and_then(|check| check.diagnosis.as_ref())
            .unwrap_or_else(|| panic!("no {verdict:?} of `{check}` in {:#?}", self.0))
    }

    fn named(&self, name: &str) -> Vec<&Check> {
        let named: Vec<_> = self.0.iter().filter(|check| check.check == name).collect();
        assert!(!named.is_empty(), "no check `{name}` in {:#?}", self.0);
        named
    }
}

/// What was compared, to be read in one piece.
pub fn says(finding: &Diagnosis, expected: &str, found: &str, setting: &str) {
    assert!(finding.expected.contains(expected), "expected: {finding:#?}");
    assert!(finding.found.contains(found), "found: {finding:#?}");
    assert_eq!(finding.change.setting.as_deref(), Some(setting), "{finding:#?}");
    let environment = finding.change.environment.as_deref().unwrap();
    assert!(environment.starts_with("GATEPASS__SERVICE_A__"), "{environment}");
}
