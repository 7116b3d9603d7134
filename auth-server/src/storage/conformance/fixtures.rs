//! Users, grants, tokens and changes for the tests.

use std::collections::BTreeSet;

use oauth_types::{AccessToken, AccessTokenClaims, Audience, ClientSecret, StandardClaims};
use serde_json::{Value, json};

use super::administration::add_user;
use crate::{
    domain::{
        Actor, Attributes, AuditEvent, AuditQuery, AuditRecord, AuthorizationCode, Client,
        ConsentedClaims, DeviceAuthorization, GrantResources, NewRefreshToken, OneTimeCredential,
        OpaqueToken, Outcome, RequestedClaims, SecretHash, Session, StoredSecret,
        TokenExchangeRule, TokenFormat, TokenHash, User, UserGrant, UserIssuance, with_grant_id,
    },
    storage::{AuditedChange, Authorization, Change, Store},
};

/// Signs alice in, with a grant that ends with the session and one that outlives it.
pub(super) async fn alice_with_two_grants(store: &dyn Store) {
    add_user(store, &user("alice"), 1).await.unwrap();
    start(store, session("one", 10)).await;
    for (id, offline) in [("online", false), ("offline", true)] {
        authorize(store, UserGrant { offline, sid: "one".to_owned(), ..grant(id) }, code(id, id))
            .await;
        apply(store, Change::IssueTokens(Box::new(issued(id, id, None)))).await;
    }
}

/// Ensures that the user and the session of the grant exist.
pub(super) async fn be_signed_in(store: &dyn Store, grant: &UserGrant) {
    if store.user(&grant.sub).await.unwrap().is_none() {
        add_user(store, &user(grant.sub.trim_start_matches("sub of ")), 1).await.unwrap();
    }
    if store.session_by_sid(&grant.sid).await.unwrap().is_none() {
        start(store, Session { sub: grant.sub.clone(), ..session(&grant.sid, 10) }).await;
    }
}

/// Returns whether the access token `jti` issued under this grant is revoked.
pub(super) async fn is_revoked(store: &dyn Store, jti: &str, grant_id: &str) -> bool {
    store.is_revoked(&with_grant_id(jti, grant_id)).await.unwrap()
}

pub(super) async fn apply(store: &dyn Store, change: Change) {
    store.apply(entry("a", "t", 30_000, change)).await.unwrap();
}

pub(super) async fn start(store: &dyn Store, session: Session) {
    apply(store, sign_in(session)).await;
}

/// Returns the sign-in of a user with the password of [`user`].
pub(super) fn sign_in(session: Session) -> Change {
    let verified_hash = phc(&format!("phc of {}", session.sub.trim_start_matches("sub of ")));
    Change::StartSession { session, verified_hash }
}

/// Stores a grant with its authorization code. Starts the session of the grant if it does not
/// exist.
pub(super) async fn authorize(store: &dyn Store, grant: UserGrant, code: AuthorizationCode) {
    be_signed_in(store, &grant).await;
    apply(
        store,
        Change::Authorize(Box::new(Authorization { grant, code, consent: None, pushed: None })),
    )
    .await;
}

pub(super) fn hash(text: &str) -> TokenHash {
    TokenHash::of_text(text)
}

pub(super) fn phc(text: &str) -> SecretHash {
    SecretHash::Argon2id(text.to_owned())
}

pub(super) fn attributes(value: Value) -> Attributes {
    serde_json::from_value(value).unwrap()
}

pub(super) fn user(name: &str) -> User {
    User {
        sub: format!("sub of {name}"),
        username: name.to_owned(),
        password: phc(&format!("phc of {name}")),
        claims: StandardClaims {
            nickname: Some(format!("{name} 爱丽丝")),
            ..StandardClaims::default()
        },
        attributes: attributes(json!({ "department": "rabbits", "roles": ["auditor"] })),
        enabled: true,
        device_generation: 0,
    }
}

pub(super) fn session(sid: &str, auth_time: i64) -> Session {
    Session {
        hash: hash(sid),
        sid: sid.to_owned(),
        sub: "sub of alice".to_owned(),
        auth_time,
        last_seen: auth_time,
        address: "127.0.0.1".to_owned(),
        user_agent: "a browser".to_owned(),
    }
}

pub(super) fn grant(grant_id: &str) -> UserGrant {
    UserGrant {
        grant_id: grant_id.to_owned(),
        client_id: "a".to_owned(),
        sub: "sub of alice".to_owned(),
        sid: "s".to_owned(),
        scope: "openid email".parse().unwrap(),
        resources: GrantResources::Named(vec!["http://b".to_owned()]),
        auth_time: 5,
        auth_time_requested: true,
        claims: RequestedClaims {
            userinfo: BTreeSet::from(["email".to_owned()]),
            id_token: BTreeSet::from(["name".to_owned()]),
        },
        custom_claims: custom_claims(),
        offline: false,
    }
}

pub(super) fn custom_claims() -> ConsentedClaims {
    let names = |key: &str, name: &str| [(key.to_owned(), vec![name.to_owned()])].into_iter();
    ConsentedClaims::new(names("email", "unit"), names("http://b", "roles"))
}

pub(super) fn code(text: &str, nonce: &str) -> AuthorizationCode {
    AuthorizationCode {
        hash: hash(text),
        redirect_uri: Some("http://a/callback".to_owned()),
        code_challenge: None,
        nonce: Some(nonce.to_owned()),
        exp: 90,
    }
}

/// Returns an issuance with an opaque access token and a refresh token.
pub(super) fn issued(
    grant_id: &str,
    jti: &str,
    consumes: Option<OneTimeCredential>,
) -> UserIssuance {
    UserIssuance {
        grant_id: grant_id.to_owned(),
        consumes,
        exp: 500,
        opaque: Some(opaque(jti, 500)),
        refresh_token: Some(NewRefreshToken {
            hash: hash(&format!("refresh of {jti}")),
            number: 7,
            exp: 1_000,
        }),
    }
}

pub(super) fn device(code: &str, user_code: &str) -> DeviceAuthorization {
    DeviceAuthorization {
        hash: hash(code),
        user_code: user_code.to_owned(),
        client_id: "a".to_owned(),
        scope: "openid".parse().unwrap(),
        resources: GrantResources::Inferred(Some("http://b".to_owned())),
        exp: 100,
        poll_interval_seconds: 5,
    }
}

pub(super) async fn all(store: &dyn Store) -> Vec<AuditRecord> {
    store.audit(&AuditQuery { limit: 10_000, ..AuditQuery::default() }).await.unwrap()
}

pub(super) fn client(client_id: &str) -> Client {
    let hash = SecretHash::sha256(&ClientSecret::new(format!("secret of {client_id}")));
    Client {
        secrets: vec![StoredSecret { hash, not_after: None }],
        scopes: "read write".parse().unwrap(),
        default_scope: Some("read".parse().unwrap()),
        resources: vec!["http://b".to_owned()],
        default_resource: Some("http://b".to_owned()),
        introspection_audiences: vec!["http://c".to_owned()],
        token_exchange: vec![TokenExchangeRule {
            resource: "http://d".to_owned(),
            scopes: "read write".parse().unwrap(),
            beyond_grant: true,
        }],
        token_format: TokenFormat::Opaque,
        attributes: attributes(json!({ "tier": 1 })),
        ..Client::without_access(client_id)
    }
}

pub(super) fn opaque(jti: &str, exp: i64) -> OpaqueToken {
    let claims = AccessTokenClaims {
        iss: "http://c".to_owned(),
        sub: "a".to_owned(),
        aud: Audience::new(["http://b"]),
        exp,
        iat: 1,
        nbf: None,
        jti: jti.to_owned(),
        client_id: "a".to_owned(),
        scope: "read".parse().unwrap(),
        act: None,
        extra: [("roles".to_owned(), serde_json::json!(["auditor"]))].into_iter().collect(),
    };
    OpaqueToken { hash: TokenHash::of(&AccessToken::new(jti)), claims }
}

pub(super) fn entry(client_id: &str, jti: &str, at_millis: i64, change: Change) -> AuditedChange {
    let audit = AuditRecord {
        at_millis,
        event: AuditEvent::Token,
        outcome: Outcome::Issued,
        client_id: Some(client_id.to_owned()),
        actor: Some(Actor::Client(client_id.to_owned())),
        sub: None,
        kid: None,
        jti: Some(jti.to_owned()),
        scope: Some("read".to_owned()),
        members: None,
        address: Some("127.0.0.1".to_owned()),
        error: None,
        count: 1,
    };
    AuditedChange { audit, change }
}
