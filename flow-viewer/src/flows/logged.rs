//! What logs keep of a request with which A sends its secret to B.

use flow_events::{FieldLocation, FieldValue};
use serde::Serialize;

use super::model::Message;

/// Stands for a secret.
const MASK: &str = "•••";

/// The part of a log line that holds the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggedSecret {
    /// Where the secret was: access logs record the query, and few logs record headers.
    pub location: FieldLocation,
    /// The part, masked.
    pub line: String,
}

/// Returns what a log that records this part of the message would hold. The servers of this
/// workspace log the route only.
pub(super) fn logged_secret(message: &Message) -> Option<LoggedSecret> {
    if message.explanation.title != "legacy" {
        return None;
    }
    let secrets = message.fields.iter().filter(|field| field.value == FieldValue::Secret);
    let query = secrets.filter(|field| field.location == FieldLocation::Query);
    let query: Vec<_> = query.map(|field| format!("{}={MASK}", field.name)).collect();
    if query.is_empty() {
        let line = format!("Authorization: Basic {MASK}");
        return Some(LoggedSecret { location: FieldLocation::Header, line });
    }
    let path = message.url.split_once("://").map_or(&*message.url, |(_, rest)| {
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
    });
    let line = format!("{} {path}?{}", message.method, query.join("&"));
    Some(LoggedSecret { location: FieldLocation::Query, line })
}

#[cfg(test)]
mod tests {
    use flow_events::{Event, Field, FlowEvent, Party, TraceContext};

    use super::*;
    use crate::flows::{LinePart, assemble};

    fn logged(url: &str, fields: Vec<Field>) -> Option<LoggedSecret> {
        let (to, method) = (Party::ResourceServer, "GET".to_owned());
        let event = Event::RequestSent { to, method, url: url.to_owned(), fields };
        let trace_id = TraceContext::root([1; 24]).unwrap().trace_id;
        let sent = FlowEvent { trace_id, at_micros: 1, reported_by: Party::Client, event };
        let flow = assemble(&[sent]);
        let is_drawn = flow.lines.iter().any(|line| line.part == LinePart::Log);
        assert_eq!(is_drawn, flow.messages[0].logged.is_some());
        flow.messages[0].logged.clone()
    }

    #[test]
    fn logs_hold_the_secret_where_a_puts_it() {
        let query = ["access_key", "secret"].map(|name| Field::secret(name).in_query());
        let in_query = logged("http://b.example/api", query.into()).unwrap();
        assert_eq!(in_query.location, FieldLocation::Query);
        assert_eq!(in_query.line, "GET /api?access_key=•••&secret=•••");
        let basic = vec![Field::secret("authorization").in_header()];
        let in_header = logged("http://b.example/api/do_something", basic).unwrap();
        assert_eq!(in_header.location, FieldLocation::Header);
        assert_eq!(in_header.line, "Authorization: Basic •••");
        let token = Field::token("authorization", &oauth_types::AccessToken::new("t")).in_header();
        assert_eq!(logged("http://b.example/api/resource", vec![token]), None);
    }
}
