use std::collections::BTreeMap;

use reqwest::{RequestBuilder, Url, header::HeaderMap};

use super::mock_provider::{ACCESS_TOKEN, REFRESH_TOKEN};
use crate::client::Caller;

/// A browser, as far as these stories need one: it keeps cookies with what they say of themselves,
/// and follows nothing by itself.
#[derive(Clone)]
pub struct Browser {
    pub caller: Caller,
    pub cookies: BTreeMap<String, Cookie>,
    pub language: &'static str,
}

#[derive(Clone, Debug)]
pub struct Cookie {
    pub value: String,
    /// As it was written, without name and value.
    pub attributes: String,
}

/// What it shows.
#[derive(Debug)]
pub struct Shown {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

/// Where a login leads.
#[derive(Clone, Debug)]
pub struct Away(pub Url);

impl Browser {
    pub fn new(base: &str) -> Self {
        let http =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let caller = Caller { base: base.to_owned(), http: http.build().unwrap() };
        Self { caller, cookies: BTreeMap::new(), language: "en" }
    }

    pub async fn open(&mut self, path: &str) -> Shown {
        let request = self.caller.http.get(format!("{}{path}", self.caller.base));
        self.send(request, |_| true).await
    }

    /// Send a form of the website's own.
    pub async fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> Shown {
        let request = self.caller.http.post(format!("{}{path}", self.caller.base)).form(form);
        self.send(request, |_| true).await
    }

    /// Send a form that stands on a page of another site.
    pub async fn submit_from_elsewhere(&mut self, path: &str, form: &[(&str, &str)]) -> Shown {
        let request = self.caller.http.post(format!("{}{path}", self.caller.base)).form(form);
        self.send(request, |cookie| cookie.attributes.contains("SameSite=None; Secure")).await
    }

    async fn send(
        &mut self,
        request: RequestBuilder,
        goes_along: impl Fn(&Cookie) -> bool,
    ) -> Shown {
        let sent = self.cookies.iter().filter(|(_, cookie)| goes_along(cookie));
        let header: Vec<String> =
            sent.map(|(name, cookie)| format!("{name}={}", cookie.value)).collect();
        let request =
            request.header("cookie", header.join("; ")).header("accept-language", self.language);
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for set in headers.get_all("set-cookie") {
            self.keep(set.to_str().unwrap());
        }
        let shown = Shown { status, headers, html: response.text().await.unwrap() };
        shown.holds_no_token();
        shown
    }

    fn keep(&mut self, set: &str) {
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

    /// Press the button of a provider.
    pub async fn away(&mut self, path: &str) -> Away {
        let shown = self.open(path).await;
        shown.leads_away()
    }

    pub fn session(&self) -> Option<&str> {
        self.cookies.get("gatepass-a-session").map(|cookie| cookie.value.as_str())
    }
}

impl Shown {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The text of the element with this id.
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
    pub fn leads_to(&self, path: &str) {
        assert_eq!((self.status, self.header("location")), (303, path), "{}", self.html);
    }

    #[track_caller]
    pub fn leads_away(&self) -> Away {
        assert_eq!(self.status, 303, "{}", self.html);
        Away(self.header("location").parse().unwrap())
    }

    /// It is the page of this refusal, and says what to do next.
    #[track_caller]
    pub fn refuses(&self, status: u16, refusal: &str) {
        assert_eq!(self.status, status, "{}", self.html);
        assert!(
            self.html.contains(&format!("data-error=\"{refusal}\"")),
            "not {refusal}: {}",
            self.html
        );
        assert!(
            self.html.contains("id=\"login-") || self.has("account"),
            "no way on: {}",
            self.html
        );
        assert!(self.header("content-type").starts_with("text/html"));
    }

    /// Tokens never reach a browser. The one exception is asked for by the specification of logout,
    /// and is no page.
    fn holds_no_token(&self) {
        for token in [ACCESS_TOKEN, REFRESH_TOKEN, "eyJ"] {
            assert!(!self.html.contains(token), "{}", self.html);
            for set in self.headers.get_all("set-cookie") {
                assert!(!set.to_str().unwrap().contains(token));
            }
        }
    }
}

impl Away {
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

    /// The provider's answer, as it comes back.
    pub fn back(&self, provider: &str) -> String {
        format!("/callback/{provider}?code=the-code&state={}", self.parameter("state"))
    }
}
