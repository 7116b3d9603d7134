//! A flow as it is drawn.

use flow_events::{Event, Field, Party};
use serde::Serialize;

use crate::explain::Explained;

/// Messages between the parties that belong together.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    pub messages: Vec<Message>,
    /// Every line of the picture from top to bottom.
    pub lines: Vec<Line>,
    pub outcome: Outcome,
    /// The status of the last answer that went outside.
    pub status: Option<u16>,
    pub began_micros: i64,
    pub ended_micros: i64,
}

/// A request and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    pub from: Party,
    pub to: Party,
    pub sent_micros: i64,
    pub method: String,
    /// The whole URL where the sender told of it; the route where only the receiver did.
    pub url: String,
    pub fields: Vec<Field>,
    pub answer: Option<Answer>,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// What the parties decided meanwhile: tokens made, refused or used again, checks with their
    /// values.
    pub facts: Vec<Fact>,
    #[serde(flatten)]
    pub explained: Explained,
    /// It came from outside: only its receiver told of it.
    pub from_outside: bool,
    #[serde(skip)]
    pub(crate) arrived: bool,
    #[serde(skip)]
    pub(crate) answer_headers: Vec<Field>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    pub at_micros: i64,
    pub status: u16,
    pub elapsed_micros: u64,
    pub fields: Vec<Field>,
}

/// Something that a party decided.
#[derive(Clone, Debug, Serialize)]
pub struct Fact {
    pub at_micros: i64,
    pub reported_by: Party,
    #[serde(flatten)]
    pub event: Event,
}

/// A line of the picture: a part of the message with this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub at_micros: i64,
    pub message: usize,
    pub part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "index", rename_all = "snake_case")]
pub enum Part {
    Request,
    /// The fact with this number.
    Fact(usize),
    Answer,
    Failure,
}

/// How it went for whoever began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An answer is still to come.
    Running,
    /// Answered with what was asked for.
    Ok,
    /// Answered with a no.
    Refused,
    /// Somebody could not answer.
    Failed,
}

impl Message {
    pub(crate) fn is_open(&self) -> bool {
        self.answer.is_none() && self.failure.is_none()
    }
}
