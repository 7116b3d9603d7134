use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use test_support::secrecy::JWT_PREFIXES;

use crate::{
    engine::logs_of,
    project::{A, AUTH_SERVER, B_INTROSPECTION, B_LOCAL, Project, SERVICES},
    requests::{access_token_for, call_a, call_b, http, introspect, send},
};

// Long and unique, so that a match can only be a leak.
const OF_A: &str = "secret-of-a-xiphias-gladius-under-trace";
const OF_B: &str = "secret-of-b-xiphias-gladius-under-trace";
const WRONG: &str = "wrong-secret-xiphias-gladius-under-trace";
const CLIENTS: &str = include_str!("../../../auth-server/src/clients/demo-clients.toml");

#[test]
fn logs_hold_no_secret_and_no_token_at_any_level() -> anyhow::Result<()> {
    let project = Project::new("logs")?;
    with_own_secrets_and_every_level(&project)?;
    project.start()?;
    let mut hidden = vec![OF_A.to_owned(), OF_B.to_owned(), WRONG.to_owned()];
    hidden.extend([("service-a", OF_A), ("service-a", WRONG), ("service-b", OF_B)].map(basic));
    hidden.extend(every_kind_of_request(&project)?);
    // A's own tokens are unknown to the test, but every JWT and every private key has one of these
    // parts.
    hidden.extend(JWT_PREFIXES.map(str::to_owned));
    hidden.push("PRIVATE KEY".to_owned());
    for service in SERVICES {
        let log = logs_of(&project.container(service)?)?;
        assert!(
            log.contains("TRACE") && log.contains("request"),
            "{service} did not log at every level: {log:.2000}"
        );
        for secret in &hidden {
            let line = log.lines().find(|line| line.contains(secret.as_str()));
            assert!(line.is_none(), "{service} logged {secret}: {line:?}");
        }
    }
    Ok(())
}

fn with_own_secrets_and_every_level(project: &Project) -> anyhow::Result<()> {
    let (others, b) = CLIENTS.rsplit_once("abc123").context("the demo's last client is B")?;
    let clients =
        project.file("clients.toml", &format!("{}{OF_B}{b}", others.replace("abc123", OF_A)))?;
    let b = json!({ "environment": {
        "GATEPASS__SERVICE_B__LOG__FILTER": "trace",
        "GATEPASS__SERVICE_B__INTROSPECTION__CLIENT_SECRET": OF_B,
    }});
    project.change(&json!({
        AUTH_SERVER: {
            "environment": {
                "GATEPASS__AUTH_SERVER__LOG__FILTER": "trace",
                "GATEPASS__AUTH_SERVER__CLIENTS_FILE": "/clients.toml",
            },
            "volumes": [format!("{}:/clients.toml:ro", clients.display())],
        },
        B_LOCAL: b,
        B_INTROSPECTION: b,
        A: { "environment": {
            "GATEPASS__SERVICE_A__LOG__FILTER": "trace",
            "GATEPASS__SERVICE_A__CLIENT_SECRET": OF_A,
            "GATEPASS__SERVICE_A__TOKEN_ENDPOINT_AUTH_METHOD": "client_secret_basic",
        }},
    }))
}

fn basic((client, secret): (&str, &str)) -> String {
    let encoded = BASE64_STANDARD.encode(format!("{client}:{secret}"));
    // The padding may be encoded differently.
    encoded.trim_end_matches('=').to_owned()
}

/// Sends valid and invalid requests of every kind. Returns the tokens that were used.
fn every_kind_of_request(project: &Project) -> anyhow::Result<Vec<String>> {
    let c = project.url(AUTH_SERVER)?;
    let mut tokens = Vec::new();
    for (service, target) in [(B_LOCAL, "local"), (B_INTROSPECTION, "introspection")] {
        call_a(project, target)?.is(200)?;
        let token = access_token_for(project, service, ("service-a", OF_A))?;
        let opaque = access_token_for(project, service, ("service-a-opaque", OF_A))?;
        call_b(project, service, &token)?.is(200)?;
        call_b(project, service, &opaque)?.is(if service == B_LOCAL { 401 } else { 200 })?;
        let tampered = format!("{token}x");
        call_b(project, service, &tampered)?.is(401)?;
        let in_query = http()
            .get(format!("{}/api/resource", project.url(service)?))
            .query(&[("access_token", &token)]);
        send(in_query)?.is(400)?;
        assert_eq!(introspect(project, &opaque, OF_B)?["active"], true);
        tokens.extend([token, opaque, tampered]);
    }
    let form = [("grant_type", "client_credentials")];
    let token = || http().post(format!("{c}/oauth/token")).form(&form);
    send(token().basic_auth("service-a", Some(OF_A)))?.is(200)?;
    send(token().basic_auth("service-a", Some(WRONG)))?.is(401)?;
    send(token().query(&[("client_id", "service-a"), ("client_secret", WRONG)]))?.is(400)?;
    let revoke = http().post(format!("{c}/oauth/revoke")).form(&[("token", &tokens[0])]);
    send(revoke.basic_auth("service-a", Some(OF_A)))?.is(200)?;
    Ok(tokens)
}
