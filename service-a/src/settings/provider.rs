use std::{path::PathBuf, time::Duration};

use oauth_types::ClientSecret;
use serde::{Deserialize, Serialize};
use service_kit::{
    DEMO_SECRET, HttpClientSettings, Profile, SecretSetting, UnsafeSetting, plain_http_url,
};

/// Which way of speaking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenID Connect, as it is written.
    #[default]
    Openid,
    /// OpenID Connect with Apple's client secret and Apple's name.
    Apple,
    /// OAuth 2.0 as WeChat has it.
    Wechat,
}

/// One provider. What is left out has a default by kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    pub enabled: bool,
    pub kind: ProviderKind,
    /// What stands on its button.
    pub title: String,
    pub title_zh: String,
    /// Its issuer identifier: whom ID tokens must come from.
    pub issuer: String,
    /// Where A reaches it, if not at the issuer's address.
    pub internal_url: Option<String>,
    /// The only certificate authorities that A believes there, as PEM.
    pub ca_file: Option<PathBuf>,
    /// For WeChat the `appid`, for Apple the services id.
    pub client_id: String,
    pub client_secret: Option<SecretSetting>,
    pub client_secret_file: Option<PathBuf>,
    /// With spaces between.
    pub scopes: String,
    /// Whom the access token is for (RFC 8707), with spaces between.
    pub resources: String,
    /// Apple: the team that the key belongs to.
    pub team_id: String,
    /// Apple: the name of the key.
    pub key_id: String,
    /// Apple: the private key, as the `.p8` file that Apple gives.
    pub key_file: Option<PathBuf>,
    /// WeChat: where the browser goes, where codes are exchanged, and where the person's name is
    /// told.
    pub authorization_url: Option<String>,
    pub token_url: Option<String>,
    pub userinfo_url: Option<String>,
    /// How long a call may take, in milliseconds.
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
    /// The same, with what its kind has by default.
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

    pub(crate) fn http(&self) -> HttpClientSettings {
        HttpClientSettings {
            ca_file: self.ca_file.clone(),
            timeout: Duration::from_millis(self.timeout_millis),
            ..HttpClientSettings::default()
        }
    }

    /// # Errors
    /// When none is set, or its file cannot be read. The demo's is for C alone.
    pub fn secret(&self) -> anyhow::Result<ClientSecret> {
        let (inline, file) = (self.client_secret.as_ref(), self.client_secret_file.as_ref());
        let secret = SecretSetting::resolve("client_secret", inline, file, Profile::Production)?;
        Ok(ClientSecret::new(secret.expose()))
    }

    /// What production would refuse of the provider called `name`.
    pub fn unsafe_settings(&self, name: &str) -> Vec<UnsafeSetting> {
        let urls = [
            Some(&self.issuer),
            self.internal_url.as_ref(),
            self.token_url.as_ref(),
            self.userinfo_url.as_ref(),
        ];
        let plain = urls.into_iter().flatten().filter_map(|url| plain_http_url("providers", url));
        let named = |finding: UnsafeSetting| UnsafeSetting {
            problem: format!("{name}: {}", finding.problem),
            ..finding
        };
        let demo = self.client_secret.as_ref().is_some_and(|secret| secret.expose() == DEMO_SECRET);
        let demo = demo.then(|| {
            UnsafeSetting::new(
                "providers",
                "has the demo's secret, which everybody knows",
                "set its own",
            )
        });
        plain.chain(demo).map(named).collect()
    }
}
