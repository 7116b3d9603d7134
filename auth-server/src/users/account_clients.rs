use std::{collections::HashMap, sync::Arc};

use futures_util::future::join_all;
use pages::Language;

use crate::{
    clients::DocumentError, domain::Client, http::ClientAddress,
    oauth::authorize::AuthorizationContext, pages::ClientView,
};

/// The clients that the account page names, by client id. One that no longer exists is `None`.
pub(super) struct AccountClients(HashMap<String, Result<Option<Arc<Client>>, DocumentError>>);

impl AccountClients {
    /// Finds all clients at once: the metadata document of some may have to be fetched.
    pub(super) async fn find<'a>(
        context: &AuthorizationContext,
        client_ids: impl Iterator<Item = &'a String>,
        address: ClientAddress,
    ) -> Self {
        let mut client_ids: Vec<_> = client_ids.cloned().collect();
        client_ids.sort_unstable();
        client_ids.dedup();
        let found = client_ids.into_iter().map(async |client_id| {
            let found = context.clients.find(&client_id, Some(address.0)).await;
            (client_id, found)
        });
        Self(join_all(found).await.into_iter().collect())
    }

    pub(super) fn get(&self, client_id: &str) -> Option<&Client> {
        self.0.get(client_id)?.as_ref().ok()?.as_deref()
    }

    /// Returns the display name. Deleted clients have none. A client whose document cannot be used
    /// is named by its id, because it may still have access.
    pub(super) fn name(&self, client_id: &str, language: Language) -> Option<String> {
        match self.0.get(client_id)? {
            Ok(client) => Some(client.as_ref()?.display_name_in(language.code()).to_owned()),
            Err(_) => Some(client_id.to_owned()),
        }
    }

    pub(super) fn view(&self, client_id: &str, language: Language) -> ClientView {
        self.get(client_id).map_or_else(
            || ClientView::named(client_id),
            |client| ClientView::new(client, language),
        )
    }
}
