//! A browser without JavaScript, over blocking HTTP.

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::{
    Url,
    blocking::{Client, RequestBuilder},
    redirect::Policy,
};
use scripted_browser::{Browser, CookieJar, Request, Response};

/// Maps a public origin to the address at which a test serves it.
type Route<'a> = Box<dyn Fn(&str) -> anyhow::Result<String> + Send + 'a>;

/// A browser whose requests block the thread. It has one cookie jar for all ports of `localhost`,
/// as browsers do (RFC 6265 §8.5), and records every secret that it receives.
pub struct BlockingBrowser<'a> {
    browser: Browser,
    route: Route<'a>,
    http: Client,
    /// The values of all cookies, and the authorization codes and ID tokens in URLs. No log may
    /// contain them.
    pub secrets: Vec<String>,
}

impl<'a> BlockingBrowser<'a> {
    /// Creates a browser that connects to the host and port of each URL.
    pub fn new() -> anyhow::Result<Self> {
        Self::with_route(|origin| Ok(origin.to_owned()))
    }

    /// Creates a browser that connects only to these servers: pairs of public origin and actual
    /// address.
    pub fn with_origins<const N: usize>(origins: [(&str, String); N]) -> anyhow::Result<Self> {
        let origins = origins.map(|(public, address)| (public.to_owned(), address));
        Self::with_route(move |origin| {
            let found = origins.iter().find(|(public, _)| public == origin);
            found
                .map(|(_, address)| address.clone())
                .with_context(|| format!("no route to {origin}"))
        })
    }

    /// Creates a browser that connects to the address that `route` returns for an origin. A
    /// redirect to an origin without a route ends the navigation at that URL.
    pub fn with_route(
        route: impl Fn(&str) -> anyhow::Result<String> + Send + 'a,
    ) -> anyhow::Result<Self> {
        let http = Client::builder().tls_certs_only([]).no_proxy().redirect(Policy::none());
        let http = http.timeout(Duration::from_secs(60)).build()?;
        Ok(Self { browser: Browser::new(), route: Box::new(route), http, secrets: Vec::new() })
    }

    pub fn open(&mut self, address: &str) -> anyhow::Result<()> {
        let request = self.browser.open(address)?;
        self.navigate(request)
    }

    /// Submits the form of the button with this id.
    pub fn press(&mut self, button: &str, typed: &[(&str, &str)]) -> anyhow::Result<()> {
        let request = self.browser.press(button, typed)?;
        self.navigate(request)
    }

    pub fn address(&self) -> &str {
        self.browser.address().map(Url::as_str).unwrap_or_default()
    }

    /// Returns every URL opened so far, including redirects.
    pub fn visited(&self) -> &[Url] {
        &self.browser.visited
    }

    pub fn html(&self) -> &str {
        &self.browser.page.html
    }

    /// Returns the text of the element with this id.
    pub fn text(&self, id: &str) -> Option<String> {
        self.browser.page.text(id)
    }

    pub fn has(&self, id: &str) -> bool {
        self.browser.page.has(id)
    }

    /// Returns whether the page is A's error page for this error.
    pub fn shows_error(&self, code: &str) -> bool {
        self.html().contains(&format!("data-error=\"{code}\""))
    }

    pub fn cookies(&mut self) -> &mut CookieJar {
        &mut self.browser.cookies
    }

    /// Returns the value of a cookie, or an empty string.
    pub fn cookie(&self, name: &str) -> &str {
        self.browser.cookies.get(name).map_or("", |cookie| &cookie.value)
    }

    fn navigate(&mut self, request: Request) -> anyhow::Result<()> {
        let url = self.routed(&request.url)?;
        let response = self.send(&request, url)?;
        let mut next = self.browser.receive(request, response)?;
        while let Some(request) = next {
            self.record_secrets_in(&request.url);
            let Ok(url) = self.routed(&request.url) else {
                self.browser.stop_at(request.url);
                return Ok(());
            };
            let response = self.send(&request, url)?;
            next = self.browser.receive(request, response)?;
        }
        Ok(())
    }

    fn send(&mut self, request: &Request, url: String) -> anyhow::Result<Response> {
        let builder = match &request.form {
            Some(fields) => self.http.post(url).form(fields),
            None => self.http.get(url),
        };
        let builder = match &request.cookie {
            Some(cookie) => builder.header("cookie", cookie),
            None => builder,
        };
        let response = receive(builder)?;
        ensure!(response.status < 500, "{} responded with {}", request.url, response.status);
        for header in &response.set_cookies {
            let pair = header.split(';').next().and_then(|pair| pair.split_once('='));
            let value = pair.map(|(_, value)| value).filter(|value| !value.is_empty());
            self.secrets.extend(value.map(str::to_owned));
        }
        Ok(response)
    }

    fn record_secrets_in(&mut self, address: &Url) {
        let pairs = address.query_pairs();
        let secret = pairs.filter(|(name, _)| ["code", "id_token_hint"].contains(&&**name));
        self.secrets.extend(secret.map(|(_, value)| value.into_owned()));
    }

    /// Returns the actual URL for a public URL.
    fn routed(&self, address: &Url) -> anyhow::Result<String> {
        let origin = address.origin().ascii_serialization();
        Ok(format!("{}{}", (self.route)(&origin)?, &address.as_str()[origin.len()..]))
    }
}

fn receive(request: RequestBuilder) -> anyhow::Result<Response> {
    let response = request.send()?;
    let text = |value: &reqwest::header::HeaderValue| Ok(value.to_str()?.to_owned());
    let set_cookies = response.headers().get_all("set-cookie").iter().map(text);
    Ok(Response {
        status: response.status().as_u16(),
        set_cookies: set_cookies.collect::<anyhow::Result<_>>()?,
        location: response.headers().get("location").map(text).transpose()?,
        body: response.text()?,
    })
}
