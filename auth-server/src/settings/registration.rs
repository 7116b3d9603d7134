use oauth_types::Scope;
use serde::{Deserialize, Serialize};
use service_kit::{Finding, SecretSetting, comma_list, weak_secret};

use super::FailureSettings;
use crate::{
    authorization::REQUEST_OBJECT_ALGORITHMS,
    domain::{LOGIN_SCOPES, RegistrationPolicy},
    grants::GRANT_TYPES,
};

/// How clients register themselves (RFC 7591), if they may.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationSettings {
    pub enabled: bool,
    /// Whoever registers a client has to show it. Without it, anybody may.
    pub initial_access_token: Option<SecretSetting>,
    /// So many clients may have registered themselves at once.
    pub max_clients: u32,
    /// How often one address may register or change a client, and how often its token may be wrong:
    /// so many times at once, and one more after so many seconds.
    pub per_address: FailureSettings,
    /// What such clients may ask for, with spaces between.
    pub scopes: Scope,
    /// The resource identifiers that they may ask passes for.
    #[serde(deserialize_with = "comma_list")]
    pub resources: Vec<String>,
    /// The grants that they may use.
    #[serde(deserialize_with = "comma_list")]
    pub grant_types: Vec<String>,
    /// For tests: the URLs of such clients that C calls may lead to this machine and its
    /// neighbours.
    pub allow_private_urls: bool,
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        // In the name of users alone.
        let of_users = |grant: &&str| {
            matches!(*grant, "authorization_code" | "refresh_token") || is_device(grant)
        };
        Self {
            enabled: false,
            initial_access_token: None,
            max_clients: 1_000,
            per_address: FailureSettings { burst: 20, recover_seconds: 60 },
            scopes: LOGIN_SCOPES.join(" ").parse().unwrap_or_default(),
            resources: Vec::new(),
            grant_types: GRANT_TYPES.into_iter().filter(of_users).map(str::to_owned).collect(),
            allow_private_urls: false,
        }
    }
}

fn is_device(grant: &str) -> bool {
    grant.ends_with(":device_code")
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
                "registration.initial_access_token: is empty; leave it out, or set one".to_owned()
            );
        }
        if let Some(foreign) =
            self.grant_types.iter().find(|grant| !GRANT_TYPES.contains(&grant.as_str()))
        {
            let all = GRANT_TYPES.join(", ");
            return Err(format!(
                "registration.grant_types: {foreign} is not served; served are: {all}"
            ));
        }
        Ok(())
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let token = self.initial_access_token.as_ref().filter(|_| self.enabled);
        if self.enabled && token.is_none() {
            findings.push(Finding::new(
                "registration.enabled",
                "lets anybody register clients",
                "set registration.initial_access_token",
            ));
        }
        let weak = token
            .and_then(|token| weak_secret("registration.initial_access_token", token.expose()));
        findings.extend(
            weak.map(|weak| Finding { remedy: "use 32 random characters at least", ..weak }),
        );
        if self.allow_private_urls {
            findings.push(Finding::new(
                "registration.allow_private_urls",
                "lets strangers make this server call its own machine and its neighbours",
                "switch it off",
            ));
        }
        findings
    }
}
