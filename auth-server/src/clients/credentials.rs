use oauth_types::{ClientAuthMethod, ClientSecret};

/// The credentials in a request. Nothing about them is verified.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    pub client_id: String,
    pub proof: ClientProof,
}

/// How a client proves its identity.
#[derive(Clone, Debug)]
pub enum ClientProof {
    Secret(ClientSecret, ClientAuthMethod),
    /// Only the `client_id`, which suffices for a public client. The text says what a confidential
    /// client has to send.
    None(String),
}
