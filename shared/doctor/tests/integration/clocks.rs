use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clock::Clock;
use doctor::Checks;
use wiremock::{Mock, ResponseTemplate, matchers::path};

use crate::{
    output::{Output, says},
    vendor::{REALM, Vendor, look},
};

fn http_date(seconds: i64) -> String {
    let at: SystemTime = UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
    httpdate::fmt_http_date(at)
}

/// An issuer whose clock is so many seconds ahead.
async fn ahead(seconds: i64) -> Output {
    let vendor = Vendor::new().await;
    let answer = ResponseTemplate::new(200).set_body_json(&vendor.metadata);
    let answer = answer.insert_header("date", http_date(Clock::system().seconds() + seconds));
    let metadata = format!("{REALM}/.well-known/openid-configuration");
    Mock::given(path(metadata)).respond_with(answer).mount(&vendor.server).await;
    let mut checks = Checks::default();
    look(&mut checks, &vendor.at()).await;
    Output::of(checks)
}

#[tokio::test]
async fn a_clock_that_is_too_far_ahead_or_behind_is_told_in_seconds_with_the_leeway() {
    for (seconds, words) in [(300, "s ahead"), (-300, "s behind")] {
        let told = ahead(seconds).await;
        let finding = told.warned("issuer: clock");
        says(finding, "5 s at most", words, "local.leeway_seconds");
        let told: i64 = finding.found.split(' ').find_map(|word| word.parse().ok()).unwrap();
        assert!((298..=302).contains(&told), "{finding:?}");
    }
}

#[tokio::test]
async fn a_clock_within_the_leeway_is_well() {
    for seconds in [0, 3, -3] {
        ahead(seconds).await.ok("issuer: clock");
    }
}
