//! What people see: the pages, and the one place where a refusal becomes one.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{Method, StatusCode, request::Parts, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Response},
};
use pages::{Browser, Language, Page, Pages, PagesError};
use serde::Serialize;
use service_kit::render_html_errors;

use crate::{login::Refusal, providers::Provider, state::App};

/// The pages of the website.
///
/// # Errors
/// When a template or a text cannot be used.
pub fn pages(folder: Option<&std::path::Path>) -> Result<Pages, PagesError> {
    let templates = [
        ("accent.css", include_str!("../pages/accent.css")),
        ("website.html", include_str!("../pages/website.html")),
        ("logins.html", include_str!("../pages/logins.html")),
        ("logout.html", include_str!("../pages/logout.html")),
        ("home.html", include_str!("../pages/home.html")),
        ("account.html", include_str!("../pages/account.html")),
        ("my_resource.html", include_str!("../pages/my_resource.html")),
        ("refusal.html", include_str!("../pages/refusal.html")),
    ];
    let texts = [
        (Language::English, include_str!("../pages/en.toml")),
        (Language::Chinese, include_str!("../pages/zh.toml")),
    ];
    Pages::new(&templates, &texts, folder)
}

/// A button that leads to a provider.
#[derive(Serialize)]
pub struct ProviderButton {
    pub name: String,
    pub title: String,
    pub href: String,
}

impl ProviderButton {
    pub fn of(provider: &Provider, browser: &Browser) -> Self {
        let href = format!("/login/{}", provider.name);
        Self {
            name: provider.name.clone(),
            title: provider.title_in(browser.language).to_owned(),
            href,
        }
    }

    /// It leads back to a page of this website afterwards.
    fn back_to(self, page: Option<&str>) -> Self {
        let Some(page) = page else { return self };
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("return_to", page).finish();
        Self { href: format!("{}?{query}", self.href), ..self }
    }

    /// One for each provider of the settings.
    pub fn all(app: &App, browser: &Browser) -> Vec<Self> {
        app.website.providers.values().map(|provider| Self::of(provider, browser)).collect()
    }
}

/// The page of a refusal.
pub struct RefusalPage(Page);

#[derive(Serialize)]
struct RefusalContext {
    name: &'static str,
    /// What the provider called it, if it did; plain characters.
    code: Option<String>,
    /// Somebody is: the way on leads to the account.
    logged_in: bool,
    logins: Vec<ProviderButton>,
}

impl RefusalPage {
    /// The page of a refusal; `page` is the one that was asked for, if it is worth to come back to.
    fn new(app: &App, browser: &Browser, refusal: &Refusal, page: Option<&str>) -> Self {
        let (name, status) = (refusal.name(), refusal.status());
        if status.is_server_error() {
            tracing::warn!(refusal = name, reason = %refusal, "the website could not serve a person");
        } else {
            tracing::info!(refusal = name, reason = %refusal, "the website refuses");
        }
        let logins =
            logins(app, browser, refusal).into_iter().map(|button| button.back_to(page)).collect();
        let code = match refusal {
            Refusal::ProviderError(code) => Some(code.clone()),
            _ => None,
        };
        let context = RefusalContext { name, code, logged_in: refusal.is_of_somebody(), logins };
        Self(app.pages.page(browser, status, "refusal", context))
    }

    /// In place of what machines are told when no endpoint was asked.
    pub async fn beforehand(State(app): State<App>, request: Request, next: Next) -> Response {
        render_html_errors(request, next, |method, uri, headers, status| {
            Self::new(&app, &Browser::of(method, uri, headers), &Refusal::Beforehand(status), None)
                .into_response()
        })
        .await
    }

    pub async fn in_request(app: &App, parts: &mut Parts, refusal: Refusal) -> Self {
        let browser = Browser::from_request_parts(parts, app).await.unwrap_or_default();
        let page = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
        Self::new(app, &browser, &refusal, page.map(PathAndQuery::as_str))
    }
}

/// With whom to log in next. Where an account is there already, with those that lead to it.
fn logins(app: &App, browser: &Browser, refusal: &Refusal) -> Vec<ProviderButton> {
    match refusal {
        Refusal::EmailTaken { providers } => {
            let known = providers.iter().filter_map(|name| app.website.provider(name));
            known.map(|provider| ProviderButton::of(provider, browser)).collect()
        }
        // Only the tokens of these open B.
        Refusal::NoPass => {
            let opening = app.website.providers.values().filter(|provider| provider.opens_b);
            opening.map(|provider| ProviderButton::of(provider, browser)).collect()
        }
        _ => ProviderButton::all(app, browser),
    }
}

impl IntoResponse for RefusalPage {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl App {
    /// A page, or the page of why there is none.
    pub fn answer<T: IntoResponse>(
        &self,
        browser: &Browser,
        outcome: Result<T, Refusal>,
    ) -> Response {
        match outcome {
            Ok(answer) => answer.into_response(),
            Err(refusal) => RefusalPage::new(self, browser, &refusal, None).into_response(),
        }
    }

    pub fn page(&self, browser: &Browser, name: &str, context: impl Serialize) -> Page {
        self.pages.page(browser, StatusCode::OK, name, context)
    }
}
