//! C stands in for WeChat; and a service acts for a user at a further hop.

use crate::{
    browser::{Asking, Person},
    client::answer,
    jwt,
    test_server::{ALICE, C, ORDERS, ORDERS_API, SITE, STOCK, STOCK_API},
};

async fn wechat() -> C {
    C::start_with(|settings| settings.compat.wechat = true).await
}

async fn wechat_code(person: &Person<'_>, id: &str) -> String {
    let redirect = "https%3A%2F%2Fsite.example%2Fcb%3Fshop%3D1";
    let path = format!(
        "/connect/oauth2/authorize?{id}=site&redirect_uri={redirect}&response_type=code&scope=snsapi_userinfo&state=s"
    );
    let mut page = person.open(&path).await;
    if page.path == "/login" {
        page = person.sign_in(&page, ALICE).await;
    }
    if page.left_to.is_none() {
        page = person.allow(&page).await;
    }
    assert_eq!(page.parameter("state"), "s");
    page.parameter("code")
}

#[tokio::test]
async fn json_token_request_and_query_userinfo_work() {
    let c = wechat().await;
    let person = Person::at(&c);
    let code = wechat_code(&person, "client_id").await;
    let body = serde_json::json!({
        "client_id": SITE.0, "client_secret": SITE.1, "code": code, "grant_type": "authorization_code",
    });
    let token = answer(c.post("/oauth2/token").json(&body)).await;
    assert_eq!(token.status, 200, "{token:?}");
    let token = token.json();
    assert!(token["expires_in"].as_i64().unwrap() > 0);
    let path = format!("/userinfo?access_token={}", token["access_token"].as_str().unwrap());
    let shown = c.json(&path).await;
    assert_eq!(shown["nickname"], "小爱");
    assert!(shown["avatar"].as_str().unwrap().starts_with("data:image/svg"));
    answer(c.post("/oauth2/token").json(&body)).await.refused(400, "invalid_grant", "used before");
}

#[tokio::test]
async fn wechat_paths_return_wechat_responses() {
    let c = wechat().await;
    let person = Person::at(&c);
    let code = wechat_code(&person, "appid").await;
    let ask = |code: &str| {
        format!(
            "/sns/oauth2/access_token?appid={}&secret={}&code={code}&grant_type=authorization_code",
            SITE.0, SITE.1
        )
    };
    let token = c.json(&ask(&code)).await;
    let (access, openid) =
        (token["access_token"].as_str().unwrap(), token["openid"].as_str().unwrap());
    assert_eq!(token["scope"], "snsapi_userinfo");
    let shown = c.json(&format!("/sns/userinfo?access_token={access}&openid={openid}")).await;
    assert_eq!((shown["nickname"].as_str(), shown["sex"].as_i64()), (Some("小爱"), Some(2)));
    assert_eq!(shown["openid"], token["openid"]);
    let wrong = c.get(&ask("made-up")).await;
    assert_eq!((wrong.status, wrong.json()["errcode"].as_i64()), (200, Some(40_029)));
    assert_eq!(c.json("/sns/userinfo?access_token=x&openid=y").await["errcode"], 40_001);
    assert_eq!(
        c.json(&format!("/sns/userinfo?access_token={access}&openid=other")).await["errcode"],
        40_003
    );
}

#[tokio::test]
async fn wechat_errors_are_returned_with_status_200() {
    let c = wechat().await;
    let person = Person::at(&c);
    let code = wechat_code(&person, "appid").await;
    let (id, secret) = SITE;
    let ask = format!(
        "/sns/oauth2/access_token?appid={id}&secret={secret}&code={code}&grant_type=authorization_code"
    );
    let token = c.json(&ask).await;
    let access = format!("access_token={}", token["access_token"].as_str().unwrap());
    for (query, errcode) in [
        (String::new(), 41_001),
        ("openid=x".to_owned(), 41_001),
        (access.clone(), 41_009),
        (format!("{access}&openid=%ff"), 41_001),
        ("%zz".to_owned(), 41_001),
    ] {
        let told = c.get(&format!("/sns/userinfo?{query}")).await;
        assert_eq!(
            (told.status, told.json()["errcode"].as_i64()),
            (200, Some(errcode)),
            "{query}: {told:?}"
        );
    }
    for path in [
        "/sns/oauth2/access_token",
        "/sns/oauth2/refresh_token",
        "/sns/oauth2/access_token?appid=%ff",
    ] {
        let told = c.get(path).await;
        assert!(told.status == 200 && told.json()["errcode"].is_i64(), "{path}: {told:?}");
    }
}

#[tokio::test]
async fn userinfo_in_query_is_independent_of_wechat() {
    let c = C::start_with(|settings| settings.compat.userinfo_in_query = true).await;
    let tokens = Person::at(&c).tokens(&Asking::site(), ALICE, SITE).await;
    let shown = c
        .json(&format!("/userinfo?access_token={}", tokens["access_token"].as_str().unwrap()))
        .await;
    assert_eq!(shown["nickname"], "小爱");
    assert!(shown["avatar"].as_str().unwrap().starts_with("data:image/svg"));
    assert_eq!(c.get("/userinfo?access_token=x").await.status, 401);
    assert_eq!(c.get("/connect/oauth2/authorize").await.status, 404, "it makes no WeChat of C");
}

#[tokio::test]
async fn wechat_paths_are_disabled_by_default() {
    let c = C::start().await;
    for path in [
        "/connect/oauth2/authorize",
        "/connect/qrconnect",
        "/sns/oauth2/access_token",
        "/sns/userinfo",
    ] {
        assert_eq!(c.get(path).await.status, 404, "{path}");
    }
    let person = Person::at(&c);
    let tokens = person.tokens(&Asking::site(), ALICE, SITE).await;
    let path = format!("/userinfo?access_token={}", tokens["access_token"].as_str().unwrap());
    assert_eq!(c.get(&path).await.status, 401);
    // Nor can its mark loosen a code from its redirect URI.
    let code = person.code(&Asking::site().with("dialect", "wechat"), ALICE).await;
    let fields = [("code", code.as_str()), ("code_verifier", crate::browser::VERIFIER)];
    c.redeem(SITE, &fields).await.refused(400, "invalid_grant", "redirect_uri");
}

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const KIND: (&str, &str) = ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token");

#[tokio::test]
async fn token_exchange_issues_a_token_with_an_act_claim() {
    let c = C::start().await;
    let clients = std::fs::read_to_string(c.clients_file()).unwrap();
    let further =
        "client_id = \"orders\"\nscopes = \"stock:read\"\nresources = [\"https://stock.example\"]";
    std::fs::write(c.clients_file(), clients.replace("client_id = \"orders\"", further)).unwrap();
    let person = Person::at(&c);
    let asking = Asking::site().with("scope", "openid orders:read");
    let tokens = person.tokens(&asking, ALICE, SITE).await;
    let subject = tokens["access_token"].as_str().unwrap();
    let fields = [("subject_token", subject), KIND, ("resource", STOCK_API)];
    crate::client::until("the changed client is known", async || {
        c.granted(EXCHANGE, ORDERS, &fields).await.status == 200
    })
    .await;
    let exchanged = c.granted(EXCHANGE, ORDERS, &fields).await.json();
    assert_eq!(exchanged["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert!(exchanged.get("refresh_token").is_none() && exchanged.get("id_token").is_none());
    let token = exchanged["access_token"].as_str().unwrap();
    let claims = jwt::claims(token);
    assert_eq!(claims["sub"], jwt::claims(subject)["sub"]);
    assert_eq!(
        (claims["act"]["sub"].as_str(), claims["client_id"].as_str()),
        (Some("orders"), Some("orders"))
    );
    assert_eq!(
        (claims["aud"].as_str(), claims["scope"].as_str()),
        (Some(STOCK_API), Some("stock:read"))
    );
    assert!(claims["exp"].as_i64() <= jwt::claims(subject)["exp"].as_i64());
    let asked = c.introspect(STOCK, token).await;
    assert_eq!(asked["act"]["sub"], "orders");
    // It ends with what it came from.
    let page = person.open("/account").await;
    let csrf = page.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    person.post("/account/withdraw-consent", &[("csrf", &csrf), ("client_id", "site")]).await;
    assert!(!c.is_active(STOCK, token).await);
    c.granted(EXCHANGE, ORDERS, &fields).await.refused(400, "invalid_request", "not in force");
}

#[tokio::test]
async fn token_exchange_rejects_invalid_requests() {
    let c = C::start().await;
    let tokens = Person::at(&c)
        .tokens(&Asking::site().with("scope", "openid orders:read"), ALICE, SITE)
        .await;
    let subject = ("subject_token", tokens["access_token"].as_str().unwrap());
    let to_orders = ("resource", ORDERS_API);
    let shop = crate::test_server::SHOP;
    for (client, fields, code, words) in [
        (
            shop,
            vec![subject, KIND, to_orders],
            "invalid_request",
            "neither issued to this client nor for it",
        ),
        (SITE, vec![subject, KIND], "invalid_request", "resource is missing"),
        (SITE, vec![subject, to_orders], "invalid_request", "subject_token_type is missing"),
        (
            SITE,
            vec![subject, ("subject_token_type", "else"), to_orders],
            "invalid_request",
            "subject_token_type",
        ),
        (
            SITE,
            vec![subject, KIND, to_orders, ("actor_token", "x")],
            "invalid_request",
            "actor_token",
        ),
        (SITE, vec![("subject_token", "x"), KIND, to_orders], "invalid_request", "not in force"),
        (
            SITE,
            vec![subject, KIND, ("resource", "https://vault.example")],
            "invalid_target",
            "vault",
        ),
        (
            SITE,
            vec![subject, KIND, to_orders, ("scope", "orders:write")],
            "invalid_scope",
            "orders:write",
        ),
        (("app", ""), vec![subject, KIND, to_orders], "unauthorized_client", "public client"),
    ] {
        c.granted(EXCHANGE, client, &fields).await.refused(400, code, words);
    }
    assert_eq!(c.granted(EXCHANGE, SITE, &[subject, KIND, to_orders]).await.status, 200);
}

#[tokio::test]
async fn token_exchange_cannot_exceed_the_users_consent() {
    let c = C::start().await;
    let tokens =
        Person::at(&c).tokens(&Asking::site().with("scope", "openid profile"), ALICE, SITE).await;
    let fields = [
        ("subject_token", tokens["access_token"].as_str().unwrap()),
        KIND,
        ("scope", "orders:read"),
        ("resource", ORDERS_API),
    ];
    // The site may ask users for orders:read, and this user was not asked.
    c.granted(EXCHANGE, SITE, &fields).await.refused(400, "invalid_scope", "orders:read");
    let without_scope = [fields[0], fields[1], fields[3]];
    c.granted(EXCHANGE, SITE, &without_scope).await.refused(400, "invalid_target", ORDERS_API);
    let both = Asking::site().with("scope", "openid orders:read");
    let tokens = Person::at(&c).tokens(&both, ALICE, SITE).await;
    let fields = [
        ("subject_token", tokens["access_token"].as_str().unwrap()),
        KIND,
        ("resource", ORDERS_API),
    ];
    let exchanged = c.granted(EXCHANGE, SITE, &fields).await.json();
    let claims = jwt::claims(exchanged["access_token"].as_str().unwrap());
    assert_eq!(
        (claims["scope"].as_str(), claims["act"]["sub"].as_str()),
        (Some("orders:read"), Some(SITE.0))
    );
}
