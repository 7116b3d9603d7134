//! OpenID Connect Core: the authorization code flow of a confidential client.

mod claims;
mod discovery;
mod id_token;
mod keys;
mod logout_token;
mod metadata;
mod signed_jwt;
mod token_response;
mod user_info;

use std::{collections::BTreeMap, sync::Arc};

use clock::Clock;
use flow_events::Rule;
use form_urlencoded::Serializer;
use http::header;
use oauth_types::{ClientSecret, Issuer, basic};
use secrecy::{ExposeSecret, SecretString};
use service_kit::http_client;
use token_client::{AuthorizationRequest, CodeVerifier};
use url::Url;

use self::{discovery::Discovery, metadata::Metadata, token_response::TokenResponse};
use super::{
    AuthenticatedUser, CodeResponse, LoginSecrets, ProviderError, ProviderRequest, TokenAudience,
    UserAccessToken, UserTokens,
    apple::{AppleKey, full_name},
    profile,
    transport::Transport,
};
use crate::{
    accounts::Identity,
    login_checks::{bounded, emit_check},
    random_id::RandomId,
    settings::{ProviderKind, ProviderSettings, ResponseMode},
};

pub use claims::CLOCK_SKEW;
pub use keys::SIGNATURE_ALGORITHMS;
pub use logout_token::LogoutTokenError;

pub struct OpenIdProvider {
    discovery: Discovery,
    transport: Arc<Transport>,
    /// Issuer identifier, compared byte by byte.
    pub(super) issuer: String,
    client_id: String,
    credential: Credential,
    redirect_uri: String,
    /// The `scope` of the authorization request.
    scopes: String,
    resources: Vec<String>,
    /// Audiences besides A that an ID token may have.
    trusted_audiences: Vec<String>,
    pub(super) form_post: bool,
    /// Apple sends the name of the user with the authorization response, and `email_verified` as
    /// text.
    is_apple: bool,
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
        let (identifier, [_, metadata_url]) =
            (issuer.identifier().to_owned(), issuer.metadata_urls());
        let transport = Arc::new(Transport::new(http_client(&settings.http())?, Some(issuer)));
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        anyhow::ensure!(!settings.client_id.is_empty(), "the setting `client_id` is missing");
        Ok(Self {
            discovery: Discovery::new(
                Arc::clone(&transport),
                &identifier,
                metadata_url,
                clock.clone(),
            ),
            transport,
            issuer: identifier,
            client_id: settings.client_id.clone(),
            credential: Credential::new(settings)?,
            redirect_uri: redirect_uri.to_owned(),
            scopes: with_openid(&settings.scopes),
            resources: list(&settings.resources),
            trusted_audiences: list(&settings.trusted_audiences),
            form_post: settings.response_mode()? == ResponseMode::FormPost,
            is_apple: settings.kind == ProviderKind::Apple,
            clock: clock.clone(),
        })
    }

    pub(super) async fn authorization_url(
        &self,
        secrets: &LoginSecrets,
        login_hint: Option<&str>,
    ) -> Result<Url, ProviderError> {
        let metadata = self.discovery.metadata().await?;
        let verifier = CodeVerifier::new(secrets.verifier.expose());
        let mut request = AuthorizationRequest::new(
            &self.client_id,
            &self.redirect_uri,
            secrets.state.expose(),
            &verifier,
        )
        .scope(&self.scopes)
        .nonce(secrets.nonce.expose());
        for resource in &self.resources {
            request = request.resource(resource);
        }
        if self.form_post {
            request = request.parameter("response_mode", "form_post");
        }
        if let Some(login_hint) = login_hint {
            request = request.parameter("login_hint", login_hint);
        }
        Ok(request.url(&metadata.authorization_endpoint))
    }

    /// Implements RFC 9207 §2.4: `iss` must match, and must be present if the metadata announces
    /// it.
    pub(super) async fn check_response_issuer(
        &self,
        iss: Option<&str>,
    ) -> Result<(), ProviderError> {
        let expected = &self.issuer;
        let result = match iss.map(bounded) {
            Some(iss) if iss == *expected => Ok(()),
            Some(iss) => Err(ProviderError::MixUp(format!("`iss` is {iss}, not {expected}"))),
            None if self.discovery.metadata().await?.sends_iss => Err(ProviderError::MixUp(
                format!("`iss` is missing, although {expected} announces that it sends it"),
            )),
            None => Ok(()),
        };
        let found = || iss.map_or_else(|| "none".to_owned(), bounded);
        emit_check(Rule::ResponseIssuer, result.is_ok(), || expected.clone(), found);
        result
    }

    pub(super) async fn authenticate(
        &self,
        response: &CodeResponse,
        secrets: &LoginSecrets,
    ) -> Result<AuthenticatedUser, ProviderError> {
        // 1. Redeem the code.
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", &response.code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", secrets.verifier.expose()),
        ];
        form.extend(self.resource(&TokenAudience::UserInfo).map(|resource| ("resource", resource)));
        let (metadata, tokens) = self.request_tokens(&form).await?;
        // 2. Verify the ID token. It alone decides who the user is.
        let claims = self.verify_id_token(&metadata, &tokens, secrets).await?;
        let subject = claims.text("sub").unwrap_or_default().to_owned();
        // 3. Read the profile, which may be in the ID token or in UserInfo.
        let mut profile = profile::from_claims(&claims, self.is_apple);
        if let Some(user_info) = self.user_info(&metadata, &tokens.access_token, &subject).await? {
            profile = profile::from_claims(&user_info, self.is_apple).or(profile);
        }
        profile.nickname = profile.nickname.or_else(|| self.apple_name(response));
        Ok(AuthenticatedUser {
            identity: Identity { issuer: self.issuer.clone(), subject },
            profile: profile.sanitized(),
            sid: claims.text("sid").map(str::to_owned),
            tokens: UserTokens {
                userinfo: self.access_token(&tokens),
                resources: BTreeMap::new(),
                refresh_token: tokens.refresh_token,
                id_token: tokens.id_token.map(SecretString::from),
            },
        })
    }

    /// Redeems the refresh token for an access token for `audience` (RFC 6749 §6). A provider that
    /// does not rotate refresh tokens sends no new one; the old one is kept. So is the first ID
    /// token, the logout hint and the record of the login.
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
        let mut form =
            vec![("grant_type", "refresh_token"), ("refresh_token", old.expose_secret())];
        form.extend(self.resource(audience).map(|resource| ("resource", resource)));
        let (metadata, response) = self.request_tokens(&form).await?;
        let original = tokens.id_token.as_ref().map(ExposeSecret::expose_secret);
        self.verify_refreshed_id_token(&metadata, &response, original).await?;
        let mut fresh = tokens.clone();
        fresh.set_token_for(audience, self.access_token(&response));
        fresh.refresh_token = response.refresh_token.or(fresh.refresh_token);
        Ok(fresh)
    }

    /// Sends a token request. If the endpoint is gone, the provider may have moved it: then the
    /// metadata is read again.
    async fn request_tokens(
        &self,
        form: &[(&str, &str)],
    ) -> Result<(Arc<Metadata>, TokenResponse), ProviderError> {
        let metadata = self.discovery.metadata().await?;
        match self.send_token_request(&metadata, form).await {
            Err(error) if error.endpoint_may_have_moved() => {
                match self.discovery.refresh(&metadata).await {
                    Ok(fresh) if fresh.token_endpoint != metadata.token_endpoint => {
                        let tokens = self.send_token_request(&fresh, form).await?;
                        Ok((fresh, tokens))
                    }
                    _ => Err(error),
                }
            }
            outcome => Ok((metadata, outcome?)),
        }
    }

    async fn send_token_request(
        &self,
        metadata: &Metadata,
        form: &[(&str, &str)],
    ) -> Result<TokenResponse, ProviderError> {
        let request = self.token_request(metadata, form)?;
        let response = self.transport.send(request).await;
        TokenResponse::read(&response.map_err(|error| error.during(ProviderRequest::Token))?)
    }

    /// Authenticates with `client_secret_basic`, the default of OpenID Connect Discovery §3, unless
    /// the metadata excludes it. Apple accepts only `client_secret_post`.
    fn token_request(
        &self,
        metadata: &Metadata,
        form: &[(&str, &str)],
    ) -> Result<http::Request<Vec<u8>>, ProviderError> {
        let invalid = |_| {
            let reason = "the endpoint URL or the client's credentials are invalid".to_owned();
            ProviderError::InvalidResponse(ProviderRequest::Token, reason)
        };
        let secret = self.credential.secret(self.clock.seconds())?;
        let mut body = Serializer::new(String::new());
        body.extend_pairs(form);
        let mut request = http::Request::post(&metadata.token_endpoint)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        if metadata.accepts_basic && !self.is_apple {
            request =
                request.header(header::AUTHORIZATION, basic::format(&self.client_id, &secret));
        } else {
            body.append_pair("client_id", &self.client_id);
            body.append_pair("client_secret", secret.expose());
        }
        request.body(body.finish().into_bytes()).map_err(invalid)
    }

    /// Returns the `resource` parameter of a token request (RFC 8707 §2.2). Without other
    /// resources, the provider's access tokens need none.
    fn resource<'a>(&'a self, audience: &'a TokenAudience) -> Option<&'a str> {
        match audience {
            TokenAudience::Resource(identifier) => Some(identifier),
            TokenAudience::UserInfo if self.resources.is_empty() => None,
            TokenAudience::UserInfo => Some(&self.issuer),
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
        let mut url = metadata.end_session_endpoint.clone()?;
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

    fn access_token(&self, response: &TokenResponse) -> UserAccessToken {
        let now = self.clock.seconds();
        UserAccessToken {
            access_token: response.access_token.clone(),
            expires_at: response.expires_in.map(|seconds| now.saturating_add_unsigned(seconds)),
        }
    }

    fn apple_name(&self, response: &CodeResponse) -> Option<String> {
        if self.is_apple { response.user.as_deref().and_then(full_name) } else { None }
    }
}

/// Returns the secret with which A authenticates to the provider at Unix time `now`.
///
/// # Errors
/// Returns an error if the settings contain no valid secret or key.
pub fn client_secret(settings: &ProviderSettings, now: i64) -> anyhow::Result<ClientSecret> {
    Ok(Credential::new(settings)?.secret(now)?)
}

impl Credential {
    fn new(settings: &ProviderSettings) -> anyhow::Result<Self> {
        if settings.kind == ProviderKind::Apple {
            return Ok(Self::Apple(Box::new(AppleKey::new(settings)?)));
        }
        Ok(Self::Secret(settings.secret()?))
    }

    fn secret(&self, now: i64) -> Result<ClientSecret, ProviderError> {
        match self {
            Self::Secret(secret) => Ok(secret.clone()),
            Self::Apple(key) => key.client_secret(now).map(ClientSecret::new).map_err(|_| {
                let reason = "cannot sign the client secret with `key_file`".to_owned();
                ProviderError::InvalidResponse(ProviderRequest::Token, reason)
            }),
        }
    }
}

/// Returns the scopes, with `openid` first.
fn with_openid(scopes: &str) -> String {
    let others = scopes.split_whitespace().filter(|scope| *scope != "openid");
    std::iter::once("openid").chain(others).collect::<Vec<_>>().join(" ")
}
