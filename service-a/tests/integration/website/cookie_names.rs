//! Two websites on one host. Browsers send the cookies of a host to all of its ports (RFC 6265
//! §8.5).

use super::{browser::Browser, test_site::TestSite};

async fn site_at(port: u16) -> TestSite {
    let public_url = format!("http://localhost:{port}");
    TestSite::start_with(|settings| settings.public_url = public_url).await
}

/// Goes on at another site, with the same cookies.
fn at(site: &TestSite, browser: Browser) -> Browser {
    Browser { cookies: browser.cookies, ..site.browser() }
}

#[tokio::test]
async fn websites_on_two_ports_do_not_log_each_other_out() {
    let (one, other) = (site_at(9001).await, site_at(9101).await);
    let mut browser = one.browser();
    one.log_in(&mut browser).await;
    let mut browser = at(&other, browser);
    browser.open("/account").await.assert_error(401, "not_logged_in");
    other.log_in(&mut browser).await;
    let mut browser = at(&one, browser);
    assert_eq!(browser.open("/account").await.status, 200);

    let mut browser = at(&other, browser);
    let csrf_token = browser.open("/account").await.csrf_token();
    browser.submit("/logout", &[("csrf_token", &csrf_token)]).await;
    browser.open("/account").await.assert_error(401, "not_logged_in");
    let mut browser = at(&one, browser);
    assert_eq!(browser.open("/account").await.status, 200);
}

#[tokio::test]
async fn logins_at_websites_on_two_ports_do_not_disturb_each_other() {
    let (one, other) = (site_at(9001).await, site_at(9101).await);
    let mut browser = one.browser();
    let request_of_one = browser.start_login("/login/platform").await;
    let mut browser = at(&other, browser);
    let request_of_other = browser.start_login("/login/platform").await;
    for (site, request) in [(&one, request_of_one), (&other, request_of_other)] {
        browser = at(site, browser);
        site.platform.issue_claims(&site.platform.claims(&request));
        browser.open(&request.callback("platform")).await.assert_redirect("/account");
    }
}
