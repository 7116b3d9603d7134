//! A person at a browser: it keeps cookies, follows C's redirects, and sends C's forms as they
//! stand in its pages.

use std::{collections::BTreeMap, sync::Mutex};

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::{Method, header::COOKIE};
use serde_json::Value;
use url::Url;

use crate::{
    client::{Answer, Caller, Login, answer},
    test_server::C,
};

pub const VERIFIER: &str = "a-verifier-of-43-characters-at-the-very-least-0";

pub struct Person<'a> {
    pub c: &'a Caller,
    cookies: Mutex<BTreeMap<String, String>>,
    pub language: &'static str,
}

/// What the browser shows, or where it was sent.
#[derive(Debug)]
pub struct Page {
    /// The path on C.
    pub path: String,
    pub answer: Answer,
    /// Set when the browser left C.
    pub left_to: Option<Url>,
}

/// An authorization request, as a client would write it.
#[derive(Clone)]
pub struct Asking(Vec<(&'static str, String)>);

impl Asking {
    /// What the site asks: openid and profile, with PKCE.
    pub fn site() -> Self {
        Self::of("site", "https://site.example/cb?shop=1", "openid profile")
    }

    pub fn forum() -> Self {
        Self::of("forum", "https://forum.example/cb", "openid profile")
    }

    pub fn house() -> Self {
        Self::of("house", "https://house.example/cb", "openid profile")
    }

    pub fn app() -> Self {
        Self::of("app", "http://127.0.0.1:51004/cb", "openid profile")
    }

    pub fn of(client_id: &str, redirect_uri: &str, scope: &str) -> Self {
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

    /// The same with another value, or with one more parameter.
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

    pub fn doubled(mut self, name: &'static str, value: &str) -> Self {
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

impl<'a> Person<'a> {
    pub fn at(c: &'a C) -> Self {
        Self::on(&c.caller)
    }

    /// At a server that runs in a process of its own.
    pub fn on(c: &'a Caller) -> Self {
        Self { c, cookies: Mutex::default(), language: "en" }
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    pub fn plant(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    pub fn forget_cookies(&self) {
        self.cookies.lock().unwrap().clear();
    }

    pub fn cookies(&self) -> Vec<String> {
        self.cookies.lock().unwrap().values().cloned().collect()
    }

    /// Open an address of C and follow its redirects as long as they stay there.
    pub async fn open(&self, path: &str) -> Page {
        self.go(Method::GET, path.to_owned(), None).await
    }

    /// A client sends the browser to C.
    pub async fn asked(&self, asking: &Asking) -> Page {
        self.open(&format!("/oauth/authorize?{}", asking.query())).await
    }

    /// Send the form of a page, with its hidden fields and these besides.
    pub async fn send(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let action = page.form_action();
        let mut form = page.hidden();
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.go(Method::POST, action, Some(form)).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let form =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.go(Method::POST, path.to_owned(), Some(form)).await
    }

    /// Type name and password into the sign-in page.
    pub async fn sign_in(&self, page: &Page, (username, password): Login<'_>) -> Page {
        assert_eq!(page.path, "/login", "{page:?}");
        self.send(page, &[("username", username), ("password", password)]).await
    }

    pub async fn allow(&self, page: &Page) -> Page {
        assert_eq!(page.path, "/consent", "{page:?}");
        self.send(page, &[("decision", "allow")]).await
    }

    /// All the way: sign in and allow where it is asked. The code.
    pub async fn code(&self, asking: &Asking, login: Login<'_>) -> String {
        let mut page = self.asked(asking).await;
        if page.path == "/login" && page.left_to.is_none() {
            page = self.sign_in(&page, login).await;
        }
        if page.path == "/consent" && page.left_to.is_none() {
            page = self.allow(&page).await;
        }
        page.parameter("code")
    }

    /// All the way to the tokens.
    pub async fn tokens(&self, asking: &Asking, login: Login<'_>, client: Login<'_>) -> Value {
        let code = self.code(asking, login).await;
        let answer = self.c.fetch(client, asking, &code).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    async fn go(&self, method: Method, path: String, form: Option<Vec<(String, String)>>) -> Page {
        let (mut method, mut path, mut form) = (method, path, form);
        loop {
            let request = self.c.http.request(method, format!("{}{path}", self.c.base));
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
            let answer = answer(request).await;
            self.keep_cookies(&answer);
            let location =
                answer.headers.get("location").map(|value| value.to_str().unwrap().to_owned());
            match location {
                Some(location) if location.starts_with('/') => {
                    path = location;
                    method = Method::GET;
                }
                location => {
                    let left_to = location.map(|location| location.parse().unwrap());
                    return Page {
                        path: path.split('?').next().unwrap().to_owned(),
                        answer,
                        left_to,
                    };
                }
            }
        }
    }

    fn keep_cookies(&self, answer: &Answer) {
        for header in answer.headers.get_all("set-cookie") {
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
    /// The page as a person reads it.
    pub fn text(&self) -> String {
        unescape(&self.answer.text)
    }

    /// It has to say this.
    pub fn says(&self, words: &str) {
        assert!(self.text().contains(words), "`{words}` is not in {} {}", self.path, self.text());
    }

    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// Where its switch of languages leads.
    pub fn in_language(&self, code: &str) -> String {
        let end = format!("lang={code}\"");
        let links = self.answer.text.split("href=\"").skip(1);
        let link = links
            .filter_map(|link| link.split_inclusive('"').next())
            .find(|link| link.ends_with(&end));
        let query = unescape(
            link.unwrap_or_else(|| panic!("no switch to {code}: {self:?}")).trim_end_matches('"'),
        );
        format!("{}{query}", self.path)
    }

    /// A parameter of the address outside C that the browser was sent to.
    pub fn parameter(&self, name: &str) -> String {
        self.parameters().remove(name).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    pub fn parameters(&self) -> BTreeMap<String, String> {
        let url = self.left_to.as_ref().unwrap_or_else(|| panic!("still on C: {self:?}"));
        url.query_pairs().into_owned().collect()
    }

    /// The client has to be told this.
    pub fn tells_client(&self, error: &str) {
        let told = self.parameters();
        assert_eq!(told.get("error").map(String::as_str), Some(error), "{told:?}");
        assert!(!told.contains_key("code"), "{told:?}");
        assert!(told.contains_key("iss"), "{told:?}");
    }

    /// The user is told, and the browser goes nowhere.
    pub fn tells_user(&self, detail: &str) {
        assert_eq!((self.status(), self.left_to.is_none()), (400, true), "{self:?}");
        assert!(!self.answer.headers.contains_key("location"));
        self.says(detail);
    }

    fn form_action(&self) -> String {
        let text = &self.answer.text;
        let from = text.find("action=\"").unwrap_or_else(|| panic!("no form: {self:?}")) + 8;
        unescape(&text[from..from + text[from..].find('"').unwrap()])
    }

    /// The hidden fields of the first form.
    pub fn hidden(&self) -> Vec<(String, String)> {
        let form = self.answer.text.split("<form").nth(1).unwrap().split("</form>").next().unwrap();
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

impl Caller {
    /// A client fetches its tokens for a code.
    pub async fn fetch(&self, client: Login<'_>, asking: &Asking, code: &str) -> Answer {
        let redirect_uri = ("redirect_uri", asking.get("redirect_uri"));
        self.redeem(client, &[("code", code), redirect_uri, ("code_verifier", VERIFIER)]).await
    }

    /// A client shows a code with just these fields.
    pub async fn redeem(&self, client: Login<'_>, fields: &[(&str, &str)]) -> Answer {
        self.granted("authorization_code", client, fields).await
    }

    pub async fn refresh(
        &self,
        client: Login<'_>,
        refresh_token: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        self.granted("refresh_token", client, &[&[("refresh_token", refresh_token)], more].concat())
            .await
    }

    /// A client without a secret sends its id alone.
    pub async fn granted(
        &self,
        grant: &str,
        (id, secret): Login<'_>,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut form = vec![("grant_type", grant), ("client_id", id)];
        if !secret.is_empty() {
            form.push(("client_secret", secret));
        }
        form.extend(fields);
        self.form("/oauth/token", &form).await
    }

    pub async fn userinfo(&self, token: &str) -> Answer {
        answer(self.http.get(format!("{}/userinfo", self.base)).bearer_auth(token)).await
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
