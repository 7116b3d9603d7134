use oauth_types::{ClientAuthMethod, ClientSecret};

/// The unverified client credentials in a request.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    pub client_id: String,
    pub proof: ClientProof,
}

/// How a client proves its identity.
#[derive(Clone, Debug)]
pub enum ClientProof {
    Secret(ClientSecret, ClientAuthMethod),
    /// Only the `client_id`, which suffices for a public client. The text describes what a
    /// confidential client must send.
    None(String),
}
