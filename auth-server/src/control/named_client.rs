use std::sync::Arc;

use super::error::ControlError;
use crate::{clients::Clients, domain::Client};

/// Returns the client with this id, which the request has at `/client_id`.
///
/// # Errors
/// Returns an error if there is none, and the looseness does not accept any client.
pub fn client_named(clients: &Clients, client_id: &str) -> Result<Arc<Client>, ControlError> {
    clients.registry.accept_unregistered(Some(client_id), []);
    clients.known(client_id).ok_or_else(|| {
        let text = format!("there is no client `{client_id}`");
        ControlError::not_found("unknown_client", text)
            .at("/client_id")
            .expecting("a client of this issuer")
    })
}
