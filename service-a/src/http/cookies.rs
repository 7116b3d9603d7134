//! The cookies of the website, and why each is as it is. None holds more than a random name.

use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use time::Duration;

use crate::random_id::RandomId;

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieUse {
    /// Whoever shows it is logged in. `Lax`: a form on another site is sent without it.
    Session,
    /// Binds a login to the browser that began it. `Lax` is sent along when a provider redirects
    /// back.
    Login,
    /// The same for a provider that answers by a form of its own page, with which no `Lax` cookie
    /// travels. `None` lets the form carry it. That is safe: it shows which browser this is and
    /// gives no right, and the answer must have a `state` that was made for this very browser,
    /// which nobody else can know.
    CrossSiteLogin,
    /// Recognises the browser that comes back from logging out at the provider.
    Logout,
}

/// Cookies do not know ports: on one host every port sees and can set those of the others. Names of
/// our own keep them apart, and over https the prefix `__Host-` keeps neighbouring hosts and plain
/// http from setting them.
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    pub https: bool,
}

impl CookieUse {
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Session => ["gatepass-a-session", "__Host-gatepass-a-session"],
            Self::Login => ["gatepass-a-login", "__Host-gatepass-a-login"],
            Self::CrossSiteLogin => ["gatepass-a-login-form", "__Host-gatepass-a-login-form"],
            Self::Logout => ["gatepass-a-logout", "__Host-gatepass-a-logout"],
        }
    }
}

impl Cookies {
    /// The name that a browser shows, if it is one that could be ours.
    pub fn shown(self, jar: &CookieJar, cookie: CookieUse) -> Option<RandomId> {
        RandomId::shown(jar.get(self.name(cookie))?.value())
    }

    /// Hand a name to the browser, for so many seconds.
    pub fn hand_out(
        self,
        jar: CookieJar,
        cookie: CookieUse,
        id: &RandomId,
        seconds: i64,
    ) -> CookieJar {
        jar.add(self.cookie(cookie, id.expose().to_owned(), seconds))
    }

    pub fn take_back(self, jar: CookieJar, cookie: CookieUse) -> CookieJar {
        jar.add(self.cookie(cookie, String::new(), 0))
    }

    fn name(self, cookie: CookieUse) -> &'static str {
        cookie.names()[usize::from(self.https)]
    }

    fn cookie(self, cookie: CookieUse, value: String, seconds: i64) -> Cookie<'static> {
        let cross_site = cookie == CookieUse::CrossSiteLogin;
        Cookie::build((self.name(cookie), value))
            .path("/")
            .http_only(true)
            // Browsers take `None` only together with `Secure`; on localhost they take `Secure`
            // without https.
            .secure(self.https || cross_site)
            .same_site(if cross_site { SameSite::None } else { SameSite::Lax })
            .max_age(Duration::seconds(seconds))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secure_random::Entropy;

    fn written(https: bool, cookie: CookieUse) -> String {
        let id = RandomId::new(&Entropy).unwrap();
        let jar = Cookies { https }.hand_out(CookieJar::new(), cookie, &id, 60);
        jar.iter().next().unwrap().to_string().replace(id.expose(), "ID")
    }

    #[test]
    fn each_cookie_has_the_attributes_that_it_needs() {
        let lax = "HttpOnly; SameSite=Lax; Path=/; Max-Age=60";
        let secure = "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60";
        assert_eq!(written(false, CookieUse::Session), format!("gatepass-a-session=ID; {lax}"));
        assert_eq!(
            written(true, CookieUse::Session),
            format!("__Host-gatepass-a-session=ID; {secure}")
        );
        assert_eq!(
            written(true, CookieUse::Login),
            format!("__Host-gatepass-a-login=ID; {secure}")
        );
        assert_eq!(
            written(false, CookieUse::CrossSiteLogin),
            "gatepass-a-login-form=ID; HttpOnly; SameSite=None; Secure; Path=/; Max-Age=60"
        );
    }
}
