use std::time::Duration;

use oauth_types::ClientAuthMethod;
use reqwest::Method;
use serde_json::json;

use crate::{
    client::answer,
    test_servers::{RESOURCES, SECRET, World, bearer, header, parameter, pass, refused, said},
};

#[tokio::test]
async fn a_get_reads_the_resource_of_the_local_b_with_a_pass_that_c_gave_for_it() {
    let world = World::new().await;
    let a = world.start().await;
    let answer = a.get("/api/call-b").await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "b": "local" })));
    assert_eq!(answer.header("content-type"), "application/json");

    let asked = world.c.requests().await.pop().unwrap();
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "service-a"),
        ("client_secret", SECRET),
        ("scope", "resource:read resource:write"),
        ("resource", RESOURCES[0]),
    ];
    for (name, value) in expected {
        assert_eq!(parameter(&asked, name).as_deref(), Some(value), "{name}");
    }
    let called = world.b.requests().await.pop().unwrap();
    assert_eq!((&called.method, called.url.path()), (&Method::GET, "/api/resource"));
    assert_eq!(header(&called, "authorization"), bearer(0));
    assert_eq!(world.introspecting_b.asked(), 0);
}

#[tokio::test]
async fn the_secret_goes_by_http_basic_where_c_wants_that() {
    let world = World::new().await;
    let a = world
        .start_with(|settings| settings.token_endpoint_auth_method = ClientAuthMethod::Basic)
        .await;
    assert_eq!(a.get("/api/call-b").await.status, 200);
    let asked = world.c.requests().await.pop().unwrap();
    assert!(header(&asked, "authorization").starts_with("Basic "));
    assert_eq!(parameter(&asked, "client_secret"), None, "one way and not two");
}

#[tokio::test]
async fn a_post_lets_b_do_something_with_the_body_that_came() {
    let world = World::new().await;
    let a = world.start().await;
    let body = json!({ "do": "this", "times": 3 });
    let answer = answer(a.post("/api/call-b?target=introspection").body(body.to_string())).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "b": "introspection" })));
    let called = world.introspecting_b.requests().await.pop().unwrap();
    assert_eq!((&called.method, called.url.path()), (&Method::POST, "/api/do_something"));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&called.body).unwrap(), body);
    assert_eq!(header(&called, "content-type"), "application/json");
}

#[tokio::test]
async fn each_b_gets_a_pass_of_its_own() {
    let world = World::new().await;
    let a = world.start().await;
    for target in ["local", "introspection"] {
        let answer = a.get(&format!("/api/call-b?target={target}")).await;
        assert_eq!(answer.json()["b"], target);
    }
    let resources: Vec<_> = world
        .c
        .requests()
        .await
        .iter()
        .filter_map(|request| parameter(request, "resource"))
        .collect();
    assert_eq!(resources, RESOURCES);
    for (number, b) in [&world.b, &world.introspecting_b].into_iter().enumerate() {
        assert_eq!(header(&b.requests().await[0], "authorization"), bearer(number));
    }
}

#[tokio::test]
async fn a_pass_is_used_until_it_ages_and_then_the_next_one() {
    let world = World::new().await;
    let a = world.start().await;
    for _ in 0..5 {
        assert_eq!(a.get("/api/call-b").await.status, 200);
    }
    assert_eq!((world.c.asked(), world.b.asked()), (1, 5));
    world.clock.advance(Duration::from_secs(1_800));
    assert_eq!(a.get("/api/call-b").await.status, 200);
    assert_eq!(world.c.asked(), 2);
    assert_eq!(header(&world.b.requests().await[5], "authorization"), bearer(1));
}

#[tokio::test]
async fn a_hundred_callers_at_once_cost_one_token_request() {
    let world = World::new().await;
    world.c.answers([pass(0).set_delay(Duration::from_millis(200))]);
    let a = world.start().await;
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let caller = a.caller.clone();
            tokio::spawn(async move { caller.get("/api/call-b").await.status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!((world.c.asked(), world.b.asked()), (1, 100));
}

#[tokio::test]
async fn a_pass_that_b_does_not_take_is_dropped_and_the_call_made_once_more() {
    let world = World::new().await;
    let a = world.start().await;
    let revoked = refused(401, &json!({ "error": "invalid_token" }));
    for (calls, method) in [(2, Method::GET), (4, Method::POST)] {
        world.c.answers([pass(0), pass(1)]);
        world.b.answers([revoked.clone(), said(&json!({ "b": "local" }))]);
        let request = a.http.request(method.clone(), format!("{}/api/call-b", a.base)).body("{}");
        assert_eq!(answer(request).await.status, 200, "{method}");
        let called = world.b.requests().await;
        assert_eq!(called.len(), calls, "{method}");
        let [refused, taken] = &called[calls - 2..] else { panic!("two calls") };
        assert_ne!(header(refused, "authorization"), header(taken, "authorization"));
        assert_eq!((&refused.method, &refused.body), (&taken.method, &taken.body));
        assert_eq!(header(taken, "authorization"), bearer(if calls == 2 { 1 } else { 0 }));
    }
}

#[tokio::test]
async fn a_second_refusal_is_the_end() {
    let world = World::new().await;
    world.b.answers([refused(
        401,
        &json!({ "error": "invalid_token", "error_description": "revoked" }),
    )]);
    let a = world.start().await;
    a.get("/api/call-b").await.failed(
        502,
        "call_b",
        "B responded with status 401: invalid_token: revoked",
    );
    assert_eq!((world.c.asked(), world.b.asked()), (2, 2));
}
