//! The client asks as itself (RFC 6749 §4.4).

use oauth_types::TokenResponse;
use url::Url;

use crate::{
    client_auth::ClientAuth,
    error::{Step, TokenError},
    token_request::TokenRequest,
    token_response,
    token_target::TokenNeed,
    transport::Exchange,
};

pub(crate) async fn request(
    exchange: &Exchange,
    endpoint: Url,
    auth: &ClientAuth,
    need: &TokenNeed,
) -> Result<TokenResponse, TokenError> {
    let (request, fields) = form(auth, need).into_parts(endpoint);
    let answer = exchange.send(Step::Token, request, fields).await?;
    token_response::read(&answer, auth)
}

fn form(auth: &ClientAuth, need: &TokenNeed) -> TokenRequest {
    let mut request = TokenRequest::new("client_credentials");
    auth.prove(&mut request);
    request.need(need);
    request
}
