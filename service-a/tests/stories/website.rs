//! The website over real sockets: people who log in, providers that can be told how to behave, and those who mean harm.

mod browser;
mod first_login;
mod issuer;
mod signer;
mod site;
