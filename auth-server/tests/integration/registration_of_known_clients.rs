//! Registration requests as programs send them (RFC 7591). Their texts are published; the programs
//! themselves are not run here.

use serde_json::{Value, json};

use crate::{
    browser::{AuthorizationRequest, Browser, VERIFIER},
    client::send,
    process::succeed,
    registration::{register_client, start_with_registration, text},
    test_server::{ALICE, ORDERS, ORDERS_API, TestServer},
};

/// Returns the names of the members that the last registration replaced, from the audit log.
async fn replaced_members(server: &TestServer) -> Value {
    let lines = succeed(&["audit", "--json"], &server.cli_arguments()).await;
    let mut records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let record = records.find(|record| record["event"] == "client_registration").unwrap();
    record["members"].clone()
}

/// Each program, its request, what differs in the response, and the replaced members.
fn requests() -> [(&'static str, Value, Value, Value); 8] {
    let native = json!({ "application_type": "native" });
    [
        (
            "VS Code",
            json!({
                "client_name": "Visual Studio Code", "client_uri": "https://code.visualstudio.com",
                "grant_types": [
                    "authorization_code", "refresh_token",
                    "urn:ietf:params:oauth:grant-type:device_code",
                ],
                "response_types": ["code"],
                "redirect_uris": [
                    "https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect",
                    "http://127.0.0.1/", "http://127.0.0.1:33418/",
                ],
                "token_endpoint_auth_method": "none", "application_type": "native",
            }),
            json!({}),
            json!(null),
        ),
        (
            "MCP Inspector",
            json!({
                "client_name": "MCP Inspector", "scope": "",
                "client_uri": "https://github.com/modelcontextprotocol/inspector",
                "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
                "redirect_uris": [
                    "http://localhost:6274/oauth/callback",
                    "http://localhost:6274/oauth/callback/debug",
                ],
                "token_endpoint_auth_method": "none",
            }),
            json!({
                "application_type": "native",
                "scope": "openid profile email address phone offline_access",
            }),
            json!(null),
        ),
        (
            "Claude Code",
            json!({
                "client_name": "Claude Code (orders)",
                "redirect_uris": ["http://localhost:54212/callback"],
                "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
                "token_endpoint_auth_method": "none", "scope": "orders:read offline_access",
            }),
            json!({ "application_type": "native", "scope": "offline_access" }),
            json!("scope"),
        ),
        (
            "MCP Python SDK",
            json!({
                "redirect_uris": ["http://localhost:3030/callback"],
                "token_endpoint_auth_method": "client_secret_post",
                "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
                "client_name": "SDK",
            }),
            native.clone(),
            json!(null),
        ),
        (
            "oidc-agent",
            json!({
                "application_type": "web", "client_name": "oidc-agent:egi",
                "response_types": ["code", "token"],
                "grant_types": [
                    "refresh_token", "authorization_code", "password",
                    "urn:ietf:params:oauth:grant-type:device_code",
                ],
                "scope": "openid offline_access storage.read",
                "redirect_uris": [
                    "edu.kit.data.oidc-agent:/redirect", "http://localhost:4242",
                    "http://localhost:21013", "http://localhost:8080",
                ],
            }),
            json!({
                "application_type": "native", "response_types": ["code"],
                "grant_types": [
                    "refresh_token", "authorization_code",
                    "urn:ietf:params:oauth:grant-type:device_code",
                ],
                "scope": "openid offline_access",
            }),
            json!("application_type grant_types response_types scope"),
        ),
        (
            "Flask-pyoidc",
            json!({
                "application_type": "web", "response_types": ["code"], "client_name": "Flask",
                "redirect_uris": ["http://localhost:5000/redirect_uri"],
                "post_logout_redirect_uris": ["http://localhost:5000/logout"],
                "grant_types": ["authorization_code"],
            }),
            native.clone(),
            json!("application_type"),
        ),
        (
            "idpyoidc",
            json!({
                "application_type": "web", "response_types": ["code"],
                "redirect_uris": ["https://rp.example/authz_cb/5f5a", "https://rp.example/authz_cb_form/5f5a"],
                "grant_types": ["authorization_code"], "jwks_uri": "https://rp.example/static/jwks.json",
                "subject_type": "public", "id_token_signed_response_alg": "RS256",
                "userinfo_signed_response_alg": "RS256", "request_object_signing_alg": "RS256",
                "token_endpoint_auth_method": "client_secret_basic",
                "token_endpoint_auth_signing_alg": "RS256", "default_max_age": 86_400,
                "response_modes": ["query", "fragment", "form_post"],
            }),
            json!({}),
            json!(null),
        ),
        (
            "mod_auth_openidc",
            json!({
                "client_name": "OpenID Connect Apache Module (mod_auth_openidc)",
                "redirect_uris": ["http://localhost:8000/private/redirect_uri"],
                "response_types": [
                    "code", "id_token", "id_token token", "code id_token", "code token",
                    "code id_token token",
                ],
                "grant_types": ["authorization_code", "implicit", "refresh_token"],
                "initiate_login_uri": "http://localhost:8000/private/redirect_uri",
                "frontchannel_logout_uri": "http://localhost:8000/private/redirect_uri?logout=get",
            }),
            json!({
                "application_type": "native", "response_types": ["code"],
                "grant_types": ["authorization_code", "refresh_token"], "initiate_login_uri": null,
            }),
            json!("grant_types initiate_login_uri response_types"),
        ),
    ]
}

#[tokio::test]
async fn published_requests_of_known_programs_register() {
    let server = start_with_registration().await;
    for (program, request, replaced, members) in requests() {
        let registration = register_client(&server, request.clone()).await;
        let sent = ["redirect_uris", "grant_types", "response_types", "scope", "client_name"];
        for name in sent.into_iter().chain(["application_type", "initiate_login_uri"]) {
            let expected = replaced.get(name).or_else(|| request.get(name));
            let expected = expected.filter(|expected| !expected.is_null());
            if expected.is_some() || name == "initiate_login_uri" {
                assert_eq!(registration.get(name), expected, "{program}: {name}");
            }
        }
        assert_eq!(replaced_members(&server).await, members, "{program}");
    }
}

#[tokio::test]
async fn login_succeeds_with_what_was_registered_in_place_of_the_request() {
    let server = start_with_registration().await;
    let (_, request, ..) = requests().into_iter().nth(4).unwrap();
    let registration = register_client(&server, request).await;
    let credentials = (text(&registration, "client_id"), text(&registration, "client_secret"));
    let scope = text(&registration, "scope");
    let auth_request = AuthorizationRequest::new(credentials.0, "http://localhost:4242", scope);
    let code = Browser::new(&server).authorization_code(&auth_request, ALICE).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "http://localhost:4242"),
        ("code_verifier", VERIFIER),
    ];
    let request = server.post("/oauth/token").form(&form);
    let tokens = send(request.basic_auth(credentials.0, Some(credentials.1))).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert!(tokens.json()["refresh_token"].is_string());
}

#[tokio::test]
async fn client_with_app_and_https_redirect_uris_asks_for_consent_every_time() {
    let server = start_with_registration().await;
    let https = "https://vscode.dev/redirect";
    let (_, request, ..) = requests().into_iter().next().unwrap();
    let registration = register_client(&server, request).await;
    let client_id = text(&registration, "client_id");
    let browser = Browser::new(&server);
    let auth_request = AuthorizationRequest::new(client_id, https, "openid");
    browser.authorization_code(&auth_request, ALICE).await;
    let again = browser.authorize(&auth_request).await;
    assert_eq!(again.path, "/consent");
    let silent = browser.authorize(&auth_request.with("prompt", "none")).await;
    silent.assert_client_error("consent_required");
}

/// Returns the scopes that the metadata lists.
async fn scopes_supported(server: &TestServer) -> Vec<Value> {
    let metadata = server.get_json("/.well-known/oauth-authorization-server").await;
    metadata["scopes_supported"].as_array().unwrap().clone()
}

#[tokio::test]
async fn open_resource_is_listed_and_available_to_registered_clients() {
    let server = start_with_registration().await;
    let native = json!({
        "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none",
        "scope": "openid orders:read",
    });
    let before = register_client(&server, native.clone()).await;
    assert_eq!(text(&before, "scope"), "openid");
    assert!(!scopes_supported(&server).await.contains(&json!("orders:read")));
    server
        .change_clients_file(|clients| {
            let scopes = "scopes = \"orders:read orders:write\"\n";
            clients.replacen(scopes, &format!("{scopes}open_to_registered_clients = true\n"), 1)
        })
        .await;
    assert!(scopes_supported(&server).await.contains(&json!("orders:read")));
    assert!(!scopes_supported(&server).await.contains(&json!("stock:read")), "it is not open");
    let registration = register_client(&server, native).await;
    assert_eq!(text(&registration, "scope"), "openid orders:read");
    let client = (text(&registration, "client_id"), "");
    let auth_request =
        AuthorizationRequest::new(client.0, "http://127.0.0.1:4242/cb", "orders:read")
            .with("resource", ORDERS_API);
    let tokens = Browser::new(&server).tokens(&auth_request, ALICE, client).await;
    assert!(server.is_active(ORDERS, text(&tokens, "access_token")).await);
}
