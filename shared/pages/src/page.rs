use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
        SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

use crate::{Browser, Language, image_url::IMG_SRC};

/// A rendered page with its security headers.
#[derive(Debug)]
#[must_use]
pub struct Page {
    status: StatusCode,
    html: String,
    language: Language,
    store_language: Option<Language>,
    form_action: &'static str,
    script_src: String,
}

/// The page for a template that fails. It is in both languages and needs nothing else to work.
const BROKEN: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Error · 出错了</title>\
    <h1>This page could not be shown</h1><p>Please try again in a moment.</p>\
    <h1 lang=\"zh-Hans\">页面暂时无法显示</h1><p lang=\"zh-Hans\">请稍后再试。</p>\n";

impl Page {
    pub(crate) fn new(browser: &Browser, status: StatusCode, html: String) -> Self {
        Self {
            status,
            html,
            language: browser.language,
            store_language: browser.requested_language,
            form_action: "form-action 'self'; ",
            script_src: String::new(),
        }
    }

    pub(crate) fn broken(browser: &Browser) -> Self {
        Self::new(browser, StatusCode::INTERNAL_SERVER_ERROR, BROKEN.to_owned())
    }

    /// Allows the forms of this page to lead to any site or app.
    ///
    /// Chromium applies `form-action` to every redirect after a submission, including those of a
    /// client that has received its response. Their targets are unknown here
    /// (docs/decisions/0022-form-action.md).
    pub fn without_form_action(self) -> Self {
        Self { form_action: "", ..self }
    }

    /// Allows the inline script with this SHA-256 hash in base64. Other values are ignored.
    pub fn script_hash(mut self, sha256_base64: &str) -> Self {
        if sha256_base64.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
        {
            self.script_src = format!("; script-src 'sha256-{sha256_base64}'");
        }
        self
    }

    /// Returns the content security policy: no scripts, no external resources except images, and no
    /// framing (clickjacking, RFC 9700 §4.16).
    fn policy(&self) -> String {
        format!(
            "default-src 'none'; style-src 'self'; img-src {IMG_SRC}; {}frame-ancestors 'none'; \
             base-uri 'none'{}",
            self.form_action, self.script_src
        )
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        // A policy that is not a valid header value is replaced by the strictest one.
        let policy = HeaderValue::from_str(&self.policy())
            .unwrap_or(HeaderValue::from_static("default-src 'none'"));
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (CONTENT_SECURITY_POLICY, policy),
            (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            // With `no-referrer`, browsers send `Origin: null` with the forms of the page.
            (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            (CONTENT_LANGUAGE, HeaderValue::from_static(self.language.code())),
        ];
        let mut response = (self.status, headers, self.html).into_response();
        if let Some(language) = self.store_language {
            response.headers_mut().append(SET_COOKIE, HeaderValue::from_static(cookie(language)));
        }
        response
    }
}

fn cookie(language: Language) -> &'static str {
    match language {
        Language::English => {
            "gatepass-language=en; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"
        }
        Language::Chinese => {
            "gatepass-language=zh; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::HeaderName;

    use super::*;

    fn header(response: &Response, name: &HeaderName) -> String {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    }

    fn page(browser: &Browser) -> Page {
        Page::new(browser, StatusCode::OK, "<!doctype html>".to_owned())
    }

    #[test]
    fn page_is_not_cached_not_framed_and_runs_no_scripts() {
        let response = page(&Browser::default()).into_response();
        for (name, expected) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (X_FRAME_OPTIONS, "DENY"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "same-origin"),
            (CONTENT_LANGUAGE, "en"),
            (SET_COOKIE, ""),
        ] {
            assert_eq!(header(&response, &name), expected, "{name}");
        }
        assert_eq!(
            header(&response, &CONTENT_SECURITY_POLICY),
            "default-src 'none'; style-src 'self'; img-src 'self' https: data:; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        );
    }

    #[test]
    fn form_that_leaves_this_site_may_lead_anywhere() {
        let response = page(&Browser::default()).without_form_action().into_response();
        assert_eq!(
            header(&response, &CONTENT_SECURITY_POLICY),
            "default-src 'none'; style-src 'self'; img-src 'self' https: data:; \
             frame-ancestors 'none'; base-uri 'none'"
        );
    }

    #[test]
    fn only_the_script_with_the_hash_is_allowed() {
        let allowed = header(
            &page(&Browser::default()).script_hash("ab+/cd==").into_response(),
            &CONTENT_SECURITY_POLICY,
        );
        assert!(allowed.ends_with("; script-src 'sha256-ab+/cd=='"), "{allowed}");
        let injected = page(&Browser::default()).script_hash("x' 'unsafe-inline").into_response();
        assert!(!header(&injected, &CONTENT_SECURITY_POLICY).contains("script-src"));
    }

    #[test]
    fn requested_language_is_stored_in_a_cookie() {
        let browser = Browser {
            language: Language::Chinese,
            requested_language: Some(Language::Chinese),
            ..Browser::default()
        };
        let response = page(&browser).into_response();
        assert!(header(&response, &SET_COOKIE).starts_with("gatepass-language=zh; Path=/;"));
        assert_eq!(header(&response, &CONTENT_LANGUAGE), "zh");
    }

    #[test]
    fn stored_cookie_has_the_name_that_is_read() {
        for language in Language::ALL {
            assert!(cookie(language).starts_with(&format!(
                "{}={};",
                crate::browser::COOKIE,
                language.code()
            )));
        }
    }
}
