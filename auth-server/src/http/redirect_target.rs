use form_urlencoded::Serializer;
use url::Url;

/// Adds parameters to the query that a redirect URI may already contain (RFC 6749 §3.1.2).
pub fn with_query(uri: &str, fields: &[(&str, String)]) -> String {
    if fields.is_empty() {
        return uri.to_owned();
    }
    let query = Serializer::new(String::new()).extend_pairs(fields).finish();
    let joint = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{joint}{query}")
}

/// Returns the host of a redirect URI, or the URI if it has none. Unlike the client's name, neither
/// can be that of another application.
pub fn host_or_uri(uri: &str) -> String {
    let host = Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| uri.to_owned())
}
