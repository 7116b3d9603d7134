use super::error::ControlError;
use crate::{
    domain::{User, normalize_username},
    storage::Store,
};

/// Returns the user with this name.
///
/// # Errors
/// Returns an error if there is none, or if the database cannot be read.
pub async fn user_named(store: &dyn Store, name: &str) -> Result<User, ControlError> {
    let unknown = || {
        ControlError::not_found("unknown_user", format!("there is no user `{name}`"))
            .at("/user")
            .expecting("a user of this issuer")
    };
    let username = normalize_username(name).map_err(|_| unknown())?;
    store.user_by_username(&username).await?.ok_or_else(unknown)
}

/// Returns the user with this name if they can sign in.
///
/// # Errors
/// Returns an error if there is none, if they are disabled, or if the database cannot be read.
pub async fn enabled_user_named(store: &dyn Store, name: &str) -> Result<User, ControlError> {
    let user = user_named(store, name).await?;
    if !user.enabled {
        let error = ControlError::invalid(format!("the user `{name}` is disabled")).at("/user");
        return Err(error.expecting("a user who can sign in"));
    }
    Ok(user)
}
