use axum_extra::extract::CookieJar;
use flow_events::Rule;
use oauth_types::Fingerprint;
use uuid::Uuid;

use super::{
    AuthorizationResponse, ReturnTo,
    failure::record_failure,
    start::{SealedLogin, login_cookie},
};
use crate::{
    accounts::{
        ExternalIdentity, Identity, LinkOutcome, LoginOutcome, LoginPurpose, PendingLogin, Session,
    },
    http::{
        cookies::{CookieUse, Cookies},
        website_error::WebsiteError,
    },
    login_checks::emit_check,
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
) -> Result<(CookieJar, ReturnTo), WebsiteError> {
    let result = finish(services, provider, jar, response).await;
    if let Err(error) = &result {
        record_failure(services, provider, error).await;
    }
    result
}

async fn finish(
    services: &Services,
    provider: &Provider,
    jar: CookieJar,
    response: &AuthorizationResponse,
) -> Result<(CookieJar, ReturnTo), WebsiteError> {
    // 1. Consume the pending login of this browser. Of two responses with the same state, only one
    //    continues.
    let (pending, secrets, return_to) = consume(services, provider, &jar, response).await?;
    // 2. Check that the response comes from the provider that A asked.
    if pending.provider != provider.name {
        let (expected, found) = (pending.provider, provider.name.clone());
        return Err(WebsiteError::OtherProvider { expected, found });
    }
    let now = services.clock.seconds();
    if pending.expires_at <= now {
        return Err(WebsiteError::LoginExpired { at: pending.expires_at, now });
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
            let login = log_in(services, &identity).await?;
            let jar = start_session(services, jar, &pending, login, identity, sid, &tokens);
            Ok((jar.await?, return_to))
        }
    }
}

async fn consume(
    services: &Services,
    provider: &Provider,
    jar: &CookieJar,
    response: &AuthorizationResponse,
) -> Result<(PendingLogin, LoginSecrets, ReturnTo), WebsiteError> {
    // The cookie binds the login to the browser. Without it, an attacker could log this browser in
    // to the attacker's account (login CSRF, RFC 6749 §10.12).
    let cookies = Cookies::for_website(&services.public_url);
    let browser = cookies.read(jar, login_cookie(provider));
    let pending = match (&browser, &response.state) {
        (Some(browser), Some(state)) => {
            services.accounts.consume_pending_login(&state.digest(), &browser.digest()).await?
        }
        _ => None,
    };
    emit_state_check(response, pending.is_some());
    let (Some(state), Some(pending)) = (&response.state, pending) else {
        return Err(WebsiteError::LoginNotFound);
    };
    let opened =
        SealedLogin::open(state, &pending.sealed_secrets).ok_or(WebsiteError::LoginNotFound)?;
    let secrets = opened.secrets(state.clone()).ok_or(WebsiteError::LoginNotFound)?;
    Ok((pending, secrets, opened.return_to))
}

fn emit_state_check(response: &AuthorizationResponse, passed: bool) {
    let found = response.state.as_ref().map(|state| Fingerprint::of(state.expose()).to_string());
    let expected = || "a login that this browser has started".to_owned();
    emit_check(Rule::State, passed, expected, || found.unwrap_or_else(|| "none".to_owned()));
}

/// An account, and when its user logged in to it.
struct Login {
    account_id: String,
    at: i64,
}

async fn log_in(services: &Services, identity: &ExternalIdentity) -> Result<Login, WebsiteError> {
    let (new_id, at) = (Uuid::now_v7().to_string(), services.clock.seconds());
    let (account_id, found) = match services.accounts.log_in(identity, &new_id, at).await? {
        LoginOutcome::Existing(account_id) => (account_id, "an account of this issuer and subject"),
        LoginOutcome::Created(account_id) => {
            tracing::info!(account_id, provider = identity.provider, "account created");
            (account_id, "no account yet; A has created one")
        }
        LoginOutcome::EmailTaken { providers } => {
            return Err(WebsiteError::EmailTaken { providers });
        }
    };
    let Identity { issuer, subject } = &identity.identity;
    emit_check(Rule::Account, true, || format!("iss {issuer}, sub {subject}"), || found.to_owned());
    Ok(Login { account_id, at })
}

/// Links the identity to the account of the session that started the login, if that session still
/// exists.
async fn link(
    services: &Services,
    pending: &PendingLogin,
    identity: &ExternalIdentity,
) -> Result<(), WebsiteError> {
    let (accounts, now) = (&services.accounts, services.clock.seconds());
    let session_id = pending.session.as_ref().ok_or(WebsiteError::NotLoggedIn)?;
    let session = accounts
        .load_session(session_id, services.idle_cutoff(), now)
        .await?
        .ok_or(WebsiteError::NotLoggedIn)?;
    match accounts.link_identity(&session.account_id, identity, now).await? {
        LinkOutcome::Linked | LinkOutcome::AlreadyLinked => Ok(()),
        LinkOutcome::LinkedElsewhere => Err(WebsiteError::IdentityTaken),
    }
}

/// Starts a session under a new identifier, so that one that an attacker planted before the login
/// is useless after it (session fixation).
async fn start_session(
    services: &Services,
    jar: CookieJar,
    pending: &PendingLogin,
    login: Login,
    identity: ExternalIdentity,
    sid: Option<String>,
    tokens: &UserTokens,
) -> Result<CookieJar, WebsiteError> {
    let secret = RandomId::generate(services.random)?;
    let ttl = i64::from(services.sessions.absolute_timeout_seconds);
    let session = Session {
        id: secret.digest(),
        account_id: login.account_id,
        provider: identity.provider,
        identity: identity.identity,
        sid,
        sealed_tokens: tokens.seal(&secret, services.random)?,
        last_seen_at: login.at,
        expires_at: login.at + ttl,
    };
    services.accounts.start_session(&session, pending.session.as_ref()).await?;
    let cookies = Cookies::for_website(&services.public_url);
    Ok(cookies.set(jar, CookieUse::Session, &secret, ttl))
}
