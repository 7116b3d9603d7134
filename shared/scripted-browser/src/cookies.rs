use std::collections::BTreeMap;

/// The cookies of one host. Cookies do not know ports (RFC 6265 §8.5), so servers on several ports
/// of `localhost` share a jar, as in a browser. Domain, path and expiry times are not evaluated.
#[derive(Clone, Debug, Default)]
pub struct CookieJar(BTreeMap<String, Cookie>);

/// A stored cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    pub value: String,
    /// The rest of the `Set-Cookie` header, for example `Path=/; HttpOnly; SameSite=Lax`.
    pub attributes: String,
}

impl CookieJar {
    /// Applies a `Set-Cookie` header: `Max-Age=0` removes the cookie. A header without `=` is
    /// ignored (RFC 6265 §5.2).
    pub fn store(&mut self, header: &str) {
        let (pair, attributes) = header.split_once(';').unwrap_or((header, ""));
        let Some((name, value)) = pair.split_once('=') else { return };
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        let attributes = attributes.trim().to_owned();
        if is_expired(&attributes) {
            self.0.remove(&name);
        } else {
            self.0.insert(name, Cookie { value, attributes });
        }
    }

    /// Stores a cookie that no server has sent.
    pub fn set(&mut self, name: &str, value: &str) {
        let cookie = Cookie { value: value.to_owned(), attributes: String::new() };
        self.0.insert(name.to_owned(), cookie);
    }

    pub fn get(&self, name: &str) -> Option<&Cookie> {
        self.0.get(name)
    }

    /// Returns the full name and the cookie of this name. Servers on loopback hosts append a hyphen
    /// and their port to the names of their cookies.
    pub fn with_port(&self, name: &str) -> Option<(&str, &Cookie)> {
        self.iter().find(|(full_name, _)| {
            let port = full_name.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            *full_name == name || port.is_some_and(|port| port.parse::<u16>().is_ok())
        })
    }

    pub fn remove(&mut self, name: &str) -> Option<Cookie> {
        self.0.remove(name)
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and cookies, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Cookie)> {
        self.0.iter().map(|(name, cookie)| (name.as_str(), cookie))
    }

    /// The `Cookie` header, if there are cookies.
    pub fn header(&self) -> Option<String> {
        self.header_of(|_| true)
    }

    /// The `Cookie` header of the cookies that `is_sent` selects.
    pub fn header_of(&self, is_sent: impl Fn(&Cookie) -> bool) -> Option<String> {
        let sent = self.0.iter().filter(|(_, cookie)| is_sent(cookie));
        let pairs: Vec<String> =
            sent.map(|(name, cookie)| format!("{name}={}", cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn is_expired(attributes: &str) -> bool {
    attributes.split(';').filter_map(|attribute| attribute.split_once('=')).any(|(name, value)| {
        name.trim().eq_ignore_ascii_case("max-age")
            && value.trim().parse::<i64>().is_ok_and(|seconds| seconds <= 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_stored_replaced_and_removed() {
        let mut jar = CookieJar::default();
        assert_eq!(jar.header(), None);
        jar.store("b=1; Path=/; HttpOnly");
        jar.store("a=x=y");
        jar.store("b=2; Path=/; Max-Age=600");
        jar.store("no pair");
        assert_eq!(jar.header().as_deref(), Some("a=x=y; b=2"));
        assert_eq!(jar.get("b").unwrap().attributes, "Path=/; Max-Age=600");
        jar.store("b=; Path=/; max-age=0");
        assert_eq!(jar.header().as_deref(), Some("a=x=y"));
    }

    #[test]
    fn cookie_is_found_without_the_port_in_its_name() {
        let mut jar = CookieJar::default();
        jar.store("session-form-9000=1");
        jar.store("session-9000=2");
        let (full_name, cookie) = jar.with_port("session").unwrap();
        assert_eq!((full_name, cookie.value.as_str()), ("session-9000", "2"));
        assert_eq!(jar.with_port("session-9000").unwrap().0, "session-9000");
        assert!(jar.with_port("other").is_none());
    }

    #[test]
    fn header_can_omit_cookies() {
        let mut jar = CookieJar::default();
        jar.store("a=1; SameSite=Lax");
        jar.store("b=2; SameSite=None; Secure");
        let cross_site = jar.header_of(|cookie| cookie.attributes.contains("SameSite=None"));
        assert_eq!(cross_site.as_deref(), Some("b=2"));
    }
}
