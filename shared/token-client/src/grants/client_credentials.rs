//! The client asks as itself (RFC 6749 §4.4).

use oauth_types::TokenResponse;
use url::Url;

use crate::{
    client_auth::ClientAuth,
    error::{Step, TokenError},
    token_request::TokenRequest,
    token_response,
    token_target::TokenTarget,
    transport::HttpTransport,
};

pub(crate) async fn request(
    transport: &HttpTransport,
    endpoint: Url,
    auth: &ClientAuth,
    need: &TokenTarget,
) -> Result<TokenResponse, TokenError> {
    let (request, fields) = form(auth, need).into_parts(endpoint);
    let answer = transport.send(Step::Token, request, fields).await?;
    token_response::read(&answer, auth)
}

fn form(auth: &ClientAuth, need: &TokenTarget) -> TokenRequest {
    let mut request = TokenRequest::new("client_credentials");
    auth.prove(&mut request);
    request.need(need);
    request
}
