//! The output of the doctor, with assertions by the name of a check.

use doctor::{Check, Checks, Diagnosis, Verdict};

pub struct Output(Vec<Check>);

impl Output {
    pub fn of(checks: Checks) -> Self {
        Self(checks.all())
    }

    /// Asserts that all checks passed.
    pub fn all_ok(&self) {
        let other = self.0.iter().find(|check| check.verdict != Verdict::Ok);
        assert!(other.is_none() && !self.0.is_empty(), "{:?}", self.0);
    }

    pub fn ok(&self, check: &str) {
        assert!(self.named(check).iter().all(|check| check.verdict == Verdict::Ok), "{:?}", self.0);
    }

    /// Returns the diagnosis of the failed check of this name.
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

/// Asserts parts of the expected and found values, and the setting to change.
pub fn assert_diagnosis(diagnosis: &Diagnosis, expected: &str, found: &str, setting: &str) {
    assert!(diagnosis.expected.contains(expected), "expected: {diagnosis:#?}");
    assert!(diagnosis.found.contains(found), "found: {diagnosis:#?}");
    assert_eq!(diagnosis.change.setting.as_deref(), Some(setting), "{diagnosis:#?}");
    let environment = diagnosis.change.environment.as_deref().unwrap();
    assert!(environment.starts_with("GATEPASS__SERVICE_A__"), "{environment}");
}
