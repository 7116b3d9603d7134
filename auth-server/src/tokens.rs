//! Access, ID and refresh tokens.

mod decode;
mod id_token;
mod issued_tokens;
mod issuer;
mod refresh_token_chain;
mod subjects;
mod ttls;

pub use decode::{decode_id_token_hint, decode_signed_access_token};
pub use id_token::{ACR, IdTokenFacts, id_token, id_token_claims};
pub use issued_tokens::IssuedTokens;
pub use issuer::{AccessTokenIssuer, AccessTokenRequest, ExchangedToken, sign_access_token};
pub use refresh_token_chain::{RefreshTokenChain, first_refresh_token, grant_id_of_refresh_token};
pub use subjects::Subjects;
pub use ttls::TokenTtls;
