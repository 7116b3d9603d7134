//! `errors.md`: the OAuth error codes.

use std::fmt::Write;

use super::{assert_page, schema::Schema};

#[test]
fn errors_page_matches_the_code() {
    let schema = Schema::parse(&["shared/oauth-types/src"]);
    let mut text = "\
# Error codes

This page is generated from `oauth_types::ErrorCode`. C sends errors as JSON (RFC 6749 §5.2), as
parameters of the redirect (RFC 6749 §4.1.2.1), or as a page if it must not redirect. B sends them
in the `WWW-Authenticate` header (RFC 6750 §3).

Every server answers some requests before a handler sees them, with `invalid_request` and this
status:

| status | `error_description` | what to do |
|---|---|---|
| 400 | the request needs exactly one valid Host | send one `Host` |
| 421 | this server does not serve the host that the request names; the setting allowed_hosts adds names | add the name to `allowed_hosts` |
| 403 | this request must not come from a page of another origin | send it from the server's own pages, or from a program |

C answers some requests of anyone with these:

| status | `error` | when | what to do |
|---|---|---|---|
| 429 | `temporarily_unavailable` | an address pushed requests or requested device codes too often with public clients, or with clients that registered themselves (`rate_limits.pushed_authorization`, `rate_limits.device_authorization`) | wait for the seconds in `Retry-After` |
| 413 | `invalid_request` | a pushed request has more than 8192 bytes without its signature | send less, such as a shorter `state` |
| 503 | `temporarily_unavailable` | the first key of the client's signature algorithm is not active yet: no server signs before all publish the key | repeat the request after the seconds in `Retry-After`; an authorization code stays valid |
| redirect | `temporarily_unavailable` | an address sent signed requests of such clients too often | retry later |
| redirect | `invalid_request_object` | a signed request has more than 8192 bytes without its signature | send less |

| `error` | meaning |
|---|---|
"
    .to_owned();
    for code in schema.variants("ErrorCode").unwrap() {
        writeln!(text, "| `{}` | {} |", code.name, code.docs).unwrap();
    }
    assert_page("errors.md", &text);
}
