//! One file a grant.

pub(crate) mod client_credentials;
pub(crate) mod token_exchange;
