//! A session ends: the cookie is void, what was not to outlive it is void, and the clients will be
//! told.

use crate::{
    domain::{AuditEvent, Outcome, Session},
    http::ClientAddress,
    state::App,
    storage::{Change, StoreError},
};

/// End a session, wherever it was started.
///
/// # Errors
/// When the store cannot be used; the session is still there then.
pub async fn end_session(
    app: &App,
    session: &Session,
    address: ClientAddress,
) -> Result<(), StoreError> {
    let mut audit = app.audit_record(AuditEvent::SignOut, Outcome::Succeeded, address);
    audit.sub = Some(session.sub.clone());
    app.keep(&audit, Change::EndSession { sid: session.sid.clone() }).await
}
