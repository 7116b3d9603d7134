use gatepass_testkit::Gatepass;

pub const CLIENT: (&str, &str) = ("service-a", "abc123");
pub const CALLBACK: &str = "http://localhost:9001/callback/platform";
pub const NONCE: &str = "a nonce of the website";

/// Returns the URL to which a website of the demo sends the browser.
pub fn authorization_url(gatepass: &Gatepass, redirect_uri: &str) -> String {
    let mut url: reqwest::Url = format!("{}/oauth/authorize", gatepass.issuer()).parse().unwrap();
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", CLIENT.0),
        ("redirect_uri", redirect_uri),
        ("scope", "openid"),
        ("state", "a state"),
        ("nonce", NONCE),
        // The example of RFC 7636, appendix B.
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ]);
    url.into()
}

/// Returns a client that follows no redirects.
pub fn http() -> reqwest::Client {
    test_support::http::client_builder().build().unwrap()
}
