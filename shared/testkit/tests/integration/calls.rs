//! The calls of the control API, as methods.

use std::time::Duration;

use gatepass_testkit::{
    Client, Control, ControlError, Endpoint, ErrorCode, Expectation, Fault, Flaw, Gatepass,
    KeySummary, Logout, Mint, Rejection, Resource, Revocation, User,
};
use serde_json::{Value, json};

use crate::authorization_request::{CALLBACK, CLIENT, authorization_url, http};

fn rejection<T: std::fmt::Debug>(result: Result<T, ControlError>) -> Rejection {
    result.unwrap_err().rejection().cloned().unwrap()
}

async fn status_of(url: String) -> u16 {
    http().get(url).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn state_names_issuer_keys_and_clock() {
    let gatepass = Gatepass::start().await.unwrap();
    let state = gatepass.state().await.unwrap();
    assert_eq!((&*state.issuer, state.users), (gatepass.issuer(), 3));
    assert!(!state.frozen && state.offset == 0 && state.now > 1_700_000_000);
    assert!(state.keys.iter().any(|key| key.algorithm == "ES256" && key.state == "current"));
    let remote = Control::new(gatepass.control_url()).unwrap();
    assert_eq!(remote.state().await.unwrap().keys, state.keys);
}

#[tokio::test]
async fn every_flaw_can_be_minted() {
    let gatepass = Gatepass::start().await.unwrap();
    let valid = Mint::access(CLIENT.0).user("alice").scope("resource:read").claim("plan", "gold");
    let minted = gatepass.mint(valid.clone().expires_in(60)).await.unwrap();
    let claims = minted.claims.clone().unwrap();
    assert_eq!((&claims["plan"], &claims["scope"]), (&json!("gold"), &json!("resource:read")));
    assert!(minted.as_str().split('.').count() == 3 && minted.bypassed.is_empty());
    assert!(!format!("{minted:?}").contains(minted.as_str()));
    for flaw in [
        Flaw::Signature,
        Flaw::ForeignKey,
        Flaw::UnknownKid,
        Flaw::NoKid,
        Flaw::AlgNone,
        Flaw::Hs256WithPublicKey,
        Flaw::CriticalHeader,
        Flaw::WrongTyp,
        Flaw::WrongIssuer,
        Flaw::WrongAudience,
        Flaw::NotYetValid,
        Flaw::NoExp,
        Flaw::Expired,
        Flaw::NoSub,
        Flaw::MissingScope,
        Flaw::Revoked,
    ] {
        gatepass.mint(valid.clone().flaw(flaw)).await.unwrap();
    }
    for flaw in [Flaw::WrongNonce, Flaw::WrongAtHash] {
        gatepass.mint(Mint::id(CLIENT.0, "alice").nonce("n").flaw(flaw)).await.unwrap();
    }
    gatepass.mint(Mint::refresh(CLIENT.0, "alice").flaw(Flaw::Used)).await.unwrap();
    gatepass.mint(Mint::code(CLIENT.0, "alice").redirect_uri(CALLBACK)).await.unwrap();
}

#[tokio::test]
async fn rejection_names_the_member_and_what_it_must_be() {
    let gatepass = Gatepass::start().await.unwrap();
    let unknown = rejection(gatepass.mint(Mint::access("nobody")).await);
    assert_eq!((unknown.status, &*unknown.error), (404, "unknown_client"));
    assert_eq!(unknown.pointer.as_deref(), Some("/client_id"));
    let wrong = Mint::access(CLIENT.0).flaw(Flaw::WrongNonce);
    let wrong = rejection(gatepass.mint(wrong).await);
    assert_eq!(wrong.pointer.as_deref(), Some("/flaws/0"));
    assert!(wrong.expected.as_ref().unwrap().contains("wrong_issuer"), "{wrong}");
    let text = wrong.to_string();
    assert!(text.contains("wrong_nonce") && text.contains("at `/flaws/0`"), "{text}");
    let unknown = rejection(gatepass.put_user(&User::new("carol").with("pasword", "x")).await);
    assert_eq!(unknown.pointer.as_deref(), Some("/pasword"));
}

#[tokio::test]
async fn login_is_followed_to_its_redirect() {
    let gatepass = Gatepass::start().await.unwrap();
    let url = authorization_url(&gatepass, CALLBACK);
    let login = gatepass.login("alice").follow(&url).await.unwrap();
    assert!(login.redirect_to.as_str().starts_with(CALLBACK), "{login:?}");
    assert_eq!(login.parameter("state").as_deref(), Some("a state"));
    assert_eq!(login.parameter("code"), login.code);
    let denied = gatepass.login(ErrorCode::AccessDenied).follow(&url).await.unwrap();
    assert_eq!((denied.parameter("error").as_deref(), denied.code), (Some("access_denied"), None));
    let foreign = authorization_url(&gatepass, "http://localhost:9001/elsewhere");
    let foreign = rejection(gatepass.login("alice").follow(&foreign).await);
    assert!(foreign.error_description.contains("redirect_uri"), "{foreign}");
}

#[tokio::test]
async fn next_logins_answer_by_themselves() {
    let gatepass = Gatepass::start().await.unwrap();
    let url = authorization_url(&gatepass, CALLBACK);
    let location = async || {
        let response = http().get(&url).send().await.unwrap();
        response.headers()["location"].to_str().unwrap().to_owned()
    };
    let next = gatepass.next_login(CLIENT.0, "alice").await.unwrap();
    assert_eq!((next.remaining, next.user.as_deref()), (1, Some("alice")));
    assert!(location().await.contains("code="));
    assert!(!location().await.starts_with(CALLBACK));
    let denied = gatepass.next_logins(CLIENT.0, ErrorCode::AccessDenied, 2).await.unwrap();
    assert!(location().await.contains("error=access_denied"));
    let pending = gatepass.pending_logins().await.unwrap();
    assert_eq!((pending.len(), pending[0].id, pending[0].remaining), (1, denied.id, 1));
    gatepass.delete_next_login(denied.id).await.unwrap();
    assert_eq!(rejection(gatepass.delete_next_login(denied.id).await).status, 404);
    gatepass.delete_next_logins().await.unwrap();
    assert_eq!(gatepass.pending_logins().await.unwrap(), []);
}

#[tokio::test]
async fn clock_is_advanced_set_and_stopped() {
    let gatepass = Gatepass::start().await.unwrap();
    let clock = gatepass.clock();
    assert_eq!(clock.advance(Duration::from_millis(3_599_001)).await.unwrap().offset, 3_600);
    let stopped = clock.freeze_at(2_000).await.unwrap();
    assert_eq!((stopped.now, stopped.frozen), (2_000, true));
    let minted = gatepass.mint(Mint::access(CLIENT.0)).await.unwrap();
    assert_eq!(minted.claims.unwrap()["iat"], json!(2_000));
    assert!(!clock.unfreeze().await.unwrap().frozen);
    assert!((5_000..6_000).contains(&clock.set(5_000).await.unwrap().now));
    assert!(clock.freeze().await.unwrap().frozen);
    assert_eq!(clock.follow_system().await.unwrap().offset, 0);
    assert!(!clock.read().await.unwrap().frozen);
    let too_late = rejection(clock.advance(Duration::MAX).await);
    assert_eq!(too_late.pointer.as_deref(), Some("/seconds"));
}

#[tokio::test]
async fn fault_applies_until_it_has_run_out_or_is_deleted() {
    let gatepass = Gatepass::start().await.unwrap();
    let keys = || status_of(format!("{}/.well-known/jwks.json", gatepass.issuer()));
    let once = gatepass.fault(Fault::on(Endpoint::Jwks).status(503).times(1)).await.unwrap();
    assert_eq!((keys().await, keys().await), (503, 200));
    let caused = Expectation::at(Endpoint::Jwks).fault(once.id()).exactly(1);
    assert_eq!(gatepass.requests().expect(caused).await.unwrap(), 1);
    once.delete().await.unwrap();
    let lasting = Fault::on(Endpoint::Jwks).status(500).body(json!({ "error": "x" }));
    let lasting = gatepass.fault(lasting).await.unwrap();
    let listed = gatepass.faults().await.unwrap();
    assert_eq!((listed.len(), listed[0].id, listed[0].remaining), (1, lasting.id(), None));
    assert_eq!((keys().await, keys().await), (500, 500));
    lasting.delete().await.unwrap();
    assert_eq!(keys().await, 200);
    for fault in [
        Fault::on(Endpoint::Token).client("shop").oauth_error(ErrorCode::InvalidGrant),
        Fault::on(Endpoint::Userinfo).garbage(),
        Fault::on(Endpoint::Userinfo).close(),
        Fault::on(Endpoint::Discovery).truncate(10).delay(Duration::from_millis(1)),
        Fault::on(Endpoint::Jwks).stale_keys(),
    ] {
        let _ = gatepass.fault(fault).await.unwrap();
    }
    gatepass.delete_faults().await.unwrap();
    assert_eq!(gatepass.faults().await.unwrap(), []);
    let nothing = rejection(gatepass.fault(Fault::on(Endpoint::Jwks)).await);
    assert_eq!(nothing.pointer.as_deref(), Some("/do"));
}

#[tokio::test]
async fn requests_are_listed_and_expected() {
    let gatepass = Gatepass::start().await.unwrap();
    let form = "grant_type=client_credentials&scope=resource%3Aread";
    let request = http()
        .post(format!("{}/oauth/token", gatepass.issuer()))
        .basic_auth(CLIENT.0, Some(CLIENT.1))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form);
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    let requests = gatepass.requests();
    let list = requests.list().await.unwrap();
    assert_eq!((list.requests.len(), list.dropped), (1, 0));
    let request = &list.requests[0];
    assert_eq!(request.authentication, "client_secret_basic");
    assert_eq!(request.status, Some(200));
    let expected = Expectation::at(Endpoint::Token)
        .client(CLIENT.0)
        .authentication("client_secret_basic")
        .authenticated(true)
        .pkce(false)
        .method("POST")
        .path("/oauth/token")
        .status(200)
        .field("grant_type", "client_credentials");
    assert_eq!(requests.expect(expected.clone().exactly(1)).await.unwrap(), 1);
    let missing = expected.clone().client("shop").within(Duration::from_millis(1));
    let Err(ControlError::Unmet(unmet)) = requests.expect(missing).await else {
        panic!("the client is another one");
    };
    assert_eq!((unmet.matched, unmet.dropped), (0, 0));
    assert_eq!(unmet.nearest.as_ref().unwrap().differs, ["client_id"]);
    assert!(unmet.to_string().contains("differs in client_id"), "{unmet}");
    assert!(requests.expect(expected.at_most(0)).await.is_err());
    requests.clear().await.unwrap();
    let none = Expectation::anywhere().error("invalid_client").exactly(0);
    assert_eq!(requests.expect(none).await.unwrap(), 0);
}

#[tokio::test]
async fn expectation_waits_for_a_request_that_is_missing() {
    let gatepass = Gatepass::start().await.unwrap();
    let requests = gatepass.requests();
    let expected = Expectation::at(Endpoint::Jwks).within(Duration::from_secs(27));
    let keys = status_of(format!("{}/.well-known/jwks.json", gatepass.issuer()));
    let (matched, status) = tokio::join!(requests.expect(expected), keys);
    assert_eq!((matched.unwrap(), status), (1, 200));
}

#[tokio::test]
async fn seed_is_changed_and_reset() {
    let gatepass = Gatepass::start().await.unwrap();
    let before = gatepass.seed().await.unwrap();
    let resource = Resource::new("https://new.example/api?x=1").scopes("new:read");
    assert_eq!(gatepass.put_resource(&resource).await.unwrap(), resource);
    let client = Client::new("new/client")
        .secret("its secret")
        .scopes("new:read openid")
        .resources(&["https://new.example/api?x=1"])
        .redirect_uris(&["https://new.example/callback"])
        .login("client_name", "New");
    assert_eq!(gatepass.put_client(&client).await.unwrap(), client);
    let carol = User::new("carol").password("of carol").claim("name", "Carol");
    let carol = carol.attribute("roles", json!(["auditor"]));
    let stored = gatepass.put_user(&carol).await.unwrap();
    assert!(stored.get("sub").is_some_and(Value::is_string), "{stored:?}");
    let claim = json!({ "name": "tenant", "from": { "value": "acme" }, "in": ["access_token"] });
    gatepass.put_claims(vec![claim.clone()]).await.unwrap();

    let minted = gatepass.mint(Mint::access("new/client").user("carol")).await.unwrap();
    let claims = minted.claims.unwrap();
    assert_eq!((&claims["tenant"], &claims["sub"]), (&json!("acme"), stored.get("sub").unwrap()));
    assert_eq!(gatepass.user("carol").await.unwrap(), stored);
    assert_eq!(gatepass.client("new/client").await.unwrap(), client);
    assert_eq!(gatepass.resource(resource.id()).await.unwrap(), resource);
    assert_eq!(gatepass.claims().await.unwrap(), [claim]);

    gatepass.delete_user("carol").await.unwrap();
    gatepass.delete_client("new/client").await.unwrap();
    gatepass.delete_resource(resource.id()).await.unwrap();
    gatepass.delete_claims().await.unwrap();
    assert_eq!(gatepass.seed().await.unwrap(), before);
    gatepass.delete_user("alice").await.unwrap();
    let keys = gatepass.state().await.unwrap().keys;
    gatepass.reset().await.unwrap();
    assert_eq!(gatepass.seed().await.unwrap(), before);
    gatepass.reset_with_keys().await.unwrap();
    assert!(gatepass.state().await.unwrap().keys.iter().all(|key| !keys.contains(key)));
}

#[tokio::test]
async fn calls_without_a_method_can_be_sent() {
    let gatepass = Gatepass::start().await.unwrap();
    let reading = gatepass.call("GET", "/control/clock", None).await.unwrap();
    assert_eq!(reading["frozen"], json!(false));
    let nothing = gatepass.call("POST", "/control/reset", Some(&json!({}))).await.unwrap();
    assert_eq!(nothing, Value::Null);
    let unknown = rejection(gatepass.call("GET", "/control/nothing", None).await);
    assert_eq!((unknown.status, &*unknown.error), (404, "not_found"));
    assert!(gatepass.call("a b", "/control", None).await.is_err());
}

#[tokio::test]
async fn token_is_presented_and_not_printed() {
    let gatepass = Gatepass::builder()
        .settings(|settings| {
            settings.control.token = serde_json::from_value(json!("s3cret")).unwrap();
        })
        .start()
        .await
        .unwrap();
    gatepass.state().await.unwrap();
    assert!(!format!("{gatepass:?}").contains("s3cret"));
    let url = gatepass.control_url();
    let without = Control::new(url).unwrap();
    assert_eq!(rejection(without.state().await).status, 401);
    Control::with_token(url, "s3cret").unwrap().state().await.unwrap();
}

#[tokio::test]
async fn unusable_url_is_an_error() {
    for url in ["127.0.0.1:9005", "ftp://localhost", "nothing"] {
        let error = Control::new(url).unwrap_err();
        assert!(matches!(error, ControlError::InvalidUrl { .. }), "{error}");
    }
    let nobody = Control::new("http://127.0.0.1:1").unwrap();
    assert!(matches!(nobody.state().await, Err(ControlError::NoResponse(_))));
}

#[tokio::test]
async fn keys_are_rotated_and_withdrawn() {
    let gatepass = Gatepass::start().await.unwrap();
    let state_of = |keys: &[KeySummary], kid: &str| {
        keys.iter().find(|key| key.kid == kid).map(|key| key.state.clone())
    };
    let before = gatepass.state().await.unwrap().keys;
    let current = before.iter().find(|key| key.state == "current").unwrap().kid.clone();
    let rotated = gatepass.rotate_keys().await.unwrap();
    assert_eq!(state_of(&rotated, &current).as_deref(), Some("retired"));
    let left = gatepass.withdraw_key(&current).await.unwrap();
    assert_eq!(state_of(&left, &current), None);
    assert_eq!(rejection(gatepass.withdraw_key("made-up").await).status, 404);
}

#[tokio::test]
async fn tokens_and_sessions_are_revoked() {
    let gatepass = Gatepass::start().await.unwrap();
    let login = gatepass.login("alice").follow(&authorization_url(&gatepass, CALLBACK)).await;
    login.unwrap();
    let revoked = gatepass.revoke(Revocation::user("alice")).await.unwrap();
    assert_eq!(revoked.sessions.len(), 1);
    let token = gatepass.mint(Mint::access(CLIENT.0)).await.unwrap();
    let revoked = gatepass.revoke(Revocation::token(token.as_str())).await.unwrap();
    assert_eq!(revoked.tokens.len(), 1);
    assert_eq!(rejection(gatepass.revoke(Revocation::user("nobody")).await).status, 404);
}

#[tokio::test]
async fn sessions_are_ended_and_devices_are_looked_up() {
    let gatepass = Gatepass::start().await.unwrap();
    gatepass.login("alice").follow(&authorization_url(&gatepass, CALLBACK)).await.unwrap();
    let ended = gatepass.logout(Logout::of("alice")).await.unwrap();
    assert_eq!(ended.sessions.len(), 1);
    let unknown = rejection(gatepass.approve_device("BCDF-GHJK", "alice").await);
    assert_eq!((unknown.status, unknown.pointer.as_deref()), (404, Some("/user_code")));
    let unknown = rejection(gatepass.deny_device("BCDF-GHJK", "alice").await);
    assert_eq!(unknown.error, "unknown_user_code");
}

#[tokio::test]
async fn calls_are_for_the_issuer_that_they_name() {
    let seed = "[[clients]]\nclient_id = \"shop\"\nclient_secret = \"of the shop\"\n\
                [[issuers]]\nname = \"tenant\"\nissuer = \"/tenant\"\n\
                [[issuers.users]]\nusername = \"dave\"\npassword = \"of dave\"\n";
    let gatepass = Gatepass::builder().seed(seed).start().await.unwrap();
    let tenant = gatepass.of_issuer("tenant");
    let state = tenant.state().await.unwrap();
    let url = format!("{}/tenant", gatepass.issuer());
    assert_eq!((&*state.name, &state.issuer), ("tenant", &url));
    let names: Vec<_> = state.issuers.iter().map(|issuer| &*issuer.name).collect();
    assert_eq!(names, ["default", "tenant"]);
    assert_eq!(tenant.user("dave").await.unwrap().id(), "dave");
    assert_eq!(rejection(gatepass.user("dave").await).error, "unknown_user");
    let unknown = gatepass.of_issuer("nobody").reset().await;
    assert_eq!(rejection(unknown).error, "unknown_issuer");
}
