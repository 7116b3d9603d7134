//! Two servers on one host. Browsers send the cookies of a host to all of its ports (RFC 6265
//! §8.5).

use crate::{
    browser::Browser,
    test_server::{ALICE, BOB, TestServer},
};

#[tokio::test]
async fn servers_on_two_ports_do_not_sign_each_other_out() {
    let (one, other) = (TestServer::start().await, TestServer::start().await);
    let browser = Browser::new(&one);
    let page = browser.open("/account").await;
    assert_eq!(browser.sign_in(&page, ALICE).await.path, "/account");
    let browser = browser.at(&other);
    let page = browser.open("/account").await;
    assert_eq!(browser.sign_in(&page, BOB).await.path, "/account");
    let browser = browser.at(&one);
    browser.open("/account").await.assert_contains("alice@example.com");

    let browser = browser.at(&other);
    let confirmation = browser.open("/logout").await;
    browser.submit(&confirmation, &[("decision", "logout")]).await;
    assert_eq!(browser.open("/account").await.path, "/login");
    let browser = browser.at(&one);
    browser.open("/account").await.assert_contains("alice@example.com");
}

#[tokio::test]
async fn sign_in_forms_of_servers_on_two_ports_both_work() {
    let (one, other) = (TestServer::start().await, TestServer::start().await);
    let browser = Browser::new(&one);
    let form_of_one = browser.open("/login").await;
    let browser = browser.at(&other);
    let form_of_other = browser.open("/login").await;
    let browser = browser.at(&one);
    assert_eq!(browser.sign_in(&form_of_one, ALICE).await.path, "/account");
    let browser = browser.at(&other);
    assert_eq!(browser.sign_in(&form_of_other, BOB).await.path, "/account");
}
