//! Whom people can log in with. One file a kind; what all kinds answer stands here.

mod apple;
mod openid;
mod profile;
mod transport;
mod user_tokens;
mod wechat;

use std::{collections::BTreeMap, sync::Arc};

use clock::Clock;
use pages::Language;
use url::Url;

use crate::{
    accounts::{EndSessions, Identity, Profile},
    random_id::RandomId,
    settings::{ProviderKind, ProviderSettings},
};

pub use openid::{ID_TOKEN_ALGORITHMS, LEEWAY, LogoutTokenRefusal, OpenIdProvider, client_secret};
pub use user_tokens::UserTokens;
pub use wechat::WeChatProvider;

/// A provider, as people know it and as it is spoken to.
pub struct Provider {
    /// Its name in the settings and in URLs.
    pub name: String,
    title: String,
    title_zh: String,
    /// A's tokens of this provider open B.
    pub opens_b: bool,
    kind: Kind,
}

enum Kind {
    OpenId(Box<OpenIdProvider>),
    WeChat(Box<WeChatProvider>),
}

/// All providers, by name.
pub type Providers = BTreeMap<String, Arc<Provider>>;

/// What one login keeps to itself until the browser is back.
#[derive(Clone, Debug)]
pub struct LoginSecrets {
    pub state: RandomId,
    /// Binds the ID token to this login.
    pub nonce: RandomId,
    /// Binds the code to this login (RFC 7636).
    pub verifier: RandomId,
}

/// What a browser brings back.
pub struct CodeAnswer {
    pub code: String,
    /// The `user` of Apple's first answer.
    pub user: Option<String>,
}

/// Somebody proved who they are.
#[derive(Debug)]
pub struct Proven {
    pub identity: Identity,
    pub profile: Profile,
    /// The provider's own name for its session.
    pub sid: Option<String>,
    pub tokens: UserTokens,
}

/// What a provider is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Metadata,
    Token,
    UserInfo,
}

/// Why a provider proved nothing. It never holds a secret or a token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProviderFailure {
    #[error("{0:?}: the provider did not answer in time")]
    TimedOut(Step),
    #[error("{0:?}: the provider cannot be reached: {1}")]
    Unreachable(Step, String),
    #[error("{0:?}: the provider's answer cannot be used: {1}")]
    Unusable(Step, String),
    /// The code or the refresh token was used before, is too old, or was never good.
    #[error("{0:?}: the provider does not take it: {1}")]
    GrantRefused(Step, String),
    #[error("what the provider says of the person is not to be believed: {0}")]
    Untrusted(String),
    /// RFC 9207: another provider's answer would carry its code to this one.
    #[error("the answer does not come from the provider that was asked: {0}")]
    MixUp(String),
}

impl Provider {
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(
        name: &str,
        settings: &ProviderSettings,
        redirect_uri: &str,
        clock: &Clock,
    ) -> anyhow::Result<Arc<Self>> {
        let kind = match settings.kind {
            ProviderKind::Wechat => {
                Kind::WeChat(Box::new(WeChatProvider::new(settings, redirect_uri, clock)?))
            }
            ProviderKind::Openid | ProviderKind::Apple => {
                Kind::OpenId(Box::new(OpenIdProvider::new(settings, redirect_uri, clock)?))
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
            opens_b: !settings.resources.is_empty(),
            kind,
        }))
    }

    pub fn title_in(&self, language: Language) -> &str {
        match language {
            Language::English => &self.title,
            Language::Chinese => &self.title_zh,
        }
    }

    /// Where the browser goes.
    pub async fn authorization_url(&self, secrets: &LoginSecrets) -> Result<Url, ProviderFailure> {
        match &self.kind {
            Kind::OpenId(provider) => provider.authorization_url(secrets).await,
            Kind::WeChat(provider) => Ok(provider.authorization_url(secrets)),
        }
    }

    /// The answer comes as a POST from the provider's page (OAuth 2.0 Form Post Response Mode).
    pub fn answers_by_form_post(&self) -> bool {
        matches!(&self.kind, Kind::OpenId(provider) if provider.form_post)
    }

    /// Where forms of our pages may lead on to, as far as it is known by now.
    pub fn browser_urls(&self) -> Vec<String> {
        match &self.kind {
            Kind::OpenId(provider) => provider.browser_urls(),
            Kind::WeChat(provider) => vec![provider.authorization_url.to_string()],
        }
    }

    /// WeChat has no error for it: an answer without a code is one.
    pub fn leaves_out_code_on_cancel(&self) -> bool {
        matches!(self.kind, Kind::WeChat(_))
    }

    /// Is an answer that says it comes from `iss` this provider's?
    pub async fn answered_by(&self, iss: Option<&str>) -> Result<(), ProviderFailure> {
        match &self.kind {
            Kind::OpenId(provider) => provider.answered_by(iss).await,
            Kind::WeChat(provider) => provider.answered_by(iss),
        }
    }

    /// Who is it?
    pub async fn prove(
        &self,
        answer: &CodeAnswer,
        secrets: &LoginSecrets,
    ) -> Result<Proven, ProviderFailure> {
        match &self.kind {
            Kind::OpenId(provider) => provider.prove(answer, secrets).await,
            Kind::WeChat(provider) => provider.prove(answer).await,
        }
    }

    pub async fn refresh(&self, tokens: &UserTokens) -> Result<UserTokens, ProviderFailure> {
        match &self.kind {
            Kind::OpenId(provider) => provider.refresh(tokens).await,
            Kind::WeChat(_) => Err(ProviderFailure::GrantRefused(
                Step::Token,
                "it opens nothing of ours".to_owned(),
            )),
        }
    }

    /// Where the browser goes to log out at the provider as well, if it offers that.
    pub async fn end_session_url(
        &self,
        tokens: &UserTokens,
        back_to: &str,
        state: &RandomId,
    ) -> Option<Url> {
        match &self.kind {
            Kind::OpenId(provider) => provider.end_session_url(tokens, back_to, state).await,
            Kind::WeChat(_) => None,
        }
    }

    /// Which sessions this logout token ends.
    pub async fn logout_token(&self, token: &str) -> Result<EndSessions, LogoutTokenRefusal> {
        match &self.kind {
            Kind::OpenId(provider) => provider.logout_token(token).await,
            Kind::WeChat(_) => {
                Err(LogoutTokenRefusal::invalid("this provider sends no logout tokens"))
            }
        }
    }
}
