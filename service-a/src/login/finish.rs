use axum_extra::extract::CookieJar;
use uuid::Uuid;

use super::{
    Answer, Refusal, ReturnTo,
    begin::{Waiting, cookie_of},
};
use crate::{
    accounts::{Entered, Linked, PendingLogin, Purpose, Session, Visitor},
    http::cookies::CookieUse,
    providers::{LoginSecrets, Proven, Provider, UserTokens},
    random_id::RandomId,
    services::Website,
};

/// The browser is back from `provider`: who is it, and which account is theirs?
pub async fn finish(
    website: &Website,
    provider: &Provider,
    jar: CookieJar,
    answer: &Answer,
) -> Result<(CookieJar, ReturnTo), Refusal> {
    // 1. Is it the answer to a login of this browser? That is spent first: of two answers one goes
    //    on.
    let (pending, secrets, return_to) = spend(website, provider, &jar, answer).await?;
    // 2. Is it this provider's answer?
    if pending.provider != provider.name {
        return Err(Refusal::OtherProvider);
    }
    if pending.expires_at <= website.clock.seconds() {
        return Err(Refusal::LoginExpired);
    }
    provider.answered_by(answer.iss()).await?;
    // 3. Who is it?
    let proven = provider.prove(&answer.code(provider)?, &secrets).await?;
    // 4. Whose account is it?
    let Proven { identity, profile, sid, tokens } = proven;
    let visitor = Visitor { identity, provider: provider.name.clone(), profile };
    match pending.purpose {
        Purpose::Link => link(website, &pending, &visitor).await.map(|()| (jar, return_to)),
        Purpose::LogIn => {
            let account_id = enter(website, &visitor).await?;
            let jar =
                begin_session(website, jar, &pending, account_id, visitor, sid, &tokens).await?;
            Ok((jar, return_to))
        }
    }
}

async fn spend(
    website: &Website,
    provider: &Provider,
    jar: &CookieJar,
    answer: &Answer,
) -> Result<(PendingLogin, LoginSecrets, ReturnTo), Refusal> {
    // Without the binding, somebody could log this browser in to an account of their own (login
    // CSRF, RFC 6749 §10.12).
    let browser = website.cookies.shown(jar, cookie_of(provider)).ok_or(Refusal::NoSuchLogin)?;
    let state = answer.state.as_ref().ok_or(Refusal::NoSuchLogin)?;
    let pending = website
        .accounts
        .take_login(&state.digest(), &browser.digest())
        .await?
        .ok_or(Refusal::NoSuchLogin)?;
    let waiting = Waiting::open(state, &pending.secrets).ok_or(Refusal::NoSuchLogin)?;
    let secrets = waiting.secrets(state.clone()).ok_or(Refusal::NoSuchLogin)?;
    Ok((pending, secrets, waiting.return_to))
}

async fn enter(website: &Website, visitor: &Visitor) -> Result<String, Refusal> {
    let new_id = Uuid::now_v7().to_string();
    match website.accounts.enter(visitor, &new_id, website.clock.seconds()).await? {
        Entered::Known(account_id) => Ok(account_id),
        Entered::New(account_id) => {
            tracing::info!(
                account_id,
                provider = visitor.provider,
                "an account was made at a first login"
            );
            Ok(account_id)
        }
        Entered::EmailTaken { providers } => Err(Refusal::EmailTaken { providers }),
    }
}

/// The session that asked for it must still be there: whoever logged out meanwhile joins nothing.
async fn link(website: &Website, pending: &PendingLogin, visitor: &Visitor) -> Result<(), Refusal> {
    let (accounts, now) = (&website.accounts, website.clock.seconds());
    let asked = pending.session.as_ref().ok_or(Refusal::NotLoggedIn)?;
    let session =
        accounts.session(asked, website.idle_since(), now).await?.ok_or(Refusal::NotLoggedIn)?;
    match accounts.link(&session.account_id, visitor, now).await? {
        Linked::Added | Linked::Already => Ok(()),
        Linked::Elsewhere => Err(Refusal::IdentityTaken),
    }
}

/// A new name at each login: one that somebody planted before it is worth nothing after it (session
/// fixation).
async fn begin_session(
    website: &Website,
    jar: CookieJar,
    pending: &PendingLogin,
    account_id: String,
    visitor: Visitor,
    sid: Option<String>,
    tokens: &UserTokens,
) -> Result<CookieJar, Refusal> {
    let (secret, now) = (RandomId::new(&website.entropy)?, website.clock.seconds());
    let lifetime = i64::from(website.sessions.absolute_timeout_seconds);
    let session = Session {
        id: secret.digest(),
        account_id,
        provider: visitor.provider,
        identity: visitor.identity,
        sid,
        tokens: tokens.seal(&secret, &website.entropy)?,
        seen_at: now,
        expires_at: now + lifetime,
    };
    website.accounts.begin_session(&session, pending.session.as_ref()).await?;
    Ok(website.cookies.hand_out(jar, CookieUse::Session, &secret, lifetime))
}
