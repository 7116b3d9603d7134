//! A mock of a foreign issuer: other paths, a path in the issuer, OpenID Connect Discovery only.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clock::Clock;
use doctor::{
    Checks, Client, ConfirmedIssuer, HttpProbe, IssuerConfig, Leeway, LoginRequest,
    MetadataLocation, PublishedKeys, ReachedBy, SettingNames, TokenRequest, check_issuer,
    check_keys, check_redirect_uri, check_token_request,
};
use oauth_types::{ClientAuthMethod, ClientSecret, Scope};
use serde_json::{Value, json};
use service_kit::HttpClientSettings;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_string_contains, header_exists, method, path, query_param},
};

use crate::output::Output;

pub const REALM: &str = "/realms/shop";
pub const SECRET: &str = "s3cr=t & very/private";
pub const RESOURCE: &str = "https://b.example";
pub const CALLBACK: &str = "https://a.example/callback/vendor";
const PROTOCOL: &str = "/realms/shop/protocol";

pub struct Vendor {
    pub server: MockServer,
    pub metadata: Value,
    pub keys: Value,
    pub claims: Value,
    pub header: Value,
}

impl Vendor {
    pub async fn new() -> Self {
        let server = MockServer::start().await;
        let issuer = format!("{}{REALM}", server.uri());
        let at = |end: &str| format!("{}{PROTOCOL}/{end}", server.uri());
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": at("auth"),
            "token_endpoint": at("token"),
            "revocation_endpoint": at("revoke"),
            "jwks_uri": at("certs"),
            "scopes_supported": ["openid", "read", "write"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "mtls_endpoint_aliases": { "token_endpoint": "https://mtls.example" },
        });
        let claims = json!({ "iss": issuer, "aud": [RESOURCE, "account"], "scope": "read write", "exp": 4_000_000_000_u32 });
        let header = json!({ "alg": "RS256", "kid": "vendor-1", "typ": "JWT" });
        let keys = json!([{ "kty": "RSA", "kid": "vendor-1", "use": "sig", "alg": "RS256", "n": "AQAB", "e": "AQAB" },
            { "kty": "RSA", "kid": "vendor-enc", "use": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB" }]);
        Self { server, metadata, keys, claims, header }
    }

    pub fn issuer(&self) -> String {
        format!("{}{REALM}", self.server.uri())
    }

    /// Returns a token with the current header and claims and an invalid signature.
    pub fn token(&self) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2lnbmF0dXJl", part(&self.header), part(&self.claims))
    }

    /// Mounts the responses of a correct issuer. Responses mounted before take precedence.
    pub async fn mount(&self) {
        let json = |body: &Value| ResponseTemplate::new(200).set_body_json(body);
        let get = |at: String, response| {
            Mock::given(method("GET")).and(path(at)).respond_with(response).mount(&self.server)
        };
        get(format!("{REALM}/.well-known/openid-configuration"), json(&self.metadata)).await;
        get(format!("{PROTOCOL}/certs"), json(&json!({ "keys": self.keys }))).await;
        let granted = json!({ "access_token": self.token(), "token_type": "Bearer", "expires_in": 300, "scope": "read write" });
        let token = || Mock::given(method("POST")).and(path(format!("{PROTOCOL}/token")));
        let invalid_grant =
            ResponseTemplate::new(400).set_body_json(json!({ "error": "invalid_grant" }));
        token()
            .and(body_string_contains("authorization_code"))
            .respond_with(invalid_grant)
            .mount(&self.server)
            .await;
        token().respond_with(json(&granted)).mount(&self.server).await;
        let revoke = Mock::given(method("POST")).and(path(format!("{PROTOCOL}/revoke")));
        revoke.respond_with(ResponseTemplate::new(200)).mount(&self.server).await;
        let auth = || Mock::given(method("GET")).and(path(format!("{PROTOCOL}/auth")));
        let back = format!("{CALLBACK}?error=login_required&state=doctor");
        let back = ResponseTemplate::new(302).insert_header("location", back);
        auth()
            .and(query_param("redirect_uri", CALLBACK))
            .respond_with(back)
            .mount(&self.server)
            .await;
        let page =
            ResponseTemplate::new(400).set_body_string("<h1>Invalid parameter: redirect_uri</h1>");
        auth().respond_with(page).mount(&self.server).await;
    }

    /// Mounts a response of the token endpoint. Call it before `mount`.
    pub async fn at_token(&self, response: ResponseTemplate) {
        Mock::given(path(format!("{PROTOCOL}/token")))
            .respond_with(response)
            .mount(&self.server)
            .await;
    }

    /// Rejects `client_secret_basic`.
    pub async fn reject_basic(&self) {
        let response =
            ResponseTemplate::new(401).set_body_json(json!({ "error": "invalid_client" }));
        let basic =
            Mock::given(path(format!("{PROTOCOL}/token"))).and(header_exists("authorization"));
        basic.respond_with(response).mount(&self.server).await;
    }

    pub async fn at_auth(&self, response: ResponseTemplate) {
        Mock::given(path(format!("{PROTOCOL}/auth")))
            .respond_with(response)
            .mount(&self.server)
            .await;
    }

    pub async fn requests_to(&self, end: &str) -> Vec<wiremock::Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter()
            .filter(|request| request.url.path() == format!("{PROTOCOL}/{end}"))
            .collect()
    }

    pub fn at(&self) -> IssuerConfig {
        IssuerConfig {
            label: "issuer".to_owned(),
            names: names(),
            issuer: self.issuer(),
            internal_url: None,
            reached_by: ReachedBy::Browsers,
            metadata_location: MetadataLocation::OAuthOrOpenId,
        }
    }

    pub async fn known(&self, checks: &mut Checks) -> ConfirmedIssuer {
        check(checks, &self.at()).await.unwrap()
    }

    /// Runs the checks of a client: keys, token and login.
    pub async fn check_all(&self, method: ClientAuthMethod) -> Output {
        let mut checks = Checks::default();
        let known = self.known(&mut checks).await;
        let keys = check_keys(&mut checks, &known, &["RS256".to_owned()], None).await;
        self.token_with(&mut checks, &known, method, keys.as_ref()).await;
        self.login(&mut checks, &known).await;
        Output::of(checks)
    }

    pub async fn token_with(
        &self,
        checks: &mut Checks,
        known: &ConfirmedIssuer,
        method: ClientAuthMethod,
        keys: Option<&PublishedKeys>,
    ) {
        let (scope, names): (Scope, _) = ("read write".parse().unwrap(), names());
        let need = TokenRequest {
            check: "token".to_owned(),
            scope: &scope,
            resource: RESOURCE,
            resource_setting: "targets.local.resource".to_owned(),
            names: &names,
        };
        check_token_request(checks, known, &client(method), &need, keys).await;
    }

    pub async fn login(&self, checks: &mut Checks, known: &ConfirmedIssuer) {
        let names = names();
        let login = LoginRequest {
            client_id: "a",
            redirect_uri: CALLBACK,
            scopes: "openid read",
            resources: "",
            names: &names,
            issuer_names: &names,
            scope_setting: "scope",
        };
        check_redirect_uri(checks, known, &login).await;
    }
}

pub fn names() -> SettingNames {
    SettingNames::of("service-a")
}

pub fn client(method: ClientAuthMethod) -> Client {
    let (id, secret) = ("a".to_owned(), ClientSecret::new(SECRET));
    Client { id, secret, method, names: names(), method_setting: Some("client_auth") }
}

/// Checks the issuer with the system clock and certificate authorities.
pub async fn check(checks: &mut Checks, at: &IssuerConfig) -> Option<ConfirmedIssuer> {
    let probe = HttpProbe::new(&HttpClientSettings::default(), &Clock::system());
    check_issuer(
        checks,
        at,
        &probe,
        Leeway { seconds: 5, setting: Some((&names(), "local.leeway_seconds")) },
    )
    .await
}
