use serde::Serialize;
use serde_json::{Map, Value};

use crate::typed_json::{JsonProblem, typed};

/// The lists of a seed, or those that a further issuer has of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Lists {
    pub resources: Option<Vec<Value>>,
    pub clients: Option<Vec<Value>>,
    pub users: Option<Vec<Value>>,
    pub claims: Option<Vec<Value>>,
    pub looseness: Option<Vec<String>>,
}

/// Their names.
pub(super) const LISTS: [&str; 5] = ["resources", "clients", "users", "claims", "looseness"];

impl Lists {
    /// Removes the lists from the members of a seed.
    ///
    /// # Errors
    /// Returns an error with the pointer to a member that is not a list.
    pub fn take(members: &mut Map<String, Value>) -> Result<Self, JsonProblem> {
        let mut entries = |name| list(members.remove(name), name);
        let (resources, clients) = (entries("resources")?, entries("clients")?);
        let (users, claims) = (entries("users")?, entries("claims")?);
        let looseness = members.remove("looseness").map(typed).transpose();
        let looseness = looseness.map_err(|problem| problem.below("/looseness"))?;
        Ok(Self { resources, clients, users, claims, looseness })
    }
}

/// Returns a member that is a list.
pub(super) fn list(value: Option<Value>, name: &str) -> Result<Option<Vec<Value>>, JsonProblem> {
    match value {
        None => Ok(None),
        Some(Value::Array(entries)) => Ok(Some(entries)),
        Some(_) => {
            let text = "the value at the pointer is not what is expected";
            Err(JsonProblem::new(format!("/{name}"), text).expecting("a list"))
        }
    }
}
