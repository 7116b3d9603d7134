use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use oauth_types::{Fingerprint, same_resource};

use super::{Algorithm, Client, Resource, SecretHash, UserLoginConfig};

/// A snapshot of all clients and resources.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    clients: HashMap<String, Arc<Client>>,
    resources: Vec<Resource>,
    costliest_hash: Option<SecretHash>,
    signing_algorithms: HashSet<Algorithm>,
}

impl Registry {
    pub fn new(clients: impl IntoIterator<Item = Client>, resources: Vec<Resource>) -> Self {
        let clients: HashMap<_, _> = clients
            .into_iter()
            .map(|client| (client.client_id.clone(), Arc::new(client)))
            .collect();
        let slow = clients
            .values()
            .flat_map(|client| &client.secrets)
            .filter(|secret| secret.hash.is_slow());
        let costliest_hash =
            slow.map(|secret| &secret.hash).max_by_key(|hash| hash.cost()).cloned();
        let logins = clients.values().filter(|client| client.enabled);
        let signing_algorithms = logins
            .filter_map(|client| client.login.as_ref())
            .flat_map(UserLoginConfig::signing_algorithms)
            .collect();
        Self { clients, resources, costliest_hash, signing_algorithms }
    }

    /// Returns the algorithms of the ID tokens and userinfo responses of all clients.
    pub fn signing_algorithms(&self) -> &HashSet<Algorithm> {
        &self.signing_algorithms
    }

    /// Returns the secret hash that takes longest to verify.
    pub fn costliest_hash(&self) -> Option<&SecretHash> {
        self.costliest_hash.as_ref()
    }

    /// Returns a client. A disabled one is not found.
    pub fn client(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.clients.get(client_id).filter(|client| client.enabled)
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
