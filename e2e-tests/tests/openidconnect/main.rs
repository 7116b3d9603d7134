//! The crate `openidconnect`, unmodified, against the server of `gatepass-testkit`.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

use gatepass_testkit::{Flaw, Gatepass, Mint};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, Scope,
    TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreProviderMetadata, CoreUserInfoClaims,
    },
};

const CLIENT: (&str, &str) = ("service-a", "abc123");
const CALLBACK: &str = "http://localhost:9001/callback/platform";

async fn send(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let response =
        test_support::http::client_builder().build()?.execute(request.try_into()?).await?;
    let mut answer = HttpResponse::default();
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    *answer.body_mut() = response.bytes().await?.to_vec();
    Ok(answer)
}

async fn metadata(gatepass: &Gatepass) -> CoreProviderMetadata {
    let issuer = IssuerUrl::new(gatepass.issuer().to_owned()).unwrap();
    CoreProviderMetadata::discover_async(issuer, &send).await.unwrap()
}

fn client_id() -> ClientId {
    ClientId::new(CLIENT.0.to_owned())
}

fn client_secret() -> Option<ClientSecret> {
    Some(ClientSecret::new(CLIENT.1.to_owned()))
}

#[tokio::test]
async fn openidconnect_completes_a_code_flow() {
    let gatepass = Gatepass::start().await.unwrap();
    let metadata = metadata(&gatepass).await;
    let client = CoreClient::from_provider_metadata(metadata, client_id(), client_secret())
        .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("profile".to_owned()))
        .set_pkce_challenge(challenge)
        .url();

    let login = gatepass.login("alice").follow(&url).await.unwrap();
    assert_eq!(login.parameter("state").as_ref(), Some(state.secret()));
    let tokens = client
        .exchange_code(AuthorizationCode::new(login.code.unwrap()))
        .unwrap()
        .set_pkce_verifier(verifier)
        .request_async(&send)
        .await
        .unwrap();
    let id_token = tokens.id_token().unwrap();
    let claims = id_token.claims(&client.id_token_verifier(), &nonce).unwrap();
    let user_info: CoreUserInfoClaims = client
        .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        .unwrap()
        .request_async(&send)
        .await
        .unwrap();
    let alice = gatepass.user("alice").await.unwrap();
    assert_eq!(alice.get("sub").unwrap(), user_info.subject().as_str());
}

#[tokio::test]
async fn openidconnect_refuses_flawed_id_tokens() {
    let gatepass = Gatepass::start().await.unwrap();
    let metadata = metadata(&gatepass).await;
    let client = CoreClient::from_provider_metadata(metadata, client_id(), client_secret());
    let nonce = Nonce::new("the nonce of this login".to_owned());
    let minted = async |flaw: Option<Flaw>| -> CoreIdToken {
        let mint = Mint::id(CLIENT.0, "alice").nonce(nonce.secret());
        let mint = flaw.into_iter().fold(mint, Mint::flaw);
        gatepass.mint(mint).await.unwrap().as_str().parse().unwrap()
    };
    let verifier = client.id_token_verifier();
    minted(None).await.claims(&verifier, &nonce).unwrap();
    let error = async |flaw| minted(Some(flaw)).await.claims(&verifier, &nonce).unwrap_err();
    use ClaimsVerificationError as Error;
    assert!(matches!(error(Flaw::WrongNonce).await, Error::InvalidNonce(_)));
    assert!(matches!(error(Flaw::WrongIssuer).await, Error::InvalidIssuer(_)));
    assert!(matches!(error(Flaw::WrongAudience).await, Error::InvalidAudience(_)));
    assert!(matches!(error(Flaw::Expired).await, Error::Expired(_)));
    for flaw in [Flaw::Signature, Flaw::ForeignKey, Flaw::AlgNone, Flaw::Hs256WithPublicKey] {
        let refused = error(flaw).await;
        assert!(matches!(refused, Error::SignatureVerification(_)), "{flaw:?}: {refused}");
    }
}
