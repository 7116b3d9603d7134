//! Several issuers in one process.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use service_kit::SecretSetting;
use test_support::openapi::OpenApi;

use super::Controlled;
use crate::{
    browser::{AuthorizationRequest, Browser, Page},
    client::{HttpClient, send, wait_until},
    jwt,
    process::{ServerProcess, set},
    test_server::NOON,
};

/// What the issuers have unless they have their own.
const SEED: &str = r#"
[[resources]]
identifier = "https://orders.example"
scopes = "orders:read"

[[clients]]
client_id = "shop"
client_secret = "of the shop"
scopes = "openid orders:read"
resources = ["https://orders.example"]

[clients.login]
redirect_uris = ["https://site.example/cb"]
post_logout_redirect_uris = ["https://site.example/bye"]

[[users]]
username = "carol"
password = "of carol"
"#;
/// An issuer at a port of its own, with a user of its own.
const AT_PORT: &str = r#"
[[issuers]]
name = "tenant"
issuer = "http://127.0.0.1:0"
listen = "127.0.0.1:0"

[[issuers.users]]
username = "dave"
password = "of dave"
"#;
const AT_HOST: &str = "[[issuers]]\nname = \"tenant\"\nissuer = \"http://tenant.localhost:0\"\n";
const AT_PATH: &str = "[[issuers]]\nname = \"tenant\"\nissuer = \"/tenant\"\n";
const SHOP: (&str, &str) = ("shop", "of the shop");
const CAROL: (&str, &str) = ("carol", "of carol");

async fn start(issuers: &str) -> Controlled {
    let seed = format!("{SEED}{issuers}");
    Controlled::start_with(|settings| {
        settings.clients_file = None;
        settings.control.seed = Some(SecretSetting::new(seed));
    })
    .await
}

impl Controlled {
    /// Returns the URL of an issuer, as `GET /control` lists it.
    async fn url_of(&self, name: &str) -> String {
        let state = self.control.get_json("/control").await;
        let issuers = state["issuers"].as_array().unwrap();
        let named = issuers.iter().find(|issuer| issuer["name"] == name).unwrap();
        named["issuer"].as_str().unwrap().to_owned()
    }
}

fn request() -> AuthorizationRequest {
    AuthorizationRequest::new("shop", "https://site.example/cb", "openid")
}

async fn key_ids(server: &HttpClient) -> BTreeSet<String> {
    let keys = server.published_keys().await;
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn body_of_any_method_names_the_issuer() {
    let controlled = start(AT_PATH).await;
    for (method, path, status) in [
        ("PUT", "/control/users/eve", 200),
        ("GET", "/control/users/eve", 200),
        ("DELETE", "/control/users/eve", 204),
        ("DELETE", "/control/faults", 204),
        ("GET", "/control", 200),
    ] {
        let mut body = json!({ "issuer": "tenant" });
        if method == "PUT" {
            body["password"] = json!("of eve");
        }
        let response = controlled.call(method, path, &body).await;
        assert_eq!(response.status, status, "{method} {path}: {response:?}");
    }
    let default = json!({ "issuer": "default" });
    let both = controlled.call("GET", "/control?issuer=tenant", &default).await;
    both.assert_error(400, "invalid_request", "name different issuers");
    let unknown = controlled.call("GET", "/control", &json!({ "issuer": "nope" })).await;
    unknown.assert_error(404, "unknown_issuer", "no issuer `nope`");
}

#[tokio::test]
async fn authorization_url_of_another_issuer_is_rejected() {
    for issuers in [AT_PORT, AT_HOST, AT_PATH] {
        let controlled = start(issuers).await;
        let state = controlled.control.get_json("/control").await;
        let urls: Vec<String> = state["issuers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|issuer| issuer["issuer"].as_str().unwrap().to_owned())
            .collect();
        let query = AuthorizationRequest::new("shop", "https://site.example/cb", "openid").query();
        for (named, url, status) in [
            ("default", &urls[0], 200),
            ("default", &urls[1], 400),
            ("tenant", &urls[0], 400),
            ("tenant", &urls[1], 200),
        ] {
            let user = if named == "tenant" && issuers == AT_PORT { "dave" } else { "carol" };
            let url = format!("{}/oauth/authorize?{query}", url.trim_end_matches('/'));
            let body = json!({ "issuer": named, "authorization_url": url, "user": user });
            let response = controlled.call("POST", "/control/logins", &body).await;
            assert_eq!(response.status, status, "{named} {url}: {response:?}");
        }
    }
}

#[tokio::test]
async fn issuers_at_two_ports_share_nothing() {
    let controlled = start(AT_PORT).await;
    let url = controlled.url_of("tenant").await;
    assert_ne!(url, controlled.server.issuer());
    let tenant = HttpClient::new(&*url);
    assert!(!url.ends_with(":0"), "{url}");
    assert_eq!(tenant.get_json("/.well-known/openid-configuration").await["issuer"], json!(url));
    let token = tenant.access_token(SHOP, &[]).await;
    assert_eq!(jwt::claims(&token)["iss"], json!(url));
    let (keys, others) = (key_ids(&tenant).await, key_ids(&controlled.server).await);
    assert!(!keys.is_empty() && keys.is_disjoint(&others), "{keys:?} {others:?}");

    let status = async |path: &str| controlled.control.get(path).await.status;
    for (user, at_default, at_tenant) in [("carol", 200, 404), ("dave", 404, 200)] {
        let path = format!("/control/users/{user}");
        assert_eq!(status(&path).await, at_default, "{user}");
        assert_eq!(status(&format!("{path}?issuer=tenant")).await, at_tenant, "{user}");
    }
}

#[tokio::test]
async fn calls_are_for_the_issuer_that_they_name() {
    let controlled = start(AT_PORT).await;
    let (url, default) = (controlled.url_of("tenant").await, controlled.server.issuer());
    let mint = async |issuer: Value| {
        let mut body = json!({ "token": "access", "client_id": "shop" });
        if !issuer.is_null() {
            body["issuer"] = issuer;
        }
        let minted = controlled.succeed("POST", "/control/tokens", &body).await;
        minted["claims"]["iss"].as_str().unwrap().to_owned()
    };
    for (named, expected) in [
        (Value::Null, &default),
        (json!("default"), &default),
        (json!(default), &default),
        (json!("tenant"), &url),
        (json!(url), &url),
    ] {
        assert_eq!(mint(named.clone()).await, *expected, "{named}");
    }
    let state = controlled.control.get_json("/control?issuer=tenant").await;
    assert_eq!((&state["name"], &state["issuer"]), (&json!("tenant"), &json!(url)));
    let again = json!({ "url": url });
    let set = controlled.call("PUT", "/control/issuers/tenant", &again).await;
    assert_eq!((set.status, set.json()), (200, json!({ "issuer": url })));

    for (method, path, body) in [
        ("GET", "/control?issuer=nobody", Value::Null),
        ("POST", "/control/reset?issuer=nobody", Value::Null),
        ("POST", "/control/reset", json!({ "issuer": "nobody" })),
        ("PUT", "/control/issuers/nobody", json!({ "url": url })),
    ] {
        let response = controlled.call(method, path, &body).await;
        response.assert_error(404, "unknown_issuer", "has no issuer");
    }
    let both = json!({ "issuer": "default" });
    let response = controlled.call("POST", "/control/reset?issuer=tenant", &both).await;
    response.assert_error(400, "invalid_request", "name different issuers");
    let api = OpenApi::parse(include_str!("../../../openapi-control.json"));
    let state = controlled.control.get("/control?issuer=tenant").await;
    api.assert_response("/control", "get", &state);
    let seed = controlled.control.get("/control/seed").await;
    api.assert_response("/control/seed", "get", &seed);
}

#[tokio::test]
async fn reset_faults_and_journal_are_those_of_one_issuer() {
    let controlled = start(AT_PORT).await;
    let tenant = HttpClient::new(controlled.url_of("tenant").await);
    let erin = json!({ "password": "of erin", "sub": "erin-1" });
    let fault = json!({ "on": "token", "do": { "status": 503 } });
    for issuer in ["default", "tenant"] {
        let path = |path: &str| format!("{path}?issuer={issuer}");
        controlled.succeed("PUT", &path("/control/users/erin"), &erin).await;
        controlled.succeed("POST", &path("/control/faults"), &fault).await;
    }
    assert_eq!(tenant.client_credentials(SHOP, &[]).await.status, 503);
    controlled.succeed("POST", "/control/reset", &json!({ "issuer": "tenant" })).await;
    tenant.access_token(SHOP, &[]).await;
    assert_eq!(controlled.server.client_credentials(SHOP, &[]).await.status, 503);
    let status = async |path: &str| controlled.control.get(path).await.status;
    assert_eq!(status("/control/users/erin?issuer=tenant").await, 404);
    assert_eq!(status("/control/users/erin").await, 200);
    let statuses = async |query: &str| {
        let journal = controlled.control.get_json(&format!("/control/requests{query}")).await;
        let requests = journal["requests"].as_array().unwrap().clone();
        requests.iter().map(|request| request["status"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(statuses("?issuer=tenant").await, [json!(200)]);
    assert_eq!(statuses("").await, [json!(503)]);
}

/// The clock is one for all issuers, so the reset of one may not change the time of the others.
#[tokio::test]
async fn only_a_reset_of_the_default_issuer_resets_the_clock() {
    let controlled = start(AT_PORT).await;
    for (issuer, resets) in
        [(json!("tenant"), false), (json!("default"), true), (json!(null), true)]
    {
        controlled.succeed("PUT", "/control/clock", &json!({ "at": NOON + 3_600 })).await;
        let named = if issuer.is_null() { json!({}) } else { json!({ "issuer": issuer }) };
        controlled.succeed("POST", "/control/reset", &named).await;
        let expected = if resets { NOON } else { NOON + 3_600 };
        assert_eq!(controlled.server.clock.seconds(), expected, "{issuer}");
    }
}

#[tokio::test]
async fn host_names_the_issuer() {
    let controlled = start(AT_HOST).await;
    let url = controlled.url_of("tenant").await;
    let host = url.strip_prefix("http://").unwrap();
    let own = controlled.server.issuer();
    let own_host = own.strip_prefix("http://").unwrap();
    let metadata = async |host: &str| {
        let request = controlled.server.request("GET", "/.well-known/openid-configuration");
        send(request.header("host", host)).await
    };
    assert_eq!(metadata(host).await.json()["issuer"], json!(url));
    assert_eq!(metadata(own_host).await.json()["issuer"], json!(own));
    assert_eq!(metadata("elsewhere.example").await.status, 421);
}

/// Follows a login at an issuer below `/tenant`, in a browser that is at its origin.
async fn log_in(browser: &Browser<'_>, page: Page) -> Page {
    assert_eq!((page.path.as_str(), page.status()), ("/tenant/login", 200), "{page:?}");
    let page = browser.submit(&page, &[("username", CAROL.0), ("password", CAROL.1)]).await;
    assert_eq!((page.path.as_str(), page.status()), ("/tenant/consent", 200), "{page:?}");
    browser.submit(&page, &[("decision", "allow")]).await
}

#[tokio::test]
async fn pages_work_below_the_path_of_an_issuer() {
    let controlled = start(AT_PATH).await;
    let url = controlled.url_of("tenant").await;
    assert_eq!(url, format!("{}/tenant", controlled.server.issuer()));
    let (browser, tenant) = (Browser::new(&controlled.server), HttpClient::new(&*url));
    let page = browser.open(&format!("/tenant/oauth/authorize?{}", request().query())).await;
    page.assert_contains("href=\"/tenant/assets/style.css");
    let page = log_in(&browser, page).await;
    assert_eq!(page.redirect_parameter("iss"), url);
    let code = page.redirect_parameter("code");
    let tokens = tenant.redeem_code(SHOP, &request(), &code).await.json();
    assert_eq!(jwt::claims(tokens["id_token"].as_str().unwrap())["iss"], json!(url));
    let userinfo = tenant.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(userinfo.status, 200, "{userinfo:?}");

    // Both issuers are at one host, and each has its own session.
    assert_eq!(browser.open("/account").await.path, "/login");
    let account = browser.open("/tenant/account").await;
    assert_eq!((account.path.as_str(), account.status()), ("/tenant/account", 200));
    let home = browser.open("/tenant").await;
    for link in ["/tenant/account", "/tenant/device", "/tenant/openapi.json"] {
        home.assert_contains(&format!("href=\"{link}\""));
        assert_eq!(browser.open(link).await.status(), 200, "{link}");
    }
    let stay = browser.open("/tenant/logout").await;
    let account = browser.submit(&stay, &[("decision", "stay")]).await;
    assert_eq!(account.path, "/tenant/account");
    let hint = tokens["id_token"].as_str().unwrap();
    let done = browser.open(&format!("/tenant/logout?id_token_hint={hint}")).await;
    assert_eq!((done.path.as_str(), done.status()), ("/tenant/logout", 200));
    assert_eq!(browser.open("/tenant/account").await.path, "/tenant/login");
}

#[tokio::test]
async fn endpoints_and_forms_of_devices_are_below_the_path() {
    let controlled = start(AT_PATH).await;
    let url = controlled.url_of("tenant").await;
    let own = &controlled.server;
    for path in [
        "/.well-known/oauth-authorization-server/tenant",
        "/tenant/.well-known/oauth-authorization-server",
        "/tenant/.well-known/openid-configuration",
    ] {
        let metadata = own.get_json(path).await;
        assert_eq!(metadata["issuer"], json!(url), "{path}");
        assert_eq!(metadata["token_endpoint"], json!(format!("{url}/oauth/token")), "{path}");
    }
    let metadata = own.get_json("/.well-known/openid-configuration").await;
    assert_eq!(metadata["issuer"], json!(own.issuer()));
    assert_eq!(own.get("/.well-known/oauth-authorization-server/other").await.status, 404);
    assert_eq!(own.get("/tenants/.well-known/jwks.json").await.status, 404);

    let browser = Browser::new(own);
    let page = browser.open("/tenant/device?user_code=BCDF-GHJK").await;
    let page = browser.submit(&page, &[("user_code", "BCDF-GHJK")]).await;
    assert_eq!(page.path, "/tenant/login", "{page:?}");
    let login = json!({
        "issuer": "tenant",
        "authorization_url": format!("{url}/oauth/authorize?{}", request().query()),
        "user": "carol",
    });
    let login = controlled.succeed("POST", "/control/logins", &login).await;
    assert!(login["code"].is_string(), "{login}");
    let journal = controlled.control.get_json("/control/requests?issuer=tenant").await;
    assert_eq!(
        journal["requests"][0]["path"],
        json!("/.well-known/oauth-authorization-server/tenant")
    );
}

#[tokio::test]
async fn exported_seed_has_all_issuers() {
    let issuers = "[[issuers]]\nname = \"other\"\nissuer = \"/other\"\nlooseness = [\"audience.any\"]\n\
                   [[issuers.claims]]\nname = \"tenant\"\nfrom = { value = \"acme\" }\nin = [\"access_token\"]\n";
    let controlled = start(&format!("{AT_PATH}{issuers}")).await;
    let erin = json!({ "password": "of erin", "sub": "erin-1" });
    controlled.succeed("PUT", "/control/users/erin?issuer=tenant", &erin).await;
    let export = controlled.seed().await;
    let seed: Value = serde_json::from_str(&export).unwrap();
    let names: Vec<_> =
        seed["issuers"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["tenant", "other"]);
    assert_eq!(seed["issuers"][0]["users"][1]["username"], json!("erin"));
    assert_eq!(seed["issuers"][1]["looseness"], json!(["audience.any"]));
    let copy = Controlled::start_with(|settings| {
        settings.issuer = controlled.server.settings.issuer.clone();
        settings.clients_file = None;
        settings.control.seed = Some(SecretSetting::new(export.clone()));
    })
    .await;
    assert_eq!(copy.seed().await, export);
}

#[tokio::test]
async fn changed_seed_file_is_applied_to_each_issuer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed.toml");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    write(&format!("{SEED}{AT_PORT}"));
    let server = ServerProcess::start(&set(&[
        ("profile", "test"),
        ("listen", "127.0.0.1:0"),
        ("tls_listen", ""),
        ("manage_listen", "127.0.0.1:0"),
        ("control.listen", "127.0.0.1:0"),
        ("control.seed_file", path.to_str().unwrap()),
        ("log.format", "json"),
    ]));
    let control = server.control.clone().unwrap();
    let users = async |issuer: &str| {
        control.get_json(&format!("/control?issuer={issuer}")).await["users"].as_u64().unwrap()
    };
    assert_eq!((users("default").await, users("tenant").await), (1, 1));
    let state = control.get_json("/control?issuer=tenant").await;
    let tenant = HttpClient::new(state["issuer"].as_str().unwrap());
    assert_eq!(tenant.get("/.well-known/jwks.json").await.status, 200);
    let erin = "[[issuers.users]]\nusername = \"erin\"\npassword = \"of erin\"\n";
    write(&format!("{SEED}{AT_PORT}{erin}"));
    wait_until("the change is applied", async || users("tenant").await == 2).await;
    assert_eq!(users("default").await, 1);
    write(&format!("{SEED}{AT_PORT}{AT_PATH}").replacen("\"tenant\"", "\"first\"", 1));
    wait_until("the change is rejected", async || {
        server.has_logged("names, URLs or listeners of issuers takes effect at the next start")
    })
    .await;
    assert_eq!(users("tenant").await, 2);
}
