//! What of an HTTP message that came, or that goes out, may be told as an event.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use flow_events::{Event, Field};
use oauth_types::bearer;

/// Longer header values are cut off.
const SHOWN_CHARS: usize = 400;
/// The headers that say something of a flow. Whatever else a caller sends is its own business.
const TOLD_OF_REQUESTS: [&str; 6] =
    ["host", "content-type", "accept-language", "origin", "sec-fetch-site", "dpop"];
const TOLD_OF_ANSWERS: [&str; 4] =
    ["www-authenticate", "retry-after", "content-type", "cache-control"];

/// A request has come to `route`.
pub(crate) fn arrived(request: &Request, route: &str) -> Event {
    let headers = request.headers();
    let mut fields = texts(headers, &TOLD_OF_REQUESTS);
    fields.extend(headers.get_all(header::AUTHORIZATION).iter().map(authorization));
    if headers.contains_key(header::COOKIE) {
        fields.push(Field::secret("cookie").in_header());
    }
    fields.extend(query(request.uri().query()));
    Event::RequestReceived { method: request.method().to_string(), path: route.to_owned(), fields }
}

/// It is answered.
pub(crate) fn answered(response: &Response, elapsed: Duration) -> Event {
    let headers = response.headers();
    let mut fields = texts(headers, &TOLD_OF_ANSWERS);
    if headers.contains_key(header::SET_COOKIE) {
        fields.push(Field::secret("set-cookie").in_header());
    }
    if let Some(location) = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) {
        let (bare, carried) = location.split_once('?').unwrap_or((location, ""));
        fields.push(Field::text("location", bare).in_header());
        fields.extend(query(Some(carried)));
    }
    let elapsed_micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    Event::ResponseSent { status: response.status().as_u16(), elapsed_micros, fields }
}

fn texts(headers: &HeaderMap, names: &[&str]) -> Vec<Field> {
    let text = |name: &&str| {
        let value = String::from_utf8_lossy(headers.get(*name)?.as_bytes())
            .chars()
            .take(SHOWN_CHARS)
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
    fn neither_a_secret_nor_a_token_nor_a_cookie_is_told() {
        let request = Request::get("/cb?code=c0de&state=st4te&password=pw0&x=y9y")
            .header("authorization", "Bearer t0ken")
            .header("cookie", "session=c00kie")
            .header("x-api-key", "k3y");
        let told =
            serde_json::to_string(&arrived(&request.body(Body::empty()).unwrap(), "/cb")).unwrap();
        let headers = [
            ("set-cookie", "s=c00kie"),
            ("location", "https://a.example/cb?code=c0de&iss=https://c.example"),
        ];
        let answer =
            serde_json::to_string(&answered(&(headers, "").into_response(), Duration::ZERO))
                .unwrap();
        for secret in ["c0de", "st4te", "pw0", "y9y", "t0ken", "c00kie", "k3y"] {
            assert!(
                !told.contains(secret) && !answer.contains(secret),
                "{secret} in {told} {answer}"
            );
        }
        assert!(
            told.contains("cookie")
                && answer.contains("https://a.example/cb")
                && answer.contains("https://c.example")
        );
    }

    #[test]
    fn a_basic_header_leaves_nothing() {
        let request =
            Request::get("/").header("authorization", "Basic YTpi").body(Body::empty()).unwrap();
        assert!(
            arrived(&request, "/").fields().contains(&Field::secret("authorization").in_header())
        );
    }
}
