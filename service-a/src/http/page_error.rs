use axum::http::StatusCode;

use crate::{
    accounts::StoreError, b_client::Failure, providers::ProviderFailure, secure_random::NoEntropy,
};

/// Why somebody is not logged in, or not let go on. Each has a page that says what happened and
/// what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such provider")]
    NoSuchProvider,
    #[error("the person said no at the provider")]
    Cancelled,
    /// Missing, forged, used before, or begun in another browser: none of these is told from the
    /// others.
    #[error("this browser began no such login")]
    NoSuchLogin,
    #[error("the login was begun too long ago")]
    LoginExpired,
    #[error("the answer is for a login with another provider")]
    OtherProvider,
    #[error("the answer cannot be read: {0}")]
    BadAnswer(String),
    #[error("the provider answers with the error `{0}`")]
    ProviderError(String),
    #[error("{0}")]
    Provider(#[from] ProviderFailure),
    #[error("the e-mail belongs to another account")]
    EmailTaken { providers: Vec<String> },
    #[error("what was proved belongs to another account")]
    IdentityTaken,
    #[error("the last way to log in stays")]
    LastIdentity,
    #[error("the account has no such way to log in")]
    NoSuchIdentity,
    #[error("nobody is logged in")]
    NotLoggedIn,
    #[error("the form is not from a page of this session")]
    ForeignForm,
    #[error("what A holds for the person does not open B")]
    NoPass,
    /// No page was asked yet: there is none at this address, or the form is too long or broke off.
    #[error("it was refused with status {0} before any page was asked")]
    Beforehand(StatusCode),
    #[error("{0}")]
    CallOfB(#[from] Failure),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

impl Refusal {
    /// The name by which the texts of its page are found.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoSuchProvider => "no_such_provider",
            Self::Cancelled => "cancelled",
            Self::NoSuchLogin => "no_such_login",
            Self::LoginExpired => "login_expired",
            Self::OtherProvider | Self::Provider(ProviderFailure::MixUp(_)) => "mix_up",
            Self::BadAnswer(_) => "bad_answer",
            Self::ProviderError(_) => "provider_error",
            Self::Provider(ProviderFailure::GrantRefused(..)) => "code_refused",
            Self::Provider(ProviderFailure::Untrusted(_)) => "untrusted",
            Self::Provider(_) => "provider_down",
            Self::EmailTaken { .. } => "email_taken",
            Self::IdentityTaken => "identity_taken",
            Self::LastIdentity => "last_identity",
            Self::NoSuchIdentity => "no_such_identity",
            Self::NotLoggedIn => "not_logged_in",
            Self::ForeignForm => "foreign_form",
            Self::NoPass => "no_pass",
            Self::CallOfB(_) => "b_down",
            Self::Beforehand(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => {
                "no_such_page"
            }
            Self::Beforehand(status) if status.is_client_error() => "not_taken",
            Self::Store(_) | Self::NoEntropy(_) | Self::Beforehand(_) => "website_down",
        }
    }

    /// Is it told only to somebody who is logged in?
    pub fn is_of_somebody(&self) -> bool {
        matches!(
            self,
            Self::IdentityTaken
                | Self::LastIdentity
                | Self::NoSuchIdentity
                | Self::ForeignForm
                | Self::CallOfB(_)
        )
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchProvider => StatusCode::NOT_FOUND,
            Self::NotLoggedIn => StatusCode::UNAUTHORIZED,
            Self::Cancelled | Self::ForeignForm | Self::NoPass => StatusCode::FORBIDDEN,
            Self::NoSuchLogin
            | Self::LoginExpired
            | Self::OtherProvider
            | Self::BadAnswer(_)
            | Self::NoSuchIdentity => StatusCode::BAD_REQUEST,
            Self::EmailTaken { .. } | Self::IdentityTaken | Self::LastIdentity => {
                StatusCode::CONFLICT
            }
            Self::Provider(ProviderFailure::MixUp(_) | ProviderFailure::GrantRefused(..)) => {
                StatusCode::BAD_REQUEST
            }
            Self::Provider(ProviderFailure::TimedOut(_)) => StatusCode::GATEWAY_TIMEOUT,
            Self::Provider(_) | Self::ProviderError(_) => StatusCode::BAD_GATEWAY,
            Self::Beforehand(status) => *status,
            Self::CallOfB(failure) => failure.status(),
            Self::Store(_) | Self::NoEntropy(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
