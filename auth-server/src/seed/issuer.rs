use oauth_types::closest_match;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    SeedDocument,
    lists::{LISTS, Lists},
};
use crate::typed_json::{JsonProblem, with_token};

/// An issuer that a server has besides the one of its setting `issuer`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedIssuer {
    pub name: String,
    /// Its URL, or the path that it has below the issuer of the setting.
    pub issuer: String,
    /// The address of a listener of its own, if the seed names one.
    pub listen: Option<String>,
    lists: Lists,
}

const MEMBERS: [&str; 3] = ["name", "issuer", "listen"];

impl SeedIssuer {
    /// Parses an entry of `issuers`.
    ///
    /// # Errors
    /// Returns an error with the pointer to the member at fault.
    pub(super) fn parse(entry: Value) -> Result<Self, JsonProblem> {
        let Value::Object(mut members) = entry else {
            return Err(not_expected(String::new(), "an object"));
        };
        reject_unknown(&members, &[&MEMBERS[..], &LISTS].concat())?;
        let (name, issuer) = (text(&mut members, "name")?, text(&mut members, "issuer")?);
        let listen = text(&mut members, "listen")?;
        let missing = |name| {
            JsonProblem::new(format!("/{name}"), format!("the member `{name}` is missing"))
                .expecting("a string")
        };
        Ok(Self {
            name: name.ok_or_else(|| missing("name"))?,
            issuer: issuer.ok_or_else(|| missing("issuer"))?,
            listen,
            lists: Lists::take(&mut members)?,
        })
    }
}

impl SeedDocument {
    /// Returns the seed of a further issuer. What it has no list of is that of this seed.
    pub fn of_issuer(&self, issuer: &SeedIssuer) -> Self {
        let Lists { resources, clients, users, claims, looseness } = issuer.lists.clone();
        Self {
            issuer: None,
            issuers: Vec::new(),
            resources: resources.unwrap_or_else(|| self.resources.clone()),
            clients: clients.unwrap_or_else(|| self.clients.clone()),
            users: users.unwrap_or_else(|| self.users.clone()),
            claims: claims.unwrap_or_else(|| self.claims.clone()),
            looseness: looseness.unwrap_or_else(|| self.looseness.clone()),
        }
    }
}

/// Rejects the first member that is not known.
pub(super) fn reject_unknown(
    members: &Map<String, Value>,
    known: &[&str],
) -> Result<(), JsonProblem> {
    let Some(unknown) = members.keys().find(|name| !known.contains(&&***name)) else {
        return Ok(());
    };
    let nearest = closest_match(unknown, known.iter().copied())
        .map_or_else(|| known.join(", "), |nearest| format!("`{nearest}`"));
    let pointer = with_token(String::new(), unknown);
    Err(JsonProblem::new(pointer, format!("unknown member `{unknown}`")).expecting(nearest))
}

/// Removes a member that is a string, if it is there.
pub(super) fn text(
    members: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<String>, JsonProblem> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(not_expected(format!("/{name}"), "a string")),
    }
}

fn not_expected(pointer: String, expected: &str) -> JsonProblem {
    let text = "the value at the pointer is not what is expected";
    JsonProblem::new(pointer, text).expecting(expected)
}
