use std::sync::Arc;

use http::{StatusCode, header::CONTENT_TYPE};
use oauth_http::HttpResponse;
use oauth_types::{AccessToken, Claims};

use super::{
    OpenIdProvider,
    claims::{check_issuer, claim_text, has_audience, other_audience},
    metadata::Metadata,
    signed_jwt::{JwtError, SignedJwt},
};
use crate::providers::{ProviderError, ProviderRequest};

impl OpenIdProvider {
    /// Returns the claims of the userinfo endpoint about `subject` (OpenID Connect Core §5.3), or
    /// `None` if the provider has no such endpoint. If the endpoint is gone, the provider may have
    /// moved it: then the metadata is read again.
    pub(super) async fn user_info(
        &self,
        metadata: &Arc<Metadata>,
        access_token: &AccessToken,
        subject: &str,
    ) -> Result<Option<Claims>, ProviderError> {
        let Some(endpoint) = &metadata.userinfo_endpoint else { return Ok(None) };
        let response = match self.request_user_info(endpoint, access_token).await {
            Err(error) if error.endpoint_may_have_moved() => {
                let fresh = self.discovery.refresh(metadata).await.ok();
                match fresh.as_ref().and_then(|fresh| fresh.userinfo_endpoint.as_ref()) {
                    Some(moved) if moved != endpoint => {
                        self.request_user_info(moved, access_token).await?
                    }
                    _ => return Err(error),
                }
            }
            outcome => outcome?,
        };
        let claims = self.user_info_claims(metadata, &response).await?;
        // §5.3.2: otherwise the access token of another user could have been substituted.
        if claims.text("sub") != Some(subject) {
            let found = claim_text(claims.value("sub"));
            return Err(ProviderError::Untrusted(format!(
                "UserInfo: `sub` is {found}, but \"{subject}\" in the ID token"
            )));
        }
        Ok(Some(claims))
    }

    async fn request_user_info(
        &self,
        endpoint: &str,
        access_token: &AccessToken,
    ) -> Result<HttpResponse, ProviderError> {
        let kind = ProviderRequest::UserInfo;
        let response = self.transport.get(endpoint, Some(access_token), kind).await?;
        if response.status != StatusCode::OK {
            return Err(ProviderError::status(kind, response.status));
        }
        Ok(response)
    }

    /// Reads a JSON response, or a signed one.
    async fn user_info_claims(
        &self,
        metadata: &Arc<Metadata>,
        response: &HttpResponse,
    ) -> Result<Claims, ProviderError> {
        let invalid = |reason: &str| {
            ProviderError::InvalidResponse(ProviderRequest::UserInfo, reason.to_owned())
        };
        let content_type = response.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let media_type = content_type.and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case("application/jwt") {
            return response.json().map_err(|_| invalid("not a JSON UserInfo response"));
        }
        let untrusted = |reason: String| ProviderError::Untrusted(format!("UserInfo: {reason}"));
        let token = std::str::from_utf8(response.bytes()).unwrap_or_default().trim();
        let verified = async {
            let jwt = SignedJwt::parse(token)?;
            self.verify_signature(metadata, &jwt).await
        };
        let claims = verified.await.map_err(|error| match error {
            JwtError::Invalid(reason) => untrusted(reason),
            JwtError::Provider(error) => error,
        })?;
        // §5.3.2: both should be present in a signed response.
        if claims.contains("iss") {
            check_issuer(&claims, &self.issuer).map_err(untrusted)?;
        }
        if claims.contains("aud") && !has_audience(&claims, &self.client_id) {
            return Err(untrusted(other_audience(&claims, &self.client_id)));
        }
        Ok(claims)
    }
}
