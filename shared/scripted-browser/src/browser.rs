use url::Url;

use crate::{cookies::CookieJar, page::Page};

/// Redirects that a browser follows in a row, as in the Fetch standard.
const MAX_REDIRECTS: usize = 20;

/// A browser: its cookies, and the page that it is on.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    pub cookies: CookieJar,
    pub page: Page,
    /// Every address that was opened, redirects included.
    pub visited: Vec<Url>,
    address: Option<Url>,
}

/// A request to send.
#[derive(Clone, Debug)]
pub struct Request {
    pub url: Url,
    /// The fields of a form to POST. A GET has none.
    pub form: Option<Vec<(String, String)>>,
    /// The `Cookie` header.
    pub cookie: Option<String>,
    redirects: usize,
}

/// The parts of a response that a browser acts on.
#[derive(Clone, Debug, Default)]
pub struct Response {
    pub status: u16,
    /// Every `Set-Cookie` header.
    pub set_cookies: Vec<String>,
    /// The `Location` header.
    pub location: Option<String>,
    pub body: String,
}

/// Why a browser cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    #[error("`{address}` is not an address: {source}")]
    InvalidAddress { address: String, source: url::ParseError },
    #[error("no form with the button `{button}` at {address}")]
    NoForm { button: String, address: String },
    #[error("more than {MAX_REDIRECTS} redirects, the last one to {0}")]
    TooManyRedirects(Url),
}

impl Browser {
    /// A browser with no cookies, on no page.
    pub fn new() -> Self {
        Self::default()
    }

    /// The address of the current page.
    pub fn address(&self) -> Option<&Url> {
        self.address.as_ref()
    }

    /// Returns the request that opens an address, which may be relative to the current one.
    ///
    /// # Errors
    /// If `address` does not parse.
    pub fn open(&self, address: &str) -> Result<Request, BrowserError> {
        Ok(self.request(self.resolve(address)?, None, 0))
    }

    /// Returns the request that submits the form around the button with this id: its hidden
    /// fields, `typed`, and the button's own value if it has a name.
    ///
    /// # Errors
    /// If the page has no such form, or its action does not parse.
    pub fn press(&self, button: &str, typed: &[(&str, &str)]) -> Result<Request, BrowserError> {
        let form = self.page.form_with_button(button).ok_or_else(|| BrowserError::NoForm {
            button: button.to_owned(),
            address: self.address.as_ref().map(Url::to_string).unwrap_or_default(),
        })?;
        let mut fields = form.hidden_fields;
        fields.extend(owned(typed));
        fields.extend(form.pressed);
        Ok(self.request(self.resolve(&form.action)?, Some(fields), 0))
    }

    /// Returns the request that posts a form with these fields to an address, which may be relative
    /// to the current one.
    ///
    /// # Errors
    /// If `address` does not parse.
    pub fn post(&self, address: &str, fields: &[(&str, &str)]) -> Result<Request, BrowserError> {
        Ok(self.request(self.resolve(address)?, Some(owned(fields).collect()), 0))
    }

    /// Takes in the response to `request`: stores its cookies, and shows its page or returns the
    /// request to which it redirects.
    ///
    /// # Errors
    /// If the target of a redirect does not parse, or redirects do not end.
    pub fn receive(
        &mut self,
        request: Request,
        response: Response,
    ) -> Result<Option<Request>, BrowserError> {
        for header in &response.set_cookies {
            self.cookies.store(header);
        }
        self.visited.push(request.url.clone());
        self.address = Some(request.url);
        let Some(location) = response.location else {
            self.page = Page { status: response.status, html: response.body };
            return Ok(None);
        };
        let target = self.resolve(&location)?;
        if request.redirects == MAX_REDIRECTS {
            return Err(BrowserError::TooManyRedirects(target));
        }
        Ok(Some(self.request(target, None, request.redirects + 1)))
    }

    /// Ends a navigation at an address that is not requested: the page stays empty.
    pub fn stop_at(&mut self, address: Url) {
        (self.address, self.page) = (Some(address), Page::default());
    }

    fn request(&self, url: Url, form: Option<Vec<(String, String)>>, redirects: usize) -> Request {
        Request { url, form, cookie: self.cookies.header(), redirects }
    }

    fn resolve(&self, address: &str) -> Result<Url, BrowserError> {
        Url::options()
            .base_url(self.address.as_ref())
            .parse(address)
            .map_err(|source| BrowserError::InvalidAddress { address: address.to_owned(), source })
    }
}

fn owned(fields: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Response {
        Response { status: 200, body: body.to_owned(), ..Response::default() }
    }

    fn redirect(location: &str, cookies: &[&str]) -> Response {
        let set_cookies = cookies.iter().map(|&cookie| cookie.to_owned()).collect();
        let location = Some(location.to_owned());
        Response { status: 303, set_cookies, location, body: String::new() }
    }

    fn browser_on(html: &str) -> Browser {
        let mut browser = Browser::new();
        let request = browser.open("http://localhost:9000/login?next=1").unwrap();
        browser.receive(request, page(html)).unwrap();
        browser
    }

    #[test]
    fn redirects_are_followed_with_the_cookies_that_came_with_them() {
        let mut browser = Browser::new();
        let first = browser.open("http://localhost:9000/").unwrap();
        assert_eq!((first.form.is_none(), first.cookie.as_deref()), (true, None));
        let next = browser.receive(first, redirect("/home?a=1", &["s=1; Path=/"])).unwrap();
        let next = next.unwrap();
        assert_eq!(next.url.as_str(), "http://localhost:9000/home?a=1");
        assert_eq!(next.cookie.as_deref(), Some("s=1"));
        assert!(browser.receive(next, page("done")).unwrap().is_none());
        assert_eq!(browser.page.html, "done");
        assert_eq!(browser.visited.len(), 2);
    }

    #[test]
    fn redirects_to_another_origin_are_returned_and_can_be_left_alone() {
        let mut browser = browser_on("here");
        let request = browser.open("/out").unwrap();
        let next = browser.receive(request, redirect("https://app.example/cb?code=1", &[]));
        let next = next.unwrap().unwrap();
        browser.stop_at(next.url);
        assert_eq!(browser.address().unwrap().as_str(), "https://app.example/cb?code=1");
        assert_eq!(browser.page.html, "");
    }

    #[test]
    fn endless_redirects_are_an_error() {
        let mut browser = Browser::new();
        let mut request = browser.open("http://localhost/").unwrap();
        let error = loop {
            match browser.receive(request, redirect("/again", &[])) {
                Ok(next) => request = next.unwrap(),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, BrowserError::TooManyRedirects(_)), "{error}");
        assert_eq!(browser.visited.len(), MAX_REDIRECTS + 1);
    }

    #[test]
    fn pressing_a_button_submits_its_form() {
        let browser = browser_on(
            r#"<form action="/other"><button id="no">no</button></form>
               <form method="post" action="/login?a=1&amp;b=2">
               <input type="hidden" name="csrf" value="a&quot;b"><input name="username">
               <button name="decision" value="allow" id="yes">yes</button>
               <button name="decision" value="deny" id="deny">no</button></form>"#,
        );
        let request = browser.press("yes", &[("username", "alice")]).unwrap();
        assert_eq!(request.url.as_str(), "http://localhost:9000/login?a=1&b=2");
        let expected = [("csrf", "a\"b"), ("username", "alice"), ("decision", "allow")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(request.form.unwrap(), expected);
        let error = browser.press("missing", &[]).unwrap_err().to_string();
        assert!(error.contains("`missing` at http://localhost:9000/login"), "{error}");
    }

    #[test]
    fn form_is_posted_without_its_page() {
        let mut browser = browser_on("no form here");
        browser.cookies.set("s", "1");
        let request = browser.post("/consent?a=1", &[("decision", "allow")]).unwrap();
        assert_eq!(request.url.as_str(), "http://localhost:9000/consent?a=1");
        assert_eq!(request.form.unwrap(), [("decision".to_owned(), "allow".to_owned())]);
        assert_eq!(request.cookie.as_deref(), Some("s=1"));
    }
}
