//! From a client's request for a token to its answer: the phases that all grants share.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flow_events::{Event, TokenHeader, emit};
use oauth_types::{AccessToken, AccessTokenClaims, IdToken, Scope, TokenResponse};

use super::grants::{self, ACCESS_TOKEN_TYPE, Approved, ForUser, TokenRequest};
use crate::{
    domain::{
        AuditEvent, AuditRecord, Client, OPENID_SCOPES, OpaqueToken, Outcome, TokenFormat,
        TokenHash, UserIssuance, UserLoginConfig, new_opaque_token, with_grant_id,
    },
    http::{ClientAddress, Failure, FormRequest},
    keys::KeyError,
    state::App,
    storage::{AuditedChange, Change, StoreError},
    tokens::{IdTokenFacts, Issuer, id_token},
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-5";

/// Answer a request for a token, and write down what came of it.
///
/// # Errors
/// The refusal.
pub async fn issue_or_refuse(
    app: &App,
    address: ClientAddress,
    request: Result<FormRequest, Failure>,
) -> Result<TokenResponse, Failure> {
    let mut record = app.audit_record(AuditEvent::Token, Outcome::Rejected, address);
    match issue(app, address, request, &mut record).await {
        Ok(answer) => Ok(answer),
        Err(failure) => Err(refuse(app, record, failure).await),
    }
}

async fn issue(
    app: &App,
    address: ClientAddress,
    request: Result<FormRequest, Failure>,
    record: &mut AuditRecord,
) -> Result<TokenResponse, Failure> {
    let request = request?;
    record.scope = known_scope(app, request.form.get("scope"));
    // 1. Who asks?
    let client = request.client(app, address, record).await?;
    // 2. For what, and may it?
    let grant_type = request.required("grant_type", RULE)?;
    let registry = app.registry.current();
    let now = app.clock.seconds();
    let asked = TokenRequest {
        app,
        client: &client,
        registry: &registry,
        form: &request.form,
        address,
        now,
    };
    let approved = grants::dispatch(grant_type, &asked).await?;
    if let Some(answer) = hand_out(app, &client, approved, request.expires_in, record).await? {
        return Ok(answer);
    }
    // Somebody was quicker. The grant decides anew what that means: a replay, or the same question
    // asked twice.
    let approved = grants::dispatch(grant_type, &asked).await?;
    Ok(hand_out(app, &client, approved, request.expires_in, record)
        .await?
        .ok_or(StoreError::AlreadyConsumed)?)
}

/// What was asked for, where every word of it is one of ours: the records hold no words of a
/// caller's own.
fn known_scope(app: &App, asked: Option<&str>) -> Option<String> {
    let scope: Scope = asked?.parse().ok()?;
    let registry = app.registry.current();
    let serves =
        |word: &str| registry.resources().iter().any(|resource| resource.scopes.contains(word));
    scope
        .iter()
        .all(|word| OPENID_SCOPES.contains(&word) || serves(word))
        .then(|| scope.to_string())
}

/// Make and store what was approved; nothing when what it is given for was spent meanwhile.
async fn hand_out(
    app: &App,
    client: &Client,
    approved: Approved,
    expires_in: Option<i64>,
    record: &mut AuditRecord,
) -> Result<Option<TokenResponse>, Failure> {
    // 3. Make the pass.
    let Approved { sub, granted, user, exchanged } = approved;
    let now = app.clock.millis();
    // What was exchanged speaks for whom it spoke before; else the user has the name by which this
    // client knows them.
    let told_sub = match &user {
        Some(user) if exchanged.is_none() => app.subjects.told_to(client, &user.grant.sub),
        _ => sub,
    };
    let mut claims =
        app.issuer.claims(&client.client_id, &told_sub, &granted, now, &app.entropy.bytes()?);
    if let Some(user) = &user {
        claims.jti = with_grant_id(&claims.jti, &user.grant.grant_id);
    }
    let issued_token_type = exchanged.as_ref().map(|_| ACCESS_TOKEN_TYPE.to_owned());
    if let Some(exchanged) = exchanged {
        claims.exp = claims.exp.min(exchanged.not_after);
        claims.act = Some(exchanged.act);
    }
    if let Some(expires_in) = expires_in {
        let life = claims.exp - claims.iat;
        claims.exp = now.div_euclid(1_000) + expires_in;
        claims.iat = claims.iat.min(claims.exp - life);
    }
    let claims_exp = claims.exp;
    let (token, opaque) = make(app, granted.format, &claims)?;
    let id_token = match &user {
        Some(user) if user.grant.scope.contains("openid") && claims.act.is_none() => {
            Some(id_token_for(app, client, user, &token).await?)
        }
        _ => None,
    };
    // 4. Write down what is about to be answered, and spend what it is answered for: no pass is out
    //    that the audit trail does not know, and nothing is answered twice.
    record.jti = Some(claims.jti.clone());
    record.scope = Some(granted.scope.to_string());
    record.sub = user.as_ref().map(|user| user.grant.sub.clone());
    let refresh = user.as_ref().and_then(|user| user.refresh_token.as_ref());
    let refresh_token = refresh.map(|refresh| refresh.token.clone());
    let audit = AuditRecord { outcome: Outcome::Issued, ..record.clone() };
    match app.store.apply(AuditedChange::of_request(audit, change(user, &claims, opaque))).await {
        Err(StoreError::AlreadyConsumed) => return Ok(None),
        stored => stored?,
    }
    record.outcome = Outcome::Issued;
    app.metrics.count(record);
    emit(|| Event::TokenIssued { token: token.fingerprint(), header: header_of(&token), claims });
    let expires_in = u64::try_from(claims_exp - now.div_euclid(1_000)).unwrap_or_default();
    Ok(Some(TokenResponse {
        issued_token_type,
        refresh_token,
        id_token,
        ..TokenResponse::bearer(token, Some(expires_in), Some(granted.scope))
    }))
}

/// The header of a pass that is a JWT, as everybody who carries it can read it.
fn header_of(token: &AccessToken) -> Option<TokenHeader> {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.expose().split_once('.')?.0).ok()?;
    serde_json::from_slice(&header).ok()
}

fn make(
    app: &App,
    format: TokenFormat,
    claims: &AccessTokenClaims,
) -> Result<(AccessToken, Option<OpaqueToken>), Failure> {
    match format {
        TokenFormat::Jwt => {
            let ring = app.keys.ring();
            Ok((Issuer::sign(claims, ring.for_access_tokens().ok_or(KeyError)?)?, None))
        }
        TokenFormat::Opaque => {
            let token = new_opaque_token(app.entropy.bytes()?);
            let remembered = OpaqueToken { hash: TokenHash::of(&token), claims: claims.clone() };
            Ok((token, Some(remembered)))
        }
    }
}

async fn id_token_for(
    app: &App,
    client: &Client,
    user: &ForUser,
    token: &AccessToken,
) -> Result<IdToken, Failure> {
    let algorithm =
        client.login.as_ref().map(UserLoginConfig::id_token_algorithm).unwrap_or_default();
    let now = app.clock.seconds();
    app.keys.have(algorithm, &*app.store, now).await?;
    let facts = IdTokenFacts {
        issuer: &app.issuer.issuer,
        client,
        grant: &user.grant,
        sub: app.subjects.told_to(client, &user.grant.sub),
        nonce: user.nonce.clone(),
        access_token: token,
        now,
        lives: app.lives.id_token_ttl_seconds,
    };
    let ring = app.keys.ring();
    Ok(id_token(facts, ring.of(algorithm).ok_or(KeyError)?)?)
}

fn change(
    user: Option<ForUser>,
    claims: &AccessTokenClaims,
    opaque: Option<OpaqueToken>,
) -> Change {
    match (user, opaque) {
        (None, None) => Change::None,
        (None, Some(token)) => Change::StoreOpaqueToken(token),
        (Some(user), opaque) => Change::IssueTokens(Box::new(UserIssuance {
            grant_id: user.grant.grant_id,
            spends: user.spends,
            exp: claims.exp,
            opaque,
            refresh_token: user.refresh_token.and_then(|refresh| refresh.new),
        })),
    }
}

async fn refuse(app: &App, record: AuditRecord, failure: Failure) -> Failure {
    emit(|| Event::TokenRequestRejected {
        client_id: record.client_id.clone(),
        error: failure.error.error,
        // Not its description, which quotes the caller.
        description: failure.at_fault().unwrap_or_default().to_owned(),
    });
    app.refuse(record, failure).await
}
