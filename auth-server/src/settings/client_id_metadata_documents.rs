use serde::{Deserialize, Serialize};

/// Clients that identify themselves by the https URL of their metadata
/// (draft-ietf-oauth-client-id-metadata-document).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientIdMetadataDocumentSettings {
    /// Accepts such clients. They need no registration: C fetches the URL that is their
    /// `client_id`. What they can have is what registered clients can have (`registration.scopes`,
    /// `registration.resources`, `registration.grant_types`, and open resources), also if
    /// registration is disabled. Default: `false`.
    pub enabled: bool,
}
