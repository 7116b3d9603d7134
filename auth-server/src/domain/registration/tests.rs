use serde_json::{Value, json};

use super::*;

fn policy() -> RegistrationPolicy {
    let grants =
        ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"];
    RegistrationPolicy {
        scopes: "openid profile offline_access".parse().unwrap(),
        resources: Vec::new(),
        grant_types: grants.map(str::to_owned).to_vec(),
        allow_private_urls: false,
        redirect_uris: RedirectUriRules {
            undotted_schemes: vec!["cursor".to_owned()],
            ..RedirectUriRules::default()
        },
        request_object_algorithms: &["ES256"],
    }
}

fn ask(metadata: Value) -> Result<ValidatedMetadata, MetadataError> {
    validate_metadata(&serde_json::from_value(metadata).unwrap(), &policy())
}

/// Validates the minimal metadata of a website with one more member.
fn with(name: &str, value: Value) -> Result<ValidatedMetadata, MetadataError> {
    let mut metadata = json!({ "redirect_uris": ["https://app.example/cb"] });
    metadata[name] = value;
    ask(metadata)
}

fn redirect(uri: &str, application: &str) -> Result<ValidatedMetadata, MetadataError> {
    ask(json!({ "redirect_uris": [uri], "application_type": application }))
}

#[test]
fn minimal_metadata_gets_the_default_values() {
    let accepted =
        ask(json!({ "redirect_uris": ["https://app.example/cb"], "unknown_member": true }))
            .unwrap();
    let expected = json!({
        "redirect_uris": ["https://app.example/cb"],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "application_type": "web",
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "openid profile",
        "subject_type": "public",
        "id_token_signed_response_alg": "RS256",
    });
    assert_eq!(serde_json::to_value(&accepted.metadata).unwrap(), expected);
    assert!(
        !accepted.login.public && !accepted.login.first_party && !accepted.login.refresh_tokens
    );
    let (client, _) = accepted.into_client("x".to_owned(), Vec::new());
    assert!(
        client.introspection_audiences.is_empty() && client.resources.is_empty() && client.dynamic
    );
}

#[test]
fn registered_metadata_is_accepted_unchanged() {
    let metadata = json!({
        "redirect_uris": ["com.example.app:/cb", "http://127.0.0.1/cb"], "application_type": "native",
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        "client_name": "App", "client_name#zh": "应用",
    });
    let once = ask(metadata).unwrap();
    let twice = validate_metadata(&once.metadata, &policy()).unwrap();
    assert_eq!((twice.metadata, twice.scopes), (once.metadata, once.scopes));
}

#[test]
fn redirect_uris_follow_the_application_type() {
    for (uri, application) in [
        ("https://app.example/cb?a=1", "web"),
        ("https://app.example/cb", "native"),
        ("http://localhost:8080/cb", "native"),
        ("http://app.localhost:8080/cb", "native"),
        ("http://[::1]/cb", "native"),
        ("com.example.app:/cb", "native"),
    ] {
        assert!(redirect(uri, application).is_ok(), "{uri}");
    }
    assert!(redirect("cursor://app/cb", "native").is_ok());
    assert!(redirect("vscode://app/cb", "native").is_err());
    for (uri, application, expected) in [
        ("https://app.example/cb#x", "web", "fragment"),
        ("https://app.example/cb#", "web", "fragment"),
        ("http://app.example/cb", "web", "plain http"),
        ("http://app.example/cb", "native", "plain http"),
        ("http://localhost.evil.example/cb", "native", "plain http"),
        ("myapp:/cb", "web", "application_type=native"),
        ("myapp:/cb", "native", "reversed domain name"),
        ("javascript:alert(1)", "native", "reversed domain name"),
        ("data:text/html,x", "native", "reversed domain name"),
        ("https://u:p@app.example/cb", "web", "password"),
        ("https://app.example/c b", "web", "character"),
        ("https://app.example/\n", "web", "character"),
        ("/cb", "web", "absolute"),
    ] {
        let error = redirect(uri, application).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRedirectUri, "{uri}");
        assert!(error.reason.contains(expected), "{uri}: {}", error.reason);
    }
    assert_eq!(ask(json!({})).unwrap_err().code, ErrorCode::InvalidRedirectUri);
    let many: Vec<String> = (0..21).map(|n| format!("https://app.example/{n}")).collect();
    assert_eq!(with("redirect_uris", json!(many)).unwrap_err().code, ErrorCode::InvalidRedirectUri);
    let bye = with("post_logout_redirect_uris", json!(["http://app.example/bye"])).unwrap_err();
    assert_eq!(bye.code, ErrorCode::InvalidClientMetadata);
}

#[test]
fn invalid_members_are_rejected() {
    let key = json!({ "kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ" });
    let private = json!({ "kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ", "d": "eg" });
    for (name, value, expected) in [
        ("grant_types", json!(["implicit"]), "implicit"),
        ("grant_types", json!(["client_credentials"]), "client_credentials"),
        ("grant_types", json!(["refresh_token"]), "first token"),
        ("grant_types", json!([]), "first token"),
        ("response_types", json!(["token"]), "only code"),
        ("token_endpoint_auth_method", json!("tls_client_auth"), "token_endpoint_auth_method"),
        ("scope", json!("admin root"), "admin root"),
        ("id_token_encrypted_response_alg", json!("RSA-OAEP"), "encryption"),
        ("userinfo_encrypted_response_enc", json!("A128GCM"), "encryption"),
        ("request_object_encryption_alg", json!("RSA-OAEP"), "encryption"),
        ("tls_client_certificate_bound_access_tokens", json!(true), "sender-constrained"),
        ("dpop_bound_access_tokens", json!(true), "sender-constrained"),
        ("token_endpoint_auth_signing_alg", json!("none"), "none"),
        ("authorization_signed_response_alg", json!("None"), "none"),
        ("initiate_login_uri", json!("http://app.example/login"), "initiate_login_uri"),
        ("initiate_login_uri", json!("com.example.app:/login"), "initiate_login_uri"),
        ("scope", json!("a\"b"), "scope"),
        ("application_type", json!("desktop"), "application_type"),
        ("subject_type", json!("secret"), "subject_type"),
        ("client_name", json!(""), "client_name"),
        ("client_name", json!("a\nb"), "client_name"),
        ("client_name", json!("Bank\u{202e}"), "client_name"),
        ("client_name#z h", json!("x"), "language"),
        ("logo_uri", json!("http://app.example/logo.png"), "logo_uri"),
        ("policy_uri", json!("javascript:alert(1)"), "policy_uri"),
        ("tos_uri#zh", json!("javascript:alert(1)"), "tos_uri"),
        ("contacts", json!(["a\r\nb"]), "contacts"),
        ("jwks", json!({ "keys": [] }), "jwks"),
        ("jwks", json!({ "keys": [private] }), "private"),
        ("jwks", json!({ "keys": [7] }), "cannot be parsed"),
        ("jwks_uri", json!("http://app.example/keys"), "jwks_uri"),
        ("jwks_uri", json!("https://127.0.0.1/keys"), "address"),
        ("sector_identifier_uri", json!("https://[::1]/sector"), "address"),
        ("backchannel_logout_uri", json!("https://0x7f.1/logout"), "address"),
        ("backchannel_logout_uri", json!("http://app.example/logout"), "not an https URL"),
        ("backchannel_logout_uri", json!("https://app.example/logout#x"), "fragment"),
        ("id_token_signed_response_alg", json!("none"), "id_token_signed_response_alg"),
        ("id_token_signed_response_alg", json!("HS256"), "id_token_signed_response_alg"),
        ("userinfo_signed_response_alg", json!("PS256"), "userinfo_signed_response_alg"),
        ("request_object_signing_alg", json!("none"), "request_object_signing_alg"),
    ] {
        let error = with(name, value.clone()).expect_err(&format!("{name}={value}"));
        assert_eq!(error.code, ErrorCode::InvalidClientMetadata, "{name}={value}");
        assert!(error.reason.contains(expected), "{name}={value}: {}", error.reason);
    }
    let both = json!({ "redirect_uris": ["https://a.example"], "jwks": { "keys": [key] }, "jwks_uri": "https://a.example" });
    assert!(ask(both).unwrap_err().reason.contains("both"));
}

/// Returns what is registered of a member, and the names of the replaced members.
fn replaced(metadata: Value, name: &str) -> (Value, Vec<&'static str>) {
    let accepted = ask(metadata).unwrap();
    (serde_json::to_value(&accepted.metadata).unwrap()[name].clone(), accepted.replaced)
}

#[test]
fn unserved_grants_responses_and_scopes_are_replaced() {
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let with = |name: &str, value: Value| {
        let mut metadata = json!({ "redirect_uris": ["https://app.example/cb"] });
        metadata[name] = value;
        replaced(metadata, name)
    };
    for (name, requested, registered) in [
        ("grant_types", json!(["implicit", "authorization_code"]), json!(["authorization_code"])),
        (
            "grant_types",
            json!(["password", "refresh_token", "authorization_code"]),
            json!(["refresh_token", "authorization_code"]),
        ),
        ("response_types", json!(["code", "id_token", "code token"]), json!(["code"])),
        ("scope", json!("openid admin"), json!("openid")),
        ("scope", json!("openid offline_access"), json!("openid")),
    ] {
        assert_eq!(with(name, requested.clone()), (registered, vec![name]), "{name}={requested}");
    }
    for (name, requested, registered) in [
        ("response_types", json!([]), json!(["code"])),
        ("scope", json!(""), json!("openid profile")),
        ("scope", json!("profile openid"), json!("profile openid")),
        ("id_token_encrypted_response_alg", json!(null), json!(null)),
        ("dpop_bound_access_tokens", json!(false), json!(null)),
    ] {
        assert_eq!(with(name, requested.clone()), (registered, vec![]), "{name}={requested}");
    }
    let code_for_device = json!({ "grant_types": [device], "response_types": ["code"] });
    assert_eq!(replaced(code_for_device, "response_types"), (json!([]), vec!["response_types"]));
    // A client that cannot handle a code does not get its grant.
    let token = json!({
        "redirect_uris": ["https://app.example/cb"], "response_types": ["token"],
        "grant_types": ["authorization_code", "implicit", device],
    });
    let (grants, members) = replaced(token, "grant_types");
    assert_eq!((grants, members), (json!([device]), vec!["grant_types", "response_types"]));
}

#[test]
fn loopback_and_private_use_redirect_uris_make_the_client_native() {
    let https = "https://app.example/cb";
    let with = |application: Option<&str>, uris: &[&str]| {
        replaced(
            json!({ "redirect_uris": uris, "application_type": application }),
            "application_type",
        )
    };
    for app in ["http://127.0.0.1/cb", "http://localhost:8080/cb", "com.example.app:/cb"] {
        assert_eq!(with(None, &[app]), (json!("native"), vec![]), "{app}");
        assert_eq!(with(None, &[https, app]), (json!("native"), vec![]), "{app}");
        // Many libraries send OpenID Connect's default.
        let web = with(Some("web"), &[app]);
        assert_eq!(web, (json!("native"), vec!["application_type"]), "{app}");
    }
    assert_eq!(with(None, &[https]), (json!("web"), vec![]));
    let accepted = ask(json!({ "redirect_uris": [https, "http://127.0.0.1/cb"] })).unwrap();
    assert!(accepted.login.redirects_to_apps());
    for foreign in ["http://app.example/cb", "javascript:alert(1)", "myapp:/cb"] {
        let result = ask(json!({ "redirect_uris": ["http://127.0.0.1/cb", foreign] }));
        assert_eq!(result.unwrap_err().code, ErrorCode::InvalidRedirectUri, "{foreign}");
    }
}

#[test]
fn initiate_login_uri_is_kept_unless_it_is_at_a_loopback_address() {
    let with = |uri: &str| {
        let metadata =
            json!({ "redirect_uris": ["https://app.example/cb"], "initiate_login_uri": uri });
        replaced(metadata, "initiate_login_uri")
    };
    let kept = "https://app.example/login";
    assert_eq!(with(kept), (json!(kept), vec![]));
    assert_eq!(with("http://localhost:8000/cb"), (json!(null), vec!["initiate_login_uri"]));
}

#[test]
fn backchannel_logout_uri_in_plain_http_is_dropped_at_a_loopback_address() {
    let with = |uri: &str| {
        let redirect_uri = "http://localhost:8080/private/callback";
        let metadata = json!({
            "redirect_uris": [redirect_uri], "application_type": "native",
            "backchannel_logout_uri": uri,
        });
        replaced(metadata, "backchannel_logout_uri")
    };
    let kept = "https://app.example/logout";
    assert_eq!(with(kept), (json!(kept), vec![]));
    let dropped = "http://localhost:8080/private/callback?logout=backchannel";
    assert_eq!(with(dropped), (json!(null), vec!["backchannel_logout_uri"]));
}

#[test]
fn software_statements_are_rejected() {
    let code = |statement: Value| with("software_statement", statement).unwrap_err().code;
    assert_eq!(code(json!("e30.e30.eA")), ErrorCode::UnapprovedSoftwareStatement);
    for none in [json!("no jwt"), json!(7), json!("a..b")] {
        assert_eq!(code(none), ErrorCode::InvalidSoftwareStatement);
    }
}

#[test]
fn device_client_needs_no_redirect_uri_or_response_type() {
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let accepted =
        ask(json!({ "grant_types": [device], "token_endpoint_auth_method": "none" })).unwrap();
    assert_eq!(accepted.metadata.response_types, Some(Vec::new()));
}

#[test]
fn pairwise_client_with_several_hosts_needs_a_sector() {
    let pairwise = |uris: Value, sector: Option<&str>| {
        let mut metadata = json!({ "redirect_uris": uris, "subject_type": "pairwise" });
        if let Some(sector) = sector {
            metadata["sector_identifier_uri"] = json!(sector);
        }
        ask(metadata).map(|accepted| accepted.login.sector().unwrap())
    };
    assert_eq!(
        pairwise(json!(["https://a.example/1", "https://a.example:8/2"]), None).unwrap(),
        "a.example"
    );
    assert!(
        pairwise(json!(["https://a.example", "https://b.example"]), None)
            .unwrap_err()
            .reason
            .contains("sector")
    );
    let foreign = json!({
        "redirect_uris": ["https://a.example"], "subject_type": "pairwise",
        "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
    });
    assert!(
        ask(foreign).unwrap_err().reason.contains("only the grants"),
        "the tokens of a device are not sent to the host"
    );
    let native = json!({
        "redirect_uris": ["http://127.0.0.1/cb"], "subject_type": "pairwise", "application_type": "native",
    });
    assert!(
        ask(native).unwrap_err().reason.contains("sector"),
        "a loopback URI does not identify an app"
    );
    let uris = json!(["https://a.example", "https://b.example"]);
    assert_eq!(pairwise(uris, Some("https://group.example/uris")).unwrap(), "group.example");
}
