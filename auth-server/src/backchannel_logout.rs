//! Tells clients that a session is over (OpenID Connect Back-Channel Logout).

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    app::App,
    domain::{Client, Session, new_jti},
    failure::Failure,
    outgoing::Named,
    tokens::{KeyError, sign_jwt},
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const LIFE_SECONDS: i64 = 120;

/// The news, for one client (§2.4).
#[derive(Serialize)]
struct LogoutToken<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    sub: String,
    sid: &'a str,
    events: Value,
}

/// Tell every client that took part in the session. The user does not wait for it, and a client that is away misses it:
/// its tokens are void in any case.
pub fn tell_clients(app: &App, session: Session, client_ids: Vec<String>) {
    let app = app.clone();
    tokio::spawn(async move {
        let registry = app.registry.current();
        for client in client_ids.iter().filter_map(|client_id| registry.client(client_id)) {
            tell(&app, client, &session).await;
        }
    });
}

async fn tell(app: &App, client: &Arc<Client>, session: &Session) {
    let Some(uri) = client.login.as_ref().and_then(|login| login.backchannel_logout_uri.as_deref()) else { return };
    let told = match logout_token(app, client, session).await {
        Ok(token) => app.outgoing.form(uri, Named::by(client), &[("logout_token", &token)]).await,
        Err(failure) => Err(failure.to_string()),
    };
    match told {
        Ok(()) => tracing::info!(client_id = client.client_id, sid = session.sid, "a client was told of a sign-out"),
        Err(reason) => {
            tracing::warn!(client_id = client.client_id, sid = session.sid, reason, "a client missed a sign-out");
        }
    }
}

async fn logout_token(app: &App, client: &Client, session: &Session) -> Result<String, Failure> {
    let iat = app.clock.seconds();
    let token = LogoutToken {
        iss: &app.issuer.issuer,
        aud: &client.client_id,
        iat,
        exp: iat + LIFE_SECONDS,
        jti: new_jti(app.clock.millis(), &app.entropy.bytes()?),
        sub: app.subjects.told_to(client, &session.sub),
        sid: &session.sid,
        events: json!({ EVENT: {} }),
    };
    let algorithm = client.login.as_ref().map(crate::domain::LoginClient::id_token_algorithm).unwrap_or_default();
    app.keys.have(algorithm, &*app.store, iat).await?;
    let ring = app.keys.ring();
    Ok(sign_jwt("logout+jwt", &token, ring.of(algorithm).ok_or(KeyError)?)?)
}
