//! Unregistered clients and resources, which a test server accepts if its looseness says so
//! (`client.any`, `audience.any`).

use std::collections::{BTreeSet, HashSet};

use oauth_types::Scope;

use crate::domain::{Client, OPENID_SCOPES, Resource, UserLoginConfig, is_resource_identifier};

/// Maximum number of entries of a kind. Callers choose the names, which are kept until the next
/// change of the seed.
const MAX_NAMES: usize = 1_000;
/// Maximum length of a name, in bytes.
const MAX_NAME_BYTES: usize = 500;

/// The names that callers have used.
#[derive(Default)]
pub struct Unregistered {
    clients: BTreeSet<String>,
    resources: BTreeSet<String>,
}

impl Unregistered {
    /// Adds a client. Returns whether it is new.
    pub fn add_client(&mut self, client_id: &str) -> bool {
        add(&mut self.clients, client_id)
    }

    /// Adds a resource. Returns whether it is new.
    pub fn add_resource(&mut self, identifier: &str) -> bool {
        is_resource_identifier(identifier) && add(&mut self.resources, identifier)
    }

    pub fn client_ids(&self) -> HashSet<String> {
        self.clients.iter().cloned().collect()
    }

    /// Adds its clients, with all that is registered, and its resources, which all clients have.
    pub fn extend(&self, clients: &mut Vec<Client>, resources: &mut Vec<Resource>) {
        let served = resources.iter().fold(Scope::empty(), |all, one| all.union(&one.scopes));
        let registered: Vec<String> = resources.iter().map(|one| one.identifier.clone()).collect();
        let known = self.clients.iter().map(|client_id| Client {
            scopes: OPENID_SCOPES.join(" ").parse().unwrap_or_default(),
            default_resource: registered.first().cloned(),
            resources: registered.clone(),
            login: Some(UserLoginConfig { first_party: true, ..UserLoginConfig::default() }),
            ..Client::without_access(client_id)
        });
        clients
            .extend(known.map(|client| Client { scopes: client.scopes.union(&served), ..client }));
        for identifier in &self.resources {
            for client in &mut *clients {
                client.resources.push(identifier.clone());
            }
            resources.push(Resource {
                identifier: identifier.clone(),
                scopes: served.clone(),
                unregistered: true,
                ..Resource::default()
            });
        }
    }
}

fn add(names: &mut BTreeSet<String>, name: &str) -> bool {
    let has_room = names.len() < MAX_NAMES && (1..=MAX_NAME_BYTES).contains(&name.len());
    has_room && names.insert(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_length_of_names_are_bounded() {
        let mut unregistered = Unregistered::default();
        for number in 0..MAX_NAMES {
            assert!(unregistered.add_client(&number.to_string()));
            assert!(unregistered.add_resource(&format!("https://{number}.example")));
        }
        assert!(!unregistered.add_client("one too many"));
        assert!(!unregistered.add_resource("https://one-too-many.example"));
        let mut unregistered = Unregistered::default();
        for long in [String::new(), "x".repeat(MAX_NAME_BYTES + 1)] {
            assert!(!unregistered.add_client(&long));
        }
        assert!(!unregistered.add_resource("not a URL"));
        assert!(!unregistered.add_resource("https://x.example#fragment"));
        assert!(unregistered.add_client("once") && !unregistered.add_client("once"));
    }
}
