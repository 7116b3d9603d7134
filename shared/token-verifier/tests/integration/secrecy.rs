//! Errors, events and `Debug` output contain no token and no secret.

use oauth_types::{AccessToken, ClientSecret, basic};
use serde_json::json;
use test_support::{
    mock::{json, status},
    signer::Signer,
};
use token_verifier::{LocalSettings, Verifier};

use crate::{
    setup::{AuthServer, SECRET, inactive, introspection_settings},
    signer::SignAccessToken,
};

const OPAQUE: &str = "gpat_must-not-be-printed";
const HS256_SECRET: &str = "a shared secret of thirty-two bytes and more";

/// Verifies `token`. Returns the outcome, the events and the verifier as printed.
async fn everything_printed(c: &AuthServer, verifier: &Verifier, token: &AccessToken) -> String {
    let (outcome, events) = c.record_events(verifier.verify(token)).await;
    let mut output = match outcome {
        Ok(token) => format!("{token:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    for event in events {
        output += &format!("{event:?} {}", serde_json::to_string(&event.event).unwrap());
    }
    output + &format!("{verifier:?}")
}

#[tokio::test]
async fn printed_values_contain_no_token_and_no_secret() {
    let (signer, attacker) = (Signer::es256("1"), Signer::es256("1"));
    let c = AuthServer::with_keys([&signer]).await;
    let local = LocalSettings::default().hs256_secret(ClientSecret::new(HS256_SECRET));
    let builder = c.builder().local(local).introspection(introspection_settings());
    let builder_debug = format!("{builder:?}");
    let verifier = builder.build().unwrap();
    let tokens = [
        signer.token(),
        attacker.token(),
        AccessToken::new(OPAQUE),
        AccessToken::new("not.a.jwt-at-all"),
    ];
    let responses =
        [inactive(), status(500).set_body_string(OPAQUE), json(200, &json!({ "active": OPAQUE }))];
    let header = basic::format("service-b", &ClientSecret::new(SECRET));
    for response in responses {
        c.introspection.respond(response);
        for token in &tokens {
            let output = everything_printed(&c, &verifier, token).await + &builder_debug;
            let signature = token.expose().rsplit('.').next().unwrap();
            for hidden in [
                token.expose(),
                signature,
                SECRET,
                HS256_SECRET,
                header.trim_start_matches("Basic "),
            ] {
                assert!(!output.contains(hidden), "{hidden} in {output}");
            }
        }
        c.advance_clock(10);
    }
}
