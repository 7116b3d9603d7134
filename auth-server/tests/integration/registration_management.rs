//! Clients that have registered themselves read, change and remove what they have said (RFC 7592).

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    browser::{Asking, Page, Person},
    client::{Answer, Caller, answer, until},
    process::{run, succeed},
    registration::{REGISTER, open, open_to_all, records, register, registered, text, website},
    test_server::{ALICE, C, SITE},
};

const ALL: [Method; 3] = [Method::GET, Method::PUT, Method::DELETE];

/// Whatever is done to a registration, with this token.
fn managing(c: &Caller, method: Method, client_id: &str, token: Option<&str>) -> RequestBuilder {
    let request = c.http.request(method, format!("{}{REGISTER}/{client_id}", c.base));
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

fn own(c: &Caller, method: Method, told: &Value) -> RequestBuilder {
    managing(c, method, text(told, "client_id"), Some(text(told, "registration_access_token")))
}

async fn put(c: &Caller, told: &Value, said: &Value) -> Answer {
    answer(own(c, Method::PUT, told).json(said)).await
}

/// What the client has said, with its name as RFC 7592 §2.2 asks for it.
fn again(told: &Value, more: Value) -> Value {
    let mut said = website(json!({ "client_id": text(told, "client_id") }));
    let Value::Object(more) = more else { panic!("members are an object") };
    said.as_object_mut().unwrap().extend(more);
    said
}

fn login(told: &Value) -> (&str, &str) {
    (text(told, "client_id"), text(told, "client_secret"))
}

#[tokio::test]
async fn registration_can_be_read() {
    let c = open().await;
    let told = registered(&c, website(json!({ "client_name#zh": "商店" }))).await;
    let read = answer(own(&c, Method::GET, &told)).await;
    assert_eq!((read.status, read.header("cache-control")), (200, "no-store"));
    let mut expected = told.clone();
    // C keeps a hash of the secret alone.
    expected.as_object_mut().unwrap().retain(|name, _| !name.starts_with("client_secret"));
    assert_eq!(read.json(), expected);
}

#[tokio::test]
async fn update_replaces_the_metadata_immediately() {
    let c = open().await;
    let told =
        registered(&c, website(json!({ "policy_uri": "https://shop.example/privacy" }))).await;
    let said = again(
        &told,
        json!({ "redirect_uris": ["https://shop.example/new"], "client_name": "New Shop" }),
    );
    let changed = put(&c, &told, &said).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let changed = changed.json();
    assert_eq!(text(&changed, "client_name"), "New Shop");
    assert!(changed.get("policy_uri").is_none() && changed.get("client_secret").is_none());
    for same in
        ["client_id", "registration_access_token", "registration_client_uri", "client_id_issued_at"]
    {
        assert_eq!(changed[same], told[same], "{same}");
    }
    assert!(c.lets_in(login(&told)).await, "the secret is the same");
    let person = Person::at(&c);
    let asking = |uri: &str| Asking::of(text(&told, "client_id"), uri, "openid");
    person.asked(&asking("https://shop.example/cb")).await.tells_user("redirect_uri");
    assert_eq!(person.asked(&asking("https://shop.example/new")).await.path, "/login");
    let mut read = answer(own(&c, Method::GET, &told)).await.json();
    assert_eq!(read, changed);
    // And it is there after a restart.
    let c = c.restart_with(|_| ()).await;
    read = answer(own(&c, Method::GET, &told)).await.json();
    assert_eq!(read, changed);
    assert!(c.lets_in(login(&told)).await);
}

#[tokio::test]
async fn update_rejects_members_that_the_server_manages() {
    let c = open().await;
    let told = registered(&c, website(json!({}))).await;
    for (more, words) in [
        (json!({ "registration_access_token": "mine" }), "registration_access_token"),
        (json!({ "registration_client_uri": "https://shop.example" }), "registration_client_uri"),
        (json!({ "client_secret_expires_at": 0 }), "client_secret_expires_at"),
        (json!({ "client_id_issued_at": 0 }), "client_id_issued_at"),
        (json!({ "client_id": "another" }), "client_id"),
        (json!({ "client_id": null }), "client_id"),
    ] {
        put(&c, &told, &again(&told, more)).await.refused(400, "invalid_request", words);
    }
    put(&c, &told, &website(json!({}))).await.refused(
        400,
        "invalid_request",
        "client_id is missing",
    );
    for chosen in [json!("chosen"), json!(null), json!(7)] {
        let said = again(&told, json!({ "client_secret": chosen }));
        put(&c, &told, &said).await.refused(400, "invalid_client_metadata", "cannot be chosen");
    }
    let said = again(&told, json!({ "redirect_uris": ["https://shop.example/cb#x"] }));
    put(&c, &told, &said).await.refused(400, "invalid_redirect_uri", "fragment");
    let said = again(&told, json!({ "scope": "admin" }));
    put(&c, &told, &said).await.refused(400, "invalid_client_metadata", "admin");
    let said = again(
        &told,
        json!({ "client_secret": text(&told, "client_secret"), "client_name": "Same secret" }),
    );
    assert_eq!(put(&c, &told, &said).await.json()["client_name"], "Same secret");
}

#[tokio::test]
async fn changing_the_auth_method_removes_or_issues_the_secret() {
    let c = open().await;
    let told = registered(&c, website(json!({}))).await;
    let public = again(&told, json!({ "token_endpoint_auth_method": "none" }));
    assert!(put(&c, &told, &public).await.json().get("client_secret").is_none());
    assert!(!c.lets_in(login(&told)).await);
    let confidential = put(&c, &told, &again(&told, json!({}))).await.json();
    assert_eq!(confidential["client_secret_expires_at"], 0);
    assert!(c.lets_in(login(&confidential)).await && !c.lets_in(login(&told)).await);
}

#[tokio::test]
async fn invalid_registration_tokens_get_identical_responses() {
    let c = open().await;
    let (told, other) =
        (registered(&c, website(json!({}))).await, registered(&c, website(json!({}))).await);
    let (id, token) = (text(&told, "client_id"), text(&told, "registration_access_token"));
    for method in ALL {
        let mut answers = Vec::new();
        for (client, shown) in [
            (id, None),
            (id, Some("guess")),
            (id, Some(text(&other, "registration_access_token"))),
            (id, Some(text(&told, "client_secret"))),
            ("gpci_unknown", Some(token)),
            ("site", Some(token)),
            ("site", Some(SITE.1)),
            ("%F0%9F%9A%AA", Some(token)),
        ] {
            let told =
                answer(managing(&c, method.clone(), client, shown).json(&again(&told, json!({}))))
                    .await;
            told.refused(401, "invalid_token", "not that of this client");
            answers.push((told.text.clone(), told.header("www-authenticate").to_owned()));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert!(answers[0].1.starts_with("Bearer realm="), "{answers:?}");
    }
    assert_eq!(answer(own(&c, Method::GET, &told)).await.status, 200, "nothing of it did anything");
}

#[tokio::test]
async fn registration_token_guesses_are_limited_per_address() {
    let c = C::start_with(|settings| {
        settings.registration.enabled = true;
        settings.rate_limits.registration.burst = 2;
        settings.rate_limits.registration.refill_seconds = 30;
    })
    .await;
    let told = registered(&c, website(json!({}))).await;
    let guess =
        async || answer(managing(&c, Method::GET, text(&told, "client_id"), Some("guess"))).await;
    for _ in 0..2 {
        guess().await.refused(401, "invalid_token", "");
    }
    guess().await.refused(429, "temporarily_unavailable", "too often");
    assert_eq!(
        answer(own(&c, Method::GET, &told)).await.status,
        200,
        "a right one does not wait for wrong ones"
    );
    c.clock.advance(Duration::from_secs(30));
    guess().await.refused(401, "invalid_token", "");
}

#[tokio::test]
async fn deleting_a_registration_revokes_everything() {
    let c = open().await;
    let grants = json!({ "grant_types": ["authorization_code", "refresh_token"] });
    let told = registered(&c, website(grants.clone())).await;
    let (person, asking) = (Person::at(&c), asking(&told));
    let tokens = person.tokens(&asking, ALICE, login(&told)).await;
    let unspent = person.code(&asking, ALICE).await;
    assert_eq!(c.userinfo(text(&tokens, "access_token")).await.status, 200);
    let deleted = answer(own(&c, Method::DELETE, &told)).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_eq!(c.userinfo(text(&tokens, "access_token")).await.status, 401);
    c.refresh(login(&told), text(&tokens, "refresh_token"), &[]).await.refused(
        401,
        "invalid_client",
        "",
    );
    assert_eq!(c.fetch(login(&told), &asking, &unspent).await.status, 401);
    person.asked(&asking).await.tells_user("client_id");
    let account: Page = person.open("/account").await;
    assert!(!account.text().contains("Shop") && !account.text().contains(text(&told, "client_id")));
    for method in ALL {
        answer(own(&c, method, &told).json(&again(&told, json!({})))).await.refused(
            401,
            "invalid_token",
            "",
        );
    }
    let all = records(&c).await;
    let of = |event: &str| {
        all.iter()
            .filter(|record| record.0 == event)
            .map(|record| record.1.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("client_registration"), ["done"]);
    assert_eq!(of("client_deletion"), ["done", "refused"]);
    assert_eq!((of("client_update"), of("client_reading")), (vec!["refused"], vec!["refused"]));
    let deletion = all.iter().find(|record| record.0 == "client_deletion").unwrap();
    assert_eq!(deletion.2, text(&told, "client_id"));
}

#[tokio::test]
async fn disabled_client_cannot_manage_its_registration() {
    let c = C::start_at(clock::Clock::system(), open_to_all).await;
    let told =
        registered(&c, website(json!({ "grant_types": ["authorization_code", "refresh_token"] })))
            .await;
    let tokens = Person::at(&c).tokens(&asking(&told), ALICE, login(&told)).await;
    succeed(&["client", "disable", text(&told, "client_id")], &c.arguments()).await;
    assert_eq!(
        c.userinfo(text(&tokens, "access_token")).await.status,
        401,
        "its tokens are void at once"
    );
    for method in ALL {
        answer(own(&c, method, &told).json(&again(&told, json!({})))).await.refused(
            401,
            "invalid_token",
            "",
        );
    }
    until("it is let in no more", async || !c.lets_in(login(&told)).await).await;
}

#[tokio::test]
async fn operator_can_list_and_remove_registered_clients() {
    let c = C::start_at(clock::Clock::system(), |settings| {
        open_to_all(settings);
        settings.registration.max_clients = 1;
    })
    .await;
    let told = registered(&c, website(json!({}))).await;
    let listed = succeed(&["client", "list"], &c.arguments()).await;
    let line = listed.lines().find(|line| line.starts_with(text(&told, "client_id"))).unwrap();
    assert!(line.contains("enabled  registered itself"), "{line}");
    register(&c, website(json!({}))).await.refused(
        503,
        "temporarily_unavailable",
        "as many clients",
    );
    succeed(&["client", "remove", text(&told, "client_id")], &c.arguments()).await;
    answer(own(&c, Method::GET, &told)).await.refused(401, "invalid_token", "");
    registered(&c, website(json!({}))).await;
    until("it is let in no more", async || !c.lets_in(login(&told)).await).await;
    let unknown = run(&["client", "remove", text(&told, "client_id")], &c.arguments()).await;
    assert!(unknown.code == Some(1) && unknown.err.contains("there is no client"), "{unknown:?}");
}

#[tokio::test]
async fn concurrent_deletions_succeed_once() {
    let c = open().await;
    let told = registered(&c, website(json!({}))).await;
    let all = (0..8).map(|_| answer(own(&c, Method::DELETE, &told)));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(all).await.iter().map(|told| told.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401, 401, 401, 401, 401, 401, 401]);
}

fn asking(told: &Value) -> Asking {
    Asking::of(text(told, "client_id"), "https://shop.example/cb", "openid profile")
}
