use oauth_types::{ClientSecret, basic};
use serde_json::json;

use crate::{
    process::{Process, run, settings_of},
    test_servers::{SECRET, World, header, refused},
};

const PATH: &str = "/api/call-b-legacy";

#[tokio::test]
async fn the_old_way_does_not_exist_unless_it_is_asked_for() {
    let world = World::new().await;
    let a = world.start().await;
    assert_eq!(a.get(PATH).await.status, 404);
    assert_eq!(world.b.asked(), 0);
}

#[tokio::test]
async fn in_the_demonstration_b_sees_the_secret_itself_as_basic_or_in_the_query() {
    let world = World::new().await;
    let a = world.start_with(|settings| settings.legacy_secret_demo = true).await;
    for path in [PATH.to_owned(), format!("{PATH}?how=basic"), format!("{PATH}?how=query")] {
        assert_eq!(a.get(&path).await.json()["b"], "local");
    }
    let called = world.b.requests().await;
    let shown = basic::format("service-a", &ClientSecret::new(SECRET));
    for request in &called[..2] {
        assert_eq!(
            (
                request.method.as_str(),
                request.url.path(),
                request.url.query(),
                header(request, "authorization")
            ),
            ("POST", "/api/do_something", None, &*shown)
        );
    }
    assert_eq!((called[2].method.as_str(), called[2].url.path()), ("GET", "/api"));
    let query: Vec<_> = called[2].url.query_pairs().into_owned().collect();
    let expected = [("access_key", "service-a"), ("secret", SECRET)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!((query, header(&called[2], "authorization")), (expected.to_vec(), ""));
    assert_eq!(world.c.asked(), 0, "C has no part in the old way");
}

#[tokio::test]
async fn the_old_ways_failures_do_not_show_the_secret_to_the_caller() {
    let world = World::new().await;
    let a = world.start_with(|settings| settings.legacy_secret_demo = true).await;
    a.get(&format!("{PATH}?how=else")).await.failed(400, "request", "expected `basic` or `query`");
    a.get(&format!("{PATH}?target=local")).await.failed(400, "request", "expected `how`");
    let shown = basic::format("service-a", &ClientSecret::new(SECRET));
    for echo in [SECRET.to_owned(), shown] {
        world.b.answers([refused(
            401,
            &json!({ "error": "invalid_client", "error_description": echo }),
        )]);
        for how in ["basic", "query"] {
            let answer = a.get(&format!("{PATH}?how={how}")).await;
            answer.failed(502, "call_b", "B responded with status 401");
            assert!(!answer.text.contains(&echo), "{answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_in_the_old_way_is_warned_of() {
    let world = World::new().await;
    let a = Process::serve(&settings_of(&world.settings(), &[("legacy_secret_demo", "true")]));
    for how in ["basic", "query", "basic"] {
        assert_eq!(a.get(&format!("{PATH}?how={how}")).await.status, 200);
    }
    let log = a.kill_and_read_log();
    let warned = log.lines().filter(|line| {
        line.contains("WARN") && line.contains("sending A's secret to B (legacy_secret_demo)")
    });
    assert_eq!(warned.count(), 3, "{log}");
    assert_eq!(
        log.lines().filter(|line| line.contains("legacy_secret_demo is enabled")).count(),
        1
    );
}

#[tokio::test]
async fn production_refuses_to_start_with_the_old_way() {
    let world = World::new().await;
    let production = [("legacy_secret_demo", "true"), ("profile", "production")];
    let said = run(&["serve"], &settings_of(&world.settings(), &production)).await;
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("\n  legacy_secret_demo: ") && said.err.contains("\n  client_secret: "),
        "{}",
        said.err
    );
    assert!(!said.err.contains(SECRET));
}
