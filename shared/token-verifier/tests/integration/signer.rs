use oauth_types::AccessToken;
use serde_json::{Value, json};
use test_support::signer::Signer;

use crate::setup::{ISSUER, NOW, RESOURCE};

/// Access tokens signed with a key.
pub trait SignAccessToken {
    /// Returns a valid token whose header and claims were modified by `change` before signing.
    fn token_with(&self, change: impl FnOnce(&mut Value, &mut Value)) -> AccessToken;

    /// Returns a token that is valid for half an hour.
    fn token(&self) -> AccessToken {
        self.token_with(|_, _| ())
    }

    /// Returns a token with a `jti` of its own.
    fn token_number(&self, number: usize) -> AccessToken {
        self.token_with(|_, claims| claims["jti"] = json!(format!("t-{number}")))
    }
}

impl SignAccessToken for Signer {
    fn token_with(&self, change: impl FnOnce(&mut Value, &mut Value)) -> AccessToken {
        let mut header = self.header();
        header["typ"] = json!("at+jwt");
        let mut claims = json!({
            "iss": ISSUER, "sub": "service-a", "aud": RESOURCE, "exp": NOW + 1_800, "iat": NOW,
            "jti": "t-1", "client_id": "service-a", "scope": "resource:read",
        });
        change(&mut header, &mut claims);
        AccessToken::new(self.sign_text(&header.to_string(), &claims.to_string()))
    }
}
