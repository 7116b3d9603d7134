//! Tests of A, C, both Bs and the flow viewer over real sockets, in one process.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

mod auth_server_outage;
mod call_flow;
mod client_changes;
mod concurrent_calls;
mod cookie_isolation;
mod doctor;
mod event_lines;
mod flow_viewer;
mod forged_tokens;
mod http_limits;
mod key_rotation;
mod login;
mod raw_requests;
mod roles;
mod shared_clock;
mod shutdown;
mod token_rejections;
mod wechat_login;
