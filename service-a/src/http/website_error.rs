use axum::http::StatusCode;

use crate::{
    accounts::StoreError, b_client::CallError, providers::ProviderError, sealed::SealError,
    secure_random::SecureRandomError, token_refresher::UserTokenError,
};

/// Why a page of the website could not be served. The page of each variant states what happened and
/// what to do next.
#[derive(Debug, thiserror::Error)]
pub enum WebsiteError {
    #[error("unknown provider")]
    UnknownProvider,
    /// `iss` of a login that another site started (OpenID Connect Core §4).
    #[error("`iss` is {found}, not the issuer of this provider ({expected})")]
    OtherIssuer { expected: String, found: String },
    #[error("the user cancelled at the provider")]
    Cancelled,
    /// `state` is missing, forged or used, or the login was started in another browser. These cases
    /// are not distinguished.
    #[error("no pending login of this browser has this state")]
    LoginNotFound,
    #[error("the login expired at {at}, {now} now")]
    LoginExpired { at: i64, now: i64 },
    #[error(
        "the login was started with the provider `{expected}`, but `{found}` sent the response"
    )]
    OtherProvider { expected: String, found: String },
    #[error("invalid authorization response: {0}")]
    InvalidResponse(String),
    #[error("the provider returned the error `{0}`")]
    ProviderReturnedError(String),
    #[error("{0}")]
    Provider(#[from] ProviderError),
    #[error("the e-mail address belongs to another account")]
    EmailTaken { providers: Vec<String> },
    #[error("the identity is linked to another account")]
    IdentityTaken,
    #[error("the last identity of an account cannot be unlinked")]
    LastIdentity,
    #[error("the account has no such identity")]
    IdentityNotFound,
    #[error("not logged in")]
    NotLoggedIn,
    #[error("the session has no access token that B accepts")]
    NoAccessToken,
    /// The request did not reach a handler: no route matches, or its body is too long or
    /// incomplete.
    #[error("rejected with status {0} before a handler ran")]
    BeforeHandler(StatusCode),
    #[error("{0}")]
    CallB(#[from] CallError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    SecureRandom(#[from] SecureRandomError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl WebsiteError {
    /// Returns the key of this error's texts in `en.toml` and `zh.toml`.
    pub fn text_key(&self) -> &'static str {
        match self {
            Self::UnknownProvider => "unknown_provider",
            Self::OtherIssuer { .. } => "other_issuer",
            Self::Cancelled => "cancelled",
            Self::LoginNotFound => "login_not_found",
            Self::LoginExpired { .. } => "login_expired",
            Self::OtherProvider { .. } | Self::Provider(ProviderError::MixUp(_)) => "mix_up",
            Self::InvalidResponse(_) => "invalid_response",
            Self::ProviderReturnedError(_) => "provider_error",
            Self::Provider(ProviderError::InvalidGrant(..)) => "code_rejected",
            Self::Provider(ProviderError::Untrusted(_)) => "untrusted",
            Self::Provider(
                ProviderError::TimedOut(_)
                | ProviderError::Unreachable(..)
                | ProviderError::Unavailable(..),
            ) => "provider_unavailable",
            Self::Provider(
                ProviderError::EndpointGone(..) | ProviderError::InvalidResponse(..),
            ) => "unusable_response",
            Self::EmailTaken { .. } => "email_taken",
            Self::IdentityTaken => "identity_taken",
            Self::LastIdentity => "last_identity",
            Self::IdentityNotFound => "identity_not_found",
            Self::NotLoggedIn => "not_logged_in",
            Self::NoAccessToken => "no_access_token",
            Self::CallB(_) => "b_unavailable",
            Self::BeforeHandler(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => {
                "page_not_found"
            }
            Self::BeforeHandler(status) if status.is_client_error() => "request_rejected",
            Self::Store(_) | Self::SecureRandom(_) | Self::Seal(_) | Self::BeforeHandler(_) => {
                "website_unavailable"
            }
        }
    }

    /// Reports whether only a logged-in user can get this error.
    pub fn implies_login(&self) -> bool {
        matches!(
            self,
            Self::IdentityTaken | Self::LastIdentity | Self::IdentityNotFound | Self::CallB(_)
        )
    }

    /// Returns the values that were compared, for developers, if the request or the provider caused
    /// the error. Errors of A itself may name its network, which is not for users.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::OtherIssuer { .. }
            | Self::LoginExpired { .. }
            | Self::OtherProvider { .. }
            | Self::InvalidResponse(_)
            | Self::Provider(
                ProviderError::MixUp(_)
                | ProviderError::Untrusted(_)
                | ProviderError::InvalidGrant(..)
                | ProviderError::InvalidResponse(..)
                | ProviderError::EndpointGone(..),
            ) => Some(self.to_string()),
            _ => None,
        }
    }

    /// Returns the HTTP status of the page.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::UnknownProvider => StatusCode::NOT_FOUND,
            Self::NotLoggedIn => StatusCode::UNAUTHORIZED,
            Self::Cancelled | Self::NoAccessToken => StatusCode::FORBIDDEN,
            Self::LoginNotFound
            | Self::LoginExpired { .. }
            | Self::OtherProvider { .. }
            | Self::OtherIssuer { .. }
            | Self::InvalidResponse(_)
            | Self::IdentityNotFound => StatusCode::BAD_REQUEST,
            Self::EmailTaken { .. } | Self::IdentityTaken | Self::LastIdentity => {
                StatusCode::CONFLICT
            }
            Self::Provider(ProviderError::MixUp(_) | ProviderError::InvalidGrant(..)) => {
                StatusCode::BAD_REQUEST
            }
            Self::Provider(ProviderError::TimedOut(_)) => StatusCode::GATEWAY_TIMEOUT,
            Self::Provider(_) | Self::ProviderReturnedError(_) => StatusCode::BAD_GATEWAY,
            Self::BeforeHandler(status) => *status,
            Self::CallB(error) => error.status(),
            Self::Store(_) | Self::SecureRandom(_) | Self::Seal(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

impl From<UserTokenError> for WebsiteError {
    fn from(error: UserTokenError) -> Self {
        match error {
            UserTokenError::Undecryptable => Self::NotLoggedIn,
            UserTokenError::NotRenewable => Self::NoAccessToken,
            UserTokenError::Provider(error) => Self::Provider(error),
            UserTokenError::Store(error) => error.into(),
        }
    }
}
