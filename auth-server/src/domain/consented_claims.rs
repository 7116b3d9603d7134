use std::collections::{BTreeMap, BTreeSet};

use oauth_types::same_resource;
use serde::{Deserialize, Serialize};

/// Names of the operator's claims about a user that the user has agreed to give away, by the scope
/// or resource that gives them away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentedClaims {
    scopes: BTreeMap<String, BTreeSet<String>>,
    resources: BTreeMap<String, BTreeSet<String>>,
}

impl ConsentedClaims {
    /// Creates a record of names by scope and by resource. Those without names are left out.
    pub fn new(
        scopes: impl Iterator<Item = (String, Vec<String>)>,
        resources: impl Iterator<Item = (String, Vec<String>)>,
    ) -> Self {
        Self { scopes: by_key(scopes), resources: by_key(resources) }
    }

    /// Returns whether the user agreed to all of these names for a scope.
    pub fn cover_scope(&self, scope: &str, names: &[String]) -> bool {
        names.iter().all(|name| self.has_of_scope(scope, name))
    }

    /// Returns whether the user agreed to all of these names for a resource.
    pub fn cover_resource(&self, resource: &str, names: &[String]) -> bool {
        names.iter().all(|name| self.has_of_resource(resource, name))
    }

    /// Returns whether the user agreed to all of the others.
    pub fn cover(&self, others: &Self) -> bool {
        is_within(&others.scopes, &self.scopes) && is_within(&others.resources, &self.resources)
    }

    /// Returns a text for a form, which is empty without claims.
    pub fn form_value(&self) -> String {
        if *self == Self::default() {
            return String::new();
        }
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn has_of_scope(&self, scope: &str, name: &str) -> bool {
        self.scopes.get(scope).is_some_and(|names| names.contains(name))
    }

    pub fn has_of_resource(&self, resource: &str, name: &str) -> bool {
        let has_name = |(own, names): (&String, &BTreeSet<String>)| {
            same_resource(own, resource) && names.contains(name)
        };
        self.resources.iter().any(has_name)
    }

    /// Returns the names for a scope.
    pub fn of_scope(&self, scope: &str) -> Vec<String> {
        self.scopes.get(scope).into_iter().flatten().cloned().collect()
    }

    /// Adds the claims of another consent.
    pub fn extend(&mut self, others: Self) {
        for (own, others) in
            [(&mut self.scopes, others.scopes), (&mut self.resources, others.resources)]
        {
            for (key, names) in others {
                own.entry(key).or_default().extend(names);
            }
        }
    }

    /// Removes the claims of other scopes and resources.
    pub fn retain(
        &mut self,
        has_scope: impl Fn(&str) -> bool,
        has_resource: impl Fn(&str) -> bool,
    ) {
        self.scopes.retain(|scope, _| has_scope(scope));
        self.resources.retain(|resource, _| has_resource(resource));
    }
}

fn by_key(
    names: impl Iterator<Item = (String, Vec<String>)>,
) -> BTreeMap<String, BTreeSet<String>> {
    let found = names.filter(|(_, names)| !names.is_empty());
    found.map(|(key, names)| (key, BTreeSet::from_iter(names))).collect()
}

fn is_within(
    names: &BTreeMap<String, BTreeSet<String>>,
    all: &BTreeMap<String, BTreeSet<String>>,
) -> bool {
    names.iter().all(|(key, names)| all.get(key).is_some_and(|all| names.is_subset(all)))
}
