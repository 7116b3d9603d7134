//! The pages of C, and what each is made of. How they look stands in `pages/`, where a team can replace it.

mod account;
mod consent;
mod form_post;
mod login;
mod notices;
mod shown;

use std::path::Path;

use pages::{Language, Pages, PagesError};
use serde::Serialize;

pub use account::{AccountPage, ConsentLine, SessionLine};
pub use consent::{ConsentPage, ScopeLine};
pub use form_post::FormPostPage;
pub use login::{LoginPage, LoginProblem};
pub use notices::{ErrorPage, HomePage, LoggedOutPage, LogoutPage};

/// Put the pages together; files in `folder` replace the built-in ones.
///
/// # Errors
/// [`PagesError`] naming the file that cannot be used.
pub fn pages(folder: Option<&Path>) -> Result<Pages, PagesError> {
    let templates = [
        ("account.html", include_str!("../pages/account.html")),
        ("consent.html", include_str!("../pages/consent.html")),
        ("error.html", include_str!("../pages/error.html")),
        ("form_post.html", include_str!("../pages/form_post.html")),
        ("home.html", include_str!("../pages/home.html")),
        ("logged_out.html", include_str!("../pages/logged_out.html")),
        ("login.html", include_str!("../pages/login.html")),
        ("logout.html", include_str!("../pages/logout.html")),
    ];
    let texts =
        [(Language::English, include_str!("../pages/en.toml")), (Language::Chinese, include_str!("../pages/zh.toml"))];
    Pages::new(&templates, &texts, folder)
}

/// A client, as users are shown it.
#[derive(Debug, Serialize)]
pub struct ShownClient {
    pub name: String,
    pub client_uri: Option<String>,
    pub logo_uri: Option<String>,
    pub policy_uri: Option<String>,
    pub tos_uri: Option<String>,
}

/// A user, as they are shown themselves.
#[derive(Debug, Serialize)]
pub struct ShownUser {
    pub name: String,
    pub picture: Option<String>,
    pub email: Option<String>,
}
