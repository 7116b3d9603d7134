use std::net::TcpListener;

use test_support::{mock::status, signer::Signer};

use crate::{
    harness::{C, SECRET},
    process::{run, set},
};

#[tokio::test(flavor = "multi_thread")]
async fn healthcheck_succeeds_only_when_b_is_ready() {
    let c = C::start(&Signer::es256("k1")).await;
    c.metadata.respond(status(500));
    let b = c.start_b();
    let listen = b.manage.base.trim_start_matches("http://");
    let healthcheck =
        async |listen: &str| run(&["healthcheck"], &set(&[("manage_listen", listen)])).await;
    let early = healthcheck(listen).await;
    assert_eq!((early.code, early.stderr.lines().count()), (Some(1), 1));
    assert!(
        early.stderr.contains("503") && early.stderr.contains("no keys of the issuer yet"),
        "{}",
        early.stderr
    );
    c.metadata.respond(crate::harness::issuer_metadata());
    b.wait_until_ready().await;
    assert_eq!(healthcheck(listen).await.code, Some(0));
    for (listen, words) in [
        ("127.0.0.1:1", "no response from http://127.0.0.1:1/readyz"),
        ("", "`manage_listen` is off"),
    ] {
        let output = healthcheck(listen).await;
        assert!(output.code == Some(1) && output.stderr.contains(words), "{output:?}");
    }
}

#[tokio::test]
async fn check_config_hides_secrets_and_lists_unsafe_settings() {
    let shared = "a secret of C and B, 32 bytes long";
    let settings = [
        ("introspection.client_secret", SECRET),
        ("local.hs256_secret", shared),
        ("local.leeway_seconds", "7"),
        ("local.algorithms", "ES256, EdDSA"),
    ];
    let output = run(&["check-config"], &set(&settings)).await;
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(
        output.stdout.contains("leeway_seconds = 7")
            && output.stdout.contains("hs256_secret = \"[hidden]\"")
    );
    for secret in [SECRET, shared] {
        assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret));
    }
    assert!(
        output
            .stdout
            .split("# unsafe for production:")
            .nth(1)
            .unwrap()
            .contains("local.hs256_secret:")
    );
}

#[tokio::test]
async fn unknown_setting_suggests_the_most_similar_name() {
    for (wrong, meant) in [("resourse=x", "resource"), ("local.leeway=5", "leeway_seconds")] {
        let output = run(&["check-config"], &["--set".to_owned(), wrong.to_owned()]).await;
        assert_eq!((output.code, output.stderr.lines().count()), (Some(1), 1));
        assert!(output.stderr.contains(&format!("did you mean `{meant}`?")), "{}", output.stderr);
    }
}

#[tokio::test]
async fn unusable_setting_is_a_one_line_error() {
    for (setting, words) in [
        ("local.algorithms=ES512", "local.algorithms: unknown algorithm `ES512`"),
        ("local.algorithms=none", "local.algorithms: unknown algorithm `none`"),
        ("local.hs256_secret=short", "fewer than 32 bytes"),
        ("resource=not a url", "invalid resource identifier"),
        ("tls.key_file=only-one.pem", "tls.cert_file and tls.key_file belong together"),
        ("ca_file=/does/not/exist.pem", "setting `ca_file`"),
    ] {
        let settings = ["--set", setting, "--set", "listen=127.0.0.1:0", "--set", "log.filter=off"]
            .map(str::to_owned);
        for command in ["serve", "check-config"] {
            let output = run(&[command], &settings).await;
            assert_eq!(
                (output.code, output.stderr.lines().count()),
                (Some(1), 1),
                "{command}: {output:?}"
            );
            assert!(
                output.stderr.contains(words) && !output.stdout.contains("all settings are safe"),
                "{command}: {output:?}"
            );
        }
    }
}

#[tokio::test]
async fn port_in_use_is_a_one_line_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["serve"], &set(&[("listen", &address)])).await;
    assert_eq!((output.code, output.stderr.lines().count()), (Some(1), 1), "{}", output.stderr);
    for words in [&*address, "setting `listen`", "in use by another process"] {
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
}
