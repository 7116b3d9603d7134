use oauth_types::Fingerprint;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most names of further claims.
pub(crate) const MAX_NAMES: usize = 32;

/// What an event says about an ID token: the claims of the protocol. Of the claims about the person
/// it has the names only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdTokenSummary {
    /// The issuer.
    pub iss: String,
    /// The subject: the user's identifier at the issuer.
    pub sub: String,
    /// The client that the token is for.
    pub aud: String,
    /// The time of issue, in seconds since 1970.
    pub iat: i64,
    /// The expiry, in seconds since 1970.
    pub exp: i64,
    /// When the user entered the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The fingerprint of the `nonce` of the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Fingerprint>,
    /// The fingerprint of the hash of the access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<Fingerprint>,
    /// The names of the other claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
}

impl IdTokenSummary {
    /// Summarizes the claims of an ID token.
    #[must_use]
    pub fn of(claims: &Map<String, Value>) -> Self {
        const SUMMARIZED: [&str; 8] =
            ["iss", "sub", "aud", "iat", "exp", "auth_time", "nonce", "at_hash"];
        let text = |name| claims.get(name).and_then(Value::as_str);
        let number = |name| claims.get(name).and_then(Value::as_i64);
        let others = claims.keys().filter(|name| !SUMMARIZED.contains(&name.as_str()));
        Self {
            iss: text("iss").unwrap_or_default().to_owned(),
            sub: text("sub").unwrap_or_default().to_owned(),
            aud: text("aud").unwrap_or_default().to_owned(),
            iat: number("iat").unwrap_or_default(),
            exp: number("exp").unwrap_or_default(),
            auth_time: number("auth_time"),
            nonce: text("nonce").map(Fingerprint::of),
            at_hash: text("at_hash").map(Fingerprint::of),
            others: others.take(MAX_NAMES).cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_about_the_person_are_names_only() {
        let claims = json!({
            "iss": "https://c.example", "sub": "u1", "aud": "a", "iat": 1, "exp": 2,
            "nonce": "n-0S6", "at_hash": "77QmUP", "email": "alice@example.com", "name": "Alice",
        });
        let summary = IdTokenSummary::of(claims.as_object().unwrap());
        assert_eq!((summary.sub.as_str(), summary.aud.as_str()), ("u1", "a"));
        assert_eq!(summary.others, ["email", "name"]);
        assert_eq!(summary.nonce, Some(Fingerprint::of("n-0S6")));
        let json = serde_json::to_string(&summary).unwrap();
        for hidden in ["alice", "Alice", "n-0S6", "77QmUP"] {
            assert!(!json.contains(hidden), "{json}");
        }
    }
}
