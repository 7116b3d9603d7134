//! Administrative actions: each leaves an audit record, in the same transaction.

use oauth_types::ClientSecret;
use serde_json::json;

use super::{
    fixtures::{all, attributes, client, phc, user},
    keys::{activate_key, install_keys, key, publish_key, rotate_keys, rsa, withdraw_key},
};
use crate::{
    domain::{
        Actor, Algorithm, Attributes, AuditEvent, AuditQuery, Client, KeyState, NewKey, Outcome,
        SecretHash, TokenExchangeRule, TokenFormat, User, UserLoginConfig,
    },
    storage::{AuditedChange, Change, GrantOwner, Store, StoreError},
};

pub async fn every_administrative_action_leaves_an_audit_record(store: &dyn Store) {
    add_client(store, &client("a"), 1).await.unwrap();
    rotate_secret(store, "a", &SecretHash::Sha256([0; 32]), None, 2).await.unwrap();
    disable_client(store, "a", 3).await.unwrap();
    store.apply(AuditedChange::enable_client("a", Actor::Cli, 3_000)).await.unwrap();
    update_client(store, client("a"), 3_000).await.unwrap();
    remove_client(store, "a", 4).await.unwrap();
    let seeded = AuditedChange::add_user(user("alice"), Actor::System, 5_000);
    store.apply(seeded).await.unwrap();
    set_password(store, "alice", &phc("new"), 6).await.unwrap();
    let alice = "sub of alice";
    for change in [
        AuditedChange::update_user(&user("alice"), user("alice"), Actor::Cli, 6_000),
        AuditedChange::sign_out_user(alice, Actor::Cli, 6_000),
        AuditedChange::revoke_grants(
            GrantOwner::UserAtClient { sub: alice.to_owned(), client_id: "a".to_owned() },
            Actor::Cli,
            6_000,
        ),
    ] {
        store.apply(change).await.unwrap();
    }
    disable_user(store, "alice", 7).await.unwrap();
    store.apply(AuditedChange::enable_user(alice, Actor::Cli, 7_000)).await.unwrap();
    store.apply(AuditedChange::remove_user(alice, Actor::Cli, 7_000)).await.unwrap();
    install_keys(store, &key("one"), &key("two"), 8).await.unwrap();
    publish_key(store, &rsa("four"), 8).await.unwrap();
    activate_key(store, "four", &rsa("five"), 8).await.unwrap();
    rotate_keys(store, "one", &key("three"), 9).await.unwrap();
    withdraw_key(store, "one").await.unwrap();
    let found: Vec<_> = all(store)
        .await
        .into_iter()
        .map(|record| {
            assert_eq!((record.outcome, record.address), (Outcome::Succeeded, None));
            let subject = record.sub.or(record.client_id).or(record.kid).unwrap();
            (record.at_millis, record.event, record.actor.unwrap(), subject)
        })
        .collect();
    let expected = [
        (10_000, AuditEvent::KeysWithdraw, Actor::Cli, "one"),
        (9_000, AuditEvent::KeysRotate, Actor::Cli, "one"),
        (8_000, AuditEvent::KeysActivate, Actor::Cli, "four"),
        (8_000, AuditEvent::KeysPublish, Actor::Cli, "four"),
        (8_000, AuditEvent::KeysInstall, Actor::Cli, "one"),
        (7_000, AuditEvent::UserRemove, Actor::Cli, "sub of alice"),
        (7_000, AuditEvent::UserEnable, Actor::Cli, "sub of alice"),
        (7_000, AuditEvent::UserDisable, Actor::Cli, "sub of alice"),
        (6_000, AuditEvent::GrantsRevoke, Actor::Cli, "sub of alice"),
        (6_000, AuditEvent::UserSignOut, Actor::Cli, "sub of alice"),
        (6_000, AuditEvent::UserUpdate, Actor::Cli, "sub of alice"),
        (6_000, AuditEvent::UserSetPassword, Actor::Cli, "sub of alice"),
        (5_000, AuditEvent::UserAdd, Actor::System, "sub of alice"),
        (4_000, AuditEvent::ClientRemove, Actor::Cli, "a"),
        (3_000, AuditEvent::ClientUpdate, Actor::Cli, "a"),
        (3_000, AuditEvent::ClientEnable, Actor::Cli, "a"),
        (3_000, AuditEvent::ClientDisable, Actor::Cli, "a"),
        (2_000, AuditEvent::ClientRotateSecret, Actor::Cli, "a"),
        (1_000, AuditEvent::ClientAdd, Actor::Cli, "a"),
    ];
    assert_eq!(found, expected.map(|(at, event, actor, id)| (at, event, actor, id.to_owned())));
    let of_client = AuditQuery { client_id: Some("a".to_owned()), limit: 10, ..Default::default() };
    assert_eq!(store.audit(&of_client).await.unwrap().len(), 7);
}

pub async fn failed_administrative_action_leaves_no_audit_record(store: &dyn Store) {
    let hash = SecretHash::Sha256([0; 32]);
    for rejected in [
        rotate_secret(store, "x", &hash, None, 1).await,
        disable_client(store, "x", 1).await,
        remove_client(store, "x", 1).await,
    ] {
        assert!(matches!(rejected, Err(StoreError::ClientNotFound(_))), "{rejected:?}");
    }
    let enable = AuditedChange::enable_client("x", Actor::Cli, 1);
    for rejected in [store.apply(enable).await, update_client(store, client("x"), 1).await] {
        assert!(matches!(rejected, Err(StoreError::ClientNotFound(_))), "{rejected:?}");
    }
    for change in [
        AuditedChange::set_password("x", phc("new"), Actor::Cli, 1),
        AuditedChange::update_user(&user("x"), user("x"), Actor::Cli, 1),
        AuditedChange::sign_out_user("x", Actor::Cli, 1),
        AuditedChange::disable_user("x", Actor::Cli, 1),
        AuditedChange::enable_user("x", Actor::Cli, 1),
        AuditedChange::remove_user("x", Actor::Cli, 1),
    ] {
        assert!(matches!(store.apply(change).await, Err(StoreError::UserNotFound(_))));
    }
    assert!(!rotate_keys(store, "x", &key("y"), 1).await.unwrap());
    assert!(!withdraw_key(store, "x").await.unwrap());
    assert!(!activate_key(store, "x", &key("y"), 1).await.unwrap());
    assert_eq!(all(store).await, []);
}

pub async fn disabled_client_can_be_enabled_and_updated(store: &dyn Store) {
    add_client(store, &client("a"), 1).await.unwrap();
    disable_client(store, "a", 2).await.unwrap();
    let revision = store.revision().await.unwrap();
    store.apply(AuditedChange::enable_client("a", Actor::Cli, 3_000)).await.unwrap();
    let enabled = store.revision().await.unwrap();
    let new = Client {
        scopes: "write".parse().unwrap(),
        default_scope: None,
        resources: vec!["http://other".to_owned()],
        default_resource: Some("http://other".to_owned()),
        introspection_audiences: Vec::new(),
        token_exchange: vec![TokenExchangeRule {
            resource: "http://other".to_owned(),
            scopes: "write".parse().unwrap(),
            beyond_grant: true,
        }],
        token_format: TokenFormat::Jwt,
        attributes: attributes(json!({ "tenant": "north" })),
        login: Some(UserLoginConfig::default()),
        ..client("a")
    };
    update_client(store, new.clone(), 4_000).await.unwrap();
    let updated = store.revision().await.unwrap();
    assert!(revision < enabled && enabled < updated, "running servers reload");
    let [found] = &store.clients().await.unwrap()[..] else { panic!("one client") };
    assert!(found.enabled && found.secrets[0].hash.matches("secret of a"));
    assert_eq!((&found.scopes, &found.resources), (&new.scopes, &new.resources));
    assert_eq!((&found.default_scope, &found.attributes), (&None, &new.attributes));
    assert_eq!(found.token_exchange, new.token_exchange);
    assert_eq!(found.default_resource, new.default_resource);
    assert_eq!(found.token_format, TokenFormat::Jwt);
    let generation = found.token_generation;
    assert!(generation > 1, "enabling begins a new generation of tokens");
    store.apply(AuditedChange::enable_client("a", Actor::Cli, 9_000)).await.unwrap();
    let unchanged = store.clients().await.unwrap()[0].token_generation;
    assert_eq!(unchanged, generation, "an enabled client keeps its tokens");
    assert!(found.introspection_audiences.is_empty() && found.login.is_some());
}

/// The record of a change of attributes has their names, and no value.
pub async fn changed_attributes_are_stored_and_named_in_the_audit_log(store: &dyn Store) {
    add_client(store, &client("a"), 1).await.unwrap();
    let after = Client {
        attributes: attributes(json!({ "tenant": { "id": 7 }, "tier": 1 })),
        ..client("a")
    };
    update_client(store, after.clone(), 2_000).await.unwrap();
    store.apply(AuditedChange::add_user(user("alice"), Actor::Cli, 3_000)).await.unwrap();
    let alice = User { attributes: attributes(json!({ "roles": ["x"] })), ..user("alice") };
    let update = AuditedChange::update_user(&user("alice"), alice.clone(), Actor::Cli, 4_000);
    store.apply(update).await.unwrap();
    let names = all(store).await.into_iter().map(|record| record.members);
    let named = |names: &str| Some(names.to_owned());
    let both = named("department roles");
    let expected = [both.clone(), both, named("tenant"), named("tier")];
    assert_eq!(names.collect::<Vec<_>>(), expected, "the newest first");
    assert_eq!(store.clients().await.unwrap()[0].attributes, after.attributes);
    let found = store.user("sub of alice").await.unwrap().unwrap();
    assert_eq!(found.attributes, alice.attributes);
}

async fn update_client(store: &dyn Store, after: Client, at_millis: i64) -> Result<(), StoreError> {
    let (before, revision) = (client(&after.client_id), store.revision().await?);
    let update = AuditedChange::update_client(&before, after, revision, Actor::Cli, at_millis);
    store.apply(update).await
}

/// Otherwise the update would restore what was removed in between, such as a redirect URI.
pub async fn client_or_user_that_changed_since_it_was_read_is_not_updated(store: &dyn Store) {
    add_client(store, &client("a"), 1).await.unwrap();
    let (before, revision) = (client("a"), store.revision().await.unwrap());
    let narrowed = Client { scopes: "read".parse().unwrap(), ..client("a") };
    update_client(store, narrowed, 2_000).await.unwrap();
    let stale = AuditedChange::update_client(&before, client("a"), revision, Actor::Cli, 3_000);
    assert!(matches!(store.apply(stale).await, Err(StoreError::ChangedSinceRead)));
    assert_eq!(store.clients().await.unwrap()[0].scopes.to_string(), "read");

    add_user(store, &user("alice"), 4).await.unwrap();
    let changed = User { attributes: attributes(json!({ "roles": [] })), ..user("alice") };
    let update = |after: &User, at_millis| {
        AuditedChange::update_user(&user("alice"), after.clone(), Actor::Cli, at_millis)
    };
    store.apply(update(&changed, 5_000)).await.unwrap();
    let stale = store.apply(update(&user("alice"), 6_000)).await;
    assert!(matches!(stale, Err(StoreError::ChangedSinceRead)), "{stale:?}");
    let found = store.user("sub of alice").await.unwrap().unwrap();
    assert_eq!(found.attributes, changed.attributes);
    assert_eq!(all(store).await.len(), 4, "a rejected update leaves no record");
}

pub async fn change_is_undone_if_its_audit_record_cannot_be_stored(store: &dyn Store) {
    let install = Change::InstallKeys { current: key("a"), next: key("b") };
    reject_record(store, install).await;
    add_client(store, &client("kept"), 1).await.unwrap();
    store.apply(AuditedChange::add_user(user("kept"), Actor::Cli, 1)).await.unwrap();
    install_keys(store, &key("one"), &key("two"), 1).await.unwrap();
    rotate_keys(store, "one", &key("three"), 1).await.unwrap();
    publish_key(store, &rsa("rsa"), 1).await.unwrap();
    super::fixtures::apply(store, super::client_registrations::register("registered", 9)).await;
    let (revision, keys) = (store.revision().await.unwrap(), key_states(store).await);
    let changes = [
        Change::AddClient(Box::new(client("a"))),
        Change::RotateClientSecret {
            client_id: "kept".to_owned(),
            new: SecretHash::sha256(&ClientSecret::new("new")),
            old_until: None,
        },
        Change::ApproveClient { client_id: "registered".to_owned() },
        Change::DisableClient { client_id: "kept".to_owned() },
        Change::EnableClient { client_id: "kept".to_owned() },
        Change::UpdateClient {
            client: Box::new(Client { resources: Vec::new(), ..client("kept") }),
            revision,
        },
        Change::RemoveClient { client_id: "kept".to_owned() },
        Change::AddUser(Box::new(user("alice"))),
        Change::SetPassword { sub: "sub of kept".to_owned(), password: phc("new") },
        Change::UpdateUser {
            before: Box::new(user("kept")),
            claims: Box::default(),
            attributes: Attributes::default(),
        },
        Change::SignOutUser { sub: "sub of kept".to_owned() },
        Change::DisableUser { sub: "sub of kept".to_owned() },
        Change::PublishKey { key: NewKey { algorithm: Algorithm::EdDSA, ..key("a") } },
        Change::ActivateKey { kid: "rsa".to_owned(), new_next: rsa("b") },
        Change::RotateKey { current: "two".to_owned(), new_next: key("four") },
        Change::WithdrawKey { kid: "one".to_owned() },
        Change::RemoveUser { sub: "sub of kept".to_owned() },
        Change::RevokeGrants(GrantOwner::User { sub: "sub of kept".to_owned() }),
    ];
    for change in changes {
        reject_record(store, change).await;
    }
    assert_eq!(store.revision().await.unwrap(), revision);
    assert_eq!(all(store).await.len(), 6);
    let clients = store.clients().await.unwrap();
    assert!(clients.len() == 2 && clients[0].enabled && !clients[1].approved);
    assert!(!clients[0].resources.is_empty());
    assert!(clients[0].secrets[0].hash.matches("secret of kept"));
    let users = store.users().await.unwrap();
    assert!(users.len() == 1 && users[0].enabled);
    assert_eq!(users[0].password.cache_key(), b"phc of kept");
    assert_eq!(key_states(store).await, keys);
}

/// Applies a change whose record cannot be stored: the audit log has none from before 1970.
async fn reject_record(store: &dyn Store, change: Change) {
    let audit = crate::domain::AuditRecord::admin(AuditEvent::ClientAdd, Actor::Cli, -1);
    let text = format!("{change:?}");
    let result = store.apply(AuditedChange { audit, change }).await;
    assert!(matches!(result, Err(StoreError::ConstraintViolation(_))), "{text}: {result:?}");
}

async fn key_states(store: &dyn Store) -> Vec<(String, KeyState)> {
    let keys = store.signing_keys().await.unwrap();
    keys.into_iter().map(|key| (key.kid, key.state)).collect()
}

// Administrative actions from the command line, at a given second.

pub(super) async fn add_client(
    store: &dyn Store,
    client: &Client,
    now: i64,
) -> Result<(), StoreError> {
    store.apply(AuditedChange::add_client(client.clone(), Actor::Cli, now * 1_000)).await
}

pub(super) async fn rotate_secret(
    store: &dyn Store,
    client_id: &str,
    new: &SecretHash,
    old_until: Option<i64>,
    now: i64,
) -> Result<(), StoreError> {
    let new = new.clone();
    let rotate =
        AuditedChange::rotate_client_secret(client_id, new, old_until, Actor::Cli, now * 1_000);
    store.apply(rotate).await
}

pub(super) async fn disable_client(
    store: &dyn Store,
    client_id: &str,
    now: i64,
) -> Result<(), StoreError> {
    store.apply(AuditedChange::disable_client(client_id, Actor::Cli, now * 1_000)).await
}

pub(super) async fn remove_client(
    store: &dyn Store,
    client_id: &str,
    now: i64,
) -> Result<(), StoreError> {
    store.apply(AuditedChange::remove_client(client_id, Actor::Cli, now * 1_000)).await
}

pub(super) async fn add_user(store: &dyn Store, user: &User, now: i64) -> Result<(), StoreError> {
    store.apply(AuditedChange::add_user(user.clone(), Actor::Cli, now * 1_000)).await
}

pub(super) async fn set_password(
    store: &dyn Store,
    username: &str,
    password: &SecretHash,
    now: i64,
) -> Result<(), StoreError> {
    let sub = format!("sub of {username}");
    let set = AuditedChange::set_password(&sub, password.clone(), Actor::Cli, now * 1_000);
    store.apply(set).await
}

pub(super) async fn disable_user(
    store: &dyn Store,
    username: &str,
    now: i64,
) -> Result<(), StoreError> {
    let sub = format!("sub of {username}");
    store.apply(AuditedChange::disable_user(&sub, Actor::Cli, now * 1_000)).await
}
