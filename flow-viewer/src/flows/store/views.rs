//! What the page and the exports read of a flow.

use std::collections::HashMap;

use oauth_types::Fingerprint;
use serde::Serialize;

use super::{FlowId, tokens::TokenInfo};
use crate::{
    flows::model::{Flow, FlowOutcome},
    scenario_result::ScenarioResult,
};

/// A flow with everything that the page shows.
#[derive(Clone, Debug, Serialize)]
pub struct FlowDetails {
    pub id: FlowId,
    /// The name of the flow's text.
    pub name: &'static str,
    #[serde(flatten)]
    pub flow: Flow,
    pub tokens: HashMap<Fingerprint, TokenInfo>,
    /// The result of the scenario that was played, if it was one.
    pub result: Option<ScenarioResult>,
    /// Whether events were dropped because of the limit.
    pub truncated: bool,
}

/// A flow in the list.
#[derive(Clone, Debug, Serialize)]
pub struct FlowSummary {
    pub id: FlowId,
    pub name: &'static str,
    pub began_micros: i64,
    pub elapsed_micros: i64,
    pub outcome: FlowOutcome,
    pub status: Option<u16>,
    /// The number of messages.
    pub messages: usize,
    /// Whether the flow only visits a page, or fetches metadata or keys.
    pub background: bool,
}
