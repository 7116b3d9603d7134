use claims::{ClientSecret, basic};
use serde_json::json;
use service_kit::DEMO_SECRET;

use crate::{
    caller::answer,
    process::{Process, run, set},
    signer::Signer,
    world::C,
};

const PATH: &str = "/api/legacy";

#[tokio::test]
async fn the_old_way_does_not_exist_unless_it_is_asked_for() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.b();
    let shown = basic::format("service-a", &ClientSecret::new(DEMO_SECRET));
    assert_eq!(answer(b.request("GET", PATH).header("authorization", shown)).await.status, 404);
}

#[tokio::test]
async fn in_the_demonstration_b_believes_the_secret_as_basic_or_in_the_query_and_no_other() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.b_with(|settings| settings.legacy_password_demo = true);
    let by_header = |id: &str, secret: &str| {
        b.request("GET", PATH).header("authorization", basic::format(id, &ClientSecret::new(secret)))
    };
    let in_query = |id: &str, secret: &str| b.request("GET", PATH).query(&[("access_key", id), ("secret", secret)]);
    for request in [by_header("service-a", DEMO_SECRET), in_query("service-a", DEMO_SECRET)] {
        let believed = answer(request).await;
        assert_eq!((believed.status, believed.json()["client_id"].as_str()), (200, Some("service-a")));
        assert!(!believed.text.contains(DEMO_SECRET));
    }
    for request in [
        b.request("GET", PATH),
        by_header("service-a", "abc124"),
        by_header("service-b", DEMO_SECRET),
        in_query("service-a", ""),
        in_query("", DEMO_SECRET),
        b.request("GET", PATH).bearer_auth(DEMO_SECRET),
        b.request("GET", PATH).header("authorization", "Basic !!!"),
    ] {
        let refused = answer(request).await;
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, "Basic realm=\"service-b\""));
        assert_eq!(
            refused.json(),
            json!({ "error": "unauthorized", "error_description": "the id or the secret is wrong" })
        );
    }
    let pass = answer(b.request("GET", "/api/resource").basic_auth("service-a", Some(DEMO_SECRET))).await;
    assert_eq!(pass.status, 401, "the resource itself wants a pass");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_in_the_old_way_is_warned_of() {
    let b =
        Process::serve(&set(&[("legacy_password_demo", "true"), ("listen", "127.0.0.1:0"), ("log.format", "json")]));
    for query in ["", "?access_key=service-a&secret=wrong", "?access_key=service-a&secret=abc123"] {
        b.get(&format!("{PATH}{query}")).await;
    }
    let log = b.kill_and_read_log();
    let warned = log.lines().filter(|line| line.contains("WARN") && line.contains("a caller showed B its secret"));
    assert_eq!(warned.count(), 3, "{log}");
    assert_eq!(log.lines().filter(|line| line.contains("legacy_password_demo is on")).count(), 1);
}

#[tokio::test]
async fn production_refuses_to_start_with_the_old_way() {
    let production = [
        ("profile", "production"),
        ("legacy_password_demo", "true"),
        ("mode", "introspection"),
        ("listen", "0.0.0.0:0"),
    ];
    let said = run(&["serve"], &set(&production)).await;
    assert_eq!(said.code, Some(1));
    for setting in ["legacy_password_demo", "introspection.client_secret", "listen"] {
        assert!(said.err.contains(&format!("\n  {setting}: ")), "{setting} is not in {}", said.err);
    }
}
