//! The result of a scenario, which is stored with its flow.

use flow_events::TraceId;
use serde::Serialize;

/// A group of scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScenarioGroup {
    /// Correct flows.
    Flow,
    /// A sends its secret to B, for contrast.
    Legacy,
    /// Attacks that must be blocked.
    Attack,
    /// Shows the cost of a design choice: something undesirable succeeds, as announced.
    TradeOff,
}

/// An expectation, and whether it was met.
#[derive(Clone, Debug, Serialize)]
pub struct Expectation {
    /// The key of its text, which names the party and the request.
    pub name: &'static str,
    pub expected: String,
    pub found: String,
    /// Whether `expected` and `found` are equal.
    pub met: bool,
}

/// The result of a scenario.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioResult {
    pub scenario: &'static str,
    pub group: ScenarioGroup,
    /// The flow that shows it.
    pub flow: TraceId,
    pub expectations: Vec<Expectation>,
    /// Whether the scenario was completed and every expectation was met.
    pub as_expected: bool,
    /// Why the scenario was aborted, if it was.
    pub error: Option<String>,
}
