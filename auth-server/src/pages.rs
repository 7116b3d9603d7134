//! What people see of C: one struct a page, with everything that its template shows. An endpoint
//! fills it in and calls [`show`]; no endpoint names a template.

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
mod shown;
pub mod stylesheet;

use std::path::Path;

use axum::http::StatusCode;
use pages::{Browser, Language, Page, Pages, PagesError};
use serde::Serialize;

pub use account::{AccountActions, AccountNotice, AccountPage, ConsentRow, SessionRow};
pub use browser_name::BrowserName;
pub use consent::ConsentPage;
pub use device::{DeviceConfirmPage, DeviceDonePage, DevicePage, DeviceProblem};
pub use error::{ErrorKind, ErrorPage};
pub use form_post::FormPostPage;
pub use home::HomePage;
pub use login::{LoginPage, LoginProblem};
pub use logout::{LoggedOutPage, LogoutPage, ReturnTo};
pub use shown::{ShownClient, ShownScope, ShownUser, WebLink};

/// The names that an operator may use for files in the folder of replacements, and what stands
/// there without one.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => { [$(($name, include_str!(concat!("../pages/", $name)))),*] };
}

const FILES: [(&str, &str); 14] = embedded![
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

const TEXTS: [(Language, &str); 2] = [
    (Language::English, include_str!("../pages/en.toml")),
    (Language::Chinese, include_str!("../pages/zh.toml")),
];

/// C's pages, with the files of `folder` in the place of its own where there is one.
pub fn pages(folder: Option<&Path>) -> Result<Pages, PagesError> {
    Pages::new(&FILES, &TEXTS, folder)
}

/// What one page shows.
pub trait Shown: Serialize {
    /// The name of its template.
    const TEMPLATE: &'static str;

    /// What the page must be allowed beyond what every page may do.
    fn allow(&self, page: Page) -> Page {
        page
    }
}

/// Make a page of what it shows.
pub fn show<S: Shown>(pages: &Pages, browser: &Browser, status: StatusCode, shown: &S) -> Page {
    shown.allow(pages.page(browser, status, S::TEMPLATE, shown))
}

#[cfg(test)]
mod tests;
