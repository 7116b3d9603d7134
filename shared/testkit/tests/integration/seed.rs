//! Seeds and settings of the builder.

use gatepass_testkit::{Client, Gatepass, Mint, Resource, User};
use serde_json::json;

const TOML: &str = r#"
[[resources]]
identifier = "https://orders.example"
scopes = "orders:read"

[[clients]]
client_id = "shop"
client_secret = "a secret of the shop"
scopes = "orders:read"
resources = ["https://orders.example"]

[[users]]
username = "carol"
password = "of carol"
sub = "the-sub-of-carol"

[[claims]]
name = "tenant"
from = { value = "acme" }
in = ["access_token"]
"#;

#[tokio::test]
async fn seed_is_toml_or_json() {
    let from_toml = Gatepass::builder().seed(TOML).start().await.unwrap();
    let mut seed = from_toml.seed().await.unwrap();
    let minted = from_toml.mint(Mint::access("shop").user("carol")).await.unwrap();
    let claims = minted.claims.unwrap();
    assert_eq!((&claims["sub"], &claims["tenant"]), (&json!("the-sub-of-carol"), &json!("acme")));
    seed.as_object_mut().unwrap().remove("issuer");
    let from_json = Gatepass::builder().seed(&seed.to_string()).start().await.unwrap();
    let mut again = from_json.seed().await.unwrap();
    again.as_object_mut().unwrap().remove("issuer");
    assert_eq!(again, seed);
}

#[tokio::test]
async fn entries_are_added_to_the_seed() {
    let gatepass = Gatepass::builder()
        .seed(TOML)
        .user(User::new("dave").password("of dave"))
        .resource(Resource::new("https://stock.example").scopes("stock:read"))
        .client(
            Client::new("depot")
                .secret("a secret of the depot")
                .scopes("stock:read")
                .resources(&["https://stock.example"]),
        )
        .start()
        .await
        .unwrap();
    let state = gatepass.state().await.unwrap();
    assert_eq!((state.users, state.clients, state.resources), (2, 2, 2));
    let minted = gatepass.mint(Mint::access("depot")).await.unwrap();
    assert_eq!(minted.claims.unwrap()["aud"], json!("https://stock.example"));
    assert_eq!(minted.bypassed, [""; 0]);
}

#[tokio::test]
async fn issuer_and_settings_are_those_of_the_builder() {
    let gatepass = Gatepass::builder()
        .issuer("http://localhost:0")
        .settings(|settings| settings.tokens.access_token_ttl_seconds = 7)
        .start()
        .await
        .unwrap();
    let port = gatepass.issuer().strip_prefix("http://localhost:").unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 0);
    let claims = gatepass.mint(Mint::access("service-a")).await.unwrap().claims.unwrap();
    assert_eq!(claims["iss"], json!(gatepass.issuer()));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 7);
}

#[tokio::test]
async fn invalid_seed_and_settings_are_refused_with_their_reason() {
    let error =
        async |seed: &str| Gatepass::builder().seed(seed).start().await.unwrap_err().to_string();
    for (seed, named) in [
        ("[[client]]\nclient_id = \"x\"\n", "unknown member `client`"),
        ("[[clients]]\nclient = \"x\"\n", "client"),
        ("clients = ", "not TOML"),
        ("{\"clients\":", "not JSON"),
        ("{\"users\":[{\"username\":\"x\"}]}", "set either password or password_hash"),
        ("{\"claims\":[{\"name\":\"a\"}]}", "claims"),
    ] {
        let error = error(seed).await;
        assert!(error.contains(named), "{named}: {error}");
    }
    let error = Gatepass::builder().issuer("nothing").start().await.unwrap_err().to_string();
    assert!(error.contains("`nothing` is not a URL"), "{error}");
    let off = Gatepass::builder().settings(|settings| settings.control.listen.clear());
    let error = off.start().await.unwrap_err().to_string();
    assert!(error.contains("control.listen"), "{error}");
}
