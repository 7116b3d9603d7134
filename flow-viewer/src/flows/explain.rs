//! Recognizes a message: its kind, its step in `docs/learn`, and the specification.

use flow_events::{Field, FieldValue, Party};

use super::{
    model::{Explanation, Message, SourceLink, Step, StepSequence},
    secret_holders::{Secret, secret_in},
};

/// A kind of message: receiver, end of the path, further condition, and what is known about it.
struct Kind {
    to: Party,
    path: &'static str,
    condition: Condition,
    title: &'static str,
    /// The sequence, the number of the request, and that of the response (0 if it is not a step).
    step: Option<(StepSequence, u8, u8)>,
    source: (&'static str, &'static str),
}

/// What distinguishes a message from others to the same path.
#[derive(Clone, Copy)]
enum Condition {
    None,
    GrantType(&'static str),
    /// The message carries the sender's own secret.
    ClientSecret,
}

impl Condition {
    fn holds(self, message: &Message) -> bool {
        let mut fields = message.fields.iter();
        match self {
            Self::None => true,
            Self::GrantType(grant) => {
                fields.any(|field| field.name == "grant_type" && text(field) == grant)
            }
            Self::ClientSecret => {
                fields.any(|field| secret_in(field, message.from) == Some(Secret::ClientSecret))
            }
        }
    }
}

const C: Party = Party::AuthorizationServer;
const A: Party = Party::Client;
const B: Party = Party::ResourceServer;
const SERVER: StepSequence = StepSequence::ServerToServer;
const LOGIN: StepSequence = StepSequence::UserLogin;

macro_rules! rfc {
    ($number:literal, $section:literal) => {
        (
            concat!("RFC ", $number, " §", $section),
            concat!("https://www.rfc-editor.org/rfc/rfc", $number, "#section-", $section),
        )
    };
}

const fn kind(
    to: Party,
    path: &'static str,
    title: &'static str,
    step: Option<(StepSequence, u8, u8)>,
    source: (&'static str, &'static str),
) -> Kind {
    Kind { to, path, condition: Condition::None, title, step, source }
}

const fn grant(
    grant: &'static str,
    title: &'static str,
    step: Option<(StepSequence, u8, u8)>,
    source: (&'static str, &'static str),
) -> Kind {
    Kind { to: C, path: "/token", condition: Condition::GrantType(grant), title, step, source }
}

const fn legacy(path: &'static str) -> Kind {
    Kind {
        to: B,
        path,
        condition: Condition::ClientSecret,
        title: "legacy",
        step: None,
        source: rfc!("6749", "1"),
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
const DISCOVERY: (&str, &str) = (
    "OpenID Connect Discovery §4",
    "https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig",
);
const USERINFO: (&str, &str) =
    ("OpenID Connect Core §5.3", "https://openid.net/specs/openid-connect-core-1_0.html#UserInfo");
const NONE: (&str, &str) = ("", "");

/// The first match applies.
const KINDS: &[Kind] = &[
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
    kind(C, "/token", "token_request", None, rfc!("6749", "3.2")),
    kind(C, "/oauth-authorization-server", "metadata", None, rfc!("8414", "3")),
    kind(C, "/openid-configuration", "metadata", None, DISCOVERY),
    kind(C, "/jwks.json", "keys", None, rfc!("7517", "5")),
    kind(C, "/introspect", "introspection", Some((SERVER, 4, 0)), rfc!("7662", "2.1")),
    kind(C, "/revoke", "revocation", None, rfc!("7009", "2.1")),
    kind(C, "/par", "pushed_request", None, rfc!("9126", "2.1")),
    kind(C, "/device_authorization", "device_authorization", None, rfc!("8628", "3.1")),
    kind(C, "/register", "registration", None, rfc!("7591", "3.1")),
    kind(C, "/authorize", "authorization_request", Some((LOGIN, 1, 0)), rfc!("6749", "4.1.1")),
    kind(C, "/login", "sign_in", Some((LOGIN, 2, 0)), rfc!("6749", "3.1")),
    kind(C, "/consent", "consent", Some((LOGIN, 2, 0)), rfc!("6749", "4.1")),
    kind(C, "/userinfo", "userinfo", Some((LOGIN, 6, 0)), USERINFO),
    kind(C, "/logout", "sign_out", None, RP_LOGOUT),
    kind(C, "/test/token", "test_token", None, NONE),
    kind(C, "/test/outage", "test_outage", None, NONE),
    kind(A, "/api/call-b", "call_a", None, NONE),
    kind(A, "/api/call-b-legacy", "call_a_legacy", None, NONE),
    kind(A, "/login/{provider}", "login_button", Some((LOGIN, 1, 0)), rfc!("6749", "4.1.1")),
    kind(A, "/callback/{provider}", "callback", Some((LOGIN, 3, 0)), rfc!("6749", "4.1.2")),
    kind(A, "/my-resource", "my_resource", None, NONE),
    kind(A, "/backchannel-logout/{provider}", "back_channel_logout", None, BACK_CHANNEL),
    kind(B, "/oauth-protected-resource", "resource_metadata", None, rfc!("9728", "3")),
    legacy("/api"),
    legacy("/api/do_something"),
    // The page of B. Its API is below other paths.
    kind(B, "/", "visit_b", None, NONE),
    kind(B, "", "resource_request", Some((SERVER, 3, 0)), rfc!("6750", "2.1")),
    kind(C, "", "visit_c", None, NONE),
    kind(A, "", "visit_a", None, NONE),
];

/// Returns what is known about a message.
#[must_use]
pub fn explain(message: &Message) -> Explanation {
    let bare = message.url.split('?').next().unwrap_or_default();
    let matches = |kind: &&Kind| {
        kind.to == message.to && ends_with_route(bare, kind.path) && kind.condition.holds(message)
    };
    let Some(kind) = KINDS.iter().find(matches) else { return Explanation::default() };
    let step = kind.step.map(|(sequence, number, response)| Step {
        sequence,
        number,
        response_number: (response > 0).then_some(response),
    });
    let source = (!kind.source.0.is_empty())
        .then_some(SourceLink { text: kind.source.0, url: kind.source.1 });
    Explanation { title: kind.title, step, source }
}

/// Whether a URL ends with this route. Receivers report the route itself, senders the URL with a
/// provider's name in place of the parameter.
fn ends_with_route(url: &str, route: &str) -> bool {
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

/// The titles of all kinds; each has a text in every language.
#[cfg(test)]
pub(crate) fn titles() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.title)
}

#[cfg(test)]
mod tests {
    use flow_events::{Event, FlowEvent, TraceContext};

    use super::*;
    use crate::flows::assemble::assemble;

    fn title_of(path: &str, field: Field) -> &'static str {
        let event = Event::RequestReceived {
            method: "POST".to_owned(),
            path: path.to_owned(),
            fields: vec![field],
        };
        let trace_id = TraceContext::root([1; 24]).unwrap().trace_id;
        let received = FlowEvent { trace_id, at_micros: 1, reported_by: B, event };
        assemble(&[received]).messages[0].explanation.title
    }

    #[test]
    fn only_requests_with_the_secret_of_the_client_are_legacy() {
        let token =
            || Field::token("authorization", &oauth_types::AccessToken::new("t")).in_header();
        let basic = || Field::secret("authorization").in_header();
        assert_eq!(title_of("/api/do_something", basic()), "legacy");
        assert_eq!(title_of("/api", Field::secret("secret").in_query()), "legacy");
        for (path, field) in [
            ("/api/do_something", token()),
            // A browser sends cookies to every port of a host.
            ("/api/do_something", Field::secret("cookie").in_header()),
            ("/api", Field::secret("cookie").in_header()),
            ("/api/resource", basic()),
        ] {
            assert_eq!(title_of(path, field), "resource_request", "{path}");
        }
    }
}
