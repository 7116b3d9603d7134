//! Integration tests of the authorization server over real sockets: endpoints, errors, commands and
//! crash recovery.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod audit;
mod authorization_codes;
mod authorization_requests;
mod browser;
mod client;
mod client_auth_rate_limit;
mod client_commands;
mod command_line;
mod compat;
mod consent;
mod crash_recovery;
mod device_grant;
mod doctor;
mod error_pages;
mod full_disk;
mod http_limits;
mod introspection;
mod jwt;
mod key_rotation;
mod logout;
mod logs;
mod metadata;
mod observability;
mod openapi;
mod page_security;
mod process;
mod proxies;
mod pushed_requests;
mod refresh_tokens;
mod registration;
mod registration_flows;
mod registration_management;
mod registration_ssrf;
mod request_objects;
mod revocation;
mod shutdown_and_restart;
mod sign_in;
mod test_server;
mod tls;
mod token_errors;
mod token_exchange;
mod token_issuance;
mod user_commands;
mod userinfo;
