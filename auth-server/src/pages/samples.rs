//! Samples of every page, for tests.

use pages::{Browser, Page, Pages};

use super::*;

/// A page: its name, the element ids that tests and styles rely on, and a function that renders it.
pub struct Sample {
    pub name: &'static str,
    pub ids: &'static [&'static str],
    pub make: Box<Make>,
}

pub type Make = dyn Fn(&Pages, &Browser) -> Page;

fn sample<V: View + 'static>(name: &'static str, ids: &'static [&'static str], view: V) -> Sample {
    Sample {
        name,
        ids,
        make: Box::new(move |pages, browser| render(pages, browser, StatusCode::OK, &view)),
    }
}

const LOGIN_IDS: &[&str] = &["username", "password", "login-submit", "login-cancel"];
const DEVICE_IDS: &[&str] = &["user-code", "device-submit"];

pub fn all() -> Vec<Sample> {
    let mut samples = login();
    samples.extend(consent());
    samples.extend(
        ErrorKind::ALL.map(|kind| {
            sample("error", &["error-title", "error-detail", "error-code"], error(kind))
        }),
    );
    samples.extend(device());
    samples.extend(logout());
    samples.extend(account());
    samples.push(sample("form_post", &["form-post-continue"], form_post()));
    samples.push(sample("home", &["account", "device", "issuer"], home()));
    samples
}

fn login() -> Vec<Sample> {
    let page = |problem, username: &str| LoginPage {
        client: Some(client()),
        action: "/login?request=7Qm2".to_owned(),
        csrf: "c5rf".to_owned(),
        username: username.to_owned(),
        problem,
        demo_hint: true,
        users: Vec::new(),
        signed_in_as: None,
    };
    let choosing = LoginPage {
        signed_in_as: Some("Alice Adams".to_owned()),
        demo_hint: false,
        ..page(None, "")
    };
    vec![
        sample("login", LOGIN_IDS, page(None, "")),
        sample("login_wrong", LOGIN_IDS, page(Some(LoginProblem::WrongCredentials), "alice")),
        sample(
            "login_too_many",
            LOGIN_IDS,
            page(Some(LoginProblem::TooMany { retry_after: 30 }), "alice"),
        ),
        sample(
            "login_too_many_minutes",
            LOGIN_IDS,
            page(Some(LoginProblem::TooMany { retry_after: 901 }), "alice"),
        ),
        sample("login_expired", LOGIN_IDS, page(Some(LoginProblem::ExpiredForm), "alice")),
        sample("login_no_cookies", LOGIN_IDS, page(Some(LoginProblem::NoCookies), "alice")),
        sample("login_choose", &["login-continue", "login-submit", "login-cancel"], choosing),
    ]
}

fn consent() -> Vec<Sample> {
    let ids = &["consent-allow", "consent-deny", "switch-account"];
    let page = ConsentPage {
        client: client(),
        returns_to: "localhost:9001".to_owned(),
        user: user(),
        scopes: scopes(),
        resources: vec![resource("http://localhost:9002", true), resource("http://x", false)],
        claims: vec!["phone_number".to_owned()],
        shown_claims: String::new(),
        action: "/consent?request=7Qm2".to_owned(),
        csrf: "c5rf".to_owned(),
        switch_account: "/login?request=7Qm2".to_owned(),
        form_expired: false,
    };
    let expired = ConsentPage { form_expired: true, ..page.clone() };
    let bare = ConsentPage {
        client: ClientView::named("Command line"),
        scopes: scopes()[..1].to_vec(),
        resources: Vec::new(),
        ..page.clone()
    };
    let without_scopes = ConsentPage { scopes: Vec::new(), ..page.clone() };
    let with_resources =
        &["consent-allow", "consent-deny", "switch-account", "consent-resources"][..];
    vec![
        sample("consent", with_resources, page),
        sample("consent_without_scopes", with_resources, without_scopes),
        sample("consent_bare", ids, bare),
        sample("consent_expired", &["consent-allow", "problem"], expired),
    ]
}

fn error(kind: ErrorKind) -> ErrorPage {
    ErrorPage {
        kind,
        error: "invalid_request".to_owned(),
        detail: Some(
            "redirect_uri is `https://evil.example/cb`; registered is `http://localhost:9001/callback`".to_owned(),
        ),
        rule: WebLink::parse("https://www.rfc-editor.org/rfc/rfc9700#section-4.1"),
        request_id: Some("0191f3c2-7a44-7cc1-9b2e-2f6f0c5d8e11".to_owned()),
        return_to: (kind == ErrorKind::Client).then(|| ReturnLink {
            host: "shop.example".to_owned(),
            href: "https://shop.example/cb?error=invalid_scope".to_owned(),
        }),
        redirect_uris: (kind == ErrorKind::RedirectUri).then(|| RedirectUriComparison {
            sent: "https://evil.example/cb".to_owned(),
            registered: vec!["http://localhost:9001/callback/platform".to_owned()],
        }),
    }
}

fn device() -> Vec<Sample> {
    let page = |problem, user_code: &str| DevicePage {
        action: "/device".to_owned(),
        csrf: "c5rf".to_owned(),
        user_code: user_code.to_owned(),
        problem,
    };
    let confirm = DeviceConfirmPage {
        client: ClientView::named("Living room TV"),
        user: user(),
        user_code: "WDJB-MJHT".to_owned(),
        scopes: scopes()[..2].to_vec(),
        resources: vec![resource("http://localhost:9002", false)],
        shown_claims: String::new(),
        action: "/device".to_owned(),
        csrf: "c5rf".to_owned(),
        switch_account: "/login?request=7Qm2".to_owned(),
    };
    let done = |allowed| DeviceDonePage { client: "Living room TV".to_owned(), allowed };
    vec![
        sample("device", DEVICE_IDS, page(None, "")),
        sample("device_unknown", DEVICE_IDS, page(Some(DeviceProblem::UnknownCode), "WDJB-MJHT")),
        sample("device_too_many", DEVICE_IDS, page(Some(DeviceProblem::TooMany), "WDJB-MJHT")),
        sample("device_expired", DEVICE_IDS, page(Some(DeviceProblem::ExpiredForm), "WDJB-MJHT")),
        sample("device_no_cookies", DEVICE_IDS, page(Some(DeviceProblem::NoCookies), "WDJB-MJHT")),
        sample(
            "device_confirm",
            &["device-allow", "device-deny", "device-user-code", "consent-resources"],
            confirm,
        ),
        sample("device_allowed", &["device-allowed"], done(true)),
        sample("device_denied", &["device-denied"], done(false)),
    ]
}

fn logout() -> Vec<Sample> {
    let ids = &["logout-confirm", "logout-stay"];
    let page = |client| LogoutPage {
        client,
        user: user(),
        action: "/logout".to_owned(),
        csrf: "c5rf".to_owned(),
        form_expired: false,
    };
    let expired = LogoutPage { form_expired: true, ..page(None) };
    let href = WebLink::parse("http://localhost:9001/goodbye");
    let return_to =
        href.map(|href| ReturnTo { client: "Demo Website".to_owned(), href: href.to_string() });
    vec![
        sample("logout", ids, page(Some("Demo Website".to_owned()))),
        sample("logout_plain", ids, page(None)),
        sample("logout_expired", &["logout-confirm", "problem"], expired),
        sample("logged_out", &["logged-out"], LoggedOutPage { return_to: None }),
        sample("logged_out_return", &["logged-out", "return"], LoggedOutPage { return_to }),
    ]
}

fn account() -> Vec<Sample> {
    let full = AccountPage {
        user: user(),
        notice: Some(AccountNotice::ConsentWithdrawn),
        sessions: vec![session("Chrome/142 Linux", true), session("", false)],
        consents: vec![ConsentRow {
            client_id: "demo-website".to_owned(),
            client: client(),
            scopes: scopes(),
            resources: vec!["http://localhost:9002".to_owned()],
            since: 1_795_000_000,
        }],
        actions: AccountActions {
            end_session: "/account/sessions/end".to_owned(),
            withdraw: "/account/consents/withdraw".to_owned(),
            sign_out: "/account/sign-out".to_owned(),
            sign_out_everywhere: "/account/sign-out-everywhere".to_owned(),
        },
        csrf: "c5rf".to_owned(),
    };
    let notice = Some(AccountNotice::SessionEnded);
    let empty = AccountPage { notice, sessions: Vec::new(), consents: Vec::new(), ..full.clone() };
    let ids = &["sign-out", "sign-out-everywhere", "sessions", "consents", "notice"];
    let expired = AccountPage { notice: Some(AccountNotice::FormExpired), ..full.clone() };
    vec![
        sample("account", ids, full),
        sample("account_empty", ids, empty),
        sample("account_expired", ids, expired),
    ]
}

fn session(user_agent: &str, current: bool) -> SessionRow {
    SessionRow {
        id: "01JD3Y".to_owned(),
        browser: BrowserName::of(user_agent),
        address: "192.0.2.17".to_owned(),
        since: 1_795_000_000,
        last_seen: 1_795_080_000,
        current,
        apps: vec!["Demo Website".to_owned(), "Command line".to_owned()],
    }
}

fn form_post() -> FormPostPage {
    let fields = [("code", "SplxlOBeZQQYbYS6WxSbIA"), ("state", "\"><script>alert(1)</script>")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    FormPostPage::new("Demo Website", "https://app.example/callback", fields)
}

fn home() -> HomePage {
    HomePage {
        path: String::new(),
        issuer: "http://localhost:9000".to_owned(),
        account: "/account".to_owned(),
        device: "/device".to_owned(),
        signed_in_as: None,
    }
}

fn client() -> ClientView {
    ClientView {
        name: "Demo Website".to_owned(),
        client_uri: WebLink::parse("http://localhost:9001/"),
        logo_uri: None,
        policy_uri: WebLink::parse("http://localhost:9001/privacy"),
        tos_uri: WebLink::parse("http://localhost:9001/terms"),
        self_registered: true,
        metadata_host: Some("app.example".to_owned()),
    }
}

fn user() -> UserView {
    UserView {
        name: "Alice Adams".to_owned(),
        username: "alice".to_owned(),
        email: Some("alice@example.com".to_owned()),
        picture: None,
    }
}

fn resource(identifier: &str, granted_before: bool) -> ResourceView {
    ResourceView { identifier: identifier.to_owned(), claims: Vec::new(), granted_before }
}

fn scopes() -> Vec<ScopeView> {
    let scope = |name: &str, granted_before| ScopeView {
        name: name.to_owned(),
        claims: if name == "email" { vec!["roles".to_owned()] } else { Vec::new() },
        granted_before,
    };
    vec![
        scope("openid", true),
        scope("profile", true),
        scope("email", false),
        scope("resource:read", false),
        scope("offline_access", false),
        scope("printer:colour", false),
    ]
}
