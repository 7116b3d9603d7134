//! Pages name a client in the language of the browser.

use crate::{
    browser::{AuthorizationRequest, Browser},
    device_grant,
    test_server::{ALICE, TestServer},
};

#[tokio::test]
async fn device_pages_name_the_client_in_the_language_of_the_browser() {
    let server = TestServer::start().await;
    let mut browser = Browser::new(&server);
    browser.language = "zh";
    for (decision, expected) in
        [("allow", "“小应用”会在几秒内自动继续"), ("deny", "“小应用”没有连接")]
    {
        let device = device_grant::begin(&server).await;
        let page = device_grant::at_the_page(&browser, &device).await;
        page.assert_contains("是否连接“小应用”");
        browser.submit(&page, &[("decision", decision)]).await.assert_contains(expected);
    }
}

#[tokio::test]
async fn form_post_and_logout_pages_name_the_client_in_the_language_of_the_browser() {
    let server = TestServer::start().await;
    let mut browser = Browser::new(&server);
    browser.language = "zh";
    let request = AuthorizationRequest::site().with("response_mode", "form_post");
    let page = browser.authorize(&request).await;
    let page = browser.sign_in(&page, ALICE).await;
    page.assert_contains("是否授权“网站”");
    browser.allow(&page).await.assert_contains("正在返回“网站”");
    let page = browser.open("/logout?client_id=site").await;
    page.assert_contains("“网站”请求退出你的登录");
    let page = browser.submit(&page, &[("decision", "logout")]).await;
    page.assert_contains("返回“网站”");
}
