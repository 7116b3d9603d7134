use axum_extra::extract::CookieJar;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::{Refusal, ReturnTo};
use crate::{
    accounts::{PendingLogin, Purpose},
    http::cookies::CookieUse,
    providers::{LoginSecrets, Provider},
    random_id::{Digest, RandomId},
    sealed::{Sealing, open, seal},
    secure_random::{Entropy, NoEntropy},
    services::Website,
};

/// How long a person may take at the provider, in seconds.
const PATIENCE: i64 = 600;

/// A login that is about to begin.
pub struct Start<'a> {
    pub provider: &'a Provider,
    pub purpose: Purpose,
    /// The session that the browser has.
    pub session: Option<Digest>,
    pub return_to: ReturnTo,
}

/// What waits, sealed with the state, until the browser is back.
#[derive(Serialize, Deserialize)]
pub(super) struct Waiting {
    nonce: String,
    verifier: String,
    pub(super) return_to: ReturnTo,
}

/// Note the login down, bind it to this browser, and say where the browser goes.
pub async fn begin(
    website: &Website,
    jar: CookieJar,
    start: Start<'_>,
) -> Result<(CookieJar, Url), Refusal> {
    let secrets = LoginSecrets::new(&website.entropy)?;
    // The provider first: while it is away nothing is noted.
    let url = start.provider.authorization_url(&secrets).await?;
    let cookie = cookie_of(start.provider);
    // One name for all tabs of a browser; each login has a state of its own.
    let browser =
        website.cookies.shown(&jar, cookie).map_or_else(|| RandomId::new(&website.entropy), Ok)?;
    let waiting = Waiting {
        nonce: secrets.nonce.expose().to_owned(),
        verifier: secrets.verifier.expose().to_owned(),
        return_to: start.return_to,
    };
    let pending = PendingLogin {
        state: secrets.state.digest(),
        browser: browser.digest(),
        provider: start.provider.name.clone(),
        purpose: start.purpose,
        session: start.session,
        secrets: waiting.seal(&secrets.state, &website.entropy)?,
        expires_at: website.clock.seconds() + PATIENCE,
    };
    website.accounts.begin_login(&pending).await?;
    Ok((website.cookies.hand_out(jar, cookie, &browser, PATIENCE), url))
}

/// Which cookie comes back with this provider's answer.
pub(super) fn cookie_of(provider: &Provider) -> CookieUse {
    if provider.answers_by_form_post() { CookieUse::CrossSiteLogin } else { CookieUse::Login }
}

impl LoginSecrets {
    fn new(entropy: &Entropy) -> Result<Self, NoEntropy> {
        Ok(Self {
            state: RandomId::new(entropy)?,
            nonce: RandomId::new(entropy)?,
            verifier: RandomId::new(entropy)?,
        })
    }
}

impl Waiting {
    fn seal(&self, state: &RandomId, entropy: &Entropy) -> Result<Vec<u8>, NoEntropy> {
        let plain = Zeroizing::new(serde_json::to_vec(self).unwrap_or_default());
        seal(state, Sealing::PendingLogin, &plain, entropy)
    }

    pub(super) fn open(state: &RandomId, sealed: &[u8]) -> Option<Self> {
        serde_json::from_slice(&open(state, Sealing::PendingLogin, sealed)?).ok()
    }

    pub(super) fn secrets(&self, state: RandomId) -> Option<LoginSecrets> {
        Some(LoginSecrets {
            state,
            nonce: RandomId::shown(&self.nonce)?,
            verifier: RandomId::shown(&self.verifier)?,
        })
    }
}
