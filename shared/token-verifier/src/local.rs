//! The token is a JWT, and is checked here.

mod jwk;
mod jwt;
mod key_set;
mod keys;
mod token_cache;

use std::{sync::Arc, time::Duration};

use flow_events::Rule;
use jsonwebtoken::DecodingKey;
use oauth_types::{AccessToken, ClientSecret, TYP_ACCESS_TOKEN};

use self::{
    jwk::Key,
    jwt::Unverified,
    keys::Keys,
    token_cache::{Entry, VerifiedTokenCache},
};
use crate::{
    VerifiedToken, VerifyError,
    check::{Times, check, check_audience, check_issuer, check_times},
    issuer_client::IssuerClient,
    token_hash::TokenHash,
};

pub use jwk::Algorithm;

/// How tokens are checked locally.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// The signature algorithms that are taken (RFC 8725 §3.1).
    pub algorithms: Vec<Algorithm>,
    /// How far the issuer's clock and ours may differ.
    pub leeway: Duration,
    /// How often an unknown key may make us fetch the keys, however many made-up names arrive.
    pub key_cooldown: Duration,
    /// After what time the keys are fetched again, so that a withdrawn one goes.
    pub key_max_age: Duration,
    /// How many verified tokens of usual size are remembered.
    pub cache_capacity: u64,
    /// The secret shared with the issuer under HS256. For learning: who can check with it can also
    /// make tokens.
    pub hs256_secret: Option<ClientSecret>,
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            algorithms: vec![Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256],
            leeway: Duration::from_secs(5),
            key_cooldown: Duration::from_secs(30),
            key_max_age: Duration::from_secs(600),
            cache_capacity: 10_000,
            hs256_secret: None,
        }
    }
}

/// Checks JWTs with the issuer's keys.
#[derive(Debug)]
pub(crate) struct Local {
    algorithms: Vec<Algorithm>,
    leeway: i64,
    shared: Option<Arc<Key>>,
    keys: Arc<Keys>,
    cache: VerifiedTokenCache,
}

impl Local {
    pub(crate) fn new(settings: LocalSettings, issuer_client: Arc<IssuerClient>) -> Self {
        let shared = settings.hs256_secret.map(|secret| {
            let decoding = DecodingKey::from_secret(secret.expose().as_bytes());
            Arc::new(Key { algorithm: Algorithm::HS256, decoding })
        });
        Self {
            algorithms: settings.algorithms,
            leeway: i64::try_from(settings.leeway.as_secs()).unwrap_or(0),
            shared,
            keys: Arc::new(Keys::new(issuer_client, settings.key_cooldown, settings.key_max_age)),
            cache: VerifiedTokenCache::new(settings.cache_capacity),
        }
    }

    pub(crate) async fn warm_up(&self) -> Result<(), VerifyError> {
        if self.is_ready() { Ok(()) } else { self.keys.first().await.map(drop) }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.shared.is_some() || self.keys.are_known()
    }

    /// Is it good? The checks stand here in their order.
    pub(crate) async fn verify(
        &self,
        token: &AccessToken,
        issuer: &str,
        resource: &str,
        now_millis: i64,
    ) -> Result<Arc<VerifiedToken>, VerifyError> {
        let (hash, now) = (TokenHash::of(token), now_millis.div_euclid(1_000));
        if let Some(known) =
            self.cache.get(&hash, now, self.leeway, self.keys.generation(now_millis))
        {
            return Ok(known);
        }
        let unverified = Unverified::read(token)?;
        let algorithm = self.check_algorithm(&unverified)?;
        check_type(&unverified)?;
        let (key, generation) = self.key(&unverified, algorithm, now_millis).await?;
        check_key_algorithm(algorithm, key.algorithm)?;
        let claims = unverified.verify(&key)?;
        check_issuer(issuer, Some(&claims.iss))?;
        check_audience(resource, Some(&claims.aud))?;
        check_times(
            now,
            self.leeway,
            Times { exp: Some(claims.exp), nbf: claims.nbf, iat: Some(claims.iat) },
        )?;
        let begins_at = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
        let token = Arc::new(VerifiedToken::from_claims(claims));
        self.cache.insert(hash, Entry { token: Arc::clone(&token), begins_at, generation });
        Ok(token)
    }

    fn check_algorithm(&self, unverified: &Unverified<'_>) -> Result<Algorithm, VerifyError> {
        let found = Algorithm::parse(unverified.alg()).filter(|algorithm| self.takes(*algorithm));
        let expected = || {
            let taken: Vec<_> = self
                .algorithms
                .iter()
                .chain(self.shared.as_ref().map(|key| &key.algorithm))
                .collect();
            format!("one of {taken:?}")
        };
        let otherwise = "the signature algorithm is not taken";
        check(
            Rule::Algorithm,
            found.is_some(),
            expected,
            || unverified.alg().to_owned(),
            otherwise,
        )?;
        found.ok_or_else(|| VerifyError::invalid(Rule::Algorithm, otherwise))
    }

    fn takes(&self, algorithm: Algorithm) -> bool {
        match algorithm {
            // Never by the list alone: there has to be a secret that is one.
            Algorithm::HS256 => self.shared.is_some(),
            other => self.algorithms.contains(&other),
        }
    }

    async fn key(
        &self,
        unverified: &Unverified<'_>,
        algorithm: Algorithm,
        now_millis: i64,
    ) -> Result<(Arc<Key>, u64), VerifyError> {
        if let Some(shared) = self.shared.as_ref().filter(|_| algorithm == Algorithm::HS256) {
            return Ok((Arc::clone(shared), self.keys.generation(now_millis)));
        }
        let found = self.keys.find(unverified.kid()).await?;
        let name = || oauth_types::printable(unverified.kid().unwrap_or("no kid"));
        let expected = || "a key that the issuer publishes".to_owned();
        check(Rule::Key, found.is_some(), expected, name, "the key is unknown")?;
        found.ok_or_else(|| VerifyError::invalid(Rule::Key, "the key is unknown"))
    }
}

fn check_type(unverified: &Unverified<'_>) -> Result<(), VerifyError> {
    let (expected, found) = (|| TYP_ACCESS_TOKEN.to_owned(), || unverified.typ().to_owned());
    check(
        Rule::Type,
        unverified.is_access_token(),
        expected,
        found,
        "the JWT is not an access token",
    )
}

/// The key says what it is for: believing the header, an RSA or EC public key would pass as an HMAC
/// secret (RFC 8725 §2.1).
fn check_key_algorithm(found: Algorithm, of_key: Algorithm) -> Result<(), VerifyError> {
    if found == of_key {
        return Ok(());
    }
    let (expected, found) = (|| format!("{of_key:?}, as the key has it"), || format!("{found:?}"));
    check(Rule::Algorithm, false, expected, found, "the signature algorithm is not that of the key")
}
