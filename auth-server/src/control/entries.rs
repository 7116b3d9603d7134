//! What the calls for one entry of the seed have in common.

use serde_json::{Map, Value};

use super::{context::ControlContext, error::ControlError};
use crate::seed::{Entries, SeedDocument};

/// Returns an entry of the seed.
pub async fn entry(
    context: &ControlContext,
    kind: Entries,
    id: &str,
) -> Result<Value, ControlError> {
    let seed = context.seed.current().await;
    seed.get(kind, id).cloned().ok_or_else(|| unknown(kind, id))
}

/// Adds or replaces an entry of the seed, and returns it. The path names it, so the body need not.
pub async fn put_entry(
    context: &ControlContext,
    kind: Entries,
    id: &str,
    mut body: Map<String, Value>,
) -> Result<Value, ControlError> {
    let member = kind.id_member();
    let names_other = |named: &Value| named.as_str().is_none_or(|named| !kind.are_same(named, id));
    if body.get(member).is_some_and(names_other) {
        return Err(ControlError::invalid("the body and the URL name different entries")
            .at(format!("/{member}"))
            .expecting(format!("`{id}`, or no such member")));
    }
    body.insert(member.to_owned(), id.into());
    let put = |seed: &mut SeedDocument| {
        seed.put(kind, id, body);
        Ok(())
    };
    let changed = context.change_seed(|error| error.below_entry(kind.list()), put).await?;
    changed.get(kind, id).cloned().ok_or_else(|| unknown(kind, id))
}

/// Removes an entry of the seed.
pub async fn delete_entry(
    context: &ControlContext,
    kind: Entries,
    id: &str,
) -> Result<(), ControlError> {
    let remove = |seed: &mut SeedDocument| {
        if !seed.remove(kind, id) {
            return Err(unknown(kind, id));
        }
        match kind {
            Entries::Resources => ensure_unused(seed, id),
            Entries::Clients | Entries::Users => Ok(()),
        }
    };
    context.change_seed(|error| error.below_entry(kind.list()), remove).await?;
    Ok(())
}

/// A client that names a resource which does not exist would be invalid.
fn ensure_unused(seed: &SeedDocument, resource: &str) -> Result<(), ControlError> {
    let users = seed.users_of_resource(resource);
    if users.is_empty() {
        return Ok(());
    }
    let text = format!("the resource `{resource}` is in use by {}", users.join(", "));
    Err(ControlError::invalid(text).expecting("a resource that no client and no claim names"))
}

fn unknown(kind: Entries, id: &str) -> ControlError {
    match kind {
        Entries::Resources => {
            ControlError::not_found("unknown_resource", format!("the seed has no resource `{id}`"))
        }
        Entries::Clients => {
            ControlError::not_found("unknown_client", format!("the seed has no client `{id}`"))
        }
        Entries::Users => {
            ControlError::not_found("unknown_user", format!("the seed has no user `{id}`"))
        }
    }
}
