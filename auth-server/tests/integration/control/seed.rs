//! Changes of the seed while the server runs, and the reset.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{Controlled, assert_error_at};
use crate::{
    browser::{AuthorizationRequest, Browser},
    client::send,
    test_server::{ALICE, BOB, NOON, ORDERS, ORDERS_API, SHOP},
};

const RESOURCES: &str = "/control/resources?identifier=https://new.example/api";

/// What a reset empties.
const LISTS: [(&str, &str); 3] = [
    ("/control/faults", "faults"),
    ("/control/next-logins", "next_logins"),
    ("/control/requests", "requests"),
];

impl Controlled {
    pub(super) async fn succeed(&self, method: &str, path: &str, body: &Value) -> Value {
        let response = self.call(method, path, body).await;
        assert!(response.status < 300, "{method} {path}: {response:?}");
        if response.text.is_empty() { Value::Null } else { response.json() }
    }

    async fn delete(&self, path: &str) -> u16 {
        send(self.request("DELETE", path)).await.status
    }

    pub(super) async fn reset(&self) {
        let response = send(self.request("POST", "/control/reset")).await;
        assert_eq!((response.status, &*response.text), (204, ""), "{response:?}");
    }

    pub(super) async fn seed(&self) -> String {
        self.control.get("/control/seed").await.text
    }

    /// The keys of access tokens. Those of ID tokens are made in the background.
    async fn keys(&self) -> Vec<Value> {
        let mut keys = self.server.published_keys().await;
        keys.retain(|key| key["alg"] == "ES256");
        keys
    }

    /// Whether these credentials sign a user in.
    pub(super) async fn can_sign_in(&self, username: &str, password: &str) -> bool {
        let browser = Browser::new(&self.server);
        let page = browser.authorize(&AuthorizationRequest::site()).await;
        browser.sign_in(&page, (username, password)).await.path == "/consent"
    }
}

#[tokio::test]
async fn user_can_be_added_changed_and_removed() {
    let controlled = Controlled::start().await;
    let path = "/control/users/Carol";
    let carol = json!({ "password": "of carol", "claims": { "name": "Carol" } });
    let added = controlled.succeed("PUT", path, &carol).await;
    let sub = added["sub"].as_str().unwrap().to_owned();
    assert_eq!((&added["username"], &added["password"]), (&json!("carol"), &json!("of carol")));
    assert_eq!(controlled.control.get_json("/control/users/carol").await, added);
    assert!(controlled.can_sign_in("carol", "of carol").await);

    let changed = json!({ "password": "another one", "attributes": { "roles": ["auditor"] } });
    let changed = controlled.succeed("PUT", path, &changed).await;
    assert_eq!((&changed["sub"], changed.get("claims")), (&json!(sub), None));
    assert!(controlled.can_sign_in("carol", "another one").await);
    assert!(!controlled.can_sign_in("carol", "of carol").await);

    let another = json!({ "password": "of carol", "sub": "another-carol" });
    controlled.succeed("PUT", path, &another).await;
    assert!(controlled.can_sign_in("carol", "of carol").await);

    assert_eq!((controlled.delete(path).await, controlled.delete(path).await), (204, 404));
    assert!(!controlled.can_sign_in("carol", "of carol").await);
    let unknown = controlled.control.get(path).await;
    unknown.assert_error(404, "unknown_user", "`carol`");
}

#[tokio::test]
async fn client_and_resource_can_be_added_and_removed() {
    let controlled = Controlled::start().await;
    let new = ("new-client", "its secret");
    let client = json!({
        "client_secret": new.1,
        "scopes": "new:read",
        "resources": ["https://new.example/api"],
    });
    let missing = controlled.call("PUT", "/control/clients/new-client", &client).await;
    missing.assert_error(400, "invalid_request", "client `new-client`");
    let resource = controlled.succeed("PUT", RESOURCES, &json!({ "scopes": "new:read" })).await;
    assert_eq!(resource["identifier"], json!("https://new.example/api"));
    let stored = controlled.succeed("PUT", "/control/clients/new-client", &client).await;
    assert_eq!((&stored["client_id"], &stored["client_secret"]), (&json!(new.0), &json!(new.1)));
    let token = controlled.server.access_token(new, &[]).await;
    assert_eq!(crate::jwt::claims(&token)["aud"], json!("https://new.example/api"));

    let in_use = send(controlled.request("DELETE", RESOURCES)).await;
    in_use.assert_error(400, "invalid_request", "client `new-client`");
    assert_eq!(controlled.delete("/control/clients/new-client").await, 204);
    assert!(!controlled.server.can_authenticate(new).await);
    assert_eq!(
        (controlled.delete(RESOURCES).await, controlled.delete(RESOURCES).await),
        (204, 404)
    );
    let unknown = controlled.control.get(RESOURCES).await;
    unknown.assert_error(404, "unknown_resource", "https://new.example/api");
    let unknown = controlled.control.get("/control/clients/new-client").await;
    unknown.assert_error(404, "unknown_client", "`new-client`");
}

#[tokio::test]
async fn claims_are_replaced_at_once() {
    let controlled = Controlled::start().await;
    let tenant = json!({ "claims": [
        { "name": "tenant", "from": { "value": "acme" }, "in": ["access_token"] },
    ] });
    let claim = async || {
        let token = controlled.server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
        crate::jwt::claims(&token).get("tenant").cloned()
    };
    assert_eq!(claim().await, None);
    assert_eq!(controlled.succeed("PUT", "/control/claims", &tenant).await, tenant);
    assert_eq!(claim().await, Some(json!("acme")));
    assert_eq!(controlled.control.get_json("/control/claims").await, tenant);
    assert_eq!((controlled.delete("/control/claims").await, claim().await), (204, None));
}

#[tokio::test]
async fn seed_is_exported_as_configured_and_sorted() {
    let controlled = Controlled::start().await;
    let seed: Value = serde_json::from_str(&controlled.seed().await).unwrap();
    assert_eq!(seed["issuer"], json!(controlled.server.issuer()));
    for (kind, id) in [("resources", "identifier"), ("clients", "client_id"), ("users", "username")]
    {
        let ids: Vec<&str> = seed[kind]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry[id].as_str().unwrap())
            .collect();
        assert!(ids.len() > 1 && ids.is_sorted(), "{kind}: {ids:?}");
    }
    let shop = seed["clients"].as_array().unwrap().iter().find(|one| one["client_id"] == SHOP.0);
    assert_eq!(shop.unwrap()["client_secret"], json!(SHOP.1));
    // Each entry can be sent back.
    let alice = &seed["users"][0];
    assert_eq!(alice["username"], json!(ALICE.0));
    controlled.succeed("PUT", "/control/users/alice", alice).await;
    assert_eq!(serde_json::from_str::<Value>(&controlled.seed().await).unwrap(), seed);
}

#[tokio::test]
async fn reset_ends_grants_sessions_registrations_and_rate_limits() {
    let controlled = Controlled::start_with(|settings| {
        settings.rate_limits.client_auth.burst = 1;
        settings.rate_limits.client_auth_address.burst = 1;
        settings.rate_limits.sign_in.burst = 1;
        settings.rate_limits.device_authorization.burst = 1;
    })
    .await;
    let server = &controlled.server;
    let (keys, seed) = (controlled.keys().await, controlled.seed().await);
    let browser = Browser::new(server);
    let request = AuthorizationRequest::site();
    let page = browser.authorize(&request).await;
    assert_eq!(browser.sign_in(&page, ALICE).await.path, "/consent");
    controlled.succeed("PUT", "/control/users/bob", &json!({ "password": "of bob" })).await;
    controlled.succeed("DELETE", "/control/users/alice", &Value::Null).await;
    controlled.succeed("PUT", "/control/clock", &json!({ "at": NOON + 9_999 })).await;
    let guess = async || server.client_credentials(("unknown", "x"), &[]).await.status;
    assert_eq!((guess().await, guess().await), (401, 429));
    let wrong_password = async || {
        let other = Browser::new(server);
        let page = other.authorize(&request).await;
        other.sign_in(&page, ("robin", "a wrong password")).await.status()
    };
    assert_eq!((wrong_password().await, wrong_password().await), (400, 429));
    let device = async || {
        server.post_form("/oauth/device_authorization", &[("client_id", "app")]).await.status
    };
    assert_eq!((device().await, device().await), (200, 429));
    let fault = json!({ "on": "page", "do": { "status": 503 } });
    controlled.succeed("POST", "/control/faults", &fault).await;
    let next_login = json!({ "client_id": "site", "user": BOB.0 });
    controlled.succeed("POST", "/control/next-logins", &next_login).await;

    controlled.reset().await;
    for (path, list) in LISTS {
        assert_eq!(controlled.control.get_json(path).await[list], json!([]), "{path}");
    }
    assert_eq!(server.clock.seconds(), NOON);
    let limited = (guess().await, wrong_password().await, device().await);
    assert_eq!(limited, (401, 400, 200), "the rate limits are new");
    assert_eq!(controlled.keys().await, keys);
    assert_eq!(controlled.seed().await, seed);
    assert_eq!(browser.authorize(&request).await.path, "/login", "the session has ended");
    assert!(controlled.can_sign_in(ALICE.0, ALICE.1).await);
    assert!(controlled.can_sign_in(BOB.0, BOB.1).await);
}

#[tokio::test]
async fn reset_replaces_the_keys_if_asked() {
    let controlled = Controlled::start().await;
    let server = &controlled.server;
    let token = server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    let keys = controlled.keys().await;
    controlled.reset().await;
    assert_eq!(controlled.keys().await, keys);
    assert!(server.is_active(ORDERS, &token).await);
    controlled.succeed("POST", "/control/reset", &json!({ "keys": true })).await;
    let replaced = controlled.keys().await;
    assert!(!replaced.is_empty() && replaced.iter().all(|key| !keys.contains(key)));
    assert!(!server.is_active(ORDERS, &token).await);
    let token = server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    assert!(server.is_active(ORDERS, &token).await);
    let unknown = controlled.call("POST", "/control/reset", &json!({ "key": true })).await;
    assert_error_at(&unknown, 400, "/key", "unknown member");
}

/// Calls that change something; some of them fail.
pub(super) fn calls(
    issuer: &str,
) -> impl Strategy<Value = Vec<(&'static str, &'static str, Value)>> {
    let name = prop_oneof![Just("/control/users/alice"), Just("/control/users/carol")];
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$\
                1l0RLZzCfcjcIxXnTUAbpDRnsEfdsbjqDlgrfJxyKaE";
    let user = (name.clone(), any::<bool>()).prop_map(move |(path, named)| {
        let entry = json!({ "password_hash": hash, "sub": "s" });
        ("PUT", path, if named { json!({ "password_hash": hash }) } else { entry })
    });
    let client = any::<bool>().prop_map(|is_shop| {
        let path = if is_shop { "/control/clients/shop" } else { "/control/clients/new-client" };
        ("PUT", path, json!({ "client_secret": "its secret" }))
    });
    let claims = prop_oneof![Just("a"), Just("iss")].prop_map(|name| {
        let claim = json!({ "name": name, "from": { "value": 1 }, "in": ["id_token"] });
        ("PUT", "/control/claims", json!({ "claims": [claim] }))
    });
    let resource = Just(("PUT", RESOURCES, json!({ "scopes": "new:read" })));
    let removed = prop_oneof![
        Just("/control/users/alice"),
        Just("/control/users/carol"),
        Just("/control/clients/shop"),
        Just("/control/claims"),
        Just(RESOURCES),
    ];
    let removal = removed.prop_map(|path| ("DELETE", path, Value::Null));
    let clock = (0..i64::from(u32::MAX))
        .prop_map(|at| ("PUT", "/control/clock", json!({ "at": at, "frozen": at % 2 == 0 })));
    let advance = (0..100_000_i64)
        .prop_map(|seconds| ("POST", "/control/clock/advance", json!({ "seconds": seconds })));
    let reset = any::<bool>().prop_map(|keys| ("POST", "/control/reset", json!({ "keys": keys })));
    let seed = prop_oneof![user, client, claims, resource, removal];
    let clock = prop_oneof![
        4 => clock,
        1 => Just(("PUT", "/control/clock", json!({ "follow": "system" }))),
    ];
    let call = prop_oneof![
        3 => seed,
        1 => clock,
        1 => advance,
        1 => reset,
        3 => traffic(issuer),
        2 => revocation(issuer),
    ];
    prop::collection::vec(call, 0..16)
}

/// Calls that end what clients and users have, and calls about the server itself.
fn revocation(issuer: &str) -> impl Strategy<Value = (&'static str, &'static str, Value)> + use<> {
    let of = [json!({ "client_id": "site" }), json!({ "user": "alice" })];
    let revoked = of.map(|body| Just(("POST", "/control/revocations", body)));
    let [of_client, of_user] = revoked;
    let logout = |flaws: &[&str]| {
        Just(("POST", "/control/logouts", json!({ "user": "alice", "flaws": flaws })))
    };
    let url = json!({ "url": issuer });
    prop_oneof![
        2 => of_client,
        2 => of_user,
        2 => logout(&[]),
        2 => logout(&["expired"]),
        1 => Just(("POST", "/control/keys/rotate", Value::Null)),
        1 => Just(("PUT", "/control/issuers/default", url)),
    ]
}

/// Calls about tokens, logins, faults and requests.
fn traffic(issuer: &str) -> impl Strategy<Value = (&'static str, &'static str, Value)> + use<> {
    let token = prop_oneof![Just("access"), Just("id"), Just("refresh"), Just("code")];
    let token = token.prop_map(|token| {
        let body = json!({ "token": token, "client_id": "site", "user": "alice" });
        ("POST", "/control/tokens", body)
    });
    let url = format!("{issuer}/oauth/authorize?{}", AuthorizationRequest::site().query());
    let login = any::<bool>().prop_map(move |is_error| {
        let outcome = if is_error { ("error", "access_denied") } else { ("user", "alice") };
        let body = json!({ "authorization_url": url, outcome.0: outcome.1 });
        ("POST", "/control/logins", body)
    });
    let next_login = Just(json!({ "client_id": "site", "user": "bob", "times": 3 }));
    let fault = prop_oneof![
        Just(json!({ "on": "token", "do": { "status": 503 } })),
        Just(json!({ "on": "token", "times": 2, "do": { "oauth_error": "invalid_client" } })),
        Just(json!({ "on": "device_authorization", "do": { "garbage": true } })),
        Just(json!({ "on": "jwks", "do": { "stale_keys": true } })),
        Just(json!({ "on": "page", "match": { "client_id": "site" }, "do": { "close": true } })),
    ];
    let verify = Just(json!({ "count": { "at_least": 1 } }));
    prop_oneof![
        token,
        login,
        next_login.prop_map(|body| ("POST", "/control/next-logins", body)),
        fault.prop_map(|body| ("POST", "/control/faults", body)),
        verify.prop_map(|body| ("POST", "/control/requests/verify", body)),
        Just(("DELETE", "/control/requests", Value::Null)),
        Just(("DELETE", "/control/faults", Value::Null)),
        Just(("DELETE", "/control/next-logins", Value::Null)),
    ]
}

/// Lets a user approve a device, if both exist and no fault prevents it.
async fn approve_a_device(controlled: &Controlled) {
    let form = [("client_id", "app")];
    let device = controlled.server.post_form("/oauth/device_authorization", &form).await;
    let Ok(Value::Object(device)) = serde_json::from_str(&device.text) else { return };
    let approval = json!({ "user_code": device.get("user_code"), "user": "alice" });
    let approved = controlled.call("POST", "/control/devices", &approval).await;
    assert!(approved.status < 500, "{approved:?}");
}

#[tokio::test]
async fn reset_after_any_calls_gives_an_equal_export() {
    let controlled = Controlled::start().await;
    let (seed, initial) = (controlled.seed().await, controlled.control.get_json("/control").await);
    let mut runner = TestRunner::new(Config::with_cases(24));
    for _ in 0..24 {
        let calls = calls(&controlled.server.issuer()).new_tree(&mut runner).unwrap().current();
        for (method, path, body) in &calls {
            let response = controlled.call(method, path, body).await;
            assert!(response.status < 500, "{method} {path}: {response:?}");
        }
        controlled.server.client_credentials(SHOP, &[]).await;
        approve_a_device(&controlled).await;
        controlled.reset().await;
        assert_eq!(controlled.seed().await, seed, "{calls:?}");
        let state = controlled.control.get_json("/control").await;
        for member in ["users", "clients", "resources", "frozen", "now"] {
            assert_eq!(state[member], initial[member], "{calls:?}");
        }
        for (path, list) in LISTS {
            assert_eq!(controlled.control.get_json(path).await[list], json!([]), "{calls:?}");
        }
    }
}

#[tokio::test]
async fn body_may_repeat_the_name_in_another_form() {
    let controlled = Controlled::start().await;
    let carol = json!({ "username": "Carol", "password": "of carol" });
    let added = controlled.succeed("PUT", "/control/users/carol", &carol).await;
    assert_eq!(added["username"], json!("carol"));
    let path = "/control/resources?identifier=https://new.example";
    let resource = json!({ "identifier": "https://new.example/", "scopes": "new:read" });
    let added = controlled.succeed("PUT", path, &resource).await;
    assert_eq!(added["identifier"], json!("https://new.example"));
    let client = json!({ "client_id": "Shop", "client_secret": "its secret" });
    let other = controlled.call("PUT", "/control/clients/shop", &client).await;
    assert_error_at(&other, 400, "/client_id", "different entries");
    let number = controlled.call("PUT", "/control/users/carol", &json!({ "username": 1 })).await;
    assert_error_at(&number, 400, "/username", "different entries");
}

#[tokio::test]
async fn resets_at_once_replace_the_keys() {
    let controlled = Controlled::start().await;
    let keys = json!({ "keys": true });
    for _ in 0..5 {
        let reset = || controlled.call("POST", "/control/reset", &keys);
        let (one, other, third) = tokio::join!(reset(), reset(), reset());
        assert_eq!([one.status, other.status, third.status], [204, 204, 204]);
    }
    let token = controlled.server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    assert!(controlled.server.is_active(ORDERS, &token).await);
}

#[tokio::test]
async fn seed_is_bounded_in_bytes() {
    let controlled =
        Controlled::start_with(|settings| settings.limits.max_body_bytes = 16 << 20).await;
    let before = controlled.seed().await;
    let long = json!({ "password": "p", "claims": { "name": "n".repeat(9 << 20) } });
    let response = controlled.call("PUT", "/control/users/carol", &long).await;
    response.assert_error(400, "invalid_request", "the seed is too long");
    assert_eq!(controlled.seed().await, before);
}
