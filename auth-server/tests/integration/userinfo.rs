//! Userinfo (OpenID Connect Core §5.3): by either method, signed for those who ask for it, and its
//! refusals.

use jsonwebtoken::Algorithm;

use crate::{
    browser::{Asking, Person},
    client::{Answer, answer},
    jwt,
    test_server::{ALICE, C, FORUM, ORDERS_API, SITE},
};

async fn token_of(c: &C, asking: &Asking, client: crate::client::Login<'_>) -> String {
    let tokens = Person::at(c).tokens(asking, ALICE, client).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn userinfo_is_signed_for_clients_that_request_it() {
    let c = C::start().await;
    let told = c.userinfo(&token_of(&c, &Asking::forum(), FORUM).await).await;
    assert_eq!((told.status, told.header("content-type")), (200, "application/jwt"), "{told:?}");
    assert_eq!(told.header("cache-control"), "no-store");
    let jwks = c.json("/.well-known/jwks.json").await;
    assert!(jwt::is_signed_by(&told.text, &jwks, Algorithm::ES256), "{}", told.text);
    let claims = jwt::claims(&told.text);
    assert_eq!(
        (claims["iss"].as_str(), claims["aud"].as_str()),
        (Some(&*c.issuer()), Some(FORUM.0))
    );
    assert_eq!(claims["nickname"], "小爱");
    // Whoever has not asked for it reads plain JSON, of the same person.
    let plain = c.userinfo(&token_of(&c, &Asking::site(), SITE).await).await;
    assert_eq!(plain.header("content-type"), "application/json");
    assert_eq!(plain.json()["sub"], claims["sub"]);
    assert!(plain.json().get("aud").is_none());
}

#[tokio::test]
async fn userinfo_accepts_the_token_in_header_or_form_but_not_both() {
    let c = C::start().await;
    let token = token_of(&c, &Asking::site(), SITE).await;
    let form = [("access_token", token.as_str())];
    let by_header = answer(c.post("/userinfo").bearer_auth(&token)).await;
    let by_form = c.form("/userinfo", &form).await;
    for told in [&by_header, &by_form] {
        assert_eq!(
            (told.status, told.json()["nickname"].as_str()),
            (200, Some("小爱")),
            "{told:?}"
        );
    }
    let both = answer(c.post("/userinfo").bearer_auth(&token).form(&form)).await;
    challenged(&both, 400, "invalid_request");
    both.refused(400, "invalid_request", "in the header and in the body");
    // A form beside the header that says nothing of tokens is nothing to complain of.
    assert_eq!(
        answer(c.post("/userinfo").bearer_auth(&token).form(&[("x", "y")])).await.status,
        200
    );
    // A GET has no form, and no token in its address.
    let in_query = c.get(&format!("/userinfo?access_token={token}")).await;
    assert_eq!(in_query.status, 401, "{in_query:?}");
}

#[tokio::test]
async fn userinfo_errors_have_a_bearer_challenge() {
    let c = C::start().await;
    // RFC 6750 §3.1: who shows no token is told no error.
    for nothing in [
        c.get("/userinfo").await,
        answer(c.post("/userinfo")).await,
        c.form("/userinfo", &[]).await,
    ] {
        assert_eq!(
            (nothing.status, nothing.header("www-authenticate")),
            (401, "Bearer realm=\"gatepass\"")
        );
    }
    challenged(&c.userinfo("made-up").await, 401, "invalid_token");
    challenged(&c.form("/userinfo", &[("access_token", "made-up")]).await, 401, "invalid_token");
    let twice = c
        .http
        .get(format!("{}/userinfo", c.base))
        .header("authorization", "Bearer a")
        .header("authorization", "Bearer b");
    challenged(&answer(twice).await, 400, "invalid_request");
    // A token for B says nothing here.
    let asking = Asking::site().with("scope", "openid orders:read").with("resource", ORDERS_API);
    let code = Person::at(&c).code(&asking, ALICE).await;
    let fields = [
        ("code", code.as_str()),
        ("redirect_uri", asking.get("redirect_uri")),
        ("code_verifier", crate::browser::VERIFIER),
        ("resource", ORDERS_API),
    ];
    let token = c.redeem(SITE, &fields).await.json();
    challenged(&c.userinfo(token["access_token"].as_str().unwrap()).await, 401, "invalid_token");
}

#[track_caller]
fn challenged(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, &*answer.error().0), (status, error), "{answer:?}");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer realm=\"gatepass\""), "{challenge}");
    assert!(
        challenge.contains(&format!("error=\"{error}\""))
            && challenge.contains("error_description="),
        "{challenge}"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}
