//! Login with a provider: the redirect to it, and the authorization response.

mod authorization_response;
mod failure;
mod finish;
mod return_to;
mod start;

pub use authorization_response::AuthorizationResponse;
pub use finish::finish_login;
pub use return_to::ReturnTo;
pub use start::{LoginRequest, start_login};
