use serde_json::{Value, json};
use test_support::signer::{Algorithm, Signer, jwt_part};
use tokio::net::TcpListener;

use crate::{
    issuer::{Issuer, RESOURCE},
    workshop::{Expected, LISTEN, ResourceServer, keys, refuse_production, routes, verification},
};

/// Serves a round, and returns the URL of its orders.
async fn serve(issuer: String, round: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/orders", listener.local_addr().unwrap());
    let expected = Expected { issuer, resource: RESOURCE.to_owned(), algorithm: Algorithm::ES256 };
    let server = ResourceServer { expected, verify: verification(round).unwrap() };
    tokio::spawn(async move { axum::serve(listener, routes(server)).await });
    url
}

/// Returns forged tokens with their name, the round that accepts them, and the status with which
/// the other rounds reject them.
async fn attacks(issuer: &Issuer) -> Vec<(&'static str, Option<&'static str>, u16, String)> {
    let claims = issuer.claims("resource:read");
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        changed
    };
    let access_token = json!({ "typ": "at+jwt" });
    let signed = |claims: &Value| issuer.signer.sign(&access_token, claims);
    let without = |name: &str| {
        let mut changed = claims.clone();
        changed.as_object_mut().unwrap().remove(name);
        signed(&changed)
    };
    let past = with("exp", json!(claims["iat"].as_i64().unwrap() - 60));
    let future = with("nbf", json!(claims["iat"].as_i64().unwrap() + 300));
    let foreign = Signer::es256(&issuer.signer.kid).sign(&access_token, &claims);
    let unknown_kid = Signer::es256("other").sign(&access_token, &claims);
    let keys = keys::fetch(&issuer.server.uri()).await.unwrap();
    let confused = Signer::hs256(&issuer.signer.kid, keys[0].pem.as_bytes());
    let none = json!({ "typ": "at+jwt", "alg": "none", "kid": issuer.signer.kid });
    vec![
        ("expired", Some("1"), 401, signed(&past)),
        ("another audience", Some("2"), 401, signed(&with("aud", json!("https://c.example")))),
        ("another scope", Some("3"), 403, issuer.token("other")),
        ("without scope", Some("3"), 403, without("scope")),
        ("another type", Some("4"), 401, issuer.signer.sign(&json!({ "typ": "JWT" }), &claims)),
        ("another issuer", Some("5"), 401, signed(&with("iss", json!("https://c.example")))),
        ("HMAC with the public key", Some("6"), 401, confused.sign(&access_token, &claims)),
        ("not yet valid", None, 401, signed(&future)),
        ("without expiry", None, 401, without("exp")),
        ("without audience", None, 401, without("aud")),
        ("without issuer", None, 401, without("iss")),
        ("another key", None, 401, foreign),
        ("unknown key", None, 401, unknown_kid),
        ("unsigned", None, 401, format!("{}.{}.", jwt_part(&none), jwt_part(&claims))),
    ]
}

#[tokio::test]
async fn each_round_accepts_exactly_its_attack_and_the_solution_accepts_none() {
    let issuer = Issuer::start().await;
    let attacks = attacks(&issuer).await;
    let http = reqwest::Client::new();
    for round in ["1", "2", "3", "4", "5", "6", "solution"] {
        let url = serve(issuer.server.uri(), round).await;
        let status = async |token: &str| {
            http.get(&url).bearer_auth(token).send().await.unwrap().status().as_u16()
        };
        assert_eq!(status(&issuer.token("resource:read")).await, 200, "round {round}");
        assert_eq!(http.get(&url).send().await.unwrap().status(), 401, "no token, round {round}");
        for (name, accepted_by, rejection, token) in &attacks {
            let expected = if *accepted_by == Some(round) { 200 } else { *rejection };
            assert_eq!(status(token).await, expected, "{name}, round {round}");
        }
    }
}

#[tokio::test]
async fn workshop_server_without_keys_rejects_and_names_the_issuer() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = serve(format!("http://{unused}"), "1").await;
    let response = reqwest::Client::new().get(&url).bearer_auth("a.b.c").send().await.unwrap();
    assert_eq!(response.status(), 503);
    let text = response.text().await.unwrap();
    assert!(text.contains(&format!("no keys from http://{unused}")), "{text}");
}

#[test]
fn workshop_server_listens_on_loopback_and_refuses_production_and_unknown_rounds() {
    assert!(LISTEN.parse::<std::net::SocketAddr>().unwrap().ip().is_loopback());
    let with = |name: &str, value: &str| refuse_production([(name.to_owned(), value.to_owned())]);
    let refused = with("GATEPASS__SERVICE_B__PROFILE", "production").unwrap_err();
    assert!(refused.to_string().contains("GATEPASS__SERVICE_B__PROFILE is `production`"));
    with("GATEPASS__SERVICE_B__PROFILE", "demo").unwrap();
    with("PROFILE", "production").unwrap();
    for name in ["0", "7", "-1", "", "one"] {
        let error = verification(name).err().unwrap().to_string();
        assert!(error.contains("expected a number from 1 to 6, or `solution`"), "{error}");
    }
}
