//! Ends sessions: invalidates the cookie, revokes the grants that depend on the session and queues
//! the back-channel logout notifications.

use crate::oauth::authorize::AuthorizationContext;
use crate::{
    domain::{AuditEvent, Outcome, Session},
    http::ClientAddress,
    storage::{Change, StoreError},
};

/// Ends a session, in whichever browser it was started.
///
/// # Errors
/// Returns an error if the store is unavailable. The session then continues.
pub async fn end_session(
    context: &AuthorizationContext,
    session: &Session,
    address: ClientAddress,
) -> Result<(), StoreError> {
    let mut audit = context.audit.record(AuditEvent::SignOut, Outcome::Succeeded, address);
    audit.sub = Some(session.sub.clone());
    context.audit.apply(&audit, Change::EndSession { sid: session.sid.clone() }).await
}
