//! A flow as the page draws it.

use flow_events::{Event, Field, Party};
use serde::Serialize;

/// The messages of a flow.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    pub messages: Vec<Message>,
    /// The lines of the sequence diagram, from top to bottom.
    pub lines: Vec<Line>,
    pub outcome: Outcome,
    /// The status of the last response to a party outside the three servers.
    pub status: Option<u16>,
    /// The time of the first event, in microseconds since 1970.
    pub began_micros: i64,
    /// The time of the last event, in microseconds since 1970.
    pub ended_micros: i64,
}

/// A request with its response.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    pub from: Party,
    pub to: Party,
    pub sent_micros: i64,
    pub method: String,
    /// The whole URL if the sender reported it, else the route that the receiver reported.
    pub url: String,
    pub fields: Vec<Field>,
    pub response: Option<Response>,
    /// Why there is no response.
    pub failure: Option<String>,
    /// What the parties did while the request was in progress: tokens issued, rejected or reused,
    /// and checks.
    pub decisions: Vec<Decision>,
    #[serde(flatten)]
    pub explanation: Explanation,
    /// Whether the request came from outside, so that only its receiver reported it.
    pub external: bool,
    #[serde(skip)]
    pub(super) received: bool,
    #[serde(skip)]
    pub(super) response_headers: Vec<Field>,
}

/// The response to a request.
#[derive(Clone, Debug, Serialize)]
pub struct Response {
    pub at_micros: i64,
    pub status: u16,
    pub elapsed_micros: u64,
    pub fields: Vec<Field>,
}

/// A decision of a party.
#[derive(Clone, Debug, Serialize)]
pub struct Decision {
    pub at_micros: i64,
    pub reported_by: Party,
    #[serde(flatten)]
    pub event: Event,
}

/// A line of the sequence diagram: a part of the message with this index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub at_micros: i64,
    pub message: usize,
    pub part: LinePart,
}

/// The part of a message that a line draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "index", rename_all = "snake_case")]
pub enum LinePart {
    Request,
    /// The decision with this index.
    Decision(usize),
    Response,
    Failure,
}

/// The outcome of a flow for the party that began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A response is still missing.
    Running,
    /// The last response has a status below 400.
    Ok,
    /// The last response has a 4xx status.
    Rejected,
    /// The last response has a 5xx status, or there is none.
    Failed,
}

/// What is known about a kind of message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The name of the kind, and of its texts.
    pub title: &'static str,
    /// The step of the source document, if the message is one.
    pub step: Option<Step>,
    /// The specification of the message.
    pub source: Option<SourceLink>,
}

/// A step of the source document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub sequence: StepSequence,
    pub number: u8,
    /// The number of the step that the response is, if it is one.
    pub response_number: Option<u8>,
}

/// The two sequences of steps in the source document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepSequence {
    ServerToServer,
    UserLogin,
}

/// A link to a section of a specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceLink {
    pub text: &'static str,
    pub url: &'static str,
}

impl Message {
    /// Whether neither a response nor a failure is known.
    pub(super) fn is_open(&self) -> bool {
        self.response.is_none() && self.failure.is_none()
    }
}
