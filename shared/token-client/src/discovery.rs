//! Where is the token endpoint? The authorization server says so itself (RFC 8414).

use flow_events::Field;
use http::{HeaderValue, Method, StatusCode, header::ACCEPT};
use oauth_types::{AuthorizationServerMetadata, Issuer, printable};
use reqwest::Request;
use url::Url;

use crate::{
    error::{Step, TokenError},
    transport::{Answer, HttpTransport},
};

pub(crate) async fn token_endpoint(
    transport: &HttpTransport,
    issuer: &Issuer,
) -> Result<Url, TokenError> {
    let [oauth, openid] = issuer.metadata_urls();
    let mut url = oauth;
    let mut answer = get(transport, &url).await?;
    // Servers that know OpenID Connect alone publish the same members under its own name (RFC 8414
    // §5).
    if answer.status == StatusCode::NOT_FOUND {
        answer.tell(Vec::new());
        url = openid;
        answer = get(transport, &url).await?;
    }
    let metadata = read(&answer);
    answer.tell(metadata.as_ref().map_or_else(|_| Vec::new(), fields));
    let metadata = metadata?;
    check_issuer(&metadata, issuer, url)?;
    let published =
        metadata.token_endpoint.ok_or_else(|| answer.invalid("it names no token_endpoint"))?;
    issuer.resolve_endpoint(&published).map_err(|_| {
        answer.invalid(
            "its token_endpoint is no absolute http(s) URL, or plain http although the server is reached by https",
        )
    })
}

async fn get(transport: &HttpTransport, url: &str) -> Result<Answer, TokenError> {
    let unusable = |_| TokenError::Unreachable {
        step: Step::Metadata,
        url: url.to_owned(),
        reason: "it is not a URL".to_owned(),
    };
    let mut request = Request::new(Method::GET, Url::parse(url).map_err(unusable)?);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    transport.send(Step::Metadata, request, Vec::new()).await
}

fn read(answer: &Answer) -> Result<AuthorizationServerMetadata, TokenError> {
    if let Some(unavailable) = answer.unavailable() {
        return Err(unavailable);
    }
    if answer.status != StatusCode::OK {
        return Err(answer.invalid("there is no metadata of an authorization server"));
    }
    answer.json("it is not the metadata of an authorization server (RFC 8414 section 2)")
}

/// Compared to the byte (RFC 8414 §3.3): else one server could pass its own endpoints off as
/// another's, and collect the secrets meant for that one (mix-up, RFC 9700 §4.4).
fn check_issuer(
    metadata: &AuthorizationServerMetadata,
    issuer: &Issuer,
    url: String,
) -> Result<(), TokenError> {
    if metadata.issuer == issuer.identifier() {
        return Ok(());
    }
    let found = printable(&metadata.issuer).chars().take(200).collect();
    Err(TokenError::WrongIssuer { url, expected: issuer.identifier().to_owned(), found })
}

fn fields(metadata: &AuthorizationServerMetadata) -> Vec<Field> {
    let endpoint = metadata.token_endpoint.as_deref().unwrap_or_default();
    vec![Field::text("issuer", &metadata.issuer), Field::text("token_endpoint", endpoint)]
}
