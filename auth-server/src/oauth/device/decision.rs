use super::DeviceContext;
use crate::{
    domain::{
        AuditEvent, Client, ConsentedClaims, DeviceAuthorization, Outcome, RequestedClaims,
        UserGrant, new_jti, scopes_by_resource,
    },
    http::{ClientAddress, SignedIn},
    secure_random::SecureRandomError,
    storage::{Change, DeviceDecision, StoreError},
};

/// A user's decision about the access of a device.
pub struct Decision {
    pub device: DeviceAuthorization,
    pub allowed: bool,
}

/// Why a decision was not stored.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Random(#[from] SecureRandomError),
}

/// Leaves out what the client may no longer request.
pub fn narrowed_to_client(
    context: &DeviceContext,
    client: Option<&Client>,
    device: DeviceAuthorization,
) -> DeviceAuthorization {
    let Some(client) = client else { return device };
    DeviceAuthorization {
        scope: device.scope.filtered(|token| client.scopes.contains(token)),
        resources: device.resources.narrowed_to(client, &context.issuer),
        ..device
    }
}

/// Returns the claims that the operator defines and that the access gives away.
pub fn custom_claims(context: &DeviceContext, device: &DeviceAuthorization) -> ConsentedClaims {
    let registry = context.clients.registry.current();
    let resources = scopes_by_resource(&registry, &device.scope, &device.resources);
    registry.claims().of_access(&device.scope, resources.keys().map(String::as_str))
}

/// Stores the decision of a user with its audit record.
///
/// # Errors
/// Returns an error if the session has ended, if the code was decided before, or if the database or
/// the random number generator fails.
pub async fn store_decision(
    context: &DeviceContext,
    address: ClientAddress,
    SignedIn { session, user }: &SignedIn,
    Decision { device, allowed }: &Decision,
) -> Result<(), DecisionError> {
    let outcome = if *allowed { Outcome::Succeeded } else { Outcome::Rejected };
    let mut audit = context.audit.record(AuditEvent::Authorization, outcome, address);
    audit.client_id = Some(device.client_id.clone());
    audit.sub = Some(user.sub.clone());
    audit.scope = Some(device.scope.to_string());
    let grant = UserGrant {
        grant_id: new_jti(context.clock.millis(), &context.random.bytes()?),
        client_id: device.client_id.clone(),
        sub: user.sub.clone(),
        sid: session.sid.clone(),
        scope: device.scope.clone(),
        resources: device.resources.clone(),
        auth_time: session.auth_time,
        auth_time_requested: false,
        claims: RequestedClaims::default(),
        custom_claims: custom_claims(context, device),
        offline: device.scope.contains("offline_access"),
    };
    let decision =
        DeviceDecision { device: device.hash, exp: device.exp, grant: allowed.then_some(grant) };
    Ok(context.audit.apply(&audit, Change::DecideDevice(Box::new(decision))).await?)
}
