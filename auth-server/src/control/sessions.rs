use crate::{
    control::ControlError,
    domain::{AuditEvent, Outcome, Session, TokenHash, User, new_jti},
    http::ClientAddress,
    oauth::authorize::AuthorizationContext,
    storage::Change,
};

/// Starts a session of the user, as a sign-in does.
///
/// # Errors
/// Returns an error if the database or the random number generator fails, or if the user is
/// disabled.
pub async fn start_session(
    context: &AuthorizationContext,
    user: &User,
    address: ClientAddress,
) -> Result<Session, ControlError> {
    let now = context.clock.seconds();
    let session = Session {
        hash: TokenHash(context.random.bytes()?),
        sid: new_jti(context.clock.millis(), &context.random.bytes()?),
        sub: user.sub.clone(),
        auth_time: now,
        last_seen: now,
        address: address.0.to_string(),
        user_agent: String::new(),
    };
    let mut record = context.audit.record(AuditEvent::SignIn, Outcome::Succeeded, address);
    record.sub = Some(user.sub.clone());
    let change =
        Change::StartSession { session: session.clone(), verified_hash: user.password.clone() };
    context.audit.apply(&record, change).await?;
    Ok(session)
}
