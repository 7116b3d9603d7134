use axum_extra::extract::CookieJar;
use uuid::Uuid;

use super::{
    AuthorizationResponse, ReturnTo,
    start::{SealedLogin, login_cookie},
};
use crate::{
    accounts::{ExternalIdentity, LinkOutcome, LoginOutcome, LoginPurpose, PendingLogin, Session},
    http::{
        cookies::{CookieUse, Cookies},
        page_error::PageError,
    },
    providers::{AuthenticatedUser, LoginSecrets, Provider, UserTokens},
    random_id::RandomId,
    services::Services,
};

/// Completes a login with the authorization response of `provider`.
pub async fn finish_login(
    services: &Services,
    provider: &Provider,
    jar: CookieJar,
    response: &AuthorizationResponse,
) -> Result<(CookieJar, ReturnTo), PageError> {
    // 1. Consume the pending login of this browser. Of two responses with the same state, only one
    //    continues.
    let (pending, secrets, return_to) = consume(services, provider, &jar, response).await?;
    // 2. Check that the response comes from the provider that A asked.
    if pending.provider != provider.name {
        return Err(PageError::OtherProvider);
    }
    if pending.expires_at <= services.clock.seconds() {
        return Err(PageError::LoginExpired);
    }
    provider.check_response_issuer(response.iss()).await?;
    // 3. Authenticate the user.
    let user = provider.authenticate(&response.code(provider)?, &secrets).await?;
    // 4. Find, create or link the account.
    let AuthenticatedUser { identity, profile, sid, tokens } = user;
    let identity = ExternalIdentity { identity, provider: provider.name.clone(), profile };
    match pending.purpose {
        LoginPurpose::Link => link(services, &pending, &identity).await.map(|()| (jar, return_to)),
        LoginPurpose::LogIn => {
            let account_id = log_in(services, &identity).await?;
            let jar = start_session(services, jar, &pending, account_id, identity, sid, &tokens);
            Ok((jar.await?, return_to))
        }
    }
}

async fn consume(
    services: &Services,
    provider: &Provider,
    jar: &CookieJar,
    response: &AuthorizationResponse,
) -> Result<(PendingLogin, LoginSecrets, ReturnTo), PageError> {
    // The cookie binds the login to the browser. Without it, an attacker could log this browser in
    // to the attacker's account (login CSRF, RFC 6749 §10.12).
    let cookies = Cookies::for_website(&services.public_url);
    let browser = cookies.read(jar, login_cookie(provider)).ok_or(PageError::LoginNotFound)?;
    let state = response.state.as_ref().ok_or(PageError::LoginNotFound)?;
    let pending = services
        .accounts
        .consume_pending_login(&state.digest(), &browser.digest())
        .await?
        .ok_or(PageError::LoginNotFound)?;
    let opened =
        SealedLogin::open(state, &pending.sealed_secrets).ok_or(PageError::LoginNotFound)?;
    let secrets = opened.secrets(state.clone()).ok_or(PageError::LoginNotFound)?;
    Ok((pending, secrets, opened.return_to))
}

/// Returns the id of the account.
async fn log_in(services: &Services, identity: &ExternalIdentity) -> Result<String, PageError> {
    let new_id = Uuid::now_v7().to_string();
    match services.accounts.log_in(identity, &new_id, services.clock.seconds()).await? {
        LoginOutcome::Existing(account_id) => Ok(account_id),
        LoginOutcome::Created(account_id) => {
            tracing::info!(account_id, provider = identity.provider, "account created");
            Ok(account_id)
        }
        LoginOutcome::EmailTaken { providers } => Err(PageError::EmailTaken { providers }),
    }
}

/// Links the identity to the account of the session that started the login, if that session still
/// exists.
async fn link(
    services: &Services,
    pending: &PendingLogin,
    identity: &ExternalIdentity,
) -> Result<(), PageError> {
    let (accounts, now) = (&services.accounts, services.clock.seconds());
    let session_id = pending.session.as_ref().ok_or(PageError::NotLoggedIn)?;
    let session = accounts
        .load_session(session_id, services.idle_cutoff(), now)
        .await?
        .ok_or(PageError::NotLoggedIn)?;
    match accounts.link_identity(&session.account_id, identity, now).await? {
        LinkOutcome::Linked | LinkOutcome::AlreadyLinked => Ok(()),
        LinkOutcome::LinkedElsewhere => Err(PageError::IdentityTaken),
    }
}

/// Starts a session under a new identifier, so that one that an attacker planted before the login
/// is useless after it (session fixation).
async fn start_session(
    services: &Services,
    jar: CookieJar,
    pending: &PendingLogin,
    account_id: String,
    identity: ExternalIdentity,
    sid: Option<String>,
    tokens: &UserTokens,
) -> Result<CookieJar, PageError> {
    let (secret, now) = (RandomId::generate(services.random)?, services.clock.seconds());
    let ttl = i64::from(services.sessions.absolute_timeout_seconds);
    let session = Session {
        id: secret.digest(),
        account_id,
        provider: identity.provider,
        identity: identity.identity,
        sid,
        sealed_tokens: tokens.seal(&secret, services.random)?,
        last_seen_at: now,
        expires_at: now + ttl,
    };
    services.accounts.start_session(&session, pending.session.as_ref()).await?;
    let cookies = Cookies::for_website(&services.public_url);
    Ok(cookies.set(jar, CookieUse::Session, &secret, ttl))
}
