//! Local verification of JWT access tokens (RFC 9068).

mod jwk;
mod jwt;
mod key_set;
mod keys;
mod token_type;
mod verified_jwt;

use std::{sync::Arc, time::Duration};

use clock::Clock;
use flow_events::Rule;
use jsonwebtoken::DecodingKey;
use oauth_types::{AccessToken, ClientSecret};

#[cfg(feature = "discovery")]
use self::keys::KeyFetcher;
use self::{
    jwk::Key,
    jwt::Unverified,
    keys::Keys,
    verified_jwt::{Present, VerifiedJwt},
};
#[cfg(feature = "discovery")]
use crate::issuer_client::IssuerClient;
use crate::{
    algorithm::Algorithm,
    check::{Times, check, check_audience, check_issuer, check_times},
    error::VerifyError,
    scope_claims::ScopeClaims,
    token_cache::TokenCache,
    token_claims::TokenClaims,
    token_hash::TokenHash,
    verified_token::VerifiedToken,
};

pub use token_type::TokenType;

/// How JWTs are verified locally.
///
/// ```
/// use std::time::Duration;
/// use token_verifier::{Algorithm, LocalSettings};
///
/// let settings = LocalSettings::default()
///     .algorithms([Algorithm::ES256])
///     .leeway(Duration::from_secs(10));
/// ```
#[derive(Clone, Debug)]
pub struct LocalSettings {
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) token_types: Vec<TokenType>,
    pub(crate) leeway: Duration,
    pub(crate) key_cooldown: Duration,
    pub(crate) key_max_age: Duration,
    pub(crate) cache_capacity: u64,
    pub(crate) hs256_secret: Option<ClientSecret>,
}

impl LocalSettings {
    /// Sets the accepted signature algorithms (RFC 8725 §3.1). Neither the token nor the metadata
    /// of the issuer adds to them. The default is ES256, `EdDSA` and RS256.
    #[must_use]
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self { algorithms: algorithms.into_iter().collect(), ..self }
    }

    /// Sets the accepted types of JWTs. The default is `at+jwt` alone (RFC 9068 §4). A token of
    /// another type needs no `jti` and no `client_id`. It must have `scope`, `scp` or `roles`, and
    /// is rejected if it has `nonce`, `at_hash`, `c_hash` or `events`, as ID tokens and logout
    /// tokens do.
    #[must_use]
    pub fn token_types(self, token_types: impl IntoIterator<Item = TokenType>) -> Self {
        Self { token_types: token_types.into_iter().collect(), ..self }
    }

    /// Sets how far the issuer's clock and ours may differ.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }

    /// Sets the minimum time between two key fetches because of unknown key ids, so that tokens
    /// with made-up key ids cannot flood the issuer.
    #[must_use]
    pub fn key_cooldown(self, key_cooldown: Duration) -> Self {
        Self { key_cooldown, ..self }
    }

    /// Sets the age at which keys are fetched again, so that withdrawn keys disappear.
    #[must_use]
    pub fn key_max_age(self, key_max_age: Duration) -> Self {
        Self { key_max_age, ..self }
    }

    /// Sets the maximum number of cached tokens of normal size. A token with large claims counts as
    /// several.
    #[must_use]
    pub fn cache_capacity(self, cache_capacity: u64) -> Self {
        Self { cache_capacity, ..self }
    }

    /// Sets the secret shared with the issuer for HS256. For learning only: everyone who can verify
    /// with it can also create tokens.
    #[must_use]
    pub fn hs256_secret(self, secret: ClientSecret) -> Self {
        Self { hs256_secret: Some(secret), ..self }
    }
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            algorithms: vec![Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256],
            token_types: vec![TokenType::AtJwt],
            leeway: Duration::from_secs(5),
            key_cooldown: Duration::from_secs(30),
            key_max_age: Duration::from_secs(600),
            cache_capacity: 10_000,
            hs256_secret: None,
        }
    }
}

/// How a missing `typ` is reported.
const NO_TYPE: &str = "no typ";

/// Verifies JWTs with the issuer's keys, with a cache.
#[derive(Debug)]
pub(crate) struct Local {
    algorithms: Vec<Algorithm>,
    token_types: Vec<TokenType>,
    scope_claims: ScopeClaims,
    leeway: i64,
    hs256_key: Option<Arc<Key>>,
    keys: Arc<Keys>,
    cache: TokenCache<VerifiedJwt>,
}

impl Local {
    pub(crate) fn new(
        settings: LocalSettings,
        scope_claims: ScopeClaims,
        clock: Clock,
        #[cfg(feature = "discovery")] issuer_client: Arc<IssuerClient>,
    ) -> Self {
        #[cfg(feature = "discovery")]
        let fetcher = KeyFetcher::new(issuer_client, settings.key_cooldown, settings.key_max_age);
        let hs256_key = settings.hs256_secret.map(|secret| {
            let decoding = DecodingKey::from_secret(secret.expose().as_bytes());
            Arc::new(Key { algorithms: vec![Algorithm::HS256], decoding })
        });
        Self {
            algorithms: settings.algorithms,
            token_types: settings.token_types,
            scope_claims,
            leeway: i64::try_from(settings.leeway.as_secs()).unwrap_or(0),
            hs256_key,
            keys: Arc::new(Keys::new(
                clock,
                #[cfg(feature = "discovery")]
                fetcher,
            )),
            cache: TokenCache::new(settings.cache_capacity),
        }
    }

    pub(crate) async fn warm_up(&self) -> Result<(), VerifyError> {
        if self.is_ready() { Ok(()) } else { self.keys.first().await.map(drop) }
    }

    pub(crate) fn set_keys(&self, jwks: &str) -> Result<(), VerifyError> {
        self.keys.set(jwks)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.hs256_key.is_some() || self.keys.are_loaded()
    }

    /// Verifies a token. The checks run in the order below, and the first failure is returned.
    pub(crate) async fn verify(
        &self,
        token: &AccessToken,
        issuer: &str,
        audiences: &[String],
        now_millis: i64,
    ) -> Result<Arc<VerifiedToken>, VerifyError> {
        let (hash, now) = (TokenHash::of(token), now_millis.div_euclid(1_000));
        let generation = self.keys.generation(now_millis);
        let present = Present { now, leeway: self.leeway, generation };
        if let Some(cached) = self.cache.get(&hash, present) {
            return Ok(cached.token);
        }
        let unverified = Unverified::parse(token)?;
        let algorithm = self.check_algorithm(&unverified)?;
        let token_type = self.check_type(&unverified)?;
        let (key, generation) = self.key(&unverified, algorithm, now_millis).await?;
        check_key_algorithm(algorithm, &key)?;
        let claims = unverified.verify(&key, algorithm)?;
        token_type.check_claims(&claims, &self.scope_claims.claims)?;
        let claims = TokenClaims::read(claims, &self.scope_claims)?;
        check_issuer(issuer, claims.issuer.as_deref())?;
        check_audience(audiences, claims.audience.as_ref(), true)?;
        let Times { exp, nbf, iat } = claims.times;
        check_times(now, self.leeway, claims.times)?;
        let not_before = nbf.max(iat).unwrap_or(i64::MIN);
        let expires_at = exp.ok_or_else(|| VerifyError::wrong_type("exp"))?;
        let token = Arc::new(VerifiedToken::new(claims, expires_at));
        self.cache.insert(hash, VerifiedJwt { token: Arc::clone(&token), not_before, generation });
        Ok(token)
    }

    fn check_algorithm(&self, unverified: &Unverified<'_>) -> Result<Algorithm, VerifyError> {
        let found = Algorithm::parse(unverified.alg()).filter(|algorithm| self.accepts(*algorithm));
        let expected = || {
            let accepted: Vec<_> = self
                .algorithms
                .iter()
                .chain(self.hs256_key.as_ref().map(|_| &Algorithm::HS256))
                .collect();
            format!("one of {accepted:?}")
        };
        let failure = "the signature algorithm is not accepted";
        check(Rule::Algorithm, found.is_some(), expected, || unverified.alg().to_owned(), failure)?;
        found.ok_or_else(|| VerifyError::invalid(Rule::Algorithm, failure))
    }

    fn check_type(&self, unverified: &Unverified<'_>) -> Result<TokenType, VerifyError> {
        let found = TokenType::of_header(unverified.typ())
            .filter(|token_type| self.token_types.contains(token_type));
        let expected =
            || self.token_types.iter().map(|one| one.name()).collect::<Vec<_>>().join(" or ");
        let typ = || unverified.typ().unwrap_or(NO_TYPE).to_owned();
        let failure = "tokens of this type are not accepted as access tokens";
        check(Rule::Type, found.is_some(), expected, typ, failure)?;
        found.ok_or_else(|| VerifyError::invalid(Rule::Type, failure))
    }

    fn accepts(&self, algorithm: Algorithm) -> bool {
        match algorithm {
            // Only if a secret is configured, whatever the list says.
            Algorithm::HS256 => self.hs256_key.is_some(),
            other => self.algorithms.contains(&other),
        }
    }

    async fn key(
        &self,
        unverified: &Unverified<'_>,
        algorithm: Algorithm,
        now_millis: i64,
    ) -> Result<(Arc<Key>, u64), VerifyError> {
        if let Some(key) = self.hs256_key.as_ref().filter(|_| algorithm == Algorithm::HS256) {
            return Ok((Arc::clone(key), self.keys.generation(now_millis)));
        }
        let found = self.keys.find(unverified.kid(), algorithm).await?;
        let kid = || oauth_types::printable(unverified.kid().unwrap_or("no kid"));
        let expected = || "a key that the issuer publishes".to_owned();
        check(Rule::Key, found.is_some(), expected, kid, "unknown signing key")?;
        found.ok_or_else(|| VerifyError::invalid(Rule::Key, "unknown signing key"))
    }
}

/// The key determines the algorithms, see [`Key`].
fn check_key_algorithm(found: Algorithm, key: &Key) -> Result<(), VerifyError> {
    if key.algorithms.contains(&found) {
        return Ok(());
    }
    let (expected, found) =
        (|| format!("{:?}, the algorithm of the key", key.algorithms), || format!("{found:?}"));
    check(Rule::Algorithm, false, expected, found, "the signature algorithm does not match the key")
}
