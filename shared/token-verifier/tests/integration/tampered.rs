//! A good token of which something was changed, and a public key in every form in which somebody
//! may have it.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use flow_events::Rule;
use oauth_types::{AccessToken, ClientSecret};
use token_verifier::{Algorithm, LocalSettings, VerifyError};

use crate::{
    setup::{C, broken},
    signer::Signer,
};

#[tokio::test]
async fn no_character_of_a_token_can_be_changed() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let (verifier, good) = (c.local(), signer.token());
    verifier.verify(&good).await.unwrap();
    for at in 0..good.expose().len() {
        let mut bytes = good.expose().as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let outcome = verifier.verify(&AccessToken::new(String::from_utf8(bytes).unwrap())).await;
        assert!(matches!(outcome, Err(VerifyError::Invalid { .. })), "character {at}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_token_is_neither_cut_off_nor_added_to() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let (verifier, good) = (c.local(), signer.token());
    let good = good.expose();
    verifier.verify(&AccessToken::new(good)).await.unwrap();
    let cut = (0..good.len()).map(|at| good[..at].to_owned());
    let longer =
        ["A", "AA", ".", ".A", "=", "==", " ", "\n", "%"].map(|end| format!("{good}{end}"));
    let later = ["A", ".", " ", "Bearer "].map(|start| format!("{start}{good}"));
    for text in cut.chain(longer).chain(later) {
        assert!(verifier.verify(&AccessToken::new(text.as_str())).await.is_err(), "{text}");
    }
}

/// What stands before the key's bytes when X.509 wraps them (RFC 5480, RFC 8410).
const P256_SPKI: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
const ED25519_SPKI: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// Everything that whoever reads a public key could take for an HMAC secret.
fn forms(signer: &Signer) -> Vec<Vec<u8>> {
    let jwk = signer.jwk();
    let text = |name: &str| jwk[name].as_str().unwrap_or_default();
    let bytes = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(text(name)).unwrap();
    let point = [&[4][..], &bytes("x"), &bytes("y")].concat();
    let der = match text("kty") {
        "EC" => [P256_SPKI, &point].concat(),
        "OKP" => [ED25519_SPKI, &bytes("x")].concat(),
        _ => bytes("n"),
    };
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        BASE64_STANDARD.encode(&der)
    );
    let mut forms = vec![
        point,
        der,
        pem.trim_end().as_bytes().to_vec(),
        pem.into_bytes(),
        jwk.to_string().into_bytes(),
    ];
    for name in ["x", "y", "n", "e"] {
        forms.extend([text(name).as_bytes().to_vec(), bytes(name)]);
    }
    forms
}

#[tokio::test]
async fn a_public_key_is_no_hmac_secret_in_any_form_and_under_any_settings() {
    let signers = [Signer::es256("1"), Signer::eddsa("2"), Signer::rs256("3")];
    let c = C::with_keys(&signers).await;
    let listed = vec![Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256];
    let secret = ClientSecret::new("a secret of at least thirty-two bytes");
    for (settings, rule) in [
        (LocalSettings::default(), Rule::Algorithm),
        (LocalSettings { algorithms: listed, ..LocalSettings::default() }, Rule::Algorithm),
        (LocalSettings { hs256_secret: Some(secret), ..LocalSettings::default() }, Rule::Signature),
    ] {
        let verifier = c.local_with(settings);
        for signer in &signers {
            for form in forms(signer) {
                let forged =
                    Signer::hs256(&form).token_with(|header, _| header["kid"] = signer.kid.into());
                assert_eq!(
                    broken(verifier.verify(&forged).await),
                    Some(rule),
                    "{} {form:?}",
                    signer.kid
                );
            }
        }
    }
}
