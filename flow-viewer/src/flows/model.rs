//! A flow as the page draws it.

use flow_events::{Event, Field, Party};
use serde::{Deserialize, Serialize};

use super::logged::LoggedSecret;

/// The messages of a flow.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    pub messages: Vec<Message>,
    /// The lines of the sequence diagram, from top to bottom.
    pub lines: Vec<Line>,
    /// The messages that the diagram shows only on request.
    pub folds: Vec<Fold>,
    pub outcome: FlowOutcome,
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
    /// The host of the B that sends or receives the message.
    pub resource_server: Option<String>,
    /// The role of the sender in a scenario, if the message came from outside.
    pub actor: Option<Role>,
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
    /// What logs keep of A's secret, if the message carries it to B.
    pub logged: Option<LoggedSecret>,
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
    /// The number of the step that begins here. Each flow counts its steps from 1.
    pub number: Option<usize>,
}

/// Messages that the diagram shows as one line until the reader opens them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fold {
    pub kind: FoldKind,
    /// The indexes of the messages.
    pub messages: Vec<usize>,
    /// How many times the request was repeated, or how many messages there are.
    pub count: usize,
    /// The time from the first message to the last.
    pub elapsed_micros: i64,
}

/// Why messages are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoldKind {
    /// They fetch metadata and keys, before the message that needs them.
    Preparation,
    /// They repeat the message before them, with the same result.
    Repetition,
}

/// The role that a scenario plays outside A, B and C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person with a browser.
    Person,
    /// A native app.
    App,
    /// A client that uses A's credentials.
    Client,
    /// An attacker.
    Attacker,
    /// The operator of the servers, with the test controls of C.
    Operator,
}

/// The part of a message that a line draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "index", rename_all = "snake_case")]
pub enum LinePart {
    Request,
    /// What logs keep of A's secret.
    Log,
    /// The decision with this index.
    Decision(usize),
    Response,
    Failure,
}

/// The outcome of a flow for the party that began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowOutcome {
    /// A response is still missing.
    Running,
    /// The last response has a status below 400.
    Ok,
    /// The last response has a status below 400, but B has received the secret of A.
    Exposed,
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
    /// The step of `docs/learn`, if the message is one.
    pub step: Option<Step>,
    /// The specification of the message.
    pub source: Option<SourceLink>,
}

/// A step of `docs/learn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub sequence: StepSequence,
    pub number: u8,
    /// The number of the step that the response is, if it is one.
    pub response_number: Option<u8>,
}

/// The two sequences of steps in `docs/learn`.
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

    /// Whether the message belongs to a call in which A sends its secret to B.
    pub(super) fn is_legacy(&self) -> bool {
        ["legacy", "call_a_legacy"].contains(&self.explanation.title)
    }
}
