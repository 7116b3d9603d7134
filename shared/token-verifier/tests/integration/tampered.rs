//! Modified tokens, and public keys used as HMAC secrets in every encoding.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flow_events::Rule;
use oauth_types::{AccessToken, ClientSecret};
use pem::{EncodeConfig, LineEnding, Pem};
use test_support::signer::Signer;
use token_verifier::{Algorithm, LocalSettings, VerifyError};

use crate::{
    setup::{AuthServer, violated_rule},
    signer::SignAccessToken,
};

#[tokio::test]
async fn changing_any_character_invalidates_the_token() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let (verifier, valid) = (c.local_verifier(), signer.token());
    verifier.verify(&valid).await.unwrap();
    for at in 0..valid.expose().len() {
        let mut bytes = valid.expose().as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let outcome = verifier.verify(&AccessToken::new(String::from_utf8(bytes).unwrap())).await;
        assert!(matches!(outcome, Err(VerifyError::Invalid { .. })), "character {at}: {outcome:?}");
    }
}

#[tokio::test]
async fn truncated_or_extended_token_is_rejected() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let (verifier, valid) = (c.local_verifier(), signer.token());
    let valid = valid.expose();
    verifier.verify(&AccessToken::new(valid)).await.unwrap();
    let truncated = (0..valid.len()).map(|at| valid[..at].to_owned());
    let extended =
        ["A", "AA", ".", ".A", "=", "==", " ", "\n", "%"].map(|end| format!("{valid}{end}"));
    let prefixed = ["A", ".", " ", "Bearer "].map(|start| format!("{start}{valid}"));
    for text in truncated.chain(extended).chain(prefixed) {
        let outcome = verifier.verify(&AccessToken::new(text.as_str())).await;
        assert!(matches!(outcome, Err(VerifyError::Invalid { .. })), "{text}: {outcome:?}");
    }
}

/// The bytes before the key in a `SubjectPublicKeyInfo` (RFC 5480, RFC 8410).
const P256_SPKI: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
const ED25519_SPKI: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// Returns the encodings of a public key that an implementation could take for an HMAC secret.
fn encodings(signer: &Signer) -> Vec<Vec<u8>> {
    let jwk = signer.jwk();
    let text = |name: &str| jwk[name].as_str().unwrap_or_default();
    let bytes = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(text(name)).unwrap();
    let point = [&[4][..], &bytes("x"), &bytes("y")].concat();
    let der = match text("kty") {
        "EC" => [P256_SPKI, &point].concat(),
        "OKP" => [ED25519_SPKI, &bytes("x")].concat(),
        _ => bytes("n"),
    };
    let unix = EncodeConfig::new().set_line_ending(LineEnding::LF);
    let pem = pem::encode_config(&Pem::new("PUBLIC KEY", &*der), unix);
    let mut encodings = vec![
        point,
        der,
        pem.trim_end().as_bytes().to_vec(),
        pem.into_bytes(),
        jwk.to_string().into_bytes(),
    ];
    for name in ["x", "y", "n", "e"] {
        encodings.extend([text(name).as_bytes().to_vec(), bytes(name)]);
    }
    encodings
}

#[tokio::test]
async fn public_key_in_any_encoding_is_rejected_as_hmac_secret() {
    let signers = [Signer::es256("1"), Signer::eddsa("2"), Signer::rs256("3")];
    let c = AuthServer::with_keys(&signers).await;
    let all_algorithms =
        vec![Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256];
    let secret = ClientSecret::new("a secret of at least thirty-two bytes");
    for (settings, rule) in [
        (LocalSettings::default(), Rule::Algorithm),
        (LocalSettings::default().algorithms(all_algorithms), Rule::Algorithm),
        (LocalSettings::default().hs256_secret(secret), Rule::Signature),
    ] {
        let verifier = c.local_verifier_with(settings);
        for signer in &signers {
            for encoding in encodings(signer) {
                let forged = Signer::hs256("shared", &encoding)
                    .token_with(|header, _| header["kid"] = signer.kid.as_str().into());
                assert_eq!(
                    violated_rule(verifier.verify(&forged).await),
                    Some(rule),
                    "{} {encoding:?}",
                    signer.kid
                );
            }
        }
    }
}
