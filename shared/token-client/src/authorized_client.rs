use reqwest::{Client, Request, Response, StatusCode, header};

use crate::{
    cached_token::CachedToken, client::TokenClient, error::TokenError, token_target::TokenTarget,
};

/// An HTTP client that sends an access token with each request to one resource server.
///
/// If the resource server rejects the token with 401, it was revoked or its key was withdrawn. The
/// request is then sent once more with a new token, unless its body is a stream, which cannot be
/// sent twice.
///
/// ```no_run
/// # use token_client::{AuthorizedClient, TokenClient, TokenTarget};
/// # async fn call(tokens: TokenClient) -> Result<(), Box<dyn std::error::Error>> {
/// let target = TokenTarget { scope: "orders:read".parse()?, resource: None };
/// let http = token_client::reqwest::Client::new();
/// let orders = AuthorizedClient::new(http.clone(), tokens, target);
/// let response = orders.send(http.get("https://api.example.com/v1/orders").build()?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuthorizedClient {
    http: Client,
    tokens: TokenClient,
    target: TokenTarget,
}

/// Why a request got no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// There is no access token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The resource server cannot be reached.
    #[error("cannot reach the resource server: {0}")]
    Request(#[from] reqwest::Error),
}

impl AuthorizedClient {
    /// Creates a client that gets its tokens for `target` from `tokens`. Send it requests to the
    /// resource server of this target alone: another one could use the token.
    #[must_use]
    pub fn new(http: Client, tokens: TokenClient, target: TokenTarget) -> Self {
        Self { http, tokens, target }
    }

    /// Sends a request. A response with any status is a success here.
    ///
    /// # Errors
    /// Returns a [`CallError`] if there is no token, or the resource server cannot be reached.
    pub async fn send(&self, request: Request) -> Result<Response, CallError> {
        let again = request.try_clone();
        let token = self.tokens.token(&self.target).await?;
        let response = self.send_with(request, &token).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        self.tokens.invalidate(&self.target, &token);
        match again {
            Some(request) => {
                let token = self.tokens.token(&self.target).await?;
                Ok(self.send_with(request, &token).await?)
            }
            None => Ok(response),
        }
    }

    async fn send_with(
        &self,
        mut request: Request,
        token: &CachedToken,
    ) -> Result<Response, reqwest::Error> {
        let value = format!("Bearer {}", token.access_token.expose());
        // The characters of a token were checked when it was received.
        if let Ok(mut value) = header::HeaderValue::try_from(value) {
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        self.http.execute(request).await
    }
}
