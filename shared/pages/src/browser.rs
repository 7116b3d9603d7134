use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum_extra::extract::{CookieJar, cookie::Cookie};
use http::{HeaderMap, Uri, header::ACCEPT_LANGUAGE, request::Parts};

use crate::Language;

pub(crate) const COOKIE: &str = "gatepass-language";
const PARAMETER: &str = "lang";
/// OpenID Connect Core §3.1.2.1: the languages that a website knows its visitor to read, best first.
const UI_LOCALES: &str = "ui_locales";

/// What a page has to know of the browser that asked for it. An extractor that never refuses.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// The language to answer in.
    pub language: Language,
    /// The language that this very request asks for by `?lang=`; the answer makes the browser remember it.
    pub asked: Option<Language>,
    pub(crate) query: String,
}

impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri, &parts.headers))
    }
}

impl Browser {
    /// What a request says of its browser.
    #[must_use]
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default().to_owned();
        let parameter = |wanted: &str| form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted);
        let (asked, ui_locales) = (parameter(PARAMETER), parameter(UI_LOCALES));
        let asked = asked.as_ref().map(|(_, value)| &**value);
        let ui_locales = ui_locales.as_ref().map(|(_, value)| &**value);
        let jar = CookieJar::from_headers(headers);
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = Language::choose(asked, jar.get(COOKIE).map(Cookie::value), ui_locales, accepted);
        Self { language, asked: asked.and_then(Language::from_tag), query }
    }

    /// The same page in another language: a query alone, because a path such as `//elsewhere.example` in a link would lead
    /// to another site.
    pub(crate) fn link_in(&self, language: Language) -> String {
        let mut query = form_urlencoded::Serializer::for_suffix(String::from("?"), 1);
        let others = form_urlencoded::parse(self.query.as_bytes()).filter(|(name, _)| name != PARAMETER);
        query.extend_pairs(others).append_pair(PARAMETER, language.code());
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
        Browser::of(&Uri::from_static(uri), &headers)
    }

    #[test]
    fn the_query_the_cookie_and_the_header_are_read() {
        let asking = browser("/login?lang=zh", "gatepass-language=en");
        assert_eq!((asking.language, asking.asked), (Language::Chinese, Some(Language::Chinese)));
        let remembering = browser("/login", "other=1; gatepass-language=zh");
        assert_eq!((remembering.language, remembering.asked), (Language::Chinese, None));
        assert_eq!(browser("/login?lang=fr", "").asked, None);
    }

    #[test]
    fn a_website_may_say_what_its_visitor_reads_and_the_visitor_knows_better() {
        assert_eq!(browser("/login?ui_locales=fr-CA+zh-CN+en", "").language, Language::Chinese);
        assert_eq!(browser("/login?ui_locales=fr", "").language, Language::English);
        assert_eq!(browser("/login?ui_locales=zh", "gatepass-language=en").language, Language::English);
        let switched = browser("/login?ui_locales=zh&lang=en", "");
        assert_eq!((switched.language, switched.asked), (Language::English, Some(Language::English)));
        assert_eq!(browser("/login?ui_locales=zh", "").asked, None, "it is nothing to remember");
    }

    #[test]
    fn the_switch_leads_to_the_same_page_with_every_parameter() {
        let asking = browser("/oauth/authorize?state=a%26b&lang=zh&scope=openid+email&lang=en", "");
        assert_eq!(asking.link_in(Language::English), "?state=a%26b&scope=openid+email&lang=en");
        assert_eq!(browser("/", "").link_in(Language::Chinese), "?lang=zh");
    }

    #[test]
    fn the_switch_never_leads_to_another_site() {
        let link =
            browser("http://elsewhere.example//evil.example/?next=//evil.example", "").link_in(Language::Chinese);
        assert!(link.starts_with('?'), "{link}");
    }
}
