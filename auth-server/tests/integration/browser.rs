//! A browser without scripts: stores cookies, follows redirects to the server, and submits the
//! forms of its pages.

use std::{collections::BTreeMap, sync::Mutex};

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::{Method, header::COOKIE};
use serde_json::Value;
use url::Url;

use crate::{
    client::{Credentials, HttpClient, Response, send},
    test_server::TestServer,
};

pub const VERIFIER: &str = "a-verifier-of-43-characters-at-the-very-least-0";

pub struct Browser<'a> {
    pub client: &'a HttpClient,
    cookies: Mutex<BTreeMap<String, String>>,
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
        Self::new("app", "http://127.0.0.1:51004/cb", "openid profile")
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
        Self { client, cookies: Mutex::default(), language: "en" }
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    pub fn clear_cookies(&self) {
        self.cookies.lock().unwrap().clear();
    }

    pub fn cookies(&self) -> Vec<String> {
        self.cookies.lock().unwrap().values().cloned().collect()
    }

    /// Opens a path and follows redirects that stay on the server.
    pub async fn open(&self, path: &str) -> Page {
        self.navigate(Method::GET, path.to_owned(), None).await
    }

    /// Sends an authorization request.
    pub async fn authorize(&self, auth_request: &AuthorizationRequest) -> Page {
        self.open(&format!("/oauth/authorize?{}", auth_request.query())).await
    }

    /// Submits the form of a page: its hidden fields and `fields`.
    pub async fn submit(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let action = page.form_action();
        let mut form = page.hidden_fields();
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.navigate(Method::POST, action, Some(form)).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let form =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.navigate(Method::POST, path.to_owned(), Some(form)).await
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

    async fn navigate(
        &self,
        method: Method,
        path: String,
        form: Option<Vec<(String, String)>>,
    ) -> Page {
        let (mut method, mut path, mut form) = (method, path, form);
        loop {
            let request = self.client.http.request(method, format!("{}{path}", self.client.base));
            let cookies: Vec<String> = self
                .cookies
                .lock()
                .unwrap()
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let mut request = request.header("accept-language", self.language);
            if !cookies.is_empty() {
                request = request.header(COOKIE, cookies.join("; "));
            }
            if let Some(form) = form.take() {
                request = request.form(&form);
            }
            let response = send(request).await;
            self.store_cookies(&response);
            let location =
                response.headers.get("location").map(|value| value.to_str().unwrap().to_owned());
            match location {
                Some(location) if location.starts_with('/') => {
                    path = location;
                    method = Method::GET;
                }
                location => {
                    let redirected_to = location.map(|location| location.parse().unwrap());
                    return Page {
                        path: path.split('?').next().unwrap().to_owned(),
                        response,
                        redirected_to,
                    };
                }
            }
        }
    }

    fn store_cookies(&self, response: &Response) {
        for header in response.headers.get_all("set-cookie") {
            let header = header.to_str().unwrap();
            let (name, rest) = header.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let gone = rest.contains("Max-Age=0");
            let mut cookies = self.cookies.lock().unwrap();
            if gone {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
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
    }

    /// Asserts an error page without a redirect.
    pub fn assert_error_page(&self, detail: &str) {
        assert_eq!((self.status(), self.redirected_to.is_none()), (400, true), "{self:?}");
        assert!(!self.response.headers.contains_key("location"));
        self.assert_contains(detail);
    }

    fn form_action(&self) -> String {
        let text = &self.response.text;
        let from = text.find("action=\"").unwrap_or_else(|| panic!("no form: {self:?}")) + 8;
        unescape(&text[from..from + text[from..].find('"').unwrap()])
    }

    /// Returns the hidden fields of the first form.
    pub fn hidden_fields(&self) -> Vec<(String, String)> {
        let form =
            self.response.text.split("<form").nth(1).unwrap().split("</form>").next().unwrap();
        let attribute = |input: &str, name: &str| {
            let from = input.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
            unescape(&input[from..from + input[from..].find('"').unwrap()])
        };
        let inputs = form.split("<input").skip(1).map(|input| input.split('>').next().unwrap());
        inputs
            .filter(|input| input.contains("type=\"hidden\""))
            .map(|input| (attribute(input, "name"), attribute(input, "value")))
            .collect()
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

fn unescape(text: &str) -> String {
    let mut plain = text.to_owned();
    for (escaped, letter) in [
        ("&#x2f;", "/"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ] {
        plain = plain.replace(escaped, letter);
    }
    plain
}

/// RFC 7636 §4.2
pub fn s256(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}
