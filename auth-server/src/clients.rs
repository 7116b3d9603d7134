//! The registered clients, from the clients file and the database, and their authentication.

mod authenticator;
mod credentials;
mod file;
mod registry;
mod secret_rate_limits;

use std::{net::IpAddr, sync::Arc};

use clock::Clock;

pub use authenticator::{ClientAuthError, ClientAuthenticator};
pub use credentials::{ClientCredentials, ClientProof};
pub use file::{ClientsFile, DEMO_CLIENTS, FileError};
pub use registry::ClientRegistry;
pub use secret_rate_limits::SecretRateLimits;

use crate::domain::{Actor, AuditRecord, Client};

/// The registered clients.
pub struct Clients {
    pub registry: ClientRegistry,
    pub authenticator: ClientAuthenticator,
    pub clock: Clock,
}

impl Clients {
    /// Authenticates a client and sets its id in the audit record, also when authentication fails.
    /// A client that an operator has registered or approved becomes the actor, if it proves its
    /// identity.
    ///
    /// # Errors
    /// Returns an error if the credentials are not those of an enabled client.
    pub async fn authenticate(
        &self,
        credentials: &ClientCredentials,
        address: IpAddr,
        record: &mut AuditRecord,
    ) -> Result<Arc<Client>, ClientAuthError> {
        let registry = self.registry.current();
        record.client_id = Some(registry.loggable_client_id(&credentials.client_id));
        let (now, uptime) = (self.clock.seconds(), self.clock.uptime());
        let client =
            self.authenticator.authenticate(credentials, address, &registry, now, uptime).await?;
        if !client.is_open_to_anyone() {
            record.actor = Some(Actor::Client(client.client_id.clone()));
        }
        Ok(client)
    }
}
