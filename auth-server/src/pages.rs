//! The HTML pages. Each page is a struct with everything that its template needs. An endpoint fills
//! it in and calls [`render`]; no endpoint names a template.

mod account;
mod browser_name;
mod consent;
mod device;
mod error;
mod form_post;
mod home;
mod login;
mod logout;
#[cfg(test)]
mod samples;
pub mod stylesheet;
mod views;

use std::path::Path;

use axum::http::StatusCode;
use embedded_files::{EmbeddedFile, embedded_file};
use pages::{Browser, Language, LazyPages, Page, Pages, PagesError};
use serde::Serialize;

pub use account::{AccountActions, AccountNotice, AccountPage, ConsentRow, SessionRow};
pub use browser_name::BrowserName;
pub use consent::ConsentPage;
pub use device::{DeviceConfirmPage, DeviceDonePage, DevicePage, DeviceProblem};
pub use error::{ErrorKind, ErrorPage, RedirectUriComparison, ReturnLink};
pub use form_post::FormPostPage;
pub use home::HomePage;
pub use login::{LoginPage, LoginProblem};
pub use logout::{LoggedOutPage, LogoutPage, ReturnTo};
pub use views::{ClientView, ResourceView, ScopeView, UserView, WebLink};

/// Pairs of file name and embedded file. An operator can replace each one under its name in
/// `pages_dir`.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => { [$(($name, embedded_file!($name))),*] };
}

const FILES: [(&str, EmbeddedFile); 14] = embedded![
    "accent.css",
    "account.html",
    "base.html",
    "consent.html",
    "device.html",
    "device_confirm.html",
    "device_done.html",
    "error.html",
    "form_post.html",
    "home.html",
    "logged_out.html",
    "login.html",
    "logout.html",
    "parts.html",
];

/// The Chinese translations of the details on error pages, by their English texts.
pub const DETAILS_IN_CHINESE: EmbeddedFile = embedded_file!("details.zh.toml");

/// The embedded pages, which all servers of a process share. To load them is almost half of what a
/// start would compute.
static EMBEDDED: LazyPages = LazyPages::new(|| load(None));

/// Returns the templates and texts. Files in `folder`, which is `pages_dir`, replace the embedded
/// ones.
///
/// # Errors
/// Returns an error if a template or a text file in `folder` is invalid.
pub fn pages(folder: Option<&Path>) -> Result<Pages, PagesError> {
    match folder {
        Some(_) => load(folder),
        None => Ok(Pages::on_first_use(&EMBEDDED)),
    }
}

fn load(folder: Option<&Path>) -> Result<Pages, PagesError> {
    let (english, chinese) = (embedded_file!("en.toml").text(), embedded_file!("zh.toml").text());
    let texts = [(Language::English, &*english), (Language::Chinese, &*chinese)];
    let files = FILES.map(|(name, file)| (name, file.text()));
    Pages::new(&files, &texts, &DETAILS_IN_CHINESE.text(), folder)
}

/// The content of one page.
pub trait View: Serialize {
    /// The template name, without `.html`.
    const TEMPLATE: &'static str;

    /// Extends the Content-Security-Policy that all pages share.
    fn extend_policy(&self, page: Page) -> Page {
        page
    }
}

/// Renders a page in the browser's language.
pub fn render<V: View>(pages: &Pages, browser: &Browser, status: StatusCode, view: &V) -> Page {
    view.extend_policy(pages.page(browser, status, V::TEMPLATE, view))
}

#[cfg(test)]
mod tests;
