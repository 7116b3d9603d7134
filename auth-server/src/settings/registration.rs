use oauth_types::Scope;
use serde::{Deserialize, Deserializer, Serialize};
use service_kit::{Profile, SecretSetting, UnsafeSetting, comma_list, weak_secret};
use url::Url;

use crate::domain::{
    GRANT_TYPES, OPENID_SCOPES, REQUEST_OBJECT_ALGORITHMS, RedirectUriRules, RegistrationPolicy,
    is_undotted_app_scheme,
};

/// Dynamic client registration (RFC 7591).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationSettings {
    /// Allows clients to register themselves. Default: `false`. Production requires an
    /// `initial_access_token` with it.
    pub enabled: bool,
    /// Access token that a registration request must present (RFC 7591 §3). Without it, anyone can
    /// register a client. Production requires at least 32 random characters.
    pub initial_access_token: Option<SecretSetting>,
    /// Maximum number of registered clients. Default: 1000.
    pub max_clients: u32,
    /// Scopes that registered clients can request, separated by spaces, besides those of resources
    /// that are open to them (`open_to_registered_clients` in the clients file). Default: `openid
    /// profile email phone address offline_access`.
    pub scopes: Scope,
    /// Identifiers of the resources that registered clients can request access tokens for, besides
    /// the open ones. Default: none.
    #[serde(deserialize_with = "comma_list")]
    pub resources: Vec<String>,
    /// Grant types that registered clients can use. Default: those that need a user
    /// (`authorization_code`, `refresh_token`, device authorization).
    #[serde(deserialize_with = "comma_list")]
    pub grant_types: Vec<String>,
    /// Allows URLs of registered clients (`jwks_uri`, `backchannel_logout_uri`,
    /// `sector_identifier_uri`, client ID metadata documents) at private addresses, for tests.
    /// Default: `false`. Production requires `false`, because anyone could make C call internal
    /// services (SSRF).
    pub allow_private_urls: bool,
    /// Schemes without a period that redirect URIs can have, such as `cursor`, also of clients that
    /// did not register themselves. Any app can claim such a scheme (RFC 8252 §8.4). Unset means
    /// `cursor` and `vscode` in the profiles `demo` and `test`, and none in production. Not set by
    /// default.
    #[serde(deserialize_with = "some_comma_list")]
    pub undotted_schemes: Option<Vec<String>>,
    /// Hosts besides loopback ones that redirect URIs in plain http can have, such as the names of
    /// Compose services, also of clients that did not register themselves. For demo and tests.
    /// Default: none. Production requires none, because anyone in the network could read the
    /// authorization code.
    #[serde(deserialize_with = "comma_list")]
    pub plain_http_hosts: Vec<String>,
}

/// The schemes of editors that are MCP clients.
const UNDOTTED_SCHEMES: [&str; 2] = ["cursor", "vscode"];

fn some_comma_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    comma_list(deserializer).map(Some)
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        // Without client_credentials and token exchange: a registered client acts for users only.
        let needs_user = |grant: &&str| {
            matches!(*grant, "authorization_code" | "refresh_token")
                || grant.ends_with(":device_code")
        };
        Self {
            enabled: false,
            initial_access_token: None,
            max_clients: 1_000,
            scopes: OPENID_SCOPES.join(" ").parse().unwrap_or_default(),
            resources: Vec::new(),
            grant_types: GRANT_TYPES.into_iter().filter(needs_user).map(str::to_owned).collect(),
            allow_private_urls: false,
            undotted_schemes: None,
            plain_http_hosts: Vec::new(),
        }
    }
}

impl RegistrationSettings {
    pub(super) fn redirect_uri_rules(&self, profile: Profile) -> RedirectUriRules {
        let of_profile = || match profile {
            Profile::Production => Vec::new(),
            Profile::Demo | Profile::Test => UNDOTTED_SCHEMES.map(str::to_owned).to_vec(),
        };
        RedirectUriRules {
            undotted_schemes: self.undotted_schemes.clone().unwrap_or_else(of_profile),
            plain_http_hosts: self.plain_http_hosts.clone(),
        }
    }

    pub fn policy(&self, redirect_uris: RedirectUriRules) -> RegistrationPolicy {
        RegistrationPolicy {
            scopes: self.scopes.clone(),
            resources: self.resources.clone(),
            grant_types: self.grant_types.clone(),
            allow_private_urls: self.allow_private_urls,
            redirect_uris,
            request_object_algorithms: &REQUEST_OBJECT_ALGORITHMS,
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.initial_access_token.as_ref().is_some_and(|token| token.expose().is_empty()) {
            return Err(
                "registration.initial_access_token: is empty; set a token, or remove the setting"
                    .to_owned(),
            );
        }
        if let Some(unsupported) =
            self.grant_types.iter().find(|grant| !GRANT_TYPES.contains(&grant.as_str()))
        {
            let supported = GRANT_TYPES.join(", ");
            return Err(format!(
                "registration.grant_types: {unsupported} is not supported; supported: {supported}"
            ));
        }
        let schemes = self.undotted_schemes.iter().flatten();
        if let Some(other) = schemes.into_iter().find(|scheme| !is_undotted_app_scheme(scheme)) {
            return Err(format!(
                "registration.undotted_schemes: `{other}` is not a scheme of an app in lower case without a period, such as cursor"
            ));
        }
        let is_host = |host: &&String| {
            // A host with `*` is not a pattern, and would never match.
            !host.contains('*')
                && Url::parse(&format!("http://{host}/"))
                    .is_ok_and(|url| url.host_str() == Some(host))
        };
        if let Some(other) = self.plain_http_hosts.iter().find(|host| !is_host(host)) {
            return Err(format!(
                "registration.plain_http_hosts: `{other}` is not a host in lower case without port, such as myapp"
            ));
        }
        Ok(())
    }

    pub(super) fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        let mut findings = Vec::new();
        let token = self.initial_access_token.as_ref().filter(|_| self.enabled);
        if self.enabled && token.is_none() {
            findings.push(UnsafeSetting::new(
                "registration.enabled",
                "allows anyone to register clients",
                "set registration.initial_access_token",
            ));
        }
        let weak = token
            .and_then(|token| weak_secret("registration.initial_access_token", token.expose()));
        findings.extend(
            weak.map(|weak| UnsafeSetting { remedy: "use at least 32 random characters", ..weak }),
        );
        if !self.plain_http_hosts.is_empty() {
            findings.push(UnsafeSetting::new(
                "registration.plain_http_hosts",
                "sends authorization codes over plain http",
                "remove it and use https redirect URIs",
            ));
        }
        if self.allow_private_urls {
            findings.push(UnsafeSetting::new(
                "registration.allow_private_urls",
                "allows anyone who registers a client to make C call internal services",
                "switch it off",
            ));
        }
        findings
    }
}
