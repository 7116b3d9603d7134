//! A browser without JavaScript, driven by code: it keeps cookies, follows redirects and submits
//! the forms of the pages that it reads.
//!
//! The crate does no I/O. [`Browser`] returns a [`Request`]; the caller sends it over whatever HTTP
//! client it has and gives back the [`Response`], which may lead to the next request:
//!
//! ```
//! use scripted_browser::{Browser, Request, Response};
//!
//! fn send(request: &Request) -> Response {
//! #   let location = (request.url.path() == "/").then(|| "/home".to_owned());
//! #   let (set_cookies, body) = (Vec::new(), r#"<p id="name">Alice</p>"#.to_owned());
//! #   let status = if location.is_some() { 303 } else { 200 };
//!     // …
//! #   Response { status, set_cookies, location, body }
//! }
//!
//! let mut browser = Browser::new();
//! let mut next = Some(browser.open("http://localhost:9001/")?);
//! while let Some(request) = next {
//!     let response = send(&request);
//!     next = browser.receive(request, response)?;
//! }
//! assert_eq!(browser.address().unwrap().path(), "/home");
//! assert_eq!(browser.page.text("name").as_deref(), Some("Alice"));
//! # Ok::<(), scripted_browser::BrowserError>(())
//! ```

mod browser;
mod cookies;
mod page;

pub use browser::{Browser, BrowserError, Request, Response};
pub use cookies::{Cookie, CookieJar};
pub use page::{Form, Page, unescape};
