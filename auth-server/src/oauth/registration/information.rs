use oauth_types::{AccessToken, ClientSecret};
use serde::{Serialize, Serializer};

use crate::domain::{ClientMetadata, Registration};

/// The client information response (RFC 7591 §3.2.1, RFC 7592 §3).
#[derive(Serialize)]
pub struct ClientInformation {
    client_id: String,
    client_id_issued_at: i64,
    /// Present only for a new secret: C stores the hash and cannot return the secret later.
    #[serde(flatten)]
    secret: Option<NewSecret>,
    #[serde(serialize_with = "write_out")]
    registration_access_token: AccessToken,
    registration_client_uri: String,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

#[derive(Serialize)]
struct NewSecret {
    #[serde(serialize_with = "write_out_secret")]
    client_secret: ClientSecret,
    /// 0 means that the secret does not expire.
    client_secret_expires_at: i64,
}

impl ClientInformation {
    pub fn new(
        issuer: &str,
        registration: Registration,
        token: AccessToken,
        secret: Option<ClientSecret>,
    ) -> Self {
        let Registration { client, metadata, issued_at, .. } = registration;
        let secret =
            secret.map(|client_secret| NewSecret { client_secret, client_secret_expires_at: 0 });
        let base = issuer.trim_end_matches('/');
        Self {
            registration_client_uri: format!("{base}/oauth/register/{}", client.client_id),
            client_id: client.client_id,
            client_id_issued_at: issued_at,
            secret,
            registration_access_token: token,
            metadata,
        }
    }
}

fn write_out<S: Serializer>(token: &AccessToken, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

fn write_out_secret<S: Serializer>(
    secret: &ClientSecret,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}
