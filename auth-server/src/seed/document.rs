use std::collections::HashMap;

use oauth_types::same_resource;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::SeedIssuer;
use crate::domain::normalize_username;

/// Entries as a seed, or the files of clients and users, define them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SeedDocument {
    /// The issuer of the setting that the seed is for, if it names one.
    pub(super) issuer: Option<String>,
    /// Further issuers of the same server.
    pub(super) issuers: Vec<SeedIssuer>,
    pub(super) resources: Vec<Value>,
    pub(super) clients: Vec<Value>,
    pub(super) users: Vec<Value>,
    pub(super) claims: Vec<Value>,
    /// Names of rules that do not apply.
    pub(super) looseness: Vec<String>,
}

/// A kind of entries, each with a member that identifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entries {
    Resources,
    Clients,
    Users,
}

impl Entries {
    /// Returns the member of a seed that lists the entries.
    pub fn list(self) -> &'static str {
        match self {
            Self::Resources => "resources",
            Self::Clients => "clients",
            Self::Users => "users",
        }
    }

    /// Returns the member that identifies an entry.
    pub fn id_member(self) -> &'static str {
        match self {
            Self::Resources => "identifier",
            Self::Clients => "client_id",
            Self::Users => "username",
        }
    }

    /// Returns whether two ids name the same entry.
    pub fn are_same(self, one: &str, other: &str) -> bool {
        one == other
            || match self {
                Self::Resources => same_resource(one, other),
                Self::Clients => false,
                Self::Users => normalize_username(one).is_ok_and(|name| name == other),
            }
    }

    fn is_named(self, entry: &Value, id: &str) -> bool {
        let own = self.id_of(entry);
        own == id || self == Self::Resources && same_resource(own, id)
    }

    fn id_of(self, entry: &Value) -> &str {
        entry[self.id_member()].as_str().unwrap_or_default()
    }
}

impl SeedDocument {
    /// Parses the texts of the files, which are known to be valid.
    ///
    /// # Errors
    /// Returns an error if a text is not TOML.
    pub fn parse(
        clients_file: &str,
        users_file: &str,
        claims: Vec<Value>,
    ) -> Result<Self, toml::de::Error> {
        let (mut clients, mut users): (Map<String, Value>, Map<String, Value>) =
            (toml::from_str(clients_file)?, toml::from_str(users_file)?);
        let entries = |file: &mut Map<String, Value>, name| match file.remove(name) {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        };
        Ok(Self {
            issuer: None,
            issuers: Vec::new(),
            resources: entries(&mut clients, "resources"),
            clients: entries(&mut clients, "clients"),
            users: entries(&mut users, "users"),
            claims,
            looseness: Vec::new(),
        })
    }

    fn list(&self, kind: Entries) -> &Vec<Value> {
        match kind {
            Entries::Resources => &self.resources,
            Entries::Clients => &self.clients,
            Entries::Users => &self.users,
        }
    }

    fn list_mut(&mut self, kind: Entries) -> &mut Vec<Value> {
        match kind {
            Entries::Resources => &mut self.resources,
            Entries::Clients => &mut self.clients,
            Entries::Users => &mut self.users,
        }
    }

    /// Returns an entry.
    pub fn get(&self, kind: Entries, id: &str) -> Option<&Value> {
        self.list(kind).iter().find(|entry| kind.is_named(entry, id))
    }

    /// Adds an entry, or replaces the one with its id.
    pub fn put(&mut self, kind: Entries, id: &str, entry: Map<String, Value>) {
        let list = self.list_mut(kind);
        match list.iter_mut().find(|entry| kind.is_named(entry, id)) {
            Some(old) => *old = entry.into(),
            None => list.push(entry.into()),
        }
    }

    /// Removes an entry. Returns whether there was one.
    pub fn remove(&mut self, kind: Entries, id: &str) -> bool {
        let list = self.list_mut(kind);
        let before = list.len();
        list.retain(|entry| !kind.is_named(entry, id));
        list.len() < before
    }

    /// Returns the issuer that the seed names.
    /// Returns the clients and claims that name a resource.
    pub fn users_of_resource(&self, identifier: &str) -> Vec<String> {
        let with_name = |kind: &'static str, member: &'static str| {
            move |entry: &Value| format!("{kind} `{}`", entry[member].as_str().unwrap_or_default())
        };
        let is_user = |entry: &&Value| names_resource(entry, identifier);
        let clients = self.clients.iter().filter(is_user).map(with_name("client", "client_id"));
        let claims = self.claims.iter().filter(is_user).map(with_name("claim", "name"));
        clients.chain(claims).collect()
    }

    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Returns the further issuers.
    pub fn issuers(&self) -> &[SeedIssuer] {
        &self.issuers
    }

    /// Returns whether both seeds have the same further issuers, whatever their lists are.
    pub fn has_issuers_of(&self, other: &Self) -> bool {
        let place = |issuer: &SeedIssuer| {
            (issuer.name.clone(), issuer.issuer.clone(), issuer.listen.clone())
        };
        self.issuers.iter().map(place).eq(other.issuers.iter().map(place))
    }

    /// Returns the names of the rules that do not apply.
    pub fn looseness(&self) -> &[String] {
        &self.looseness
    }

    pub fn claims(&self) -> &[Value] {
        &self.claims
    }

    pub fn set_claims(&mut self, claims: Vec<Value>) {
        self.claims = claims;
    }

    /// Returns the entries of a kind, ordered by id.
    pub fn sorted(&self, kind: Entries) -> Vec<&Value> {
        let mut entries: Vec<_> = self.list(kind).iter().collect();
        entries.sort_by(|one, other| kind.id_of(one).cmp(kind.id_of(other)));
        entries
    }

    /// Returns the number of entries of the kind that has most.
    pub fn longest(&self) -> usize {
        let lists = [&self.resources, &self.clients, &self.users, &self.claims];
        lists.into_iter().map(Vec::len).max().unwrap_or_default()
    }

    /// Returns its length as JSON.
    pub fn bytes(&self) -> usize {
        serde_json::to_vec(self).map_or(usize::MAX, |json| json.len())
    }

    /// Returns the entries of a kind by their ids, as they are written.
    pub fn by_id(&self, kind: Entries) -> HashMap<&str, &Value> {
        self.list(kind).iter().map(|entry| (kind.id_of(entry), entry)).collect()
    }

    /// Returns the ids of the clients or users that `later` does not have.
    pub fn missing_in(&self, later: &Self, kind: Entries) -> Vec<String> {
        let later = later.by_id(kind);
        let ids = self.list(kind).iter().map(|entry| kind.id_of(entry));
        ids.filter(|id| !later.contains_key(id)).map(str::to_owned).collect()
    }

    /// Stores the generated `sub` of users, and their names in the form that signs in. `subs` are
    /// by such names.
    pub fn set_subs(&mut self, subs: &HashMap<String, String>) {
        if subs.is_empty() {
            return;
        }
        for entry in &mut self.users {
            let Ok(name) = normalize_username(Entries::Users.id_of(entry)) else { continue };
            if let Some(sub) = subs.get(&name) {
                (entry["username"], entry["sub"]) = (json!(name), json!(sub));
            }
        }
    }

    /// Returns the contents of a clients file.
    pub fn clients_file(&self) -> Value {
        json!({ "resources": self.resources, "clients": self.clients })
    }

    /// Returns the contents of a users file.
    pub fn users_file(&self) -> Value {
        json!({ "users": self.users })
    }
}

/// Returns whether a client or a claim names a resource, in one of the members that do.
fn names_resource(entry: &Value, identifier: &str) -> bool {
    let is_same = |value: &Value| value.as_str().is_some_and(|own| same_resource(own, identifier));
    let list = |member: &str| entry[member].as_array().into_iter().flatten();
    list("resources").chain(list("introspection_audiences")).any(is_same)
        || list("token_exchange").any(|rule| is_same(&rule["resource"]))
        || is_same(&entry["default_resource"])
        || is_same(&entry["resource"])
}
