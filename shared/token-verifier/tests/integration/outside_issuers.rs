//! Access tokens, ID tokens and logout tokens as widely used issuers create them, by their
//! published formats. The issuers did not run here: the tests sign tokens of the same shape.

use clock::Clock;
use flow_events::Rule;
use serde_json::{Value, json};
use test_support::{mock, signer::Signer};
use token_verifier::{
    IntrospectionSettings, LocalSettings, TokenType, VerifiedToken, Verifier, VerifierBuilder,
    VerifyError,
};
use wiremock::{
    Mock, MockServer,
    matchers::{method, path},
};

use crate::setup::{NOW, SECRET, expect_unavailable, violated_rule};

/// An issuer with its metadata at the URL of OpenID Connect Discovery.
struct Issuer {
    server: MockServer,
    identifier: String,
    key: Signer,
}

impl Issuer {
    /// Starts an issuer whose identifier is `below` its origin. `jwk` changes the published key.
    async fn start(below: &str, jwk: impl FnOnce(&mut Value)) -> Self {
        let server = MockServer::builder().start().await;
        let identifier = format!("{}{below}", server.uri());
        let key = Signer::rs256("k1");
        let metadata =
            json!({ "issuer": identifier, "jwks_uri": format!("{}/keys", server.uri()) });
        let mut published = key.jwk();
        jwk(&mut published);
        // Keycloak publishes an encryption key besides.
        let encrypting = json!({
            "kty": "RSA", "kid": "enc", "use": "enc", "alg": "RSA-OAEP", "n": "sXch", "e": "AQAB",
        });
        let discovery = format!("{}/.well-known/openid-configuration", below.trim_end_matches('/'));
        for (at, body) in
            [(discovery.as_str(), metadata), ("/keys", json!({ "keys": [encrypting, published] }))]
        {
            let mock = Mock::given(method("GET")).and(path(at));
            mock.respond_with(mock::json(200, &body)).mount(&server).await;
        }
        Self { server, identifier, key }
    }

    fn builder(&self, audience: &str) -> VerifierBuilder {
        Verifier::builder(&self.identifier, "https://api.example/v1")
            .audiences([audience])
            .clock(Clock::manual(NOW))
    }

    /// Returns a verifier that accepts tokens of these types.
    fn verifier(&self, audience: &str, token_types: &[TokenType]) -> VerifierBuilder {
        let token_types = token_types.iter().copied();
        self.builder(audience).local(LocalSettings::default().token_types(token_types))
    }

    /// Signs a token of this issuer with `iss`, `iat` and `exp`.
    fn token(&self, typ: Option<&str>, mut claims: Value) -> oauth_types::AccessToken {
        let mut header = self.key.header();
        if let Some(typ) = typ {
            header["typ"] = json!(typ);
        }
        claims["iss"] = json!(self.identifier);
        claims["iat"] = json!(NOW);
        claims["exp"] = json!(NOW + 300);
        oauth_types::AccessToken::new(self.key.sign_text(&header.to_string(), &claims.to_string()))
    }
}

/// Asserts that `other_kinds` are rejected, because each is not an access token.
async fn assert_rejected(
    issuer: &Issuer,
    verifier: &Verifier,
    typ: Option<&str>,
    tokens: &[Value],
) {
    for claims in tokens {
        let outcome = verifier.verify(&issuer.token(typ, claims.clone())).await;
        assert_eq!(violated_rule(outcome), Some(Rule::Kind), "{claims}");
    }
}

async fn accepted(
    issuer: &Issuer,
    verifier: &Verifier,
    typ: Option<&str>,
    claims: Value,
) -> VerifiedToken {
    let token = issuer.token(typ, claims);
    (*verifier.verify(&token).await.unwrap()).clone()
}

/// A logout token (OpenID Connect Back-Channel Logout §2.4) for this audience.
fn logout_token(aud: &str) -> Value {
    json!({
        "aud": aud, "jti": "l-1", "sub": "alice", "sid": "s-1",
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    })
}

#[tokio::test]
async fn keycloak_access_token_is_accepted_and_its_other_tokens_are_not() {
    let c = Issuer::start("/realms/demo", |jwk| jwk["alg"] = json!("RS256")).await;
    let b = c.verifier("orders-api", &[TokenType::Jwt]).build().unwrap();
    let access = json!({
        "jti": "trrtcc:1", "aud": ["orders-api", "account"], "sub": "8befeac4", "typ": "Bearer",
        "azp": "web-shop", "sid": "54db1502", "acr": "1", "allowed-origins": ["https://shop.example"],
        "realm_access": { "roles": ["offline_access", "auditor"] },
        "resource_access": { "orders-api": { "roles": ["reader"] } },
        "scope": "openid email resource:read", "email_verified": true, "preferred_username": "alice",
    });
    let token = accepted(&c, &b, Some("JWT"), access.clone()).await;
    assert_eq!(
        (token.subject(), token.client_id(), token.jti()),
        (Some("8befeac4"), Some("web-shop"), Some("trrtcc:1"))
    );
    assert!(token.scope().contains("resource:read"));
    let realm: Value = token.claim("realm_access").unwrap();
    assert_eq!(realm["roles"][1], "auditor");
    let id_token = json!({
        "jti": "8f3c", "aud": "orders-api", "sub": "8befeac4", "typ": "ID", "azp": "orders-api",
        "sid": "54db1502", "at_hash": "Zm9v", "acr": "1", "nonce": "n-1", "preferred_username": "alice",
    });
    let mut without_hashes = id_token.clone();
    without_hashes.as_object_mut().unwrap().retain(|name, _| name != "at_hash" && name != "nonce");
    // Even with a scope, which a mapper can add.
    without_hashes["scope"] = json!("openid");
    let mut refresh_token = access;
    refresh_token["typ"] = json!("Refresh");
    let others = [id_token, without_hashes, refresh_token, logout_token("orders-api")];
    assert_rejected(&c, &b, Some("JWT"), &others).await;
}

#[tokio::test]
async fn entra_id_access_tokens_of_users_and_apps_are_accepted_and_id_tokens_are_not() {
    const API: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";
    let c = Issuer::start("/tenant/v2.0", |jwk| {
        jwk["x5t"] = json!("x");
        drop(jwk.as_object_mut().unwrap().remove("alg"));
    })
    .await;
    let b = c
        .verifier(API, &[TokenType::Jwt])
        .scope_claims(["scp", "roles"])
        .scope_name("Resource.Read", "resource:read")
        .scope_name("Resource.Read.All", "resource:read")
        .build()
        .unwrap();
    let of_user = json!({
        "aud": API, "nbf": NOW, "aio": "opaque", "azp": "app-1", "azpacr": "1", "name": "Alice",
        "oid": "o-1", "preferred_username": "alice@example.com", "rh": "opaque",
        "scp": "Resource.Read User.Read", "sub": "s-1", "tid": "tenant", "uti": "u-1", "ver": "2.0",
    });
    let token = accepted(&c, &b, Some("JWT"), of_user).await;
    assert_eq!((token.client_id(), token.jti()), (Some("app-1"), None));
    assert_eq!(token.scope().to_string(), "Resource.Read User.Read resource:read");
    let of_app = json!({
        "aud": API, "nbf": NOW, "aio": "opaque", "azp": "app-1", "azpacr": "1", "oid": "o-2",
        "rh": "opaque", "roles": ["Resource.Read.All"], "sub": "o-2", "tid": "tenant", "ver": "2.0",
    });
    let token = accepted(&c, &b, Some("JWT"), of_app).await;
    assert!(
        token.scope().contains("resource:read")
            && token.has_claim_value("roles", "Resource.Read.All")
    );
    // Version 1.0 names the client `appid`.
    let of_v1 = json!({
        "aud": API, "nbf": NOW, "appid": "app-1", "appidacr": "1", "idp": "x", "oid": "o-2",
        "roles": ["Resource.Read.All"], "sub": "o-2", "tid": "tenant", "uti": "u-1", "ver": "1.0",
    });
    assert_eq!(accepted(&c, &b, Some("JWT"), of_v1).await.client_id(), Some("app-1"));
    // An app with roles that asks for no nonce gets ID tokens without `nonce` and `at_hash`.
    let id_token = json!({
        "aud": API, "nbf": NOW, "name": "Alice", "oid": "o-1", "preferred_username": "a@example.com",
        "rh": "opaque", "roles": ["Resource.Read.All"], "sub": "s-1", "tid": "tenant", "ver": "2.0",
    });
    let mut with_nonce = id_token.clone();
    with_nonce["nonce"] = json!("n-1");
    // `azp` may be in an ID token, and names its audience.
    let mut with_azp = id_token.clone();
    with_azp["azp"] = json!(API);
    let others = [id_token, with_nonce, with_azp, logout_token(API)];
    assert_rejected(&c, &b, Some("JWT"), &others).await;
}

#[tokio::test]
async fn auth0_access_tokens_of_both_profiles_are_accepted_and_id_tokens_are_not() {
    const API: &str = "https://orders.example/api";
    let c = Issuer::start("/", |_| ()).await;
    let b = c.verifier(API, &[TokenType::AtJwt, TokenType::Jwt]).build().unwrap();
    let auth0_profile = json!({
        "sub": "auth0|123456", "aud": [API, format!("{}userinfo", c.identifier)],
        "azp": "my_client_id", "scope": "openid profile resource:read", "permissions": ["read:orders"],
        "https://orders.example/tenant": "north",
    });
    let token = accepted(&c, &b, Some("JWT"), auth0_profile.clone()).await;
    assert_eq!((token.client_id(), token.jti()), (Some("my_client_id"), None));
    assert_eq!(token.claim("https://orders.example/tenant"), Some("north".to_owned()));
    let mut rfc9068_profile = auth0_profile.clone();
    rfc9068_profile.as_object_mut().unwrap().remove("azp");
    rfc9068_profile["client_id"] = json!("my_client_id");
    rfc9068_profile["jti"] = json!("73WakrfVbNJBaAmhQtEeDv");
    let token = accepted(&c, &b, Some("at+jwt"), rfc9068_profile).await;
    assert_eq!(token.jti(), Some("73WakrfVbNJBaAmhQtEeDv"));
    let of_machine = json!({
        "sub": "my_client_id@clients", "aud": API, "azp": "my_client_id",
        "scope": "resource:read", "gty": "client-credentials",
    });
    accepted(&c, &b, Some("JWT"), of_machine).await;
    let id_token = json!({
        "sub": "auth0|123456", "aud": API, "sid": "s-1", "nickname": "alice", "name": "Alice",
        "updated_at": "2026-01-01T00:00:00.000Z",
    });
    let mut with_nonce = id_token.clone();
    with_nonce["nonce"] = json!("n-1");
    assert_rejected(&c, &b, Some("JWT"), &[id_token, with_nonce, logout_token(API)]).await;
    // The type alone decides for the strict default.
    let strict = c.verifier(API, &[TokenType::AtJwt]).build().unwrap();
    let outcome = strict.verify(&c.token(Some("JWT"), auth0_profile)).await;
    assert_eq!(violated_rule(outcome), Some(Rule::Type));
}

#[tokio::test]
async fn zitadel_access_token_without_typ_is_accepted_by_its_roles() {
    const ROLES: &str = "urn:zitadel:iam:org:project:roles";
    let c = Issuer::start("", |_| ()).await;
    let b = c
        .verifier("project-1", &[TokenType::None])
        .scope_claims([ROLES])
        .scope_name("reader", "resource:read")
        .build()
        .unwrap();
    let access = json!({
        "sub": "u-1", "aud": ["client-1", "project-1"], "nbf": NOW, "jti": "t-1", "client_id": "client-1",
        ROLES: { "reader": { "org-1": "acme.example" } },
    });
    let token = accepted(&c, &b, None, access).await;
    assert!(token.scope().contains("resource:read") && token.client_id() == Some("client-1"));
    let id_token = json!({
        "sub": "u-1", "aud": ["client-1", "project-1"], "azp": "client-1", "client_id": "client-1",
        "at_hash": "Zm9v", "amr": ["pwd"], "auth_time": NOW, ROLES: { "reader": { "org-1": "a" } },
    });
    assert_rejected(&c, &b, None, &[id_token, logout_token("project-1")]).await;
}

#[tokio::test]
async fn idpyoidc_access_token_with_a_scope_list_is_accepted() {
    let c = Issuer::start("", |_| ()).await;
    let b = c.verifier("https://api.example/v1", &[TokenType::None]).build().unwrap();
    let access = json!({
        "aud": ["https://api.example/v1"], "sub": "diana", "client_id": "client_1", "jti": "5f0c",
        "scope": ["openid", "resource:read"], "sid": "opaque", "token_class": "access_token",
    });
    let token = accepted(&c, &b, None, access.clone()).await;
    assert_eq!(token.scope().to_string(), "openid resource:read");
    let id_token = json!({
        "aud": ["https://api.example/v1"], "sub": "diana", "sid": "opaque", "nonce": "n-1",
        "at_hash": "Zm9v", "jti": "77", "token_class": "id_token",
    });
    // It differs from the access token only by its class.
    let mut refresh_token = access;
    refresh_token["token_class"] = json!("refresh_token");
    let others = [id_token, refresh_token, logout_token("https://api.example/v1")];
    assert_rejected(&c, &b, None, &others).await;
    let strict = c.verifier("https://api.example/v1", &[TokenType::AtJwt]).build().unwrap();
    let token = c.token(None, json!({ "aud": "https://api.example/v1" }));
    assert_eq!(violated_rule(strict.verify(&token).await), Some(Rule::Type));
}

/// django-oauth-toolkit issues opaque tokens. Its metadata has no introspection endpoint, and its
/// introspection responses have `aud` only if the client requested a resource.
#[tokio::test]
async fn django_oauth_toolkit_tokens_are_introspected_at_the_configured_endpoint() {
    const ENDPOINT: &str = "/o/introspect/";
    let c = Issuer::start("/o", |_| ()).await;
    let introspected = |body: Value| mock::json(200, &body);
    let active = json!({
        "active": true, "scope": "resource:read", "exp": NOW + 300, "client_id": "app-1",
        "username": "alice", "aud": ["https://api.example/v1"],
    });
    let endpoint =
        mock::MockEndpoint::mount(&c.server, path(ENDPOINT), introspected(active.clone())).await;
    let settings =
        || IntrospectionSettings::new("service-b", oauth_types::ClientSecret::new(SECRET));
    let token = oauth_types::AccessToken::new("gZ0Jm5WrYs");
    let without = c.builder("https://api.example/v1").introspection(settings()).build().unwrap();
    let (reason, _) = expect_unavailable(without.verify(&token).await);
    assert!(reason.contains("introspection_endpoint") && reason.contains("metadata"), "{reason}");

    let with_endpoint = |audience_required| {
        let endpoint = format!("{}{ENDPOINT}", c.server.uri());
        let settings = settings().endpoint(endpoint).audience_required(audience_required);
        c.builder("https://api.example/v1").introspection(settings).build().unwrap()
    };
    let verifier = with_endpoint(true);
    assert!(verifier.is_ready(), "no metadata is needed");
    let verified = verifier.verify(&token).await.unwrap();
    assert_eq!(verified.claim("username"), Some("alice".to_owned()));
    assert_eq!((verified.client_id(), verified.jti()), (Some("app-1"), None));

    let mut unbound = active.clone();
    unbound.as_object_mut().unwrap().remove("aud");
    endpoint.respond(introspected(unbound));
    let outcome = with_endpoint(true).verify(&token).await;
    assert_eq!(violated_rule(outcome), Some(Rule::Audience));
    with_endpoint(false).verify(&token).await.unwrap();
    let mut foreign = active;
    foreign["aud"] = json!(["https://other.example"]);
    endpoint.respond(introspected(foreign));
    let outcome = with_endpoint(false).verify(&token).await;
    assert_eq!(violated_rule(outcome), Some(Rule::Audience), "an audience that is present counts");
}

#[tokio::test]
async fn introspection_endpoint_that_is_no_url_is_rejected() {
    let settings = IntrospectionSettings::new("b", oauth_types::ClientSecret::new(SECRET))
        .endpoint("/o/introspect/");
    let builder = Verifier::builder("https://c.example", "https://b.example");
    assert!(matches!(
        builder.introspection(settings).build(),
        Err(token_verifier::BuildError::IntrospectionEndpoint(_))
    ));
}

#[tokio::test]
async fn claim_of_wrong_type_is_rejected_in_tokens_of_every_type() {
    let c = Issuer::start("", |_| ()).await;
    let b = c.verifier("api", &[TokenType::Jwt]).build().unwrap();
    for (claim, value) in [
        ("sub", json!(7)),
        ("jti", json!(["t"])),
        ("azp", json!({})),
        ("client_id", json!(7)),
        ("scope", json!(7)),
        ("nbf", json!("soon")),
        ("aud", json!(7)),
    ] {
        let mut claims = json!({ "aud": "api", "scope": "resource:read" });
        claims[claim] = value;
        let outcome = b.verify(&c.token(Some("JWT"), claims.clone())).await;
        let Err(VerifyError::Invalid { rule: None, reason }) = outcome else {
            panic!("{claims}: {outcome:?}")
        };
        assert!(reason.contains(claim) && reason.contains("wrong type"), "{reason}");
    }
}

#[tokio::test]
async fn token_of_another_type_needs_issuer_expiry_and_audience() {
    let c = Issuer::start("", |_| ()).await;
    let b = c.verifier("api", &[TokenType::Jwt]).build().unwrap();
    let header = json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" }).to_string();
    for (missing, rule) in [("iss", None), ("exp", None), ("aud", Some(Rule::Audience))] {
        let mut claims = json!({ "iss": c.identifier, "exp": NOW + 300, "aud": "api", "scope": "resource:read" });
        claims.as_object_mut().unwrap().remove(missing);
        let token = oauth_types::AccessToken::new(c.key.sign_text(&header, &claims.to_string()));
        assert_eq!(violated_rule(b.verify(&token).await), rule, "{missing}");
    }
}
