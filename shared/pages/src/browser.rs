use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum_extra::extract::{CookieJar, cookie::Cookie};
use http::{HeaderMap, Method, Uri, header::ACCEPT_LANGUAGE, request::Parts};

use crate::Language;

pub(crate) const COOKIE: &str = "gatepass-language";
/// OpenID Connect Core §3.1.2.1: the languages that a website knows its visitor to read, best
/// first.
const UI_LOCALES: &str = "ui_locales";

/// What a page has to know of the browser that asked for it. An extractor that never refuses.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// The language to answer in.
    pub language: Language,
    /// The language that this very request asks for by `?lang=`; the answer makes the browser
    /// remember it.
    pub requested_language: Option<Language>,
    /// Its person has chosen the language, now or before.
    pub(crate) chosen: bool,
    /// Its request cannot be made again by a link.
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
    /// What the switch of languages adds to an address.
    pub const LANGUAGE_PARAMETER: &str = "lang";

    /// What a request says of its browser.
    #[must_use]
    pub fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default().to_owned();
        let parameter = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted)
        };
        let (asked, ui_locales) = (parameter(Self::LANGUAGE_PARAMETER), parameter(UI_LOCALES));
        let asked = asked.as_ref().map(|(_, value)| &**value);
        let ui_locales = ui_locales.as_ref().map(|(_, value)| &**value);
        let jar = CookieJar::from_headers(headers);
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let kept = jar.get(COOKIE).map(Cookie::value);
        let language = Language::choose(asked, kept, ui_locales, accepted);
        let chosen = asked.into_iter().chain(kept).any(|tag| Language::from_tag(tag).is_some());
        let not_repeatable = ![Method::GET, Method::HEAD].contains(method);
        Self {
            language,
            requested_language: asked.and_then(Language::from_tag),
            chosen,
            not_repeatable,
            query,
        }
    }

    /// The same browser, when the website has said what its visitor reads (`ui_locales`) where the
    /// address does not show it. The visitor knows better.
    #[must_use]
    pub fn with_ui_locales(&self, ui_locales: Option<&str>) -> Self {
        let said = ui_locales.and_then(Language::first_of).filter(|_| !self.chosen);
        Self { language: said.unwrap_or(self.language), ..self.clone() }
    }

    /// The request was good once, such as an answer that somebody's provider sends along.
    #[must_use]
    pub fn not_repeatable(self) -> Self {
        Self { not_repeatable: true, ..self }
    }

    /// The same page in another language: a query alone, because a path such as
    /// `//elsewhere.example` in a link would lead to another site.
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
    fn the_query_the_cookie_and_the_header_are_read() {
        let asking = browser("/login?lang=zh", "gatepass-language=en");
        assert_eq!(
            (asking.language, asking.requested_language),
            (Language::Chinese, Some(Language::Chinese))
        );
        let remembering = browser("/login", "other=1; gatepass-language=zh");
        assert_eq!(
            (remembering.language, remembering.requested_language),
            (Language::Chinese, None)
        );
        assert_eq!(browser("/login?lang=fr", "").requested_language, None);
    }

    #[test]
    fn a_website_may_say_what_its_visitor_reads_and_the_visitor_knows_better() {
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
            "it is nothing to remember"
        );
    }

    #[test]
    fn what_a_website_says_elsewhere_counts_as_if_it_stood_in_the_address() {
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
        for nothing in [None, Some(""), Some("fr")] {
            assert_eq!(
                browser("/login?ui_locales=zh", "").with_ui_locales(nothing).language,
                Language::Chinese
            );
        }
    }

    #[test]
    fn the_switch_leads_to_the_same_page_with_every_parameter() {
        let asking = browser("/oauth/authorize?state=a%26b&lang=zh&scope=openid+email&lang=en", "");
        assert_eq!(asking.link_in(Language::English), "?state=a%26b&scope=openid+email&lang=en");
        assert_eq!(browser("/", "").link_in(Language::Chinese), "?lang=zh");
    }

    #[test]
    fn the_switch_never_leads_to_another_site() {
        let link = browser("http://elsewhere.example//evil.example/?next=//evil.example", "")
            .link_in(Language::Chinese);
        assert!(link.starts_with('?'), "{link}");
    }
}
