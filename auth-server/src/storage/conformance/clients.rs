//! Clients, which operators add and change.

use futures_util::future::join_all;
use oauth_types::ClientSecret;

use super::{
    administration::{add_client, disable_client, rotate_secret},
    fixtures::client,
};
use crate::{
    domain::{SecretHash, TokenFormat},
    storage::{Store, StoreError},
};

pub async fn added_client_is_returned_unchanged(store: &dyn Store) {
    add_client(store, &client("a"), 10).await.unwrap();
    let [found] = &store.clients().await.unwrap()[..] else { panic!("one client was added") };
    assert_eq!((found.client_id.as_str(), found.scopes.to_string().as_str()), ("a", "read write"));
    assert_eq!(found.token_exchange, client("a").token_exchange);
    assert_eq!(
        (&found.resources[..], &found.introspection_audiences[..]),
        (&["http://b".to_owned()][..], &["http://c".to_owned()][..])
    );
    assert_eq!(
        (found.token_format, found.enabled, found.token_generation),
        (TokenFormat::Opaque, true, 1)
    );
    assert!(found.secrets[0].hash.matches("secret of a"));
    disable_client(store, "a", 30).await.unwrap();
    assert!(!store.clients().await.unwrap()[0].enabled);
}

pub async fn concurrent_adds_of_one_client_id_succeed_once(store: &dyn Store) {
    let same = client("a");
    let results = join_all((0..20).map(|_| add_client(store, &same, 10))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        results
            .iter()
            .any(|result| matches!(result, Err(StoreError::ClientExists(id)) if id == "a"))
    );
    assert_eq!(store.clients().await.unwrap()[0].secrets.len(), 1);
}

pub async fn rotation_expires_the_old_secret_now_or_later(store: &dyn Store) {
    let hash = |text: &str| SecretHash::sha256(&ClientSecret::new(text));
    add_client(store, &client("a"), 10).await.unwrap();
    rotate_secret(store, "a", &hash("second"), Some(500), 20).await.unwrap();
    let secrets = store.clients().await.unwrap().remove(0).secrets;
    assert_eq!(
        secrets.iter().map(|secret| secret.not_after).collect::<Vec<_>>(),
        [None, Some(500)]
    );
    assert!(secrets[0].hash.matches("second"));
    rotate_secret(store, "a", &hash("third"), None, 30).await.unwrap();
    let secrets = store.clients().await.unwrap().remove(0).secrets;
    assert!(secrets.len() == 1 && secrets[0].hash.matches("third"));
}

pub async fn secret_of_a_new_client_keeps_its_expiry(store: &dyn Store) {
    let mut added = client("a");
    added.secrets[0].not_after = Some(500);
    add_client(store, &added, 10).await.unwrap();
    let secrets = store.clients().await.unwrap().remove(0).secrets;
    assert_eq!(secrets[0].not_after, Some(500));
}

pub async fn changing_an_unknown_client_fails(store: &dyn Store) {
    let hash = SecretHash::Sha256([0; 32]);
    assert!(matches!(
        rotate_secret(store, "x", &hash, None, 1).await,
        Err(StoreError::ClientNotFound(_))
    ));
    assert!(matches!(disable_client(store, "x", 1).await, Err(StoreError::ClientNotFound(_))));
}
