//! Requests from the host to the containers.

use std::{sync::LazyLock, time::Duration};

use anyhow::{Context, ensure};
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::Value;

use crate::project::{A, AUTH_SERVER, B_INTROSPECTION, B_LOCAL, Project};

/// The client secret of every demo client.
pub const SECRET: &str = "abc123";

/// The parts of a response that tests compare.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub retry_after: Option<u64>,
    pub body: Value,
}

impl Reply {
    pub fn is(&self, status: u16) -> anyhow::Result<()> {
        ensure!(self.status == status, "not {status} but {self:?}");
        Ok(())
    }
}

pub fn send(request: RequestBuilder) -> anyhow::Result<Reply> {
    let response = request.send()?;
    let status = response.status().as_u16();
    let retry_after =
        response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(Reply { status, retry_after, body: response.json().unwrap_or_default() })
}

pub fn http() -> &'static Client {
    static HTTP: LazyLock<Client> = LazyLock::new(|| {
        let plain = Client::builder().tls_certs_only([]).no_proxy();
        plain.timeout(Duration::from_secs(20)).build().unwrap_or_default()
    });
    &HTTP
}

/// Calls A, which calls a B. `target` is `local` or `introspection`.
pub fn call_a(project: &Project, target: &str) -> anyhow::Result<Reply> {
    send(http().get(format!("{}/api/call-b?target={target}", project.url(A)?)))
}

/// Requests B's protected resource with an access token.
pub fn call_b(project: &Project, service: &str, token: &str) -> anyhow::Result<Reply> {
    send(http().get(format!("{}/api/resource", project.url(service)?)).bearer_auth(token))
}

/// Returns the resource identifier of a B.
pub fn resource_of(service: &str) -> &'static str {
    match service {
        B_LOCAL => "http://localhost:9002",
        B_INTROSPECTION => "http://localhost:9003",
        _ => "",
    }
}

/// Requests an access token for a B with the client secret in the body.
pub fn access_token_for(
    project: &Project,
    service: &str,
    (client, secret): (&str, &str),
) -> anyhow::Result<String> {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_secret", secret),
        ("resource", resource_of(service)),
    ];
    let reply =
        send(http().post(format!("{}/oauth/token", project.url(AUTH_SERVER)?)).form(&form))?;
    reply.is(200)?;
    reply.body["access_token"].as_str().map(str::to_owned).context("no access_token")
}

/// Introspects an access token at C as B does.
pub fn introspect(project: &Project, token: &str, secret: &str) -> anyhow::Result<Value> {
    let request = http().post(format!("{}/oauth/introspect", project.url(AUTH_SERVER)?));
    let reply = send(request.basic_auth("service-b", Some(secret)).form(&[("token", token)]))?;
    reply.is(200)?;
    Ok(reply.body)
}
