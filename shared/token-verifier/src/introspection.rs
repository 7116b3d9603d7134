//! The issuer is asked about each token (RFC 7662).

use std::{sync::Arc, time::Duration};

use flow_events::{Check, Event, Field, Rule, emit};
use http::{StatusCode, header};
use moka::future::Cache;
use oauth_types::{AccessToken, ClientSecret, IntrospectionResponse, basic};

use crate::{
    VerifiedToken, VerifyError,
    check::{Times, check, check_audience, check_issuer, check_times},
    issuer_client::{Answer, IssuerClient},
    token_hash::TokenHash,
};

/// How the issuer is asked.
#[derive(Clone, Debug)]
pub struct IntrospectionSettings {
    /// Who asks: the resource server's own id at the issuer.
    pub client_id: String,
    /// Its secret.
    pub client_secret: ClientSecret,
    /// How long the issuer's word is good. A revoked token may live on for that long.
    pub cache_ttl: Duration,
}

/// Asks about tokens, and remembers the answers for a moment.
#[derive(Debug)]
pub(crate) struct Introspection {
    settings: IntrospectionSettings,
    issuer_client: Arc<IssuerClient>,
    words: Cache<TokenHash, Word>,
}

/// What the issuer said, and until when that counts, in milliseconds since 1970.
#[derive(Clone, Debug)]
struct Word {
    said: Result<Arc<VerifiedToken>, VerifyError>,
    good_until: i64,
}

/// How many words are kept at most.
const REMEMBERED: u64 = 10_000;
/// How far the issuer's clock and ours may differ, in seconds.
const LEEWAY: i64 = 5;

impl Introspection {
    pub(crate) fn new(settings: IntrospectionSettings, issuer_client: Arc<IssuerClient>) -> Self {
        Self { settings, issuer_client, words: Cache::new(REMEMBERED) }
    }

    pub(crate) async fn warm_up(&self) -> Result<(), VerifyError> {
        self.issuer_client.metadata().await.map(|_| ())
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.issuer_client.is_known()
    }

    pub(crate) async fn verify(
        &self,
        token: &AccessToken,
        resource: &str,
    ) -> Result<Arc<VerifiedToken>, VerifyError> {
        let (hash, now) = (TokenHash::of(token), self.issuer_client.clock.millis());
        if self.words.get(&hash).await.is_some_and(|word| word.good_until <= now) {
            self.words.invalidate(&hash).await;
        }
        // One question at a time about one token, however many callers show it.
        let asked = self.words.entry(hash).or_try_insert_with(self.ask(token, resource)).await;
        let entry = asked.map_err(Arc::unwrap_or_clone)?;
        if !entry.is_fresh() {
            emit(|| remembered(entry.value(), now));
        }
        entry.into_value().said
    }

    /// `Err` only when there is no answer: a no is an answer, and remembered like a yes.
    async fn ask(&self, token: &AccessToken, resource: &str) -> Result<Word, VerifyError> {
        let response = self.response(token).await?;
        // The time of the answer, not of the question: the token may have ended in between.
        let now = self.issuer_client.clock.millis();
        let cache_ttl = i64::try_from(self.settings.cache_ttl.as_millis()).unwrap_or(i64::MAX);
        let cached_until = now.saturating_add(cache_ttl);
        // Never past the token's own end.
        let good_until =
            response.exp.map_or(cached_until, |exp| cached_until.min(exp.saturating_mul(1_000)));
        let said = self
            .judge(response, resource, now.div_euclid(1_000), good_until.div_euclid(1_000))
            .map(Arc::new);
        Ok(Word { said, good_until })
    }

    async fn response(&self, token: &AccessToken) -> Result<IntrospectionResponse, VerifyError> {
        let metadata = self.issuer_client.metadata().await?;
        let url = self.issuer_client.resolve_endpoint(
            "introspection_endpoint",
            metadata.introspection_endpoint.as_deref(),
        )?;
        let IntrospectionSettings { client_id, client_secret, .. } = &self.settings;
        let request = self
            .issuer_client
            .http
            .post(url)
            .header(header::AUTHORIZATION, basic::format(client_id, client_secret))
            .header(header::ACCEPT, "application/json")
            .form(&[("token", token.expose()), ("token_type_hint", "access_token")]);
        let fields = vec![
            Field::secret("authorization").in_header(),
            Field::token("token", token),
            Field::text("token_type_hint", "access_token"),
        ];
        let answer = self
            .issuer_client
            .send(request, fields, &[token.expose(), client_secret.expose()])
            .await?;
        self.refused(&answer)?;
        answer.json("the issuer's word about the token")
    }

    /// Our own credentials are wrong: that says nothing about the caller's token.
    fn refused(&self, answer: &Answer) -> Result<(), VerifyError> {
        if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            tracing::error!(
                client_id = self.settings.client_id,
                "the issuer does not let this resource server ask about tokens: compare its id and secret"
            );
            return Err(VerifyError::unavailable(
                "the issuer does not let this resource server ask about tokens",
                None,
            ));
        }
        Ok(())
    }

    fn judge(
        &self,
        word: IntrospectionResponse,
        resource: &str,
        now: i64,
        good_until: i64,
    ) -> Result<VerifiedToken, VerifyError> {
        let found = || if word.active { "active" } else { "not active" }.to_owned();
        let otherwise = "the issuer says that the access token is void, or not for this resource";
        check(Rule::Active, word.active, || "active".to_owned(), found, otherwise)?;
        check_issuer(self.issuer_client.issuer.identifier(), word.iss.as_deref())?;
        check_audience(resource, word.aud.as_ref())?;
        check_times(now, LEEWAY, Times { exp: word.exp, nbf: word.nbf, iat: word.iat })?;
        // A token whose end is not told is good for as long as the word is.
        let expires_at = word.exp.unwrap_or(good_until);
        Ok(VerifiedToken::from_word(word, expires_at))
    }
}

fn remembered(word: &Word, now_millis: i64) -> Event {
    let found = format!("the issuer's word, good for {} ms more", word.good_until - now_millis);
    let expected = "a word that is not too old".to_owned();
    Event::TokenChecked(Check { rule: Rule::Cached, passed: word.said.is_ok(), expected, found })
}
