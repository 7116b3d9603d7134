//! OpenID Connect, implemented with the crate `openidconnect` and the checks that it leaves to its
//! users.

mod discovery;
mod id_token;
mod library;
mod logout_token;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context;
use clock::Clock;
use oauth_types::{AccessToken, ClientSecret, Issuer};
use openidconnect::{
    AuthType, AuthorizationCode, ClientId, CsrfToken, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClientAuthMethod},
};
use secrecy::{ExposeSecret, SecretString};
use service_kit::http_client;
use url::Url;

use self::{
    discovery::Discovery,
    library::{Client, Metadata, OpenIdTokenResponse, metadata_error, token_error},
};
use super::{
    AuthenticatedUser, CodeResponse, LoginSecrets, ProviderError, ProviderRequest, TokenAudience,
    UserAccessToken, UserTokens,
    apple::{AppleKey, full_name},
    profile,
    transport::Transport,
};
use crate::{
    accounts::Identity,
    random_id::RandomId,
    settings::{ProviderKind, ProviderSettings},
};

pub use id_token::{CLOCK_SKEW, ID_TOKEN_ALGORITHMS};
pub use logout_token::LogoutTokenError;

pub struct OpenIdProvider {
    discovery: Discovery,
    transport: Arc<Transport>,
    /// Issuer identifier, compared byte by byte.
    issuer: String,
    client_id: String,
    credential: Credential,
    redirect_uri: RedirectUrl,
    scopes: Vec<String>,
    resources: Vec<String>,
    pub(super) form_post: bool,
    clock: Clock,
}

/// How A authenticates to the provider.
enum Credential {
    Secret(ClientSecret),
    Apple(Box<AppleKey>),
}

impl OpenIdProvider {
    pub(super) fn new(
        settings: &ProviderSettings,
        redirect_uri: &str,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let issuer = Issuer::new(settings.issuer.clone(), settings.internal_url.as_deref())
            .map_err(|problem| {
                anyhow::anyhow!("the settings `issuer` and `internal_url`: {problem}")
            })?;
        let identifier = issuer.identifier().to_owned();
        let transport = Arc::new(Transport::new(http_client(&settings.http())?, Some(issuer)));
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        anyhow::ensure!(!settings.client_id.is_empty(), "the setting `client_id` is missing");
        Ok(Self {
            discovery: Discovery::new(Arc::clone(&transport), &identifier, clock.clone())?,
            transport,
            issuer: identifier,
            client_id: settings.client_id.clone(),
            credential: Credential::new(settings)?,
            redirect_uri: RedirectUrl::new(redirect_uri.to_owned())
                .context("the setting `public_url`")?,
            // The library adds `openid`.
            scopes: list(&settings.scopes).into_iter().filter(|scope| scope != "openid").collect(),
            resources: list(&settings.resources),
            form_post: settings.kind == ProviderKind::Apple,
            clock: clock.clone(),
        })
    }

    pub(super) async fn authorization_url(
        &self,
        secrets: &LoginSecrets,
    ) -> Result<Url, ProviderError> {
        let client = self.client(&*self.discovery.metadata().await?)?;
        let (state, nonce) = (secrets.state.expose().to_owned(), secrets.nonce.expose().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier(secrets));
        let request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(self.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        let request = self
            .resources
            .iter()
            .fold(request, |request, resource| request.add_extra_param("resource", resource));
        let request = if self.form_post {
            request.add_extra_param("response_mode", "form_post")
        } else {
            request
        };
        Ok(request.url().0)
    }

    /// Implements RFC 9207 §2.4: `iss` must match, and must be present if the metadata announces
    /// it.
    pub(super) async fn check_response_issuer(
        &self,
        iss: Option<&str>,
    ) -> Result<(), ProviderError> {
        let expected = &self.issuer;
        match iss {
            Some(iss) if iss == expected => Ok(()),
            Some(_) => Err(ProviderError::MixUp(format!("`iss` is not {expected}"))),
            None if self.discovery.metadata().await?.additional_metadata().sends_iss => {
                Err(ProviderError::MixUp(format!(
                    "`iss` is missing, although {expected} announces that it sends it"
                )))
            }
            None => Ok(()),
        }
    }

    pub(super) async fn authenticate(
        &self,
        response: &CodeResponse,
        secrets: &LoginSecrets,
    ) -> Result<AuthenticatedUser, ProviderError> {
        let metadata = self.discovery.metadata().await?;
        let client = self.client(&metadata)?;
        // 1. Redeem the code.
        let code = AuthorizationCode::new(response.code.clone());
        let request =
            client.exchange_code(code).map_err(|_| metadata_error("no token endpoint"))?;
        let mut request = request.set_pkce_verifier(verifier(secrets));
        if let Some(resource) = self.resource(&TokenAudience::UserInfo) {
            request = request.add_extra_param("resource", resource);
        }
        let tokens =
            request.request_async(&*self.transport).await.map_err(|error| token_error(&error))?;
        // 2. Verify the ID token. It alone decides who the user is.
        let claims = self.verify_id_token(&metadata, &tokens, secrets).await?;
        // 3. Read the profile, which may be in the ID token or in UserInfo.
        let mut profile = profile::from_claims(&claims);
        if let Ok(request) =
            client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        {
            let user_info = library::user_info(request, &self.transport).await?;
            profile = profile::from_claims(&user_info).or(profile);
        }
        profile.nickname = profile.nickname.or_else(|| self.apple_name(response));
        let identity =
            Identity { issuer: self.issuer.clone(), subject: claims.subject().to_string() };
        let sid = claims.additional_claims().sid.clone();
        Ok(AuthenticatedUser {
            identity,
            profile: profile.sanitized(),
            sid,
            tokens: UserTokens {
                userinfo: self.access_token(&tokens),
                resources: BTreeMap::new(),
                refresh_token: refresh_token(&tokens),
                id_token: tokens.id_token().map(|token| SecretString::from(token.to_string())),
            },
        })
    }

    /// Redeems the refresh token for an access token for `audience` (RFC 6749 §6). A provider that
    /// does not rotate refresh tokens sends no new one; the old one is kept. So is the first ID
    /// token, the logout hint: a later one would have to be verified.
    pub(super) async fn refresh(
        &self,
        tokens: &UserTokens,
        audience: &TokenAudience,
    ) -> Result<UserTokens, ProviderError> {
        let missing = || {
            let reason = "no refresh token was issued".to_owned();
            ProviderError::InvalidGrant(ProviderRequest::Token, reason)
        };
        let old = tokens.refresh_token.as_ref().ok_or_else(missing)?;
        let client = self.client(&*self.discovery.metadata().await?)?;
        let old = RefreshToken::new(old.expose_secret().to_owned());
        let mut request =
            client.exchange_refresh_token(&old).map_err(|_| metadata_error("no token endpoint"))?;
        if let Some(resource) = self.resource(audience) {
            request = request.add_extra_param("resource", resource);
        }
        let response =
            request.request_async(&*self.transport).await.map_err(|error| token_error(&error))?;
        let mut fresh = tokens.clone();
        fresh.set_token_for(audience, self.access_token(&response));
        fresh.refresh_token = refresh_token(&response).or(fresh.refresh_token);
        Ok(fresh)
    }

    /// Returns the `resource` parameter of a token request (RFC 8707 §2.2). Without other
    /// resources, the provider's access tokens need none.
    fn resource(&self, audience: &TokenAudience) -> Option<String> {
        match audience {
            TokenAudience::Resource(identifier) => Some(identifier.clone()),
            TokenAudience::UserInfo if self.resources.is_empty() => None,
            TokenAudience::UserInfo => Some(self.issuer.clone()),
        }
    }

    /// Returns the logout URL (OpenID Connect RP-Initiated Logout §2), or `None` if the provider is
    /// unavailable or has no such endpoint.
    pub(super) async fn end_session_url(
        &self,
        tokens: &UserTokens,
        post_logout_redirect_uri: &str,
        state: &RandomId,
    ) -> Option<Url> {
        let metadata = self.discovery.metadata().await.ok()?;
        let mut url = metadata.additional_metadata().end_session_endpoint.clone()?;
        let mut query = url.query_pairs_mut();
        if let Some(id_token) = &tokens.id_token {
            query.append_pair("id_token_hint", id_token.expose_secret());
        }
        query.append_pair("client_id", &self.client_id);
        query.append_pair("post_logout_redirect_uri", post_logout_redirect_uri);
        query.append_pair("state", state.expose());
        drop(query);
        Some(url)
    }

    fn client(&self, metadata: &Metadata) -> Result<Client, ProviderError> {
        let secret = self.credential.secret(self.clock.seconds())?;
        let client_id = ClientId::new(self.client_id.clone());
        let client = Client::from_provider_metadata(metadata.clone(), client_id, Some(secret));
        Ok(client
            .set_redirect_uri(self.redirect_uri.clone())
            .set_auth_type(self.auth_type(metadata)))
    }

    /// Returns `client_secret_basic`, the default of OpenID Connect Discovery §3, unless the
    /// metadata excludes it. Apple accepts only `client_secret_post`.
    fn auth_type(&self, metadata: &Metadata) -> AuthType {
        let methods = metadata.token_endpoint_auth_methods_supported();
        let basic = methods
            .is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        match self.credential {
            Credential::Secret(_) if basic => AuthType::BasicAuth,
            _ => AuthType::RequestBody,
        }
    }

    fn access_token(&self, response: &OpenIdTokenResponse) -> UserAccessToken {
        let seconds = |lifetime: std::time::Duration| {
            i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX / 2)
        };
        UserAccessToken {
            access_token: AccessToken::new(response.access_token().secret()),
            expires_at: response
                .expires_in()
                .map(|lifetime| self.clock.seconds() + seconds(lifetime)),
        }
    }

    fn apple_name(&self, response: &CodeResponse) -> Option<String> {
        if self.form_post { response.user.as_deref().and_then(full_name) } else { None }
    }
}

/// Returns the secret with which A authenticates to the provider at Unix time `now`.
///
/// # Errors
/// Returns an error if the settings contain no valid secret or key.
pub fn client_secret(settings: &ProviderSettings, now: i64) -> anyhow::Result<ClientSecret> {
    Ok(ClientSecret::new(Credential::new(settings)?.secret(now)?.secret()))
}

impl Credential {
    fn new(settings: &ProviderSettings) -> anyhow::Result<Self> {
        if settings.kind == ProviderKind::Apple {
            return Ok(Self::Apple(Box::new(AppleKey::new(settings)?)));
        }
        Ok(Self::Secret(settings.secret()?))
    }

    fn secret(&self, now: i64) -> Result<openidconnect::ClientSecret, ProviderError> {
        let signing_failed = |_| {
            let reason = "cannot sign the client secret with `key_file`".to_owned();
            ProviderError::InvalidResponse(ProviderRequest::Token, reason)
        };
        let secret = match self {
            Self::Secret(secret) => secret.expose().to_owned(),
            Self::Apple(key) => key.client_secret(now).map_err(signing_failed)?,
        };
        Ok(openidconnect::ClientSecret::new(secret))
    }
}

fn refresh_token(response: &OpenIdTokenResponse) -> Option<SecretString> {
    response.refresh_token().map(|token| SecretString::from(token.secret().clone()))
}

fn verifier(secrets: &LoginSecrets) -> PkceCodeVerifier {
    PkceCodeVerifier::new(secrets.verifier.expose().to_owned())
}
