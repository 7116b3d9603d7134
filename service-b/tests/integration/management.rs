use service_kit::Listeners;
use test_support::{management::assert_management, signer::Signer};

use crate::{
    harness::{C, settings},
    process::{run, set},
};

#[tokio::test]
async fn health_and_metrics_are_on_the_management_listener_alone() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b_with(|settings| settings.legacy_secret_demo = true);
    b.wait_until_ready().await;
    assert_eq!(b.get("/openapi.json").await.status, 200);
    assert_management(&b.manage, &[&b], "/openapi.json").await;
}

#[tokio::test]
async fn management_listener_is_off_by_default() {
    let mut settings = settings("http://127.0.0.1:1");
    settings.listen = "127.0.0.1:0".to_owned();
    assert!(Listeners::bind(&settings).unwrap().manage.is_none());
}

#[tokio::test]
async fn production_accepts_plain_http_beyond_loopback_on_the_management_listener_only() {
    let production = set(&[
        ("profile", "production"),
        ("issuer", "https://c.example"),
        ("resource", "https://b.example"),
        ("manage_listen", "0.0.0.0:9102"),
    ]);
    let accepted = run(&["check-config"], &production).await;
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    let plain = [production, set(&[("listen", "0.0.0.0:9002")])].concat();
    let rejected = run(&["check-config"], &plain).await;
    let problem = "listen: 0.0.0.0:9002 accepts plain http from other machines";
    assert!(rejected.code == Some(1) && rejected.stderr.contains(problem), "{rejected:?}");
    assert!(!rejected.stderr.contains("0.0.0.0:9102"), "{rejected:?}");
}

#[tokio::test]
async fn listeners_that_share_an_address_are_named() {
    let shared = set(&[("listen", "0.0.0.0:19102"), ("manage_listen", "127.0.0.1:19102")]);
    for command in ["serve", "check-config"] {
        let output = run(&[command], &shared).await;
        let expected = "manage_listen: 127.0.0.1:19102 is already taken by `listen`";
        assert!(output.code == Some(1) && output.stderr.contains(expected), "{output:?}");
    }
}
