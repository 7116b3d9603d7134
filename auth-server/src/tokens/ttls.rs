/// Lifetimes of what the token endpoint issues, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct TokenTtls {
    pub refresh_token: u32,
    /// How long the previous refresh token is accepted again after its use.
    pub refresh_reuse_grace: u32,
    pub id_token: u32,
}
