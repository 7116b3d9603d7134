//! The website over real sockets: people who log in, providers that can be told how to behave, and
//! those who mean harm.

mod accounts;
mod apple;
mod browser;
mod first_login;
mod google;
mod id_tokens;
mod issuer;
mod logout;
mod my_resource;
mod no_page;
mod openapi;
mod providers_down;
mod secrecy;
mod sessions;
mod signer;
mod site;
mod state;
mod wechat;
