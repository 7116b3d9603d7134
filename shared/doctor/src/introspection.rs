//! May a resource server ask the issuer about tokens?

use oauth_types::IntrospectionResponse;

use crate::{
    checks::Checks, client::Client, connect_error::bare, diagnosis::Diagnosis,
    issuer::ConfirmedIssuer,
};

/// A token that nobody has made: the honest answer is that it is not active.
const NO_TOKEN: &str = "a-token-that-nobody-has-made";

/// Ask about a token that nobody has made.
pub async fn check_introspection(checks: &mut Checks, known: &ConfirmedIssuer, client: &Client) {
    const CHECK: &str = "introspection";
    let published = known.metadata.introspection_endpoint.as_deref();
    let Some(url) = known.resolve_endpoint(checks, CHECK, "introspection_endpoint", published)
    else {
        return;
    };
    let check = known.check(CHECK);
    let mut form = vec![("token", NO_TOKEN), ("token_type_hint", "access_token")];
    let authorization = client.prove(&mut form);
    let reply = match known.wire.post(&url, &form, authorization.as_deref()).await {
        Ok(reply) => reply,
        Err(why) => {
            let finding = known.not_reached(&url, &why);
            return checks.fail(check, format!("not reached: {}", why.words()), finding);
        }
    };
    if matches!(reply.status, 401 | 403) || client.refused(&reply).is("invalid_client") {
        let compared = format!(
            "the id `{}` with its secret (not shown), and what the issuer has registered",
            client.id
        );
        let advice = "write the secret that the issuer has for this id, or set `client_secret_file` to a file with it; and compare `client_id`";
        let change = client.names.change("client_secret", advice);
        let finding = Diagnosis::new(
            compared,
            "a client that is known, with its secret",
            client.refused(&reply).shown(),
            change,
        );
        return checks.fail(check, format!("the issuer does not let `{}` ask", client.id), finding);
    }
    match serde_json::from_slice::<IntrospectionResponse>(&reply.body) {
        Ok(IntrospectionResponse { active: false, .. }) if reply.status == 200 => {
            checks.ok(check, format!("`{}` may ask", client.id));
        }
        answer => {
            let compared = format!(
                "what answers at {} about a token that nobody has made",
                bare(url.as_str())
            );
            let found = match answer {
                Ok(IntrospectionResponse { active: true, .. }) => {
                    "active: it calls every token good".to_owned()
                }
                _ => format!("status {}, and no such JSON", reply.status),
            };
            let change = known
                .at
                .names
                .change("issuer", "look into the issuer's log, and at what stands between");
            let finding = Diagnosis::new(
                compared,
                "status 200 and {\"active\":false} (RFC 7662 section 2.2)",
                found,
                change,
            );
            checks.fail(check, "the answer cannot be used", finding);
        }
    }
}
