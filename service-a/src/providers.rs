//! Identity providers: one file per protocol, and the interface that they share.

mod apple;
mod openid;
mod profile;
mod transport;
mod user_tokens;
mod wechat;

use std::{collections::BTreeMap, sync::Arc};

use clock::Clock;
use http::StatusCode;
use oauth_types::same_resource;
use pages::Language;
use url::Url;

use crate::{
    accounts::{BackchannelLogout, Identity, Profile},
    random_id::RandomId,
    settings::{ProviderKind, ProviderSettings},
};

pub use openid::{
    CLOCK_SKEW, LogoutTokenError, OpenIdProvider, SIGNATURE_ALGORITHMS, client_secret,
};
pub use user_tokens::{TokenAudience, UserAccessToken, UserTokens};
pub use wechat::WeChatProvider;

/// A configured provider.
pub struct Provider {
    /// Name in the settings and in URLs.
    pub name: String,
    title: String,
    title_zh: String,
    /// Resources that its users allow A to call.
    resources: Vec<String>,
    protocol: Protocol,
}

enum Protocol {
    OpenId(Box<OpenIdProvider>),
    WeChat(Box<WeChatProvider>),
}

/// All providers, by name.
pub type Providers = BTreeMap<String, Arc<Provider>>;

/// Secrets of one login, kept until the authorization response arrives.
#[derive(Clone, Debug)]
pub struct LoginSecrets {
    /// Binds the response to the browser that started the login.
    pub state: RandomId,
    /// Binds the ID token to this login.
    pub nonce: RandomId,
    /// PKCE code verifier; binds the code to this login (RFC 7636).
    pub verifier: RandomId,
}

/// A successful authorization response.
pub struct CodeResponse {
    pub code: String,
    /// Parameter `user` of Apple's first response for a user.
    pub user: Option<String>,
}

/// A user whom the provider authenticated.
#[derive(Debug)]
pub struct AuthenticatedUser {
    pub identity: Identity,
    pub profile: Profile,
    /// Id of the session at the provider.
    pub sid: Option<String>,
    pub tokens: UserTokens,
}

/// A kind of request to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderRequest {
    Metadata,
    Keys,
    Token,
    UserInfo,
}

/// Why a request to a provider failed. Contains no secrets or tokens.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("{0:?}: the provider did not respond in time")]
    TimedOut(ProviderRequest),
    #[error("{0:?}: the provider is unreachable: {1}")]
    Unreachable(ProviderRequest, String),
    /// Status 429 or 5xx, or an error code with that meaning.
    #[error("{0:?}: the provider is unavailable: {1}")]
    Unavailable(ProviderRequest, String),
    /// Status 404, 405 or 410.
    #[error("{0:?}: the provider has no such endpoint: status {1}")]
    EndpointGone(ProviderRequest, u16),
    #[error("{0:?}: invalid response from the provider: {1}")]
    InvalidResponse(ProviderRequest, String),
    /// The authorization code or refresh token is used, expired, revoked or unknown.
    #[error("{0:?}: the provider rejected the grant: {1}")]
    InvalidGrant(ProviderRequest, String),
    #[error("the claims of the provider cannot be trusted: {0}")]
    Untrusted(String),
    /// The response comes from another provider, and A would send that provider's code to this one
    /// (RFC 9207).
    #[error("the response is from another provider: {0}")]
    MixUp(String),
}

impl ProviderError {
    /// Returns the error for a response whose status tells the reason.
    fn status(request: ProviderRequest, status: StatusCode) -> Self {
        let number = status.as_u16();
        match number {
            404 | 405 | 410 => Self::EndpointGone(request, number),
            429 | 500.. => Self::Unavailable(request, format!("status {number}")),
            _ => Self::InvalidResponse(request, format!("status {number}")),
        }
    }

    /// Returns whether newer metadata may name another endpoint that responds.
    fn endpoint_may_have_moved(&self) -> bool {
        matches!(self, Self::EndpointGone(..) | Self::Unreachable(..))
    }
}

impl Provider {
    /// Creates a provider.
    ///
    /// # Errors
    /// Returns an error if a setting is invalid.
    pub fn new(
        name: &str,
        settings: &ProviderSettings,
        redirect_uri: &str,
        clock: &Clock,
    ) -> anyhow::Result<Arc<Self>> {
        let protocol = match settings.kind {
            ProviderKind::Wechat => {
                Protocol::WeChat(Box::new(WeChatProvider::new(settings, redirect_uri, clock)?))
            }
            ProviderKind::Openid | ProviderKind::Apple => {
                Protocol::OpenId(Box::new(OpenIdProvider::new(settings, redirect_uri, clock)?))
            }
        };
        let title =
            if settings.title.is_empty() { name.to_owned() } else { settings.title.clone() };
        let title_zh =
            if settings.title_zh.is_empty() { title.clone() } else { settings.title_zh.clone() };
        Ok(Arc::new(Self {
            name: name.to_owned(),
            title,
            title_zh,
            resources: settings.resources.split_whitespace().map(str::to_owned).collect(),
            protocol,
        }))
    }

    /// Returns the display name.
    pub fn title(&self, language: Language) -> &str {
        match language {
            Language::English => &self.title,
            Language::Chinese => &self.title_zh,
        }
    }

    /// Returns the issuer identifier.
    pub fn issuer(&self) -> &str {
        match &self.protocol {
            Protocol::OpenId(provider) => &provider.issuer,
            Protocol::WeChat(provider) => &provider.issuer,
        }
    }

    /// Reports whether the provider issues access tokens for a B.
    pub fn grants_b_access(&self) -> bool {
        !self.resources.is_empty()
    }

    /// Reports whether the provider issues access tokens for a resource.
    pub fn grants_access_to(&self, resource: &str) -> bool {
        self.resources.iter().any(|own| same_resource(own, resource))
    }

    /// Returns the URL of the authorization request.
    /// `login_hint` tells the provider who wants to log in (OpenID Connect Core §3.1.2.1).
    pub async fn authorization_url(
        &self,
        secrets: &LoginSecrets,
        login_hint: Option<&str>,
    ) -> Result<Url, ProviderError> {
        match &self.protocol {
            Protocol::OpenId(provider) => provider.authorization_url(secrets, login_hint).await,
            Protocol::WeChat(provider) => Ok(provider.authorization_url(secrets)),
        }
    }

    /// Reports whether the authorization response arrives as a POST (OAuth 2.0 Form Post Response
    /// Mode).
    pub fn uses_form_post(&self) -> bool {
        matches!(&self.protocol, Protocol::OpenId(provider) if provider.form_post)
    }

    /// Reports whether a response without code and error means that the user cancelled. WeChat has
    /// no error code for that.
    pub fn cancels_without_error(&self) -> bool {
        matches!(self.protocol, Protocol::WeChat(_))
    }

    /// Checks that an authorization response with this `iss` comes from this provider (RFC 9207).
    pub async fn check_response_issuer(&self, iss: Option<&str>) -> Result<(), ProviderError> {
        match &self.protocol {
            Protocol::OpenId(provider) => provider.check_response_issuer(iss).await,
            Protocol::WeChat(provider) => provider.check_response_issuer(iss),
        }
    }

    /// Redeems the code and returns the verified user.
    pub async fn authenticate(
        &self,
        response: &CodeResponse,
        secrets: &LoginSecrets,
    ) -> Result<AuthenticatedUser, ProviderError> {
        match &self.protocol {
            Protocol::OpenId(provider) => provider.authenticate(response, secrets).await,
            Protocol::WeChat(provider) => provider.authenticate(response).await,
        }
    }

    /// Redeems the refresh token for an access token for `audience`.
    pub async fn refresh(
        &self,
        tokens: &UserTokens,
        audience: &TokenAudience,
    ) -> Result<UserTokens, ProviderError> {
        match &self.protocol {
            Protocol::OpenId(provider) => provider.refresh(tokens, audience).await,
            Protocol::WeChat(_) => Err(ProviderError::InvalidGrant(
                ProviderRequest::Token,
                "WeChat tokens are not refreshed".to_owned(),
            )),
        }
    }

    /// Returns the URL of the logout request, if the provider supports RP-initiated logout.
    pub async fn end_session_url(
        &self,
        tokens: &UserTokens,
        post_logout_redirect_uri: &str,
        state: &RandomId,
    ) -> Option<Url> {
        match &self.protocol {
            Protocol::OpenId(provider) => {
                provider.end_session_url(tokens, post_logout_redirect_uri, state).await
            }
            Protocol::WeChat(_) => None,
        }
    }

    /// Verifies a logout token (OpenID Connect Back-Channel Logout §2.6).
    pub async fn verify_logout_token(
        &self,
        token: &str,
    ) -> Result<BackchannelLogout, LogoutTokenError> {
        match &self.protocol {
            Protocol::OpenId(provider) => provider.verify_logout_token(token).await,
            Protocol::WeChat(_) => {
                Err(LogoutTokenError::invalid("WeChat does not send logout tokens"))
            }
        }
    }
}
