//! A browser that follows no redirects, so that a test can look at each response.

use std::ops::Deref;

use reqwest::{RequestBuilder, Url, header::HeaderMap};
use scripted_browser::{Cookie, CookieJar, Page};
use test_support::{
    http::{TestClient, TestResponse, send},
    secrecy::contains_jwt,
};

use super::mock_provider::{ACCESS_TOKEN, REFRESH_TOKEN};

#[derive(Clone)]
pub struct Browser {
    pub client: TestClient,
    pub cookies: CookieJar,
    pub language: &'static str,
}

/// The page of a response, and its headers.
#[derive(Debug)]
pub struct BrowserPage {
    pub page: Page,
    pub headers: HeaderMap,
}

/// URL of an authorization request.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest(pub Url);

impl Browser {
    pub fn new(base: &str) -> Self {
        Self { client: TestClient::new(base), cookies: CookieJar::default(), language: "en" }
    }

    pub async fn open(&mut self, path: &str) -> BrowserPage {
        self.send(self.client.request("GET", path), self.cookies.header()).await
    }

    /// Submits a form of the website.
    pub async fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> BrowserPage {
        self.send(self.client.post(path).form(form), self.cookies.header()).await
    }

    /// Submits a form on a page of another site, with `SameSite=None` cookies only and with the
    /// headers by which browsers name that site.
    pub async fn submit_cross_site(&mut self, path: &str, form: &[(&str, &str)]) -> BrowserPage {
        let is_sent = |cookie: &Cookie| cookie.attributes.contains("SameSite=None; Secure");
        let request = self.client.post(path).form(form);
        let request = request
            .header("origin", "https://appleid.apple.com")
            .header("sec-fetch-site", "cross-site");
        self.send(request, self.cookies.header_of(is_sent)).await
    }

    async fn send(&mut self, request: RequestBuilder, cookie: Option<String>) -> BrowserPage {
        let request = match cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let response = send(request.header("accept-language", self.language)).await;
        for set_cookie in response.set_cookies() {
            self.cookies.store(&set_cookie);
        }
        let TestResponse { status, headers, text } = response;
        let page = BrowserPage { page: Page { status, html: text }, headers };
        page.assert_no_token();
        page
    }

    /// Presses the button of a provider.
    pub async fn start_login(&mut self, path: &str) -> AuthorizationRequest {
        self.open(path).await.authorization_request()
    }

    pub fn session(&self) -> Option<&str> {
        self.cookies.with_port("gatepass-a-session").map(|(_, cookie)| cookie.value.as_str())
    }
}

impl Deref for BrowserPage {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl BrowserPage {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn csrf_token(&self) -> String {
        let after = self.html.split_once("name=\"csrf_token\" value=\"").unwrap().1;
        after.split_once('"').unwrap().0.to_owned()
    }

    #[track_caller]
    pub fn assert_redirect(&self, path: &str) {
        assert_eq!((self.status, self.header("location")), (303, path), "{}", self.html);
    }

    #[track_caller]
    pub fn authorization_request(&self) -> AuthorizationRequest {
        assert_eq!(self.status, 303, "{}", self.html);
        AuthorizationRequest(self.header("location").parse().unwrap())
    }

    /// Asserts that this is the page of an error, with a next step.
    #[track_caller]
    pub fn assert_error(&self, status: u16, error: &str) {
        assert_eq!(self.status, status, "{}", self.html);
        assert!(
            self.html.contains(&format!("data-error=\"{error}\"")),
            "not {error}: {}",
            self.html
        );
        assert!(
            self.html.contains("id=\"login-") || self.has("account"),
            "no next step: {}",
            self.html
        );
        assert!(self.header("content-type").starts_with("text/html"));
    }

    /// Asserts that neither page nor cookies contain a token. (Only the logout redirect contains
    /// the ID token, as RP-Initiated Logout specifies.)
    fn assert_no_token(&self) {
        let cookies = self.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap());
        for text in cookies.chain([self.html.as_str()]) {
            assert!(!contains_jwt(text), "{text}");
            for token in [ACCESS_TOKEN, REFRESH_TOKEN] {
                assert!(!text.contains(token), "{text}");
            }
        }
    }
}

impl AuthorizationRequest {
    pub fn parameter(&self, name: &str) -> String {
        let found = self.0.query_pairs().find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    pub fn parameters(&self, name: &str) -> Vec<String> {
        self.0
            .query_pairs()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }

    /// Returns path and query of a successful authorization response.
    pub fn callback(&self, provider: &str) -> String {
        format!("/callback/{provider}?code=the-code&state={}", self.parameter("state"))
    }
}
