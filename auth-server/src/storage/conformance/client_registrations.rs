use futures_util::future::join_all;
use oauth_types::ClientSecret;

use super::{
    administration::{add_client, disable_client, remove_client},
    fixtures::{all, apply, be_signed_in, client, code, entry, grant, hash, is_revoked, issued},
};
use crate::{
    domain::{
        Actor, AuditEvent, ClientMetadata, Consent, ConsentedClaims, OneTimeCredential,
        Registration, ScopesByResource, SecretHash, StoredSecret, TokenHash, UserGrant,
        UserLoginConfig,
    },
    storage::{AuditedChange, Authorization, Change, RegistrationUpdate, Store, StoreError},
};

pub async fn registration_is_returned_unchanged(store: &dyn Store) {
    let before = store.revision().await.unwrap();
    apply(store, register("a", 9)).await;
    let found = store.registration("a").await.unwrap().unwrap();
    assert_eq!(
        (found.metadata, found.token, found.issued_at),
        (metadata("a"), hash("token of a"), 30)
    );
    assert!(found.client.secrets[0].hash.matches("secret of a") && found.client.dynamic);
    assert_eq!(found.client.login, client_of("a").login);
    add_client(store, &client("by-hand"), 10).await.unwrap();
    let all = store.clients().await.unwrap();
    assert_eq!(all.iter().map(|client| client.dynamic).collect::<Vec<_>>(), [true, false]);
    assert!(all.iter().all(|client| client.secrets.len() == 1));
    for none in ["by-hand", "nobody"] {
        assert!(store.registration(none).await.unwrap().is_none(), "{none}");
    }
    assert!(store.revision().await.unwrap() > before);
    let taken = store.apply(entry("a", "", 1, register("a", 9))).await;
    assert!(matches!(taken, Err(StoreError::ClientExists(_))), "the client_id is already in use");
}

pub async fn approval_lasts_until_the_registration_changes(store: &dyn Store) {
    apply(store, register("a", 9)).await;
    let approved = async || store.registration("a").await.unwrap().unwrap().client.approved;
    assert!(!approved().await);
    let before = store.revision().await.unwrap();
    let approve = |client_id: &str| AuditedChange::approve_client(client_id, Actor::Cli, 40_000);
    store.apply(approve("a")).await.unwrap();
    assert!(approved().await && store.clients().await.unwrap()[0].approved);
    assert!(store.revision().await.unwrap() > before);
    let record = all(store).await.remove(0);
    assert_eq!((record.event, record.actor), (AuditEvent::ClientApprove, Some(Actor::Cli)));
    apply(store, reregister("a", "token of a", None)).await;
    assert!(!approved().await);
    add_client(store, &client("by-hand"), 10).await.unwrap();
    assert!(store.clients().await.unwrap()[1].approved, "the operator added it");
    for none in ["by-hand", "unknown"] {
        let result = store.apply(approve(none)).await;
        assert!(matches!(result, Err(StoreError::ClientNotFound(_))), "{none}: {result:?}");
    }
}

pub async fn concurrent_registrations_stop_at_max_clients(store: &dyn Store) {
    let names: Vec<String> = (0..20).map(|n| format!("c{n}")).collect();
    let results =
        join_all(names.iter().map(|name| store.apply(entry(name, "", 30_000, register(name, 3)))))
            .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    assert!(
        results
            .iter()
            .all(|result| matches!(result, Ok(()) | Err(StoreError::RegistrationLimitReached)))
    );
    assert_eq!((store.clients().await.unwrap().len(), all(store).await.len()), (3, 3));
    // Clients that the operator added do not count towards the limit.
    add_client(store, &client("by-hand"), 10).await.unwrap();
    apply(store, register("one more", 4)).await;
}

pub async fn registration_update_requires_its_own_token(store: &dyn Store) {
    apply(store, register("a", 9)).await;
    apply(store, register("b", 9)).await;
    for token in ["token of b", "no token"] {
        let result = store.apply(entry("a", "", 40_000, reregister("a", token, None))).await;
        assert!(matches!(result, Err(StoreError::ClientNotFound(id)) if id == "a"));
    }
    let before = store.revision().await.unwrap();
    apply(store, reregister("a", "token of a", None)).await;
    assert!(store.revision().await.unwrap() > before);
    let found = store.registration("a").await.unwrap().unwrap();
    assert_eq!(
        (found.metadata, found.client.login),
        (metadata("changed"), client_of("changed").login)
    );
    assert_eq!(
        (found.token, found.issued_at, found.client.scopes.to_string().as_str()),
        (hash("token of a"), 30, "other")
    );
    assert!(found.client.secrets[0].hash.matches("secret of a"), "the secret stays");
    apply(store, reregister("a", "token of a", Some(vec![secret("another")]))).await;
    let secrets = store.registration("a").await.unwrap().unwrap().client.secrets;
    assert!(secrets.len() == 1 && secrets[0].hash.matches("another"));
    apply(store, reregister("a", "token of a", Some(Vec::new()))).await;
    assert!(store.registration("a").await.unwrap().unwrap().client.secrets.is_empty());
    assert_eq!(store.registration("b").await.unwrap().unwrap().metadata, metadata("b"));
}

pub async fn concurrent_deletions_of_a_registration_succeed_once(store: &dyn Store) {
    apply(store, register("a", 9)).await;
    let wrong = store.apply(entry("a", "", 40_000, unregister("a", "token of b"))).await;
    assert!(matches!(wrong, Err(StoreError::ClientNotFound(_))));
    let before = (store.revision().await.unwrap(), all(store).await.len());
    let results = join_all(
        (0..20).map(|_| store.apply(entry("a", "", 40_000, unregister("a", "token of a")))),
    )
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        results.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::ClientNotFound(_))))
    );
    assert!(
        store.registration("a").await.unwrap().is_none()
            && store.clients().await.unwrap().is_empty()
    );
    assert_eq!(
        (store.revision().await.unwrap(), all(store).await.len()),
        (before.0 + 1, before.1 + 1)
    );
    add_client(store, &client("by-hand"), 10).await.unwrap();
    let by_hand =
        store.apply(entry("by-hand", "", 40_000, unregister("by-hand", "token of a"))).await;
    assert!(
        matches!(by_hand, Err(StoreError::ClientNotFound(_))),
        "it has no registration access token"
    );
}

pub async fn concurrent_update_and_deletion_leave_no_registration(store: &dyn Store) {
    apply(store, register("a", 9)).await;
    let effects = (0..20).map(|n| {
        if n == 10 {
            unregister("a", "token of a")
        } else {
            reregister("a", "token of a", Some(vec![secret(&n.to_string())]))
        }
    });
    let results = join_all(effects.map(|change| store.apply(entry("a", "", 40_000, change)))).await;
    assert!(results[10].is_ok());
    assert!(
        results.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::ClientNotFound(_))))
    );
    assert!(store.clients().await.unwrap().is_empty());
    // A new client with the same id has no secrets of the deleted one.
    apply(store, register("a", 9)).await;
    assert_eq!(store.registration("a").await.unwrap().unwrap().client.secrets.len(), 1);
}

pub async fn deleting_a_registration_revokes_its_grants(store: &dyn Store) {
    apply(store, register("a", 9)).await;
    allow(store, "a", "g").await;
    allow(store, "b", "h").await;
    apply(store, unregister("a", "token of a")).await;
    assert_ended(store, "a", "g").await;
    assert!(store.consent("sub of alice", "a").await.unwrap().is_none());
    assert!(
        !is_revoked(store, "t-h", "h").await
            && store.consent("sub of alice", "b").await.unwrap().is_some()
    );
}

pub async fn removing_a_client_revokes_its_grants(store: &dyn Store) {
    apply(store, register("a", 9)).await;
    add_client(store, &client("by-hand"), 10).await.unwrap();
    for name in ["a", "by-hand"] {
        let (grant_id, before) = (format!("g-{name}"), store.revision().await.unwrap());
        allow(store, name, &grant_id).await;
        remove_client(store, name, 40).await.unwrap();
        assert_ended(store, name, &grant_id).await;
        assert!(store.consent("sub of alice", name).await.unwrap().is_none());
        assert!(store.revision().await.unwrap() > before);
        assert!(matches!(remove_client(store, name, 40).await, Err(StoreError::ClientNotFound(_))));
    }
    assert!(store.clients().await.unwrap().is_empty());
}

pub async fn disabling_a_client_revokes_its_grants(store: &dyn Store) {
    apply(store, register("a", 9)).await;
    allow(store, "a", "g").await;
    disable_client(store, "a", 40).await.unwrap();
    assert_ended(store, "a", "g").await;
    assert!(store.registration("a").await.unwrap().is_none());
    for change in [reregister("a", "token of a", None), unregister("a", "token of a")] {
        let result = store.apply(entry("a", "", 50_000, change)).await;
        assert!(
            matches!(result, Err(StoreError::ClientNotFound(_))),
            "a disabled client changes nothing"
        );
    }
    assert!(matches!(&store.clients().await.unwrap()[..], [only] if !only.enabled));
}

async fn assert_ended(store: &dyn Store, client_id: &str, grant_id: &str) {
    assert!(is_revoked(store, &format!("t-{grant_id}"), grant_id).await, "{client_id}");
    assert!(store.refresh_token(grant_id).await.unwrap().unwrap().revoked);
    let late = Change::IssueTokens(Box::new(issued(grant_id, "late", None)));
    assert!(matches!(
        store.apply(entry(client_id, "late", 50_000, late)).await,
        Err(StoreError::AlreadyConsumed)
    ));
}

/// Stores a consent of Alice to a client, and issues tokens under it.
async fn allow(store: &dyn Store, client_id: &str, grant_id: &str) {
    let consent = Consent {
        sub: "sub of alice".to_owned(),
        client_id: client_id.to_owned(),
        scope: "openid".parse().unwrap(),
        resources: ScopesByResource::new(),
        claims: ConsentedClaims::default(),
        granted_at: 5,
    };
    let grant = UserGrant { client_id: client_id.to_owned(), ..grant(grant_id) };
    be_signed_in(store, &grant).await;
    let code_name = format!("c-{grant_id}");
    let yes =
        Authorization { grant, code: code(&code_name, "n"), consent: Some(consent), pushed: None };
    apply(store, Change::Authorize(Box::new(yes))).await;
    let consumes = Some(OneTimeCredential::AuthorizationCode(hash(&code_name)));
    apply(
        store,
        Change::IssueTokens(Box::new(issued(grant_id, &format!("t-{grant_id}"), consumes))),
    )
    .await;
}

pub(super) fn register(name: &str, max_clients: u32) -> Change {
    let registration = Registration {
        client: client_of(name),
        metadata: metadata(name),
        token: hash(&format!("token of {name}")),
        issued_at: 30,
    };
    Change::RegisterClient { registration: Box::new(registration), max_clients }
}

fn reregister(name: &str, token: &str, secrets: Option<Vec<StoredSecret>>) -> Change {
    let mut client = client_of("changed");
    client.client_id = name.to_owned();
    client.scopes = "other".parse().unwrap();
    let registration =
        Registration { client, metadata: metadata("changed"), token: hash(token), issued_at: 77 };
    Change::UpdateRegistration(Box::new(RegistrationUpdate { registration, secrets }))
}

fn unregister(name: &str, token: &str) -> Change {
    Change::DeleteRegistration { client_id: name.to_owned(), token: TokenHash::of_text(token) }
}

fn client_of(name: &str) -> crate::domain::Client {
    let login = UserLoginConfig {
        client_name: Some(format!("{name} 商店")),
        ..UserLoginConfig::default()
    };
    crate::domain::Client { login: Some(login), dynamic: true, ..client(name) }
}

fn metadata(name: &str) -> ClientMetadata {
    let redirect_uris = Some(vec![format!("https://{name}.example/cb")]);
    ClientMetadata {
        redirect_uris,
        client_name: Some(format!("{name} 商店")),
        ..ClientMetadata::default()
    }
}

fn secret(text: &str) -> StoredSecret {
    StoredSecret { hash: SecretHash::sha256(&ClientSecret::new(text)), not_after: None }
}
