use std::net::TcpListener;

use crate::{
    harness::{C, SECRET, status},
    process::{run, set},
    signer::Signer,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_healthchecks_exit_code_is_zero_only_when_b_is_ready() {
    let c = C::start(&Signer::es256("k1")).await;
    c.metadata.answers(status(500));
    let b = c.b();
    let listen = b.listen();
    let ask = async || run(&["healthcheck"], &set(&[("listen", &listen)])).await;
    let early = ask().await;
    assert_eq!((early.code, early.err.lines().count()), (Some(1), 1));
    assert!(
        early.err.contains("503") && early.err.contains("no keys of the issuer yet"),
        "{}",
        early.err
    );
    c.metadata.answers(crate::harness::about_c());
    b.until_ready().await;
    assert_eq!(ask().await.code, Some(0));
    let nobody = run(&["healthcheck"], &set(&[("listen", "127.0.0.1:1")])).await;
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.err.contains("no response from http://127.0.0.1:1/readyz"), "{}", nobody.err);
}

#[tokio::test]
async fn check_config_shows_what_is_in_force_hides_secrets_and_lists_what_is_unsafe() {
    let shared = "a secret of C and B, 32 bytes long";
    let settings = [
        ("introspection.client_secret", SECRET),
        ("local.hs256_secret", shared),
        ("local.leeway_seconds", "7"),
        ("local.algorithms", "ES256, EdDSA"),
    ];
    let said = run(&["check-config"], &set(&settings)).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.out.contains("leeway_seconds = 7") && said.out.contains("hs256_secret = \"[hidden]\"")
    );
    for secret in [SECRET, shared] {
        assert!(!said.out.contains(secret) && !said.err.contains(secret));
    }
    assert!(
        said.out.split("# unsafe for production:").nth(1).unwrap().contains("local.hs256_secret:")
    );
}

#[tokio::test]
async fn an_unknown_setting_names_the_nearest() {
    for (wrong, meant) in [("resourse=x", "resource"), ("local.leeway=5", "leeway_seconds")] {
        let said = run(&["check-config"], &["--set".to_owned(), wrong.to_owned()]).await;
        assert_eq!((said.code, said.err.lines().count()), (Some(1), 1));
        assert!(said.err.contains(&format!("did you mean `{meant}`?")), "{}", said.err);
    }
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_one_clear_line() {
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
            let said = run(&[command], &settings).await;
            assert_eq!((said.code, said.err.lines().count()), (Some(1), 1), "{command}: {said:?}");
            assert!(
                said.err.contains(words) && !said.out.contains("all settings are safe"),
                "{command}: {said:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = run(&["serve"], &set(&[("listen", &address)])).await;
    assert_eq!((said.code, said.err.lines().count()), (Some(1), 1), "{}", said.err);
    for words in [&*address, "setting `listen`", "in use by another process"] {
        assert!(said.err.contains(words), "{}", said.err);
    }
}
