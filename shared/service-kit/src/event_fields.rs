//! Selects the parts of HTTP requests and responses that events may contain. Secrets, tokens and
//! cookies appear by name or fingerprint only.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use flow_events::{Event, Field};
use oauth_types::bearer;

use crate::ClientAddress;

/// Header values are truncated to this many characters.
const MAX_VALUE_CHARS: usize = 400;
/// Request headers that are relevant to an OAuth flow. All others are left out.
const REQUEST_HEADERS: [&str; 6] =
    ["host", "content-type", "accept-language", "origin", "sec-fetch-site", "dpop"];
const RESPONSE_HEADERS: [&str; 4] =
    ["www-authenticate", "retry-after", "content-type", "cache-control"];

/// Returns the event for a request to `route`.
pub(crate) fn request_received(request: &Request, route: &str) -> Event {
    let headers = request.headers();
    let mut fields = texts(headers, &REQUEST_HEADERS);
    // Named like the CGI variable (RFC 3875 §4.1.8). It is a fact about the connection, shown
    // beside the headers.
    let client = ClientAddress::of(request.extensions());
    fields.push(Field::text("remote-addr", client.to_string()).in_header());
    fields.extend(headers.get_all(header::AUTHORIZATION).iter().map(authorization));
    if headers.contains_key(header::COOKIE) {
        fields.push(Field::secret("cookie").in_header());
    }
    fields.extend(query(request.uri().query()));
    Event::RequestReceived { method: request.method().to_string(), path: route.to_owned(), fields }
}

/// Returns the event for its response.
pub(crate) fn response_sent(response: &Response, elapsed: Duration) -> Event {
    let headers = response.headers();
    let mut fields = texts(headers, &RESPONSE_HEADERS);
    if headers.contains_key(header::SET_COOKIE) {
        fields.push(Field::secret("set-cookie").in_header());
    }
    if let Some(location) = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) {
        let (target, parameters) = location.split_once('?').unwrap_or((location, ""));
        fields.push(Field::text("location", target).in_header());
        fields.extend(query(Some(parameters)));
    }
    let elapsed_micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    Event::ResponseSent { status: response.status().as_u16(), elapsed_micros, fields }
}

fn texts(headers: &HeaderMap, names: &[&str]) -> Vec<Field> {
    let text = |name: &&str| {
        let value = String::from_utf8_lossy(headers.get(*name)?.as_bytes())
            .chars()
            .take(MAX_VALUE_CHARS)
            .collect::<String>();
        Some(Field::text(name, value).in_header())
    };
    names.iter().filter_map(text).collect()
}

fn authorization(value: &HeaderValue) -> Field {
    match bearer::parse(value.as_bytes()) {
        Some(Ok(token)) => Field::token("authorization", &token),
        _ => Field::secret("authorization"),
    }
    .in_header()
}

fn query(encoded: Option<&str>) -> impl Iterator<Item = Field> {
    Field::parameters(encoded.unwrap_or_default().as_bytes()).into_iter().map(Field::in_query)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, response::IntoResponse};

    use super::*;

    #[test]
    fn events_contain_no_secrets_tokens_or_cookies() {
        let request = Request::get("/cb?code=c0de&state=st4te&password=pw0&x=y9y")
            .header("authorization", "Bearer t0ken")
            .header("cookie", "session=c00kie")
            .header("x-api-key", "k3y");
        let received =
            serde_json::to_string(&request_received(&request.body(Body::empty()).unwrap(), "/cb"))
                .unwrap();
        let headers = [
            ("set-cookie", "s=c00kie"),
            ("location", "https://a.example/cb?code=c0de&iss=https://c.example"),
        ];
        let sent =
            serde_json::to_string(&response_sent(&(headers, "").into_response(), Duration::ZERO))
                .unwrap();
        for secret in ["c0de", "st4te", "pw0", "y9y", "t0ken", "c00kie", "k3y"] {
            assert!(
                !received.contains(secret) && !sent.contains(secret),
                "{secret} in {received} {sent}"
            );
        }
        assert!(
            received.contains("cookie")
                && sent.contains("https://a.example/cb")
                && sent.contains("https://c.example")
        );
    }

    #[test]
    fn basic_credentials_are_hidden() {
        let request =
            Request::get("/").header("authorization", "Basic YTpi").body(Body::empty()).unwrap();
        assert!(
            request_received(&request, "/")
                .fields()
                .contains(&Field::secret("authorization").in_header())
        );
    }
}
