use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum_extra::extract::{CookieJar, cookie::Cookie};
use http::{HeaderMap, Method, Uri, header::ACCEPT_LANGUAGE, request::Parts};

use crate::Language;

pub(crate) const COOKIE: &str = "gatepass-language";
/// The user's preferred languages according to the client, best first (OpenID Connect Core
/// §3.1.2.1).
const UI_LOCALES: &str = "ui_locales";

/// What a page needs to know about the request. This extractor never rejects.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// The language of the page.
    pub language: Language,
    /// The language in `?lang=` of this request. The response stores it in a cookie.
    pub requested_language: Option<Language>,
    /// The user has chosen the language, in this request or before.
    pub(crate) has_chosen: bool,
    /// The request cannot be repeated by a link, for example because it is a POST.
    pub(crate) not_repeatable: bool,
    pub(crate) query: String,
}

impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.method, &parts.uri, &parts.headers))
    }
}

impl Browser {
    /// Query parameter of the language switch.
    pub const LANGUAGE_PARAMETER: &str = "lang";

    /// Reads language and query from a request.
    #[must_use]
    pub fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default().to_owned();
        let parameter = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted)
        };
        let (requested, ui_locales) = (parameter(Self::LANGUAGE_PARAMETER), parameter(UI_LOCALES));
        let requested = requested.as_ref().map(|(_, value)| &**value);
        let ui_locales = ui_locales.as_ref().map(|(_, value)| &**value);
        let jar = CookieJar::from_headers(headers);
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let stored = jar.get(COOKIE).map(Cookie::value);
        let language = Language::choose(requested, stored, ui_locales, accepted);
        let chosen =
            requested.into_iter().chain(stored).any(|tag| Language::from_tag(tag).is_some());
        let not_repeatable = ![Method::GET, Method::HEAD].contains(method);
        Self {
            language,
            requested_language: requested.and_then(Language::from_tag),
            has_chosen: chosen,
            not_repeatable,
            query,
        }
    }

    /// Applies `ui_locales` that is not in the URL, such as that of a pushed request. The user's
    /// own choice has precedence.
    #[must_use]
    pub fn with_ui_locales(&self, ui_locales: Option<&str>) -> Self {
        let language = ui_locales.and_then(Language::first_of).filter(|_| !self.has_chosen);
        Self { language: language.unwrap_or(self.language), ..self.clone() }
    }

    /// Marks a GET request that cannot be repeated, such as a callback with an authorization code.
    #[must_use]
    pub fn not_repeatable(self) -> Self {
        Self { not_repeatable: true, ..self }
    }

    /// Returns a link to the same page in another language. It consists of a query only: a path
    /// such as `//elsewhere.example` would lead to another site.
    pub(crate) fn link_in(&self, language: Language) -> String {
        let mut query = form_urlencoded::Serializer::for_suffix(String::from("?"), 1);
        let others = form_urlencoded::parse(self.query.as_bytes())
            .filter(|(name, _)| name != Self::LANGUAGE_PARAMETER);
        query.extend_pairs(others).append_pair(Self::LANGUAGE_PARAMETER, language.code());
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::COOKIE as COOKIES};

    use super::*;

    fn browser(uri: &'static str, cookie: &'static str) -> Browser {
        let headers = HeaderMap::from_iter([
            (COOKIES, HeaderValue::from_static(cookie)),
            (ACCEPT_LANGUAGE, HeaderValue::from_static("en")),
        ]);
        Browser::of(&Method::GET, &Uri::from_static(uri), &headers)
    }

    #[test]
    fn query_cookie_and_header_select_the_language() {
        let requested = browser("/login?lang=zh", "gatepass-language=en");
        assert_eq!(
            (requested.language, requested.requested_language),
            (Language::Chinese, Some(Language::Chinese))
        );
        let stored = browser("/login", "other=1; gatepass-language=zh");
        assert_eq!((stored.language, stored.requested_language), (Language::Chinese, None));
        assert_eq!(browser("/login?lang=fr", "").requested_language, None);
    }

    #[test]
    fn ui_locales_applies_unless_the_user_has_chosen() {
        assert_eq!(browser("/login?ui_locales=fr-CA+zh-CN+en", "").language, Language::Chinese);
        assert_eq!(browser("/login?ui_locales=fr", "").language, Language::English);
        assert_eq!(
            browser("/login?ui_locales=zh", "gatepass-language=en").language,
            Language::English
        );
        let switched = browser("/login?ui_locales=zh&lang=en", "");
        assert_eq!(
            (switched.language, switched.requested_language),
            (Language::English, Some(Language::English))
        );
        assert_eq!(
            browser("/login?ui_locales=zh", "").requested_language,
            None,
            "ui_locales is not stored"
        );
    }

    #[test]
    fn ui_locales_outside_the_url_counts_like_in_the_url() {
        assert_eq!(
            browser("/login", "").with_ui_locales(Some("fr zh en")).language,
            Language::Chinese
        );
        assert_eq!(
            browser("/login?ui_locales=en", "").with_ui_locales(Some("zh")).language,
            Language::Chinese
        );
        for (uri, cookie) in [("/login?lang=en", ""), ("/login", "gatepass-language=en")] {
            assert_eq!(
                browser(uri, cookie).with_ui_locales(Some("zh")).language,
                Language::English,
                "{uri} {cookie}"
            );
        }
        for no_language in [None, Some(""), Some("fr")] {
            assert_eq!(
                browser("/login?ui_locales=zh", "").with_ui_locales(no_language).language,
                Language::Chinese
            );
        }
    }

    #[test]
    fn language_link_keeps_all_other_parameters() {
        let requested =
            browser("/oauth/authorize?state=a%26b&lang=zh&scope=openid+email&lang=en", "");
        assert_eq!(requested.link_in(Language::English), "?state=a%26b&scope=openid+email&lang=en");
        assert_eq!(browser("/", "").link_in(Language::Chinese), "?lang=zh");
    }

    #[test]
    fn language_link_never_leads_to_another_site() {
        let link = browser("http://elsewhere.example//evil.example/?next=//evil.example", "")
            .link_in(Language::Chinese);
        assert!(link.starts_with('?'), "{link}");
    }
}
