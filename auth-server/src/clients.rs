//! The registered clients, from the clients file and the database, and their authentication.

mod authenticator;
mod credentials;
mod file;
mod metadata_documents;
mod registry;
mod rules;
mod secret_rate_limits;
mod unregistered;

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use clock::Clock;
use oauth_types::AccessTokenClaims;

pub use authenticator::{ClientAuthError, ClientAuthenticator};
pub use credentials::{ClientCredentials, ClientProof};
#[cfg(test)]
pub(crate) use file::client_member_names;
pub use file::{ClientsFile, ClientsFileToml, DEMO_CLIENTS, FileError, client_members};
pub use metadata_documents::{DocumentError, MetadataDocuments};
pub use registry::{ClientRegistry, LoadedClientsFile};
pub use rules::ClientRules;
pub use secret_rate_limits::SecretRateLimits;

use crate::{
    authentication_mark::mark_authenticated,
    domain::{Actor, Algorithm, AuditRecord, Client, generation_of, grant_id_of, is_client_id_url},
    storage::{Store, StoreError},
};

/// The registered clients.
pub struct Clients {
    pub registry: ClientRegistry,
    pub authenticator: ClientAuthenticator,
    /// The clients with a client ID metadata document, if the settings accept them.
    pub documents: Option<MetadataDocuments>,
    pub clock: Clock,
}

impl Clients {
    /// Returns a client. Fetches its metadata on behalf of `address`, if its id is the URL of them.
    ///
    /// # Errors
    /// Returns an error if the client id is such a URL, and the document cannot be used.
    pub async fn find(
        &self,
        client_id: &str,
        address: Option<IpAddr>,
    ) -> Result<Option<Arc<Client>>, DocumentError> {
        let registry = self.registry.current();
        match self.documents_of(client_id) {
            Some(documents) => {
                documents.client(client_id, registry.resources(), address).await.map(Some)
            }
            None => Ok(registry.client(client_id).cloned()),
        }
    }

    /// Returns the client of a grant or token that C has issued. It no longer exists if its
    /// metadata document cannot be used, whatever this server has cached.
    ///
    /// # Errors
    /// Returns an error if the document cannot be fetched at present.
    pub async fn find_existing(
        &self,
        client_id: &str,
        address: Option<IpAddr>,
    ) -> Result<Option<Arc<Client>>, DocumentError> {
        match self.find(client_id, address).await {
            Err(error) if error.retry_after().is_none() => Ok(None),
            found => found,
        }
    }

    /// Forgets attempts to authenticate, and cached metadata.
    pub fn forget_attempts(&self) {
        self.authenticator.forget_attempts();
        if let Some(documents) = &self.documents {
            documents.clear();
        }
    }

    /// Returns a client, without fetching its metadata.
    pub fn known(&self, client_id: &str) -> Option<Arc<Client>> {
        match self.documents_of(client_id) {
            Some(documents) => documents.cached(client_id),
            None => self.registry.current().client(client_id).cloned(),
        }
    }

    /// Returns whether a public client has pages of this origin, written as browsers send it.
    pub fn has_page_origin(&self, origin: &str) -> bool {
        self.registry.current().has_page_origin(origin)
            || self.documents.as_ref().is_some_and(|documents| documents.has_page_origin(origin))
    }

    /// Returns the documents if a client with this id would have one. A client of the operator with
    /// the same id comes first, also a disabled one.
    fn documents_of(&self, client_id: &str) -> Option<&MetadataDocuments> {
        let documents = self.documents.as_ref().filter(|_| is_client_id_url(client_id))?;
        (!self.registry.current().has_client(client_id)).then_some(documents)
    }

    /// Reports whether the client of a token exists and already existed when the token was issued.
    ///
    /// # Errors
    /// Returns an error if the database cannot be read.
    pub async fn is_token_client_active(
        &self,
        claims: &AccessTokenClaims,
        store: &dyn Store,
    ) -> Result<bool, StoreError> {
        // The document is not fetched for each token: its tokens end with the user's grant. A token
        // without grant, or of a client in the database, is one of a removed client with this id.
        if self.documents_of(&claims.client_id).is_some() {
            let is_own = generation_of(&claims.jti) == Some(0);
            return Ok(is_own && grant_id_of(&claims.jti).is_some());
        }
        self.registry.is_token_client_active(claims, store).await
    }

    /// Returns the algorithms of the ID tokens and userinfo responses of all clients.
    pub fn signing_algorithms(&self) -> HashSet<Algorithm> {
        let of_documents = self.documents.as_ref().map(|_| Algorithm::RS256);
        let registry = self.registry.current();
        registry.signing_algorithms().iter().copied().chain(of_documents).collect()
    }

    /// Returns the client id for logs and audit records. An unknown one is replaced by its
    /// fingerprint.
    pub fn loggable_client_id(&self, client_id: &str) -> String {
        match self.known(client_id) {
            Some(client) => client.client_id.clone(),
            None => self.registry.current().loggable_client_id(client_id),
        }
    }

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
        // A client with a metadata document has no secret; with one, the authenticator fails.
        if matches!(credentials.proof, ClientProof::None(_))
            && self.documents_of(&credentials.client_id).is_some()
            && let Some(client) = self.find(&credentials.client_id, Some(address)).await?
        {
            record.client_id = Some(client.client_id.clone());
            return Ok(client);
        }
        let (now, uptime) = (self.clock.seconds(), self.clock.uptime());
        let client =
            self.authenticator.authenticate(credentials, address, &registry, now, uptime).await?;
        if matches!(credentials.proof, ClientProof::Secret(..)) {
            mark_authenticated();
        }
        if !client.is_open_to_anyone() {
            record.actor = Some(Actor::Client(client.client_id.clone()));
        }
        Ok(client)
    }
}
