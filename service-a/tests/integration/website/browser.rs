use std::collections::BTreeMap;

use reqwest::{RequestBuilder, Url, header::HeaderMap};
use test_support::http::TestClient;

use super::mock_provider::{ACCESS_TOKEN, REFRESH_TOKEN};

/// A browser without redirects. It keeps cookies with their attributes.
#[derive(Clone)]
pub struct Browser {
    pub client: TestClient,
    pub cookies: BTreeMap<String, Cookie>,
    pub language: &'static str,
}

#[derive(Clone, Debug)]
pub struct Cookie {
    pub value: String,
    /// The `Set-Cookie` attributes.
    pub attributes: String,
}

/// A response as the browser displays it.
#[derive(Debug)]
pub struct BrowserPage {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

/// URL of an authorization request.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest(pub Url);

impl Browser {
    pub fn new(base: &str) -> Self {
        let http =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = TestClient { base: base.to_owned(), http: http.build().unwrap() };
        Self { client, cookies: BTreeMap::new(), language: "en" }
    }

    pub async fn open(&mut self, path: &str) -> BrowserPage {
        let request = self.client.http.get(format!("{}{path}", self.client.base));
        self.send(request, |_| true).await
    }

    /// Submits a form of the website.
    pub async fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> BrowserPage {
        let request = self.client.http.post(format!("{}{path}", self.client.base)).form(form);
        self.send(request, |_| true).await
    }

    /// Submits a form on a page of another site, with `SameSite=None` cookies only.
    pub async fn submit_cross_site(&mut self, path: &str, form: &[(&str, &str)]) -> BrowserPage {
        let request = self.client.http.post(format!("{}{path}", self.client.base)).form(form);
        self.send(request, |cookie| cookie.attributes.contains("SameSite=None; Secure")).await
    }

    async fn send(
        &mut self,
        request: RequestBuilder,
        is_sent: impl Fn(&Cookie) -> bool,
    ) -> BrowserPage {
        let sent = self.cookies.iter().filter(|(_, cookie)| is_sent(cookie));
        let header: Vec<String> =
            sent.map(|(name, cookie)| format!("{name}={}", cookie.value)).collect();
        let request =
            request.header("cookie", header.join("; ")).header("accept-language", self.language);
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for set in headers.get_all("set-cookie") {
            self.store_cookie(set.to_str().unwrap());
        }
        let page = BrowserPage { status, headers, html: response.text().await.unwrap() };
        page.assert_no_token();
        page
    }

    fn store_cookie(&mut self, set: &str) {
        let (pair, attributes) = set.split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        if attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(
                name.to_owned(),
                Cookie { value: value.to_owned(), attributes: attributes.to_owned() },
            );
        }
    }

    /// Presses the button of a provider.
    pub async fn start_login(&mut self, path: &str) -> AuthorizationRequest {
        self.open(path).await.authorization_request()
    }

    pub fn session(&self) -> Option<&str> {
        self.cookies.get("gatepass-a-session").map(|cookie| cookie.value.as_str())
    }
}

impl BrowserPage {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Returns the text of the element with this id.
    pub fn text(&self, id: &str) -> Option<String> {
        let after = self.html.split_once(&format!("id=\"{id}\""))?.1.split_once('>')?.1;
        Some(after.split_once('<')?.0.trim().to_owned())
    }

    pub fn has(&self, id: &str) -> bool {
        self.html.contains(&format!("id=\"{id}\""))
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
        for token in [ACCESS_TOKEN, REFRESH_TOKEN, "eyJ"] {
            assert!(!self.html.contains(token), "{}", self.html);
            for set in self.headers.get_all("set-cookie") {
                assert!(!set.to_str().unwrap().contains(token));
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
