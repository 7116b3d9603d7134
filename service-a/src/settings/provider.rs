use std::{path::PathBuf, time::Duration};

use oauth_types::ClientSecret;
use serde::{Deserialize, Serialize};
use service_kit::{
    DEMO_SECRET, HttpClientSettings, Profile, SecretSetting, UnsafeSetting, plain_http_url,
};

/// Protocol of a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenID Connect.
    #[default]
    Openid,
    /// OpenID Connect with Apple's signed client secret and user name.
    Apple,
    /// WeChat's variant of OAuth 2.0.
    Wechat,
}

/// How a provider returns the authorization response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// As a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// An identity provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    /// Whether users can log in with this provider. Default: `true`.
    pub enabled: bool,
    /// Protocol: `openid`, `apple` or `wechat`. Default: `openid`.
    pub kind: ProviderKind,
    /// Name on the login button. Default: the provider's name in the settings.
    pub title: String,
    /// Name on the Chinese login button. Default: as `title`.
    pub title_zh: String,
    /// Issuer identifier, which ID tokens must contain. Default: none; `https://appleid.apple.com`
    /// for Apple, `https://open.weixin.qq.com` for WeChat. Production requires https.
    pub issuer: String,
    /// Base URL under which A reaches the provider, if it differs from `issuer`. Default: unset.
    /// Production requires https.
    pub internal_url: Option<String>,
    /// PEM file with the certificate authorities that A trusts for this provider, in place of those
    /// of the system. Default: unset.
    pub ca_file: Option<PathBuf>,
    /// Client id of A at the provider: for WeChat the `appid`, for Apple the Services ID. Required.
    pub client_id: String,
    /// Client secret of A at the provider. Required, here or in a file, except for Apple.
    /// Production refuses the secret of the demo.
    pub client_secret: Option<SecretSetting>,
    /// File with the client secret. Default: unset.
    pub client_secret_file: Option<PathBuf>,
    /// Requested scopes, separated by spaces. Default: `openid profile email`; `openid name email`
    /// for Apple, `snsapi_login` for WeChat.
    pub scopes: String,
    /// Resources that users allow A to call (RFC 8707), separated by spaces. If set, A redeems the
    /// code for an access token for the provider, and the refresh token for one for each B, so the
    /// provider must issue refresh tokens. Default: none.
    pub resources: String,
    /// How the provider returns the authorization response: `query`, or `form_post`, which keeps
    /// the code out of URLs. Default: `query`; `form_post` for Apple. WeChat knows only `query`.
    pub response_mode: Option<ResponseMode>,
    /// Audiences besides A's client id that an ID token may have, separated by spaces. An ID token
    /// with any other audience is rejected (OpenID Connect Core §3.1.3.7). ZITADEL adds the id of
    /// its project. Default: none.
    pub trusted_audiences: String,
    /// Apple: team id that owns the key.
    pub team_id: String,
    /// Apple: id of the key.
    pub key_id: String,
    /// Apple: `.p8` file with the private key that signs the client secret.
    pub key_file: Option<PathBuf>,
    /// WeChat: authorization endpoint. Default: chosen by `scopes`.
    pub authorization_url: Option<String>,
    /// WeChat: token endpoint. Default: `https://api.weixin.qq.com/sns/oauth2/access_token`.
    /// Production requires https.
    pub token_url: Option<String>,
    /// WeChat: user information endpoint. Default: `https://api.weixin.qq.com/sns/userinfo`.
    /// Production requires https.
    pub userinfo_url: Option<String>,
    /// Timeout of one request to the provider, in milliseconds. Default: 5000.
    pub timeout_millis: u64,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            kind: ProviderKind::default(),
            title: String::new(),
            title_zh: String::new(),
            issuer: String::new(),
            internal_url: None,
            ca_file: None,
            client_id: String::new(),
            client_secret: None,
            client_secret_file: None,
            scopes: String::new(),
            resources: String::new(),
            response_mode: None,
            trusted_audiences: String::new(),
            team_id: String::new(),
            key_id: String::new(),
            key_file: None,
            authorization_url: None,
            token_url: None,
            userinfo_url: None,
            timeout_millis: 5_000,
        }
    }
}

impl ProviderSettings {
    /// Fills empty settings with the defaults of the protocol.
    #[must_use]
    pub fn with_defaults(mut self) -> Self {
        let (issuer, scopes) = match self.kind {
            ProviderKind::Openid => ("", "openid profile email"),
            ProviderKind::Apple => ("https://appleid.apple.com", "openid name email"),
            ProviderKind::Wechat => ("https://open.weixin.qq.com", "snsapi_login"),
        };
        for (value, default) in [(&mut self.issuer, issuer), (&mut self.scopes, scopes)] {
            if value.is_empty() {
                default.clone_into(value);
            }
        }
        self
    }

    /// Returns how the provider returns the authorization response.
    ///
    /// # Errors
    /// Returns an error if the protocol does not know the configured mode.
    pub fn response_mode(&self) -> anyhow::Result<ResponseMode> {
        match (self.kind, self.response_mode) {
            (ProviderKind::Wechat, Some(ResponseMode::FormPost)) => {
                anyhow::bail!("the setting `response_mode`: WeChat knows only `query`")
            }
            // Apple requires it if the scope is not only `openid`.
            (ProviderKind::Apple, None) => Ok(ResponseMode::FormPost),
            (_, mode) => Ok(mode.unwrap_or(ResponseMode::Query)),
        }
    }

    /// Returns the configuration of the HTTP client for this provider.
    pub(crate) fn http(&self) -> HttpClientSettings {
        let mut settings = HttpClientSettings::default();
        settings.ca_file.clone_from(&self.ca_file);
        settings.timeout = Duration::from_millis(self.timeout_millis);
        settings
    }

    /// Returns the client secret. The default secret of the demo applies to C only.
    ///
    /// # Errors
    /// Returns an error if no secret is set, or its file cannot be read.
    pub fn secret(&self) -> anyhow::Result<ClientSecret> {
        let (inline, file) = (self.client_secret.as_ref(), self.client_secret_file.as_ref());
        let secret = SecretSetting::resolve("client_secret", inline, file, Profile::Production)?;
        Ok(ClientSecret::new(secret.expose()))
    }

    /// Returns the settings of the provider `name` that production refuses.
    pub fn unsafe_settings(&self, name: &str) -> Vec<UnsafeSetting> {
        let urls = [
            Some(&self.issuer),
            self.internal_url.as_ref(),
            self.token_url.as_ref(),
            self.userinfo_url.as_ref(),
        ];
        let plain = urls.into_iter().flatten().filter_map(|url| plain_http_url("providers", url));
        let with_name = |found: UnsafeSetting| UnsafeSetting {
            problem: format!("{name}: {}", found.problem),
            ..found
        };
        let demo = self.client_secret.as_ref().is_some_and(|secret| secret.expose() == DEMO_SECRET);
        let demo = demo.then(|| {
            UnsafeSetting::new(
                "providers",
                "uses the client secret of the demo, which is public",
                "set another secret",
            )
        });
        plain.chain(demo).map(with_name).collect()
    }
}
