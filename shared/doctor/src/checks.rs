use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use crate::diagnosis::{Diagnosis, printable};

/// Time limit of one section. Sections run concurrently, so it is also that of the whole command.
const SECTION_TIMEOUT: Duration = Duration::from_secs(12);

/// Result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As expected.
    Ok,
    /// Works or may work, but should be reviewed.
    Warn,
    /// Cannot work.
    Fail,
    /// Not performed, because an earlier check failed or it does not apply.
    Skip,
}

/// One performed check: one line of output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The name of the check.
    pub check: String,
    /// Its result.
    pub verdict: Verdict,
    /// The result in a few words.
    pub message: String,
    /// What is wrong and what to change, unless the verdict is `Ok` or `Skip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
}

/// Collects the checks of one section in order.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    all: Vec<Check>,
}

impl Checks {
    /// Records a successful check.
    pub fn ok(&mut self, check: impl Into<String>, message: impl AsRef<str>) {
        self.add(check.into(), Verdict::Ok, message.as_ref(), None);
    }

    /// Records a warning.
    pub fn warn(
        &mut self,
        check: impl Into<String>,
        message: impl AsRef<str>,
        diagnosis: Diagnosis,
    ) {
        self.add(check.into(), Verdict::Warn, message.as_ref(), Some(diagnosis));
    }

    /// Records a failed check.
    pub fn fail(
        &mut self,
        check: impl Into<String>,
        message: impl AsRef<str>,
        diagnosis: Diagnosis,
    ) {
        self.add(check.into(), Verdict::Fail, message.as_ref(), Some(diagnosis));
    }

    /// Records a check that was not performed, and why.
    pub fn skip(&mut self, check: impl Into<String>, reason: impl AsRef<str>) {
        self.add(check.into(), Verdict::Skip, reason.as_ref(), None);
    }

    /// Returns the checks in order.
    #[must_use]
    pub fn all(self) -> Vec<Check> {
        self.all
    }

    /// Returns the number of checks so far.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    fn add(
        &mut self,
        check: String,
        verdict: Verdict,
        message: &str,
        diagnosis: Option<Diagnosis>,
    ) {
        self.all.push(Check { check, verdict, message: printable(message), diagnosis });
    }
}

/// Runs the checks of a section. After 12 seconds it stops and keeps the checks made so far, so
/// that a hanging connection does not block the doctor.
pub async fn run_section(name: impl Into<String>, run: impl AsyncFnOnce(&mut Checks)) -> Checks {
    let mut checks = Checks::default();
    // Boxed, because the futures of all sections of all servers together are larger than the stack
    // of a thread in a build without optimization.
    let run = Box::pin(run(&mut checks));
    if timeout(SECTION_TIMEOUT, run).await.is_err() {
        checks.skip(
            name,
            format!("remaining checks cancelled after {} s", SECTION_TIMEOUT.as_secs()),
        );
    }
    checks
}
