use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use oauth_types::{Fingerprint, Scope, same_resource};

use super::{
    Algorithm, Client, CustomClaims, Looseness, OPENID_SCOPES, Resource, SecretHash,
    UserLoginConfig, redirect_uri::is_redirectable,
};

/// A snapshot of all clients and resources.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    clients: HashMap<String, Arc<Client>>,
    resources: Vec<Resource>,
    claims: Arc<CustomClaims>,
    costliest_hash: Option<SecretHash>,
    signing_algorithms: HashSet<Algorithm>,
    /// Origins of the pages of public clients.
    page_origins: HashSet<String>,
    looseness: Arc<Looseness>,
    /// Unregistered clients, see [`Looseness::accepts_any_client`].
    unregistered: HashSet<String>,
    /// Clients that are not in force, see [`Resource::is_confusable_with`].
    confusable_clients: Vec<String>,
}

impl Registry {
    pub fn new(clients: impl IntoIterator<Item = Client>, resources: Vec<Resource>) -> Self {
        let (confusable, clients): (Vec<_>, Vec<_>) = clients.into_iter().partition(|client| {
            resources.iter().any(|resource| resource.is_confusable_with(&client.client_id))
        });
        let confusable_clients = confusable.into_iter().map(|client| client.client_id).collect();
        let clients: HashMap<_, _> = clients
            .into_iter()
            .map(|client| (client.client_id.clone(), Arc::new(client)))
            .collect();
        let secrets = clients.values().flat_map(|client| &client.secrets);
        // One hash of each cost, because reading a cost takes as long as the rest for a client.
        let slow = secrets.filter(|secret| secret.hash.is_slow());
        let slow: HashMap<_, _> =
            slow.map(|secret| (secret.hash.parameters(), &secret.hash)).collect();
        let costliest_hash = slow.into_values().max_by_key(|hash| hash.cost()).cloned();
        let enabled = clients.values().filter(|client| client.enabled);
        let logins: Vec<_> = enabled.filter_map(|client| client.login.as_ref()).collect();
        let signing_algorithms = logins.iter().flat_map(|login| login.signing_algorithms());
        let of_resources = resources.iter().filter_map(|resource| resource.algorithm);
        let signing_algorithms = signing_algorithms.chain(of_resources).collect();
        let page_origins = logins.iter().flat_map(|login| login.page_origins()).collect();
        Self {
            clients,
            resources,
            claims: Arc::default(),
            looseness: Arc::default(),
            unregistered: HashSet::new(),
            costliest_hash,
            signing_algorithms,
            page_origins,
            confusable_clients,
        }
    }

    /// Returns the registry with the claims that the operator defines.
    #[must_use]
    pub fn with_claims(self, claims: Arc<CustomClaims>) -> Self {
        Self { claims, ..self }
    }

    /// Returns the registry with the rules that do not apply, and the clients that exist for this
    /// reason alone.
    #[must_use]
    pub fn with_looseness(self, looseness: Arc<Looseness>, unregistered: HashSet<String>) -> Self {
        Self { looseness, unregistered, ..self }
    }

    /// Returns the rules that do not apply.
    pub fn looseness(&self) -> &Looseness {
        &self.looseness
    }

    /// Returns whether a client exists only because any client is accepted.
    pub fn is_unregistered(&self, client_id: &str) -> bool {
        self.unregistered.contains(client_id)
    }

    /// Returns whether a client may use a redirect URI.
    pub fn allows_redirect_to(&self, client: &Client, login: &UserLoginConfig, uri: &str) -> bool {
        self.looseness.allows_redirect_to(login, uri)
            || self.is_unregistered(&client.client_id) && is_redirectable(uri)
    }

    /// Returns the claims that the operator defines.
    pub fn claims(&self) -> &CustomClaims {
        &self.claims
    }

    /// Returns whether a scope belongs to no resource: it is one of OpenID Connect, or only carries
    /// claims that the operator defines.
    pub fn is_issuer_scope(&self, token: &str) -> bool {
        OPENID_SCOPES.contains(&token) || self.claims.has_scope(token)
    }

    /// Returns the scopes in a grant's scope that belong to no resource. The user has allowed them,
    /// but an access token for a resource does not contain them.
    pub fn issuer_part(&self, scope: &Scope) -> Scope {
        scope.filtered(|token| self.is_issuer_scope(token))
    }

    /// Returns the clients that are not in force because a resource has their identifier and access
    /// tokens of the type `JWT`.
    pub fn confusable_clients(&self) -> &[String] {
        &self.confusable_clients
    }

    /// Returns the algorithms of the ID tokens and userinfo responses of all clients, and of the
    /// access tokens of resources that name one.
    pub fn signing_algorithms(&self) -> &HashSet<Algorithm> {
        &self.signing_algorithms
    }

    /// Returns whether a public client has pages of this origin, written as browsers send it.
    pub fn has_page_origin(&self, origin: &str) -> bool {
        self.page_origins.contains(origin)
    }

    /// Returns the secret hash that takes longest to verify.
    pub fn costliest_hash(&self) -> Option<&SecretHash> {
        self.costliest_hash.as_ref()
    }

    /// Returns a client. A disabled one is not found.
    pub fn client(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.clients.get(client_id).filter(|client| client.enabled)
    }

    /// Returns whether there is such a client, also a disabled one.
    pub fn has_client(&self, client_id: &str) -> bool {
        self.clients.contains_key(client_id)
    }

    /// Returns the client id for logs and audit records. An unknown one is replaced by its
    /// fingerprint, because it may be a secret in the wrong field.
    pub fn loggable_client_id(&self, client_id: &str) -> String {
        match self.clients.get(client_id) {
            Some(client) => client.client_id.clone(),
            None => format!("unknown-{}", Fingerprint::of(client_id)),
        }
    }

    pub fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values()
    }

    pub fn resource(&self, identifier: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| same_resource(&resource.identifier, identifier))
    }

    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::StoredSecret;

    #[test]
    fn costliest_hash_is_found_among_several_of_each_cost() {
        let client = |id: &str, parameters: &str| Client {
            secrets: vec![StoredSecret {
                hash: SecretHash::Argon2id(format!(
                    "$argon2id$v=19${parameters}$c29tZXNhbHQxMjM0NTY$c29tZWhhc2g5ODc2NTQzMjE"
                )),
                not_after: None,
            }],
            ..Client::without_access(id)
        };
        let clients = [("a", "m=19456,t=2,p=1"), ("b", "m=65536,t=3,p=1"), ("c", "m=8,t=1,p=1")];
        let all = clients.iter().flat_map(|(id, parameters)| {
            [client(id, parameters), client(&format!("{id}{id}"), parameters)]
        });
        let registry = Registry::new(all, Vec::new());
        let costliest = registry.costliest_hash().unwrap();
        assert_eq!(costliest.parameters(), Some("$argon2id$v=19$m=65536,t=3,p=1"));
        assert!(Registry::new([], Vec::new()).costliest_hash().is_none());
    }
}
