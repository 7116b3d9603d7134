use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clock::Clock;
use doctor::Checks;
use wiremock::{Mock, ResponseTemplate, matchers::path};

use crate::{
    output::{Output, assert_diagnosis},
    vendor::{REALM, Vendor, check},
};

fn http_date(seconds: i64) -> String {
    let at: SystemTime = UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
    httpdate::fmt_http_date(at)
}

/// An issuer whose clock is this many seconds ahead.
async fn ahead(seconds: i64) -> Output {
    let vendor = Vendor::new().await;
    let response = ResponseTemplate::new(200).set_body_json(&vendor.metadata);
    let response = response.insert_header("date", http_date(Clock::system().seconds() + seconds));
    let metadata = format!("{REALM}/.well-known/openid-configuration");
    Mock::given(path(metadata)).respond_with(response).mount(&vendor.server).await;
    let mut checks = Checks::default();
    check(&mut checks, &vendor.at()).await;
    Output::of(checks)
}

#[tokio::test]
async fn clock_skew_beyond_the_leeway_is_a_warning() {
    for (seconds, words) in [(300, "s ahead"), (-300, "s behind")] {
        let output = ahead(seconds).await;
        let diagnosis = output.warned("issuer: clock");
        assert_diagnosis(diagnosis, "5 s at most", words, "local.leeway_seconds");
        let seconds: i64 = diagnosis.found.split(' ').find_map(|word| word.parse().ok()).unwrap();
        assert!((298..=302).contains(&seconds), "{diagnosis:?}");
    }
}

#[tokio::test]
async fn clock_skew_within_the_leeway_passes() {
    for seconds in [0, 3, -3] {
        ahead(seconds).await.ok("issuer: clock");
    }
}
