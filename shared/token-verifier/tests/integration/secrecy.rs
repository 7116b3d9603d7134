//! Nothing that a process prints holds a token or a secret.

use oauth_types::{AccessToken, ClientSecret, basic};
use serde_json::json;
use token_verifier::{LocalSettings, Verifier};

use crate::{
    setup::{C, SECRET, introspection, said, status},
    signer::Signer,
};

const OPAQUE: &str = "gpat_not-to-be-seen-by-anybody";
const SHARED: &str = "a shared secret of thirty-two bytes and more";

async fn all_that_is_said(c: &C, verifier: &Verifier, token: &AccessToken) -> String {
    let (outcome, events) = c.told(verifier.verify(token)).await;
    let mut said = match outcome {
        Ok(token) => format!("{token:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    for event in events {
        said += &format!("{event:?} {}", serde_json::to_string(&event.event).unwrap());
    }
    said + &format!("{verifier:?}")
}

#[tokio::test]
async fn no_token_and_no_secret_is_in_anything_that_can_be_printed() {
    let (signer, thief) = (Signer::es256("1"), Signer::es256("1"));
    let c = C::with_keys([&signer]).await;
    let local =
        LocalSettings { hs256_secret: Some(ClientSecret::new(SHARED)), ..LocalSettings::default() };
    let builder = c.builder().local(local).introspection(introspection());
    let built = format!("{builder:?}");
    let verifier = builder.build().unwrap();
    let tokens = [
        signer.token(),
        thief.token(),
        AccessToken::new(OPAQUE),
        AccessToken::new("not.a.jwt-at-all"),
    ];
    let answers = [
        said(&json!({ "active": false })),
        status(500).set_body_string(OPAQUE),
        said(&json!({ "active": OPAQUE })),
    ];
    let header = basic::format("service-b", &ClientSecret::new(SECRET));
    for answer in answers {
        c.introspection.answers(answer);
        for token in &tokens {
            let said = all_that_is_said(&c, &verifier, token).await + &built;
            let signature = token.expose().rsplit('.').next().unwrap();
            for hidden in
                [token.expose(), signature, SECRET, SHARED, header.trim_start_matches("Basic ")]
            {
                assert!(!said.contains(hidden), "{hidden} in {said}");
            }
        }
        c.wait(10);
    }
}
