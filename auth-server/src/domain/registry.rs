use std::{collections::HashMap, sync::Arc};

use oauth_types::Fingerprint;

use super::{Client, Resource, SecretHash};

/// All clients and resources at one moment.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    clients: HashMap<String, Arc<Client>>,
    resources: Vec<Resource>,
    costliest_hash: Option<SecretHash>,
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
        Self { clients, resources, costliest_hash }
    }

    /// Of all chosen secrets the one whose check takes longest.
    pub fn costliest_hash(&self) -> Option<&SecretHash> {
        self.costliest_hash.as_ref()
    }

    /// A client that may be served: one that was disabled does not exist for anybody who asks.
    pub fn client(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.clients.get(client_id).filter(|client| client.enabled)
    }

    /// How a client is called in logs and records. A name that nobody has is shown by its
    /// fingerprint: it may be a secret that was put into the wrong field, and a stranger may have
    /// made it up.
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
        self.resources.iter().find(|resource| resource.identifier == identifier)
    }

    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }
}
