//! The client was shown a user's token, and needs one with which it acts for them elsewhere (RFC
//! 8693 §2.1).

use oauth_types::{AccessToken, TokenResponse};
use url::Url;

use crate::{
    client_auth::ClientAuth,
    error::{Step, TokenError},
    token_request::TokenRequest,
    token_response,
    token_target::TokenTarget,
    transport::HttpTransport,
};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

pub(crate) async fn request(
    transport: &HttpTransport,
    endpoint: Url,
    auth: &ClientAuth,
    subject: &AccessToken,
    need: &TokenTarget,
) -> Result<TokenResponse, TokenError> {
    let (request, fields) = form(auth, subject, need).into_parts(endpoint);
    let answer = transport.send(Step::Token, request, fields).await?;
    token_response::read(&answer, auth)
}

fn form(auth: &ClientAuth, subject: &AccessToken, need: &TokenTarget) -> TokenRequest {
    let mut request = TokenRequest::new(GRANT_TYPE);
    auth.prove(&mut request);
    request.token("subject_token", subject);
    request.text("subject_token_type", ACCESS_TOKEN_TYPE);
    request.need(need);
    request
}
