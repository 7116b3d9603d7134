use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use crate::diagnosis::{Diagnosis, printable};

/// So long may all checks of one section take. The whole doctor takes as long as its longest
/// section.
const LIMIT: Duration = Duration::from_secs(12);

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, or may work; somebody should look.
    Warn,
    /// It cannot work so.
    Fail,
    /// Not looked at, because something before it failed or it does not apply.
    Skip,
}

/// One check, as one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub check: String,
    /// How it ended.
    pub verdict: Verdict,
    /// In a few words.
    pub message: String,
    /// What does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
}

/// The checks of one run_section, in their order.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    all: Vec<Check>,
}

impl Checks {
    /// It is as it should be.
    pub fn ok(&mut self, check: impl Into<String>, said: impl AsRef<str>) {
        self.add(check.into(), Verdict::Ok, said.as_ref(), None);
    }

    /// Somebody should look.
    pub fn warn(&mut self, check: impl Into<String>, said: impl AsRef<str>, finding: Diagnosis) {
        self.add(check.into(), Verdict::Warn, said.as_ref(), Some(finding));
    }

    /// It cannot work so.
    pub fn fail(&mut self, check: impl Into<String>, said: impl AsRef<str>, finding: Diagnosis) {
        self.add(check.into(), Verdict::Fail, said.as_ref(), Some(finding));
    }

    /// Not looked at, and why.
    pub fn skip(&mut self, check: impl Into<String>, why: impl AsRef<str>) {
        self.add(check.into(), Verdict::Skip, why.as_ref(), None);
    }

    /// The checks, in their order.
    #[must_use]
    pub fn all(self) -> Vec<Check> {
        self.all
    }

    /// How many checks were made so far.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    fn add(&mut self, check: String, verdict: Verdict, said: &str, finding: Option<Diagnosis>) {
        self.all.push(Check { check, verdict, message: printable(said), diagnosis: finding });
    }
}

/// Make the checks of a run_section, and keep those that were made when its time is over: whatever
/// hangs, the doctor ends.
pub async fn run_section(name: impl Into<String>, look: impl AsyncFnOnce(&mut Checks)) -> Checks {
    let mut checks = Checks::default();
    if timeout(LIMIT, look(&mut checks)).await.is_err() {
        checks.skip(
            name,
            format!("the rest took longer than {} s and was given up", LIMIT.as_secs()),
        );
    }
    checks
}
