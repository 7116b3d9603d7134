//! Signature algorithms: those of the settings, and the keys that fit them.

use flow_events::Rule;
use serde_json::json;
use test_support::{
    mock,
    signer::{Algorithm as Jws, Signer},
};
use token_verifier::{Algorithm, LocalSettings};

use crate::{
    setup::{AuthServer, violated_rule},
    signer::SignAccessToken,
};

fn settings(algorithms: impl Into<Vec<Algorithm>>) -> LocalSettings {
    LocalSettings::default().algorithms(algorithms.into())
}

#[tokio::test]
async fn every_algorithm_is_accepted_if_the_settings_list_it() {
    let rsa = Signer::rs256("rsa");
    let rsa_algorithms = [Jws::RS384, Jws::RS512, Jws::PS256, Jws::PS384, Jws::PS512];
    let mut signers = vec![Signer::es256("1"), Signer::es384("2"), Signer::eddsa("3")];
    // Published once, without `alg`.
    let mut jwk = rsa.jwk();
    jwk.as_object_mut().unwrap().remove("alg");
    let mut published: Vec<_> = signers.iter().map(Signer::jwk).collect();
    published.push(jwk);
    signers.extend(rsa_algorithms.map(|algorithm| rsa.with_algorithm(algorithm)));
    signers.push(rsa);
    let c = AuthServer::with_keys([]).await;
    c.jwks.respond(mock::json(200, &json!({ "keys": published })));
    for signer in &signers {
        let algorithm = Algorithm::parse(&format!("{:?}", signer.algorithm)).unwrap();
        let only = c.local_verifier_with(settings([algorithm]));
        only.verify(&signer.token()).await.unwrap();
        let others: Vec<_> =
            Algorithm::ASYMMETRIC.into_iter().filter(|other| *other != algorithm).collect();
        let outcome = c.local_verifier_with(settings(others)).verify(&signer.token()).await;
        assert_eq!(violated_rule(outcome), Some(Rule::Algorithm), "{algorithm:?}");
    }
}

/// RFC 7517 §4.4. An attacker who can create signatures of one kind gains nothing with another.
#[tokio::test]
async fn alg_of_a_key_limits_it_to_that_algorithm() {
    let rsa = Signer::rs256("rsa");
    let c = AuthServer::with_keys([]).await;
    let mut jwk = rsa.jwk();
    jwk["alg"] = json!("PS256");
    c.jwks.respond(mock::json(200, &json!({ "keys": [jwk] })));
    let verifier = c.local_verifier_with(settings(Algorithm::ASYMMETRIC));
    verifier.verify(&rsa.with_algorithm(Jws::PS256).token()).await.unwrap();
    for other in [Jws::RS256, Jws::PS512] {
        let outcome = verifier.verify(&rsa.with_algorithm(other).token()).await;
        assert_eq!(violated_rule(outcome), Some(Rule::Algorithm), "{other:?}");
    }
}

/// RFC 9864 §2.2: `Ed25519` is a second name of `EdDSA` with this curve.
#[tokio::test]
async fn ed25519_is_eddsa() {
    let signer = Signer::eddsa("1");
    let c = AuthServer::with_keys([]).await;
    let mut jwk = signer.jwk();
    jwk["alg"] = json!("Ed25519");
    c.jwks.respond(mock::json(200, &json!({ "keys": [jwk] })));
    let token = signer.token_with(|header, _| header["alg"] = json!("Ed25519"));
    c.local_verifier().verify(&token).await.unwrap();
}

#[tokio::test]
async fn metadata_and_header_do_not_add_algorithms() {
    let signer = Signer::es384("1");
    let c = AuthServer::with_keys([&signer]).await;
    let outcome = c.local_verifier().verify(&signer.token()).await;
    assert_eq!(violated_rule(outcome), Some(Rule::Algorithm), "not in the default settings");
    for unsupported in ["ES512", "none", "HS512", "RSA-OAEP"] {
        let token = signer.token_with(|header, _| header["alg"] = json!(unsupported));
        let verifier = c.local_verifier_with(settings(Algorithm::ASYMMETRIC));
        assert_eq!(violated_rule(verifier.verify(&token).await), Some(Rule::Algorithm));
    }
}
