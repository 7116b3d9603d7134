//! A session ends: the cookie is void, what was not to outlive it is void, and the clients will be
//! told.

use crate::oauth::authorize::AuthorizationContext;
use crate::{
    domain::{AuditEvent, Outcome, Session},
    http::ClientAddress,
    storage::{Change, StoreError},
};

/// End a session, wherever it was started.
///
/// # Errors
/// When the store cannot be used; the session is still there then.
pub async fn end_session(
    context: &AuthorizationContext,
    session: &Session,
    address: ClientAddress,
) -> Result<(), StoreError> {
    let mut audit = context.audit.record(AuditEvent::SignOut, Outcome::Succeeded, address);
    audit.sub = Some(session.sub.clone());
    context.audit.apply(&audit, Change::EndSession { sid: session.sid.clone() }).await
}
