//! The cookies of the website. Each holds a random identifier and nothing else.

use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use service_kit::CookieNames;
use time::Duration;
use url::Url;

use crate::random_id::RandomId;

/// Purpose of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieUse {
    /// Authenticates the logged-in browser. `Lax`: browsers do not send it with a form that another
    /// site submits.
    Session,
    /// Binds a login to the browser that started it. `Lax`: browsers send it with a redirect from
    /// the provider.
    Login,
    /// The same for a provider that uses `form_post`: browsers do not send a `Lax` cookie with a
    /// cross-site POST, so this one is `None`. That is safe: it only identifies the browser, and
    /// the response must also carry a `state` issued for that browser, which no other party knows.
    CrossSiteLogin,
    /// Recognizes the browser when it returns from logout at the provider.
    Logout,
}

/// Reads and sets the cookies of the website.
///
/// Cookies are shared by all ports of a host. Distinctive names keep those of A apart from others.
#[derive(Clone, Copy, Debug)]
pub struct Cookies(CookieNames);

impl CookieUse {
    fn name(self) -> &'static str {
        match self {
            Self::Session => "gatepass-a-session",
            Self::Login => "gatepass-a-login",
            Self::CrossSiteLogin => "gatepass-a-login-form",
            Self::Logout => "gatepass-a-logout",
        }
    }
}

impl Cookies {
    /// Returns the cookies for a website with this address.
    pub fn for_website(public_url: &Url) -> Self {
        Self(CookieNames::of(public_url))
    }

    /// Returns the identifier in a cookie of the request, if it has the right format.
    pub fn read(self, jar: &CookieJar, cookie: CookieUse) -> Option<RandomId> {
        RandomId::parse(jar.get(&self.0.full_name(cookie.name()))?.value())
    }

    /// Sets a cookie with this lifetime.
    pub fn set(self, jar: CookieJar, cookie: CookieUse, id: &RandomId, seconds: i64) -> CookieJar {
        jar.add(self.cookie(cookie, id.expose().to_owned(), seconds))
    }

    /// Deletes a cookie.
    pub fn remove(self, jar: CookieJar, cookie: CookieUse) -> CookieJar {
        jar.add(self.cookie(cookie, String::new(), 0))
    }

    fn cookie(self, cookie: CookieUse, value: String, seconds: i64) -> Cookie<'static> {
        let cross_site = cookie == CookieUse::CrossSiteLogin;
        Cookie::build((self.0.full_name(cookie.name()), value))
            .path("/")
            .http_only(true)
            // Browsers accept `SameSite=None` only together with `Secure`. On localhost they
            // accept `Secure` without https.
            .secure(self.0.secure() || cross_site)
            .same_site(if cross_site { SameSite::None } else { SameSite::Lax })
            .max_age(Duration::seconds(seconds))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secure_random::SecureRandom;

    fn set_cookie(url: &str, cookie: CookieUse) -> String {
        let id = RandomId::generate(SecureRandom).unwrap();
        let cookies = Cookies::for_website(&url.parse().unwrap());
        let jar = cookies.set(CookieJar::new(), cookie, &id, 60);
        jar.iter().next().unwrap().to_string().replace(id.expose(), "ID")
    }

    #[test]
    fn cookies_have_the_name_and_attributes_of_their_purpose() {
        let (http, https) = ("http://localhost:9001", "https://a.example");
        let lax = "HttpOnly; SameSite=Lax; Path=/; Max-Age=60";
        let secure = "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60";
        let none = "HttpOnly; SameSite=None; Secure; Path=/; Max-Age=60";
        for (url, cookie, expected) in [
            (http, CookieUse::Session, format!("gatepass-a-session-9001=ID; {lax}")),
            (https, CookieUse::Session, format!("__Host-gatepass-a-session=ID; {secure}")),
            (https, CookieUse::Login, format!("__Host-gatepass-a-login=ID; {secure}")),
            (http, CookieUse::CrossSiteLogin, format!("gatepass-a-login-form-9001=ID; {none}")),
        ] {
            assert_eq!(set_cookie(url, cookie), expected);
        }
    }
}
