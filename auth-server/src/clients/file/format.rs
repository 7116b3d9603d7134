//! The format of a clients file.

use oauth_types::{ClientSecret, Scope};
use serde::{Deserialize, Serialize};

use crate::domain::{
    Attributes, Client, Resource, SecretHash, StoredSecret, TokenExchangeRule, TokenFormat,
    UserLoginConfig,
};

/// The contents of a clients file, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientsFileToml {
    /// The APIs of resource servers, which access tokens are issued for.
    #[serde(default)]
    pub(super) resources: Vec<Resource>,
    /// The programs that request tokens or introspect them.
    #[serde(default)]
    pub(super) clients: Vec<ClientToml>,
}

/// An entry of `[[clients]]`, unchecked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientToml {
    /// The id. Required. 1 to 2000 characters of printable ASCII (RFC 6749 appendix A.1).
    pub(super) client_id: String,
    /// The plain secret, for development.
    #[serde(skip_serializing)]
    pub(super) client_secret: Option<ClientSecret>,
    /// Argon2id hash of the secret as a PHC string, so that the file holds no secret.
    #[serde(skip_serializing)]
    pub(super) client_secret_hash: Option<String>,
    /// What the client may request, separated by spaces.
    #[serde(default)]
    pub(super) scopes: Scope,
    /// Scope of a request without one (RFC 6749 §3.3). Unset: `scopes` without those of
    /// OpenID Connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default_scope: Option<Scope>,
    /// Identifiers of the resources whose access tokens the client may request.
    #[serde(default)]
    pub(super) resources: Vec<String>,
    /// The resource of a request that names none and fits several. Unset: such a request is
    /// rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default_resource: Option<String>,
    /// Identifiers of the resources whose access tokens the client, a resource server, may
    /// introspect.
    #[serde(default)]
    pub(super) introspection_audiences: Vec<String>,
    /// Token exchanges that the client can request (RFC 8693); none by default.
    #[serde(default)]
    pub(super) token_exchange: Vec<TokenExchangeRule>,
    /// Format of the client's access tokens: a signed JWT (`jwt`, the default), or a random string
    /// (`opaque`) that resource servers introspect.
    #[serde(default)]
    pub(super) token_format: TokenFormat,
    /// Any JSON by name, for custom claims.
    #[serde(default)]
    pub(super) attributes: Attributes,
    /// Settings of a client that logs users in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) login: Option<UserLoginConfig>,
}

impl From<&Client> for ClientToml {
    /// Returns the client without its secrets.
    fn from(client: &Client) -> Self {
        Self {
            client_id: client.client_id.clone(),
            client_secret: None,
            client_secret_hash: None,
            scopes: client.scopes.clone(),
            default_scope: client.default_scope.clone(),
            resources: client.resources.clone(),
            default_resource: client.default_resource.clone(),
            introspection_audiences: client.introspection_audiences.clone(),
            token_exchange: client.token_exchange.clone(),
            token_format: client.token_format,
            attributes: client.attributes.clone(),
            login: client.login.clone(),
        }
    }
}

impl ClientToml {
    pub(super) fn is_public(&self) -> bool {
        self.login.as_ref().is_some_and(|login| login.public)
    }

    /// Returns the client with its secrets. A plain secret is hashed with `key`.
    pub(super) fn into_client(mut self, key: [u8; 32]) -> Client {
        let plain = self.client_secret.take().map(|secret| SecretHash::keyed(&secret, key));
        let hashed = self.client_secret_hash.take().map(SecretHash::Argon2id);
        let secrets = plain.into_iter().chain(hashed);
        Client {
            secrets: secrets.map(|hash| StoredSecret { hash, not_after: None }).collect(),
            ..self.into()
        }
    }
}

impl From<ClientToml> for Client {
    /// Returns the client without its secrets.
    fn from(client: ClientToml) -> Self {
        Self {
            scopes: client.scopes,
            default_scope: client.default_scope,
            resources: client.resources,
            default_resource: client.default_resource,
            introspection_audiences: client.introspection_audiences,
            token_exchange: client.token_exchange,
            token_format: client.token_format,
            attributes: client.attributes,
            login: client.login,
            ..Self::without_access(client.client_id)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns the name of every member of a client, with a dot for those of `[clients.login]`.
    pub(crate) fn client_member_names() -> Vec<String> {
        let own = members_in_error(toml::from_str::<ClientToml>("no_member = 1").err());
        let of_login = members_in_error(toml::from_str::<UserLoginConfig>("no_member = 1").err());
        own.into_iter().chain(of_login.into_iter().map(|name| format!("login.{name}"))).collect()
    }

    /// The error of an unknown member lists the known ones.
    fn members_in_error(error: Option<toml::de::Error>) -> Vec<String> {
        let error = error.unwrap();
        let known = error.message().split_once("expected").unwrap().1;
        known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }
}
