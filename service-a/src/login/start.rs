use std::net::IpAddr;

use axum_extra::extract::CookieJar;
use oauth_types::caller_network;
use serde::{Deserialize, Serialize};
use url::Url;

use super::ReturnTo;
use crate::{
    accounts::{LoginPurpose, PendingLogin},
    http::{
        cookies::{CookieUse, Cookies},
        website_error::WebsiteError,
    },
    providers::{LoginSecrets, Provider},
    random_id::{Digest, RandomId},
    sealed::{KeyPurpose, SealError, open, seal},
    secure_random::{SecureRandom, SecureRandomError},
    services::Services,
};

/// Time that the user may take at the provider, in seconds.
const LOGIN_TTL: i64 = 600;
/// Maximum number of pending logins from one network. Anybody can start them, so without a bound
/// anybody could fill the disk. More of them end the oldest.
const MAX_PENDING_OF_NETWORK: u32 = 1_000;

/// A login to be started.
pub struct LoginRequest<'a> {
    pub provider: &'a Provider,
    /// The address of the browser.
    pub address: IpAddr,
    pub purpose: LoginPurpose,
    /// Current session of the browser.
    pub session: Option<Digest>,
    pub return_to: ReturnTo,
    /// Who wants to log in, for the provider.
    pub login_hint: Option<String>,
}

/// Content of [`PendingLogin::sealed_secrets`], encrypted under `state`.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedLogin {
    nonce: String,
    verifier: String,
    pub(super) return_to: ReturnTo,
}

/// Stores a pending login, binds it to this browser with a cookie, and returns the URL of the
/// authorization request.
pub async fn start_login(
    services: &Services,
    jar: CookieJar,
    request: LoginRequest<'_>,
) -> Result<(CookieJar, Url), WebsiteError> {
    let cookies = Cookies::for_website(&services.public_url);
    let secrets = LoginSecrets::generate(services.random)?;
    // First, so that nothing is stored while the provider is unavailable.
    let url = request.provider.authorization_url(&secrets, request.login_hint.as_deref()).await?;
    let cookie = login_cookie(request.provider);
    // All tabs of a browser share this identifier; each login has its own `state`.
    let browser = match cookies.read(&jar, cookie) {
        Some(browser) => browser,
        None => RandomId::generate(services.random)?,
    };
    let sealed = SealedLogin {
        nonce: secrets.nonce.expose().to_owned(),
        verifier: secrets.verifier.expose().to_owned(),
        return_to: request.return_to,
    };
    let pending = PendingLogin {
        state: secrets.state.digest(),
        browser: browser.digest(),
        provider: request.provider.name.clone(),
        purpose: request.purpose,
        session: request.session,
        sealed_secrets: sealed.seal(&secrets.state, services.random)?,
        expires_at: services.clock.seconds() + LOGIN_TTL,
    };
    let network = caller_network(request.address);
    services.accounts.store_pending_login(&pending, network, MAX_PENDING_OF_NETWORK).await?;
    Ok((cookies.set(jar, cookie, &browser, LOGIN_TTL), url))
}

/// Returns the cookie that browsers send with this provider's response.
pub(super) fn login_cookie(provider: &Provider) -> CookieUse {
    if provider.uses_form_post() { CookieUse::CrossSiteLogin } else { CookieUse::Login }
}

impl LoginSecrets {
    fn generate(random: SecureRandom) -> Result<Self, SecureRandomError> {
        Ok(Self {
            state: RandomId::generate(random)?,
            nonce: RandomId::generate(random)?,
            verifier: RandomId::generate(random)?,
        })
    }
}

impl SealedLogin {
    fn seal(&self, state: &RandomId, random: SecureRandom) -> Result<Vec<u8>, SealError> {
        seal(state, KeyPurpose::PendingLogin, self, random)
    }

    pub(super) fn open(state: &RandomId, sealed: &[u8]) -> Option<Self> {
        serde_json::from_slice(&open(state, KeyPurpose::PendingLogin, sealed)?).ok()
    }

    pub(super) fn secrets(&self, state: RandomId) -> Option<LoginSecrets> {
        Some(LoginSecrets {
            state,
            nonce: RandomId::parse(&self.nonce)?,
            verifier: RandomId::parse(&self.verifier)?,
        })
    }
}
