//! What a message is: its name, the document's step, and the rule that it follows.

use flow_events::{Field, FieldValue, Party};
use serde::Serialize;

use crate::flows::{Message, Secret, secret_in};

/// What a reader learns about a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The name of its text.
    pub title: &'static str,
    /// The document's step, where it is one.
    pub step: Option<Step>,
    /// Where its rule stands.
    pub source: Option<Source>,
}

/// A step of the source document. The answer to the first of the server's steps is its second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub half: Half,
    pub number: u8,
    /// The step that the answer is.
    pub answer: Option<u8>,
}

/// The two halves of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    ServerToServer,
    UserLogin,
}

/// A section of a specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    pub text: &'static str,
    pub url: &'static str,
}

/// A row: to whom, how the path ends, what else is told by the message where it matters, and what
/// is known of it.
struct Row {
    to: Party,
    path: &'static str,
    mark: Mark,
    title: &'static str,
    step: Option<(Half, u8, u8)>,
    source: (&'static str, &'static str),
}

/// What tells a message from others to the same path.
#[derive(Clone, Copy)]
enum Mark {
    None,
    Grant(&'static str),
    /// Its sender shows what it proves itself with.
    ClientSecret,
}

impl Mark {
    fn is_on(self, message: &Message) -> bool {
        let mut fields = message.fields.iter();
        match self {
            Self::None => true,
            Self::Grant(grant) => {
                fields.any(|field| field.name == "grant_type" && text(field) == grant)
            }
            Self::ClientSecret => {
                fields.any(|field| secret_in(field, message.from) == Some(Secret::SecretOfA))
            }
        }
    }
}

const C: Party = Party::AuthorizationServer;
const A: Party = Party::Client;
const B: Party = Party::ResourceServer;
const SERVER: Half = Half::ServerToServer;
const LOGIN: Half = Half::UserLogin;

macro_rules! rfc {
    ($number:literal, $section:literal) => {
        (
            concat!("RFC ", $number, " §", $section),
            concat!("https://www.rfc-editor.org/rfc/rfc", $number, "#section-", $section),
        )
    };
}

const fn row(
    to: Party,
    path: &'static str,
    title: &'static str,
    step: Option<(Half, u8, u8)>,
    source: (&'static str, &'static str),
) -> Row {
    Row { to, path, mark: Mark::None, title, step, source }
}

const fn grant(
    grant: &'static str,
    title: &'static str,
    step: Option<(Half, u8, u8)>,
    source: (&'static str, &'static str),
) -> Row {
    Row { to: C, path: "/token", mark: Mark::Grant(grant), title, step, source }
}

const fn old_way(path: &'static str) -> Row {
    Row {
        to: B,
        path,
        mark: Mark::ClientSecret,
        title: "old_way",
        step: None,
        source: rfc!("9700", "2.4"),
    }
}

const RP_LOGOUT: (&str, &str) = (
    "OpenID Connect RP-Initiated Logout §2",
    "https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout",
);
const BACK_CHANNEL: (&str, &str) = (
    "OpenID Connect Back-Channel Logout §2.5",
    "https://openid.net/specs/openid-connect-backchannel-1_0.html#BCRequest",
);
const USERINFO: (&str, &str) =
    ("OpenID Connect Core §5.3", "https://openid.net/specs/openid-connect-core-1_0.html#UserInfo");
const NONE: (&str, &str) = ("", "");

/// The first row that fits counts.
const ROWS: &[Row] = &[
    grant("client_credentials", "client_credentials", Some((SERVER, 1, 2)), rfc!("6749", "4.4.2")),
    grant("authorization_code", "code_exchange", Some((LOGIN, 4, 5)), rfc!("6749", "4.1.3")),
    grant("refresh_token", "refresh", None, rfc!("6749", "6")),
    grant(
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "token_exchange",
        None,
        rfc!("8693", "2.1"),
    ),
    grant(
        "urn:ietf:params:oauth:grant-type:device_code",
        "device_token",
        None,
        rfc!("8628", "3.4"),
    ),
    row(C, "/token", "token_request", None, rfc!("6749", "3.2")),
    row(C, "/oauth-authorization-server", "metadata", None, rfc!("8414", "3")),
    row(C, "/openid-configuration", "metadata", None, rfc!("8414", "5")),
    row(C, "/jwks.json", "keys", None, rfc!("7517", "5")),
    row(C, "/introspect", "introspection", Some((SERVER, 4, 0)), rfc!("7662", "2.1")),
    row(C, "/revoke", "revocation", None, rfc!("7009", "2.1")),
    row(C, "/par", "pushed_request", None, rfc!("9126", "2.1")),
    row(C, "/device_authorization", "device_authorization", None, rfc!("8628", "3.1")),
    row(C, "/register", "registration", None, rfc!("7591", "3.1")),
    row(C, "/authorize", "authorization_request", Some((LOGIN, 1, 0)), rfc!("6749", "4.1.1")),
    row(C, "/login", "sign_in", Some((LOGIN, 2, 0)), rfc!("6749", "3.1")),
    row(C, "/consent", "consent", Some((LOGIN, 2, 0)), rfc!("6749", "3.1")),
    row(C, "/userinfo", "userinfo", Some((LOGIN, 6, 0)), USERINFO),
    row(C, "/logout", "sign_out", None, RP_LOGOUT),
    row(C, "/test/token", "test_token", None, NONE),
    row(C, "/test/outage", "test_outage", None, NONE),
    row(A, "/api/call-b", "call_a", None, NONE),
    row(A, "/api/call-b-legacy", "call_a_old_way", None, NONE),
    row(A, "/login/{provider}", "login_button", Some((LOGIN, 1, 0)), rfc!("6749", "4.1.1")),
    row(A, "/callback/{provider}", "callback", Some((LOGIN, 3, 0)), rfc!("6749", "4.1.2")),
    row(A, "/my-resource", "my_resource", None, NONE),
    row(A, "/backchannel-logout/{provider}", "back_channel_logout", None, BACK_CHANNEL),
    row(B, "/oauth-protected-resource", "resource_metadata", None, rfc!("9728", "3")),
    old_way("/api"),
    old_way("/api/do_something"),
    row(B, "", "resource_request", Some((SERVER, 3, 0)), rfc!("6750", "2.1")),
    row(C, "", "visit_c", None, NONE),
    row(A, "", "visit_a", None, NONE),
];

/// Find what is known of a message.
#[must_use]
pub fn explain(message: &Message) -> Explained {
    let bare = message.url.split('?').next().unwrap_or_default();
    let fits =
        |row: &&Row| row.to == message.to && ends_as(bare, row.path) && row.mark.is_on(message);
    let Some(row) = ROWS.iter().find(fits) else { return Explained::default() };
    let step = row.step.map(|(half, number, answer)| Step {
        half,
        number,
        answer: (answer > 0).then_some(answer),
    });
    let source =
        (!row.source.0.is_empty()).then_some(Source { text: row.source.0, url: row.source.1 });
    Explained { title: row.title, step, source }
}

/// Does a URL end as this route? Whoever receives a message tells the route, whoever sends it the
/// name in its place.
fn ends_as(url: &str, route: &str) -> bool {
    match route.split_once("{provider}") {
        Some((before, "")) => url
            .rsplit_once('/')
            .is_some_and(|(parent, _)| parent.ends_with(before.trim_end_matches('/'))),
        _ => url.ends_with(route),
    }
}

fn text(field: &Field) -> &str {
    match &field.value {
        FieldValue::Text(text) => text,
        FieldValue::Secret | FieldValue::Fingerprint(_) => "",
    }
}

/// The names of all titles, each of which has a text in every language.
#[cfg(test)]
pub(crate) fn titles() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.title)
}

#[cfg(test)]
mod tests {
    use flow_events::{Event, FlowEvent, TraceContext};

    use super::*;
    use crate::flows::assemble;

    fn title_of(path: &str, field: Field) -> &'static str {
        let event = Event::RequestReceived {
            method: "POST".to_owned(),
            path: path.to_owned(),
            fields: vec![field],
        };
        let trace_id = TraceContext::root([1; 24]).unwrap().trace_id;
        let arrived = FlowEvent { trace_id, at_micros: 1, reported_by: B, event };
        assemble(&[arrived]).messages[0].explained.title
    }

    #[test]
    fn only_who_shows_b_a_secret_of_its_own_goes_the_old_way() {
        let token =
            || Field::token("authorization", &oauth_types::AccessToken::new("t")).in_header();
        let basic = || Field::secret("authorization").in_header();
        assert_eq!(title_of("/api/do_something", basic()), "old_way");
        assert_eq!(title_of("/api", Field::secret("secret").in_query()), "old_way");
        for (path, field) in [
            ("/api/do_something", token()),
            // A browser shows each port of a host the cookies of all.
            ("/api/do_something", Field::secret("cookie").in_header()),
            ("/api", Field::secret("cookie").in_header()),
            ("/api/resource", basic()),
        ] {
            assert_eq!(title_of(path, field), "resource_request", "{path}");
        }
    }
}
