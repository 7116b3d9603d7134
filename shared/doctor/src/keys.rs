use serde::Deserialize;
use serde_json::Value;

use crate::{
    checks::Checks, diagnosis::Diagnosis, endpoint_setting::without_query,
    http_probe::ProbeResponse, issuer::ConfirmedIssuer,
};

/// The algorithms of an RSA key without `alg`.
const RSA: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

/// The `kid` of each key that an issuer publishes.
#[derive(Clone, Debug)]
pub struct PublishedKeys(Vec<Option<String>>);

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

/// Checks that the issuer publishes a key for one of `algorithms`, and no private key. `setting` is
/// the setting of the algorithms, if there is one. Returns `None` if a check fails.
pub async fn check_keys(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    algorithms: &[String],
    setting: Option<&str>,
) -> Option<PublishedKeys> {
    let check = known.check("keys");
    let url =
        known.resolve_endpoint(checks, "keys", "jwks_uri", known.metadata.jwks_uri.as_deref())?;
    let reply = match known.probe.get(url.as_str()).await {
        Ok(reply) => reply,
        Err(error) => {
            checks.fail(
                check,
                format!("not reachable: {}", error.summary()),
                known.diagnose_unreachable(&url, &error),
            );
            return None;
        }
    };
    let names = &known.at.names;
    let of_issuer = |advice: &str| names.change("issuer", advice);
    let compared = format!(
        "the response from {} and a JWK set (RFC 7517 section 5)",
        without_query(url.as_str())
    );
    let Some(keys) = read(&reply) else {
        let found = format!("status {} without a JWK set", reply.status);
        let change = of_issuer("see the log of the issuer");
        checks.fail(
            check,
            "no JWK set",
            Diagnosis::new(compared, "status 200 and JSON with `keys`", found, change),
        );
        return None;
    };
    if keys.iter().any(is_secret) {
        let advice = "stop using this issuer and replace its keys: anyone can forge its signatures";
        let diagnosis = Diagnosis::new(
            compared,
            "only public keys",
            "a private or symmetric key",
            of_issuer(advice),
        );
        checks.fail(check, "a private or symmetric key is published", diagnosis);
        return None;
    }
    let is_usable = |key: &&Value| {
        algorithms_of(key).iter().any(|used| algorithms.iter().any(|one| one == used))
    };
    match keys.iter().filter(is_usable).count() {
        0 => {
            let advice =
                "use one of the issuer's algorithms, or let the issuer sign with one of these";
            let change =
                setting.map_or_else(|| of_issuer(advice), |setting| names.change(setting, advice));
            let expected = format!("a key for one of {}", algorithms.join(", "));
            checks.fail(
                check,
                "no usable key",
                Diagnosis::new(compared, expected, kinds(&keys), change),
            );
            None
        }
        usable => {
            checks.ok(check, format!("{usable} of {} usable", keys.len()));
            Some(PublishedKeys::of(&keys))
        }
    }
}

/// Returns the published keys without checking whether they are usable, or `None` if they cannot be
/// fetched.
pub async fn published_keys(known: &ConfirmedIssuer) -> Option<PublishedKeys> {
    let url = known.issuer.resolve_endpoint(known.metadata.jwks_uri.as_deref()?).ok()?;
    read(&known.probe.get(url.as_str()).await.ok()?).map(|keys| PublishedKeys::of(&keys))
}

fn read(reply: &ProbeResponse) -> Option<Vec<Value>> {
    serde_json::from_slice(&reply.body)
        .ok()
        .filter(|_| reply.status == 200)
        .map(|Jwks { keys }| keys)
}

fn kinds(keys: &[Value]) -> String {
    let kinds: Vec<_> = keys
        .iter()
        .map(|key| algorithms_of(key).first().copied().unwrap_or("of another type or use"))
        .collect();
    if kinds.is_empty() { "no keys".to_owned() } else { kinds.join(", ") }
}

impl PublishedKeys {
    fn of(keys: &[Value]) -> Self {
        Self(
            keys.iter()
                .map(|key| key.get("kid").and_then(Value::as_str).map(str::to_owned))
                .collect(),
        )
    }

    /// Returns the key ids for messages.
    #[must_use]
    pub fn kids(&self) -> String {
        self.0
            .iter()
            .map(|name| name.as_deref().unwrap_or("without kid"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Returns whether there is a key with this `kid`. A token without one is accepted if there is
    /// exactly one key.
    #[must_use]
    pub fn contains(&self, kid: Option<&str>) -> bool {
        match kid {
            Some(_) => self.0.iter().any(|name| name.as_deref() == kid),
            None => self.0.len() == 1,
        }
    }
}

/// Returns whether the key is private or symmetric, and thus compromised by its publication.
fn is_secret(jwk: &Value) -> bool {
    ["d", "k"].iter().any(|member| jwk.get(member).is_some())
        || jwk.get("kty").is_some_and(|kty| kty == "oct")
}

/// Returns the signature algorithms that the key can be used with, the usual one first.
fn algorithms_of(jwk: &Value) -> Vec<&str> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return Vec::new();
    }
    let possible: &[&str] = match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) => &["ES256"],
        (Some("EC"), Some("P-384")) => &["ES384"],
        (Some("OKP"), Some("Ed25519")) => &["EdDSA"],
        (Some("RSA"), _) => &RSA,
        _ => &[],
    };
    // RFC 9864 §2.2: `Ed25519` is EdDSA with this curve.
    let alg = text("alg").map(|alg| if alg == "Ed25519" { "EdDSA" } else { alg });
    let fits = |algorithm: &&str| alg.is_none_or(|alg| alg == *algorithm);
    possible.iter().copied().filter(fits).collect()
}
