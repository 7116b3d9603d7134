//! OpenID Connect, by the library that knows it. What the library leaves to its users is decided
//! here.

mod discovery;
mod id_token;
mod library;
mod logout_token;

use std::sync::Arc;

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
    library::{Client, Metadata, TokenAnswer, metadata_failure, token_failure},
};
use super::{
    CodeAnswer, LoginSecrets, Proven, ProviderFailure, Step, UserTokens,
    apple::{AppleKey, name_of},
    profile,
    transport::Wire,
};
use crate::{
    accounts::Identity,
    random_id::RandomId,
    settings::{ProviderKind, ProviderSettings},
};

pub use id_token::{ID_TOKEN_ALGORITHMS, LEEWAY};
pub use logout_token::LogoutTokenRefusal;

pub struct OpenIdProvider {
    discovery: Discovery,
    wire: Arc<Wire>,
    /// Its identifier, to the byte.
    issuer: String,
    client_id: String,
    credential: Credential,
    redirect_uri: RedirectUrl,
    scopes: Vec<String>,
    resources: Vec<String>,
    pub(super) form_post: bool,
    clock: Clock,
}

/// How A proves who it is.
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
        let name = issuer.identifier().to_owned();
        let wire = Arc::new(Wire { http: http_client(&settings.http())?, issuer: Some(issuer) });
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        anyhow::ensure!(!settings.client_id.is_empty(), "the setting `client_id` is missing");
        Ok(Self {
            discovery: Discovery::new(Arc::clone(&wire), &name, clock.clone())?,
            wire,
            issuer: name,
            client_id: settings.client_id.clone(),
            credential: Credential::of(settings)?,
            redirect_uri: RedirectUrl::new(redirect_uri.to_owned())
                .context("the setting `public_url`")?,
            // The library asks for `openid` by itself.
            scopes: list(&settings.scopes).into_iter().filter(|scope| scope != "openid").collect(),
            resources: list(&settings.resources),
            form_post: settings.kind == ProviderKind::Apple,
            clock: clock.clone(),
        })
    }

    pub(super) async fn authorization_url(
        &self,
        secrets: &LoginSecrets,
    ) -> Result<Url, ProviderFailure> {
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

    /// RFC 9207 §2.4: a provider that says it names itself must do so, and a name that is there
    /// must be right.
    pub(super) async fn answered_by(&self, iss: Option<&str>) -> Result<(), ProviderFailure> {
        let expected = &self.issuer;
        match iss {
            Some(iss) if iss == expected => Ok(()),
            Some(_) => Err(ProviderFailure::MixUp(format!("`iss` is not {expected}"))),
            None if self.discovery.metadata().await?.additional_metadata().names_itself => {
                Err(ProviderFailure::MixUp(format!(
                    "{expected} names itself in every answer, and this one has no `iss`"
                )))
            }
            None => Ok(()),
        }
    }

    pub(super) async fn prove(
        &self,
        answer: &CodeAnswer,
        secrets: &LoginSecrets,
    ) -> Result<Proven, ProviderFailure> {
        let metadata = self.discovery.metadata().await?;
        let client = self.client(&metadata)?;
        // 1. The code for tokens.
        let code = AuthorizationCode::new(answer.code.clone());
        let request =
            client.exchange_code(code).map_err(|_| metadata_failure("it has no token endpoint"))?;
        let request = request.set_pkce_verifier(verifier(secrets));
        let tokens =
            request.request_async(&*self.wire).await.map_err(|error| token_failure(&error))?;
        // 2. Who it is, by the ID token alone.
        let claims = self.verified(&metadata, &tokens, secrets).await?;
        // 3. What the person is called; the provider may say it in either place.
        let mut profile = profile::of(&claims);
        if let Ok(request) =
            client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        {
            profile = profile::of(&library::user_info(request, &self.wire).await?).or(profile);
        }
        profile.nickname = profile.nickname.or_else(|| self.first_name(answer));
        let identity =
            Identity { issuer: self.issuer.clone(), subject: claims.subject().to_string() };
        let sid = claims.additional_claims().sid.clone();
        Ok(Proven { identity, profile: profile.in_bounds(), sid, tokens: self.kept(&tokens) })
    }

    /// RFC 6749 §6. A provider that does not rotate gives no new refresh token; the old one stays.
    pub(super) async fn refresh(&self, tokens: &UserTokens) -> Result<UserTokens, ProviderFailure> {
        let none =
            || ProviderFailure::GrantRefused(Step::Token, "it gave no refresh token".to_owned());
        let old = tokens.refresh_token.as_ref().ok_or_else(none)?;
        let client = self.client(&*self.discovery.metadata().await?)?;
        let refresh_token = RefreshToken::new(old.expose_secret().to_owned());
        let request = client
            .exchange_refresh_token(&refresh_token)
            .map_err(|_| metadata_failure("it has no token endpoint"))?;
        let answer =
            request.request_async(&*self.wire).await.map_err(|error| token_failure(&error))?;
        let fresh = self.kept(&answer);
        Ok(UserTokens {
            refresh_token: fresh.refresh_token.or_else(|| tokens.refresh_token.clone()),
            // The first one is the hint whose session it is; a later one would have to be verified
            // again.
            id_token: tokens.id_token.clone(),
            ..fresh
        })
    }

    /// OpenID Connect RP-Initiated Logout §2. While the provider is away people log out here alone.
    pub(super) async fn end_session_url(
        &self,
        tokens: &UserTokens,
        back_to: &str,
        state: &RandomId,
    ) -> Option<Url> {
        let metadata = self.discovery.metadata().await.ok()?;
        let mut url = metadata.additional_metadata().end_session_endpoint.clone()?;
        let mut query = url.query_pairs_mut();
        if let Some(id_token) = &tokens.id_token {
            query.append_pair("id_token_hint", id_token.expose_secret());
        }
        query.append_pair("client_id", &self.client_id);
        query.append_pair("post_logout_redirect_uri", back_to).append_pair("state", state.expose());
        drop(query);
        Some(url)
    }

    /// The issuer, and what its metadata names, once it was read: a page waits for no provider.
    pub(super) fn browser_urls(&self) -> Vec<String> {
        let mut urls = vec![self.issuer.clone()];
        if let Some(metadata) = self.discovery.known() {
            urls.push(metadata.authorization_endpoint().to_string());
            urls.extend(
                metadata.additional_metadata().end_session_endpoint.as_ref().map(Url::to_string),
            );
        }
        urls
    }

    fn client(&self, metadata: &Metadata) -> Result<Client, ProviderFailure> {
        let secret = self.credential.secret(self.clock.seconds())?;
        let client_id = ClientId::new(self.client_id.clone());
        let client = Client::from_provider_metadata(metadata.clone(), client_id, Some(secret));
        Ok(client
            .set_redirect_uri(self.redirect_uri.clone())
            .set_auth_type(self.auth_type(metadata)))
    }

    /// `client_secret_basic`, which every provider has to offer, unless this one says what it takes
    /// and that is not in it.
    fn auth_type(&self, metadata: &Metadata) -> AuthType {
        let methods = metadata.token_endpoint_auth_methods_supported();
        let basic = methods
            .is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        match self.credential {
            Credential::Secret(_) if basic => AuthType::BasicAuth,
            _ => AuthType::RequestBody,
        }
    }

    fn kept(&self, answer: &TokenAnswer) -> UserTokens {
        let seconds = |lifetime: std::time::Duration| {
            i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX / 2)
        };
        UserTokens {
            access_token: AccessToken::new(answer.access_token().secret()),
            refresh_token: answer
                .refresh_token()
                .map(|token| SecretString::from(token.secret().clone())),
            id_token: answer.id_token().map(|token| SecretString::from(token.to_string())),
            expires_at: answer
                .expires_in()
                .map(|lifetime| self.clock.seconds() + seconds(lifetime)),
        }
    }

    fn first_name(&self, answer: &CodeAnswer) -> Option<String> {
        if self.form_post { answer.user.as_deref().and_then(name_of) } else { None }
    }
}

/// What A shows to this provider at the moment `now` to prove who it is.
///
/// # Errors
/// When the settings have none.
pub fn client_secret(settings: &ProviderSettings, now: i64) -> anyhow::Result<ClientSecret> {
    Ok(ClientSecret::new(Credential::of(settings)?.secret(now)?.secret()))
}

impl Credential {
    fn of(settings: &ProviderSettings) -> anyhow::Result<Self> {
        if settings.kind == ProviderKind::Apple {
            return Ok(Self::Apple(Box::new(AppleKey::new(settings)?)));
        }
        Ok(Self::Secret(settings.secret()?))
    }

    fn secret(&self, now: i64) -> Result<openidconnect::ClientSecret, ProviderFailure> {
        let unusable =
            |_| ProviderFailure::Unusable(Step::Token, "Apple's key signs nothing".to_owned());
        let secret = match self {
            Self::Secret(secret) => secret.expose().to_owned(),
            Self::Apple(key) => key.client_secret(now).map_err(unusable)?,
        };
        Ok(openidconnect::ClientSecret::new(secret))
    }
}

fn verifier(secrets: &LoginSecrets) -> PkceCodeVerifier {
    PkceCodeVerifier::new(secrets.verifier.expose().to_owned())
}
