use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::Scope;

use super::mint::Mint;
use crate::{
    control::{ControlError, sessions::start_session},
    domain::{
        AllowedAccess, AuditEvent, AuthorizationCode, CODE_PREFIX, GrantResources, RequestedClaims,
        TokenHash, User, UserGrant, new_jti,
    },
    storage::{Authorization, Change},
};

/// A stored grant and its authorization code.
pub struct NewGrant {
    pub grant: UserGrant,
    pub code: String,
    pub code_hash: TokenHash,
}

/// Returns a grant that is not stored, to find out what it allows.
pub fn unstored_grant(mint: &Mint<'_>, user: &User, allowed: AllowedAccess) -> UserGrant {
    let registry = &mint.registry;
    let resources = allowed.by_resource(registry);
    let resources = resources.keys().map(String::as_str);
    UserGrant {
        grant_id: String::new(),
        client_id: mint.client.client_id.clone(),
        sub: user.sub.clone(),
        sid: String::new(),
        offline: allowed.scope.contains("offline_access"),
        custom_claims: registry.claims().of_access(&allowed.scope, resources),
        scope: allowed.scope,
        resources: allowed.resources,
        auth_time: mint.now,
        auth_time_requested: false,
        claims: RequestedClaims::default(),
    }
}

/// Stores a grant with an authorization code, as if the user had signed in and consented.
///
/// # Errors
/// Returns an error if the database or the random number generator fails.
pub async fn store_grant(
    mint: &Mint<'_>,
    user: &User,
    scope: Scope,
    resources: GrantResources,
    code_exp: i64,
) -> Result<NewGrant, ControlError> {
    let context = mint.context;
    let session = start_session(mint.authorization, user, mint.address).await?;
    let code =
        format!("{CODE_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(context.random.bytes::<32>()?));
    let code_hash = TokenHash::of_text(&code);
    let grant = UserGrant {
        grant_id: new_jti(context.clock.millis(), &context.random.bytes()?),
        sid: session.sid,
        auth_time: session.auth_time,
        ..unstored_grant(mint, user, AllowedAccess { scope, resources })
    };
    let stored = AuthorizationCode {
        hash: code_hash,
        redirect_uri: mint.request.redirect_uri.clone(),
        code_challenge: mint.request.code_challenge.clone(),
        nonce: mint.request.nonce.clone(),
        exp: code_exp,
    };
    let mut record = mint.record(AuditEvent::Authorization);
    record.scope = Some(grant.scope.to_string());
    let authorization =
        Authorization { grant: grant.clone(), code: stored, consent: None, pushed: None };
    context.audit.apply(&record, Change::Authorize(Box::new(authorization))).await?;
    Ok(NewGrant { grant, code, code_hash })
}
