use axum::{
    body::to_bytes,
    http::{HeaderMap, Method, Uri, header::CONTENT_SECURITY_POLICY},
    response::IntoResponse,
};

use super::*;

async fn response_of(make: &samples::Make, language: Language) -> (StatusCode, String, String) {
    let uri: Uri =
        format!("/page?state=%22%3E%3Cscript%3E&lang={}", language.code()).parse().unwrap();
    let browser = Browser::of(&Method::GET, &uri, &HeaderMap::new());
    let response = make(&pages(None).unwrap(), &browser).into_response();
    let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, policy, String::from_utf8(body.to_vec()).unwrap())
}

async fn html<V: View + 'static>(view: V) -> String {
    let make =
        move |pages: &Pages, browser: &Browser| render(pages, browser, StatusCode::OK, &view);
    response_of(&make, Language::English).await.2
}

#[tokio::test]
async fn every_page_renders_in_both_languages() {
    for sample in samples::all() {
        for language in Language::ALL {
            let (status, _, html) = response_of(&sample.make, language).await;
            assert_eq!(status, StatusCode::OK, "{} in {}", sample.name, language.code());
            for id in sample.ids {
                assert_eq!(
                    html.matches(&format!(" id=\"{id}\"")).count(),
                    1,
                    "{id} in {}",
                    sample.name
                );
            }
            let (title, rest) =
                html.split_once("<title>").unwrap().1.split_once("</title>").unwrap();
            assert!(
                title.chars().next().is_some_and(char::is_alphanumeric),
                "{}: {title}",
                sample.name
            );
            assert_eq!(rest.matches("<h1").count(), 1, "{}", sample.name);
        }
    }
}

#[tokio::test]
async fn every_form_is_posted_with_a_csrf_token_and_labels() {
    for sample in samples::all().iter().filter(|sample| sample.name != "form_post") {
        let (_, _, html) = response_of(&sample.make, Language::English).await;
        assert_eq!(
            html.matches("<form").count(),
            html.matches("<form method=\"post\"").count(),
            "{}",
            sample.name
        );
        assert_eq!(
            html.matches("<form").count(),
            html.matches("name=\"csrf\" value=\"c5rf\"").count(),
            "{}",
            sample.name
        );
        for field in
            html.split("<input ").skip(1).filter(|field| !field.starts_with("type=\"hidden\""))
        {
            let id = field.split("id=\"").nth(1).and_then(|after| after.split('"').next()).unwrap();
            assert!(html.contains(&format!("<label for=\"{id}\">")), "{id} in {}", sample.name);
        }
    }
}

#[tokio::test]
async fn only_form_post_runs_a_script_and_no_page_has_inline_styles() {
    for sample in samples::all() {
        let (_, policy, html) = response_of(&sample.make, Language::English).await;
        let scripts = usize::from(sample.name == "form_post");
        assert_eq!(html.matches("<script").count(), scripts, "{}", sample.name);
        assert_eq!(policy.matches("script-src 'sha256-").count(), scripts, "{}", sample.name);
        assert!(
            !html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick"),
            "{}",
            sample.name
        );
    }
}

#[tokio::test]
async fn form_post_page_escapes_the_response_fields() {
    let sample = samples::all().into_iter().find(|sample| sample.name == "form_post").unwrap();
    let (_, policy, html) = response_of(&sample.make, Language::English).await;
    assert!(!policy.contains("form-action"), "{policy}");
    assert!(html.contains("name=\"code\" value=\"SplxlOBeZQQYbYS6WxSbIA\""), "{html}");
    assert!(html.contains("name=\"state\" value=\"&quot;&gt;&lt;script&gt;alert(1)"), "{html}");
}

#[tokio::test]
async fn scopes_have_a_text_or_are_shown_by_name() {
    let scopes = ["email", "x<b>", "other"]
        .map(|name| ScopeView { name: name.to_owned(), claims: Vec::new(), granted_before: false })
        .to_vec();
    let consent = ConsentPage {
        client: ClientView::named("<script>alert(1)</script>"),
        returns_to: "app.example".to_owned(),
        user: UserView { name: String::new(), username: String::new(), email: None, picture: None },
        scopes,
        resources: vec![ResourceView {
            identifier: "urn:b<b>".to_owned(),
            claims: Vec::new(),
            granted_before: false,
        }],
        claims: vec!["nickname".to_owned()],
        shown_claims: String::new(),
        action: String::new(),
        csrf: String::new(),
        switch_account: String::new(),
        form_expired: false,
    };
    let html = html(consent).await;
    for text in ["See your e-mail address", "permission “x&lt;b&gt;”", "permission “other”"]
    {
        assert_eq!(html.matches(text).count(), 1, "{text}: {html}");
    }
    assert!(html.contains("urn:b&lt;b&gt;"), "{html}");
    assert!(!html.contains("<script"), "{html}");
}

#[tokio::test]
async fn enter_key_submits_the_password() {
    let page = LoginPage {
        client: Some(ClientView::named("Demo")),
        action: "/login".to_owned(),
        csrf: String::new(),
        username: String::new(),
        problem: None,
        demo_hint: false,
        users: Vec::new(),
        signed_in_as: Some("Bob".to_owned()),
    };
    let html = html(page).await;
    let form = html.split("<form").find(|form| form.contains("id=\"password\"")).unwrap();
    let first = form.split("<button").nth(1).unwrap();
    assert!(first.contains("id=\"login-submit\""), "{first}");
    assert!(!html.contains("alice"), "demo users are shown only with `demo_hint`");
}

#[tokio::test]
async fn demo_users_sign_in_by_a_click_only_with_the_demo_hint() {
    for demo_hint in [false, true] {
        let page = LoginPage {
            client: None,
            action: "/login?a=1".to_owned(),
            csrf: "the token".to_owned(),
            username: String::new(),
            problem: None,
            demo_hint,
            users: Vec::new(),
            signed_in_as: None,
        };
        let html = html(page).await;
        let form = html.split("<form").find(|form| form.contains("id=\"demo-bob\""));
        assert_eq!(form.is_some(), demo_hint, "{html}");
        for field in ["csrf\" value=\"the token", "username\" value=\"bob", "value=\"builder\""] {
            assert!(form.is_none_or(|form| form.contains(field)), "missing {field} in {form:?}");
        }
    }
}
