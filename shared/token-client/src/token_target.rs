use oauth_types::Scope;

/// What a token is for: its scope and its resource server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenTarget {
    /// The requested scope. Empty for the default of the authorization server.
    pub scope: Scope,
    /// The resource server (RFC 8707). `None` for the default of the authorization server.
    pub resource: Option<String>,
}
