//! Fuzzes the local verification of access tokens: it never panics, and it rejects every token,
//! because the fuzzer does not know the HMAC secret.
//!
//! Only HS256 is accepted, so that no keys are fetched.
#![no_main]

use std::sync::LazyLock;

use clock::Clock;
use libfuzzer_sys::fuzz_target;
use oauth_types::{AccessToken, ClientSecret};
use token_verifier::{LocalSettings, Verifier};
use tokio::runtime::{Builder, Runtime};

static SETUP: LazyLock<(Runtime, Verifier)> = LazyLock::new(|| {
    let local = LocalSettings::default()
        .algorithms([])
        .hs256_secret(ClientSecret::new("a secret of more than thirty-two bytes"));
    let verifier = Verifier::builder("https://c.example", "https://b.example")
        .local(local)
        .clock(Clock::manual(1_000));
    (
        Builder::new_current_thread().build().expect("a runtime"),
        verifier.build().expect("a verifier"),
    )
});

fuzz_target!(|token: &str| {
    let (runtime, verifier) = &*SETUP;
    assert!(runtime.block_on(verifier.verify(&AccessToken::new(token))).is_err());
});
