use serde::Deserialize;
use serde_json::Value;

use crate::{
    checks::Checks, connect_error::bare, diagnosis::Diagnosis, http_probe::ProbeResponse,
    issuer::ConfirmedIssuer,
};

/// The names of the keys that an issuer publishes.
#[derive(Clone, Debug)]
pub struct PublishedKeys(Vec<Option<String>>);

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

/// Are there keys with which a signature by one of `algorithms` can be checked? `setting` is the
/// one that lists those; none where the list is fixed.
pub async fn check_keys(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    algorithms: &[String],
    setting: Option<&str>,
) -> Option<PublishedKeys> {
    let check = known.check("keys");
    let url =
        known.resolve_endpoint(checks, "keys", "jwks_uri", known.metadata.jwks_uri.as_deref())?;
    let reply = match known.wire.get(url.as_str()).await {
        Ok(reply) => reply,
        Err(why) => {
            checks.fail(
                check,
                format!("not reached: {}", why.words()),
                known.not_reached(&url, &why),
            );
            return None;
        }
    };
    let names = &known.at.names;
    let of_issuer = |advice: &str| names.change("issuer", advice);
    let compared =
        format!("what answers at {} and a set of keys (RFC 7517 section 5)", bare(url.as_str()));
    let Some(keys) = read(&reply) else {
        let found = format!("status {}, and no such JSON", reply.status);
        let change = of_issuer("look into the issuer's log");
        checks.fail(
            check,
            "no set of keys",
            Diagnosis::new(compared, "status 200 and JSON with `keys`", found, change),
        );
        return None;
    };
    if keys.iter().any(is_secret) {
        let advice =
            "take this issuer out of use, and have it make new keys: everybody can sign as it does";
        let finding = Diagnosis::new(
            compared,
            "public keys alone",
            "a private or symmetric key",
            of_issuer(advice),
        );
        checks.fail(check, "a private or symmetric key is published", finding);
        return None;
    }
    let is_usable =
        |key: &&Value| algorithm(key).is_some_and(|own| algorithms.iter().any(|one| one == own));
    match keys.iter().filter(is_usable).count() {
        0 => {
            let advice =
                "take one of the issuer's algorithms, or have the issuer sign with one of these";
            let change =
                setting.map_or_else(|| of_issuer(advice), |setting| names.change(setting, advice));
            let expected = format!("a key for one of {}", algorithms.join(", "));
            checks.fail(
                check,
                "no key that can be used",
                Diagnosis::new(compared, expected, kinds(&keys), change),
            );
            None
        }
        usable => {
            checks.ok(check, format!("{usable} of {} can be used", keys.len()));
            Some(PublishedKeys::of(&keys))
        }
    }
}

/// The keys, for one who compares their names alone; whether they can be used is another's to say.
pub async fn published_keys(known: &ConfirmedIssuer) -> Option<PublishedKeys> {
    let url = known.issuer.resolve_endpoint(known.metadata.jwks_uri.as_deref()?).ok()?;
    read(&known.wire.get(url.as_str()).await.ok()?).map(|keys| PublishedKeys::of(&keys))
}

fn read(reply: &ProbeResponse) -> Option<Vec<Value>> {
    serde_json::from_slice(&reply.body)
        .ok()
        .filter(|_| reply.status == 200)
        .map(|Jwks { keys }| keys)
}

fn kinds(keys: &[Value]) -> String {
    let kinds: Vec<_> =
        keys.iter().map(|key| algorithm(key).unwrap_or("of another kind or use")).collect();
    if kinds.is_empty() { "no key at all".to_owned() } else { kinds.join(", ") }
}

impl PublishedKeys {
    fn of(keys: &[Value]) -> Self {
        Self(
            keys.iter()
                .map(|key| key.get("kid").and_then(Value::as_str).map(str::to_owned))
                .collect(),
        )
    }

    /// Their names, to be shown.
    #[must_use]
    pub fn kids(&self) -> String {
        self.0
            .iter()
            .map(|name| name.as_deref().unwrap_or("without a name"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Is there one of that name? A token without a name is taken where there is no choice.
    #[must_use]
    pub fn contains(&self, kid: Option<&str>) -> bool {
        match kid {
            Some(_) => self.0.iter().any(|name| name.as_deref() == kid),
            None => self.0.len() == 1,
        }
    }
}

/// Published by mistake, it is everybody's.
fn is_secret(jwk: &Value) -> bool {
    ["d", "k"].iter().any(|member| jwk.get(member).is_some())
        || jwk.get("kty").is_some_and(|kty| kty == "oct")
}

/// For what kind of signature the key is.
fn algorithm(jwk: &Value) -> Option<&'static str> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let algorithm = match (text("kty")?, text("crv")) {
        ("EC", Some("P-256")) => "ES256",
        ("EC", Some("P-384")) => "ES384",
        ("OKP", Some("Ed25519")) => "EdDSA",
        // The same key serves both, where it does not say which.
        ("RSA", _) if text("alg") == Some("PS256") => "PS256",
        ("RSA", _) => "RS256",
        _ => return None,
    };
    text("alg")
        .is_none_or(|alg| alg == algorithm || (alg == "Ed25519" && algorithm == "EdDSA"))
        .then_some(algorithm)
}
