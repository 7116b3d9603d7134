//! One file a grant.

pub(crate) mod client_credentials;
