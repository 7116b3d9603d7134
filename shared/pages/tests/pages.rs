//! Rendering of pages and replacement of their files.
#![expect(clippy::unwrap_used, reason = "assertions in tests")]

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::response::IntoResponse;
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::BodyExt;
use pages::{Browser, Language, LazyPages, Pages, PagesError};
use serde::Serialize;

const GREETING: &str = r#"{% extends "layout.html" %}
{% block title %}{{ t("greeting.title") }}{% endblock %}
{% block content %}<p id="{{ name }}">{{ t("greeting.words", name=name) }}</p>{% endblock %}"#;
const ENGLISH: &str = r#"greeting.title = "A greeting"
greeting.words = "Hello, {name}!""#;
const CHINESE: &str = r#"greeting.title = "问候"
greeting.words = "{name}，你好！""#;

const NO_FILES: [(&str, &str); 0] = [];
const DETAILS: &str = "'there is no {}' = '没有 {0}'";

#[derive(Serialize)]
struct Greeting<'a> {
    name: &'a str,
}

fn greeting(folder: Option<&Path>) -> Result<Pages, PagesError> {
    let texts = [(Language::English, ENGLISH), (Language::Chinese, CHINESE)];
    Pages::new(&[("greeting.html", GREETING)], &texts, DETAILS, folder)
}

fn browser(uri: &str) -> Browser {
    Browser::of(&Method::GET, &uri.parse::<Uri>().unwrap(), &HeaderMap::new())
}

async fn read(page: impl IntoResponse) -> (StatusCode, String) {
    let response = page.into_response();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn greet(pages: &Pages, uri: &str, name: &str) -> (StatusCode, String) {
    read(pages.page(&browser(uri), StatusCode::OK, "greeting", Greeting { name })).await
}

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in files {
        fs::write(folder.path().join(name), source).unwrap();
    }
    folder
}

fn load_error(files: &[(&str, &str)]) -> String {
    greeting(Some(folder_with(files).path())).unwrap_err().to_string()
}

static LOADS: AtomicUsize = AtomicUsize::new(0);
static LAZY: LazyPages = LazyPages::new(|| {
    LOADS.fetch_add(1, Ordering::Relaxed);
    greeting(None)
});
static BROKEN: LazyPages =
    LazyPages::new(|| Pages::new(&[("greeting.html", "{% if")], &[], "", None));

#[tokio::test]
async fn embedded_pages_load_when_the_first_is_used() {
    let pages = Pages::on_first_use(&LAZY).below("/tenant");
    assert_eq!(LOADS.load(Ordering::Relaxed), 0);
    for _ in 0..2 {
        let (status, page) = greet(&pages, "/", "Alice").await;
        assert!(status == StatusCode::OK && page.contains("Hello, Alice!"), "{page}");
        assert!(page.contains("tenant&#x2f;assets"), "{page}");
    }
    assert_eq!((LOADS.load(Ordering::Relaxed), pages.load().is_ok()), (1, true));
    let broken = Pages::on_first_use(&BROKEN);
    assert_eq!(greet(&broken, "/", "Alice").await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(read(broken.style()).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(broken.load().is_err());
}

#[tokio::test]
async fn page_is_in_the_browsers_language_with_a_link_to_the_other() {
    let pages = greeting(None).unwrap();
    let (status, english) = greet(&pages, "/hello?from=bob", "Alice").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        english.contains("<html lang=\"en\">") && english.contains("Hello, Alice!"),
        "{english}"
    );
    assert!(english.contains("href=\"?from=bob&amp;lang=zh\""), "{english}");
    let (_, chinese) = greet(&pages, "/hello?lang=zh", "Alice").await;
    assert!(
        chinese.contains("<html lang=\"zh-Hans\">") && chinese.contains("Alice，你好！"),
        "{chinese}"
    );
}

#[tokio::test]
async fn values_are_html_escaped() {
    let pages = greeting(None).unwrap();
    let (_, html) =
        greet(&pages, "/?%22%3E%3Cscript%3E", "\"><script>alert('{{ 1 }}')</script>{name}").await;
    assert!(!html.contains("<script") && !html.contains("id=\"\">"), "{html}");
    assert!(
        html.contains("&lt;script&gt;alert(&#x27;{{ 1 }}&#x27;)&lt;&#x2f;script&gt;{name}"),
        "{html}"
    );
}

#[tokio::test]
async fn failed_rendering_shows_a_generic_error() {
    #[derive(Serialize)]
    struct Nameless {
        secret: &'static str,
    }
    let pages = greeting(None).unwrap();
    for (name, reason) in [("greeting", "a value is missing"), ("greting", "there is no such page")]
    {
        let page = pages.page(&browser("/"), StatusCode::OK, name, Nameless { secret: "s3cret" });
        let (status, html) = read(page).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{reason}");
        assert!(html.contains("请稍后再试") && !html.contains("s3cret"), "{html}");
    }
}

#[tokio::test]
async fn folder_replaces_templates_texts_and_colors() {
    let folder = folder_with(&[
        (
            "greeting.html",
            "{% extends \"layout.html\" %}{% block content %}<b>{{ t(\"greeting.words\", name=1) }}</b>{% endblock %}",
        ),
        ("en.toml", "greeting.words = \"Good day, {name}.\""),
        ("accent.css", ":root { --accent: teal }"),
        (".hidden", ""),
    ]);
    let pages = greeting(Some(folder.path())).unwrap();
    let (_, html) = greet(&pages, "/", "x").await;
    assert!(html.contains("<b>Good day, 1.</b>"), "{html}");
    let (_, css) = read(pages.style()).await;
    assert!(css.contains("body {") && css.contains("--accent: teal"), "{css}");
}

#[test]
fn unknown_file_suggests_the_most_similar_one() {
    for (name, nearest) in
        [("greting.html", "`greeting.html`"), ("cn.toml", ""), ("styles.css", "`style.css`")]
    {
        let error = load_error(&[(name, "")]);
        assert!(error.contains(name) && error.contains(nearest), "{error}");
    }
}

#[test]
fn invalid_replacements_are_detected_at_startup() {
    for (name, source, message) in [
        ("greeting.html", "{% block content %}", "greeting.html:1"),
        ("greeting.html", "{{ t(\"greeting.tilte\") }}", "did you mean `greeting.title`?"),
        (
            "en.toml",
            "greeting.title = \"a\"\ngreeting.wrods = \"b\"",
            "did you mean `greeting.words`?",
        ),
        ("zh.toml", "greeting.words = \"{nom}\"", "`greeting.words` has other values in braces"),
        ("zh.toml", "greeting.title = 7", "`greeting.title` is not a text"),
    ] {
        let error = load_error(&[(name, source)]);
        assert!(error.contains(message), "{error}");
    }
    let error = greeting(Some(Path::new("/nowhere"))).unwrap_err().to_string();
    assert!(error.contains("/nowhere"), "{error}");
}

#[test]
fn non_utf8_file_is_named() {
    let folder = folder_with(&[]);
    fs::write(folder.path().join("greeting.html"), b"\xff\xfe").unwrap();
    let error = greeting(Some(folder.path())).unwrap_err().to_string();
    assert!(error.contains("greeting.html"), "{error}");
}

#[test]
fn missing_translation_is_detected_at_startup() {
    let incomplete =
        [(Language::English, ENGLISH), (Language::Chinese, "greeting.title = \"问候\"")];
    let error = Pages::new(&[("greeting.html", GREETING)], &incomplete, DETAILS, None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("`greeting.words` is missing in zh.toml"), "{error}");
}

#[test]
fn added_scope_descriptions_need_both_languages() {
    let scopes = [
        (Language::English, "scope.openid = \"Know you\""),
        (Language::Chinese, "scope.openid = \"识别你\""),
    ];
    let own = "scope.\"orders:read\" = \"x\"";
    let with = |files: &[(&str, &str)]| {
        Pages::new(&NO_FILES, &scopes, DETAILS, Some(folder_with(files).path()))
    };
    assert!(with(&[("en.toml", own), ("zh.toml", own)]).is_ok());
    for (there, lacking) in [("en.toml", "zh.toml"), ("zh.toml", "en.toml")] {
        let error = with(&[(there, own)]).unwrap_err().to_string();
        assert!(error.contains(&format!("`scope.orders:read` is missing in {lacking}")), "{error}");
    }
}

#[tokio::test]
async fn message_that_has_no_translation_is_marked_as_english() {
    let template =
        "{% set m = name|message %}<b{% if m.is_english %} lang=\"en\"{% endif %}>{{ m.text }}</b>";
    let folder = folder_with(&[("greeting.html", template)]);
    let pages = greeting(Some(folder.path())).unwrap();
    for (uri, message, expected) in [
        ("/", "there is no tea", "<b lang=\"en\">there is no tea</b>"),
        ("/?lang=zh", "there is no tea", "<b>没有 tea</b>"),
        ("/?lang=zh", "tea is out", "<b lang=\"en\">tea is out</b>"),
    ] {
        assert_eq!(greet(&pages, uri, message).await.1, expected, "{uri}");
    }
    let texts = [(Language::English, ENGLISH), (Language::Chinese, CHINESE)];
    let error = Pages::new(&[("greeting.html", GREETING)], &texts, "a = 1", None).unwrap_err();
    assert!(error.to_string().starts_with("details.zh.toml"), "{error}");
}

#[tokio::test]
async fn page_links_to_the_viewer_of_a_demo_only() {
    let viewer = "http://localhost:9004".parse().unwrap();
    let (_, html) = greet(&greeting(None).unwrap().with_viewer(Some(&viewer)), "/", "x").await;
    assert!(html.contains("href=\"http:&#x2f;&#x2f;localhost:9004&#x2f;flows\""), "{html}");
    let (_, html) = greet(&greeting(None).unwrap(), "/", "x").await;
    assert!(!html.contains("id=\"viewer\""), "{html}");
}

#[tokio::test]
async fn changed_stylesheet_has_another_url() {
    let address = async |pages: Pages| {
        let (_, html) = greet(&pages, "/", "x").await;
        html.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let folder = folder_with(&[("accent.css", "a{}")]);
    let (first, second) = (greeting(None).unwrap(), greeting(Some(folder.path())).unwrap());
    let headers = first.style().headers().clone();
    assert_eq!(headers["content-type"], "text/css; charset=utf-8");
    assert!(headers["cache-control"].to_str().unwrap().contains("max-age"));
    assert_ne!(address(first).await, address(second).await);
}
