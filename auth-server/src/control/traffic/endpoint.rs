use serde::{Deserialize, Serialize};

/// An endpoint of C, as the control API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    Discovery,
    Jwks,
    Authorize,
    Token,
    Userinfo,
    Introspection,
    Revocation,
    DeviceAuthorization,
    Par,
    Registration,
    Logout,
    /// A page for users, or any other path.
    Page,
}

impl Endpoint {
    /// Returns the endpoint of a path. Where WeChat's endpoints are served, their paths count as
    /// what they correspond to.
    pub fn of(path: &str, serves_wechat: bool) -> Self {
        match path {
            "/.well-known/jwks.json" => Self::Jwks,
            "/oauth/authorize" => Self::Authorize,
            "/connect/oauth2/authorize" | "/connect/qrconnect" if serves_wechat => Self::Authorize,
            "/oauth/token" => Self::Token,
            "/oauth2/token" | "/sns/oauth2/access_token" | "/sns/oauth2/refresh_token"
                if serves_wechat =>
            {
                Self::Token
            }
            "/userinfo" => Self::Userinfo,
            "/sns/userinfo" if serves_wechat => Self::Userinfo,
            "/oauth/introspect" => Self::Introspection,
            "/oauth/revoke" => Self::Revocation,
            "/oauth/device_authorization" => Self::DeviceAuthorization,
            "/oauth/par" => Self::Par,
            "/logout" | "/logout/confirm" => Self::Logout,
            path if path.starts_with("/.well-known/") => Self::Discovery,
            path if path.starts_with("/oauth/register") => Self::Registration,
            _ => Self::Page,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_an_endpoint() {
        for (path, endpoint) in [
            ("/.well-known/openid-configuration", Endpoint::Discovery),
            ("/.well-known/oauth-authorization-server/tenant", Endpoint::Discovery),
            ("/.well-known/jwks.json", Endpoint::Jwks),
            ("/sns/oauth2/access_token", Endpoint::Token),
            ("/connect/qrconnect", Endpoint::Authorize),
            ("/oauth/register/gpci_1", Endpoint::Registration),
            ("/login", Endpoint::Page),
        ] {
            assert_eq!(Endpoint::of(path, true), endpoint, "{path}");
        }
        for path in ["/sns/oauth2/access_token", "/connect/qrconnect", "/sns/userinfo"] {
            assert_eq!(Endpoint::of(path, false), Endpoint::Page, "{path}");
        }
    }
}
