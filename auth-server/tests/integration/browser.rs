//! A browser that stays on the server: it ends where a redirect leaves the server.

use std::{collections::BTreeMap, sync::Mutex};

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use scripted_browser::{Cookie, Form, Request, unescape};
use serde_json::Value;
use service_kit::CookieNames;
use test_support::error_reference::assert_documented;
use url::Url;

use crate::{
    client::{Credentials, HttpClient, Response, send},
    test_server::TestServer,
};

pub const VERIFIER: &str = "a-verifier-of-43-characters-at-the-very-least-0";

pub struct Browser<'a> {
    pub client: &'a HttpClient,
    browser: Mutex<scripted_browser::Browser>,
    pub language: &'static str,
}

/// The page that a browser ended on, or a redirect away from the server.
#[derive(Debug)]
pub struct Page {
    /// The path on the server.
    pub path: String,
    pub response: Response,
    /// The redirect target outside the server.
    pub redirected_to: Option<Url>,
}

/// The parameters of an authorization request.
#[derive(Clone)]
pub struct AuthorizationRequest(Vec<(&'static str, String)>);

impl AuthorizationRequest {
    /// A request of the client `site` with PKCE.
    pub fn site() -> Self {
        Self::new("site", "https://site.example/cb?shop=1", "openid profile")
    }

    pub fn forum() -> Self {
        Self::new("forum", "https://forum.example/cb", "openid profile")
    }

    pub fn portal() -> Self {
        Self::new("portal", "https://portal.example/cb", "openid profile")
    }

    pub fn app() -> Self {
        Self::new("app", "http://127.0.0.1:8400/cb", "openid profile")
    }

    pub fn new(client_id: &str, redirect_uri: &str, scope: &str) -> Self {
        let challenge = s256(VERIFIER);
        Self(vec![
            ("response_type", "code".to_owned()),
            ("client_id", client_id.to_owned()),
            ("redirect_uri", redirect_uri.to_owned()),
            ("scope", scope.to_owned()),
            ("state", "the-state".to_owned()),
            ("nonce", "the-nonce".to_owned()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
        ])
    }

    /// Sets or adds a parameter.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(pair) => value.clone_into(&mut pair.1),
            None => self.0.push((name, value.to_owned())),
        }
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self
    }

    pub fn repeated(mut self, name: &'static str, value: &str) -> Self {
        self.0.push((name, value.to_owned()));
        self
    }

    pub fn get(&self, name: &str) -> &str {
        &self.0.iter().find(|(known, _)| *known == name).unwrap().1
    }

    pub fn pairs(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    pub fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

impl<'a> Browser<'a> {
    pub fn new(client: &'a TestServer) -> Self {
        Self::with_client(&client.client)
    }

    /// A browser for a server in another process.
    pub fn with_client(client: &'a HttpClient) -> Self {
        Self { client, browser: Mutex::default(), language: "en" }
    }

    /// The same browser, which goes on at another server.
    pub fn at(self, server: &'a TestServer) -> Self {
        Self { client: &server.client, ..self }
    }

    /// Returns a cookie whose name may carry a port.
    pub fn full_cookie(&self, name: &str) -> Option<Cookie> {
        let browser = self.browser.lock().unwrap();
        browser.cookies.with_port(name).map(|(_, cookie)| cookie.clone())
    }

    /// Returns the value of a cookie whose name may carry a port.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.full_cookie(name).map(|cookie| cookie.value)
    }

    /// Sets a cookie under the name that the server on this port of a loopback host uses.
    pub fn set_cookie(&self, name: &str, value: &str) {
        let url: Url = self.client.base.parse().unwrap();
        let full_name = CookieNames::of(&url).full_name(name);
        self.browser.lock().unwrap().cookies.set(&full_name, value);
    }

    pub fn clear_cookies(&self) {
        self.browser.lock().unwrap().cookies.clear();
    }

    /// Returns the values of all cookies.
    pub fn cookies(&self) -> Vec<String> {
        let browser = self.browser.lock().unwrap();
        browser.cookies.iter().map(|(_, cookie)| cookie.value.clone()).collect()
    }

    /// Opens a path and follows redirects that stay on the server.
    pub async fn open(&self, path: &str) -> Page {
        let request = self.browser.lock().unwrap().open(&self.client.url(path)).unwrap();
        self.navigate(request).await
    }

    /// Sends an authorization request.
    pub async fn authorize(&self, auth_request: &AuthorizationRequest) -> Page {
        self.open(&format!("/oauth/authorize?{}", auth_request.query())).await
    }

    /// Submits the first form of a page: its hidden fields and `fields`.
    pub async fn submit(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let form = page.form();
        let hidden = form.hidden_fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.post(&form.action, &hidden.chain(fields.iter().copied()).collect::<Vec<_>>()).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let url = self.client.url(path);
        let request = self.browser.lock().unwrap().post(&url, fields).unwrap();
        self.navigate(request).await
    }

    /// Submits the sign-in page.
    pub async fn sign_in(&self, page: &Page, (username, password): Credentials<'_>) -> Page {
        assert_eq!(page.path, "/login", "{page:?}");
        self.submit(page, &[("username", username), ("password", password)]).await
    }

    pub async fn allow(&self, page: &Page) -> Page {
        assert_eq!(page.path, "/consent", "{page:?}");
        self.submit(page, &[("decision", "allow")]).await
    }

    /// Signs in and consents if required. Returns the code.
    pub async fn authorization_code(
        &self,
        auth_request: &AuthorizationRequest,
        credentials: Credentials<'_>,
    ) -> String {
        let mut page = self.authorize(auth_request).await;
        if page.path == "/login" && page.redirected_to.is_none() {
            page = self.sign_in(&page, credentials).await;
        }
        if page.path == "/consent" && page.redirected_to.is_none() {
            page = self.allow(&page).await;
        }
        page.redirect_parameter("code")
    }

    /// Completes the flow. Returns the token response.
    pub async fn tokens(
        &self,
        auth_request: &AuthorizationRequest,
        credentials: Credentials<'_>,
        client: Credentials<'_>,
    ) -> Value {
        let code = self.authorization_code(auth_request, credentials).await;
        let response = self.client.redeem_code(client, auth_request, &code).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.json()
    }

    async fn navigate(&self, first: Request) -> Page {
        let origin = first.url.origin();
        let mut request = first;
        loop {
            let path = request.url.path().to_owned();
            let response = self.send(&request).await;
            let location = response.headers.get("location");
            let received = scripted_browser::Response {
                status: response.status,
                set_cookies: response.set_cookies(),
                location: location.map(|value| value.to_str().unwrap().to_owned()),
                body: response.text.clone(),
            };
            let next = self.browser.lock().unwrap().receive(request, received).unwrap();
            match next {
                Some(next) if next.url.origin() == origin => request = next,
                next => return Page { path, response, redirected_to: next.map(|next| next.url) },
            }
        }
    }

    async fn send(&self, request: &Request) -> Response {
        let http = &self.client.http;
        let builder = match &request.form {
            Some(fields) => http.post(request.url.clone()).form(fields),
            None => http.get(request.url.clone()),
        };
        let builder = match &request.cookie {
            Some(cookie) => builder.header("cookie", cookie),
            None => builder,
        };
        send(builder.header("accept-language", self.language)).await
    }
}

impl Page {
    /// The page with character references decoded.
    pub fn text(&self) -> String {
        unescape(&self.response.text)
    }

    /// Asserts that the page contains `expected`.
    pub fn assert_contains(&self, expected: &str) {
        assert!(
            self.text().contains(expected),
            "`{expected}` is not in {} {}",
            self.path,
            self.text()
        );
    }

    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// The target of the language link.
    pub fn language_link(&self, code: &str) -> String {
        let end = format!("lang={code}\"");
        let links = self.response.text.split("href=\"").skip(1);
        let link = links
            .filter_map(|link| link.split_inclusive('"').next())
            .find(|link| link.ends_with(&end));
        let query = unescape(
            link.unwrap_or_else(|| panic!("no switch to {code}: {self:?}")).trim_end_matches('"'),
        );
        format!("{}{query}", self.path)
    }

    /// A parameter of the redirect away from the server.
    pub fn redirect_parameter(&self, name: &str) -> String {
        self.redirect_parameters().remove(name).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    pub fn redirect_parameters(&self) -> BTreeMap<String, String> {
        let url = self.redirected_to.as_ref().unwrap_or_else(|| panic!("still on C: {self:?}"));
        url.query_pairs().into_owned().collect()
    }

    /// Asserts a redirect to the client with this error and `iss`, without a code.
    pub fn assert_client_error(&self, error: &str) {
        let parameters = self.redirect_parameters();
        assert_eq!(parameters.get("error").map(String::as_str), Some(error), "{parameters:?}");
        assert!(!parameters.contains_key("code"), "{parameters:?}");
        assert!(parameters.contains_key("iss"), "{parameters:?}");
        assert_documented("redirect", error, &parameters["error_description"]);
    }

    /// Asserts a page with a link that reports this error to a client that registered itself.
    pub fn assert_error_with_link(&self, error: &str, redirect_uri: &str) {
        self.assert_error_page(error);
        let link = self.response.text.split("id=\"return\" href=\"").nth(1);
        let link = unescape(link.and_then(|rest| rest.split('"').next()).unwrap_or_default());
        let begin = format!("{redirect_uri}?error={error}&");
        assert!(link.starts_with(&begin) && link.contains("iss="), "{link}");
    }

    /// Asserts an error page without a redirect.
    pub fn assert_error_page(&self, detail: &str) {
        assert_eq!((self.status(), self.redirected_to.is_none()), (400, true), "{self:?}");
        assert!(!self.response.headers.contains_key("location"));
        self.assert_contains(detail);
    }

    /// Returns the value of the first form's hidden field `csrf`.
    pub fn csrf(&self) -> String {
        self.hidden_fields().into_iter().find(|(name, _)| name == "csrf").unwrap().1
    }

    /// Returns the hidden fields of the first form.
    pub fn hidden_fields(&self) -> Vec<(String, String)> {
        self.form().hidden_fields
    }

    pub fn form(&self) -> Form {
        let html = self.response.text.clone();
        let page = scripted_browser::Page { status: self.response.status, html };
        page.first_form().unwrap_or_else(|| panic!("no form: {self:?}"))
    }
}

impl HttpClient {
    /// Redeems a code with the redirect URI and the verifier.
    pub async fn redeem_code(
        &self,
        client: Credentials<'_>,
        auth_request: &AuthorizationRequest,
        code: &str,
    ) -> Response {
        let redirect_uri = ("redirect_uri", auth_request.get("redirect_uri"));
        self.redeem_code_with(client, &[("code", code), redirect_uri, ("code_verifier", VERIFIER)])
            .await
    }

    /// Redeems a code with only these fields.
    pub async fn redeem_code_with(
        &self,
        client: Credentials<'_>,
        fields: &[(&str, &str)],
    ) -> Response {
        self.token_request("authorization_code", client, fields).await
    }

    pub async fn refresh(
        &self,
        client: Credentials<'_>,
        refresh_token: &str,
        more: &[(&str, &str)],
    ) -> Response {
        self.token_request(
            "refresh_token",
            client,
            &[&[("refresh_token", refresh_token)], more].concat(),
        )
        .await
    }

    /// Sends a token request. A client with an empty secret sends its id alone.
    pub async fn token_request(
        &self,
        grant: &str,
        (id, secret): Credentials<'_>,
        fields: &[(&str, &str)],
    ) -> Response {
        let mut form = vec![("grant_type", grant), ("client_id", id)];
        if !secret.is_empty() {
            form.push(("client_secret", secret));
        }
        form.extend(fields);
        self.post_form("/oauth/token", &form).await
    }

    pub async fn userinfo(&self, token: &str) -> Response {
        send(self.http.get(format!("{}/userinfo", self.base)).bearer_auth(token)).await
    }
}

/// RFC 7636 §4.2
pub fn s256(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}
