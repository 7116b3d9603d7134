use oauth_types::{ErrorCode, Scope};

/// Why a request for access is rejected. Names only what was requested, not what the client may
/// have: anyone can send an authorization request with its client id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("the resource {0} is not an absolute URI without a fragment")]
    InvalidResource(String),
    #[error("the resource {0} is not allowed for this client")]
    ResourceNotAllowed(String),
    #[error("the resource {0} is not part of the grant: name it in the authorization request")]
    ResourceNotGranted(String),
    #[error("no token_exchange rule of this client allows the resource {0}")]
    ResourceNotExchangeable(String),
    #[error("an access token is for one resource: send one token request for each")]
    SeveralResources,
    #[error("several resources are possible: name one of them in resource")]
    AmbiguousResource,
    #[error("the scope {0} is not allowed for this client")]
    ScopeNotAllowed(String),
    #[error("the scope {scope} is not allowed for this client at the resource {resource}")]
    ScopeNotAllowedAt {
        scope: String,
        /// A resource that the request names.
        resource: String,
    },
    #[error("the scope {0} requires a user, and client_credentials has none")]
    ScopeRequiresUser(String),
    #[error("the client may no longer request any scope of the grant at {0}: ask the user again")]
    NoScopeLeft(String),
    #[error("the scope {0} is not part of the grant")]
    ScopeNotGranted(String),
    #[error(
        "the token_exchange rule of this client for this resource does not allow the scope {0}"
    )]
    ScopeNotExchangeable(String),
    #[error("the token_exchange rule of this client for this resource has no scope of the grant")]
    NothingExchangeable,
    #[error("no resource has all of the scopes {0}: request one access token for each resource")]
    ScopesOfSeveralResources(Scope),
    #[error("the scope {0} gives no access: add openid, or a scope of a resource")]
    OpenIdScopesAlone(Scope),
    #[error("an access token for userinfo requires the scope openid")]
    UserInfoRequiresOpenId,
    #[error("no value of scope is known")]
    UnknownScope,
    #[error("scope is missing, and this client has no default scope")]
    NoDefaultScope,
    #[error("this client has no resource, so there is nothing to grant")]
    NothingToGrant,
}

impl GrantError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoScopeLeft(_) => ErrorCode::InvalidGrant,
            _ if self.is_about_resource() => ErrorCode::InvalidTarget,
            _ => ErrorCode::InvalidScope,
        }
    }

    /// Returns the URL of the rule that the request violates.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::SeveralResources => "https://www.rfc-editor.org/rfc/rfc9700#section-2.3",
            Self::AmbiguousResource | Self::ScopesOfSeveralResources(_) => {
                "https://www.rfc-editor.org/rfc/rfc9068#section-3"
            }
            Self::ResourceNotExchangeable(_) => {
                "https://www.rfc-editor.org/rfc/rfc8693#section-2.2.2"
            }
            Self::NoScopeLeft(_) => "https://www.rfc-editor.org/rfc/rfc6749#section-5.2",
            _ if self.is_about_resource() => "https://www.rfc-editor.org/rfc/rfc8707#section-2",
            _ => "https://www.rfc-editor.org/rfc/rfc6749#section-3.3",
        }
    }

    fn is_about_resource(&self) -> bool {
        matches!(
            self,
            Self::InvalidResource(_)
                | Self::ResourceNotAllowed(_)
                | Self::ResourceNotGranted(_)
                | Self::ResourceNotExchangeable(_)
                | Self::SeveralResources
                | Self::AmbiguousResource
        )
    }
}
