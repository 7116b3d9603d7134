//! ID token validation (OpenID Connect Core §3.1.3.7, §12.2). An error names the claim that failed.
//! Claims that a login does not need are not looked at.

use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flow_events::Rule;
use jsonwebtoken::Algorithm;
use oauth_types::{AccessToken, Claims, Fingerprint};
use serde_json::Value;

use super::{
    OpenIdProvider,
    claims::{
        CLOCK_SKEW, check_issuer, check_times, claim_text, has_audience, missing_or_odd,
        other_audience, required_time,
    },
    metadata::Metadata,
    signed_jwt::{JwtError, SignedJwt, verified_claims},
    token_response::TokenResponse,
};
use crate::{
    login_checks::emit_check,
    providers::{LoginSecrets, ProviderError},
};

/// Maximum length of an accepted `sub`, in bytes (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

/// Types of other JWTs of a provider, which are no ID tokens (RFC 9068 §2.1, OpenID Connect
/// Back-Channel Logout §2.4).
const FOREIGN_TYPES: [&str; 2] = ["at+jwt", "logout+jwt"];

impl OpenIdProvider {
    /// Verifies the ID token of a login and returns its claims.
    pub(super) async fn verify_id_token(
        &self,
        metadata: &Arc<Metadata>,
        response: &TokenResponse,
        secrets: &LoginSecrets,
    ) -> Result<Claims, ProviderError> {
        let token = response
            .id_token
            .as_deref()
            .ok_or_else(|| untrusted("it is missing from the token response"))?;
        let claims = self.verify(metadata, token, &response.access_token).await?;
        // Step 11.
        let (found, expected) = (claims.text("nonce"), secrets.nonce.expose());
        let fingerprint = |nonce: &str| Fingerprint::of(nonce).to_string();
        emit_check(
            Rule::Nonce,
            found == Some(expected),
            || fingerprint(expected),
            || found.map_or_else(|| "none".to_owned(), fingerprint),
        );
        match found {
            Some(nonce) if nonce == expected => Ok(claims),
            Some(nonce) => Err(untrusted(&format!(
                "`nonce` is not the one of this login: its fingerprint is {}, not {}",
                fingerprint(nonce),
                fingerprint(expected)
            ))),
            None if claims.contains("nonce") => Err(untrusted("`nonce` is not text")),
            None => Err(untrusted("`nonce` is missing")),
        }
    }

    /// Verifies the ID token of a refresh, which a provider may leave out: it must be about the
    /// same login as `original`, the ID token of that login (§12.2).
    pub(super) async fn verify_refreshed_id_token(
        &self,
        metadata: &Arc<Metadata>,
        response: &TokenResponse,
        original: Option<&str>,
    ) -> Result<(), ProviderError> {
        let Some(token) = response.id_token.as_deref() else { return Ok(()) };
        let claims = self.verify(metadata, token, &response.access_token).await?;
        let original = original.and_then(verified_claims).unwrap_or_default();
        check_same_login(&claims, &original).map_err(|problem| untrusted(&problem))
    }

    async fn verify(
        &self,
        metadata: &Arc<Metadata>,
        token: &str,
        access_token: &AccessToken,
    ) -> Result<Claims, ProviderError> {
        let verified = async {
            let jwt = SignedJwt::parse(token)?;
            if let Some(typ) = jwt.typ.as_deref().filter(|typ| FOREIGN_TYPES.contains(typ)) {
                return Err(JwtError::Invalid(format!("`typ` is `{typ}`")));
            }
            let claims = self.verify_signature(metadata, &jwt).await;
            emit_check(
                Rule::IdTokenSignature,
                claims.is_ok(),
                || "a valid signature by a key of the provider".to_owned(),
                || if claims.is_ok() { "valid" } else { "invalid" }.to_owned(),
            );
            let claims = claims?;
            self.check_claims(&claims).map_err(JwtError::Invalid)?;
            check_access_token(&claims, access_token, jwt.algorithm).map_err(JwtError::Invalid)?;
            Ok(claims)
        };
        verified.await.map_err(|error| match error {
            JwtError::Invalid(reason) => untrusted(&reason),
            JwtError::Provider(error) => error,
        })
    }

    fn check_claims(&self, claims: &Claims) -> Result<(), String> {
        let found = |name: &str| {
            claims.text(name).map_or_else(|| claim_text(claims.value(name)), str::to_owned)
        };
        let issuer = check_issuer(claims, &self.issuer);
        let expected = || self.issuer.clone();
        emit_check(Rule::IdTokenIssuer, issuer.is_ok(), expected, || found("iss"));
        issuer?;
        let audience = self.check_audience(claims);
        let expected = || self.client_id.clone();
        emit_check(Rule::IdTokenAudience, audience.is_ok(), expected, || found("aud"));
        audience?;
        match claims.text("sub") {
            Some(sub) if (1..=MAX_SUBJECT).contains(&sub.len()) => {}
            Some(_) => return Err("`sub` is empty or longer than 255 characters".to_owned()),
            None => return Err(missing_or_odd(claims, "sub", "text")),
        }
        let now = self.clock.seconds();
        let times = check_times(claims, now);
        let expected = || format!("before exp, leeway {CLOCK_SKEW} s (now {now})");
        emit_check(Rule::IdTokenExpiry, times.is_ok(), expected, || {
            format!("exp {}", found("exp"))
        });
        times
    }

    /// Steps 3 to 5: every audience besides A must be trusted, and `azp` is A.
    fn check_audience(&self, claims: &Claims) -> Result<(), String> {
        if !has_audience(claims, &self.client_id) {
            return Err(other_audience(claims, &self.client_id));
        }
        let others = claims.value("aud").and_then(Value::as_array).into_iter().flatten();
        let is_trusted = |audience: &Value| {
            audience.as_str().is_some_and(|audience| {
                audience == self.client_id || self.trusted_audiences.iter().any(|a| a == audience)
            })
        };
        if let Some(other) = others.into_iter().find(|audience| !is_trusted(audience)) {
            let found = claim_text(Some(other));
            return Err(format!("`aud` contains {found}, which `trusted_audiences` does not list"));
        }
        match claims.value("azp") {
            None | Some(Value::Null) => Ok(()),
            Some(party) if *party == *self.client_id => Ok(()),
            Some(party) => {
                let found = claim_text(Some(party));
                Err(format!("`azp` is {found}, not this client (\"{}\")", self.client_id))
            }
        }
    }
}

/// Checks `at_hash` (§3.1.3.8), which detects an access token substituted for the one issued with
/// this ID token.
fn check_access_token(
    claims: &Claims,
    access_token: &AccessToken,
    algorithm: Algorithm,
) -> Result<(), String> {
    let expected = match claims.value("at_hash") {
        None | Some(Value::Null) => return Ok(()),
        Some(expected) => expected,
    };
    let hash = match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &SHA384,
        // Ed25519 hashes with SHA-512.
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => &SHA512,
        _ => &SHA256,
    };
    let hash = digest::digest(hash, access_token.expose().as_bytes());
    let actual = BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2]);
    let matches = *expected == *actual;
    let found = || expected.as_str().map_or_else(|| claim_text(Some(expected)), str::to_owned);
    emit_check(Rule::AccessTokenHash, matches, || actual.clone(), found);
    if matches {
        return Ok(());
    }
    let found = claim_text(Some(expected));
    Err(format!("`at_hash` is {found}, but the hash of the access token is \"{actual}\""))
}

/// Compares the claims of a refreshed ID token with those of the login (§12.2).
fn check_same_login(new: &Claims, original: &Claims) -> Result<(), String> {
    let differs = |name: &str| new.value(name) != original.value(name);
    // Both were compared with the provider and with A before.
    if differs("iss") || differs("sub") {
        let name = if differs("iss") { "iss" } else { "sub" };
        return Err(format!("`{name}` is not that of the login"));
    }
    let audiences = original.value("aud").and_then(Value::as_array).into_iter().flatten();
    if !audiences.filter_map(Value::as_str).all(|audience| has_audience(new, audience)) {
        return Err("`aud` lacks an audience of the login".to_owned());
    }
    if differs("azp") {
        return Err("`azp` is not that of the login".to_owned());
    }
    if new.contains("auth_time") && original.contains("auth_time") && differs("auth_time") {
        return Err("`auth_time` is not the time of the login".to_owned());
    }
    if new.contains("nonce") && differs("nonce") {
        return Err("`nonce` is not the one of the login".to_owned());
    }
    let issued = |claims| required_time(claims, "iat");
    if issued(new)?.seconds() + f64::from(CLOCK_SKEW) < issued(original)?.seconds() {
        return Err("`iat` is before the login".to_owned());
    }
    Ok(())
}

fn untrusted(reason: &str) -> ProviderError {
    ProviderError::Untrusted(format!("ID token: {reason}"))
}
