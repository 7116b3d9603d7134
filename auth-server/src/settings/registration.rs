use oauth_types::Scope;
use serde::{Deserialize, Serialize};
use service_kit::{SecretSetting, UnsafeSetting, comma_list, weak_secret};

use crate::{
    domain::{OPENID_SCOPES, RegistrationPolicy},
    oauth::{authorize::REQUEST_OBJECT_ALGORITHMS, token::grants::GRANT_TYPES},
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
    /// Scopes that registered clients can request, separated by spaces. Default: `openid profile
    /// email phone address offline_access`.
    pub scopes: Scope,
    /// Identifiers of the resources that registered clients can request access tokens for. Default:
    /// none.
    #[serde(deserialize_with = "comma_list")]
    pub resources: Vec<String>,
    /// Grant types that registered clients can use. Default: those that need a user
    /// (`authorization_code`, `refresh_token`, device authorization).
    #[serde(deserialize_with = "comma_list")]
    pub grant_types: Vec<String>,
    /// Allows URLs of registered clients (`jwks_uri`, `backchannel_logout_uri`,
    /// `sector_identifier_uri`) at private addresses, for tests. Default: `false`. Production
    /// requires `false`, because anyone could make C call internal services (SSRF).
    pub allow_private_urls: bool,
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
        }
    }
}

impl RegistrationSettings {
    pub fn policy(&self) -> RegistrationPolicy {
        RegistrationPolicy {
            scopes: self.scopes.clone(),
            resources: self.resources.clone(),
            grant_types: self.grant_types.clone(),
            allow_private_urls: self.allow_private_urls,
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
