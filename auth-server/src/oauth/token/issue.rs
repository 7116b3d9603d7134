//! Handles token requests: the phases that all grants share.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flow_events::{Event, IdTokenSummary, TokenHeader, emit};
use oauth_types::{AccessToken, AccessTokenClaims, IdToken, Scope, TokenResponse};

use super::{
    TokenContext,
    grants::{self, ACCESS_TOKEN_TYPE, GrantOutcome, UserContext},
    request::TokenRequest,
};
use crate::{
    domain::{
        Algorithm, AuditEvent, AuditRecord, ClaimContext, ClaimTarget, Client, ConsentedClaims,
        GrantedAccess, OpaqueToken, Outcome, Registry, TokenFormat, TokenHash, TokenProfile, User,
        UserIssuance, UserLoginConfig, exchangeable_claims, new_opaque_token, releasable_claims,
        released_claims,
    },
    http::{ApiError, ClientAddress, ClientRequest},
    keys::KeyError,
    storage::{AuditedChange, Change, StoreError},
    tokens::{AccessTokenRequest, IdTokenFacts, Subjects, id_token, sign_access_token},
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-5";

/// Handles a token request and records the outcome in the audit log.
///
/// # Errors
/// Returns the error for the client.
pub async fn handle_token_request(
    context: &TokenContext,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
) -> Result<TokenResponse, ApiError> {
    let mut record = context.audit.record(AuditEvent::Token, Outcome::Rejected, address);
    match issue(context, address, request, &mut record).await {
        Ok(response) => Ok(response),
        Err(error) => Err(reject(context, record, error).await),
    }
}

async fn issue(
    context: &TokenContext,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
    record: &mut AuditRecord,
) -> Result<TokenResponse, ApiError> {
    let request = request?;
    record.scope = auditable_scope(context, request.form.get("scope"));
    // 1. Authenticate the client.
    let client = context.clients.authenticate(request.credentials()?, address.0, record).await?;
    // 2. Evaluate the grant.
    let grant_type = request.required("grant_type", RULE)?;
    let registry = context.clients.registry.current();
    let now = context.clock.seconds();
    let token_request = TokenRequest {
        context,
        client: &client,
        registry: &registry,
        form: &request.form,
        address,
        now,
    };
    let outcome = grants::dispatch(grant_type, &token_request).await?;
    if let Some(response) =
        issue_and_store(context, &client, outcome, request.expires_in, record).await?
    {
        return Ok(response);
    }
    // A concurrent request consumed the credential first. Evaluate the grant again: this is either
    // a replay or a retry.
    let outcome = grants::dispatch(grant_type, &token_request).await?;
    Ok(issue_and_store(context, &client, outcome, request.expires_in, record)
        .await?
        .ok_or(StoreError::AlreadyConsumed)?)
}

/// Returns the requested scope if every value is known. Unknown values are not recorded, because
/// callers control them.
fn auditable_scope(context: &TokenContext, requested: Option<&str>) -> Option<String> {
    let scope: Scope = requested?.parse().ok()?;
    let registry = context.clients.registry.current();
    let serves =
        |value: &str| registry.resources().iter().any(|resource| resource.scopes.contains(value));
    scope
        .iter()
        .all(|value| registry.is_issuer_scope(value) || serves(value))
        .then(|| scope.to_string())
}

/// Issues and stores the tokens of a grant. Returns `None` if a concurrent request consumed the
/// credential.
async fn issue_and_store(
    context: &TokenContext,
    client: &Client,
    outcome: GrantOutcome,
    expires_in: Option<i64>,
    record: &mut AuditRecord,
) -> Result<Option<TokenResponse>, ApiError> {
    // 3. Issue the access token.
    let GrantOutcome { sub, granted, user, exchanged } = outcome;
    let now = context.clock.millis();
    // An exchanged token keeps the subject of the first one. Otherwise the client sees the subject
    // that it knows the user by, which may be pairwise (OpenID Connect Core §8).
    let subject = match &user {
        Some(user) if exchanged.is_none() => context.subjects.subject_for(client, &user.grant.sub),
        _ => sub,
    };
    let registry = context.clients.registry.current();
    let found = user_of(context, client, &registry, user.as_ref()).await?;
    // The user's OpenID Connect scopes belong to the client of the grant, not to one that exchanges
    // its token.
    let scope = match &user {
        Some(user) if exchanged.is_none() => {
            granted.scope.union(&registry.issuer_part(&user.grant.scope))
        }
        _ => granted.scope.clone(),
    };
    let consented = match &user {
        None => ConsentedClaims::default(),
        Some(user) if exchanged.is_some() => {
            exchangeable_claims(&registry, &user.grant, &granted.scope, &granted.audience)
        }
        Some(user) => releasable_claims(&registry, &user.grant),
    };
    let custom = registry.claims().values(&ClaimContext {
        target: ClaimTarget::AccessToken,
        client,
        user: found.as_ref(),
        consented: &consented,
        scope: &scope,
        audience: Some(&granted.audience),
    });
    let issued_token_type = exchanged.as_ref().map(|_| ACCESS_TOKEN_TYPE.to_owned());
    let claims = context.issuer.claims(AccessTokenRequest {
        client_id: &client.client_id,
        generation: client.token_generation,
        sub: &subject,
        access: &granted,
        custom,
        grant_id: user.as_ref().map(|user| user.grant.grant_id.as_str()),
        exchanged,
        expires_in,
        now_millis: now,
        random: context.random.bytes()?,
    });
    let claims_exp = claims.exp;
    let (token, opaque) = new_token(context, &granted, &claims).await?;
    let id_token = match &user {
        Some(user) if user.grant.scope.contains("openid") && claims.act.is_none() => {
            Some(id_token_for(context, client, user, found.as_ref(), &token).await?)
        }
        _ => None,
    };
    // 4. Commit the audit record and consume the credential before responding: the audit log
    // contains every issued token, and a credential cannot be used twice.
    record.jti = Some(claims.jti.clone());
    record.scope = Some(granted.scope.to_string());
    record.sub = user.as_ref().map(|user| user.grant.sub.clone());
    let refresh = user.as_ref().and_then(|user| user.refresh_token.as_ref());
    let refresh_token = refresh.map(|refresh| refresh.token.clone());
    let audit = AuditRecord { outcome: Outcome::Issued, ..record.clone() };
    match context
        .audit
        .append(AuditedChange::of_request(audit, change(user, &claims, opaque)))
        .await
    {
        Err(StoreError::AlreadyConsumed) => return Ok(None),
        stored => stored?,
    }
    record.outcome = Outcome::Issued;
    context.audit.count(record);
    emit(|| {
        let (token, header) = (token.fingerprint(), header_of(token.expose()));
        Event::TokenIssued { token, header, claims }
    });
    if let Some(id_token) = &id_token {
        emit(|| Event::IdTokenIssued {
            token: id_token.fingerprint(),
            header: header_of(id_token.expose()),
            claims: summary_of(id_token).unwrap_or_default(),
        });
    }
    // The syntax has no empty scope (RFC 6749 §3.3).
    let scope = Some(granted.scope).filter(|scope| !scope.is_empty());
    let expires_in = u64::try_from(claims_exp - now.div_euclid(1_000)).unwrap_or_default();
    Ok(Some(TokenResponse {
        issued_token_type,
        refresh_token,
        id_token,
        ..TokenResponse::bearer(token, Some(expires_in), scope)
    }))
}

/// Returns the header of a JWT; `None` for an opaque token.
fn header_of(token: &str) -> Option<TokenHeader> {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split_once('.')?.0).ok()?;
    serde_json::from_slice(&header).ok()
}

/// Returns what an event may say about an ID token.
fn summary_of(token: &IdToken) -> Option<IdTokenSummary> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1)?).ok()?;
    Some(IdTokenSummary::of(&serde_json::from_slice(&payload).ok()?))
}

async fn new_token(
    context: &TokenContext,
    access: &GrantedAccess,
    claims: &AccessTokenClaims,
) -> Result<(AccessToken, Option<OpaqueToken>), ApiError> {
    match access.format {
        TokenFormat::Jwt => {
            let TokenProfile { typ, algorithm, .. } = access.profile;
            if let Some(algorithm) = algorithm {
                context.keys.await_signing_key(algorithm).await?;
            }
            let ring = context.keys.ring();
            let own =
                algorithm.map_or_else(|| ring.access_token_key(), |own| ring.signing_key(own));
            Ok((sign_access_token(claims, typ, own.ok_or(KeyError)?)?, None))
        }
        TokenFormat::Opaque => {
            let token = new_opaque_token(context.random.bytes()?);
            let stored = OpaqueToken { hash: TokenHash::of(&token), claims: claims.clone() };
            Ok((token, Some(stored)))
        }
    }
}

/// Returns the user of a grant, if tokens contain claims about the user.
async fn user_of(
    context: &TokenContext,
    client: &Client,
    registry: &Registry,
    user: Option<&UserContext>,
) -> Result<Option<User>, ApiError> {
    let is_needed = has_profile(client)
        || user.is_some_and(|user| !user.grant.claims.id_token.is_empty())
        || [ClaimTarget::AccessToken, ClaimTarget::IdToken]
            .into_iter()
            .any(|target| registry.claims().need_user(target));
    match user.filter(|_| is_needed) {
        Some(user) => Ok(context.store.user(&user.grant.sub).await?),
        None => Ok(None),
    }
}

fn has_profile(client: &Client) -> bool {
    client.login.as_ref().is_some_and(|login| login.id_token_claims)
}

async fn id_token_for(
    context: &TokenContext,
    client: &Client,
    user: &UserContext,
    found: Option<&User>,
    token: &AccessToken,
) -> Result<IdToken, ApiError> {
    let algorithm = id_token_algorithm(client);
    context.keys.await_signing_key(algorithm).await?;
    let ring = context.keys.ring();
    let facts = id_token_facts(context, client, user, found, Some(token));
    Ok(id_token(facts, ring.signing_key(algorithm).ok_or(KeyError)?)?)
}

/// Returns the algorithm that signs the ID tokens of a client.
pub fn id_token_algorithm(client: &Client) -> Algorithm {
    client.login.as_ref().map(UserLoginConfig::id_token_algorithm).unwrap_or_default()
}

/// Returns what the ID token of a grant is made of. `found` is the user, if tokens contain claims
/// about the user.
pub fn id_token_facts<'a>(
    context: &'a TokenContext,
    client: &'a Client,
    user: &UserContext,
    found: Option<&User>,
    access_token: Option<&'a AccessToken>,
) -> IdTokenFacts<'a> {
    let nothing = Scope::empty();
    let profile_scope = if has_profile(client) { &user.grant.scope } else { &nothing };
    let registry = context.clients.registry.current();
    let consented = &releasable_claims(&registry, &user.grant);
    let values = |target| {
        let scope = &user.grant.scope;
        let context =
            ClaimContext { target, client, user: found, consented, scope, audience: None };
        registry.claims().values(&context)
    };
    let mut custom = values(ClaimTarget::IdToken);
    if has_profile(client) {
        for (name, value) in values(ClaimTarget::Userinfo).iter() {
            if !custom.contains(name) {
                custom.insert(name, value.clone());
            }
        }
    }
    IdTokenFacts {
        profile: found.map(|found| {
            released_claims(&found.claims, profile_scope, &user.grant.claims.id_token)
        }),
        custom,
        issuer: &context.issuer.issuer,
        client,
        sid: context.subjects.session_id_for(client, &user.grant.sid),
        auth_time: Subjects::auth_time_for(client, &user.grant),
        sub: context.subjects.subject_for(client, &user.grant.sub),
        nonce: user.nonce.clone(),
        access_token,
        now: context.clock.seconds(),
        ttl: context.ttls.id_token,
    }
}

fn change(
    user: Option<UserContext>,
    claims: &AccessTokenClaims,
    opaque: Option<OpaqueToken>,
) -> Change {
    match (user, opaque) {
        (None, None) => Change::None,
        (None, Some(token)) => Change::StoreOpaqueToken(token),
        (Some(user), opaque) => Change::IssueTokens(Box::new(UserIssuance {
            grant_id: user.grant.grant_id,
            consumes: user.consumes,
            exp: claims.exp,
            opaque,
            refresh_token: user.refresh_token.and_then(|refresh| refresh.new),
        })),
    }
}

async fn reject(context: &TokenContext, record: AuditRecord, error: ApiError) -> ApiError {
    emit(|| Event::TokenRequestRejected {
        client_id: record.client_id.clone(),
        error: error.error.error,
        // The description quotes the caller.
        description: error.at_fault().unwrap_or_default().to_owned(),
    });
    error.audited(&context.audit, record).await
}
