//! Messages that say nothing new: fetches of metadata and keys, and repeated requests.

use super::model::{Fold, FoldKind, Message};

const PREPARATION: [&str; 3] = ["metadata", "keys", "resource_metadata"];
/// The fewest repetitions that are folded.
const MIN_REPETITIONS: usize = 3;

/// A request from outside, with the messages that it causes.
struct Episode<'a> {
    first: &'a Message,
    messages: Vec<usize>,
}

/// Returns the messages that the diagram folds. No message is in two folds.
#[must_use]
pub fn folds(messages: &[Message]) -> Vec<Fold> {
    let mut folds = repetitions(messages);
    let is_repeated: Vec<usize> = folds.iter().flat_map(|fold| fold.messages.clone()).collect();
    folds.extend(preparations(messages, &is_repeated));
    folds
}

fn repetitions(messages: &[Message]) -> Vec<Fold> {
    let mut episodes: Vec<Episode<'_>> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        match episodes.last_mut() {
            Some(episode) if !message.external => episode.messages.push(at),
            _ => episodes.push(Episode { first: message, messages: vec![at] }),
        }
    }
    episodes
        .chunk_by(|one, next| is_same_request(one.first, next.first))
        .filter(|run| run.len() > MIN_REPETITIONS)
        .filter_map(|run| {
            let (_, repeated) = run.split_first()?;
            let indexes: Vec<usize> =
                repeated.iter().flat_map(|episode| episode.messages.clone()).collect();
            Some(fold(FoldKind::Repetition, messages, indexes, repeated.len()))
        })
        .collect()
}

/// Whether two requests from outside are the same, with the same result.
fn is_same_request(one: &Message, other: &Message) -> bool {
    let status = |message: &Message| message.response.as_ref().map(|response| response.status);
    one.external
        && other.external
        && (one.to, &one.method, &one.url) == (other.to, &other.method, &other.url)
        && status(one) == status(other)
        && one.fields == other.fields
}

fn preparations(messages: &[Message], repeated: &[usize]) -> Vec<Fold> {
    let is_preparation = |at: &usize| {
        messages.get(*at).is_some_and(|one| PREPARATION.contains(&one.explanation.title))
    };
    let wanted: Vec<usize> =
        (0..messages.len()).filter(|at| !repeated.contains(at)).filter(is_preparation).collect();
    // A flow that only fetches metadata or keys shows them.
    if wanted.len() == messages.len() {
        return Vec::new();
    }
    wanted
        .chunk_by(|one, next| one + 1 == *next)
        .map(|run| fold(FoldKind::Preparation, messages, run.to_vec(), run.len()))
        .collect()
}

fn fold(kind: FoldKind, all: &[Message], messages: Vec<usize>, count: usize) -> Fold {
    let members = || messages.iter().filter_map(|at| all.get(*at));
    let began = members().map(|message| message.sent_micros).min().unwrap_or_default();
    let ended = members()
        .map(|message| message.response.as_ref().map_or(message.sent_micros, |sent| sent.at_micros))
        .max()
        .unwrap_or_default();
    Fold { kind, messages, count, elapsed_micros: ended - began }
}

#[cfg(test)]
mod tests {
    use flow_events::{Event, FlowEvent, Party, TraceContext};

    use super::*;
    use crate::flows::assemble::assemble;

    /// Requests from outside to A, each with the status of A's response.
    fn polled(statuses: &[u16]) -> Vec<FlowEvent> {
        let trace_id = TraceContext::root([7; 24]).unwrap().trace_id;
        let event = |at_micros: usize, event| FlowEvent {
            trace_id,
            at_micros: i64::try_from(at_micros).unwrap(),
            reported_by: Party::Client,
            event,
        };
        let call = |(at, status): (usize, &u16)| {
            let (method, path) = ("GET".to_owned(), "/api/call-b".to_owned());
            let (elapsed_micros, fields) = (1, Vec::new());
            [
                event(at * 10, Event::RequestReceived { method, path, fields: Vec::new() }),
                event(at * 10 + 5, Event::ResponseSent { status: *status, elapsed_micros, fields }),
            ]
        };
        statuses.iter().enumerate().flat_map(call).collect()
    }

    #[test]
    fn repetitions_with_the_same_result_are_folded() {
        let flow = assemble(&polled(&[200, 502, 502, 502, 502, 200, 200]));
        let [fold] = &flow.folds[..] else { panic!("{:?}", flow.folds) };
        assert_eq!((fold.kind, &fold.messages[..]), (FoldKind::Repetition, &[2, 3, 4][..]));
        assert_eq!((fold.count, fold.elapsed_micros), (3, 25));
    }

    #[test]
    fn few_repetitions_stay_visible() {
        assert_eq!(assemble(&polled(&[502, 502, 502])).folds, []);
    }
}
