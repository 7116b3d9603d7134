use flow_events::{EventSink, FlowScope, Party, TraceContext};
use oauth_types::{ClientAuthMethod, ClientSecret, basic};
use test_support::mock::status;
use token_client::TokenClient;
use wiremock::ResponseTemplate;

use crate::setup::{AuthServer, SECRET, json, target, token};

const TOKEN: &str = "eyJhbGciOiJub3QtdG8tYmUtc2VlbiJ9";

/// Returns everything that a process could log about one call: the outcome, the client, and all
/// events.
async fn everything_logged(response: ResponseTemplate, method: ClientAuthMethod) -> String {
    let c = AuthServer::with_responses([response]).await;
    let builder = c.builder().auth_method(method);
    let mut output = format!("{builder:?}");
    let client = builder.build().unwrap();
    let sink = EventSink::new(64);
    let mut listener = sink.subscribe().unwrap();
    let trace = TraceContext::root([7; 24]).unwrap();
    let scope = FlowScope { trace, party: Party::Client, sink, clock: c.clock.clone() };
    match scope.run(client.token(&target())).await {
        Ok(token) => output += &format!("{token:?} {client:?}"),
        Err(error) => output += &format!("{error} {error:?} {client:?}"),
    }
    while let Ok(event) = listener.try_recv() {
        output += &format!("{event:?} {}", serde_json::to_string(&event.event).unwrap());
    }
    output
}

fn error_response_with(text: &str) -> ResponseTemplate {
    json(
        401,
        &serde_json::json!({ "error": "invalid_client", "error_description": text, "error_uri": text }).to_string(),
    )
}

#[tokio::test]
async fn printed_values_contain_no_token_and_no_secret() {
    let header = basic::format("service-a", &ClientSecret::new(SECRET));
    let in_header = header.trim_start_matches("Basic ");
    let in_form = "s3cr%3Dt+%26+very%2Fprivate";
    let hidden = [SECRET, in_form, in_header, TOKEN];
    let responses = || {
        [
            token(TOKEN),
            error_response_with(&format!("the secret {SECRET} is wrong")),
            error_response_with(&format!("the body client_secret={in_form} is wrong")),
            error_response_with(&format!("the header {header} is wrong")),
            json(200, &format!(r#"{{"access_token":"{TOKEN}","token_type":"mac"}}"#)),
            json(
                200,
                &format!(
                    r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":"{SECRET}"}}"#
                ),
            ),
            json(200, TOKEN),
            json(400, &serde_json::json!({ "error": SECRET }).to_string()),
            json(
                400,
                &serde_json::json!({ "error": "x", "error_description": in_form }).to_string(),
            ),
            json(400, &format!("<p>{SECRET} {TOKEN}")),
            status(500).set_body_string(format!("{SECRET} {TOKEN}")),
        ]
    };
    for method in [ClientAuthMethod::Post, ClientAuthMethod::Basic] {
        for response in responses() {
            let output = everything_logged(response, method).await;
            assert!(output.contains("request_sent") && output.contains("TokenClient"), "{output}");
            for secret in hidden {
                assert!(!output.contains(secret), "{secret} in {output}");
            }
        }
    }
}

#[test]
fn build_error_does_not_print_url_passwords() {
    let build =
        TokenClient::builder("https://c:hunter2@c.example", "service-a", ClientSecret::new(SECRET))
            .build();
    let error = build.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}
